internal import Bokbok
internal import BokbokConformance

/// A users file: who may connect to a sealed server, and with which keys.
///
///     # comment
///     alice            6f1c…  # after the key, too
///     "Bob the Builder" 09ab…
///
/// Each line has a name, blanks and a key of 64 hexadecimal digits. A name is either written as it is, in UTF-8 without
/// blanks and control characters, its first character being neither `#` nor `"`; or as a quoted string of RFC 9804,
/// in which everything can be written: `\"`, `\\`, `\n`, `\t`, `\xHH`. Several lines for one name give it several
/// keys, each of which is good, so that keys can be exchanged one side at a time.
struct UsersFile: Sendable {
  /// What a users file is called in messages.
  static let kind = "users file"
  /// How many keys a user can have: the server tries them one by one.
  static let keysForUserMax = 4
  private static let byteCountMax = 16 * 1024 * 1024

  /// The keys of each user, in the order of the file: at least one user, each with 1 to `keysForUserMax` keys.
  let keys: [UserName: [PresharedKey]]

  /// Reads a users file.
  ///
  /// - Throws: a failure that names the file and the line if it cannot be read, others than its owner can use it, or
  ///   a line is not what it should be.
  init(path: String) throws(CommandFailure) {
    let contents = try SecretFile.read(path, kind: UsersFile.kind, byteCountMax: UsersFile.byteCountMax)
    self.keys = try contents.withUnsafeBytes { (bytes) throws(CommandFailure) in
      do throws(ReadingError) {
        return try UsersFile.keys(from: bytes)
      } catch {
        let place = error.lineNumber.map { ", line \($0)" } ?? ""
        throw CommandFailure(
          .configuration,
          "The users file \(SecretFile.quoted(path))\(place): \(error.message)."
        )
      }
    }
  }

  /// What is wrong with the text of a users file. It shows names, and nothing of a key.
  struct ReadingError: Error {
    let lineNumber: Int?
    let message: String
  }

  /// Reads the text of a users file.
  static func keys(from bytes: UnsafeRawBufferPointer) throws(ReadingError) -> [UserName: [PresharedKey]] {
    var keys: [UserName: [PresharedKey]] = [:]
    for (number, line) in SecretLines(bytes) {
      var rest = line
      let name: UserName
      do {
        name = try takeName(from: &rest)
      } catch {
        throw ReadingError(lineNumber: number, message: error.message)
      }
      let key: PresharedKey
      do {
        key = try KeyDigits.key(takeKeyDigits(from: rest))
      } catch .wrongLength(0) {
        throw ReadingError(lineNumber: number, message: "the name \(name) has no key after it")
      } catch {
        throw ReadingError(lineNumber: number, message: "\(error)")
      }
      keys[name, default: []].append(key)
      guard keys[name, default: []].count <= keysForUserMax else {
        throw ReadingError(
          lineNumber: number,
          message: "the user \(name) has more than \(keysForUserMax) keys; remove those that are out of use"
        )
      }
    }
    guard !keys.isEmpty else {
      throw ReadingError(
        lineNumber: nil,
        message: "there is no user in it. Add one with: bokbok key generate --user NAME --users-line"
      )
    }
    return keys
  }

  /// The line of a users file for a name, without a line break.
  static func line(user: String, key: PresharedKey) -> String {
    "\(nameText(user)) \(key.hexadecimal())"
  }

  /// A name as a users file has it.
  private static func nameText(_ name: String) -> String {
    let isBare =
      name.unicodeScalars.first != "#" && name.unicodeScalars.first != "\""
      && name.unicodeScalars.allSatisfy { !$0.properties.isWhitespace }
      // No control or format character, and no backslash, which people would take for an escape.
      && String(displaying: name, charactersMax: 256) == name
    if isBare { return name }
    var text = "\""
    for byte in name.utf8 {
      switch byte {
      case UInt8(ascii: "\""): text += "\\\""
      case UInt8(ascii: "\\"): text += "\\\\"
      case 0x20...0x7E: text.unicodeScalars.append(Unicode.Scalar(byte))
      default: text += "\\x" + Hexadecimal.text([byte])
      }
    }
    return text + "\""
  }

  private struct NameError: Error {
    let message: String
  }

  /// Takes the name and leaves what follows it.
  private static func takeName(from rest: inout Slice<UnsafeRawBufferPointer>) throws(NameError) -> UserName {
    let bytes: [UInt8]
    if rest.first == UInt8(ascii: "\"") {
      bytes = try takeQuotedName(from: &rest)
    } else {
      let name = rest.prefix { !SecretLines.isBlank($0) }
      if let control = name.first(where: { $0 < 0x20 || $0 == 0x7F }) {
        throw NameError(
          message: "the name has the control character 0x\(Hexadecimal.text([control])); such names stand in quotes"
        )
      }
      bytes = Array(name)
      rest = rest.dropFirst(name.count)
    }
    guard let first = rest.first else { throw NameError(message: "a name stands alone, a key must follow it") }
    guard SecretLines.isBlank(first) else {
      throw NameError(message: "a blank must stand between the quoted name and the key")
    }
    do {
      return try UserName(bytes: bytes)
    } catch {
      throw NameError(message: "\(error)")
    }
  }

  /// Takes a quoted string, whose escapes the notation of values knows.
  private static func takeQuotedName(from rest: inout Slice<UnsafeRawBufferPointer>) throws(NameError) -> [UInt8] {
    var isEscaped = false
    var end: Int?
    for index in rest.indices.dropFirst() {
      if isEscaped {
        isEscaped = false
      } else if rest[index] == UInt8(ascii: "\\") {
        isEscaped = true
      } else if rest[index] == UInt8(ascii: "\"") {
        end = index
        break
      }
    }
    guard let end else { throw NameError(message: "the quote before the name is not closed") }
    let quoted = rest[...end]
    rest = rest[(end + 1)...]
    guard let notation = String(validating: quoted, as: UTF8.self) else {
      throw NameError(message: "the quoted name is not UTF-8")
    }
    do {
      return try Value(notation: notation).bytes
    } catch {
      throw NameError(message: "the quoted name is not a quoted string of RFC 9804: \(error)")
    }
  }

  /// The digits: up to a blank, after which nothing but a comment may stand.
  private static func takeKeyDigits(from rest: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
    let text = rest.drop(while: SecretLines.isBlank)
    if text.first == UInt8(ascii: "#") { return text.prefix(0) }
    let digits = text.prefix { !SecretLines.isBlank($0) }
    let after = text.dropFirst(digits.count).drop(while: SecretLines.isBlank)
    // Something else is taken with the digits, whose number then is wrong.
    return after.isEmpty || after.first == UInt8(ascii: "#") ? digits : text
  }
}
