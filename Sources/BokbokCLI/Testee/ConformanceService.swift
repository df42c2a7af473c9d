internal import Bokbok
internal import BokbokCore
internal import NIOCore

/// The requests that every implementation under test answers, on each connection and in both roles, so that the
/// conformance cases find the same application behind all of them.
enum ConformanceService {
  /// The largest atom that `(blob N)` makes: no message that is sent here is larger.
  private static let blobByteCountMax = 1 << 30
  /// How many requests of `(callback N)` are made before the first has been answered.
  private static let callbacksMax = 4096

  /// The service as a request handler.
  ///
  /// - Parameter observe: told before a request is answered, and when one that is being answered is cancelled.
  static func handler(observe: @escaping @Sendable (Observation, RequestContext) -> Void) -> RequestHandler {
    .asynchronous { request, context in
      observe(.called(request), context)
      return try await withTaskCancellationHandler {
        try await answer(to: request, context: context)
      } onCancel: {
        observe(.cancelled(request), context)
      }
    }
  }

  /// What happens to a request, for the events of the testee.
  enum Observation: Sendable {
    case called(Value)
    case cancelled(Value)
  }

  private static func answer(to request: Value, context: RequestContext) async throws -> Value {
    guard case .list(let words) = request, let first = words.first, let name = try? first.text else {
      throw unknown("a request is a list that begins with a name")
    }
    let arguments = words.dropFirst()
    switch (name, arguments.count) {
    case ("echo", _):
      return request
    case ("fail", 2...):
      return try fail(Array(arguments))
    case ("crash", 0):
      throw Crash()
    case ("sleep", 1):
      let milliseconds = try number(words[1])
      try await Task.sleep(for: .milliseconds(milliseconds))
      return ["slept", words[1]]
    case ("blob", 1):
      return try blob(byteCount: number(words[1]))
    case ("digest", 1):
      guard case .atom(let bytes) = words[1] else { throw unknown("digest takes an atom") }
      return Value(bytes: SHA256.hash(of: bytes))
    case ("callback", 1):
      return try await callBack(count: number(words[1]), on: context.connection)
    case ("nest", 1):
      let depth = try number(words[1])
      return depth == 0 ? ["nested"] : [try await context.connection.request(["nest", Value(depth - 1)])]
    case ("whoami", 0):
      return .list(context.connection.user.map { [Value(bytes: $0.bytes)] } ?? [])
    case ("hang", 0):
      try await sleepUntilCancelled()
    case ("stubborn", 1):
      try await goOnAfterCancellation(for: .milliseconds(number(words[1])))
    case ("many", 1):
      return many(try number(words[1]))
    default:
      throw unknown("\(String(displaying: name)) is not known, or takes another number of arguments")
    }
  }

  private static func fail(_ arguments: [Value]) throws -> Value {
    guard case .atom(let code) = arguments[0], case .atom(let message) = arguments[1] else {
      throw unknown("fail takes a code and a message, and details")
    }
    // A code that is not UTF-8 is not a valid one whatever it is turned into, and a message has to be UTF-8 (E-1).
    throw RemoteError(
      code: String(decoding: code.readableBytesView, as: UTF8.self),
      message: String(decoding: message.readableBytesView, as: UTF8.self),
      details: Array(arguments.dropFirst(2))
    )
  }

  /// The language's own kind of error, without a code.
  private struct Crash: Error, CustomStringConvertible {
    var description: String { "crashed as asked" }
  }

  private static func blob(byteCount: Int) throws -> Value {
    guard byteCount <= blobByteCountMax else {
      throw unknown("a blob has at most \(blobByteCountMax) bytes")
    }
    let period = (0..<251).map { UInt8($0) }
    var blob = ByteBufferAllocator().buffer(capacity: byteCount)
    while blob.readableBytes + period.count <= byteCount { blob.writeBytes(period) }
    blob.writeBytes(period[..<(byteCount - blob.readableBytes)])
    return .atom(blob)
  }

  /// Sends the requests in their order, all before the first answer, unless they are so many that memory is at stake.
  private static func callBack(count: Int, on connection: Connection) async throws -> Value {
    try await withThrowingTaskGroup(of: (Int, Value).self) { group in
      var answers: [Int: Value] = [:]
      for index in 0..<count {
        if index >= callbacksMax, let (answered, answer) = try await group.next() { answers[answered] = answer }
        group.addTask { (index, try await connection.request(["echo", Value(index + 1)])) }
      }
      for try await (index, answer) in group { answers[index] = answer }
      return .list(of: (0..<count).lazy.map { answers[$0] ?? [] })
    }
  }

  private static func many(_ count: Int) -> Value {
    // One more than may be sent stands for all larger numbers: the list cannot be sent either way (E-4).
    .list(Array(repeating: "", count: min(count, Value.valueCountMax + 1)))
  }

  private static func sleepUntilCancelled() async throws -> Never {
    while true { try await Task.sleep(for: .seconds(86_400)) }
  }

  private static func goOnAfterCancellation(for duration: Duration) async throws -> Never {
    do {
      try await sleepUntilCancelled()
    } catch {
      // A task of its own, which the cancellation does not reach.
      try? await Task.detached { try await Task.sleep(for: duration) }.value
      throw error
    }
  }

  /// A number from 0 to 4294967295 in canonical decimal.
  private static func number(_ value: Value) throws -> Int {
    guard let number = try? value.integer(as: UInt32.self) else {
      throw unknown("a number is written in decimal, from 0 to \(UInt32.max), without leading zeros")
    }
    return Int(number)
  }

  private static func unknown(_ message: String) -> RemoteError {
    RemoteError(code: "unknown-request", message: message, details: [])
  }
}
