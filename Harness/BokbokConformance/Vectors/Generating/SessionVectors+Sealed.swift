internal import BokbokCore

/// Sealed sessions: with the secrets of the specification's example, unless the session says otherwise.
extension SessionVectors {
  static let sealed = sealedGood + tampering

  private static let sealedGood: [Vector] = [
    good(
      "sealed/echo",
      "Open, one request, its answer, close, with the secrets of the specification's example.",
      ["H-2.a", "H-2.b", "H-3.a", "H-10.a", "H-10.b", "R-2.c", "R-2.d", "C-4.a", "C-6.e"],
      .sealed
    ) { script in
      script.does(.client, .request(echo))
      script.does(.server, .respond(1, .value(echo)))
      close(script)
    },
    good(
      "sealed/both-directions",
      "Each side asks the other, and the answers cross.",
      ["X-1.b", "H-9.a"],
      .sealed
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
    good("sealed/cancel-and-errors", "Cancelling, an error and a PING, sealed.", ["X-7.c", "E-1.f", "P-1.a"], .sealed) {
      script in
      script.does(.client, .request(["hang"]))
      script.does(.client, .cancel(1))
      script.does(.server, .respond(1, .failed(message: "stopped")))
      script.does(.server, .request(["fail"]))
      script.does(.client, .respond(1, .error(code: "no.such-thing", message: "na\u{EF}ve", details: [["x"]])))
      script.does(.client, .ping(3))
      close(script)
    },
    good(
      "sealed/close-crosses",
      "Both sides close at once.",
      ["C-4.a", "C-4.d"],
      Setup.sealed.settings(.client, ["max-message": 65_536, "max-requests": 16])
    ) { script in
      script.crossing {
        script.does(.client, .close(code: "normal", message: ""))
        script.does(.server, .close(code: "shutdown", message: ""))
      }
    },
    good(
      "sealed/specification-client",
      "The client of the specification's example: its bytes are those printed there.",
      ["H-2.a", "H-2.b", "R-2.c", "R-2.d"],
      .sealedRawClient
    ) { script in
      script.opens(settings: "((11:max-message5:65536)(12:max-requests2:16))")
      script.sends(.echoRequest)
      script.does(.server, .respond(1, .value(echo)))
      script.sends(.normalClose)
      script.ends()
    },
    good(
      "sealed/specification-server",
      "The server of the specification's example: its bytes are those printed there.",
      ["H-3.a", "H-10.a", "R-2.c", "R-2.d"],
      Setup.sealedRawServer.settings(.client, ["max-message": 65_536, "max-requests": 16])
    ) { script in
      script.opens()
      script.does(.client, .request(echo))
      script.sends(.echoResponse)
      script.does(.client, .close(code: "normal", message: ""))
      script.sends(.normalClose)
      script.ends()
    },
    good(
      "sealed/user-not-ascii",
      "A user name outside of ASCII, which is reported byte for byte.",
      ["H-12.a", "H-1.a"],
      userSetup("rene\u{301}")
    ) { script in
      close(script, .server)
    },
    good(
      "sealed/two-frames-one-record",
      "Two requests under one seal.",
      ["R-2.b"],
      .sealedRawClient
    ) { script in
      script.opens()
      script.sends(.echoRequest, WireFrame(.request, id: 2, text: "2:hi"))
      script.does(.server, .respond(2, .value("hi")))
      script.does(.server, .respond(1, .value(echo)))
      script.sends(.normalClose)
      script.ends()
    },
  ]

  private static func userSetup(_ name: String) -> Setup {
    var setup = Setup.sealed
    let bytes = Array(name.utf8)
    setup.client = { $0.user = bytes }
    setup.server = { $0.users = [SidePlan.User(name: bytes, key: ReferenceHandshake.Inputs().userKey)] }
    return setup
  }

  // MARK: Tampering

  private static let tampering: [Vector] = [
    bad(
      "sealed/bit-flipped",
      "A bit of the client's request is flipped: nothing of it reaches the handler.",
      breaks: "R-3.a",
      ending: "tampered",
      clauses: ["R-3.c", "R-3.d"],
      .sealedRawClient
    ) { script in
      script.opens()
      script.sends(bytes: HandshakeVectors.flip(script.record(of: WireFrame.echoRequest.bytes), 10))
    },
    bad(
      "sealed/tag-flipped",
      "A bit of a tag is flipped, and the frames are not.",
      breaks: "R-3.a",
      ending: "tampered",
      clauses: ["R-3.c"],
      .sealedRawServer
    ) { script in
      script.opens()
      script.does(.client, .request(echo))
      let record = script.record(of: WireFrame.echoResponse.bytes)
      script.sends(bytes: HandshakeVectors.flip(record, record.count - 1))
    },
    bad(
      "sealed/replayed",
      "A request comes a second time, as the same record.",
      breaks: "R-3.b",
      ending: "tampered",
      .sealedRawClient
    ) { script in
      script.opens()
      let record = script.record(of: WireFrame(.ping, text: "12345678").bytes)
      script.sends(bytes: record)
      script.sends(bytes: record)
    },
    bad(
      "sealed/reordered",
      "Two records come in the other order.",
      breaks: "R-3.b",
      ending: "tampered",
      .sealedRawClient
    ) { script in
      script.opens()
      let first = script.record(of: WireFrame(.ping, text: "11111111").bytes)
      let second = script.record(of: WireFrame(.ping, text: "22222222").bytes)
      script.sends(bytes: second + first)
    },
    bad(
      "sealed/dropped",
      "A record is missing.",
      breaks: "R-3.b",
      ending: "tampered",
      .sealedRawClient
    ) { script in
      script.opens()
      _ = script.record(of: WireFrame(.ping, text: "11111111").bytes)
      script.sends(WireFrame(.ping, text: "22222222"))
    },
    bad(
      "sealed/reflected",
      "The client's own SETTINGS comes back to it.",
      breaks: "R-3.a",
      ending: "tampered",
      clauses: ["H-9.a"],
      .sealedRawServer
    ) { script in
      guard let handshake = script.handshake else { return }
      let settings = WireFrame(.settings, text: "()").bytes
      let reflected = ReferenceChaCha20Poly1305.seal(
        settings,
        key: handshake.clientToServerKey,
        nonce: ReferenceChaCha20Poly1305.nonce(counter: 0)
      )
      script.sends(bytes: HandshakeVectors.serverStream(message2: handshake.message2) + .record(reflected))
    },
    bad(
      "sealed/not-sealed",
      "A frame that is not sealed, after the handshake.",
      breaks: "R-3.a",
      ending: "tampered",
      clauses: ["R-3.d"],
      .sealedRawClient
    ) { script in
      script.opens()
      script.sends(bytes: .record(WireFrame.echoRequest.bytes))
    },
    bad(
      "sealed/length-0",
      "A record of length 0.",
      breaks: "R-1.b",
      ending: "tampered",
      .sealedRawClient
    ) { script in
      script.opens()
      script.sends(bytes: [0, 0])
    },
    bad(
      "sealed/length-15",
      "A record that is a byte shorter than the tag.",
      breaks: "R-1.b",
      ending: "tampered",
      .sealedRawServer
    ) { script in
      script.opens()
      script.sends(bytes: .record([UInt8](repeating: 0, count: 15)))
    },
    bad(
      "sealed/replayed-message-1",
      "Someone sends a recorded opening again, and cannot seal SETTINGS: the user is not authenticated.",
      breaks: "H-10.b",
      ending: "tampered",
      clauses: ["H-10.c", "R-3.d"],
      Setup.sealedRawClient.change(.server) { $0.ephemeral = ReferenceHandshake.ascending(from: 0x61) }
    ) { script in
      // Sealed with the keys of the connection that was recorded.
      let recorded = ReferenceHandshake()
      let settings = ReferenceChaCha20Poly1305.seal(
        WireFrame(.settings, text: "()").bytes,
        key: recorded.clientToServerKey,
        nonce: ReferenceChaCha20Poly1305.nonce(counter: 0)
      )
      let opening = HandshakeVectors.clientStream(user: Array("alice".utf8), message1: recorded.message1)
      script.sends(bytes: opening + .record(settings))
    },
    bad(
      "sealed/tag-alone",
      "A record that authenticates and has no frame in it.",
      breaks: "F-1.c",
      .sealedRawClient
    ) { script in
      script.opens()
      script.sends(content: [])
    },
    bad(
      "sealed/violation",
      "An unknown kind of frame, sealed: the CLOSE is sealed too.",
      breaks: "F-1.f",
      clauses: ["F-2.a", "F-2.d"],
      .sealedRawClient
    ) { script in
      script.opens()
      script.sends(content: [8, 0, 0, 0, 0, 0, 0, 0])
      script.ends()
    },
    bad(
      "sealed/end-without-close",
      "The stream ends, and no CLOSE came in a record that authenticates.",
      breaks: "C-6.e",
      ending: "lost",
      clauses: ["C-6.a"],
      .sealedRawServer
    ) { script in
      script.opens()
      script.ends()
    },
    bad(
      "sealed/end-in-record",
      "The stream ends in a record that holds CLOSE.",
      breaks: "C-6.e",
      ending: "lost",
      clauses: ["C-6.a"],
      .sealedRawServer
    ) { script in
      script.opens()
      script.sends(bytes: Array(script.record(of: WireFrame.normalClose.bytes).dropLast()))
      script.ends()
    },
  ]
}
