internal import BokbokCore
internal import Foundation

/// Stands between any two implementations and writes their sessions as they go.
///
/// Each stream that comes in gets one to the server; bytes, ends and resets pass unchanged, in both directions, and no
/// faster than the other side takes them. Sealed sessions pass as ciphertext, unless the recorder has a user and a key:
/// then it is an end of each leg, and records what they hold (``RelayedConnection``).
package final class Recorder {
  private let poller = Poller()
  private let listener: Listener
  private let server: SocketAddress
  private let connectionCountMax: Int?
  private let write: ([UInt8]) throws -> Void
  private let start = ContinuousClock.now
  private let stopping: StopRequest
  private let identity: RelayedConnection.Identity?
  private var connections: [any RecordedConnection] = []
  private var connectionCount = 0

  /// Listens.
  ///
  /// - Parameters:
  ///   - listen: where clients connect: `tcp:HOST:PORT` with a host in digits, where port 0 takes a free one, or
  ///     `unix:PATH`.
  ///   - connect: where the server is, in the same form.
  ///   - user: whom the recorder stands for on both legs of each connection, which is sealed then, with the key of 32
  ///     bytes; nil passes all bytes unchanged.
  ///   - connectionCountMax: after how many connections the recording ends; nil for never.
  ///   - write: takes each line of the recording, with its end, as soon as it is known.
  /// - Throws: what of the system failed, and what of the arguments is no address.
  package init(
    listen: String,
    connect: String,
    user: (name: String, key: [UInt8])? = nil,
    connectionCountMax: Int?,
    write: @escaping ([UInt8]) throws -> Void
  ) throws {
    guard let address = SocketAddress(listen) else { throw RecorderError.address(listen) }
    guard let server = SocketAddress(connect) else { throw RecorderError.address(connect) }
    stopping = try StopRequest(poller)
    listener = try Listener(address, poller: poller)
    self.server = server
    identity = user.map { .init(user: Array($0.name.utf8), key: $0.key) }
    self.connectionCountMax = connectionCountMax
    self.write = write
    let header: JSON = [
      "recording": .integer(Recording.format),
      "started": .string(ISO8601DateFormatter().string(from: Date())),
      "listen": .string(listener.address.text),
      "connect": .string(server.text),
    ]
    try writeLine(header.merging(user.map { ["user": .string($0.name)] } ?? [:]))
  }

  /// Where clients connect, with the real port.
  package var address: String { listener.address.text }

  /// Ends ``run()`` from any thread, or from the handler of a signal.
  package var stop: @Sendable () -> Void { stopping.request }

  /// Records until it is stopped or the last of the connections has ended, and writes the footer.
  ///
  /// - Throws: what of the system failed, and what ``init(listen:connect:user:connectionCountMax:write:)``'s closure throws.
  package func run() throws {
    defer { listener.close() }
    let farAway = ContinuousClock.now + .seconds(100 * 365 * 86_400)
    _ = try poller.wait(until: farAway) { () throws -> Bool? in
      try serve()
      return stopping.isRequested || (connectionCount == connectionCountMax && connections.isEmpty) ? true : nil
    }
    for connection in connections { connection.close() }
    try writeLine(["connections": .integer(connectionCount)])
  }

  private func serve() throws {
    while connectionCount != connectionCountMax, let descriptor = listener.takeAccepted() { try begin(descriptor) }
    for connection in connections {
      try connection.pass { try note(connection.number, $0) }
    }
    connections.removeAll { !$0.isOpen }
  }

  private func begin(_ descriptor: Int32) throws {
    connectionCount += 1
    let client = try stream(descriptor)
    let other: ByteStream
    do {
      try listener.address.configure(descriptor)
      other = try stream(server.connectedDescriptor())
    } catch {
      try note(connectionCount, .init(.unreachable("\(error)")))
      client.close()
      return
    }
    try note(connectionCount, .init(.opens))
    if let identity {
      connections.append(
        RelayedConnection(number: connectionCount, identity: identity, client: client, server: other)
      )
    } else {
      connections.append(PassedConnection(number: connectionCount, client: client, server: other))
    }
  }

  private func stream(_ descriptor: Int32) throws -> ByteStream {
    let trace = StreamTrace(name: "", isClient: false, keepsEntries: false)
    return try ByteStream(input: descriptor, output: descriptor, poller: poller, trace: trace)
  }

  private func note(_ connection: Int, _ moment: Recording.Moment) throws {
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    let microseconds = Int(seconds) * 1_000_000 + Int(attoseconds / 1_000_000_000_000)
    try writeLine(Recording.Event(connection: connection, microseconds: microseconds, moment: moment).json)
  }

  private func writeLine(_ json: JSON) throws {
    try write(Array((json.encodedText + "\n").utf8))
  }
}

/// Why a recorder cannot begin.
package enum RecorderError: Error, CustomStringConvertible {
  /// What was given is not an address.
  case address(String)

  /// What was given, and what was expected.
  package var description: String {
    switch self {
    case .address(let text):
      "\"\(String(displaying: text, charactersMax: 200))\" is not an address: "
        + "expected tcp:HOST:PORT, with a host in digits or localhost, or unix:PATH"
    }
  }
}

/// A pipe through which another thread, or the handler of a signal, ends the recording.
private final class StopRequest: PollSource {
  private let reading: Int32
  private let writing: Int32
  private(set) var isRequested = false

  init(_ poller: Poller) throws {
    (reading, writing) = try SystemCalls.pipe()
    poller.add(self)
  }

  deinit {
    close(reading)
    close(writing)
  }

  var request: @Sendable () -> Void {
    // The closure keeps the pipe, so that it never writes to a descriptor that has become another's.
    let copy = StopRequest.Writer(descriptor: dup(writing))
    return { copy.write() }
  }

  private final class Writer: Sendable {
    private let descriptor: Int32

    init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    func write() {
      var byte: UInt8 = 0
      _ = Foundation.write(descriptor, &byte, 1)
    }
  }

  var interests: [(descriptor: Int32, events: Int16)] {
    isRequested ? [] : [(reading, Int16(POLLIN))]
  }

  func handle(_ descriptor: Int32, _ events: Int16) {
    isRequested = true
  }
}
