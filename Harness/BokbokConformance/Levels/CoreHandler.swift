internal import BokbokCore
internal import NIOCore

/// A request of the kit that is being answered: the conformance service, as the testee contract has it.
final class CoreHandler {
  let exchange: ExchangeID
  let request: Value
  private let user: ByteBuffer?
  private let connection: CoreConnection
  var isCancelled = false
  /// What a handler that waits does when it is cancelled.
  var onCancel: (() -> Void)?

  init(exchange: ExchangeID, request: Value, user: ByteBuffer?, connection: CoreConnection) {
    self.exchange = exchange
    self.request = request
    self.user = user
    self.connection = connection
  }

  private struct Unknown: Error {}

  func start() {
    do {
      try answer()
    } catch {
      finish(.error(code: "unknown-request", message: "this service does not know the request", details: []))
    }
  }

  private func finish(_ answer: HandlerAnswer) {
    onCancel = nil
    connection.finish(self, answer)
  }

  private func answer() throws {
    guard case .list(let words) = request, let name = try words.first?.text else { throw Unknown() }
    func number() throws -> Int { Int(try words[1].integer(as: UInt32.self)) }
    switch (name, words.count - 1) {
    case ("echo", _): finish(.value(request))
    case ("fail", 2...): try fail(words)
    case ("crash", 0): finish(.failed(message: "the handler failed"))
    case ("sleep", 1):
      let answer = Value.list(["slept", words[1]])
      stopOnCancel()
      connection.schedule(self, after: .milliseconds(try number())) { [self] in finish(.value(answer)) }
    case ("blob", 1):
      let bytes = try ByteTemplate.blob(number()).build(in: NoContext())
      finish(.value(.atom(ByteBuffer(bytes: bytes))))
    case ("digest", 1):
      guard case .atom(let bytes) = words[1] else { throw Unknown() }
      finish(.value(.atom(ByteBuffer(bytes: SHA256.hash(of: bytes)))))
    case ("callback", 1): callBack(try number())
    case ("nest", 1): nest(try number())
    case ("whoami", 0): finish(.value(.list(user.map { [.atom($0)] } ?? [])))
    case ("hang", 0): stopOnCancel()
    case ("stubborn", 1):
      let duration = Duration.milliseconds(try number())
      onCancel = { [self] in connection.schedule(self, after: duration) { self.finish(.failed(message: "cancelled")) } }
    case ("many", 1):
      // One more than may be sent stands for all larger numbers: the list cannot be sent either way (E-4).
      finish(.value(.list(Array(repeating: "", count: min(try number(), Value.valueCountMax + 1)))))
    default: throw Unknown()
    }
  }

  private func stopOnCancel() {
    onCancel = { [self] in finish(.failed(message: "cancelled")) }
  }

  private func fail(_ words: [Value]) throws {
    guard case .atom(let code) = words[1], case .atom(let message) = words[2] else { throw Unknown() }
    finish(.error(code: String(buffer: code), message: String(buffer: message), details: Array(words.dropFirst(3))))
  }

  // MARK: Requests back

  private func callBack(_ count: Int) {
    guard count > 0 else { return finish(.value([])) }
    var answers = [Value?](repeating: nil, count: count)
    var exchanges: [ExchangeID] = []
    var left = count
    var isOver = false
    func end(_ answer: HandlerAnswer) {
      guard !isOver else { return }
      isOver = true
      // One that fails takes the others with it.
      for exchange in exchanges { connection.cancelRequest(exchange) }
      finish(answer)
    }
    onCancel = { end(.failed(message: "cancelled")) }
    for index in 0..<count where !isOver {
      let exchange = connection.request(["echo", Value(index + 1)]) { outcome in
        switch outcome {
        case .success(let answer):
          answers[index] = answer
          left -= 1
          if left == 0 { end(.value(.list(answers.map { $0 ?? [] }))) }
        case .failure(let error):
          end(error.answer)
        }
      }
      if let exchange { exchanges.append(exchange) }
    }
  }

  private func nest(_ depth: Int) {
    guard depth > 0 else { return finish(.value(["nested"])) }
    let exchange = connection.request(["nest", Value(depth - 1)]) { [self] outcome in
      switch outcome {
      case .success(let answer): finish(.value([answer]))
      case .failure(let error): finish(error.answer)
      }
    }
    if let exchange, onCancel == nil { onCancel = { [self] in connection.cancelRequest(exchange) } }
  }
}

/// For templates that need nothing but themselves.
private struct NoContext: TemplateContext {
  var isSealed: Bool { false }

  func capturedBytes(_ name: String) throws -> [UInt8] { throw CaseDataProblem(description: "no captures") }
  func capturedID(_ name: String) throws -> UInt32 { throw CaseDataProblem(description: "no captures") }
  func traffic(of connection: String?, record: Int?, isSent: Bool) throws -> [UInt8] {
    throw CaseDataProblem(description: "no traffic")
  }
}
