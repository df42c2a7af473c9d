import BokbokConformance
import BokbokTestSupport
import Foundation
import Testing

/// The promise that an id of a case is never used for something else, and never goes without a word.
@Suite struct CaseLedgerTests {
  private static func cases(_ cases: [(id: String, steps: String)]) throws -> [Case] {
    let texts = cases.map { CaseLoaderTests.oneCase(id: $0.id, steps: $0.steps) }
    let file = "{\"subject\": \"frames\", \"cases\": [\(texts.joined(separator: ", "))]}"
    return try CaseLoader(specification: try SpecificationIndex.embedded()).load(Array(file.utf8), file: "x.json")
  }

  private static let fence = "{ \"fence\": {} }"
  private static let trip = "{ \"roundTrip\": {} }"

  /// A ledger whose first version is published with these cases.
  private static func published(_ cases: [Case]) throws -> CaseLedger {
    var ledger = CaseLedger(versions: [.init(number: 1)], entries: [:])
    ledger.update(with: cases)
    try ledger.publish(on: "2026-01-31", with: cases)
    return ledger
  }

  private static func brokenPromises(_ ledger: CaseLedger, _ cases: [Case]) -> [String] {
    ledger.disagreements(with: cases).filter(\.breaksPromise).map { "\($0)" }
  }

  @Test func everyCaseOfTheSuiteStandsInItsLedgerAndKeepsItsPromise() throws {
    let suite = try CaseLoader(specification: try SpecificationIndex.embedded()).embeddedSuite()
    let ledger = try #require(suite.ledger)
    let disagreements = ledger.disagreements(with: suite.cases)
    #expect(disagreements.isEmpty, "bokbok conformance ledger --write: \(disagreements)")
    let path = "\(Project.root)/\(CaseLoader.folder)/\(CaseLedger.path)"
    let contents = try #require(FileManager.default.contents(atPath: path))
    #expect(ledger.text == String(decoding: contents, as: UTF8.self), "bokbok conformance ledger --write")
  }

  @Test func whatWasPublishedAndIsThereAgrees() throws {
    let cases = try Self.cases([("P-1/a", Self.fence), ("P-1/b", Self.trip)])
    #expect(try Self.published(cases).disagreements(with: cases).isEmpty)
  }

  @Test func aPublishedCaseThatIsGoneBreaksThePromise() throws {
    let cases = try Self.cases([("P-1/a", Self.fence), ("P-1/b", Self.trip)])
    let broken = Self.brokenPromises(try Self.published(cases), Array(cases.dropLast()))
    #expect(broken.count == 1)
    #expect(broken.first?.hasPrefix("P-1/b: in the suite since version 1, and gone without a word") == true)
  }

  @Test func aCaseUnderAnotherNameIsNotANewOne() throws {
    let ledger = try Self.published(try Self.cases([("P-1/a", Self.fence)]))
    let renamed = try Self.cases([("P-1/b", Self.fence)])
    let broken = Self.brokenPromises(ledger, renamed)
    #expect(broken.contains { $0.hasPrefix("P-1/b: this is P-1/a under another name") })
    var updated = ledger
    updated.update(with: renamed)
    #expect(updated == ledger)
  }

  @Test func wordsForPeopleAndTheOrderOfMembersAreNotWhatACaseDemands() throws {
    let one = try Self.cases([("P-1/a", "{ \"send\": { \"kind\": \"PING\", \"id\": 0 }, \"note\": \"x\" }")])
    let other = try Self.cases([("P-1/a", "{ \"note\": \"y\", \"send\": { \"id\": 0, \"kind\": \"PING\" } }")])
    #expect(one.map(\.digest) == other.map(\.digest))
    let another = try Self.cases([("P-1/a", "{ \"send\": { \"kind\": \"PING\", \"id\": 1 } }")])
    #expect(one.map(\.digest) != another.map(\.digest))
  }

  @Test func aPublishedCaseThatDemandsSomethingElseNeedsARevisionWithAReason() throws {
    let ledger = try Self.published(try Self.cases([("P-1/a", Self.fence)]))
    let changed = try Self.cases([("P-1/a", Self.trip)])
    #expect(Self.brokenPromises(ledger, changed).first?.contains("demands something else than in version 1") == true)
    var silent = ledger
    silent.update(with: changed)
    #expect(!Self.brokenPromises(silent, changed).isEmpty)
    var revised = ledger
    revised.update(with: changed, reason: "the fence proved nothing")
    #expect(revised.disagreements(with: changed).isEmpty)
    #expect(revised.newest == .init(number: 2))
    try revised.publish(on: "2026-02-28", with: changed)
    #expect(revised.disagreements(with: changed).isEmpty)
    #expect(!Self.brokenPromises(revised, try Self.cases([("P-1/a", Self.fence)])).isEmpty)
  }

  @Test func aWithdrawnIDIsATombstoneAndNeverUsedAgain() throws {
    let cases = try Self.cases([("P-1/a", Self.fence), ("P-1/b", Self.trip)])
    var ledger = try Self.published(cases)
    try ledger.withdraw("P-1/a", reason: "P-1/b proves the same", replacement: ["P-1/b"])
    let rest = cases.filter { $0.id == "P-1/b" }
    #expect(ledger.disagreements(with: rest).isEmpty)
    let broken = Self.brokenPromises(ledger, cases)
    #expect(broken.count == 1)
    #expect(broken.first?.contains("withdrawn in version 2 (P-1/b proves the same)") == true)
    #expect(throws: DataError.self) { try ledger.withdraw("P-1/a", reason: "once is enough", replacement: []) }
    #expect(throws: DataError.self) { try ledger.withdraw("P-1/c", reason: "it never existed", replacement: []) }
    #expect(throws: DataError.self) { try ledger.withdraw("P-1/b", reason: "short", replacement: []) }
    #expect(throws: DataError.self) { try ledger.withdraw("P-1/b", reason: "is replaced", replacement: ["P-1/c"]) }
  }

  @Test func whatWasNeverPublishedMayComeAndGo() throws {
    var ledger = CaseLedger(versions: [.init(number: 1)], entries: [:])
    ledger.update(with: try Self.cases([("P-1/a", Self.fence)]))
    let others = try Self.cases([("P-1/b", Self.trip)])
    #expect(Self.brokenPromises(ledger, others).isEmpty)
    #expect(ledger.disagreements(with: others).count == 2)
    ledger.update(with: others)
    #expect(ledger.entries.keys.sorted() == ["P-1/b"])
    #expect(ledger.newest == .init(number: 1))
  }

  @Test func aLoaderRefusesAFolderThatBreaksAPromise() throws {
    let folder = try ScratchFolder()
    let ledger = try Self.published(try Self.cases([("P-1/a", Self.fence), ("P-1/b", Self.trip)]))
    try folder.write(ledger.text, to: CaseLedger.path)
    let file = "{\"subject\": \"frames\", \"cases\": [\(CaseLoaderTests.oneCase(id: "P-1/a", steps: Self.fence))]}"
    try folder.write(file, to: "frames.json")
    let loader = try CaseLoader(specification: try SpecificationIndex.embedded())
    let error = #expect(throws: DataError.self) { try loader.suite(inDirectory: folder.path) }
    #expect(try #require(error).description.contains("P-1/b"))
    try folder.write(
      "{\"subject\": \"ping\", \"cases\": [\(CaseLoaderTests.oneCase(id: "P-1/b", steps: Self.trip))]}",
      to: "ping.json"
    )
    #expect(try loader.suite(inDirectory: folder.path).ledger == ledger)
  }

  @Test(arguments: [
    ("{\"versions\": [{\"version\": 2}], \"cases\": {}}", "numbered"),
    ("{\"versions\": [{\"version\": 1}, {\"version\": 2}], \"cases\": {}}", "not published"),
    ("{\"versions\": [{\"version\": 1}], \"cases\": {\"P-1/a\": {\"since\": 2}}}", "no version 2"),
    (
      "{\"versions\": [{\"version\": 1, \"published\": \"2026-01-31\"}], \"cases\": {\"P-1/a\": {\"since\": 1}}}",
      "no digest"
    ),
    ("{\"versions\": [{\"version\": 1}], \"cases\": {\"P-1/a\": {\"since\": 1, \"sinec\": 1}}}", "sinec"),
    ("{\"versions\": [{\"version\": 1}], \"cases\": {\"a\": {\"since\": 1}}}", "match"),
    ("[", "line"),
  ])
  func aLedgerThatContradictsItselfIsAnError(text: String, fault: String) throws {
    let error = #expect(throws: DataError.self) { try CaseLedger(Array(text.utf8), file: "ledger.json") }
    let description = try #require(error).description
    #expect(description.contains("ledger.json"))
    #expect(description.contains(fault) || fault == "line", "\(description)")
  }

  // MARK: Older versions

  @Test func anOlderVersionIsPlayedAsItWasAndRefusedWhereItCannotBe() async throws {
    let folder = try ScratchFolder()
    let old = try Self.cases([("P-1/a", Self.fence)])
    var ledger = try Self.published(old)
    let both = try Self.cases([("P-1/a", Self.fence), ("P-1/b", Self.trip)])
    ledger.update(with: both)
    try ledger.publish(on: "2026-02-28", with: both)
    func write(_ ledger: CaseLedger, _ cases: [(id: String, steps: String)]) throws {
      try folder.write(ledger.text, to: CaseLedger.path)
      let texts = cases.map { CaseLoaderTests.oneCase(id: $0.id, steps: $0.steps) }
      let file = "{\"subject\": \"ping\", \"cases\": [\(texts.joined(separator: ", "))]}"
      try folder.write(file, to: "ping.json")
    }
    var options = ConformanceOptions()
    options.casesDirectory = folder.path
    options.listsOnly = true

    try write(ledger, [("P-1/a", Self.fence), ("P-1/b", Self.trip)])
    for (version, id, status) in [(1, "P-1/a", Int32(0)), (1, "P-1/b", 2), (2, "P-1/b", 0), (3, "P-1/a", 2)] {
      options.suiteVersion = version
      options.casePatterns = [id]
      #expect(await ConformanceRun(options).run() == status, "version \(version), \(id)")
    }

    try ledger.withdraw("P-1/a", reason: "P-1/b proves the same", replacement: ["P-1/b"])
    try write(ledger, [("P-1/b", Self.trip)])
    options.casePatterns = []
    for (version, status) in [(1, Int32(2)), (2, 2), (3, 0)] {
      options.suiteVersion = version
      #expect(await ConformanceRun(options).run() == status, "version \(version) after the withdrawal")
    }
  }
}
