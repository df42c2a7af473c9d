import BokbokTestSupport
import Foundation
import Testing

/// The testee contract, spoken as the harness speaks it.
@Suite(.timeLimit(.minutes(1)))
struct TesteeTests {
  private static let key = String(repeating: "5a", count: 32)

  @Test func `hello declares what the testee can do`() async throws {
    let testee = try TesteeProcess()
    defer { testee.end() }
    let hello = try await testee.ask("hello")
    #expect(hello["contract"] as? Int == 1)
    #expect(hello["name"] as? String == "bokbok-swift")
    #expect(hello["version"] as? String == "0.1.0")
    #expect(hello["roles"] as? [String] == ["client", "server"])
    #expect(hello["security"] as? [String] == ["plain", "sealed"])
    #expect(hello["transports"] as? [String] == ["tcp", "unix", "stdio"])
    #expect(
      hello["features"] as? [String] == ["derive-key", "value-codec", "keepalive", "exec", "control-fd"]
    )
  }

  @Test func `a command that is not known is unsupported, and lines that are none are answered`() async throws {
    let testee = try TesteeProcess()
    defer { testee.end() }
    #expect(try await testee.failure(of: try testee.send("frobnicate"))["kind"] as? String == "unsupported")
    try testee.command.send("not json")
    let broken = try await testee.next()
    #expect(broken["seq"] is NSNull)
    #expect((broken["error"] as? [String: Any])?["message"] is String)
    try testee.command.send(#"{"seq": 77, "command": }"#)
    #expect(try await testee.failure(of: 77)["message"] is String)
    #expect(try await testee.failure(of: try testee.send("request"))["kind"] as? String == "other")
    #expect(try await testee.failure(of: try testee.send("ping", ["connection": "none"]))["kind"] as? String == "other")
  }

  @Test func `it ends when standard input ends, and after quit with status 0`() async throws {
    let first = try TesteeProcess()
    defer { first.end() }
    try first.command.closeInput()
    #expect(await first.command.waitForEnd() == 0)
    let folder = try ScratchFolder()
    let second = try TesteeProcess()
    defer { second.end() }
    _ = try await second.ask("listen", ["address": "unix:\(folder.file("socket"))"])
    #expect(FileManager.default.fileExists(atPath: folder.file("socket")))
    _ = try await second.ask("quit")
    #expect(await second.command.waitForEnd() == 0)
    #expect(!FileManager.default.fileExists(atPath: folder.file("socket")))
  }

  @Test(arguments: [("tcp", false), ("tcp", true), ("unix", false), ("unix", true)])
  func `a conversation of two testees, with events in their order`(_ transport: String, _ isSealed: Bool) async throws {
    let folder = try ScratchFolder()
    let server = try TesteeProcess()
    defer { server.end() }
    let client = try TesteeProcess()
    defer { client.end() }
    var listen: [String: Any] = ["address": transport == "tcp" ? "tcp:127.0.0.1:0" : "unix:\(folder.file("socket"))"]
    if isSealed { listen["users"] = ["alice": Self.key] }
    let listening = try await server.ask("listen", listen)
    var connect: [String: Any] = ["address": try #require(listening["address"] as? String)]
    if isSealed { connect.merge(["user": "alice", "key": Self.key]) { $1 } }
    let connection = try await client.connect(connect)

    let opened = try await server.next()
    #expect(opened["event"] as? String == "opened")
    #expect(opened["server"] as? String == listening["server"] as? String)
    #expect(opened["user"] as? String == (isSealed ? "alice" : nil))
    #expect(isSealed || opened["user"] is NSNull)
    let accepted = try #require(opened["connection"] as? String)

    #expect(try await client.request("(echo a (b) #00#)", on: connection) == "(echo a (b) #00#)")
    let requested = try await server.next()
    #expect(requested["event"] as? String == "request")
    #expect(requested["connection"] as? String == accepted)
    #expect(requested["payload"] as? String == (try hex("(echo a (b) #00#)")))

    // Both roles have the same service.
    let user = isSealed ? "(alice)" : "()"
    #expect(try await client.request("(whoami)", on: connection) == user)
    #expect(try await server.request("(whoami)", on: accepted) == user)
    #expect(try await server.request(#"(blob "3")"#, on: accepted) == "#000102#")
    _ = try await client.ask("ping", ["connection": connection])

    let closing = try client.send("close", ["connection": connection, "code": "done", "message": "bye"])
    // The event comes right before the reply.
    let closed = try await client.event("closed")
    #expect(closed["reason"] as? String == "clean")
    #expect(closed["code"] as? String == "done")
    #expect(try await client.nextUnread()["seq"] as? Int == closing)
    let ended = try await server.event("closed")
    #expect(ended["connection"] as? String == accepted)
    #expect(ended["code"] as? String == "done")
    let late = try client.send("request", ["connection": connection, "payload": try hex("(echo)")])
    #expect(try await client.failure(of: late)["kind"] as? String == "closing")
  }

  @Test(arguments: [
    ("(echo)", "(echo)"),
    (#"(sleep "1")"#, #"(slept "1")"#),
    (#"(blob "0")"#, #""""#),
    (#"(digest "")"#, "#e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855#"),
    (#"(callback "0")"#, "()"),
    (#"(callback "3")"#, #"((echo "1") (echo "2") (echo "3"))"#),
    (#"(nest "0")"#, "(nested)"),
    (#"(nest "3")"#, "((((nested))))"),
    (#"(many "2")"#, #"("" "")"#),
  ])
  func `the conformance service answers`(_ request: String, _ answer: String) async throws {
    let pair = try await TesteePair()
    defer { pair.end() }
    #expect(try await pair.client.request(request, on: pair.connection) == answer)
  }

  @Test(arguments: [
    (#"(fail teapot "short and stout" a (b))"#, "remote", "teapot", ["a", "(b)"]),
    ("(fail closing no)", "remote", "handler-failed", []),
    ("(fail Not.A.Code no)", "remote", "handler-failed", []),
    ("(crash)", "remote", "handler-failed", []),
    ("(echoes)", "remote", "unknown-request", []),
    ("atom", "remote", "unknown-request", []),
    ("()", "remote", "unknown-request", []),
    ("((echo))", "remote", "unknown-request", []),
    (#"(sleep "01")"#, "remote", "unknown-request", []),
    (#"(sleep "4294967296")"#, "remote", "unknown-request", []),
    (#"(sleep "-1")"#, "remote", "unknown-request", []),
    ("(sleep)", "remote", "unknown-request", []),
    ("(whoami me)", "remote", "unknown-request", []),
    (#"(many "4294967295")"#, "remote", "handler-failed", []),
    (#"(blob "16777216")"#, "remote", "too-large", []),
  ])
  func `the conformance service fails`(
    _ request: String,
    _ kind: String,
    _ code: String,
    _ details: [String]
  ) async throws {
    let pair = try await TesteePair()
    defer { pair.end() }
    let sent = try pair.client.send("request", ["connection": pair.connection, "payload": try hex(request)])
    let failure = try await pair.client.failure(of: sent)
    #expect(failure["kind"] as? String == kind)
    #expect(failure["code"] as? String == code)
    #expect(try (failure["details"] as? [String] ?? []).map { try notationOf(hex: $0) } == details)
    // The connection goes on.
    #expect(try await pair.client.request("(echo)", on: pair.connection) == "(echo)")
  }

  @Test(.clauses("X-7.a"), arguments: [#"(sleep "1000000")"#, "(hang)", #"(stubborn "1")"#])
  func `a request that is cancelled is told on both sides`(_ request: String) async throws {
    let pair = try await TesteePair()
    defer { pair.end() }
    let sent = try pair.client.send("request", ["connection": pair.connection, "payload": try hex(request)])
    _ = try await pair.server.event("request")
    _ = try await pair.client.ask("cancel", ["request": sent])
    #expect(try await pair.client.failure(of: sent)["kind"] as? String == "cancelled")
    #expect(try await pair.server.event("cancelled")["payload"] as? String == (try hex(request)))
    // One that has been answered is no longer there to be cancelled.
    _ = try await pair.client.ask("cancel", ["request": sent])
  }

  @Test func `what is under way when a side aborts is lost`() async throws {
    let pair = try await TesteePair()
    defer { pair.end() }
    let sent = try pair.client.send("request", ["connection": pair.connection, "payload": try hex("(hang)")])
    _ = try await pair.server.event("request")
    _ = try await pair.client.ask("abort", ["connection": pair.connection])
    #expect(try await pair.client.failure(of: sent)["kind"] as? String == "lost")
    #expect(try await pair.client.event("closed")["reason"] as? String == "aborted")
    #expect(try await pair.server.event("closed")["reason"] as? String == "lost")
  }

  @Test(arguments: [true, false])
  func `stopping a server ends its connections`(_ isGraceful: Bool) async throws {
    let pair = try await TesteePair()
    defer { pair.end() }
    _ = try await pair.server.ask("stop", ["server": pair.serverID, "graceful": isGraceful])
    let closed = try await pair.server.event("closed")
    #expect(closed["reason"] as? String == (isGraceful ? "clean" : "aborted"))
    #expect(try await pair.client.event("closed")["reason"] as? String == (isGraceful ? "clean" : "lost"))
    let late = try pair.client.send("connect", ["address": pair.address])
    #expect(try await pair.client.failure(of: late)["message"] is String)
  }

  @Test func `refusals have their kind and code`() async throws {
    let server = try TesteeProcess()
    defer { server.end() }
    let client = try TesteeProcess()
    defer { client.end() }
    let address = try #require(
      try await server.ask("listen", ["address": "tcp:127.0.0.1:0", "users": ["alice": Self.key, "bob": "00ff"]])[
        "address"
      ]
        as? String
    )
    let plain = try await client.failure(of: try client.send("connect", ["address": address]))
    #expect(plain["kind"] as? String == "refused")
    #expect(plain["code"] as? String == "mode-mismatch")
    for user in ["alice", "bob", "carol"] {
      let wrong = try client.send(
        "connect",
        ["address": address, "user": user, "key": String(repeating: "00", count: 32)]
      )
      let failure = try await client.failure(of: wrong)
      #expect(failure["kind"] as? String == "refused")
      #expect(failure["code"] as? String == "authentication-failed")
    }
    _ = try await client.connect(["address": address, "user": "alice", "key": Self.key])
  }

  @Test(.clauses("H-12.a"))
  func `user names that only look the same are different users`() async throws {
    let server = try TesteeProcess()
    defer { server.end() }
    let client = try TesteeProcess()
    defer { client.end() }
    let (composed, decomposed) = ("\u{E9}", "e\u{301}")
    let otherKey = String(repeating: "a5", count: 32)
    try server.command.send(
      #"{"seq":9,"command":"listen","address":"tcp:127.0.0.1:0","#
        + #""users":{"\#(composed)":"\#(Self.key)","\#(decomposed)":"\#(otherKey)"}}"#
    )
    let listening = try #require(try await server.reply(to: 9)["ok"] as? [String: Any])
    let address = try #require(listening["address"] as? String)
    _ = try await client.connect(["address": address, "user": composed, "key": Self.key])
    _ = try await client.connect(["address": address, "user": decomposed, "key": otherKey])
    let mixed = try client.send("connect", ["address": address, "user": decomposed, "key": Self.key])
    #expect(try await client.failure(of: mixed)["code"] as? String == "authentication-failed")
  }

  @Test func `settings and limits are taken over`() async throws {
    let pair = try await TesteePair(
      settings: ["max-message": 1024, "max-requests": 1, "max-partial": 1024],
      limits: ["maxConnections": 1, "handshakeMs": 5000, "drainMs": 100, "endMs": 100, "keepaliveMs": 0]
    )
    defer { pair.end() }
    let large = try pair.client.send(
      "request",
      ["connection": pair.connection, "payload": try hex("(echo \(String(repeating: "a", count: 1024)))")]
    )
    #expect(try await pair.client.failure(of: large)["kind"] as? String == "tooLarge")
    let second = try await pair.client.failure(of: try pair.client.send("connect", ["address": pair.address]))
    #expect(second["code"] as? String == "busy")
    let unknown = try pair.client.send("connect", ["address": pair.address, "limits": ["speed": 9]])
    #expect(try await pair.client.failure(of: unknown)["kind"] as? String == "unsupported")
  }

  @Test(.clauses("K-1.a"))
  func `keys are derived and values are coded`() async throws {
    let testee = try TesteeProcess()
    defer { testee.end() }
    let key = try await testee.ask("deriveKey", ["passphrase": "correct horse", "user": "alice"])["key"] as? String
    #expect(try #require(key).wholeMatch(of: /[0-9a-f]{64}/) != nil)
    let decoded = try await testee.ask("decodeValue", ["bytes": try hex("(a (#ff#))")])["value"] as? [Any]
    #expect((decoded?.first as? [String: String]) == ["hex": "61"])
    let value: [Any] = [["hex": "61"], [["hex": "ff"]]]
    #expect(try await testee.ask("encodeValue", ["value": value])["bytes"] as? String == (try hex("(a (#ff#))")))
    let malformed = try testee.send("decodeValue", ["bytes": "3030"])
    #expect(try await testee.failure(of: malformed)["kind"] as? String == "malformed")
    let deep = (0..<64).reduce([] as [Any]) { nested, _ in [nested] }
    let tooDeep = try testee.send("encodeValue", ["value": deep])
    #expect(try await testee.failure(of: tooDeep)["kind"] as? String == "malformed")
  }
}

/// Two testees that are connected over TCP in plain.
private final class TesteePair {
  let server: TesteeProcess
  let client: TesteeProcess
  let serverID: String
  let address: String
  /// The connection at the client.
  let connection: String
  /// The same connection at the server.
  let accepted: String

  func end() {
    server.end()
    client.end()
  }

  init(settings: [String: Int] = [:], limits: [String: Int] = [:]) async throws {
    server = try TesteeProcess()
    client = try TesteeProcess()
    let listening = try await server.ask(
      "listen",
      ["address": "tcp:127.0.0.1:0", "settings": settings, "limits": limits]
    )
    serverID = try #require(listening["server"] as? String)
    address = try #require(listening["address"] as? String)
    connection = try await client.connect(["address": address])
    accepted = try #require(try await server.event("opened")["connection"] as? String)
  }
}
