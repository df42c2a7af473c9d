import BokbokCore
import Testing

@testable import BokbokConformance

/// Recordings become vectors that replay, or the reason why not is told.
@Suite struct SessionPromotionTests {
  static let description = SessionPromotion.Description(
    id: "sessions/recorded-here",
    comment: "A test.",
    clauses: ["X-2.a"],
    source: "a test"
  )

  static func session(_ id: String) throws -> Vector {
    let vectors = try VectorSet(.embedded).files.flatMap(\.vectors)
    return try #require(vectors.first { $0.id == id })
  }

  /// What a recorder between the two sides of a vector writes down.
  static func recording(_ vector: Vector) throws -> Recording {
    var events: [Recording.Happening] = [.opens]
    for step in vector["steps"]?.array ?? [] {
      guard let role = step["side"]?.string.flatMap(SideRole.init) else { continue }
      if let sends = step["sends"]?.array {
        events.append(.bytes(role, try sends.flatMap { try $0["bytes"].octets(at: "bytes") }))
      } else if step["ends"] != nil, !events.contains(.ends(role, .end)) {
        events.append(.ends(role, .end))
      }
    }
    return try recording(events)
  }

  /// Through the text of a recording, so that writing and reading are tried with it.
  private static func recording(_ happenings: [Recording.Happening]) throws -> Recording {
    var text = #"{"recording":1,"started":"2026-01-01T00:00:00Z","listen":"tcp:a:1","connect":"tcp:b:2"}"# + "\n"
    for (index, happening) in happenings.enumerated() {
      text += Recording.Event(connection: 1, microseconds: index, happening: happening).json.encodedText + "\n"
    }
    text += "{\"connections\":1}\n"
    let path = "Harness/Recordings/recording.schema.json"
    let schema = try JSONSchema(JSON(parsing: #require(EmbeddedFiles.contents(of: path))))
    for line in text.split(separator: "\n") {
      #expect(schema.faults(of: try JSON(parsing: String(line))).isEmpty, "\(line)")
    }
    return try Recording(Array(text.utf8), name: "here")
  }

  private static func failure(_ recording: Recording) -> String {
    do {
      _ = try SessionPromotion(recording, connection: 1, description: description)
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test(arguments: ["echo", "both-directions", "three-at-once", "nested", "ping"])
  func `a recorded session becomes a vector that both sides replay`(name: String) throws {
    let recording = try Self.recording(try Self.session("sessions/plain/\(name)"))
    #expect(recording.isComplete)
    let promotion = try SessionPromotion(recording, connection: 1, description: Self.description)
    #expect(promotion.conforming == ["client", "server"])
    #expect(promotion.remarks.isEmpty)
    let made = try #require(VectorSet([("sessions-here.json", Array(promotion.text.utf8))]).files.first?.vectors.first)
    #expect(made.origin == .recorded)
    try made.replay()
  }

  @Test func `a byte that differs from the recording is found when the vector is replayed`() throws {
    let recording = try Self.recording(try Self.session("sessions/plain/echo"))
    let text = try SessionPromotion(recording, connection: 1, description: Self.description).text
    // The answer's value, where the server's application gives it, and not where it is sent.
    let call = #""call": "respond", "id": 1, "bytes": "28343a6563686f353a3132333435"#
    let changed = text.replacing(call, with: #""call": "respond", "id": 1, "bytes": "28343a6563686f353a3132333436"#)
    #expect(changed != text)
    let vector = try #require(VectorSet([("sessions-here.json", Array(changed.utf8))]).files.first?.vectors.first)
    #expect(throws: VectorMismatch.self) { try vector.replay() }
  }

  @Test func `a side that uses a freedom otherwise than the library is not listed, and the other replays against it`()
    throws
  {
    // The client leaves out the settings that have their defaults.
    var events = try Self.recording(try Self.session("sessions/plain/echo")).events.map(\.happening)
    let first = try #require(
      events.firstIndex { if case .bytes(.client, _) = $0 { true } else { false } }
    )
    let settings = WireFrame(.settings, body: Array("()".utf8))
    events[first] = .bytes(.client, WirePreamble.bytes(mode: WirePreamble.plain) + .record(settings.bytes))
    let promotion = try SessionPromotion(Self.recording(events), connection: 1, description: Self.description)
    #expect(promotion.conforming == ["server"])
    #expect(promotion.remarks.contains { $0.hasPrefix("client") })
  }

  @Test func `what cannot become a vector is told with the reason`() throws {
    let sealed = WirePreamble.bytes(mode: WirePreamble.sealed)
    #expect(Self.failure(try Self.recording([.bytes(.client, sealed)])).contains("the server opens no connection"))
    let plain = WirePreamble.bytes(mode: WirePreamble.plain)
    let mixed = Self.failure(try Self.recording([.bytes(.client, plain), .bytes(.server, sealed)]))
    #expect(mixed.contains("the server opens no connection"))
    let unknown = [UInt8].record(WireFrame(kind: 9).bytes)
    let broken = Self.failure(try Self.recording([.bytes(.client, plain + unknown), .bytes(.server, plain)]))
    #expect(broken.contains("F-1.f"))
    let echo = try Self.recording(try Self.session("sessions/plain/echo"))
    let half = Recording(events: Array(echo.events.prefix(5)), isComplete: false)
    #expect(Self.failure(half).contains("not recorded to its end"))
    #expect(throws: SessionPromotion.Failure.self) {
      try SessionPromotion(echo, connection: 2, description: Self.description)
    }
    var wrong = Self.description
    wrong.clauses = ["X-99.a"]
    #expect(throws: DataError.self) { try SessionPromotion(echo, connection: 1, description: wrong) }
  }
}
