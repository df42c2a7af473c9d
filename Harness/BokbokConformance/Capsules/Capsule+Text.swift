// The file: one JSON object a line.

extension Capsule {
  package static let schemaPath = "Harness/Capsules/capsule.schema.json"

  /// Whether a file begins as capsules do.
  package static func begins(_ file: some Collection<UInt8>) -> Bool {
    file.starts(with: Array("{\"capsule\":".utf8))
  }

  /// The file's contents.
  package var encodedBytes: [UInt8] {
    var bytes: [UInt8] = []
    for line in [header.json] + events.map(\.json) + [["verdict": verdict.json]] {
      bytes += line.encodedBytes
      bytes.append(0x0A)
    }
    return bytes
  }

  /// Reads a file. Every line has to fit the schema, and the verdict has to be there, once and last.
  ///
  /// - Parameters:
  ///   - file: its contents.
  ///   - name: its name, for the error.
  /// - Throws: the line, and what is wrong in it.
  package init(_ file: some Collection<UInt8>, name: String) throws(DataError) {
    let schema: JSONSchema
    do {
      schema = try JSONSchema.embedded(Self.schemaPath)
    } catch {
      throw DataError(file: Self.schemaPath, message: "\(error)")
    }
    guard Self.begins(file) else {
      throw DataError(file: name, message: "not a capsule: its first line has to begin with {\"capsule\":")
    }
    let lines = file.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    var header: Header?
    var events: [Event] = []
    var verdict: Verdict?
    for (index, line) in lines.enumerated() {
      func error(_ message: String) -> DataError { DataError(file: name, place: "line \(index + 1)", message: message) }
      if index == lines.count - 1, line.isEmpty { break }
      let json: JSON
      do { json = try JSON(parsing: line) } catch let fault { throw error("not JSON: \(fault.message)") }
      if json["capsule"] != nil, json["capsule"]?.integer != Self.format {
        let version = json["capsule"]?.encodedText ?? ""
        throw error("a capsule of the version \(version), and this command reads version \(Self.format)")
      }
      if let fault = schema.faults(of: json).first { throw error("\(fault)") }
      guard verdict == nil else { throw error("a line after the verdict") }
      guard (index == 0) == (json["capsule"] != nil) else {
        throw error(index == 0 ? "the header is missing" : "a second header")
      }
      if index == 0 {
        header = Header(json)
        if header == nil { throw error("the header names no configuration that there is") }
      } else if let found = json["verdict"] {
        verdict = Verdict(found)
      } else if let event = Event(json) {
        if let last = events.last, last.microseconds > event.microseconds {
          throw error("an event before the one above")
        }
        events.append(event)
      } else {
        throw error("not an event of a capsule")
      }
    }
    guard let header, let verdict else {
      throw DataError(file: name, message: "the capsule has no verdict in its last line: it was cut off")
    }
    self.init(header: header, events: events, verdict: verdict)
  }
}

// MARK: - The header

extension Capsule.Header {
  fileprivate var json: JSON {
    [
      "capsule": .integer(Capsule.format),
      "implementation": .string(implementation),
      "suite": .string(suite),
      "testee": declaration,
      "configuration": .string(configuration.path),
      "split": split.json,
      "timeLimitMs": .integer(timeLimitMilliseconds),
      "stretch": .number(stretch),
      "checksContract": .bool(checksContract),
      "seed": .hex(entropy.seed),
      "earlierPublicKeys": .array(earlierPublicKeys.map { .hex($0) }),
      "comparedWith": .array(
        comparedWith.map { ["kind": .string($0.kind.rawValue), "bytes": .hex($0.bytes), "seenIn": .string($0.place)] }
      ),
      "subject": .string(subject),
      "case": item,
    ]
  }

  fileprivate init?(_ json: JSON) {
    guard let configuration = json["configuration"]?.string.flatMap(Configuration.init(path:)),
      let entropy = json["seed"]?.bytes.flatMap(KitEntropy.init(seed:))
    else { return nil }
    self.init(
      implementation: json["implementation"]?.string ?? "",
      suite: json["suite"]?.string ?? "",
      declaration: json["testee"] ?? .null,
      subject: json["subject"]?.string ?? "",
      item: json["case"] ?? .null,
      configuration: configuration,
      split: Split(json["split"] ?? .null),
      timeLimitMilliseconds: json["timeLimitMs"]?.integer ?? 0,
      stretch: json["stretch"]?.double ?? 1,
      entropy: entropy,
      checksContract: json["checksContract"]?.bool ?? false,
      earlierPublicKeys: (json["earlierPublicKeys"]?.array ?? []).compactMap(\.bytes),
      comparedWith: (json["comparedWith"]?.array ?? []).compactMap(SealedAudit.Sighting.init)
    )
  }
}

extension Split {
  fileprivate var json: JSON {
    switch self {
    case .whole: "whole"
    case .bytes: "bytes"
    case .at(let place): .integer(place)
    }
  }

  fileprivate init(_ json: JSON) {
    self = json.integer.map(Split.at) ?? (json == "bytes" ? .bytes : .whole)
  }
}

extension SealedAudit.Sighting {
  fileprivate init?(_ json: JSON) {
    guard let kind = json["kind"]?.string.flatMap(Kind.init), let bytes = json["bytes"]?.bytes else { return nil }
    self.init(kind: kind, bytes: bytes, place: json["seenIn"]?.string ?? "")
  }
}

// MARK: - Events

extension Capsule.Event {
  fileprivate var json: JSON {
    func process(_ number: Int, _ name: String, _ value: JSON) -> JSON {
      .object(.init([("microseconds", .integer(microseconds)), ("process", .integer(number)), (name, value)]))
    }
    func connection(_ number: Int, _ members: JSON) -> JSON {
      let head: JSON = ["microseconds": .integer(microseconds), "connection": .integer(number)]
      return head.merging(members)
    }
    switch happening {
    case .begins(let number, let sequence): return process(number, "begins", .integer(sequence))
    case .command(let number, let command): return process(number, "command", command)
    case .answer(let number, let line):
      // As JSON where nothing is lost by that.
      if let json = try? JSON(parsing: line), json.encodedBytes == line { return process(number, "answer", json) }
      return process(number, "answerBytes", .hex(line))
    case .dies(let number, .exited(let status)?): return process(number, "exits", .integer(Int(status)))
    case .dies(let number, .signalled(let signal)?): return process(number, "signal", .integer(Int(signal)))
    case .dies(let number, nil): return process(number, "hangsUp", true)
    case .standardError(let number, let bytes): return process(number, "standardError", .hex(bytes))
    case .opens(let number, let name, let process):
      return connection(number, ["opens": .string(name), "process": .integer(process)])
    case .keys(let number, let userKey, let sessionKey, let ephemeral):
      let keys: JSON = ["userKey": .hex(userKey), "sessionKey": .hex(sessionKey), "ephemeral": .hex(ephemeral)]
      return connection(number, ["keys": keys])
    case .bytes(let number, let isFromKit, let bytes):
      return connection(number, ["from": isFromKit ? "kit" : "testee", "bytes": .hex(bytes)])
    case .testeeWaits(let number): return connection(number, ["from": "testee", "waits": true])
    case .testeeEnds(let number, let end): return connection(number, ["from": "testee", "ends": .string(end.rawValue)])
    case .kitEnds(let number, let end): return connection(number, ["from": "kit", "ends": .string(end.rawValue)])
    case .kitCannotWrite(let number): return connection(number, ["from": "kit", "cannotWrite": true])
    case .strayConnection: return ["microseconds": .integer(microseconds), "strayConnection": true]
    }
  }

  fileprivate init?(_ json: JSON) {
    guard let microseconds = json["microseconds"]?.integer else { return nil }
    let happening: Capsule.Happening?
    if json["strayConnection"] != nil {
      happening = .strayConnection
    } else if let connection = json["connection"]?.integer {
      happening = Self.happening(ofConnection: connection, json)
    } else if let process = json["process"]?.integer {
      happening = Self.happening(ofProcess: process, json)
    } else {
      happening = nil
    }
    guard let happening else { return nil }
    self.init(microseconds: microseconds, happening: happening)
  }

  private static func happening(ofProcess number: Int, _ json: JSON) -> Capsule.Happening? {
    if let sequence = json["begins"]?.integer { return .begins(process: number, sequence: sequence) }
    if let command = json["command"] { return .command(process: number, command) }
    if let answer = json["answer"] { return .answer(process: number, answer.encodedBytes) }
    if let bytes = json["answerBytes"]?.bytes { return .answer(process: number, bytes) }
    if let status = json["exits"]?.integer.flatMap(Int32.init(exactly:)) {
      return .dies(process: number, .exited(status))
    }
    if let signal = json["signal"]?.integer.flatMap(Int32.init(exactly:)) {
      return .dies(process: number, .signalled(signal))
    }
    if json["hangsUp"] != nil { return .dies(process: number, nil) }
    return json["standardError"]?.bytes.map { .standardError(process: number, $0) }
  }

  private static func happening(ofConnection number: Int, _ json: JSON) -> Capsule.Happening? {
    if let name = json["opens"]?.string, let process = json["process"]?.integer {
      return .opens(connection: number, name: name, process: process)
    }
    if let keys = json["keys"], let userKey = keys["userKey"]?.bytes, let sessionKey = keys["sessionKey"]?.bytes,
      let ephemeral = keys["ephemeral"]?.bytes
    {
      return .keys(connection: number, userKey: userKey, sessionKey: sessionKey, ephemeral: ephemeral)
    }
    let isFromKit = json["from"]?.string == "kit"
    if let bytes = json["bytes"]?.bytes { return .bytes(connection: number, isFromKit: isFromKit, bytes) }
    if json["waits"] != nil { return .testeeWaits(connection: number) }
    if json["cannotWrite"] != nil { return .kitCannotWrite(connection: number) }
    guard let end = json["ends"]?.string else { return nil }
    if isFromKit { return Capsule.KitEnd(rawValue: end).map { .kitEnds(connection: number, $0) } }
    return StreamEnd(rawValue: end).map { .testeeEnds(connection: number, $0) }
  }
}

// MARK: - The verdict

extension Capsule.Verdict {
  fileprivate var json: JSON {
    var object = JSON.Object([("state", .string(state.rawValue)), ("moment", .string(moment.rawValue))])
    object["clause"] = clause.map { .string($0) }
    object["step"] = step.map { .string($0) }
    object["expected"] = .string(expected)
    object["got"] = .string(got)
    return .object(object)
  }

  fileprivate init?(_ json: JSON) {
    guard let state = json["state"]?.string.flatMap(CaseResult.State.init),
      let moment = json["moment"]?.string.flatMap(CaseResult.Problem.Moment.init)
    else { return nil }
    self.init(
      state: state,
      moment: moment,
      clause: json["clause"]?.string,
      step: json["step"]?.string,
      expected: json["expected"]?.string ?? "",
      got: json["got"]?.string ?? ""
    )
  }
}

extension JSON {
  /// A number, whole or not; nil for anything else.
  fileprivate var double: Double? {
    if case .number(let number) = self { number } else { integer.map(Double.init) }
  }

  /// The bytes of hexadecimal digits; nil for anything else.
  fileprivate var bytes: [UInt8]? { string.flatMap(Hexadecimal.bytes) }
}
