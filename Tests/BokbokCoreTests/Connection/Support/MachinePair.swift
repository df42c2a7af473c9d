import BokbokCore
import NIOCore
import Testing

/// A client and a server back to back: what one sends lies in a pipe until the test delivers it to the other.
final class MachinePair {
  let client: PairedMachine
  let server: PairedMachine
  /// The virtual clock of both.
  private(set) var now: NIODeadline = .uptimeNanoseconds(1_000_000_000_000)

  init(
    isSealed: Bool,
    client clientConfiguration: MachineConfiguration = .init(),
    server serverConfiguration: MachineConfiguration = .init()
  ) throws {
    let setup = ConnectionSetup(side: .client, isSealed: isSealed)
    client = PairedMachine(
      try ConnectionMachine(
        client: try TestSecrets.client(setup),
        configuration: SharedConfiguration(clientConfiguration),
        slab: KeySlab(),
        now: now
      )
    )
    server = PairedMachine(
      ConnectionMachine(
        server: try TestSecrets.server(setup),
        configuration: SharedConfiguration(serverConfiguration),
        slab: KeySlab(),
        now: now
      )
    )
    server.keys = [try PresharedKey(bytes: TestSecrets.userKey)]
    client.peer = server
    server.peer = client
    client.now = now
    server.now = now
  }

  var sides: [PairedMachine] { [client, server] }

  /// Delivers and takes everything until neither side has anything left to do; no time passes.
  func settle() {
    var turnsLeft = 100_000
    repeat {
      turnsLeft -= 1
      for side in sides { side.runActions() }
      for side in sides { side.takeOutput(byteCountMax: 65_536) }
      for side in sides {
        side.deliver(byteCountMax: .max)
        side.deliverEnd()
        side.reportWritten()
        side.passDeadline()
      }
    } while turnsLeft > 0 && sides.contains { $0.hasSomethingToDo }
    if turnsLeft == 0 { Issue.record("the pair never comes to rest") }
  }

  func wait(_ amount: TimeAmount) {
    now = now + amount
    for side in sides {
      side.now = now
      side.passDeadline()
      side.runActions()
    }
  }

  func open() throws {
    settle()
    for side in sides {
      try #require(side.isOpen)
      _ = side.takeActions()
    }
  }
}

/// One side of a pair, with its driver and the pipe towards it.
final class PairedMachine {
  private var machine: ConnectionMachine
  fileprivate(set) weak var peer: PairedMachine?
  fileprivate(set) var now: NIODeadline = .uptimeNanoseconds(0)
  var keys: [PresharedKey] = []

  /// What the other side has sent and this one has not read.
  private(set) var inbox = ByteBuffer()
  private var inboxHasEnded = false
  private var hasReadEnd = false

  private(set) var actions: [ConnectionAction] = []
  private(set) var ending: ConnectionEnding?
  private(set) var isShutDown = false
  private(set) var isClosed = false
  private var wroteLast = false

  init(_ machine: consuming ConnectionMachine) {
    self.machine = machine
  }

  var isOpen: Bool { machine.isOpen }
  var isIdle: Bool { machine.isIdle }
  var holdings: ConnectionHoldings { machine.holdings }

  func takeActions() -> [ConnectionAction] {
    defer { actions = [] }
    return actions
  }

  // MARK: The stream

  /// Reads at most so many bytes of what is there.
  func deliver(byteCountMax: Int) {
    guard !isClosed, machine.wantsReading, inbox.readableBytes > 0 else { return }
    guard let piece = inbox.readSlice(length: min(byteCountMax, inbox.readableBytes)) else { return }
    machine.receive(ByteBuffer(bytes: piece.readableBytesView), now: now)
    if inbox.readableBytes == 0 { inbox = ByteBuffer() }
    runActions()
  }

  /// Reads the end of input where it has come.
  func deliverEnd() {
    guard !isClosed, inboxHasEnded, !hasReadEnd, inbox.readableBytes == 0 else { return }
    hasReadEnd = true
    machine.receiveEnd(now: now)
    runActions()
  }

  func takeOutput(byteCountMax: Int) {
    guard !isClosed, let output = machine.takeOutput(byteCountMax: byteCountMax) else { return }
    if isShutDown { Issue.record("output after the sending half was shut down") }
    peer?.inbox.writeImmutableBuffer(output)
    runActions()
  }

  func reportWritten() {
    guard machine.wantsWriteReport else { return }
    machine.outputWritten(now: now)
    runActions()
  }

  func passDeadline() {
    guard let deadline = machine.deadline, deadline <= now else { return }
    machine.timePassed(now: now)
    runActions()
  }

  fileprivate var hasSomethingToDo: Bool {
    guard !isClosed else { return false }
    if machine.wantsWriteReport { return true }
    if let deadline = machine.deadline, deadline <= now { return true }
    if inbox.readableBytes > 0 { return machine.wantsReading }
    return (inboxHasEnded && !hasReadEnd) || hasOutput
  }

  /// Whether the last `takeOutput` may have left something.
  private var hasOutput: Bool {
    guard let output = machine.takeOutput(byteCountMax: 65_536) else { return false }
    peer?.inbox.writeImmutableBuffer(output)
    runActions()
    return true
  }

  /// The stream breaks: what is in the pipes is lost.
  func breakStream() {
    for side in [self, peer].compactMap(\.self) where !side.isClosed {
      side.inbox = ByteBuffer()
      side.machine.streamFailed(now: now)
      side.runActions()
    }
  }

  /// What this side sends does not arrive any more.
  func failWrites() {
    peer?.inboxHasEnded = true
    machine.writeFailed(now: now)
    runActions()
  }

  // MARK: The application

  func request(_ value: Value) -> RequestAdmission {
    defer { runActions() }
    return machine.request(value)
  }

  func cancel(_ id: ExchangeID) -> Bool {
    defer { runActions() }
    return machine.cancel(id)
  }

  func respond(to id: ExchangeID, _ answer: HandlerAnswer) {
    machine.respond(to: id, with: answer)
    runActions()
  }

  func ping(_ token: PingToken) -> Bool {
    defer { runActions() }
    return machine.ping(token)
  }

  func close(_ code: String = "normal", _ message: String = "") {
    machine.close(code: code, message: message, now: now)
    runActions()
  }

  func abort() {
    machine.abort(now: now)
    runActions()
  }

  func runActions() {
    while let action = machine.nextAction() {
      if isClosed { Issue.record("\(action) after closeStream") }
      switch action {
      case .checkAdmission:
        machine.admit(busy: false)
      case .lookUpKey:
        machine.keysFound(keys)
      case .opened:
        actions.append(action)
        machine.letIn()
      case .ended(let ending):
        if self.ending != nil { Issue.record("a second outcome") }
        self.ending = ending
        actions.append(action)
      case .shutDownOutput:
        isShutDown = true
        peer?.inboxHasEnded = true
      case .closeStream:
        isClosed = true
        peer?.inboxHasEnded = true
      default:
        if ending != nil { Issue.record("\(action) after the outcome") }
        actions.append(action)
      }
    }
  }
}
