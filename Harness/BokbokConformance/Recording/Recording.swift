internal import BokbokCore

/// Sessions that were recorded between two implementations: the bytes both ways, with times.
///
/// The form is described by `Harness/Recordings/FORMAT.md`.
package struct Recording: Sendable {
  /// The version of the form, which the header names.
  static let format = 1

  /// What happened on a connection.
  enum Happening: Sendable, Equatable {
    /// The client has come, and the server has been reached.
    case opens
    /// The client has come, but the server could not be reached.
    case unreachable(String)
    /// Bytes passed, from that side.
    case bytes(SideRole, [UInt8])
    /// That side has finished sending, or the stream from it was reset.
    case ends(SideRole, StreamEnd)
  }

  /// A line of the file.
  struct Event: Sendable, Equatable {
    /// The number of the connection, from 1.
    var connection: Int
    /// Microseconds since the recording began.
    var microseconds: Int
    var happening: Happening
  }

  /// In the order in which they happened.
  let events: [Event]
  /// Whether the footer is there: without it, the recorder was cut off, or records still.
  package let isComplete: Bool

  init(events: [Event], isComplete: Bool) {
    self.events = events
    self.isComplete = isComplete
  }

  /// The numbers of the connections, in their order.
  package var connections: [Int] {
    var numbers: [Int] = []
    for event in events where !numbers.contains(event.connection) { numbers.append(event.connection) }
    return numbers
  }

  /// All bytes of one side of a connection.
  func bytes(of role: SideRole, connection: Int) -> [UInt8] {
    events.flatMap { event -> [UInt8] in
      guard event.connection == connection, case .bytes(role, let bytes) = event.happening else { return [] }
      return bytes
    }
  }
}

// MARK: - Reading

extension Recording {
  /// Whether a file begins as recordings do.
  package static func begins(_ file: [UInt8]) -> Bool {
    file.starts(with: Array("{\"recording\":".utf8))
  }

  /// Reads a recording. A last line that is not whole is left out: the recorder was cut off while it wrote it.
  ///
  /// - Parameters:
  ///   - file: the contents of the file.
  ///   - name: its name, for the error.
  /// - Throws: which line is not as the form wants it.
  package init(_ file: [UInt8], name: String) throws(DataError) {
    var events: [Event] = []
    var isComplete = false
    var lines = file.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    lines.removeLast()
    for (index, line) in lines.enumerated() {
      func error(_ message: String) -> DataError { DataError(file: name, place: "line \(index + 1)", message: message) }
      let json: JSON
      do { json = try JSON(parsing: line) } catch let fault { throw error("not JSON: \(fault)") }
      guard !isComplete else { throw error("a line after the footer") }
      if index == 0 {
        guard json["recording"]?.integer == Self.format else {
          throw error("expected the header of a recording, {\"recording\":\(Self.format),…}")
        }
      } else if json["connections"]?.integer != nil {
        isComplete = true
      } else if let event = Event(json) {
        events.append(event)
      } else {
        throw error("not an event of a recording: \(String(displaying: json.encodedText, charactersMax: 120))")
      }
    }
    guard !lines.isEmpty else { throw DataError(file: name, message: "the recording has no header") }
    self.init(events: events, isComplete: isComplete)
  }
}

extension Recording.Event {
  init?(_ json: JSON) {
    guard let connection = json["connection"]?.integer, connection > 0,
      let microseconds = json["microseconds"]?.integer, microseconds >= 0
    else { return nil }
    let role = json["from"]?.string.flatMap(SideRole.init)
    let happening: Recording.Happening
    if let role, let bytes = json["bytes"]?.string.flatMap(Hexadecimal.bytes) {
      happening = .bytes(role, bytes)
    } else if let role, let end = json["ends"]?.string.flatMap(StreamEnd.init) {
      happening = .ends(role, end)
    } else if json["opens"]?.bool == true {
      happening = .opens
    } else if let message = json["unreachable"]?.string {
      happening = .unreachable(message)
    } else {
      return nil
    }
    self.init(connection: connection, microseconds: microseconds, happening: happening)
  }

  var json: JSON {
    let head: JSON = ["connection": .integer(connection), "microseconds": .integer(microseconds)]
    return switch happening {
    case .opens: head.merging(["opens": true])
    case .unreachable(let message): head.merging(["unreachable": .string(message)])
    case .bytes(let role, let bytes): head.merging(["from": .string(role.rawValue), "bytes": .hex(bytes)])
    case .ends(let role, let end): head.merging(["from": .string(role.rawValue), "ends": .string(end.rawValue)])
    }
  }
}
