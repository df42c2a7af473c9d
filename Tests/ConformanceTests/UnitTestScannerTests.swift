import BokbokTestSupport
import Foundation
import Testing

@testable import BokbokConformance

/// The tests that name clauses are found wherever the trait stands, and nothing else is taken for one.
@Suite struct UnitTestScannerTests {
  private static func scan(_ text: String) throws -> [String] {
    try UnitTestScanner.scan(text, file: "Tests/x.swift").map { "\($0.clause) \($0.test.name)" }
  }

  @Test func testsAreNamedByTitleOrFunctionWithTheSuitesAroundThem() throws {
    let found = try Self.scan(
      #"""
      @Suite struct Outer {
        func helper() { if true { print("{") } }
        @Test("A \"title\"", .clauses("F-1.a", "F-1.b"), arguments: [1, 2]) func one() {}
        enum Inner { @Test(.clauses("F-1.c")) func `with a space`() {} }
        @Test(.clauses("F-1.d")) func two() {}
      }
      @Test(.clauses("F-1.e")) func free() {}
      extension Outer.Inner { @Test(.clauses("F-1.f")) static func three() {} }
      """#
    )
    #expect(
      found == [
        #"F-1.a Outer: A "title""#, #"F-1.b Outer: A "title""#, "F-1.c Outer/Inner: with a space", "F-1.d Outer: two",
        "F-1.e free", "F-1.f Outer.Inner: three",
      ]
    )
  }

  @Test func traitsOverSeveralLinesAndOfWholeSuitesCount() throws {
    let found = try Self.scan(
      """
      @Suite(.serialized, .clauses("A-1.a"))
      final class Whole {
        class func make() {}
        @Test(
          .clauses(
            "A-1.b",  // why
            "A-1.c"
          ),
          arguments: zip([1], [2])
        )
        @MainActor func several() async throws {}
      }
      """
    )
    #expect(found == ["A-1.a Whole", "A-1.b Whole: several", "A-1.c Whole: several"])
  }

  @Test func textsCommentsAndRegularExpressionsAreNoTraits() throws {
    let found = try Self.scan(
      ##"""
      // @Test(.clauses("F-1.a")) func a() {}
      /* /* nested */ @Test(.clauses("F-1.b")) func b() {} */
      struct S {
        let text = "@Test(.clauses(\"F-1.c\")) \("inner }" + f(")"))"
        let long = """
          @Test(.clauses("F-1.d")) func d() {}
          """
        let quotes = (#"{ "0""#, #""""#, "", """
          }}
          """)
        let raw = #"" { @Test(.clauses("F-1.e"))"#
        let expression = text.matches(of: /"\{ [^"]/)
        let quotient = 6 / 3 / 1
        let extended = #/ " { /#
        let mapped = items.map(\.clauses).flatMap(\.self)
        @Test(.clauses("F-1.f")) func f() {}
      }
      """##
    )
    #expect(found == ["F-1.f S: f"])
  }

  @Test func aTraitThatNobodyWouldCountIsAnError() {
    for text in [
      #"let trait: some Trait = .clauses("F-1.a")"#, #"@Test(.clauses("F-1.a", other)) func f() {}"#,
      #"struct S { let text = ##"{ } @Test(.clauses("F-1.a")) func f() {} }"#,
    ] {
      let error = #expect(throws: DataError.self) { try Self.scan(text) }
      #expect(error?.file == "Tests/x.swift")
    }
  }

  @Test func aClauseThatTheSpecificationDoesNotHaveIsAnErrorThatNamesTheTest() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "bokbok-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let tests = folder.appending(path: "Tests")
    try FileManager.default.createDirectory(at: tests, withIntermediateDirectories: true)
    try Data(#"@Test(.clauses("F-1.a", "F-99.z")) func f() {}"#.utf8).write(to: tests.appending(path: "T.swift"))
    let specification = try SpecificationIndex.embedded()
    let error = #expect(throws: DataError.self) {
      try UnitTestIndex(scanning: folder.path, specification: specification)
    }
    #expect(error?.description == "Tests/T.swift: f: the specification has no clause F-99.z")
  }
}
