internal import Foundation

/// How the kit and the testees of one group find each other: addresses for a testee that serves, and a listening socket
/// for one that connects.
///
/// Over standard input and output a testee that serves is started for each connection, and one that connects starts the
/// kit's relay, which finds the kit over a UNIX socket.
final class MeetingPoint: MeetingPlace {
  private let transport: Configuration.Transport
  private let poller: Poller
  private let directory: String
  /// Whether the kit writes each byte by itself.
  let writesByteByByte: Bool
  private var listener: Listener?
  private var serverCount = 0
  private var usersFileCount = 0
  private var relayReports: [RelayReports] = []
  private var relayCount = 0
  /// The ephemeral public keys that testees of the group have used.
  private var publicKeys: Set<[UInt8]> = []
  /// Those that were known when the case began.
  private var earlierPublicKeys: Set<[UInt8]> = []
  /// Those of them that have come again in this case.
  private(set) var repeatedPublicKeys: [[UInt8]] = []

  /// The directory is for sockets; its path must be short.
  init(transport: Configuration.Transport, poller: Poller, directory: String, writesByteByByte: Bool = false) {
    self.writesByteByByte = writesByteByByte
    self.transport = transport
    self.poller = poller
    self.directory = directory
  }

  /// The address that the testee's next server is told to listen on.
  func nextServerAddress() -> SocketAddress {
    serverCount += 1
    return transport == .unix ? .unix(path: "\(directory)/server-\(serverCount)") : .tcpLoopback()
  }

  /// The address that the testee's clients are told to connect to.
  func clientAddress() throws -> String {
    let path = "\(directory)/kit"
    let listener = try listener ?? Listener(transport == .tcp ? .tcpLoopback() : .unix(path: path), poller: poller)
    self.listener = listener
    return transport == .stdio ? try Relay.address(socketPath: path) : listener.address.text
  }

  func reportingRelay(_ options: RelayOptions) throws -> (address: String, reports: RelayReports) {
    _ = try clientAddress()
    for reports in relayReports where reports.isOver { reports.close() }
    relayReports.removeAll { $0.isOver }
    relayCount += 1
    let path = "\(directory)/relay-\(relayCount)"
    let reports = try RelayReports(path: path, poller: poller)
    relayReports.append(reports)
    return (try Relay.address(socketPath: "\(directory)/kit", options, reportPath: path), reports)
  }

  /// Writes a file for `--users-file`, which only this user can read, and returns its path.
  func writeUsers(_ users: JSON) throws -> String {
    usersFileCount += 1
    let path = "\(directory)/users-\(usersFileCount).json"
    let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o600]
    guard FileManager.default.createFile(atPath: path, contents: Data(users.encodedBytes), attributes: attributes)
    else { throw SystemCallError(call: "create \(path)", code: EIO) }
    return path
  }

  /// A new case begins, played by a testee that has used also these keys before.
  func beginCase(earlierPublicKeys: [[UInt8]] = []) {
    publicKeys.formUnion(earlierPublicKeys)
    self.earlierPublicKeys = publicKeys
    repeatedPublicKeys = []
  }

  /// Notes a testee's ephemeral public key; false if one of the group has used it before.
  func noteFresh(publicKey: [UInt8]) -> Bool {
    if earlierPublicKeys.contains(publicKey) { repeatedPublicKeys.append(publicKey) }
    return publicKeys.insert(publicKey).inserted
  }

  func connect(
    to address: SocketAddress,
    receiveBufferByteCount: Int?,
    trace: StreamTrace
  ) throws -> any CaseStream {
    let descriptor: Int32
    do {
      descriptor = try address.connectedDescriptor(receiveBufferByteCount: receiveBufferByteCount.map(Int32.init))
    } catch let error as SystemCallError where error.code == ECONNREFUSED || error.code == ENOENT {
      throw CaseFailure(expected: "the testee listens on \(address.text), as it said", got: error.description)
    }
    return try ByteStream(
      input: descriptor,
      output: descriptor,
      poller: poller,
      trace: trace,
      writesByteByByte: writesByteByByte
    )
  }

  /// Nobody but its owner may use the socket of a UNIX server, since the kit asks for no other mode.
  func check(serverAt address: SocketAddress) throws {
    guard case .unix(let path) = address else { return }
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw CaseFailure(clause: "A-1.c", expected: "a socket at \(path)", got: String(cString: strerror(errno)))
    }
    let mode = status.st_mode & 0o777
    guard mode == 0o600 else {
      throw CaseFailure(clause: "A-1.c", expected: "a socket with the mode 0600", got: "0" + String(mode, radix: 8))
    }
  }

  /// The stream of a testee that has connected; nil while there is none.
  func takeStream(receiveBufferByteCount: Int?, trace: StreamTrace) throws -> (any CaseStream)? {
    guard let listener, let descriptor = listener.takeAccepted() else { return nil }
    try listener.address.configure(descriptor)
    if let receiveBufferByteCount {
      try SystemCalls.setOption(descriptor, level: SOL_SOCKET, SO_RCVBUF, Int32(receiveBufferByteCount))
    }
    return try ByteStream(
      input: descriptor,
      output: descriptor,
      poller: poller,
      trace: trace,
      writesByteByByte: writesByteByByte
    )
  }

  /// Whether a testee has connected and no case has taken the stream.
  var hasWaitingStream: Bool { listener.map { !$0.accepted.isEmpty } ?? false }

  /// When the streams came that no case has taken.
  var waitingStreamTimes: [ContinuousClock.Instant] { listener?.accepted.map(\.time) ?? [] }

  func dropWaitingStreams() {
    while let stream = listener?.takeAccepted() { Foundation.close(stream) }
  }

  func close() {
    listener?.close()
    listener = nil
    for reports in relayReports { reports.close() }
    relayReports = []
  }
}
