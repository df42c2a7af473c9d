internal import BokbokCore

// Commands, replies and events of the testee contract.
extension CasePlayer {
  /// Sorts what has come from the testee: which connection has opened, which attempt has failed.
  func noteMessages() throws {
    for connection in connections where !connection.isClient && !connection.wasOpened && !connection.isReplaced {
      let label = "connect:\(connection.name)"
      guard connectFailures[connection.name] == nil, let command = commands[label] else { continue }
      guard let reply = command.takeReply() else { continue }
      heldReplies[label] = reply
      try checkSupported(reply, command: "connect")
      if let id = reply["ok"]?["connection"]?.string {
        connection.testeeID = id
        connection.wasOpened = true
      } else {
        connectFailures[connection.name] = reply
      }
    }
    guard configuration.role == .server else { return }
    for testee in testees { try noteOpened(of: testee) }
  }

  private func noteOpened(of testee: any CaseTestee) throws {
    while let index = testee.events.firstIndex(where: { $0["event"] == "opened" }) {
      let event = testee.events.remove(at: index)
      // One whose stream is over is meant only if there is no other.
      let candidates = connections.filter {
        $0.testee === testee && !$0.wasOpened && $0.hasSentSettings && $0.stage != .stream
      }
      guard let connection = candidates.first(where: \.stream.isOpen) ?? candidates.first,
        let id = event["connection"]?.string
      else {
        let expected = "no event opened: no connection is open on both sides"
        throw CaseFailure(clause: "S-1.f", expected: expected, got: event.encodedText)
      }
      connection.openedEvent = event
      connection.testeeID = id
      connection.wasOpened = true
    }
  }

  // MARK: Commands

  func command(_ step: CommandStep, on name: String) throws {
    var members = step.members
    var testee = try currentTestee()
    switch step.name {
    case "request", "ping", "close", "abort":
      let connection = try connection(name)
      testee = connection.testee
      guard let id = connection.testeeID else {
        throw CaseDataProblem(description: "the testee has not named the connection \(name)")
      }
      members["connection"] = .string(id)
    case "cancel":
      guard let label = step.request, let request = commands[label] else {
        throw CaseDataProblem(description: "there is no request \(step.request ?? "")")
      }
      testee = request.testee
      members["request"] = .integer(request.sequence)
    case "stop":
      if configuration.isProcessForEachConnection { testee = try connection(name).testee }
      guard let id = server?.id ?? connections.last(where: { $0.testee === testee })?.openedEvent?["server"]?.string
      else { throw CaseDataProblem(description: "the testee runs no server, or has not named it") }
      members["server"] = .string(id)
      isServerStopped = true
    default:
      break
    }
    if let payload = step.payload { members["payload"] = .string(Hexadecimal.text(try payload.build(in: self))) }
    if let bytes = step.bytes { members["bytes"] = .string(Hexadecimal.text(try bytes.build(in: self))) }
    let command = give(step.name, members, to: testee)
    if let label = step.label {
      guard commands[label] == nil else { throw CaseDataProblem(description: "two commands have the label \(label)") }
      commands[label] = command
    } else {
      _ = try success(of: command)
    }
  }

  func give(_ name: String, _ members: JSON.Object = JSON.Object(), to testee: any CaseTestee) -> GivenCommand {
    GivenCommand(testee: testee, sequence: testee.send(name, members), name: name)
  }

  /// The `ok` of a command's reply. Anything else fails the case.
  func success(of command: GivenCommand) throws -> JSON {
    let reply = try wait(for: "the reply to \(command.name)") { command.takeReply() }
    try checkSupported(reply, command: command.name)
    guard let result = reply["ok"] else {
      throw CaseFailure(expected: "the command \(command.name) succeeds", got: reply.encodedText)
    }
    return result
  }

  func checkSupported(_ reply: JSON, command: String) throws {
    guard reply["error"]?["kind"] == "unsupported" else { return }
    throw UnsupportedByTestee(command: command, message: reply["error"]?["message"]?.string ?? "")
  }

  // MARK: Replies

  func expectReply(_ step: ReplyStep) throws {
    guard let command = commands[step.label] else {
      throw CaseDataProblem(description: "no command has the label \(step.label)")
    }
    let reply = try wait(for: "the reply to \(command.name) \(step.label)") {
      heldReplies.removeValue(forKey: step.label) ?? command.takeReply()
    }
    switch step.outcome {
    case .anything:
      try checkSupported(reply, command: command.name)
    case .success(let pattern):
      try checkSupported(reply, command: command.name)
      guard let result = reply["ok"] else { throw CaseFailure(expected: "ok", got: reply.encodedText) }
      try check(result, pattern)
    case .failure(let pattern):
      if !pattern.kinds.contains("unsupported") { try checkSupported(reply, command: command.name) }
      guard let error = reply["error"] else {
        throw CaseFailure(expected: "an error: \(pattern.kinds.joined(separator: " or "))", got: reply.encodedText)
      }
      try check(error, pattern)
    }
  }

  private func check(_ result: JSON, _ pattern: ReplyPattern) throws {
    if pattern.response != nil || pattern.responseBytes != nil {
      guard let bytes = result["response"]?.string.flatMap({ Hexadecimal.bytes($0) }) else {
        throw CaseFailure(expected: "a response in hexadecimal", got: result.encodedText)
      }
      if let response = pattern.response, !response.matches(bytes) {
        throw CaseFailure(expected: "the response \(response)", got: Self.shown(bytes))
      }
      if let expected = try pattern.responseBytes?.build(in: self), expected != bytes {
        throw CaseFailure(expected: "the response \(Self.shown(expected))", got: Self.shown(bytes))
      }
    }
    if let expected = try pattern.bytes?.build(in: self), result["bytes"] != .string(Hexadecimal.text(expected)) {
      throw CaseFailure(expected: "the bytes \(Hexadecimal.text(expected))", got: result.encodedText)
    }
    for (name, value) in pattern.members.members where result[name] != value {
      throw CaseFailure(expected: "\(name) \(value.encodedText)", got: result.encodedText)
    }
  }

  private func check(_ error: JSON, _ pattern: ErrorPattern) throws {
    let got = error.encodedText
    guard let kind = error["kind"]?.string, pattern.kinds.contains(kind) else {
      throw CaseFailure(expected: "an error of the kind \(pattern.kinds.joined(separator: " or "))", got: got)
    }
    if let codes = pattern.codes, !codes.contains(error["code"]?.string ?? "") {
      throw CaseFailure(expected: "an error with the code \(codes.joined(separator: " or "))", got: got)
    }
    if let message = pattern.message, error["message"]?.string != message {
      throw CaseFailure(expected: "an error with the message \"\(message)\"", got: got)
    }
    if let side = pattern.side, error["side"]?.string != side {
      throw CaseFailure(expected: "a violation of the side \(side)", got: got)
    }
    if let details = pattern.details {
      let values = error["details"]?.array?.compactMap { detail in
        detail.string.flatMap { Hexadecimal.bytes($0) }.flatMap { try? WireValues.decode($0) }
      }
      guard let values, details.matches(elements: values) else {
        throw CaseFailure(expected: "an error with the details \(details)", got: got)
      }
    }
  }

  // MARK: Events

  func expectEvent(_ pattern: EventPattern, on name: String) throws {
    let connection = pattern.isOfAnyConnection ? nil : try connection(name)
    if pattern.name == "opened", let connection {
      let opened = try wait(for: "the event opened") { connection.openedEvent }
      guard try matches(opened, pattern, connection) else {
        throw CaseFailure(expected: Self.shown(pattern), got: opened.encodedText)
      }
      return
    }
    let event = try wait(for: "the event \(Self.shown(pattern))") { () throws -> TakenEvent? in
      if let event = try takeEvent(pattern, connection) { return event }
      // Only one report of the end comes: another one than expected will not be followed by the right one.
      if pattern.name == "closed", let id = connection?.testeeID,
        let other = connection?.testee.events.first(where: { $0["event"] == "closed" && $0["connection"]?.string == id }
        )
      {
        throw CaseFailure(expected: Self.shown(pattern), got: other.encodedText)
      }
      return nil
    }
    if pattern.name == "closed", let id = event.message["connection"]?.string {
      connections.first { $0.testeeID == id && $0.testee === event.testee }?.isClosedReported = true
    }
  }

  func expectNoEvent(_ pattern: EventPattern, on name: String) throws {
    let connection = pattern.isOfAnyConnection ? nil : try connection(name)
    // The connection says nothing about the events: the reply to a command comes behind those that were sent before.
    for testee in connection.map({ [$0.testee] }) ?? testees where testee.failure == nil {
      _ = try success(of: give("hello", to: testee))
    }
    try noteMessages()
    if pattern.name == "opened" {
      guard let opened = connection?.openedEvent else { return }
      throw CaseFailure(expected: "no event opened", got: opened.encodedText)
    }
    for testee in connection.map({ [$0.testee] }) ?? testees {
      guard let event = try testee.events.first(where: { try matches($0, pattern, connection) }) else { continue }
      throw CaseFailure(expected: "no event \(Self.shown(pattern))", got: event.encodedText)
    }
  }

  /// An event and the process that it came from.
  private struct TakenEvent {
    let testee: any CaseTestee
    let message: JSON
  }

  private func takeEvent(_ pattern: EventPattern, _ connection: KitConnection?) throws -> TakenEvent? {
    for testee in connection.map({ [$0.testee] }) ?? testees {
      if let index = try testee.events.firstIndex(where: { try matches($0, pattern, connection) }) {
        return TakenEvent(testee: testee, message: testee.events.remove(at: index))
      }
    }
    return nil
  }

  private func matches(_ event: JSON, _ pattern: EventPattern, _ connection: KitConnection?) throws -> Bool {
    guard event["event"]?.string == pattern.name else { return false }
    if let connection, event["connection"]?.string != connection.testeeID { return false }
    if pattern.payload != nil || pattern.payloadBytes != nil {
      guard let bytes = event["payload"]?.string.flatMap({ Hexadecimal.bytes($0) }) else { return false }
      if let payload = pattern.payload, !payload.matches(bytes) { return false }
      if let expected = try pattern.payloadBytes?.build(in: self), expected != bytes { return false }
    }
    if let reasons = pattern.reasons, !reasons.contains(event["reason"]?.string ?? "") { return false }
    if let codes = pattern.codes, !codes.contains(event["code"]?.string ?? "") { return false }
    if let message = pattern.message, event["message"]?.string != message { return false }
    if let user = pattern.user, event["user"] ?? .null != user { return false }
    return true
  }

  // MARK: For people

  private static func shown(_ pattern: EventPattern) -> String {
    var text = pattern.name
    if let payload = pattern.payload { text += " \(payload)" }
    if let reasons = pattern.reasons { text += ", reason \(reasons.joined(separator: " or "))" }
    if let codes = pattern.codes { text += ", code \(codes.joined(separator: " or "))" }
    if let message = pattern.message { text += ", message \"\(message)\"" }
    return text
  }

  static func shown(_ bytes: [UInt8]) -> String {
    guard let value = try? WireValues.decode(bytes) else { return Hexadecimal.text(bytes.prefix(200)) }
    return String(displaying: value.debugDescription, charactersMax: 300)
  }
}
