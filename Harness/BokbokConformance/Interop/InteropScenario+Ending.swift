extension InteropScenario {
  /// Connections that do not open, and those that end.
  static let ending = [
    InteropScenario(
      name: "wrong-key",
      title: "A wrong key and an unknown user are refused alike",
      needsSealing: true
    ) { pair in
      let wrong = [
        pair.sendConnect(key: String(repeating: "5c", count: 32)),
        pair.sendConnect(user: "nobody"),
      ]
      for sequence in wrong {
        let error = try pair.failure(.client, sequence, "connect", kinds: ["refused"])
        guard error["code"] == "authentication-failed" else {
          throw CaseFailure(expected: "the refusal authentication-failed", got: error.encodedText)
        }
      }
      try pair.close(pair.connect())
    },
    InteropScenario(name: "wrong-mode", title: "A client of the other mode is refused") { pair in
      let sequence = pair.sendConnect(sealed: !pair.isSealed)
      let error = try pair.failure(.client, sequence, "connect", kinds: ["refused"])
      guard error["code"] == "mode-mismatch" else {
        throw CaseFailure(expected: "the refusal mode-mismatch", got: error.encodedText)
      }
      try pair.close(pair.connect())
    },
    InteropScenario(name: "close-under-load", title: "What is under way is finished before a clean end") { pair in
      for side in pair.drivenSides {
        let link = try pair.connect()
        let sleeping = (0..<8).map { _ in pair.request(side, link, ["sleep", .number(50)]) }
        var members = pair.members(side, link)
        members["code"] = "enough"
        let close = pair.send(side, "close", members)
        for sequence in sleeping { try pair.expect(side, sequence, ["slept", .number(50)]) }
        try pair.success(side, close, "close")
        try pair.expectClosed(link, reason: "clean", code: "enough")
        try pair.failure(side, pair.request(side, link, ["echo"]), "a request after the end", kinds: ["closing"])
      }
    },
    InteropScenario(name: "crossed-close", title: "Both sides close at once", needsServer: true) { pair in
      // Which of the two comes first is chance; every order has to do.
      for _ in 0..<8 {
        let link = try pair.connect()
        let closes = InteropPair.Side.allCases.map { ($0, pair.send($0, "close", pair.members($0, link))) }
        for (side, sequence) in closes { try pair.success(side, sequence, "close") }
        try pair.expectClosed(link, reason: "clean", code: "normal")
      }
    },
    InteropScenario(name: "abort", title: "An aborted connection is lost at the other side", needsServer: true) {
      pair in
      for side in pair.drivenSides {
        let other: InteropPair.Side = side == .client ? .server : .client
        let link = try pair.connect()
        let hanging = pair.request(other, link, ["hang"])
        try pair.event(side, "request", link.id(on: side))
        try pair.success(side, pair.send(side, "abort", pair.members(side, link)), "abort")
        try pair.failure(other, hanging, "a request", kinds: ["lost"])
        let closed = try pair.event(other, "closed", link.id(on: other))
        guard closed["reason"] == "lost" else {
          throw CaseFailure(expected: "the \(other)'s connection to be lost", got: closed.encodedText)
        }
      }
    },
    InteropScenario(
      name: "stop-under-load",
      title: "A server that stops finishes what is under way",
      needsServer: true
    ) { pair in
      let links = try (0..<4).map { _ in try pair.connect() }
      let sleeping = links.flatMap { link in (0..<8).map { _ in pair.request(.client, link, ["sleep", .number(100)]) } }
      // Answers of the server's own requests are on their way, too.
      let asked = links.map { pair.request(.server, $0, ["sleep", .number(100)]) }
      for _ in sleeping { try pair.event(.server, "request") }
      for link in links { try pair.event(.client, "request", link.client) }
      let stop = pair.send(.server, "stop", JSON.Object([("server", .string(pair.serverID))]))
      for sequence in sleeping { try pair.expect(.client, sequence, ["slept", .number(100)]) }
      for sequence in asked { try pair.expect(.server, sequence, ["slept", .number(100)]) }
      for link in links { try pair.expectClosed(link, reason: "clean", code: "shutdown") }
      try pair.success(.server, stop, "stop")
      try pair.failure(.client, pair.sendConnect(), "connect to a server that has stopped", kinds: [])
      try pair.listen()
      try pair.close(pair.connect())
    },
    InteropScenario(name: "kill-server", title: "When the server is killed, its client's requests are lost") { pair in
      let link = try pair.connect()
      let hanging = (0..<8).map { _ in pair.request(.client, link, ["hang"]) }
      try pair.ping(.client, link)
      // An answer of 4 MiB is being sent: the part of it that has come is no answer.
      let blob = pair.request(.client, link, ["blob", .number(4_194_304)])
      if pair.isServerDriven { for _ in 0..<9 { try pair.event(.server, "request", link.server) } }
      try pair.kill(.server)
      let cut = try pair.outcome(.client, blob, "a large request")
      guard cut["ok"] != nil || cut["error"]?["kind"] == "lost" else {
        throw CaseFailure(expected: "an answer, or an error of the kind lost", got: String(cut.encodedText.prefix(300)))
      }
      for sequence in hanging { try pair.failure(.client, sequence, "a request", kinds: ["lost"]) }
      let closed = try pair.event(.client, "closed", link.client)
      guard closed["reason"] == "lost" else {
        throw CaseFailure(expected: "the client's connection to be lost", got: closed.encodedText)
      }
      try pair.failure(.client, pair.request(.client, link, ["echo"]), "a request after the end", kinds: ["lost"])
      // A UNIX server takes the place of the dead one's socket.
      try pair.start()
      try pair.close(pair.connect())
    },
    InteropScenario(
      name: "kill-client",
      title: "When a client is killed, the server serves the next",
      needsServer: true
    ) { pair in
      let link = try pair.connect()
      let hanging = pair.request(.server, link, ["hang"])
      try pair.event(.client, "request", link.client)
      _ = pair.request(.client, link, ["hang"])
      try pair.event(.server, "request", link.server)
      try pair.kill(.client)
      try pair.failure(.server, hanging, "a request", kinds: ["lost"])
      try pair.expectClosed(link, reason: "lost", code: nil)
      try pair.start()
      try pair.close(pair.connect())
    },
  ]
}
