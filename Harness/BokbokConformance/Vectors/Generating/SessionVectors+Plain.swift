internal import BokbokCore

/// Plain sessions in which nobody breaks a rule.
extension SessionVectors {
  static let plain = exchanges + cancelling + limits + closing + tolerated

  // MARK: Requests and answers

  private static let exchanges: [Vector] = [
    good(
      "plain/echo",
      "Open, one request, its answer, close: the shortest useful connection.",
      ["O-1.a", "O-7.a", "O-7.b", "O-8.a", "S-1.a", "S-1.f", "X-2.a", "X-2.b", "C-2.b", "C-4.a", "C-4.c", "C-4.d"]
    ) { script in
      script.does(.client, .request(echo))
      script.does(.server, .respond(1, .value(echo)))
      close(script)
    },
    good(
      "plain/both-directions",
      "Each side asks the other, both with the id 1, and the answers cross.",
      ["X-1.a", "X-1.b", "X-9.b"]
    ) { script in
      script.crossing {
        script.does(.client, .request(["from", "client"]))
        script.does(.server, .request(["from", "server"]))
      }
      script.crossing {
        script.does(.client, .respond(1, .value(["to", "server"])))
        script.does(.server, .respond(1, .value(["to", "client"])))
      }
      close(script)
    },
    good(
      "plain/three-at-once",
      "Three requests at once, answered in another order.",
      ["X-9.a", "X-9.b", "R-2.b"]
    ) { script in
      script.crossing {
        for number in 1...3 { script.does(.client, .request(["number", Value(number)])) }
      }
      for number in [3, 1, 2] as [UInt32] { script.does(.server, .respond(number, .value(["was", Value(number)]))) }
      close(script)
    },
    good(
      "plain/nested",
      "The server's handler asks back on the same connection before it answers.",
      ["X-8.a"]
    ) { script in
      script.does(.client, .request(["nest", 1]))
      script.does(.server, .request(["nest", 0]))
      script.does(.client, .respond(1, .value(["nested"])))
      script.does(.server, .respond(1, .value([["nested"]])))
      close(script)
    },
    good("plain/ping", "Each side sends a PING.", ["P-1.a"]) { script in
      script.does(.client, .ping(1))
      script.does(.server, .ping(0xFFEE_DDCC_BBAA_9988))
      close(script)
    },
    good(
      "plain/errors",
      "Errors of handlers: with a code of the application, with a reserved one, with one that is none.",
      ["E-1.a", "E-1.b", "E-1.c", "E-1.d", "E-1.f", "E-1.i"]
    ) { script in
      let details: [Value] = ["alice", ["a", []]]
      let answers: [HandlerAnswer] = [
        .error(code: "not-found", message: "no such user", details: details),
        .error(code: "closing", message: "not ours to say", details: details),
        .error(code: "Not A Code", message: "upper case", details: []),
        .failed(message: "the handler crashed"),
      ]
      for (index, answer) in answers.enumerated() {
        script.does(.client, .request(["fail", Value(index)]))
        script.does(.server, .respond(UInt32(index + 1), answer))
      }
      close(script)
    },
    good(
      "plain/not-a-value",
      "A request that is no value is answered, and the connection goes on.",
      ["E-2.a", "E-2.b", "E-2.c"],
      .rawClient
    ) { script in
      script.opens()
      script.sends(WireFrame(.request, id: 1, text: "hello"))
      script.sends(WireFrame(.request, id: 2, text: ""))
      script.sends(WireFrame(.request, id: 3, text: "(4:echo5:12345)x"))
      script.sends(.echoRequest)
      script.does(.server, .respond(1, .value(echo)))
      script.sends(.normalClose)
      script.ends()
    },
    good(
      "plain/answer-not-a-value",
      "Answers that are no values fail their requests only.",
      ["E-2.c", "E-2.d", "E-2.e"],
      .rawServer
    ) { script in
      script.opens()
      for number in 1...4 { script.does(.client, .request(["number", Value(number)])) }
      script.sends(
        WireFrame(.response, id: 1, text: "hello"),
        WireFrame(.error, id: 2, text: "4:oops"),
        WireFrame(.error, id: 3, text: "(4:Oops0:)"),
        WireFrame(.response, id: 4, text: "2:ok")
      )
      script.sends(.normalClose)
      script.ends()
    },
  ]

  // MARK: Cancelling

  private static let cancelling: [Vector] = [
    good(
      "plain/cancel",
      "A request whose handler has begun is cancelled: the answer comes when the handler has ended.",
      ["X-7.a", "X-7.b", "X-7.c", "X-7.e"]
    ) { script in
      script.does(.client, .request(["hang"]))
      script.does(.client, .cancel(1))
      script.does(.server, .respond(1, .failed(message: "stopped")))
      close(script)
    },
    good(
      "plain/cancel-crosses-answer",
      "The CANCEL crosses the answer: both sides have what they need.",
      ["X-7.d", "X-7.e"]
    ) { script in
      script.does(.client, .request(echo))
      script.crossing {
        script.does(.client, .cancel(1))
        script.does(.server, .respond(1, .value(echo)))
      }
      close(script)
    },
    good(
      "plain/cancel-frees-place-late",
      "The place of a cancelled request stays taken until its answer has come.",
      ["X-6.b", "X-6.d", "X-7.i"],
      Setup.plain.settings(.server, ["max-requests": 1])
    ) { script in
      script.does(.client, .request(["hang"]))
      script.does(.client, .request(["second"]))
      script.does(.client, .cancel(1))
      script.does(.server, .respond(1, .failed(message: "stopped")))
      script.does(.server, .respond(2, .value(["done"])))
      close(script)
    },
    good(
      "plain/cancel-before-whole",
      "A request is cancelled after its first fragment: its handler never begins.",
      ["X-7.f", "X-7.g"],
      .rawClient
    ) { script in
      script.opens()
      script.sends(WireFrame(.request, id: 1, more: true, text: "(4:echo"))
      script.sends(WireFrame(.cancel, id: 1))
      // The answer has come: the id is free again.
      script.sends(.echoRequest)
      script.does(.server, .respond(1, .value(echo)))
      script.sends(.normalClose)
      script.ends()
    },
    good("plain/cancel-nothing", "CANCELs that name nothing, or again.", ["X-7.d"], .rawClient) { script in
      script.opens()
      script.sends(WireFrame(.cancel, id: 9))
      script.sends(.echoRequest)
      script.sends(WireFrame(.cancel, id: 1), WireFrame(.cancel, id: 1))
      script.does(.server, .respond(1, .value(echo)))
      script.sends(WireFrame(.cancel, id: 1))
      script.sends(.normalClose)
      script.ends()
    },
  ]

  // MARK: Limits

  private static let limits: [Vector] = [
    good(
      "plain/max-requests",
      "A third request waits for one of two places.",
      ["X-6.b", "X-6.c", "X-6.d"],
      Setup.plain.settings(.server, ["max-requests": 2])
    ) { script in
      script.crossing {
        for number in 1...3 { script.does(.client, .request(["number", Value(number)])) }
      }
      script.does(.server, .respond(2, .value("two")))
      script.does(.server, .respond(1, .value("one")))
      script.does(.server, .respond(3, .value("three")))
      close(script)
    },
    good(
      "plain/max-message",
      "A request and an answer that are a byte too long, and those that just fit.",
      ["S-2.c", "X-5.b", "X-5.c"],
      Setup.plain.settings(.client, ["max-message": 1024]).settings(.server, ["max-message": 2048])
    ) { script in
      let fits = Value(String(repeating: "a", count: 2043))  // "2043:" and as many bytes
      script.does(.client, .request(Value(String(repeating: "a", count: 2044))))
      script.does(.client, .request(fits))
      script.does(.server, .respond(1, .value(Value(String(repeating: "b", count: 1020)))))
      script.does(.client, .request(echo))
      script.does(.server, .respond(2, .value(Value(String(repeating: "b", count: 1019)))))
      close(script)
    },
    good(
      "plain/too-deep",
      "A request and an answer that nest 65 deep are not sent.",
      ["E-4.a", "E-4.b"]
    ) { script in
      var value = Value.list([])
      for _ in 1..<65 { value = [value] }
      script.does(.client, .request(value))
      script.does(.client, .request(echo))
      script.does(.server, .respond(1, .value(value)))
      close(script)
    },
    good(
      "plain/fragments",
      "A request and an answer longer than a record.",
      ["X-4.a", "R-2.a"]
    ) { script in
      script.does(.client, .request(Value(String(repeating: "a", count: 100_000))))
      script.does(.server, .respond(1, .value(Value(String(repeating: "b", count: 140_000)))))
      close(script)
    },
    good(
      "plain/small-beside-large",
      "A small request overtakes a large one that is being sent.",
      ["X-4.c", "X-4.d"]
    ) { script in
      script.crossing {
        script.does(.client, .request(Value(String(repeating: "a", count: 70_000))))
        script.does(.client, .request(echo))
      }
      script.does(.server, .respond(2, .value(echo)))
      script.does(.server, .respond(1, .value("done")))
      close(script)
    },
    good(
      "plain/fragments-of-one-byte",
      "A request in fragments of one byte, and an empty last one.",
      ["X-4.b", "X-4.f"],
      .rawClient
    ) { script in
      script.opens()
      for byte in "(4:ping)".utf8 { script.sends(WireFrame(.request, id: 1, more: true, body: [byte])) }
      script.sends(WireFrame(.request, id: 1, body: []))
      script.does(.server, .respond(1, .value("pong")))
      script.sends(.normalClose)
      script.ends()
    },
    good(
      "plain/alternating-fragments",
      "Fragments of two requests and of a response, in turns.",
      ["X-4.c"],
      .rawServer
    ) { script in
      script.opens()
      script.does(.client, .request(echo))
      script.sends(
        WireFrame(.request, id: 1, more: true, text: "(3:o"),
        WireFrame(.response, id: 1, more: true, text: "(4:ec"),
        WireFrame(.request, id: 2, more: true, text: "(3:tw")
      )
      script.sends(
        WireFrame(.response, id: 1, text: "ho5:12345)"),
        WireFrame(.request, id: 2, text: "o)"),
        WireFrame(.request, id: 1, text: "ne)")
      )
      script.does(.client, .respond(2, .value("2")))
      script.does(.client, .respond(1, .value("1")))
      script.sends(.normalClose)
      script.ends()
    },
  ]
}
