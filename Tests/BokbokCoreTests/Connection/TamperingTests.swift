import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// Sealed records that do not authenticate.
@Suite struct TamperingTests {
  /// What somebody on the path does with records.
  enum Tampering: CaseIterable, CustomTestStringConvertible {
    case changedContent
    case changedTag
    case changedLength
    case replayed
    case reordered
    case dropped
    case notSealed
    case reflected
    case shorterThanTheTag
    case empty

    var testDescription: String { "\(self)" }
  }

  private func tamper(_ tampering: Tampering, with connection: DrivenConnection) -> ByteBuffer {
    let wire = connection.wire
    var first = wire.record([.request(1, "first")])
    switch tampering {
    case .changedContent:
      first.setInteger(first.readableBytesView[3] ^ 0x80, at: 3)
    case .changedTag:
      let last = first.writerIndex - 1
      first.setInteger(first.readableBytesView[last] ^ 1, at: last)
    case .changedLength:
      let length = first.getInteger(at: 0, as: UInt16.self) ?? 0
      first.setInteger(length - 1, at: 0)
    case .replayed:
      connection.receive(first)
      _ = connection.takeActions()
    case .reordered:
      var second = wire.record([.request(2, "second")])
      second.writeImmutableBuffer(first)
      return second
    case .dropped:
      return wire.record([.request(2, "second")])
    case .notSealed:
      var content = ByteBuffer()
      Frame.request(1, .message(byteCount: 50)).write(into: &content)
      first = ByteBuffer()
      Record.write(content, into: &first)
    case .reflected:
      // The machine's own last record.
      let bytes = wire.bytes
      connection.ping(77)
      return wire.bytes.getSlice(at: bytes.writerIndex, length: wire.bytes.writerIndex - bytes.writerIndex) ?? bytes
    case .shorterThanTheTag:
      first = ByteBuffer(integer: UInt16(15))
      first.writeRepeatingByte(1, count: 15)
    case .empty:
      first = ByteBuffer(integer: UInt16(0))
    }
    return first
  }

  @Test(
    .clauses("R-3.a", "R-3.b", "R-3.c", "R-3.d", "R-1.b", "R-2.d", "H-9.a"),
    arguments: Tampering.allCases,
    ConnectionSetup.sealed
  )
  func tamperingEndsTheConnectionAtOnce(_ tampering: Tampering, _ setup: ConnectionSetup) throws {
    for standing in Standing.allCases {
      let connection = try standing.connection(setup)
      if standing == .closingAnswered, tampering == .replayed { continue }  // no new REQUEST after the peer's CLOSE
      let bytes = tamper(tampering, with: connection)
      connection.isWritable = false
      let sent = connection.wire.bytes
      connection.receive(bytes)
      connection.receive(connection.wire.record([.request(9, "after")]))
      #expect(connection.takeActions().filter { $0 != .ponged(77) } == [.ended(.tampered)])
      #expect(connection.isClosed && !connection.isShutDown)
      connection.isWritable = true
      connection.run()
      #expect(connection.wire.bytes == sent)
      #expect(connection.slab.usedSlotCount == 0)
    }
  }

  @Test(.clauses("R-3.a", "R-3.c"), arguments: ConnectionSetup.sealed)
  func everyChangedByteOfARecordIsTampering(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    let length = connection.wire.record([.request(1, "x")]).readableBytes
    for position in 2..<length {
      let connection = try DrivenConnection(setup)
      try connection.open()
      var record = connection.wire.record([.request(1, "x")])
      record.setInteger(record.readableBytesView[position] ^ 0x10, at: position)
      connection.receive(record)
      #expect(connection.takeActions() == [.ended(.tampered)])
    }
  }

  @Test(.clauses("R-1.b", "R-3.a"), arguments: ConnectionSetup.sealed)
  func aLengthTooShortForTheTagIsTamperingBeforeTheContentHasCome(_ setup: ConnectionSetup) throws {
    for length in UInt16(0)..<16 {
      let connection = try DrivenConnection(setup)
      try connection.open()
      connection.receive(ByteBuffer(integer: length))
      #expect(connection.ending == .tampered)
    }
  }

  @Test(.clauses("R-3.c", "F-2.f"), arguments: ConnectionSetup.sealed)
  func whatCameBeforeTheTamperedRecordIsTaken(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    let own = try connection.begin("a")
    var bytes = connection.wire.record([.response(own, "b")])
    var changed = connection.wire.record([.request(1, "c")])
    changed.setInteger(changed.readableBytesView[4] ^ 1, at: 4)
    bytes.writeImmutableBuffer(changed)
    connection.receive(bytes)
    #expect(connection.takeActions() == [.answered(own, "b"), .ended(.tampered)])
  }

  @Test(.clauses("C-6.e"), arguments: ConnectionSetup.sealed)
  func aCLOSEThatDoesNotAuthenticateIsNoCleanEnd(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    connection.close()
    var content = ByteBuffer()
    Frame.close().write(into: &content)
    var record = ByteBuffer()
    Record.write(content, into: &record)
    connection.receive(record)
    connection.receiveEnd()
    #expect(connection.ending == .tampered)
  }
}
