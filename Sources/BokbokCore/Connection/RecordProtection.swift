import NIOCore

/// What guards the records of an open connection: nothing, or a cipher for each direction.
enum RecordProtection: ~Copyable {
  case plain
  case sealed(TrafficCiphers)

  var isSealed: Bool {
    switch self {
    case .plain: false
    case .sealed: true
    }
  }

  /// Seals a record's content in place; room for the tag stands after it.
  mutating func seal(_ buffer: inout ByteBuffer, at index: Int, count: Int) throws(CipherError) {
    switch consume self {
    case .plain:
      self = .plain
    case .sealed(var ciphers):
      do throws(CipherError) {
        try ciphers.sealing.seal(&buffer, at: index, count: count)
        self = .sealed(ciphers)
      } catch {
        self = .sealed(ciphers)
        throw error
      }
    }
  }

  /// Opens a record's content in place.
  mutating func open(_ buffer: inout ByteBuffer, at index: Int, count: Int) throws(CipherError) {
    switch consume self {
    case .plain:
      self = .plain
    case .sealed(var ciphers):
      do throws(CipherError) {
        try ciphers.opening.open(&buffer, at: index, count: count)
        self = .sealed(ciphers)
      } catch {
        self = .sealed(ciphers)
        throw error
      }
    }
  }
}
