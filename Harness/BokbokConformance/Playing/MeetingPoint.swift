internal import Foundation

/// How the kit and the testees of one group find each other: addresses for a testee that serves, and a listening socket
/// for one that connects.
///
/// The next transport, standard input and output, adds a form of its own here: a stream that the kit gets by starting the
/// testee, or from a relay.
final class MeetingPoint {
  private let transport: Configuration.Transport
  private let poller: Poller
  private let directory: String
  private var listener: Listener?
  private var serverCount = 0
  /// The ephemeral public keys that testees of the group have used.
  private var publicKeys: Set<[UInt8]> = []

  /// The directory is for sockets; its path must be short.
  init(transport: Configuration.Transport, poller: Poller, directory: String) {
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
  func clientAddress() throws -> SocketAddress {
    if let listener { return listener.address }
    let address: SocketAddress = transport == .unix ? .unix(path: "\(directory)/kit") : .tcpLoopback()
    let listener = try Listener(address, poller: poller)
    self.listener = listener
    return listener.address
  }

  /// Notes a testee's ephemeral public key; false if one of the group has used it before.
  func noteFresh(publicKey: [UInt8]) -> Bool {
    publicKeys.insert(publicKey).inserted
  }

  /// The stream of a testee that has connected; nil while there is none.
  func takeStream() -> Int32? {
    listener?.takeAccepted()
  }

  /// Whether a testee has connected and no case has taken the stream.
  var hasWaitingStream: Bool { listener.map { !$0.accepted.isEmpty } ?? false }

  func dropWaitingStreams() {
    while let stream = takeStream() { Foundation.close(stream) }
  }

  func close() {
    listener?.close()
    listener = nil
  }
}
