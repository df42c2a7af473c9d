internal import NIOCore

/// The name of a user: 1 to 255 bytes of UTF-8, compared byte for byte, without normalization (H-12).
///
/// So two names that look the same can be different, unlike with `String`. Server and client have to spell a name with
/// the same bytes.
public struct UserName: Hashable, Sendable {
  /// The largest number of bytes of a name: 255.
  public static let byteCountMax = 255

  /// The bytes of the name.
  public let bytes: [UInt8]

  /// A name from its UTF-8 bytes as they are.
  ///
  /// - Throws: ``BokbokError`` with the code ``BokbokError/Code/configuration`` unless they are 1 to 255.
  public init(_ text: String) throws(BokbokError) {
    try self.init(bytes: Array(text.utf8))
  }

  /// A name from its bytes.
  ///
  /// - Throws: ``BokbokError`` with the code ``BokbokError/Code/configuration`` unless they are 1 to 255 and valid
  ///   UTF-8; bytes that are not are never repaired.
  public init(bytes: [UInt8]) throws(BokbokError) {
    guard (1...Self.byteCountMax).contains(bytes.count) else {
      throw BokbokError(
        .configuration,
        "a user name has 1 to \(Self.byteCountMax) bytes of UTF-8, but \(bytes.count) were given"
      )
    }
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw BokbokError(
        .configuration,
        "a user name is UTF-8, but \"\(String(displaying: bytes))\" is not; convert it first"
      )
    }
    self.bytes = bytes
  }

  /// A name that the core has checked already.
  init(checked buffer: ByteBuffer) {
    self.bytes = Array(buffer.readableBytesView)
  }

  /// The name as text, exactly: escape it before you show one that came from the other side, as ``description`` does.
  public var text: String {
    String(decoding: self.bytes, as: UTF8.self)
  }

  var buffer: ByteBuffer { ByteBuffer(bytes: self.bytes) }
}

extension UserName: CustomStringConvertible {
  /// The name with control and format characters escaped, and cut (E-5).
  public var description: String { String(displaying: self.bytes, charactersMax: 64) }
}
