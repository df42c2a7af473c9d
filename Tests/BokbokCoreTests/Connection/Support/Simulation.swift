import BokbokCore
import NIOCore
import Testing

/// Two machines, and on each side an application that asks, answers, cancels, pings and closes as the seed has it,
/// over pipes that deliver as much at a time as the seed has it. Everything that has to hold is checked on the way.
final class Simulation {
  /// How the end comes.
  enum Fault: CaseIterable {
    case brokenStream
    case abort
    case failedWrites
  }

  private var random: SeededGenerator
  private let seed: UInt64
  private let pair: MachinePair
  private let applications: [SimulatedApplication]

  init(seed: UInt64, isSealed: Bool) throws {
    var random = SeededGenerator(seed: seed)
    func configuration() throws -> MachineConfiguration {
      var configuration = MachineConfiguration()
      let messageSizes: [UInt32] = [1024, 60_000, 100_000, 250_000]
      let messageBytesMax = messageSizes.randomElement(using: &random) ?? 1024
      let partial = messageBytesMax * UInt32.random(in: 4...12, using: &random) / 4
      configuration.settings = try Settings(
        messageBytesMax: messageBytesMax,
        requestsMax: UInt32.random(in: 1...8, using: &random),
        partialBytesMax: partial
      )
      configuration.protocolOutputBytesMax = [20, 200, 262_144].randomElement(using: &random) ?? 20
      configuration.answerBytesWaitingMax = [0, 5000, 1_048_576].randomElement(using: &random) ?? 0
      configuration.heldRequestBytesMax = [2000, 100_000, .max].randomElement(using: &random) ?? .max
      configuration.keepaliveInterval = Bool.random(using: &random) ? .milliseconds(50) : nil
      configuration.keepaliveTimeout = .hours(1)
      configuration.drainTimeout = .hours(1)
      return configuration
    }
    pair = try MachinePair(isSealed: isSealed, client: try configuration(), server: try configuration())
    let ledger = Ledger()
    applications = pair.sides.enumerated().map { SimulatedApplication($0.element, ledger: ledger, side: $0.offset) }
    self.random = random
    self.seed = seed
  }

  /// So many random steps, and then everything is brought to a clean end.
  func runToACleanEnd(stepCount: Int) {
    for _ in 0..<stepCount { step(mayClose: true) }
    finish()
    if pair.sides.allSatisfy({ $0.ending == nil }) {
      for side in pair.sides where !side.isIdle || side.holdings != ConnectionHoldings() {
        Issue.record("seed \(seed): something is left: \(side.holdings)")
      }
      applications.randomElement(using: &random)?.close()
      if Bool.random(using: &random) { applications.randomElement(using: &random)?.close() }
      finish()
    }
    for (side, application) in zip(pair.sides, applications) {
      guard case .clean? = side.ending, side.isShutDown, side.isClosed else {
        Issue.record("seed \(seed): no clean end, but \(String(describing: side.ending)), closed: \(side.isClosed)")
        continue
      }
      application.check(isClean: true, seed: seed)
    }
  }

  /// So many random steps, then the fault; both sides have to come to their end.
  func runToAFault(_ fault: Fault, stepCount: Int) {
    for _ in 0..<stepCount { step(mayClose: true) }
    let side = pair.sides.randomElement(using: &random) ?? pair.client
    switch fault {
    case .brokenStream: side.breakStream()
    case .abort: side.abort()
    case .failedWrites: side.failWrites()
    }
    for _ in 0..<20 { step(mayClose: false) }
    finish()
    for _ in 0..<3 {
      pair.wait(.seconds(1))
      pair.settle()
      for application in applications { application.takeActions() }
    }
    for (side, application) in zip(pair.sides, applications) {
      guard side.isClosed, let ending = side.ending else {
        Issue.record("seed \(seed): \(fault) leaves a side open: \(String(describing: side.ending))")
        continue
      }
      switch ending {
      case .clean, .lost, .aborted: application.check(isClean: false, seed: seed)
      default: Issue.record("seed \(seed): \(fault) ends in \(ending)")
      }
    }
  }

  private func step(mayClose: Bool) {
    guard let application = applications.randomElement(using: &random) else { return }
    let side = application.side
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<25: side.deliver(byteCountMax: [1, 2, 9, 100, 3000, 70_000].randomElement(using: &random) ?? 1)
    case 25..<45: side.takeOutput(byteCountMax: [1, 100, 3000, 65_536, 200_000].randomElement(using: &random) ?? 1)
    case 45..<60: application.request(using: &random)
    case 60..<76: application.respond(using: &random)
    case 76..<81: application.cancel(using: &random)
    case 81..<84: application.ping()
    case 84 where mayClose && Int.random(in: 0..<20, using: &random) == 0: application.close()
    case 85..<90: side.deliverEnd()
    case 90..<94: side.reportWritten()
    case 94..<97: pair.wait(.milliseconds(Int64.random(in: 0..<40, using: &random)))
    default: side.passDeadline()
    }
    for application in applications { application.takeActions() }
  }

  /// Everything is delivered, and every handler ends, until nothing is left to do.
  private func finish() {
    for _ in 0..<10_000 {
      pair.settle()
      for application in applications { application.takeActions() }
      let hasAnswered = applications.map { $0.respond(using: &random) }.contains(true)
      if !hasAnswered, applications.allSatisfy({ !$0.takeActions() }) { return }
    }
    Issue.record("seed \(seed): it never comes to rest")
  }
}

/// What both applications know together: what was asked, handled and answered.
final class Ledger {
  var requestCount = 0
  /// The value that each request carried, and what its handler answered.
  var requests: [Int: Value] = [:]
  var handled: Set<Int> = []
  var answers: [Int: Value] = [:]
  /// Requests that ended with `closing` or `overloaded`: they may be sent elsewhere, so that nobody may handle them.
  var notProcessed: Set<Int> = []
}

/// An application on one side of a simulation.
final class SimulatedApplication {
  let side: PairedMachine
  private let ledger: Ledger
  private let number: Int
  /// Own requests that have not ended, with their numbers in the ledger.
  private var awaited: [ExchangeID: Int] = [:]
  private var handlers: [ExchangeID: Int] = [:]
  private var cancelledHandlers: Set<ExchangeID> = []
  private var pings: Set<PingToken> = []
  private var pingCount: PingToken = 0
  private var hasEnded = false

  init(_ side: PairedMachine, ledger: Ledger, side number: Int) {
    self.side = side
    self.ledger = ledger
    self.number = number
  }

  func request(using random: inout SeededGenerator) {
    let byteCount = [0, 3, 100, 900, 30_000, 70_000, 150_000].randomElement(using: &random) ?? 0
    let tag = ledger.requestCount
    ledger.requestCount += 1
    let value: Value = ["ask", Value(tag), .message(byteCount: byteCount + 2)]
    switch side.request(value) {
    case .accepted(let id):
      if awaited.updateValue(tag, forKey: id) != nil { Issue.record("the id \(id) is used twice") }
      ledger.requests[tag] = value
    case .failed(.closing), .failed(.tooLarge):
      break
    case .failed(let failure):
      Issue.record("a request fails with \(failure)")
    }
  }

  @discardableResult
  func respond(using random: inout SeededGenerator) -> Bool {
    guard let id = handlers.keys.sorted().randomElement(using: &random), let tag = handlers.removeValue(forKey: id)
    else { return false }
    let byteCount = [0, 3, 100, 900, 30_000, 70_000, 150_000].randomElement(using: &random) ?? 0
    let value: Value = ["answer", Value(tag), .message(byteCount: byteCount + 2)]
    ledger.answers[tag] = value
    switch Int.random(in: 0..<10, using: &random) {
    case 0: side.respond(to: id, .failed(message: "failed \(tag)"))
    case 1: side.respond(to: id, .error(code: "app", message: "\(tag)", details: [value]))
    default: side.respond(to: id, .value(value))
    }
    cancelledHandlers.remove(id)
    return true
  }

  func cancel(using random: inout SeededGenerator) {
    guard let id = awaited.keys.sorted().randomElement(using: &random) else { return }
    if !side.cancel(id), !hasEnded {
      // Its end stands among the actions that have not been taken.
      takeActions()
      if awaited[id] != nil, !hasEnded { Issue.record("a request that is awaited cannot be cancelled") }
    }
    awaited[id] = nil
  }

  func ping() {
    pingCount += 1
    if side.ping(pingCount) { pings.insert(pingCount) }
  }

  func close() {
    guard side.isOpen else { return }  // before that it would be an abort
    side.close("side-\(number)")
  }

  /// Takes what the machine gave to do; whether there was anything.
  @discardableResult
  func takeActions() -> Bool {
    let actions = side.takeActions()
    for action in actions { take(action) }
    return !actions.isEmpty
  }

  private func take(_ action: ConnectionAction) {
    switch action {
    case .opened, .closeReceived:
      break
    case .handle(let id, let value):
      guard case .list(let elements) = value, elements.count == 3, let tag = try? elements[1].integer(as: Int.self),
        ledger.requests[tag] == value
      else {
        Issue.record("a handler gets what nobody asked")
        return
      }
      if !ledger.handled.insert(tag).inserted { Issue.record("request \(tag) is handled twice") }
      if handlers.updateValue(tag, forKey: id) != nil { Issue.record("exchange \(id) is handled twice at once") }
    case .cancelHandler(let id):
      if handlers[id] == nil { Issue.record("a handler that does not run is cancelled") }
      if !cancelledHandlers.insert(id).inserted { Issue.record("a handler is cancelled twice") }
    case .answered(let id, let value):
      guard let tag = awaited.removeValue(forKey: id) else {
        Issue.record("an answer that nobody awaits")
        return
      }
      if ledger.answers[tag] != value { Issue.record("the answer to \(tag) is another's") }
    case .failed(let id, let failure):
      guard let tag = awaited.removeValue(forKey: id) else {
        Issue.record("a failure that nobody awaits")
        return
      }
      take(failure, of: tag)
    case .ponged(let token):
      if pings.remove(token) == nil { Issue.record("a PONG that nobody awaits") }
    case .ended(let ending):
      hasEnded = true
      if case .clean = ending, !awaited.isEmpty || !handlers.isEmpty {
        Issue.record("a clean end with \(awaited.count) requests and \(handlers.count) handlers left")
      }
      awaited = [:]
      handlers = [:]
    default:
      Issue.record("\(action)")
    }
  }

  private func take(_ failure: RequestFailure, of tag: Int) {
    switch failure {
    case .closing, .remote(code: "closing", message: _, details: _),
      .remote(code: "overloaded", message: _, details: _):
      ledger.notProcessed.insert(tag)
    case .remote(code: "too-large", message: _, details: _), .remote(code: "handler-failed", message: _, details: _),
      .remote(code: "app", message: _, details: _):
      if ledger.answers[tag] == nil { Issue.record("request \(tag) fails without its handler: \(failure)") }
    default:
      Issue.record("request \(tag) fails with \(failure)")
    }
  }

  func check(isClean: Bool, seed: UInt64) {
    if !ledger.notProcessed.isDisjoint(with: ledger.handled) {
      Issue.record("seed \(seed): a request that may be sent elsewhere was handled")
    }
    if !awaited.isEmpty || !handlers.isEmpty {
      Issue.record("seed \(seed): \(awaited.count) requests and \(handlers.count) handlers never ended")
    }
    if isClean, !hasEnded { Issue.record("seed \(seed): no outcome") }
  }
}
