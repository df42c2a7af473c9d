import BokbokTestSupport
import NIOCore
import Testing

@testable import BokbokCore

/// Records: their lengths, what they hold, and how they are sealed.
@Suite struct RecordTests {
  @Test(.clauses("R-1.c", "R-2.e", "X-4.b"), arguments: ConnectionSetup.all)
  func recordsOfEveryLengthAreTaken(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    for length in [1, 2, 100, 16_000, setup.bodyByteCountMax - 1, setup.bodyByteCountMax] {
      let value = Value.message(byteCount: max(length, 2))
      connection.receive(.request(1, value))
      #expect(connection.takeActions() == [.handle(1, value)])
      connection.respond(to: 1, .value("x"))
    }
    #expect(connection.ending == nil)
  }

  @Test(.clauses("R-2.b"), arguments: ConnectionSetup.all)
  func aRecordMayHoldAsManyFramesAsFit(_ setup: ConnectionSetup) throws {
    var configuration = MachineConfiguration()
    configuration.settings = try Settings(requestsMax: 10_000)
    let connection = try DrivenConnection(setup, configuration: configuration)
    try connection.open()
    // 10 bytes each.
    let count = (setup.bodyByteCountMax + 8) / 10
    var content = ByteBuffer()
    for id in 1...count { Frame.request(ExchangeID(id), []).write(into: &content) }
    connection.receive(content: content)
    #expect(connection.takeActions() == (1...count).map { .handle(ExchangeID($0), []) })
  }

  @Test(.clauses("R-2.a", "R-2.e"), arguments: ConnectionSetup.all)
  func framesThatAreReadyShareARecord(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    connection.receive(.request(1, "a"), .request(2, "b"), .request(3, "c"), .ping(9))
    #expect(connection.wire.records.count == 2)  // SETTINGS, PONG
    connection.isWritable = false
    for id in ExchangeID(1)...3 { connection.respond(to: id, .value(["answer", Value(id)])) }
    _ = try connection.begin("mine")
    connection.isWritable = true
    connection.run()
    #expect(connection.wire.records.count == 3)
    #expect(connection.wire.records.last?.map(\.kind) == [.response, .response, .response, .request])
  }

  @Test(.clauses("R-2.a", "R-2.e", "X-4.a"), arguments: ConnectionSetup.all)
  func moreThanARecordHoldsGoesOutInSeveral(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    connection.isWritable = false
    for id in ExchangeID(1)...10 { connection.receive(.request(id, "a")) }
    for id in ExchangeID(1)...10 { connection.respond(to: id, .value(.message(byteCount: 30_000))) }
    connection.isWritable = true
    connection.run()
    // The wire of the test reads every record; two of these fit one.
    #expect(connection.takeFrames().map(\.exchange) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    #expect(connection.wire.records.count == 6)
  }

  @Test(.clauses("R-2.c", "R-2.d", "R-2.e", "H-9.a"), arguments: ConnectionSetup.sealed)
  func aSealedRecordIsANoiseTransportMessage(_ setup: ConnectionSetup) throws {
    // The test's own side opens every record with the counter that is due; the length includes the tag.
    let connection = try DrivenConnection(setup)
    try connection.open()
    let before = connection.wire.bytes.readableBytes
    connection.receive(.request(1, "a"))
    connection.respond(to: 1, .value("b"))
    let body = "1:b".utf8.count
    #expect(connection.wire.bytes.readableBytes - before == 2 + 8 + body + 16)
    #expect(connection.wire.bytes.getInteger(at: before, as: UInt16.self) == UInt16(8 + body + 16))
  }

  @Test(.clauses("R-4.a"), arguments: ConnectionSetup.sealed)
  func aSideThatWouldSealBeyondTheLastCounterCloses(_ setup: ConnectionSetup) throws {
    for left in [UInt64(0), 1, 2] {
      let connection = try exhausted(setup, sealing: UInt64.max - left, opening: 2)
      for number in 0..<3 where connection.ending == nil { connection.ping(PingToken(number)) }
      // SETTINGS is the first record.
      #expect(connection.ending == .lost(.counterExhausted))
      #expect(connection.isClosed && !connection.isShutDown)
      #expect(connection.wire.bytes.readableBytes == 0 || left > 0)
    }
  }

  @Test(.clauses("R-4.a", "R-3.c"), arguments: ConnectionSetup.sealed)
  func aSideThatWouldOpenBeyondTheLastCounterCloses(_ setup: ConnectionSetup) throws {
    let connection = try exhausted(setup, sealing: 0, opening: UInt64.max)
    connection.receive(ByteBuffer(repeating: 0, count: 300))
    // 300 zero bytes begin with a record of length 0, which needs no counter; one of 100 does.
    #expect(connection.ending == .tampered)

    let other = try exhausted(setup, sealing: 0, opening: UInt64.max)
    var record = ByteBuffer(integer: UInt16(100))
    record.writeRepeatingByte(0, count: 100)
    other.receive(record)
    #expect(other.ending == .lost(.counterExhausted))
    #expect(other.isClosed)
  }

  /// A connection whose ciphers stand at these counters, with its SETTINGS still to be sent.
  private func exhausted(_ setup: ConnectionSetup, sealing: UInt64, opening: UInt64) throws -> DrivenConnection {
    let slab = KeySlab()
    let key = try TestSecrets.bytes(TestSecrets.userKey)
    let ciphers = TrafficCiphers(
      sealing: try CipherState(key: key, counter: sealing, slab: slab),
      opening: try CipherState(key: key, counter: opening, slab: slab)
    )
    var connection = EstablishedConnection(
      protection: .sealed(ciphers),
      userName: nil,
      prefix: ByteBuffer(),
      rest: ByteBuffer(),
      configuration: SharedConfiguration(MachineConfiguration()),
      openDeadline: .distantFuture,
      writeFailedDeadline: nil,
      now: .uptimeNanoseconds(0)
    )
    connection.peerSettings = .default
    connection.sendSettings()
    let machine = ConnectionMachine(established: connection)
    return DrivenConnection(setup, wire: try PeerWire(.plainServer, userKey: []), machine: machine)
  }
}
