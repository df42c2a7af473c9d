import BokbokTestSupport
import Foundation
import Testing

@testable import BokbokConformance

/// What the sealed connections of a run have in common is found, also where each case by itself passes.
@Suite struct SealedAuditTests {
  /// What a testee sends by the book: its part of the handshake, and two records.
  private static func sent(
    _ role: SideRole,
    _ inputs: ReferenceHandshake.Inputs = .init(),
    counters: [UInt64] = [0, 1]
  ) -> [UInt8] {
    let handshake = ReferenceHandshake(inputs)
    let preamble = WirePreamble.bytes(mode: WirePreamble.sealed)
    let key = role == .client ? handshake.clientToServerKey : handshake.serverToClientKey
    let opening =
      role == .client ? .record(inputs.userName) + .record(handshake.message1) : [UInt8].record(handshake.message2)
    return counters.reduce(preamble + opening) { bytes, counter in
      let nonce = ReferenceChaCha20Poly1305.nonce(counter: counter)
      return bytes + .record(ReferenceChaCha20Poly1305.seal(Self.frames, key: key, nonce: nonce, associatedData: []))
    }
  }

  private static let frames = WireFrame(.settings, body: Array("((11:max-message7:1000000))".utf8)).bytes

  private static func evidence(_ role: SideRole, _ sent: [UInt8]) -> SealedEvidence {
    SealedEvidence(
      sent: sent,
      isTesteeServer: role == .server,
      userKey: ReferenceHandshake.Inputs().userKey,
      openedFrames: [frames, frames]
    )
  }

  private static func finding(_ role: SideRole, _ streams: [UInt8]...) -> SealedAudit.Finding? {
    let audit = SealedAudit()
    for (index, sent) in streams.enumerated() {
      do throws(SealedAudit.Finding) {
        try audit.examine(evidence(role, sent), of: "case \(index)")
      } catch {
        return index == streams.count - 1 ? error : nil
      }
    }
    return nil
  }

  private static func inputs(_ change: (inout ReferenceHandshake.Inputs) -> Void) -> ReferenceHandshake.Inputs {
    var inputs = ReferenceHandshake.Inputs()
    change(&inputs)
    return inputs
  }

  private static let other = ReferenceHandshake.ascending(from: 0x11)

  @Test(arguments: SideRole.allCases)
  func `connections with secrets of their own show nothing`(role: SideRole) {
    let others = Self.inputs {
      $0.clientEphemeral = Self.other
      $0.serverEphemeral = Self.other
      $0.sessionKey = Self.other
    }
    #expect(Self.finding(role, Self.sent(role), Self.sent(role, others)) == nil)
  }

  @Test(.clauses("H-7.b"), arguments: SideRole.allCases)
  func `an ephemeral key that comes again is found`(role: SideRole) throws {
    let finding = try #require(Self.finding(role, Self.sent(role), Self.sent(role)))
    #expect(finding.clause == "H-7.b")
    #expect(finding.earlier?.kind == .ephemeralKey)
    #expect(finding.got.contains("case 0"))
  }

  @Test(.clauses("H-7.b")) func `a client's session key that comes again is found`() throws {
    let others = Self.inputs { $0.clientEphemeral = Self.other }
    let finding = try #require(Self.finding(.client, Self.sent(.client), Self.sent(.client, others)))
    #expect(finding.clause == "H-7.b")
    #expect(finding.expected.contains("session key"))
  }

  @Test(.clauses("R-2.d"), arguments: SideRole.allCases)
  func `two records with the same nonce are found by their tag`(role: SideRole) throws {
    let finding = try #require(Self.finding(role, Self.sent(role, counters: [0, 0])))
    #expect(finding.clause == "R-2.d")
  }

  @Test(.clauses("R-2.c")) func `what a record holds is found where it stands open among the bytes`() throws {
    let finding = try #require(Self.finding(.server, Self.sent(.server) + Self.frames))
    #expect(finding.clause == "R-2.c")
  }

  @Test(.clauses("H-4.c")) func `refusals of failed authentications that differ are found, and others may`() throws {
    func refusal(_ code: String, _ message: String) -> [UInt8] {
      let value = Array("(\(code.utf8.count):\(code)\(message.utf8.count):\(message))".utf8)
      return WirePreamble.bytes(mode: WirePreamble.refused) + .record(value)
    }
    let unknown = refusal("authentication-failed", "no such user")
    let wrong = refusal("authentication-failed", "wrong key")
    #expect(Self.finding(.server, unknown, wrong)?.clause == "H-4.c")
    #expect(Self.finding(.server, unknown, unknown) == nil)
    #expect(Self.finding(.server, unknown, refusal("busy", "too many")) == nil)
  }

  /// What a capsule keeps: the earlier sighting alone is enough to find the same again.
  @Test func `a finding is found again from what it names`() throws {
    func refusal(_ message: String) -> [UInt8] {
      let value = Array("(21:authentication-failed\(message.utf8.count):\(message))".utf8)
      return WirePreamble.bytes(mode: WirePreamble.refused) + .record(value)
    }
    let others = Self.inputs { $0.clientEphemeral = Self.other }
    let pairs: [(SideRole, [UInt8], [UInt8], SealedAudit.Sighting.Kind)] = [
      (.server, Self.sent(.server), Self.sent(.server), .ephemeralKey),
      (.client, Self.sent(.client), Self.sent(.client, others), .sessionKey),
      (.server, [], Self.sent(.server, counters: [0, 0]), .tag),
      (.server, refusal("no such user"), refusal("wrong key"), .refusal),
    ]
    for (role, first, second, kind) in pairs {
      let finding = try #require(Self.finding(role, first, second))
      let earlier = try #require(finding.earlier)
      #expect(earlier.kind == kind)
      let audit = SealedAudit(earlier: [earlier])
      #expect(throws: finding) { try audit.examine(Self.evidence(role, second), of: "case 1") }
    }
  }

  @Test func `what stops in the middle of the opening is no evidence, and no crash`() {
    let whole = Self.sent(.client)
    for count in stride(from: 0, through: whole.count, by: 7) {
      #expect(Self.finding(.client, Array(whole.prefix(count))) == nil)
    }
  }

  // MARK: Runs

  /// What the project's own faults show, each of them only in the audit: the fault, its role, and its clause.
  private static let faults: [(id: String, file: String, role: SideRole, clause: String)] = [
    ("H-7.b/ephemeral-from-a-seed", "handshake", .server, "H-7.b"),
    ("H-7.b/ephemeral-from-a-seed", "handshake", .client, "H-7.b"),
    ("H-7.b/session-key-constant", "handshake", .client, "H-7.b"),
    ("H-7.b/session-key-from-a-seed", "handshake", .client, "H-7.b"),
    ("H-4.c/process-in-refusal", "handshake", .server, "H-4.c"),
    ("R-2.d/close-sent-twice", "records", .server, "R-2.d"),
    ("R-2.d/close-sent-twice", "records", .client, "R-2.d"),
    ("R-2.c/stale-buffer-behind-close", "records", .server, "R-2.c"),
    ("R-2.c/stale-buffer-behind-close", "records", .client, "R-2.c"),
  ]

  /// A whole run holds up the threads that other tests need.
  @Test(
    .enabled(if: ProcessInfo.processInfo.environment["BOKBOK_SLOW_TESTS"] != nil),
    .clauses("H-4.c", "H-7.b", "R-2.c", "R-2.d"),
    .timeLimit(.minutes(5)),
    arguments: faults
  )
  func `a testee that repeats or shows secrets fails the run by the clause, and its capsule is judged again alike`(
    fault: (id: String, file: String, role: SideRole, clause: String)
  ) async throws {
    let folder = try ScratchFolder()
    let faulty = """
      exec python3 '\(Project.root)/Harness/Faults/faulty_testee.py' \
      '\(Project.root)/Harness/Faults/\(fault.file).json' \(fault.id)
      """
    var options = ConformanceOptions()
    options.testee = .shell(faulty)
    options.casePatterns = [fault.clause == "H-4.c" ? "H-4/changed-tag" : "P-1/pong"]
    // Two groups, and so two processes.
    options.configurationPatterns = ["sealed/tcp/\(fault.role)", "sealed/unix/\(fault.role)"]
    options.jobCount = 1
    options.capsulesPath = "\(folder.path)/capsules"
    options.jsonPath = "\(folder.path)/report"
    options.showsTraces = false
    #expect(await ConformanceRun(options).run() == 1)
    let report = try String(contentsOfFile: "\(folder.path)/report", encoding: .utf8)
    #expect(report.contains("\"clause\":\"\(fault.clause)\""))

    let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/capsules")
    let path = "\(folder.path)/capsules/\(try #require(names.max()))"
    let capsule = try Capsule(try #require(FileManager.default.contents(atPath: path)), name: path)
    #expect(capsule.verdict.moment == .auditing)
    #expect(capsule.verdict.clause == fault.clause)
    #expect(capsule.header.comparedWith.isEmpty == (fault.clause == "R-2.c"))
    #expect(await CapsuleReplay(path).run() == 0)
    // Against an implementation: the right one passes, and one that says the same secret again does not.
    let right = "cd '\(Project.root)/Harness/Peers/python' && exec python3 testee.py"
    #expect(await CapsuleReplay(path, testee: .shell(right)).run() == 0)
    let isSeenInOnePlay = fault.clause != "H-4.c"
    #expect(await CapsuleReplay(path, testee: .shell(faulty)).run() == (isSeenInOnePlay ? 1 : 0))
  }
}
