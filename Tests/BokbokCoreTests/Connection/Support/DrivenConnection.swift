import BokbokCore
import NIOCore
import Testing

/// A machine and its driver, without a stream: the test plays the other side, and sees every action and every frame.
///
/// After each call the driver does what a driver has to do: it runs actions until there are none and takes output while
/// the stream accepts it.
final class DrivenConnection {
  let setup: ConnectionSetup
  let wire: PeerWire
  /// Where the machine's traffic keys lie.
  let slab = KeySlab()
  private var machine: ConnectionMachine
  /// The virtual clock.
  private(set) var now: NIODeadline = .uptimeNanoseconds(1_000_000_000_000)

  // MARK: How the driver behaves

  /// Whether the stream accepts output.
  var isWritable = true
  /// How many bytes are taken at once.
  var outputBudget = 65_536
  /// Whether what was taken counts as written at once; else the test calls `reportWritten`.
  var writesAtOnce = true
  /// The answer to `checkAdmission`; nil: the test answers.
  var isBusy: Bool? = false
  /// The answer to `lookUpKey`; nil: the test answers.
  var keys: [PresharedKey]?
  /// Whether the connection is let in as soon as it opens.
  var letsIn = true

  // MARK: What happened

  /// The actions that the test has not taken yet, but for those that the driver answers by itself.
  private(set) var actions: [ConnectionAction] = []
  /// All actions from the beginning.
  private(set) var allActions: [ConnectionAction] = []
  private(set) var ending: ConnectionEnding?
  private(set) var isShutDown = false
  private(set) var isClosed = false
  private var takenFrameCount = 0

  init(
    _ setup: ConnectionSetup,
    configuration: MachineConfiguration = MachineConfiguration(),
    userKey: [UInt8] = TestSecrets.userKey,
    peerUserName: ByteBuffer = TestSecrets.userName,
    peerUserKey: [UInt8] = TestSecrets.userKey
  ) throws {
    self.setup = setup
    wire = try PeerWire(setup, userName: peerUserName, userKey: peerUserKey)
    keys = [try PresharedKey(bytes: userKey)]
    switch setup.side {
    case .server:
      machine = ConnectionMachine(
        server: try TestSecrets.server(setup),
        configuration: SharedConfiguration(configuration),
        slab: slab,
        now: now
      )
    case .client:
      machine = try ConnectionMachine(
        client: try TestSecrets.client(setup, userKey: userKey),
        configuration: SharedConfiguration(configuration),
        slab: slab,
        now: now
      )
    }
    run()
  }

  /// A machine in some other state, on a connection whose opening is over.
  init(_ setup: ConnectionSetup, wire: PeerWire, machine: consuming ConnectionMachine) {
    self.setup = setup
    self.wire = wire
    self.machine = machine
    keys = []
    run()
  }

  // MARK: What the other side does

  /// Bytes come, in the pieces given by `pieceByteCount` or as they are.
  func receive(_ bytes: ByteBuffer, pieceByteCount: Int = .max) {
    for piece in bytes.parts(byteCount: pieceByteCount) {
      machine.receive(piece, now: now)
      run()
    }
  }

  /// These frames come in one record.
  func receive(_ frames: Frame...) {
    receive(wire.record(frames))
  }

  /// A record with this content comes, whatever it is.
  func receive(content: ByteBuffer) {
    receive(wire.record(content))
  }

  func receiveEnd() {
    machine.receiveEnd(now: now)
    run()
  }

  func failStream() {
    machine.streamFailed(now: now)
    run()
  }

  func failWrites() {
    isWritable = false
    machine.writeFailed(now: now)
    run()
  }

  /// Opens the connection, and takes the actions and frames of the opening.
  func open(peerSettings: Settings = .default) throws {
    receive(wire.opening)
    receive(.settings(peerSettings))
    try #require(isOpen)
    #expect(takeActions() == [.opened(userName: setup.isSealed ? TestSecrets.userName : nil)])
    #expect(takeFrames().map(\.kind) == [.settings])
  }

  // MARK: What the application does

  @discardableResult
  func request(_ value: Value) -> RequestAdmission {
    defer { run() }
    return machine.request(value)
  }

  /// A request that has to be taken.
  func begin(_ value: Value = ["hello"]) throws -> ExchangeID {
    guard case .accepted(let id) = request(value) else {
      throw UnexpectedAdmission()
    }
    return id
  }

  struct UnexpectedAdmission: Error {}

  @discardableResult
  func cancel(_ id: ExchangeID) -> Bool {
    defer { run() }
    return machine.cancel(id)
  }

  func respond(to id: ExchangeID, _ answer: HandlerAnswer) {
    machine.respond(to: id, with: answer)
    run()
  }

  @discardableResult
  func ping(_ token: PingToken) -> Bool {
    defer { run() }
    return machine.ping(token)
  }

  func close(_ code: String = "normal", _ message: String = "") {
    machine.close(code: code, message: message, now: now)
    run()
  }

  func abort() {
    machine.abort(now: now)
    run()
  }

  func letIn() {
    machine.letIn()
    run()
  }

  func turnDown(_ code: String, _ message: String = "") {
    machine.turnDown(code: code, message: message, now: now)
    run()
  }

  func admit(busy: Bool) {
    machine.admit(busy: busy)
    run()
  }

  func keysFound(_ keys: [PresharedKey]) {
    machine.keysFound(keys)
    run()
  }

  // MARK: Time

  /// Lets time pass; `timePassed` is called whenever a deadline comes.
  func wait(_ amount: TimeAmount) {
    let end = now + amount
    while let deadline = machine.deadline, deadline <= end {
      now = max(now, deadline)
      run()
    }
    now = end
    run()
  }

  /// Lets time pass of which the machine is told nothing.
  func skip(_ amount: TimeAmount) {
    now = now + amount
  }

  // MARK: What is to be seen

  var wantsReading: Bool { machine.wantsReading }
  var deadline: NIODeadline? { machine.deadline }
  var isOpen: Bool { machine.isOpen }
  var isIdle: Bool { machine.isIdle }
  var counters: ConnectionCounters { machine.counters }

  /// Takes the actions that came since the last call.
  func takeActions() -> [ConnectionAction] {
    defer { actions = [] }
    return actions
  }

  /// Takes the frames that the machine sent since the last call.
  func takeFrames() -> [Frame] {
    let frames = wire.records.flatMap { $0 }
    defer { takenFrameCount = frames.count }
    return Array(frames[takenFrameCount...])
  }

  // MARK: The driver

  /// Accepts so much output, in one piece.
  func takeOutputOnce(byteCountMax: Int) {
    if let output = machine.takeOutput(byteCountMax: byteCountMax) { wire.receive(output) }
    runActions()
  }

  func reportWritten() {
    machine.outputWritten(now: now)
    run()
  }

  func run() {
    var turnsLeft = 100_000
    while turnsLeft > 0 {
      turnsLeft -= 1
      runActions()
      guard isWritable else {
        if letDeadlinePass() { continue }
        return
      }
      if let output = machine.takeOutput(byteCountMax: outputBudget) {
        #expect(!isShutDown && !isClosed, "output after the sending half was shut down")
        #expect(output.readableBytes > 0, "empty output")
        wire.receive(output)
      } else if writesAtOnce, machine.wantsWriteReport {
        machine.outputWritten(now: now)
      } else if !letDeadlinePass() {
        return
      }
    }
    Issue.record("the machine never comes to rest")
  }

  /// A deadline that has come is not left to wait.
  private func letDeadlinePass() -> Bool {
    guard let deadline = machine.deadline, deadline <= now else { return false }
    machine.timePassed(now: now)
    return true
  }

  private func runActions() {
    while let action = machine.nextAction() {
      #expect(!isClosed, "\(action) after closeStream")
      allActions.append(action)
      switch action {
      case .checkAdmission:
        if let isBusy { machine.admit(busy: isBusy) } else { actions.append(action) }
      case .lookUpKey:
        if let keys { machine.keysFound(keys) } else { actions.append(action) }
      case .opened:
        actions.append(action)
        if letsIn { machine.letIn() }
      case .ended(let ending):
        #expect(self.ending == nil, "a second outcome")
        self.ending = ending
        actions.append(action)
      case .shutDownOutput:
        #expect(!isShutDown, "the sending half is shut down twice")
        isShutDown = true
      case .closeStream:
        #expect(ending != nil, "the stream is closed without an outcome")
        isClosed = true
      default:
        #expect(ending == nil, "\(action) after the outcome")
        actions.append(action)
      }
    }
  }
}
