import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// Messages in fragments, their length, and how much may be unfinished.
@Suite struct FragmentTests {
  private static let settings: Settings? = try? Settings(messageBytesMax: 100_000, partialBytesMax: 150_000)

  private func limited(_ setup: ConnectionSetup) throws -> DrivenConnection {
    var configuration = MachineConfiguration()
    configuration.settings = try #require(Self.settings)
    let connection = try DrivenConnection(setup, configuration: configuration)
    try connection.open(peerSettings: try #require(Self.settings))
    return connection
  }

  private func bytes(_ value: Value) throws -> ByteBuffer { try value.encoded() }

  // MARK: Receiving

  @Test(.clauses("X-4.b", "X-4.f", "R-5.b"), arguments: ConnectionSetup.all)
  func fragmentsOfAnySizeAreJoined(_ setup: ConnectionSetup) throws {
    let value: Value = ["echo", "12345", .message(byteCount: 600)]
    let message = try bytes(value)
    for size in [1, 2, 7, 100, message.readableBytes - 1, message.readableBytes] {
      for endsEmpty in [false, true] {
        let connection = try DrivenConnection(setup)
        try connection.open()
        let own = try connection.begin("mine")
        let parts = message.parts(byteCount: size)
        for (index, part) in parts.enumerated() {
          let more = endsEmpty || index < parts.count - 1
          connection.receive(.request(5, bytes: part, more: more), .response(own, bytes: part, more: more))
        }
        if endsEmpty {
          connection.receive(.response(own, bytes: ByteBuffer(), more: false))
          connection.receive(.request(5, bytes: ByteBuffer(), more: false))
          #expect(connection.takeActions() == [.answered(own, value), .handle(5, value)])
        } else {
          #expect(connection.takeActions() == [.handle(5, value), .answered(own, value)])
        }
      }
    }
  }

  @Test(.clauses("X-4.c", "X-1.b", "X-9.a"), arguments: ConnectionSetup.all)
  func fragmentsOfDifferentMessagesMayAlternate(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    // The ids of both sides' requests are the same.
    let ids = try (0..<3).map { _ in try connection.begin("mine") }
    let values = ids.map { Value.message(byteCount: 40 + Int($0)) }
    let messages = try values.map { try bytes($0).parts(byteCount: 10) }
    for position in 0..<5 {
      for (id, parts) in zip(ids, messages) where position < parts.count {
        let more = position < parts.count - 1
        connection.receive(
          .request(id, bytes: parts[position], more: more),
          .response(id, bytes: parts[position], more: more)
        )
      }
    }
    let expected = zip(ids, values).flatMap { id, value -> [ConnectionAction] in
      [.handle(id, value), .answered(id, value)]
    }
    #expect(connection.takeActions() == expected)
  }

  @Test(.clauses("E-2.a", "E-2.b", "E-2.c", "V-1.a"), arguments: ConnectionSetup.all)
  func aRequestOfNoBytesAtAllIsMalformed(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    connection.receive(.request(1, bytes: ByteBuffer(), more: false))
    #expect(connection.takeActions().isEmpty)
    #expect(connection.takeFrames().map(\.kind) == [.error])
    #expect(connection.isOpen)
  }

  @Test(.clauses("X-5.a", "R-5.a"), arguments: ConnectionSetup.all)
  func aMessageOfMaxMessageIsTakenAndOneByteMoreIsAViolation(_ setup: ConnectionSetup) throws {
    for isRequest in [true, false] {
      for excess in [-1, 0, 1] {
        for lastByteCount in [0, 1, 30_000] {
          let connection = try limited(setup)
          let own = try connection.begin("mine")
          let value = Value.message(byteCount: 100_000 + excess)
          var message = try bytes(value)
          let rest = message.readSlice(length: message.readableBytes - lastByteCount) ?? ByteBuffer()
          for part in rest.parts(byteCount: 40_000) {
            connection.receive(
              isRequest ? .request(1, bytes: part, more: true) : .response(own, bytes: part, more: true)
            )
          }
          connection.receive(
            isRequest ? .request(1, bytes: message, more: false) : .response(own, bytes: message, more: false)
          )
          if excess > 0 {
            expectViolation(connection, "X-5", "\(lastByteCount)")
          } else {
            #expect(connection.takeActions() == [isRequest ? .handle(1, value) : .answered(own, value)])
          }
        }
      }
    }
  }

  @Test(.clauses("X-5.a"), arguments: ConnectionSetup.all)
  func aMessageOfOneFrameMayBeTooLongToo(_ setup: ConnectionSetup) throws {
    for excess in [0, 1] {
      for isRequest in [true, false] {
        var configuration = MachineConfiguration()
        configuration.settings = try Settings(messageBytesMax: 1024)
        let connection = try DrivenConnection(setup, configuration: configuration)
        try connection.open()
        let own = try connection.begin("mine")
        let value = Value.message(byteCount: 1024 + excess)
        connection.receive(isRequest ? .request(1, value) : .response(own, value))
        if excess > 0 {
          expectViolation(connection, "X-5", "\(isRequest)")
        } else {
          #expect(connection.takeActions() == [isRequest ? .handle(1, value) : .answered(own, value)])
        }
      }
    }
  }

  @Test(.clauses("X-5.a", "X-7.e"), arguments: ConnectionSetup.all)
  func anAnswerThatNobodyWaitsForMayNotBeTooLongEither(_ setup: ConnectionSetup) throws {
    let connection = try limited(setup)
    let own = try connection.begin("mine")
    connection.receive(.response(own, bytes: ByteBuffer(repeating: 0x61, count: 60_000), more: true))
    connection.cancel(own)
    connection.receive(.response(own, bytes: ByteBuffer(repeating: 0x61, count: 40_000), more: true))
    #expect(connection.isOpen)
    connection.receive(.response(own, bytes: ByteBuffer(repeating: 0x61, count: 1), more: false))
    expectViolation(connection, "X-5", "")
  }

  @Test(.clauses("X-10.e", "X-10.f"), arguments: ConnectionSetup.all)
  func unfinishedMessagesOfMaxPartialAreTakenAndOneByteMoreIsAViolation(_ setup: ConnectionSetup) throws {
    for excess in [0, 1] {
      let connection = try limited(setup)
      let own = try connection.begin("mine")
      let fragment = ByteBuffer(repeating: 0x61, count: 50_000)
      connection.receive(.request(1, bytes: fragment, more: true))
      connection.receive(.response(own, bytes: fragment, more: true))
      connection.receive(.request(2, bytes: fragment, more: true))
      #expect(connection.isOpen)
      // A message of one frame and a last fragment are not counted.
      connection.receive(.request(3, "x"))
      #expect(connection.takeActions() == [.handle(3, "x")])
      if excess > 0 {
        connection.receive(.request(4, bytes: ByteBuffer(string: "1"), more: true))
        expectViolation(connection, "X-10", "")
      } else {
        connection.receive(.request(1, bytes: fragment, more: false))
        #expect(connection.takeFrames().map(\.kind) == [.request, .error])  // it is no value
        connection.receive(.request(4, bytes: fragment, more: true))
        #expect(connection.isOpen)
      }
    }
  }

  @Test(.clauses("X-10.d", "X-10.e", "X-3.e"), arguments: ConnectionSetup.all)
  func everythingThatEndsAMessageMakesRoom(_ setup: ConnectionSetup) throws {
    let fragment = ByteBuffer(repeating: 0x61, count: 50_000)
    for ending in 0..<5 {
      let connection = try limited(setup)
      let own = try connection.begin("mine")
      for _ in 0..<6 {
        connection.receive(.request(1, bytes: fragment, more: true), .ping(1))
        connection.receive(.request(2, bytes: fragment, more: true))
        switch ending {
        case 0: connection.receive(.request(2, bytes: fragment, more: false))
        case 1: connection.receive(.cancel(2))
        case 2:
          let other = try connection.begin("other")
          connection.receive(.response(other, bytes: fragment, more: true))
          connection.receive(.error(other, "no"))
          connection.receive(.cancel(2))
        case 3:
          let other = try connection.begin("other")
          connection.receive(.response(other, bytes: fragment, more: true))
          connection.cancel(other)
          connection.receive(.response(other, bytes: fragment, more: false))
          connection.receive(.cancel(2))
        default:
          let other = try connection.begin("other")
          connection.receive(.response(other, bytes: fragment, more: true))
          connection.receive(.response(other, bytes: ByteBuffer(), more: false))
          connection.receive(.cancel(2))
        }
        connection.receive(.request(1, bytes: ByteBuffer(), more: false))
        #expect(connection.isOpen)
      }
      // All of it is free again.
      connection.receive(.response(own, bytes: fragment, more: true))
      connection.receive(.request(8, bytes: fragment, more: true))
      connection.receive(.request(9, bytes: fragment, more: true))
      #expect(connection.isOpen)
      connection.receive(.request(10, bytes: ByteBuffer(string: "1"), more: true))
      expectViolation(connection, "X-10", "\(ending)")
    }
  }

  // MARK: Sending

  @Test(.clauses("X-4.a", "R-2.a", "X-10.c"), arguments: ConnectionSetup.all)
  func whatDoesNotFitOneRecordGoesOutInFragments(_ setup: ConnectionSetup) throws {
    for excess in [-1, 0, 1, 40_000] {
      let connection = try DrivenConnection(setup)
      try connection.open()
      let value = Value.message(byteCount: setup.bodyByteCountMax + excess)
      let own = try connection.begin(value)
      connection.receive(.request(1, "a"))
      connection.respond(to: 1, .value(value))
      let frames = connection.takeFrames()
      for (kind, id) in [(FrameKind.request, own), (.response, 1)] {
        let fragments = frames.filter { $0.kind == kind && $0.exchange == id }
        #expect(fragments.count == (excess > 0 ? 2 : 1))
        #expect(fragments.map(\.hasMore) == [Bool](repeating: true, count: fragments.count - 1) + [false])
        var message = ByteBuffer()
        for fragment in fragments { message.writeImmutableBuffer(fragment.body) }
        #expect(message == (try bytes(value)))
      }
    }
  }

  @Test(.clauses("X-4.d"), arguments: ConnectionSetup.all)
  func messagesOfSeveralFragmentsTakeTurns(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    connection.receive(.request(1, "a"))
    connection.isWritable = false
    connection.respond(to: 1, .value(.message(byteCount: 400_000)))
    let second = try connection.begin(.message(byteCount: 150_000))
    let third = try connection.begin(.message(byteCount: 80_000))
    let small = try connection.begin("small")
    connection.isWritable = true
    connection.run()
    let frames = connection.takeFrames()
    #expect(frames.first == .request(small, "small"))
    let order = frames.dropFirst().map(\.exchange)
    #expect(order.prefix(7) == [1, second, third, 1, second, third, 1])
    // Two of three fragments of the second are out; the third one has ended.
    #expect(order.dropFirst(7) == [second, 1, 1, 1, 1])
  }

  @Test(.clauses("X-5.b"), arguments: ConnectionSetup.all)
  func aRequestLongerThanThePeerTakesFailsAtTheCaller(_ setup: ConnectionSetup) throws {
    let connection = try limited(setup)
    let failure = RequestFailure.tooLarge(byteCount: 100_001, byteCountMax: 100_000)
    #expect(connection.request(.message(byteCount: 100_001)) == .failed(failure))
    #expect(connection.takeFrames().isEmpty)
    #expect(connection.isOpen && connection.isIdle)
    _ = try connection.begin(.message(byteCount: 100_000))
    #expect(connection.takeFrames().count == 2)
  }

  @Test(.clauses("X-5.c"), arguments: ConnectionSetup.all)
  func aResponseLongerThanThePeerTakesIsTooLarge(_ setup: ConnectionSetup) throws {
    for excess in [-1, 0, 1] {
      let connection = try limited(setup)
      connection.receive(.request(1, "a"))
      connection.respond(to: 1, .value(.message(byteCount: 100_000 + excess)))
      let frames = connection.takeFrames()
      if excess > 0 {
        #expect(frames.map(\.kind) == [.error])
        #expect(CodedMessage(decoding: frames[0].body, allowsDetails: true)?.code == "too-large")
      } else {
        #expect(frames.map(\.kind) == [.response, .response])
      }
    }
  }

  @Test(.clauses("X-10.a", "X-10.b", "X-10.d"), arguments: ConnectionSetup.all)
  func aMessageBeginsOnlyWhenThereIsRoomForAllOfIt(_ setup: ConnectionSetup) throws {
    // 150,000 bytes may be unfinished: 80,000 and 70,000 fit, one byte more does not.
    for excess in [0, 1] {
      let connection = try limited(setup)
      connection.receive(.request(1, "a"), .request(2, "b"))
      connection.isWritable = false
      connection.respond(to: 1, .value(.message(byteCount: 80_000)))
      let second = try connection.begin(.message(byteCount: 70_000 + excess))
      // It would fit, but came later: first come, first served.
      connection.respond(to: 2, .value(.message(byteCount: 66_000)))
      connection.takeOutputOnce(byteCountMax: 1)
      connection.takeOutputOnce(byteCountMax: 1)
      #expect(connection.takeFrames().map(\.exchange) == (excess == 0 ? [1, second] : [1, 1]))
      connection.isWritable = true
      connection.run()
      #expect(
        connection.takeFrames().map(\.exchange) == (excess == 0 ? [1, second, 2, 2] : [second, 2, second, 2])
      )
    }
  }

  @Test(.clauses("X-10.c", "X-10.b"), arguments: ConnectionSetup.all)
  func aMessageOfOneFrameIsNotHeldUp(_ setup: ConnectionSetup) throws {
    let connection = try limited(setup)
    connection.isWritable = false
    let first = try connection.begin(.message(byteCount: 100_000))
    let second = try connection.begin(.message(byteCount: 100_000))
    connection.takeOutputOnce(byteCountMax: 1)
    #expect(connection.takeFrames().map(\.exchange) == [first])
    let third = try connection.begin(.message(byteCount: 60_000))
    connection.isWritable = true
    connection.run()
    #expect(connection.takeFrames().map(\.exchange) == [third, first, second, second])
  }

  @Test(.clauses("X-10.d", "X-7.h"), arguments: ConnectionSetup.all)
  func cancellingMakesRoomForThoseThatWait(_ setup: ConnectionSetup) throws {
    let connection = try limited(setup)
    connection.isWritable = false
    let first = try connection.begin(.message(byteCount: 100_000))
    let second = try connection.begin(.message(byteCount: 90_000))
    connection.takeOutputOnce(byteCountMax: 1)
    connection.cancel(first)
    connection.isWritable = true
    connection.run()
    let frames = connection.takeFrames()
    #expect(frames.map(\.kind) == [.request, .cancel, .request, .request])
    #expect(frames.map(\.exchange) == [first, first, second, second])
  }

  @Test(.clauses("X-10.d", "X-7.a"), arguments: ConnectionSetup.all)
  func anERRORInPlaceOfARESPONSEMakesRoomForThoseThatWait(_ setup: ConnectionSetup) throws {
    let connection = try limited(setup)
    connection.receive(.request(1, "a"))
    connection.isWritable = false
    connection.respond(to: 1, .value(.message(byteCount: 100_000)))
    let second = try connection.begin(.message(byteCount: 90_000))
    connection.takeOutputOnce(byteCountMax: 1)
    connection.receive(.cancel(1))
    connection.isWritable = true
    connection.run()
    let frames = connection.takeFrames()
    #expect(frames.map(\.kind) == [.response, .error, .request, .request])
    #expect(frames.map(\.exchange) == [1, 1, second, second])
  }

  private func expectViolation(
    _ connection: DrivenConnection,
    _ requirement: String,
    _ name: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    guard case .violation(side: .local, requirement: requirement, message: _)? = connection.ending else {
      Issue.record("\(name): ended with \(String(describing: connection.ending))", sourceLocation: sourceLocation)
      return
    }
  }
}
