internal import BokbokCore

/// Plain sessions that end otherwise than cleanly: violations of each kind, losses, time limits.
extension SessionVectors {
  static let violations = openingViolations + exchangeViolations + closingViolations + losses

  // MARK: The opening, records and frames

  private static let openingViolations: [Vector] = [
    bad(
      "plain/first-frame-request",
      "The first frame is a REQUEST: the server's SETTINGS, and then CLOSE.",
      breaks: "S-1.c",
      clauses: ["F-2.a", "F-2.b", "F-2.c", "S-1.g"],
      .rawClient
    ) { script in
      script.sends(bytes: WirePreamble.bytes(mode: 0) + .record(WireFrame.echoRequest.bytes))
      script.ends()
    },
    bad(
      "plain/first-frame-ping",
      "The server's first frame is a PING.",
      breaks: "S-1.c",
      clauses: ["F-2.a"],
      .rawServer
    ) { script in
      script.sends(bytes: WirePreamble.bytes(mode: 0) + .record(WireFrame(.ping, text: "12345678").bytes))
      script.ends()
    },
    bad("plain/second-settings", "A second SETTINGS.", breaks: "S-1.b", .rawClient) { script in
      script.opens()
      script.sends(WireFrame(.settings, text: "()"))
      script.ends()
    },
    bad("plain/settings-malformed", "SETTINGS that is not a list.", breaks: "S-3.b", .rawServer) { script in
      script.opens(settings: "2:no")
      script.ends()
    },
    bad("plain/settings-out-of-range", "A max-requests of 0.", breaks: "S-3.e", .rawClient) { script in
      script.opens(settings: "((12:max-requests1:0))")
      script.ends()
    },
    bad("plain/record-of-length-0", "A record of length 0.", breaks: "R-1.a", .rawClient) { script in
      script.opens()
      script.sends(bytes: [0, 0])
      script.ends()
    },
    bad(
      "plain/frame-over-two-records",
      "A frame that spans two records.",
      breaks: "F-1.e",
      clauses: ["R-2.a"],
      .rawClient
    ) {
      script in
      script.opens()
      let frame = WireFrame.echoRequest.bytes
      script.sends(bytes: .record(Array(frame.prefix(12))) + .record(Array(frame.dropFirst(12))))
      script.ends()
    },
    bad("plain/unknown-kind", "A kind that is not known.", breaks: "F-1.f", clauses: ["S-4.a"], .rawServer) { script in
      script.opens(settings: "((11:example.foo1:1))")
      script.sends(WireFrame(kind: 8))
      script.ends()
    },
    bad("plain/reserved-flag", "A reserved flag.", breaks: "F-1.g", clauses: ["S-4.a"], .rawClient) { script in
      script.opens()
      script.sends(WireFrame(kind: 1, flags: 2, id: 1, body: Array("0:".utf8)))
      script.ends()
    },
    bad(
      "plain/nothing-after-violation",
      "Frames after the violation, in the same record and in the next, do not count.",
      breaks: "F-1.i",
      clauses: ["F-2.f"],
      .rawClient
    ) { script in
      script.opens()
      script.sends(WireFrame(kind: 1, body: Array("0:".utf8)), .echoRequest, WireFrame(.ping, text: "12345678"))
      script.sends(.echoRequest)
      script.ends()
    },
    bad(
      "plain/violation-fails-requests",
      "The server breaks a rule while a request of the client's is under way.",
      breaks: "F-1.k",
      clauses: ["F-2.e", "C-7.c"],
      .rawServer
    ) { script in
      script.opens()
      script.does(.client, .request(echo))
      script.sends(WireFrame(.pong, text: "1234567"))
      script.ends()
    },
  ]

  // MARK: Exchanges

  private static let exchangeViolations: [Vector] = [
    bad("plain/request-twice", "A REQUEST for an id whose request is whole.", breaks: "X-3.a", .rawClient) { script in
      script.opens()
      script.sends(.echoRequest)
      script.sends(.echoRequest)
      script.ends()
    },
    bad(
      "plain/request-after-cancel",
      "A REQUEST frame after the CANCEL of a request whose handler runs.",
      breaks: "X-3.b",
      .rawClient
    ) {
      script in
      script.opens()
      script.sends(.echoRequest)
      script.sends(WireFrame(.cancel, id: 1), .echoRequest)
      script.ends()
    },
    bad("plain/response-unasked", "A RESPONSE that nothing asked for.", breaks: "X-3.c", .rawServer) { script in
      script.opens()
      script.sends(.echoResponse)
      script.ends()
    },
    bad("plain/error-unasked", "An ERROR for an exchange that is over.", breaks: "X-3.c", .rawServer) { script in
      script.opens()
      script.does(.client, .request(echo))
      script.sends(.echoResponse)
      script.sends(WireFrame(.error, id: 1, text: "(4:oops0:)"))
      script.ends()
    },
    bad(
      "plain/response-to-own-id",
      "A RESPONSE with the id of the sender's own request.",
      breaks: "X-3.c",
      clauses: ["X-1.b"],
      .rawClient
    ) {
      script in
      script.opens()
      script.sends(WireFrame(.request, id: 1, text: "0:"))
      script.sends(.echoResponse)
      script.ends()
    },
    bad("plain/more-empty", "A fragment with MORE and no bytes.", breaks: "X-4.e", .rawClient) { script in
      script.opens()
      script.sends(WireFrame(.request, id: 1, more: true, body: []))
      script.ends()
    },
    bad(
      "plain/message-too-long",
      "A request that is a byte longer than max-message.",
      breaks: "X-5.a",
      Setup.rawClient.settings(.server, ["max-message": 1024])
    ) { script in
      script.opens()
      script.sends(WireFrame(.request, id: 1, text: "1020:" + String(repeating: "a", count: 1020)))
      script.ends()
    },
    bad(
      "plain/message-too-long-in-fragments",
      "A response that exceeds max-message with its second fragment.",
      breaks: "X-5.a",
      Setup.rawServer.settings(.client, ["max-message": 1024])
    ) { script in
      script.opens()
      script.does(.client, .request(echo))
      script.sends(WireFrame(.response, id: 1, more: true, text: "1020:" + String(repeating: "a", count: 1000)))
      script.sends(WireFrame(.response, id: 1, text: String(repeating: "a", count: 20)))
      script.ends()
    },
    bad(
      "plain/too-many-requests",
      "A third request where two may be under way.",
      breaks: "X-6.a",
      Setup.rawClient.settings(.server, ["max-requests": 2])
    ) { script in
      script.opens()
      for id in 1...3 as ClosedRange<UInt32> { script.sends(WireFrame(.request, id: id, text: "0:")) }
      script.ends()
    },
    bad(
      "plain/too-many-partial",
      "A request that is not whole takes a place like any other.",
      breaks: "X-6.a",
      Setup.rawClient.settings(.server, ["max-requests": 1])
    ) { script in
      script.opens()
      script.sends(WireFrame(.request, id: 1, more: true, text: "("))
      script.sends(WireFrame(.request, id: 2, text: "0:"))
      script.ends()
    },
    bad(
      "plain/too-much-partial",
      "Three unfinished requests exceed max-partial; a last fragment is not counted.",
      breaks: "X-10.e",
      clauses: ["X-10.f"],
      Setup.rawClient.settings(.server, ["max-message": 1024, "max-partial": 1500])
    ) { script in
      script.opens()
      script.sends(WireFrame(.request, id: 1, more: true, text: "997:" + String(repeating: "a", count: 746)))
      script.sends(WireFrame(.request, id: 2, more: true, text: "997:" + String(repeating: "a", count: 746)))
      script.sends(WireFrame(.request, id: 1, text: String(repeating: "a", count: 251)))
      script.sends(WireFrame(.request, id: 3, more: true, text: "997:" + String(repeating: "a", count: 746)))
      script.sends(WireFrame(.request, id: 4, more: true, text: "("))
      script.ends()
    },
  ]

  // MARK: Closing

  private static let closingViolations: [Vector] = [
    bad("plain/close-twice", "A second CLOSE.", breaks: "C-1.d", .rawClient) { script in
      script.opens()
      script.does(.server, .request(echo))
      script.sends(.normalClose, .normalClose)
      script.ends()
    },
    bad(
      "plain/request-after-close",
      "A new request after CLOSE, while another exchange is under way.",
      breaks: "C-1.f",
      .rawClient
    ) { script in
      script.opens()
      script.does(.server, .request(echo))
      script.sends(.normalClose, .echoRequest)
      script.ends()
    },
    bad("plain/close-malformed", "A CLOSE without a message.", breaks: "E-2.f", .rawServer) { script in
      script.opens()
      script.sends(WireFrame(.close, text: "(6:normal)"))
      script.ends()
    },
    bad("plain/close-with-details", "A CLOSE with a detail.", breaks: "E-2.f", .rawClient) { script in
      script.opens()
      script.sends(WireFrame(.close, text: "(6:normal0:1:x)"))
      script.ends()
    },
    bad("plain/close-code-invalid", "A CLOSE whose code is in upper case.", breaks: "E-2.f", .rawClient) { script in
      script.opens()
      script.sends(WireFrame(.close, text: "(6:Normal0:)"))
      script.ends()
    },
    bad(
      "plain/protocol-error",
      "The other side says that it found a violation: the stream is closed without a word.",
      breaks: "C-7.a",
      clauses: ["C-7.b"],
      .rawServer
    ) { script in
      script.opens()
      script.does(.client, .request(echo))
      script.sends(WireFrame(.close, text: "(14:protocol-error17:you said too much)"))
    },
    bad(
      "plain/protocol-error-after-close",
      "protocol-error may follow another CLOSE.",
      breaks: "C-1.e",
      clauses: ["C-7.a"],
      .rawClient
    ) { script in
      script.opens()
      script.does(.server, .request(echo))
      script.sends(.normalClose)
      script.sends(WireFrame(.close, text: "(14:protocol-error3:no.)"))
    },
  ]

  // MARK: Losses and time limits

  private static let losses: [Vector] = [
    bad("plain/end-at-once", "The stream ends after the opening.", breaks: "C-6.a", ending: "lost", .rawClient) {
      script in
      script.opens()
      script.ends()
    },
    bad(
      "plain/end-under-way",
      "The stream ends after CLOSE, while a request is under way.",
      breaks: "C-6.a",
      ending: "lost",
      clauses: ["C-6.c", "C-6.d"],
      .rawClient
    ) { script in
      script.opens()
      script.sends(.echoRequest)
      script.sends(.normalClose)
      script.ends()
    },
    bad("plain/end-in-record", "The stream ends in a record.", breaks: "C-6.a", ending: "lost", .rawServer) { script in
      script.opens()
      script.sends(bytes: [0, 20, 7, 0])
      script.ends()
    },
    bad(
      "plain/end-before-settings",
      "The stream ends after the server's preamble: the connection never was open.",
      breaks: "C-6.a",
      ending: "lost",
      clauses: ["S-1.g"],
      .rawServer
    ) { script in
      script.sends(bytes: WirePreamble.bytes(mode: 0))
      script.ends()
    },
    bad(
      "plain/abort",
      "The client gives up without a word; the server has lost it.",
      breaks: "C-6.a",
      ending: "lost",
      .plain
    ) {
      script in
      script.does(.client, .request(echo))
      script.does(.client, .abort)
    },
    bad(
      "plain/handshake-time-limit-server",
      "A client that trickles in: closed without a word when the time is over.",
      breaks: "O-10.a",
      ending: "timeout",
      clauses: ["O-10.b", "O-10.d"],
      .rawClient
    ) { script in
      script.sends(bytes: Array("BOK".utf8))
      script.waits(milliseconds: 9999)
      script.sends(bytes: Array("BOK".utf8))
      script.waits(milliseconds: 1)
    },
    bad(
      "plain/handshake-time-limit-settings",
      "A client that never sends SETTINGS: no CLOSE is sent.",
      breaks: "O-10.a",
      ending: "timeout",
      Setup.rawClient.limits(.server, ["handshakeMs": 500])
    ) { script in
      script.sends(bytes: WirePreamble.bytes(mode: 0))
      script.waits(milliseconds: 500)
    },
    bad(
      "plain/handshake-time-limit-client",
      "A server that says nothing.",
      breaks: "O-10.c",
      ending: "timeout",
      Setup.rawServer.limits(.client, ["handshakeMs": 2000])
    ) { script in
      script.waits(milliseconds: 1999)
      script.waits(milliseconds: 1)
    },
    bad(
      "plain/drain-time-limit",
      "A handler that does not end: the side that asked for the close gives up after 5 s.",
      breaks: "C-5.a",
      ending: "lost",
      clauses: ["C-5.b", "C-5.c"],
      .plain
    ) { script in
      script.does(.client, .request(["hang"]))
      close(script)
      script.waits(milliseconds: 4999)
      script.waits(milliseconds: 1)
    },
    bad(
      "plain/keepalive-lost",
      "No record within the keepalive time-out after the PING.",
      breaks: "P-3.c",
      ending: "lost",
      clauses: ["P-3.b", "P-2.b"],
      Setup.rawClient.limits(.server, ["keepaliveMs": 1000, "keepaliveTimeoutMs": 300])
    ) { script in
      script.opens()
      script.waits(milliseconds: 1000)
      script.waits(milliseconds: 299)
      script.waits(milliseconds: 1)
    },
  ]
}
