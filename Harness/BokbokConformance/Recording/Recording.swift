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
    /// What a sealed record from that side holds, by its number among those of its direction, from 0.
    case content(SideRole, index: Int, [UInt8])
    /// What the recorder's own handshake on this leg is made of; the session key is a client's.
    case secret(ephemeral: [UInt8], sessionKey: [UInt8]?)
    /// Why the recorder does what it does, for people.
    case remark(String)
  }

  /// What happened, and where.
  struct Moment: Sendable, Equatable {
    var happening: Happening
    /// Where the recorder is an end of each leg: which, by the side at its other end.
    var leg: SideRole?

    init(_ happening: Happening, leg: SideRole? = nil) {
      self.happening = happening
      self.leg = leg
    }
  }

  /// A line of the file.
  struct Event: Sendable, Equatable {
    /// The number of the connection, from 1.
    var connection: Int
    /// Microseconds since the recording began.
    var microseconds: Int
    var moment: Moment

    var happening: Happening { moment.happening }
    var leg: SideRole? { moment.leg }

    init(connection: Int, microseconds: Int, moment: Moment) {
      self.connection = connection
      self.microseconds = microseconds
      self.moment = moment
    }

    init(connection: Int, microseconds: Int, happening: Happening) {
      self.init(connection: connection, microseconds: microseconds, moment: Moment(happening))
    }
  }

  /// In the order in which they happened.
  let events: [Event]
  /// Whether the footer is there: without it, the recorder was cut off, or records still.
  package let isComplete: Bool
  /// For whom the recorder stood as an end of each leg; nil where all bytes passed unchanged.
  package let user: String?

  init(events: [Event], isComplete: Bool, user: String? = nil) {
    self.events = events
    self.isComplete = isComplete
    self.user = user
  }

  /// The legs of each connection, or that there is only one stream of it.
  var legs: [SideRole?] { user == nil ? [nil] : [.client, .server] }

  /// The numbers of the connections, in their order.
  package var connections: [Int] {
    var numbers: [Int] = []
    for event in events where !numbers.contains(event.connection) { numbers.append(event.connection) }
    return numbers
  }

  /// All bytes of one side of a connection, or of one of its legs.
  func bytes(of role: SideRole, connection: Int, leg: SideRole? = nil) -> [UInt8] {
    events.flatMap { event -> [UInt8] in
      guard event.connection == connection, event.leg == leg, case .bytes(role, let bytes) = event.happening else {
        return []
      }
      return bytes
    }
  }

  /// What the sealed records of one side hold, as far as the recorder could tell.
  func contents(of role: SideRole, connection: Int, leg: SideRole?) -> [Int: [UInt8]] {
    var contents: [Int: [UInt8]] = [:]
    for event in events where event.connection == connection && event.leg == leg {
      if case .content(role, let index, let bytes) = event.happening { contents[index] = bytes }
    }
    return contents
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
    var user: String?
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
        user = json["user"]?.string
      } else if json["connections"]?.integer != nil {
        isComplete = true
      } else if let event = Event(json) {
        events.append(event)
      } else {
        throw error("not an event of a recording: \(String(displaying: json.encodedText, charactersMax: 120))")
      }
    }
    guard !lines.isEmpty else { throw DataError(file: name, message: "the recording has no header") }
    self.init(events: events, isComplete: isComplete, user: user)
  }
}

extension Recording.Event {
  init?(_ json: JSON) {
    guard let connection = json["connection"]?.integer, connection > 0,
      let microseconds = json["microseconds"]?.integer, microseconds >= 0
    else { return nil }
    let role = json["from"]?.string.flatMap(SideRole.init)
    let leg = json["leg"]?.string.flatMap(SideRole.init)
    let happening: Recording.Happening
    if let role, let bytes = json["bytes"]?.string.flatMap(Hexadecimal.bytes) {
      happening = .bytes(role, bytes)
    } else if let role, let end = json["ends"]?.string.flatMap(StreamEnd.init) {
      happening = .ends(role, end)
    } else if let role, let index = json["record"]?.integer, index >= 0,
      let bytes = json["content"]?.string.flatMap(Hexadecimal.bytes)
    {
      happening = .content(role, index: index, bytes)
    } else if let ephemeral = json["ephemeral"]?.string.flatMap(Hexadecimal.bytes) {
      happening = .secret(ephemeral: ephemeral, sessionKey: json["sessionKey"]?.string.flatMap(Hexadecimal.bytes))
    } else if let text = json["remark"]?.string {
      happening = .remark(text)
    } else if json["opens"]?.bool == true {
      happening = .opens
    } else if let message = json["unreachable"]?.string {
      happening = .unreachable(message)
    } else {
      return nil
    }
    self.init(connection: connection, microseconds: microseconds, moment: .init(happening, leg: leg))
  }

  var json: JSON {
    var head: JSON = ["connection": .integer(connection), "microseconds": .integer(microseconds)]
    if let leg { head = head.merging(["leg": .string(leg.rawValue)]) }
    switch happening {
    case .secret(let ephemeral, let sessionKey?):
      return head.merging(["ephemeral": .hex(ephemeral), "sessionKey": .hex(sessionKey)])
    case .secret(let ephemeral, nil): return head.merging(["ephemeral": .hex(ephemeral)])
    case .content(let role, let index, let bytes):
      return head.merging(["from": .string(role.rawValue), "record": .integer(index), "content": .hex(bytes)])
    case .remark(let text): return head.merging(["remark": .string(text)])
    case .opens: return head.merging(["opens": true])
    case .unreachable(let message): return head.merging(["unreachable": .string(message)])
    case .bytes(let role, let bytes): return head.merging(["from": .string(role.rawValue), "bytes": .hex(bytes)])
    case .ends(let role, let end): return head.merging(["from": .string(role.rawValue), "ends": .string(end.rawValue)])
    }
  }
}
