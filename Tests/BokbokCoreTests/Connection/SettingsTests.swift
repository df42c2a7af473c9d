import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// SETTINGS as the first frame (S-1), what it means (S-2), and how it is read (S-3, S-4).
@Suite struct SettingsTests {
  @Test(.clauses("S-1.b", "F-2.a"), arguments: Standing.allCases)
  func aSecondSettingsIsAViolation(_ standing: Standing) throws {
    for setup in ConnectionSetup.all {
      let connection = try standing.connection(setup)
      connection.receive(.settings(.default))
      #expect(connection.ending == .violation(side: .local, requirement: "S-1", message: "a second SETTINGS"))
    }
  }

  @Test(.clauses("S-1.b"), arguments: ConnectionSetup.all)
  func aSecondSettingsInTheSameRecordIsAViolation(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    connection.receive(connection.wire.opening)
    connection.receive(.settings([]), .settings([]))
    #expect(connection.takeActions().count == 2)
    #expect(connection.takeFrames().map(\.kind) == [.settings, .close])
  }

  @Test(.clauses("S-1.c", "S-1.d", "S-1.g", "F-2.b"), arguments: ConnectionSetup.all)
  func aFirstFrameOfAnotherKindIsAViolation(_ setup: ConnectionSetup) throws {
    let frames: [Frame] = [
      .request(1, "a"), .response(1, "a"), .error(1, "a"), .cancel(1), .ping(1), .pong(1), .close(),
      .close("protocol-error", "x"),
    ]
    for frame in frames {
      let connection = try DrivenConnection(setup)
      connection.receive(connection.wire.opening)
      connection.receive(frame, .settings([]))
      #expect(connection.takeFrames().map(\.kind) == [.settings, .close])
      let actions = connection.takeActions()
      #expect(actions.count == 1)
      guard case .ended(.violation(side: .local, requirement: "S-1", message: _))? = actions.first else {
        Issue.record("\(frame.kind): \(actions)")
        continue
      }
      #expect(connection.isShutDown)
    }
  }

  @Test(.clauses("S-1.e", "S-1.f", "R-2.b"), arguments: ConnectionSetup.all)
  func whatFollowsTheSettingsIsTakenWhereverItStands(_ setup: ConnectionSetup) throws {
    for isOneRecord in [true, false] {
      let connection = try DrivenConnection(setup)
      connection.receive(connection.wire.opening)
      if isOneRecord {
        connection.receive(.settings([]), .request(1, "a"), .ping(4))
      } else {
        var bytes = connection.wire.record([.settings([])])
        bytes.writeImmutableBuffer(connection.wire.record([.request(1, "a")]))
        bytes.writeImmutableBuffer(connection.wire.record([.ping(4)]))
        connection.receive(bytes)
      }
      #expect(
        connection.takeActions()
          == [.opened(userName: setup.isSealed ? TestSecrets.userName : nil), .handle(1, "a")]
      )
      #expect(connection.takeFrames() == [.settings(.default), .pong(4)])
    }
  }

  @Test(.clauses("S-1.a", "S-2.a", "S-2.b", "S-4.b"), arguments: ConnectionSetup.all)
  func theOwnSettingsAreAnnounced(_ setup: ConnectionSetup) throws {
    var configuration = MachineConfiguration()
    configuration.settings = try Settings(messageBytesMax: 2048, requestsMax: 3, partialBytesMax: .max)
    let connection = try DrivenConnection(setup, configuration: configuration)
    connection.receive(connection.wire.opening)
    #expect(
      connection.takeFrames() == [
        .settings([["max-message", "2048"], ["max-requests", "3"], ["max-partial", "4294967295"]])
      ]
    )
  }

  // MARK: What the numbers mean

  @Test(.clauses("S-2.c", "X-5.b"), arguments: ConnectionSetup.all)
  func aMissingMaxMessageIs16777216(_ setup: ConnectionSetup) throws {
    let connection = try opened(setup, [["max-requests", "4294967295"]])
    let large = Value.message(byteCount: 16_777_217)
    #expect(connection.request(large) == .failed(.tooLarge(byteCount: 16_777_217, byteCountMax: 16_777_216)))
    connection.isWritable = false
    guard case .accepted = connection.request(.message(byteCount: 16_777_216)) else {
      Issue.record("a message of max-message is refused")
      return
    }
  }

  @Test(.clauses("S-2.d", "X-6.b"), arguments: ConnectionSetup.all)
  func aMissingMaxRequestsIs128(_ setup: ConnectionSetup) throws {
    let connection = try opened(setup, [])
    for _ in 0..<130 { _ = try connection.begin("a") }
    #expect(connection.takeFrames().count == 128)
  }

  @Test(.clauses("S-2.e", "X-10.a"), arguments: ConnectionSetup.plain)
  func aMissingMaxPartialIsFourTimesMaxMessage(_ setup: ConnectionSetup) throws {
    let connection = try opened(setup, [["max-message", "100000"]])
    // Nothing is taken between: so all that may begin do. Each turn of one byte lets one fragment out.
    connection.isWritable = false
    for _ in 0..<5 { _ = try connection.begin(.message(byteCount: 100_000)) }
    for _ in 0..<4 { connection.takeOutputOnce(byteCountMax: 1) }
    #expect(connection.takeFrames().map(\.exchange) == [1, 2, 3, 4])
    connection.takeOutputOnce(byteCountMax: 1)
    #expect(connection.takeFrames().map(\.exchange) == [1])
  }

  @Test(.clauses("S-2.e"))
  func aMissingMaxPartialHasALimit() throws {
    let settings = try Settings(decoding: body("((11:max-message10:4294967295))"))
    #expect(settings.partialBytesMax == 4_294_967_295)
    #expect(try Settings(decoding: body("((11:max-message10:1073741824))")).partialBytesMax == 4_294_967_295)
    #expect(try Settings(decoding: body("((11:max-message10:1073741823))")).partialBytesMax == 4_294_967_292)
  }

  // MARK: How it is read

  @Test(
    .clauses("S-3.a", "S-2.c", "S-2.d", "S-2.f", "S-4.a"),
    arguments: [
      "()", "((3:foo))", "((3:foo3:bar3:baz)(3:foo()))", "((0:))", "((11:max-message4:1024))",
      "((11:max-message10:4294967295)(11:max-partial10:4294967295))", "((12:max-requests1:1))",
      "((12:max-requests10:4294967295))", "((11:max-partial8:16777216))",
      "((11:max-partial4:2000)(11:max-message4:2000))", "((11:max-message4:2000)(11:max-partial4:2000))",
      "((11:Max-Message1:0))", "((12:max-message\u{0}1:0))", "((3:foo(11:max-message1:0)))",
    ]
  )
  func aWellFormedSettingsOpensTheConnection(_ text: String) throws {
    for setup in ConnectionSetup.plain {
      let connection = try DrivenConnection(setup)
      connection.receive(connection.wire.opening)
      connection.receive(Frame(.settings, body: body(text)))
      #expect(connection.isOpen)
    }
  }

  @Test(
    .clauses("S-3.b", "S-3.c", "S-3.d", "S-3.e", "S-2.c", "S-2.d", "S-2.f"),
    arguments: [
      // Not a value, not a list, or not lists that begin with an atom.
      "", "x", "(", "())", "3:foo", "(3:foo)", "(())", "((()))", "((3:foo)3:bar)", "(((11:max-message)))",
      // Without its one number.
      "((11:max-message))", "((11:max-message4:20004:2000))", "((11:max-message()))", "((12:max-requests(1:1)))",
      // Twice.
      "((12:max-requests1:1)(12:max-requests1:1))", "((11:max-message4:2000)(3:foo)(11:max-message4:2000))",
      // Not a number.
      "((12:max-requests0:))", "((12:max-requests2:01))", "((12:max-requests2:+1))", "((12:max-requests2:-1))",
      "((12:max-requests1:x))", "((12:max-requests2: 1))", "((12:max-requests3:1.0))", "((12:max-requests4:0x10))",
      "((12:max-requests2:1\n))",
      // Out of range.
      "((12:max-requests1:0))", "((12:max-requests10:4294967296))", "((12:max-requests11:10000000000))",
      "((12:max-requests20:18446744073709551617))", "((11:max-message4:1023))", "((11:max-message1:0))",
      "((11:max-message10:4294967296))", "((11:max-partial8:16777215))", "((11:max-partial1:0))",
      "((11:max-message4:2000)(11:max-partial4:1999))", "((11:max-partial4:1999)(11:max-message4:2000))",
    ]
  )
  func aMalformedSettingsIsAViolation(_ text: String) throws {
    for setup in ConnectionSetup.plain {
      let connection = try DrivenConnection(setup)
      connection.receive(connection.wire.opening)
      connection.receive(Frame(.settings, body: body(text)))
      guard case .violation(side: .local, requirement: "S-3", message: _)? = connection.ending else {
        Issue.record("\(text): \(String(describing: connection.ending))")
        return
      }
      #expect(connection.takeFrames().map(\.kind) == [.settings, .close])
    }
  }

  @Test(.clauses("S-4.a", "F-1.f", "F-1.g"), arguments: ConnectionSetup.all)
  func anUnknownSettingAnnouncesNothing(_ setup: ConnectionSetup) throws {
    for malformation in Malformation.all where ["F-1.f", "F-1.g"].contains(malformation.clause) {
      guard !setup.isSealed || malformation.name.hasPrefix("kind 8") else { continue }
      let connection = try opened(setup, [["example.extension", "1"]])
      connection.receive(content: malformation.content)
      #expect(connection.takeFrames().map(\.kind) == [.close])
    }
  }

  // MARK: A program's own settings

  @Test(.clauses("S-2.c", "S-2.d", "S-2.f"))
  func ownSettingsOutOfRangeAreRefused() throws {
    #expect(throws: Violation.self) { try Settings(messageBytesMax: 1023) }
    #expect(throws: Violation.self) { try Settings(requestsMax: 0) }
    #expect(throws: Violation.self) { try Settings(messageBytesMax: 2000, partialBytesMax: 1999) }
    let least = try Settings(messageBytesMax: 1024, requestsMax: 1, partialBytesMax: 1024)
    #expect(try Settings(decoding: least.value.encoded()) == least)
  }

  private func body(_ text: String) -> ByteBuffer {
    ByteBuffer(string: text)
  }

  private func opened(_ setup: ConnectionSetup, _ settings: Value) throws -> DrivenConnection {
    let connection = try DrivenConnection(setup)
    connection.receive(connection.wire.opening)
    connection.receive(.settings(settings))
    try #require(connection.isOpen)
    _ = connection.takeActions()
    _ = connection.takeFrames()
    return connection
  }
}
