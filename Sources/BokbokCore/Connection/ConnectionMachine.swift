package import NIOCore

/// One connection, from its first byte to its last, without any I/O: bytes and calls in, actions and bytes out.
///
/// ## Overview
///
/// A driver feeds it what the stream says (`receive`, `receiveEnd`, …), what the application says (`request`, `respond`,
/// `close`, …) and what the clock says (`timePassed`). After each, or after each group of them, the driver
///
/// 1. runs `nextAction()` until it gives nil,
/// 2. takes output with `takeOutput` while the stream accepts it, and goes back to 1 if it got some,
/// 3. sees to it that `timePassed` is called at `deadline`, and that the stream is read only while `wantsReading`.
///
/// Time, random secrets and keys come from outside, so that the same inputs always give the same bytes. Nothing calls
/// back: an action that makes the driver call in again finds the state already changed.
///
/// ## Function
///
/// The machine is in one of three states: `opening` (preambles, handshake; the only one that knows client and server),
/// `established` (frames, exchanges, closing) and `ending` (the outcome is known, the stream is being brought to its
/// end). The outcome is reported once, with the action `ended`, as soon as it is known; `closeStream` comes last.
///
/// ## Invalid operations
///
/// 1. Mistakes of the driver or of this library, such as a second answer to a request, are ignored; they cannot come
///    from the peer.
/// 2. Breaches by the peer are typed errors inside (`Violation`, with the requirement) and become CLOSE
///    `protocol-error` (F-2), a refusal (O-6), or a silent end (O-3, R-3). Bytes from outside never trap.
/// 3. Legitimate races are ignored, each where it stands: a CANCEL for an exchange that has ended, an unasked PONG
///    (P-2), an answer to a cancelled request, calls of the application after the end.
package struct ConnectionMachine: ~Copyable {
  enum State: ~Copyable {
    // In memory of their own: each call takes the payload out of the state and puts it back, which would move hundreds of
    // bytes otherwise.
    case opening(Boxed<OpeningConnection>)
    case established(Boxed<EstablishedConnection>)
    case ending(Boxed<EndedConnection>)
  }

  private(set) var state: State

  private init(state: consuming State) {
    self.state = state
  }

  /// A connection past its handshake, for whoever examines one in the middle.
  init(established connection: consuming EstablishedConnection) {
    state = .established(Boxed(connection))
  }

  // MARK: Start

  /// A client's side; its first output is there at once.
  ///
  /// - Throws: `HandshakeError.memory` when there is no locked memory for the secrets.
  package init(
    client security: consuming ClientSecurity,
    configuration: SharedConfiguration,
    slab: KeySlab,
    now: NIODeadline
  ) throws(HandshakeError) {
    state = .opening(
      Boxed(try OpeningConnection(client: security, configuration: configuration, slab: slab, now: now))
    )
  }

  /// A server's side; it says nothing before it has read the client's preamble (O-2).
  package init(
    server security: consuming ServerSecurity,
    configuration: SharedConfiguration,
    slab: KeySlab,
    now: NIODeadline
  ) {
    state = .opening(
      Boxed(OpeningConnection(server: security, configuration: configuration, slab: slab, now: now))
    )
  }

  // MARK: What the stream says

  /// Bytes came.
  package mutating func receive(_ bytes: consuming ByteBuffer, now: NIODeadline) {
    switch consume state {
    case .opening(var connection):
      connection.value.receive(bytes, now: now)
      self = .init(state: .opening(connection))
    case .established(var connection):
      connection.value.receive(bytes, now: now)
      self = .init(state: .established(connection))
    case .ending(var connection):
      connection.value.now = now  // F-3: what still arrives is discarded
      self = .init(state: .ending(connection))
    }
  }

  /// The end of input came.
  package mutating func receiveEnd(now: NIODeadline) {
    switch consume state {
    case .opening(var connection):
      connection.value.receiveEnd(now: now)
      self = .init(state: .opening(connection))
    case .established(var connection):
      connection.value.receiveEnd(now: now)
      self = .init(state: .established(connection))
    case .ending(var connection):
      connection.value.now = now
      connection.value.stream.receiveEnd()
      self = .init(state: .ending(connection))
    }
  }

  /// The stream was reset, or reading failed: nothing more comes or goes.
  package mutating func streamFailed(now: NIODeadline) {
    close(with: .lost(.streamFailed), now: now)
  }

  /// A write failed: nothing more goes, but reading goes on for a while (F-4).
  package mutating func writeFailed(now: NIODeadline) {
    switch consume state {
    case .opening(var connection):
      connection.value.writeFailed(now: now)
      self = .init(state: .opening(connection))
    case .established(var connection):
      connection.value.writeFailed(now: now)
      self = .init(state: .established(connection))
    case .ending(var connection):
      connection.value.now = now
      connection.value.stream.streamFailed()
      self = .init(state: .ending(connection))
    }
  }

  /// All output taken so far has been handed to the system. Only needed while `wantsWriteReport`.
  package mutating func outputWritten(now: NIODeadline) {
    switch consume state {
    case .ending(var connection):
      connection.value.now = now
      connection.value.stream.outputWritten()
      self = .init(state: .ending(connection))
    case let other:
      self = .init(state: other)
    }
  }

  /// The time of `deadline` has come.
  package mutating func timePassed(now: NIODeadline) {
    switch consume state {
    case .opening(let connection):
      if let ending = connection.value.timePassed(now: now) {
        self = .init(state: .ending(Boxed(EndedConnection(ending, now: now))))
      } else {
        self = .init(state: .opening(connection))
      }
    case .established(var connection):
      if let end = connection.value.timePassed(now: now) {
        self = .init(state: .ending(Boxed(connection.take().ended(end))))
      } else {
        self = .init(state: .established(connection))
      }
    case .ending(var connection):
      connection.value.now = now
      connection.value.stream.timePassed(now: now)
      self = .init(state: .ending(connection))
    }
  }

  /// When `timePassed` is to be called next; at once where this is in the past.
  package var deadline: NIODeadline? {
    switch state {
    case .opening(let connection): connection.value.deadline
    case .established(let connection): connection.value.deadline
    case .ending(let connection): connection.value.stream.deadline
    }
  }

  /// Whether the stream is to be read (P-4; O-10: not while the application is asked for a key).
  package var wantsReading: Bool {
    switch state {
    case .opening(let connection): connection.value.wantsReading
    case .established(let connection): connection.value.wantsInput
    case .ending: true
    }
  }

  /// Whether `outputWritten` is to be called once everything taken has been written.
  package var wantsWriteReport: Bool {
    switch state {
    case .opening: false
    case .established: false
    case .ending(let connection): connection.value.stream.wantsWriteReport
    }
  }

  // MARK: What the application says

  /// The answer to `checkAdmission` (O-6).
  package mutating func admit(busy: Bool) {
    switch consume state {
    case .opening(var connection):
      let step = connection.value.admit(busy: busy)
      self = .after(step, connection)
    case let other:
      self = .init(state: other)
    }
  }

  /// The answer to `lookUpKey`: the user's keys, tried in their order; none where the user is not known or the look-up
  /// failed (H-4).
  package mutating func keysFound(_ keys: [PresharedKey]) {
    switch consume state {
    case .opening(var connection):
      let step = connection.value.keysFound(keys)
      self = .after(step, connection)
    case let other:
      self = .init(state: other)
    }
  }

  /// The open handler lets the connection in: requests are handed to the handler from now on (C-9).
  package mutating func letIn() {
    established { connection in connection.isLetIn = true }
  }

  /// The open handler turns the connection down (C-9). The code must be one of E-1 and not `protocol-error`.
  package mutating func turnDown(code: String, message: String, now: NIODeadline) {
    established { connection in connection.turnDown(code: code, message: message, now: now) }
  }

  /// Sends a request, or queues it until there is a place for it.
  package mutating func request(_ value: Value) -> RequestAdmission {
    established { connection in connection.request(value) } ?? .failed(.closing)
  }

  /// Gives an own request up; no `answered` or `failed` comes for it any more. False where it is not under way.
  package mutating func cancel(_ id: ExchangeID) -> Bool {
    established { connection in connection.cancel(id) } ?? false
  }

  /// The handler of a request has ended. Ignored after the end of the connection.
  package mutating func respond(to id: ExchangeID, with answer: HandlerAnswer) {
    established { connection in connection.respond(to: id, with: answer) }
  }

  /// Sends a PING. The token must be new and not `UInt64.max`. False where the connection is not open.
  package mutating func ping(_ token: PingToken) -> Bool {
    established { connection in connection.ping(token) } ?? false
  }

  /// Asks for the clean end (C-1, C-5). Before the connection is open this is `abort`. The code must be one of E-1 and
  /// not `protocol-error`.
  package mutating func close(code: String, message: String, now: NIODeadline) {
    guard isOpen else { return abort(now: now) }
    established { connection in connection.close(code: code, message: message, now: now) }
  }

  /// Closes the stream without a word.
  package mutating func abort(now: NIODeadline) {
    close(with: .aborted, now: now)
  }

  private mutating func close(with ending: ConnectionEnding, now: NIODeadline) {
    switch consume state {
    case .opening:
      self = .init(state: .ending(Boxed(EndedConnection(ending, now: now))))
    case .established(let connection):
      self = .init(state: .ending(Boxed(EndedConnection(ending, counters: connection.value.counters, now: now))))
    case .ending(var connection):
      connection.value.now = now
      connection.value.stream.streamFailed()
      self = .init(state: .ending(connection))
    }
  }

  @discardableResult
  private mutating func established<Result>(
    _ body: (inout EstablishedConnection) -> Result
  ) -> Result? {
    switch consume state {
    case .established(var connection):
      let result = body(&connection.value)
      self = .init(state: .established(connection))
      return result
    case let other:
      self = .init(state: other)
      return nil
    }
  }

  // MARK: What is to be done

  /// The next thing to do; nil when there is nothing until something new comes.
  package mutating func nextAction() -> ConnectionAction? {
    while true {
      switch consume state {
      case .opening(var connection):
        let step = connection.value.next()
        if let waits = step.waits {
          self = .init(state: .opening(connection))
          return waits.action
        }
        self = .after(step, connection)

      case .established(var connection):
        switch connection.value.next() {
        case .action(let action):
          self = .init(state: .established(connection))
          return action
        case .idle:
          self = .init(state: .established(connection))
          return nil
        case .end(let end):
          self = .init(state: .ending(Boxed(connection.take().ended(end))))
        }

      case .ending(var connection):
        let action = connection.value.nextAction()
        self = .init(state: .ending(connection))
        return action
      }
    }
  }

  /// The machine after a step of the opening.
  private static func after(
    _ step: consuming OpeningStep,
    _ connection: consuming Boxed<OpeningConnection>
  ) -> ConnectionMachine {
    switch consume step {
    case .idle:
      .init(state: .opening(connection))
    case .action:
      .init(state: .opening(connection))
    case .established(let protection, let userName):
      .init(state: .established(Boxed(connection.take().established(protection, userName: userName))))
    case .refuse(let code, let reason):
      .init(state: .ending(Boxed(connection.take().refused(code, reason: reason))))
    case .fail(let ending):
      .init(state: .ending(Boxed(EndedConnection(ending, now: connection.value.now))))
    }
  }

  // MARK: Output

  /// Bytes that are ready to be written, about `byteCountMax` of them (at least one record); nil when there are none.
  ///
  /// Call it only while the stream accepts output, and run `nextAction` again after it gave something: places become
  /// free, and reading may go on.
  package mutating func takeOutput(byteCountMax: Int = 65_536) -> ByteBuffer? {
    switch consume state {
    case .opening(var connection):
      let output = connection.value.takeOutput()
      self = .init(state: .opening(connection))
      return output
    case .established(var connection):
      do throws(CipherError) {
        let output = try connection.value.takeOutput(byteCountMax: byteCountMax)
        self = .init(state: .established(connection))
        return output
      } catch {
        // the connection closes before a counter wraps.
        self = .init(
          state: .ending(
            Boxed(
              EndedConnection(.lost(.counterExhausted), counters: connection.value.counters, now: connection.value.now)
            )
          )
        )
        return nil
      }
    case .ending(var connection):
      let output = connection.value.stream.takeOutput()
      self = .init(state: .ending(connection))
      return output
    }
  }
}
