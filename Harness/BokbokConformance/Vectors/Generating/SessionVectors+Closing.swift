internal import BokbokCore

/// Plain sessions about closing, and about what a side has to take without harm.
extension SessionVectors {
  static let closing: [Vector] = [
    good(
      "plain/close-by-server",
      "The server closes with the code shutdown, which both sides report.",
      ["C-1.b", "C-2.b", "C-4.d"]
    ) { script in
      script.does(.server, .close(code: "shutdown", message: "the server is stopping"))
    },
    good(
      "plain/close-crosses",
      "Both sides close at once: each reports its own code.",
      ["C-1.c", "C-4.a", "C-4.d"]
    ) { script in
      script.crossing {
        script.does(.client, .close(code: "normal", message: "done"))
        script.does(.server, .close(code: "shutdown", message: "tonight"))
      }
    },
    good(
      "plain/close-under-way",
      "A close while a request is under way each way: both are answered before the end.",
      ["C-2.a", "C-3.c", "C-4.b", "C-4.a"]
    ) { script in
      script.does(.client, .request(["slow", 1]))
      script.does(.server, .request(["slow", 2]))
      close(script)
      script.does(.client, .request(["late"]))
      script.does(.client, .respond(1, .value("two")))
      script.does(.server, .respond(1, .value("one")))
    },
    good(
      "plain/request-crosses-close",
      "A request crosses the other side's CLOSE: it is answered with closing.",
      ["C-3.a", "C-3.b", "X-2.a"]
    ) { script in
      script.crossing {
        script.does(.client, .request(echo))
        script.does(.server, .close(code: "shutdown", message: ""))
      }
    },
    good(
      "plain/malformed-crosses-close",
      "A request that comes after the CLOSE was sent is answered with closing, also if it is malformed.",
      ["C-3.a"],
      .rawClient
    ) { script in
      script.opens()
      script.does(.server, .close(code: "shutdown", message: ""))
      script.sends(WireFrame(.request, id: 1, text: "hello"))
      script.sends(.normalClose)
      script.ends()
    },
    good(
      "plain/waiting-fail-on-close",
      "Requests that wait for a place fail when this side closes; the one that has a place goes on.",
      ["C-1.g", "C-1.h"],
      Setup.plain.settings(.server, ["max-requests": 1])
    ) { script in
      script.does(.client, .request(["first"]))
      script.does(.client, .request(["second"]))
      close(script)
      script.does(.server, .respond(1, .value("first")))
    },
    good(
      "plain/waiting-fail-on-received-close",
      "Requests that wait for a place fail when the other side closes.",
      ["C-2.a", "C-2.d"],
      Setup.plain.settings(.server, ["max-requests": 1])
    ) { script in
      script.does(.client, .request(["first"]))
      script.does(.client, .request(["second"]))
      script.does(.server, .close(code: "shutdown", message: ""))
      script.does(.server, .respond(1, .value("first")))
    },
    good(
      "plain/ping-while-closing",
      "A PING after both CLOSEs is answered as long as something is under way.",
      ["P-1.c"]
    ) { script in
      script.does(.client, .request(["slow"]))
      close(script)
      script.does(.server, .ping(7))
      script.does(.server, .respond(1, .value("done")))
    },
    good(
      "plain/end-after-close",
      "The client ends its output after its CLOSE without waiting for the server's.",
      ["C-6.d"],
      .rawClient
    ) { script in
      script.opens()
      script.crossing {
        script.sends(.normalClose)
        script.ends()
      }
    },
    good(
      "plain/turned-down",
      "The server's open handler turns the connection down while a request waits.",
      ["C-9.a", "C-9.b", "C-9.d"],
      Setup.rawClient.change(.server) { $0.hasOpenHandler = true }
    ) { script in
      script.opens()
      script.sends(.echoRequest)
      script.does(.server, .turnDown(code: "example.full", message: "come back later"))
    },
    good(
      "plain/let-in-late",
      "The server's open handler lets the connection in after a request has come.",
      ["C-9.d"],
      Setup.plain.change(.server) { $0.hasOpenHandler = true }
    ) { script in
      script.does(.client, .request(echo))
      script.does(.server, .letIn)
      script.does(.server, .respond(1, .value(echo)))
      close(script)
    },
  ]

  static let tolerated: [Vector] = [
    good(
      "plain/unknown-settings",
      "Settings that nobody knows do not matter.",
      ["S-3.a", "S-4.a"],
      .rawClient
    ) { script in
      script.opens(settings: "((11:example.foo(1:a)1:1)(12:max-requests1:1)(11:example.foo))")
      script.does(.server, .request(["one"]))
      script.does(.server, .request(["two"]))
      script.sends(WireFrame(.response, id: 1, text: "1:1"))
      script.sends(WireFrame(.response, id: 2, text: "1:2"))
      script.sends(.normalClose)
      script.ends()
    },
    good(
      "plain/all-in-one-record",
      "SETTINGS, two requests, a PING and CLOSE in the client's first record.",
      ["R-2.b", "S-1.e", "F-2.f"],
      .rawClient
    ) { script in
      let frames = [
        WireFrame(.settings, text: "()"), .echoRequest, WireFrame(.request, id: 2, text: "2:hi"),
        WireFrame(.ping, text: "12345678"), .normalClose,
      ]
      script.sends(bytes: WirePreamble.bytes(mode: 0) + .record(frames.flatMap(\.bytes)))
      script.does(.server, .respond(2, .value("hi")))
      script.does(.server, .respond(1, .value(echo)))
      script.ends()
    },
    good(
      "plain/byte-by-byte",
      "The client's opening and a request arrive one byte after the other.",
      ["S-1.f", "R-5.a"],
      .rawClient
    ) { script in
      let opening = WirePreamble.bytes(mode: 0) + .record(WireFrame(.settings, text: "()").bytes)
      for byte in opening + .record(WireFrame(.request, id: 1, text: "0:").bytes) { script.sends(bytes: [byte]) }
      script.does(.server, .respond(1, .value("")))
      script.sends(.normalClose)
      script.ends()
    },
    good(
      "plain/unasked-pong",
      "PONGs that nothing asked for, and PINGs with the same body.",
      ["P-1.a", "P-2.a"],
      .rawServer
    ) { script in
      script.opens()
      script.sends(WireFrame(.pong, text: "12345678"))
      script.sends(WireFrame(.ping, text: "87654321"), WireFrame(.ping, text: "87654321"))
      script.sends(.normalClose)
      script.ends()
    },
    good(
      "plain/ids-in-any-order",
      "Ids from the largest downwards, and one of them again.",
      ["X-1.a", "X-1.c"],
      .rawClient
    ) { script in
      script.opens()
      for id in [UInt32.max, 7, 1, 7] {
        script.sends(WireFrame(.request, id: id, text: "2:hi"))
        script.does(.server, .respond(id, .value("ho")))
      }
      script.sends(.normalClose)
      script.ends()
    },
    good(
      "plain/error-ends-response",
      "An ERROR ends a response of which a part has come.",
      ["X-3.e"],
      .rawServer
    ) { script in
      script.opens()
      script.does(.client, .request(echo))
      script.sends(WireFrame(.response, id: 1, more: true, text: "(4:echo"))
      script.sends(WireFrame(.error, id: 1, text: "(12:out-of-stock7:no more)"))
      script.sends(.normalClose)
      script.ends()
    },
    good(
      "plain/keepalive",
      "A side with keepalive sends a PING after 1 s of silence; any record begins the interval anew.",
      ["P-3.b", "P-3.d", "P-3.e"],
      Setup.plain.limits(.client, ["keepaliveMs": 1000])
    ) { script in
      script.waits(milliseconds: 999)
      script.waits(milliseconds: 1)
      script.waits(milliseconds: 500)
      script.does(.server, .ping(5))
      script.waits(milliseconds: 999)
      script.waits(milliseconds: 1)
      close(script)
    },
  ]
}
