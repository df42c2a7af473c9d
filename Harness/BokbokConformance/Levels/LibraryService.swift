internal import Bokbok
internal import BokbokCore
internal import NIOCore

/// The conformance service of the testee contract as a request handler of the library, by an event loop's own time.
struct LibraryService: Sendable {
  /// What happens to a request, for the events of the contract.
  enum Observation: Sendable {
    case called(Value)
    case cancelled(Value)
  }

  private let loop: VirtualEventLoop
  private let observe: @Sendable (Observation, RequestContext) -> Void

  init(loop: VirtualEventLoop, observe: @escaping @Sendable (Observation, RequestContext) -> Void) {
    self.loop = loop
    self.observe = observe
  }

  var handler: RequestHandler {
    .asynchronous { request, context in
      observe(.called(request), context)
      return try await withTaskCancellationHandler {
        do {
          return try await answer(to: request, context)
        } catch is Unknown, is ValueAccessError {
          throw RemoteError(code: "unknown-request", message: "this service does not know the request", details: [])
        }
      } onCancel: {
        observe(.cancelled(request), context)
      }
    }
  }

  private struct Unknown: Error {}
  /// The language's own kind of error, without a code.
  private struct Crash: Error {}

  private func answer(to request: Value, _ context: RequestContext) async throws -> Value {
    guard case .list(let words) = request, let name = try words.first?.text else { throw Unknown() }
    func number() throws -> Int { Int(try words[1].integer(as: UInt32.self)) }
    switch (name, words.count - 1) {
    case ("echo", _): return request
    case ("fail", 2...): return try fail(words)
    case ("crash", 0): throw Crash()
    case ("sleep", 1):
      try await VirtualSleep.wait(for: .milliseconds(Int64(number())), on: loop)
      return ["slept", words[1]]
    case ("blob", 1):
      let bytes = (0..<(try number())).map { UInt8($0 % 251) }
      return .atom(ByteBuffer(bytes: bytes))
    case ("digest", 1):
      guard case .atom(let bytes) = words[1] else { throw Unknown() }
      return .atom(ByteBuffer(bytes: SHA256.hash(of: bytes)))
    case ("callback", 1): return try await callBack(number(), context.connection)
    case ("nest", 1):
      let depth = try number()
      return depth == 0 ? ["nested"] : [try await context.connection.request(["nest", Value(depth - 1)])]
    case ("whoami", 0): return .list(context.connection.user.map { [Value(bytes: $0.bytes)] } ?? [])
    case ("hang", 0): try await VirtualSleep.wait(for: nil, on: loop)
    case ("stubborn", 1):
      do {
        try await VirtualSleep.wait(for: nil, on: loop)
      } catch {
        // A task of its own, which the cancellation does not reach.
        let amount = TimeAmount.milliseconds(Int64(try number()))
        let executor = VirtualTaskExecutor(loop: loop)
        try? await Task.detached(executorPreference: executor) { [loop] in
          try await VirtualSleep.wait(for: amount, on: loop)
        }.value
        throw error
      }
    case ("many", 1): return .list(Array(repeating: "", count: min(try number(), Value.valueCountMax + 1)))
    default: throw Unknown()
    }
    throw CancellationError()
  }

  private func fail(_ words: [Value]) throws -> Value {
    guard case .atom(let code) = words[1], case .atom(let message) = words[2] else { throw Unknown() }
    throw RemoteError(code: String(buffer: code), message: String(buffer: message), details: Array(words.dropFirst(3)))
  }

  private func callBack(_ count: Int, _ connection: Connection) async throws -> Value {
    try await withThrowingTaskGroup(of: (Int, Value).self) { group in
      for index in 0..<count {
        group.addTask { (index, try await connection.request(["echo", Value(index + 1)])) }
      }
      var answers = [Value](repeating: [], count: count)
      for try await (index, answer) in group { answers[index] = answer }
      return .list(answers)
    }
  }
}
