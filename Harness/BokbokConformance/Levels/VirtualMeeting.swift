internal import BokbokCore
internal import Foundation

/// How the kit and an implementation in the same process find each other: streams in memory, under addresses that only
/// look like some.
final class VirtualMeeting: MeetingPlace {
  private let split: Split
  private let clock: VirtualClock
  private let entropy: VirtualEntropy
  weak var testee: VirtualTestee?
  private var serverCount = 0
  private var waiting: [VirtualStream] = []
  private var streams: [VirtualStream] = []
  private var publicKeys: Set<[UInt8]> = []

  init(split: Split, clock: VirtualClock, entropy: VirtualEntropy) {
    self.split = split
    self.clock = clock
    self.entropy = entropy
  }

  /// The longest piece that the kit has sent at once, over all streams.
  var longestSend: Int { streams.map(\.longestSend).max() ?? 0 }

  private func makeStream() -> VirtualStream {
    let stream = VirtualStream(split: split)
    streams.append(stream)
    clock.add(stream)
    return stream
  }

  func nextServerAddress() -> SocketAddress {
    serverCount += 1
    return .unix(path: "memory/server-\(serverCount)")
  }

  func connect(
    to address: SocketAddress,
    receiveBufferByteCount: Int?,
    trace: StreamTrace
  ) throws -> any CaseStream {
    let stream = makeStream()
    stream.attach(trace: trace, receiveBufferByteCount: receiveBufferByteCount)
    guard testee?.accept(stream, address) == true else {
      throw SystemCallError(call: "connect \(address.text)", code: ECONNREFUSED)
    }
    return stream
  }

  func clientAddress() -> String { Self.kitAddress.text }

  /// Where the kit listens for clients.
  static let kitAddress = SocketAddress.unix(path: "memory/kit")

  /// A client of the implementation connects to the kit.
  func connectToKit() -> VirtualStream {
    let stream = makeStream()
    waiting.append(stream)
    return stream
  }

  func takeStream(receiveBufferByteCount: Int?, trace: StreamTrace) -> (any CaseStream)? {
    guard !waiting.isEmpty else { return nil }
    let stream = waiting.removeFirst()
    stream.attach(trace: trace, receiveBufferByteCount: receiveBufferByteCount)
    return stream
  }

  var hasWaitingStream: Bool { !waiting.isEmpty }

  func dropWaitingStreams() {
    for stream in waiting { stream.close() }
    waiting = []
  }

  func noteFresh(publicKey: [UInt8]) -> Bool {
    publicKeys.insert(publicKey).inserted
  }

  func freshSecret() throws(SecretError) -> SecretBytes { try entropy.secret() }
}

/// Secrets that are the same in each run.
final class VirtualEntropy {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  /// Another 32 bytes.
  func secret() throws(SecretError) -> SecretBytes {
    var bytes: [UInt8] = []
    while bytes.count < 32 { bytes.append(bigEndian: next()) }
    return try SecretBytes(copying: bytes)
  }

  /// SplitMix64 (Steele, Lea and Flood, 2014). Nothing is secret here, it only has to differ.
  private func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
