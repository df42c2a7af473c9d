import Bokbok
import BokbokTestSupport
import MetricsTestKit
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

@Suite struct ServerTests {
  @Test("A graceful stop drains: what is under way is answered, nobody new is taken", arguments: TestLink.all)
  func gracefulStop(link: TestLink) async throws {
    let begun = Event()
    let gate = Gate()
    let ends = Recorder<ConnectionEnd>()
    let handlers = Handlers(
      request: .asynchronous { value, _ in
        begun.happen()
        await gate.pass()
        return value
      }
    )
    let clientHandlers = Handlers(close: { _, end in ends.record(end) })
    try await link.withPair(serverHandlers: handlers, clientHandlers: clientHandlers) { server, connection in
      let answer = Task { try await connection.request("under way") }
      await begun.wait()
      let stop = Task { await server.stop(.graceful) }
      let again = Task { await server.stop(.graceful) }
      // The client learns of the stop before its answer comes.
      while true {
        do {
          _ = try await connection.request("late", timeout: .milliseconds(10))
        } catch let error as BokbokError where error.code == .closing {
          break
        } catch {}
      }
      let refused = await #expect(throws: BokbokError.self) {
        _ = try await Connection.open(server.address, security: link.protection.client(), configuration: .patient)
      }
      // What the system had queued before the socket was closed is lost.
      #expect(refused?.code == .connect || refused?.code == .lost)
      gate.open()
      let value = try await answer.value
      #expect(value == "under way")
      await stop.value
      await again.value
      await server.waitUntilStopped()
      #expect(server.connections.isEmpty)
    }
    #expect(await ends.wait() == [ConnectionEnd(reason: .clean, code: "shutdown", message: "the server is stopping")])
  }

  @Test("An immediate stop, also after a graceful one that waits", .clauses("C-8.a"), arguments: TestLink.all)
  func immediateStop(link: TestLink) async throws {
    let begun = Event()
    let serverEnds = Recorder<ConnectionEnd>()
    let handlers = Handlers(
      request: .asynchronous { value, _ in
        begun.happen()
        await untilCancelled()
        return value
      },
      close: { _, end in serverEnds.record(end) }
    )
    try await link.withPair(serverHandlers: handlers) { server, connection in
      let answer = Task { try await connection.request("never") }
      await begun.wait()
      let graceful = Task { await server.stop(.graceful) }
      await server.stop(.immediate)
      await graceful.value
      #expect(serverEnds.elements.map(\.reason) == [.aborted])
      await #expect(throws: BokbokError(.lost, "")) { try await answer.value }
    }
  }

  @Test("A stop waits for close handlers")
  func stopWaits() async throws {
    let gate = Gate()
    let log = Recorder<String>()
    let handlers = Handlers(close: { _, _ in
      await gate.pass()
      log.record("closed")
    })
    try await TestLink(transport: .unix, protection: .plain).withPair(serverHandlers: handlers) { server, connection in
      let stop = Task {
        await server.stop()
        log.record("stopped")
      }
      _ = try await connection.waitUntilClosed()
      gate.open()
      await stop.value
    }
    #expect(log.elements == ["closed", "stopped"])
  }

  @Test(
    "Of the streams that are not open, the oldest makes room for a new one; open ones are not touched",
    .clauses("O-12.a", "O-12.b"),
    arguments: TestTransport.allCases
  )
  func openingStreams(transport: TestTransport) async throws {
    var configuration = Configuration.patient
    configuration.openingStreamsMax = 2
    let link = TestLink(transport: transport, protection: .plain)
    try await link.withPair(serverConfiguration: configuration) { server, connection in
      let others = [try await RawPeer.open(server), try await RawPeer.open(server)]
      var silent: [RawStream] = []
      for _ in 0..<4 {
        silent.append(try await RawStream.connect(to: server.address))
        if silent.count > 2 {
          let nothing = try await silent[silent.count - 3].receiveToEnd()
          #expect(nothing.isEmpty)
        }
      }
      // The newest two can still open.
      for stream in silent.suffix(2) {
        try await stream.send(RawPeer.preamble)
        let preamble = try await stream.receive(8)
        #expect(preamble == RawPeer.preamble)
      }
      for peer in others {
        try await peer.send(RawPeer.ping(1))
        _ = try await peer.receive(.pong)
      }
      let answer = try await connection.request("open")
      #expect(answer == "open")
    }
  }

  @Test("Metrics count connections, requests, answers, errors and bytes")
  func metrics() async throws {
    let metrics = TestMetrics()
    var configuration = Configuration.patient
    configuration.metricsFactory = metrics
    let handlers = Handlers(
      request: .synchronous { value, _ in
        guard value != "fail" else { throw RemoteError(code: "no", message: "") }
        return value
      }
    )
    let link = TestLink(transport: .unix, protection: .sealed)
    try await link.withPair(
      serverConfiguration: configuration,
      serverHandlers: handlers,
      clientConfiguration: configuration
    ) { server, connection in
      for _ in 0..<3 { _ = try await connection.request("count") }
      _ = try? await connection.request("fail")
      _ = try? await Connection.open(server.address, security: .plain, configuration: .patient)
      try await connection.close()
      await server.stop()
      for role in ["server", "client"] {
        let dimensions = [("role", role)]
        func count(_ name: String) throws -> Int64 { try metrics.expectCounter(name, dimensions).totalValue }
        let sends = role == "client"
        #expect(try count(MetricNames.connectionsOpened) == 1)
        #expect(try metrics.expectMeter(MetricNames.connectionsActive, dimensions).values.last == 0)
        #expect(try count(sends ? MetricNames.requestsSent : MetricNames.requestsReceived) == 4)
        #expect(try count(sends ? MetricNames.answersReceived : MetricNames.answersSent) == 3)
        #expect(try count(sends ? MetricNames.errorsReceived : MetricNames.errorsSent) == 1)
        #expect(try count(MetricNames.bytesSent) > 200)
        #expect(try count(MetricNames.bytesReceived) > 200)
        #expect(try count(MetricNames.handshakeFailures) == (sends ? 0 : 1))
      }
      let timer = try metrics.expectTimer(MetricNames.requestDuration, [("role", "client")])
      #expect(timer.values.count == 4)
    }
  }

  @Test("Statistics of a connection")
  func statistics() async throws {
    try await TestLink(transport: .unix, protection: .plain).withPair { server, connection in
      _ = try await connection.request("count")
      let other = try #require(server.connections.first)
      let here = await connection.statistics
      let there = await other.statistics
      #expect(here.requestsSent == 1)
      #expect(there.requestsReceived == 1)
      #expect(here.bytesSent == there.bytesReceived)
      #expect(here.bytesReceived == there.bytesSent)
      #expect(there.framesReceived == 3)
    }
  }

  @Test("Settings out of range are refused with their name")
  func badConfiguration() async throws {
    let changes: [(String, @Sendable (inout Configuration) -> Void)] = [
      ("messageBytesMax", { $0.messageBytesMax = 1023 }),
      ("messageBytesMax", { $0.messageBytesMax = 5_000_000_000 }),
      ("requestsMax", { $0.requestsMax = 0 }),
      ("partialBytesMax", { $0.partialBytesMax = 1024 }),
      ("handshakeTimeout", { $0.handshakeTimeout = .zero }),
      ("requestTimeout", { $0.requestTimeout = .seconds(-1) }),
      ("keepaliveInterval", { $0.keepaliveInterval = .zero }),
      ("connectionsMax", { $0.connectionsMax = 0 }),
      ("openingStreamsMax", { $0.openingStreamsMax = 0 }),
      ("heldRequestBytesMax", { $0.heldRequestBytesMax = 0 }),
      ("answerBytesWaitingMax", { $0.answerBytesWaitingMax = -1 }),
      ("unixSocketMode", { $0.unixSocketMode = 0o1777 }),
    ]
    for (name, change) in changes {
      let error = await Self.errorStarting(change)
      #expect(error?.code == .configuration)
      #expect(error?.message.contains(name) == true)
    }
    let hugeTimes = await Self.errorStarting {
      $0.requestTimeout = .seconds(Int64.max)
      $0.drainTimeout = .seconds(Int64.max)
    }
    #expect(hugeTimes?.code == .unsupported)
  }

  /// The configuration is checked before the address, which no server can listen on.
  private static func errorStarting(_ change: (inout Configuration) -> Void) async -> BokbokError? {
    var configuration = Configuration()
    change(&configuration)
    do {
      _ = try await Server.start(on: try .command(["true"]), security: .plain, configuration: configuration)
      return nil
    } catch {
      return error as? BokbokError
    }
  }

  // MARK: In a process of its own

  /// How many descriptors this process has open.
  static func descriptorCount() -> Int {
    guard let directory = opendir("/proc/self/fd") else { return -1 }
    defer { closedir(directory) }
    var count = 0
    while readdir(directory) != nil { count += 1 }
    return count
  }

  @Test("A thousand connections at once, all closed cleanly, leave no descriptor behind")
  func thousandConnections() async {
    await #expect(processExitsWith: .success) {
      for link in [TestLink(transport: .tcpVersion4, protection: .plain), .init(transport: .unix, protection: .sealed)]
      {
        // What event loops and threads open stays.
        try await link.withPair { _, _ in }
        let before = Self.descriptorCount()
        let server = try await Server.start(
          on: link.transport.newAddress(),
          security: link.protection.server(),
          configuration: .patient,
          handlers: Handlers(request: .echo)
        )
        let connections = try await withThrowingTaskGroup(of: Connection.self) { group in
          for number in 0..<1000 {
            group.addTask {
              let connection = try await Connection.open(
                server.address,
                security: link.protection.client(),
                configuration: .patient
              )
              let answer = try await connection.request(Value(number))
              try #require(answer == Value(number))
              return connection
            }
          }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        try #require(server.connections.count == 1000)
        try await withThrowingTaskGroup(of: Void.self) { group in
          for connection in connections {
            group.addTask {
              let answer = try await connection.request("all at once")
              try #require(answer == "all at once")
              let end = try await connection.close()
              try #require(end.reason == .clean)
            }
          }
          try await group.waitForAll()
        }
        await server.stop()
        // The client's side of a stream may be a moment behind its end.
        while Self.descriptorCount() > before { await Task.yield() }
      }
    }
  }

  @Test("Running out of descriptors pauses accepting and harms nobody", .clauses("O-12.c"))
  func descriptorsRunOut() async {
    await #expect(processExitsWith: .success) {
      let log = LogRecorder()
      let link = TestLink(transport: .unix, protection: .plain)
      try await link.withPair(logger: log.logger()) { server, connection in
        let late = try RawStream.unconnected(for: server.address)
        // What waiting threads open, they have opened by now.
        _ = try await late.waitForInput(milliseconds: 1)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let free = dup(0)
        close(free)
        var tight = rlimit(rlim_cur: rlim_t(free), rlim_max: limit.rlim_max)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &tight)

        try await late.connect(to: server.address)
        await log.wait(for: "accepting pauses")
        let answer = try await connection.request("works")
        try #require(answer == "works")

        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        try await late.send(RawPeer.preamble)
        let preamble = try await late.receive(8)
        try #require(preamble == RawPeer.preamble)
      }
    }
  }
}
