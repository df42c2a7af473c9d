internal import Bokbok
internal import BokbokConformance
internal import NIOCore

/// One command of the contract, as it stands on a line.
struct TesteeCommandLine: Sendable {
  /// What the reply repeats.
  let sequence: Int
  let name: String
  private let members: JSON.Object

  /// The command that an option of the testee's command line stands for.
  init(name: String, members: JSON.Object) {
    self.sequence = 0
    self.name = name
    self.members = members
  }

  /// Reads a line.
  ///
  /// - Throws: a failure that says what is wrong, with the `seq` if the line has one.
  init(_ line: [UInt8]) throws(Unreadable) {
    let json: JSON
    do {
      json = try JSON(parsing: line)
    } catch {
      throw Unreadable(
        sequence: TesteeCommandLine.sequence(in: line),
        message: "the line cannot be read: \(error)"
      )
    }
    guard case .object(let members) = json else {
      throw Unreadable(sequence: nil, message: "the line is not a JSON object, but of the type \(json.typeName)")
    }
    guard let sequence = members["seq"]?.integer else {
      throw Unreadable(sequence: nil, message: "the member \"seq\" is missing or not an integer")
    }
    guard let name = members["command"]?.string else {
      throw Unreadable(sequence: sequence, message: "the member \"command\" is missing or not a string")
    }
    self.sequence = sequence
    self.name = name
    self.members = members
  }

  /// The number after `"seq":`, in a line that is otherwise not understood, so that its sender gets a reply.
  private static func sequence(in line: [UInt8]) -> Int? {
    let text = String(decoding: line.prefix(4096), as: UTF8.self)
    return text.firstMatch(of: /"seq"\s*:\s*(\d+)/).flatMap { Int($0.1) }
  }

  struct Unreadable: Error {
    let sequence: Int?
    let message: String
  }

  /// A member; nil if it is not there or null.
  subscript(name: String) -> JSON? {
    let value = members[name]
    return value == .null ? nil : value
  }

  /// A member that must be a string.
  func string(_ name: String) throws(TesteeFailure) -> String {
    guard let text = try optionalString(name) else { throw missing(name, "a string") }
    return text
  }

  /// A member that is a string or not there.
  func optionalString(_ name: String) throws(TesteeFailure) -> String? {
    guard let value = self[name] else { return nil }
    guard let text = value.string else { throw missing(name, "a string") }
    return text
  }

  func integer(_ name: String) throws(TesteeFailure) -> Int {
    guard let number = self[name]?.integer else { throw missing(name, "an integer") }
    return number
  }

  func optionalBool(_ name: String) throws(TesteeFailure) -> Bool? {
    guard let value = self[name] else { return nil }
    guard let flag = value.bool else { throw missing(name, "true or false") }
    return flag
  }

  /// The bytes of a member of hexadecimal digits.
  func bytes(_ name: String) throws(TesteeFailure) -> ByteBuffer {
    guard let bytes = Hexadecimal.bytes(try string(name)) else { throw missing(name, "hexadecimal digits") }
    return ByteBuffer(bytes: bytes)
  }

  func optionalObject(_ name: String) throws(TesteeFailure) -> JSON.Object? {
    guard let value = self[name] else { return nil }
    guard let object = value.object else { throw missing(name, "an object") }
    return object
  }

  private func missing(_ name: String, _ expected: String) -> TesteeFailure {
    let found = self[name].map { "is of the type \($0.typeName)" } ?? "is missing"
    return TesteeFailure(.other, "the command \(self.name) needs \"\(name)\", \(expected); it \(found)")
  }
}
