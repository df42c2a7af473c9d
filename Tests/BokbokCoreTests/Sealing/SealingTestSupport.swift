import BokbokCore
import NIOCore
import Testing

/// The bytes that hexadecimal digits stand for; the tests' own literals are well formed.
func bytes(hexadecimal: String) -> [UInt8] {
  let digits = hexadecimal.compactMap(\.hexDigitValue)
  return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  bytes.map { byte in
    let digits = String(byte, radix: 16)
    return digits.count == 1 ? "0" + digits : digits
  }.joined()
}

func hexadecimal(_ buffer: ByteBuffer) -> String {
  hexadecimal(buffer.readableBytesView)
}

/// The error that the closure throws; nil when it throws none, or one of another type, which is an issue. The testing
/// library's own macro cannot hold values that cannot be copied.
func failure<Failure: Error>(_ type: Failure.Type, of body: () throws -> Void) -> Failure? {
  do {
    try body()
    return nil
  } catch let error as Failure {
    return error
  } catch {
    Issue.record(error)
    return nil
  }
}

extension SecretBytes {
  /// The bytes, for comparing public test data.
  borrowing func revealed() -> [UInt8] {
    self.withUnsafeBytes { Array($0) }
  }
}

extension CipherState {
  /// The sealed form of the plaintext.
  mutating func seal(_ plaintext: some Sequence<UInt8>) throws(CipherError) -> ByteBuffer {
    var buffer = ByteBuffer(bytes: plaintext)
    try self.seal(&buffer, at: buffer.readerIndex, count: buffer.readableBytes)
    return buffer
  }

  /// The plaintext of the sealed form.
  mutating func open(_ sealed: ByteBuffer) throws(CipherError) -> [UInt8] {
    var buffer = sealed
    try self.open(&buffer, at: buffer.readerIndex, count: buffer.readableBytes)
    return Array(buffer.readableBytesView.dropLast(CipherState.tagByteCount))
  }
}

extension HandshakeState {
  /// The next message with the payload.
  mutating func message(payload: [UInt8]) throws(HandshakeError) -> ByteBuffer {
    var buffer = ByteBuffer()
    try ByteBuffer(bytes: payload).withUnsafeReadableBytes { bytes throws(HandshakeError) in
      try self.writeMessage(payload: bytes, into: &buffer)
    }
    return buffer
  }
}
