import BokbokTestSupport
import Foundation
import Testing

/// The recorder as an end of both legs of a sealed connection.
@Suite(.timeLimit(.minutes(2)))
struct SealedRecordingTests {
  private static let key = String(repeating: "0123456789abcdef", count: 4)
  private static let otherKey = String(repeating: "fedcba9876543210", count: 4)

  /// Which implementation of the project plays a side.
  enum Player: String, CaseIterable, Sendable {
    case swift
    case python

    func start() throws -> TesteeProcess {
      switch self {
      case .swift: try TesteeProcess()
      case .python:
        try TesteeProcess(
          ["python3", "\(Project.root)/Harness/Peers/python/testee.py"],
          executable: URL(fileURLWithPath: "/usr/bin/env")
        )
      }
    }
  }

  /// Whether the Python implementation can run; where `BOKBOK_REQUIRE` is set, it must.
  static let hasPython: Bool = {
    if !(ProcessInfo.processInfo.environment["BOKBOK_REQUIRE"] ?? "").isEmpty { return true }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", "import cryptography"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  /// A server, and a recorder before it for the user `alice`.
  private struct Stage {
    let server: TesteeProcess
    let recorder: RunningCommand
    let address: String
    let file: String

    func end() {
      server.end()
      recorder.end()
    }
  }

  private func stage(
    _ folder: ScratchFolder,
    server player: Player = .swift,
    transport: String = "tcp",
    serverKey: String = SealedRecordingTests.key,
    settings: [String: Int] = [:],
    connections: Int = 1
  ) async throws -> Stage {
    func free(_ name: String) -> String { transport == "tcp" ? "tcp:127.0.0.1:0" : "unix:\(folder.file(name))" }
    let keyFile = try folder.write(Self.key + "\n", to: "key")
    let server = try player.start()
    let listening = try await server.ask(
      "listen",
      ["address": free("server"), "users": ["alice": serverKey], "settings": settings]
    )
    let file = folder.file("session")
    let recorder = try RunningCommand([
      "record", "--listen", free("recorder"), "--connect", try #require(listening["address"] as? String),
      "--output", file, "--connections", String(connections), "--user", "alice", "--key-file", keyFile,
    ])
    let line = try await recorder.nextLine()
    let address = try String(#require(line.split(separator: " ").last))
    return Stage(server: server, recorder: recorder, address: address, file: file)
  }

  private func lines(_ file: String) throws -> [[String: Any]] {
    try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map {
      try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  private func remarks(_ file: String) throws -> [String] {
    try lines(file).compactMap { $0["remark"] as? String }
  }

  private static let pairs: [(Player, Player, String)] = {
    let foreign: [(Player, Player)] = [(.python, .swift), (.swift, .python), (.python, .python)]
    let all = [(Player.swift, Player.swift)] + (hasPython ? foreign : [])
    return all.flatMap { pair in ["tcp", "unix"].map { (pair.0, pair.1, $0) } }
  }()

  @Test(arguments: pairs)
  func `a sealed session is recorded with what its records hold, on both legs`(
    client: Player,
    server: Player,
    transport: String
  ) async throws {
    let folder = try ScratchFolder()
    let stage = try await stage(folder, server: server, transport: transport)
    defer { stage.end() }
    let client = try client.start()
    defer { client.end() }
    let connection = try await client.connect(["address": stage.address, "user": "alice", "key": Self.key])
    #expect(try await client.request("(whoami)", on: connection) == "(alice)")
    #expect(try await client.request(#"(callback "3")"#, on: connection).contains("echo"))
    // More than one record, both ways.
    _ = try await client.request(#"(blob "200000")"#, on: connection)
    _ = try await client.ask("ping", ["connection": connection])
    _ = try await client.ask("close", ["connection": connection])
    #expect(try await client.event("closed")["reason"] as? String == "clean")
    #expect(try await stage.server.event("closed")["reason"] as? String == "clean")
    #expect(await stage.recorder.waitForEnd() == 0)

    let lines = try lines(stage.file)
    #expect(lines.first?["user"] as? String == "alice")
    #expect(lines.last?["connections"] as? Int == 1)
    for line in lines.dropFirst(2).dropLast() { #expect(line["leg"] != nil) }
    for leg in ["client", "server"] {
      for side in ["client", "server"] {
        let ends = lines.filter { $0["leg"] as? String == leg && $0["from"] as? String == side && $0["ends"] != nil }
        #expect(ends.map { $0["ends"] as? String } == ["end"], "\(leg)'s leg, the \(side)")
      }
    }
    // What was said is the same on both legs, and how it was sealed is not.
    func text(_ member: String, _ leg: String) -> [String] {
      lines.filter { $0["leg"] as? String == leg }.compactMap { $0[member] as? String }
    }
    #expect(text("content", "client").sorted() == text("content", "server").sorted())
    #expect(Set(text("ephemeral", "client")).isDisjoint(with: text("ephemeral", "server")))
    let file = try String(contentsOfFile: stage.file, encoding: .utf8)
    #expect(!file.contains(Self.key))
    #expect(try mode(of: stage.file) == 0o600)

    let decoded = try await run("decode", stage.file)
    #expect(decoded.status == 0, "\(decoded.errors)")
    for leg in ["client's leg", "server's leg"] {
      let shown = decoded.output.split(separator: "\n").filter { $0.contains(leg) }
      let request = try #require(shown.firstIndex { $0.contains("client →") && $0.contains("whoami") })
      let response = try #require(shown.firstIndex { $0.contains("← server") && $0.contains("alice") })
      #expect(request < response)
      #expect(shown.contains { $0.contains("handshake message 2, 48 bytes") })
      #expect(shown.contains { $0.contains("end of stream") })
    }
  }

  @Test func `each leg becomes a vector, of which the library replays the recorder's end`() async throws {
    // None is the default, so that the library names all three as the testee does.
    let settings = ["max-message": 65_536, "max-requests": 16, "max-partial": 200_000]
    let folder = try ScratchFolder()
    let stage = try await stage(folder, settings: settings)
    defer { stage.end() }
    let client = try TesteeProcess()
    defer { client.end() }
    let connection = try await client.connect([
      "address": stage.address, "user": "alice", "key": Self.key, "settings": settings,
    ])
    #expect(try await client.request("(whoami)", on: connection) == "(alice)")
    _ = try await client.ask("close", ["connection": connection])
    #expect(await stage.recorder.waitForEnd() == 0)
    for (leg, replayed) in [("client", "server"), ("server", "client")] {
      let promoted = try await run(
        "vectors",
        "promote",
        stage.file,
        "--id",
        "sessions/leg",
        "--clause",
        "X-2.a",
        "--comment",
        "A leg.",
        "--source",
        "a test",
        "--leg",
        leg,
        "--user",
        "alice",
        "--key-file",
        folder.file("key")
      )
      #expect(promoted.status == 0, "\(promoted.errors)")
      #expect(promoted.output.contains("\"conforming\": [\"\(replayed)\"]"))
    }
    let noLeg = try await run(
      "vectors",
      "promote",
      stage.file,
      "--id",
      "sessions/leg",
      "--clause",
      "X-2.a",
      "--comment",
      "A leg.",
      "--source",
      "a test",
      "--user",
      "alice",
      "--key-file",
      folder.file("key")
    )
    #expect(noLeg.status == 2)
    #expect(noLeg.errors.contains("client or server"))
  }

  @Test(arguments: ["another key", "another user"])
  func `a client that has another key, or names another user, is refused, and the recording says why`(
    difference: String
  ) async throws {
    let folder = try ScratchFolder()
    let stage = try await stage(folder)
    defer { stage.end() }
    let client = try TesteeProcess()
    defer { client.end() }
    let isKey = difference == "another key"
    let connect: [String: Any] = [
      "address": stage.address, "user": isKey ? "alice" : "bob", "key": isKey ? Self.otherKey : Self.key,
    ]
    let failure = try await client.failure(of: try client.send("connect", connect))
    #expect(failure["kind"] as? String == "refused")
    #expect(failure["code"] as? String == "authentication-failed")
    #expect(await stage.recorder.waitForEnd() == 0)
    let remarks = try remarks(stage.file)
    #expect(remarks.contains { $0.contains(difference) }, "\(remarks)")
    // The server saw a stream, and nothing on it.
    #expect(try !lines(stage.file).contains { $0["leg"] as? String == "server" && $0["bytes"] != nil })
    let decoded = try await run("decode", stage.file)
    #expect(decoded.output.contains("authentication-failed"))
  }

  @Test func `a server that refuses the recorder's user is heard by the client, and one with another key is told`()
    async throws
  {
    let folder = try ScratchFolder()
    let stage = try await stage(folder, serverKey: Self.otherKey)
    defer { stage.end() }
    let client = try TesteeProcess()
    defer { client.end() }
    let connect = ["address": stage.address, "user": "alice", "key": Self.key]
    let failure = try await client.failure(of: try client.send("connect", connect))
    #expect(failure["code"] as? String == "authentication-failed")
    #expect(await stage.recorder.waitForEnd() == 0)
    #expect(try remarks(stage.file) == ["the server refuses, and so does the recorder"])
  }

  @Test func `a plain client of a recorder that opens sealed sessions is refused for its mode`() async throws {
    let folder = try ScratchFolder()
    let stage = try await stage(folder)
    defer { stage.end() }
    let client = try TesteeProcess()
    defer { client.end() }
    let failure = try await client.failure(of: try client.send("connect", ["address": stage.address]))
    #expect(failure["code"] as? String == "mode-mismatch")
    #expect(await stage.recorder.waitForEnd() == 0)
  }

  @Test(arguments: ["client", "server"], ["tcp", "unix"])
  func `the death of a side is passed to the other, which loses the connection`(
    side: String,
    transport: String
  ) async throws {
    let folder = try ScratchFolder()
    let stage = try await stage(folder, transport: transport)
    defer { stage.end() }
    let client = try TesteeProcess()
    defer { client.end() }
    let connection = try await client.connect(["address": stage.address, "user": "alice", "key": Self.key])
    try client.send("request", ["connection": connection, "payload": try hex("(hang)")])
    _ = try await stage.server.event("request")
    (side == "client" ? client : stage.server).command.signal(SIGKILL)
    let survivor = side == "client" ? stage.server : client
    #expect(try await survivor.event("closed")["reason"] as? String == "lost")
    #expect(await stage.recorder.waitForEnd() == 0)
    let lines = try lines(stage.file)
    #expect(lines.contains { $0["leg"] as? String == side && $0["from"] as? String == side && $0["ends"] != nil })
    #expect(lines.last?["connections"] as? Int == 1)
  }

  @Test func `a user without a key file, and a key file without a user, are wrong usage`() async throws {
    let folder = try ScratchFolder()
    let keyFile = try folder.write(Self.key + "\n", to: "key")
    for words in [["--user", "alice"], ["--key-file", keyFile]] {
      let recorder = try RunningCommand(
        ["record", "--listen", "tcp:127.0.0.1:0", "--connect", "tcp:127.0.0.1:1", "--output", folder.file("none")]
          + words
      )
      #expect(await recorder.waitForEnd() == 64)
    }
    #expect(!FileManager.default.fileExists(atPath: folder.file("none")))
  }
}
