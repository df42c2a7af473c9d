extension CaseDecoder {
  /// The action of a step, by its name in the schema.
  static func action(_ name: String, _ source: JSON, place: String) throws -> Step.Action {
    switch name {
    case "connect":
      let start = Case.Start(rawValue: source["start"]?.string ?? "open") ?? .open
      let opening = try opening(source, pieces: pieces(source))
      let bufferByteCount = source["receiveBufferBytes"]?.integer
      return .connect(
        ConnectStep(
          name: source["as"]?.string ?? "",
          start: start,
          opening: opening,
          receiveBufferByteCount: bufferByteCount
        )
      )
    case "opening":
      let until = Case.Start(rawValue: source["until"]?.string ?? "") ?? .open
      return .opening(until: until, try opening(source, pieces: pieces(source)))
    case "send": return .send(try oneOrMany(source, TemplateDecoder.frame))
    case "sendMessage": return .sendMessage(try message(source))
    case "sendRecord": return .sendRecord(try record(source))
    case "sendBytes": return .sendBytes(try TemplateDecoder.bytes(source))
    case "stream": return .stream(Step.StreamAct(rawValue: source.string ?? "") ?? .close)
    case "silence": return .silence(.milliseconds(source.integer ?? 0))
    case "fence": return .fence
    case "roundTrip":
      return .roundTrip(source["value"]?.string, id: source["id"].map { TemplateDecoder.id($0) })
    case "close":
      return .close(
        CloseStep(
          code: source["code"]?.string ?? "normal",
          message: source["message"]?.string ?? "",
          allowsAnswers: source["answers"]?.bool ?? false
        )
      )
    case "cleanEnd":
      return .cleanEnd(
        code: source["code"]?.string,
        message: source["message"]?.string,
        keepsStream: source["keep"]?.bool ?? false
      )
    case "discards": return .discards(byteCount: source.integer ?? 0)
    case "closesStream": return .closesStream
    case "noConnection": return .noConnection
    case "goodConnection": return .goodConnection
    case "repeat":
      return .repeat(try repetition(source, place: place))
    case "command": return .command(try command(source))
    case "reply": return .reply(try reply(source))
    case "event": return .event(try event(source))
    case "noEvent": return .noEvent(try event(source))
    case "relay": return .relay(try relayStep(source))
    default: return try expectation(name, source)
    }
  }

  private static func expectation(_ name: String, _ source: JSON) throws -> Step.Action {
    switch name {
    case "expect": return .expect(try oneOrMany(source, TemplateDecoder.pattern))
    case "expectAnyOrder": return .expectAnyOrder(try oneOrMany(source, TemplateDecoder.pattern))
    case "expectOneOf":
      return .expectOneOf(try (source.array ?? []).map { try oneOrMany($0, TemplateDecoder.pattern) })
    case "expectOvertaking":
      return .expectOvertaking(
        try TemplateDecoder.pattern(source["frame"] ?? [:]),
        overtaken: try TemplateDecoder.pattern(source["overtaken"] ?? [:])
      )
    case "expectBytes": return .expectBytes(try TemplateDecoder.bytes(source))
    case "expectRecord": return .expectRecord(byteCount: source["contentBytes"]?.integer)
    case "refusal":
      return .refusal(
        RefusalStep(
          codes: source["code"].map(\.strings),
          captureName: source["captureBytes"]?.string,
          sameAs: source["sameAs"]?.string,
          keepsStream: source["keep"]?.bool ?? false
        )
      )
    case "violation": return .violation(ending(source))
    case "tampering": return .tampering(ending(source))
    case "end": return .end(source.strings.compactMap { StreamEnd(rawValue: $0) })
    default: throw Problem(step: nil, message: "the action \"\(name)\" is not known")
    }
  }

  private static func oneOrMany<Element>(_ source: JSON, _ decode: (JSON) throws -> Element) throws -> [Element] {
    try (source.array ?? [source]).map(decode)
  }

  private static func ending(_ source: JSON) -> EndingStep {
    EndingStep(
      allowsAnswers: source["answers"]?.bool ?? false,
      allowsRequests: source["requests"]?.bool ?? false,
      expectsSettings: source["settings"]?.bool ?? false,
      isReported: source["reported"]?.bool ?? true,
      keepsStream: source["keep"]?.bool ?? false
    )
  }

  private static func message(_ source: JSON) throws -> MessageTemplate {
    MessageTemplate(
      kind: WireKind(name: source["kind"]?.string ?? "") ?? .request,
      id: TemplateDecoder.id(source["id"] ?? 0),
      body: try TemplateDecoder.body(source),
      fragmentByteCount: source["fragmentBytes"]?.integer,
      isUnfinished: source["unfinished"]?.bool ?? false,
      recordByteCount: source["recordBytes"]?.integer
    )
  }

  private static func record(_ source: JSON) throws -> RecordTemplate {
    RecordTemplate(
      content: try TemplateDecoder.bytes(source["content"] ?? [:]),
      declaredByteCount: source["length"]?.integer,
      isUnsealed: source["unsealed"]?.bool ?? false,
      change: source["changed"].map { TemplateDecoder.change($0) },
      cutTo: source["cutTo"]?.integer,
      isDropped: source["drop"]?.bool ?? false
    )
  }

  private static func repetition(_ source: JSON, place: String) throws -> RepeatStep {
    let times = source["times"]?.integer ?? 1
    let memory = source["memory"].map { memory in
      MemoryLimit(
        bytesPerRepetitionMax: memory["bytesPerRepetitionMax"]?.integer ?? 0,
        timesMax: memory["timesMax"]?.integer ?? times
      )
    }
    if let memory, memory.timesMax < times {
      throw Problem(step: nil, message: "\"timesMax\" is less than \"times\"")
    }
    return RepeatStep(
      times: times,
      steps: try steps(source["steps"]?.array ?? [], prefix: place + "."),
      memory: memory
    )
  }

  /// Memory is that of a process which had nothing to do before, and serves all connections of the case; and nothing may
  /// come after the repetitions, of which the trace has only some.
  static func checkMemory(in item: Case) throws {
    for step in item.steps {
      guard case .repeat(let repetition) = step.action else { continue }
      if let inner = repetition.steps.first(where: \.boundsMemory) {
        throw Problem(step: inner.place, message: "\"memory\" is for a repeat that is no part of another")
      }
      guard repetition.memory != nil else { continue }
      guard !item.transports.contains(.stdio) else {
        throw Problem(step: step.place, message: "\"memory\" is not for the transport stdio")
      }
      guard step.place == item.steps.last?.place else {
        throw Problem(step: step.place, message: "a repeat with \"memory\" is the last step")
      }
    }
  }

  private static func command(_ source: JSON) throws -> CommandStep {
    var members = JSON.Object()
    for name in ["code", "message", "graceful", "passphrase", "user", "value"] { members[name] = source[name] }
    let name = source["name"]?.string ?? ""
    guard (name == "request") == (source["payload"] != nil) else {
      throw Problem(step: nil, message: "\"payload\" belongs to request, and to it alone")
    }
    guard (name == "cancel") == (source["request"] != nil) else {
      throw Problem(step: nil, message: "\"request\" belongs to cancel, and to it alone")
    }
    return CommandStep(
      name: name,
      label: source["as"]?.string,
      payload: try source["payload"].map { try TemplateDecoder.payload($0) },
      request: source["request"]?.string,
      bytes: try source["bytes"].map { try TemplateDecoder.bytes($0) },
      members: members
    )
  }

  private static func reply(_ source: JSON) throws -> ReplyStep {
    let label = source["to"]?.string ?? ""
    if source["ok"] != nil, source["error"] != nil {
      throw Problem(step: nil, message: "a reply is \"ok\" or \"error\", not both")
    }
    if let success = source["ok"] {
      var members = JSON.Object()
      for name in ["key", "value"] { members[name] = success[name] }
      let pattern = ReplyPattern(
        response: try success["response"]?.string.map { try ValuePattern($0) },
        responseBytes: try success["responseBytes"].map { try TemplateDecoder.bytes($0) },
        members: members,
        bytes: try success["bytes"].map { try TemplateDecoder.bytes($0) }
      )
      return ReplyStep(label: label, outcome: .success(pattern))
    }
    guard let failure = source["error"] else { return ReplyStep(label: label, outcome: .anything) }
    let pattern = ErrorPattern(
      kinds: failure["kind"]?.strings ?? [],
      codes: failure["code"].map(\.strings),
      message: failure["message"]?.string,
      details: try failure["details"]?.string.map { try ValuePattern($0) },
      side: failure["side"]?.string
    )
    return ReplyStep(label: label, outcome: .failure(pattern))
  }

  private static func event(_ source: JSON) throws -> EventPattern {
    EventPattern(
      name: source["name"]?.string ?? "",
      payload: try source["payload"]?.string.map { try ValuePattern($0) },
      payloadBytes: try source["payloadBytes"].map { try TemplateDecoder.bytes($0) },
      reasons: source["reason"].map(\.strings),
      codes: source["code"].map(\.strings),
      message: nil,
      user: source["user"],
      isOfAnyConnection: source["anyConnection"]?.bool ?? false
    )
  }
}
