import BokbokCore
import Testing

@testable import BokbokConformance

/// Sealed sessions, and those that do not end cleanly, become vectors too.
@Suite struct SealedPromotionTests {
  private static func keys(of vector: Vector, ephemerals: [SideRole]) throws -> SessionSecrets.Keys {
    SessionSecrets.Keys(
      user: try vector["client"]?["user"].octets(at: "user") ?? [],
      userKey: try vector["client"]?["userKey"].octets(at: "userKey") ?? [],
      ephemerals: try ephemerals.map { try vector[$0.rawValue]?["ephemeral"].octets(at: "ephemeral") ?? [] }
    )
  }

  private static func promotion(_ vector: Vector, _ keys: SessionSecrets.Keys?) throws -> SessionPromotion {
    try SessionPromotion(
      SessionPromotionTests.recording(vector),
      connection: 1,
      keys: keys,
      description: SessionPromotionTests.description
    )
  }

  private static func made(_ promotion: SessionPromotion) throws -> Vector {
    try #require(VectorSet([("sessions-here.json", Array(promotion.text.utf8))]).files.first?.vectors.first)
  }

  @Test(arguments: ["echo", "both-directions", "cancel-and-errors", "user-not-ascii"])
  func `a sealed session whose secrets are known becomes a vector that both sides replay`(name: String) throws {
    let vector = try SessionPromotionTests.session("sessions/sealed/\(name)")
    let promotion = try Self.promotion(vector, Self.keys(of: vector, ephemerals: [.server, .client]))
    #expect(promotion.conforming == ["client", "server"])
    #expect(promotion.remarks.isEmpty)
    let made = try Self.made(promotion)
    #expect(made["mode"] == "sealed")
    for role in SideRole.allCases { #expect(made[role.rawValue]?["ephemeral"] == vector[role.rawValue]?["ephemeral"]) }
    #expect(made["client"]?["sessionKey"] == vector["client"]?["sessionKey"])
    try made.replay()
  }

  @Test(arguments: SideRole.allCases)
  func `with one side's ephemeral secret that side is replayed, and all is opened`(role: SideRole) throws {
    let vector = try SessionPromotionTests.session("sessions/sealed/both-directions")
    let promotion = try Self.promotion(vector, Self.keys(of: vector, ephemerals: [role]))
    #expect(promotion.conforming == [role.rawValue])
    let made = try Self.made(promotion)
    #expect(made[role.other.rawValue]?["ephemeral"] == nil)
    let parts = (made["steps"]?.array ?? []).flatMap { $0["sends"]?.array ?? [] }
    let records = parts.filter { $0["is"] == "record" }
    #expect(!records.isEmpty)
    #expect(records.allSatisfy { $0["frames"] != nil })
    try made.replay()
  }

  @Test(arguments: [
    "sealed/bit-flipped", "sealed/replayed", "sealed/reflected", "sealed/not-sealed", "sealed/length-15",
    "sealed/violation", "sealed/end-without-close", "sealed/end-in-record", "plain/unknown-kind", "plain/end-under-way",
    "plain/end-in-record", "plain/abort",
  ])
  func `a session that does not end cleanly becomes an invalid vector with the outcome`(name: String) throws {
    let vector = try SessionPromotionTests.session("sessions/\(name)")
    let keys = name.hasPrefix("sealed") ? try Self.keys(of: vector, ephemerals: SideRole.allCases) : nil
    let promotion = try Self.promotion(vector, keys)
    let made = try Self.made(promotion)
    #expect(!made.isValid)
    #expect(made.error?.outcome == vector.error?.outcome)
    #expect(made["conforming"] == vector["conforming"])
    #expect(made.clauses.contains(try #require(made.error?.clause)))
    try made.replay()
  }

  @Test func `the clause that was broken can be given`() throws {
    let vector = try SessionPromotionTests.session("sessions/sealed/end-without-close")
    var description = SessionPromotionTests.description
    description.brokenClause = "C-6.e"
    let promotion = try SessionPromotion(
      SessionPromotionTests.recording(vector),
      connection: 1,
      keys: Self.keys(of: vector, ephemerals: SideRole.allCases),
      description: description
    )
    #expect(try Self.made(promotion).error?.clause == "C-6.e")
  }

  @Test func `what does not open a sealed session is told`() throws {
    let vector = try SessionPromotionTests.session("sessions/sealed/echo")
    func failure(_ keys: SessionSecrets.Keys?, leg: SessionPromotion.SideName? = nil) -> String {
      do {
        _ = try SessionPromotion(
          SessionPromotionTests.recording(vector),
          connection: 1,
          leg: leg,
          keys: keys,
          description: SessionPromotionTests.description
        )
        return ""
      } catch {
        return "\(error)"
      }
    }
    let right = try Self.keys(of: vector, ephemerals: [.client])
    #expect(failure(right) == "")
    #expect(failure(nil).contains("--key-file"))
    let none = SessionSecrets.Keys(user: right.user, userKey: right.userKey, ephemerals: [])
    #expect(failure(none).contains("key log"))
    let zeros = [UInt8](repeating: 0, count: 32)
    let otherKey = SessionSecrets.Keys(user: right.user, userKey: zeros, ephemerals: right.ephemerals)
    #expect(failure(otherKey).contains("message 1 does not authenticate"))
    let otherUser = SessionSecrets.Keys(user: [0x62], userKey: right.userKey, ephemerals: right.ephemerals)
    #expect(failure(otherUser).contains("\"b\""))
    #expect(failure(right, leg: .client).contains("no legs"))
  }

  @Test func `a line that is none of a key log is told by its number`() throws {
    let line = "{\"role\":\"client\",\"ephemeral\":\"\(String(repeating: "ab", count: 32))\"}\n"
    let good = (name: "log", bytes: Array(line.utf8))
    let key = [UInt8](repeating: 1, count: 32)
    let keys = try SessionSecrets.Keys(user: "alice", key: key, keyLogs: [good, good])
    #expect(keys.ephemerals.count == 2)
    let bad = (name: "log", bytes: Array((line + "{}\n").utf8))
    #expect {
      _ = try SessionSecrets.Keys(user: "alice", key: key, keyLogs: [bad])
    } throws: { "\($0)".contains("line 2") }
  }
}
