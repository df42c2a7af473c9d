import NIOCore
import Testing

@testable import BokbokCore

/// The other side of the wire, played by the test: it seals what the test sends, and reads what the machine sent.
final class PeerWire {
  private enum Reading {
    case preamble
    case refusal
    case userName
    case message1
    case message2
    case records
  }

  let setup: ConnectionSetup
  private let slab = KeySlab()
  private var reading = Reading.preamble
  private var unread = ByteBuffer()
  private var clientHandshake: ClientHandshake?
  private var ciphers: TrafficCiphers?

  /// All bytes that the machine has sent.
  private(set) var bytes = ByteBuffer()
  private(set) var preamble: Preamble?
  private(set) var refusal: CodedMessage?
  private(set) var userName: ByteBuffer?
  private(set) var message1: ByteBuffer?
  /// The frames of each record that the machine has sent.
  private(set) var records: [[Frame]] = []
  /// What this side sends to open the connection, apart from SETTINGS; as a server it knows it only once message 1
  /// has come.
  private(set) var opening: ByteBuffer
  /// What the server of a sealed connection looks keys up in.
  private let userKey: [UInt8]

  init(_ setup: ConnectionSetup, userName: ByteBuffer = TestSecrets.userName, userKey: [UInt8]) throws {
    self.setup = setup
    self.userKey = userKey
    opening = ByteBuffer(bytes: Preamble(mode: setup.mode).bytes)
    guard setup.isSealed, setup.side == .server else { return }
    var handshake = try ClientHandshake(
      preamble: Preamble(mode: .sealed).bytes,
      userName: userName,
      userKey: try TestSecrets.bytes(userKey),
      sessionKey: try TestSecrets.bytes(TestSecrets.sessionKey),
      ephemeral: try TestSecrets.bytes(TestSecrets.clientEphemeral)
    )
    var message1 = ByteBuffer()
    try handshake.writeMessage1(into: &message1)
    Record.write(userName, into: &opening)
    Record.write(message1, into: &opening)
    clientHandshake = consume handshake
  }

  // MARK: Sending

  /// One record with this content, sealed where the connection is.
  func record(_ content: ByteBuffer) -> ByteBuffer {
    var record = ByteBuffer()
    record.writeInteger(UInt16(content.readableBytes + setup.tagByteCount))
    record.writeImmutableBuffer(content)
    guard setup.isSealed else { return record }
    do {
      if ciphers == nil { Issue.record("the test seals a record before the handshake is over") }
      try ciphers?.sealing.seal(&record, at: Record.headerByteCount, count: content.readableBytes)
    } catch {
      Issue.record("the test cannot seal: \(error)")
    }
    return record
  }

  /// One record with these frames.
  func record(_ frames: [Frame]) -> ByteBuffer {
    var content = ByteBuffer()
    for frame in frames { frame.write(into: &content) }
    return record(content)
  }

  // MARK: Reading

  /// Takes what the machine sent.
  func receive(_ output: ByteBuffer) {
    bytes.writeImmutableBuffer(output)
    unread.writeImmutableBuffer(output)
    do {
      while try readNext() {}
    } catch {
      Issue.record("the machine sent bytes that cannot be read: \(error)")
    }
  }

  /// Bytes of something that the machine has not sent whole.
  var unreadByteCount: Int { unread.readableBytes }

  private func readNext() throws -> Bool {
    switch reading {
    case .preamble:
      guard case .preamble(let preamble) = Preamble.read(unread) else { return false }
      unread.moveReaderIndex(forwardBy: Preamble.byteCount)
      self.preamble = preamble
      switch (preamble.mode, setup.side) {
      case (.refused, _): reading = .refusal
      case (.sealed, .server): reading = .message2
      case (.sealed, .client): reading = .userName
      default: reading = .records
      }
      return true
    case .refusal:
      guard let content = Record.read(from: &unread) else { return false }
      let refusal = CodedMessage(decoding: content, allowsDetails: false)
      #expect(refusal != nil, "a refusal that is not (code message)")
      self.refusal = refusal
      #expect(unread.readableBytes == 0, "bytes follow a refusal")
      return false
    case .userName:
      guard let content = Record.read(from: &unread) else { return false }
      userName = content
      reading = .message1
      return true
    case .message1:
      guard let content = Record.read(from: &unread) else { return false }
      message1 = content
      reading = .records
      try answer(message1: content)
      return true
    case .message2:
      guard let content = Record.read(from: &unread) else { return false }
      guard let handshake = clientHandshake.take() else { return false }
      ciphers = try handshake.readMessage2(content, slab: slab)
      reading = .records
      return true
    case .records:
      return try readRecord()
    }
  }

  private func answer(message1: ByteBuffer) throws {
    let handshake = try ServerHandshake(
      preamble: Preamble(mode: .sealed).bytes,
      userName: userName ?? ByteBuffer(),
      ephemeral: try TestSecrets.bytes(TestSecrets.serverEphemeral)
    )
    var message2 = ByteBuffer()
    ciphers = try handshake.answer(
      message1: message1,
      userKey: try TestSecrets.bytes(userKey),
      message2Into: &message2,
      slab: slab
    )
    Record.write(message2, into: &opening)
  }

  private func readRecord() throws -> Bool {
    guard let length = unread.getInteger(at: unread.readerIndex, as: UInt16.self) else { return false }
    guard unread.readableBytes >= Record.headerByteCount + Int(length) else { return false }
    let index = unread.readerIndex + Record.headerByteCount
    if setup.isSealed { try ciphers?.opening.open(&unread, at: index, count: Int(length)) }
    var content = try #require(unread.getSlice(at: index, length: Int(length) - setup.tagByteCount))
    unread.moveReaderIndex(forwardBy: Record.headerByteCount + Int(length))
    var frames: [Frame] = []
    while let frame = try Frame.read(from: &content) { frames.append(frame) }
    #expect(!frames.isEmpty, "a record without a frame")
    records.append(frames)
    return true
  }
}
