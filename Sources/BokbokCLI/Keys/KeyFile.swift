internal import BokbokCore

/// A key file: one key of 64 hexadecimal digits, on a line of its own.
///
/// Empty lines and lines that begin with `#` are skipped. The file belongs to its owner alone.
enum KeyFile {
  /// What a key file is called in messages.
  static let kind = "key file"
  private static let byteCountMax = 65_536

  /// Reads the key.
  ///
  /// - Throws: a failure if the file cannot be read, others than its owner can use it, or it does not hold one key.
  static func read(_ path: String) throws(CommandFailure) -> PresharedKey {
    let contents = try SecretFile.read(path, kind: kind, byteCountMax: byteCountMax)
    return try contents.withUnsafeBytes { (bytes) throws(CommandFailure) -> PresharedKey in
      var key: PresharedKey?
      for (number, line) in SecretLines(bytes) {
        let place = "The key file \(SecretFile.quoted(path)), line \(number)"
        guard key == nil else {
          throw CommandFailure(.configuration, "\(place): a key file holds one key, but this is a second one.")
        }
        do {
          key = try KeyDigits.key(line)
        } catch {
          throw CommandFailure(.configuration, "\(place): \(error).")
        }
      }
      guard let key else {
        throw CommandFailure(
          .configuration,
          "The key file \(SecretFile.quoted(path)) holds no key. "
            + "Make one with: bokbok key generate --output FILE"
        )
      }
      return key
    }
  }

  /// Writes a key file with the mode 0600.
  static func write(_ key: PresharedKey, to path: String, overwrites: Bool) throws(CommandFailure) {
    var text = key.hexadecimal() + "\n"
    // A String's memory cannot be erased; it is released at once.
    let result = text.withUTF8 { bytes in
      Result { () throws(CommandFailure) in
        try SecretFile.write(UnsafeRawBufferPointer(bytes), to: path, kind: kind, overwrites: overwrites)
      }
    }
    try result.get()
  }
}
