import Bokbok
import BokbokTestSupport
import NIOCore
import Testing

/// Many commands one after the other, and much through one of them.
@Suite struct CommandLoadTests {
  @Test("Starting, asking and closing 500 times leaves no descriptor, zombie or process behind", .clauses("A-3.c"))
  func cycles() async throws {
    let cycles = try TestProcess(TestCommand.server, ["cycles", "500"])
    let line = try #require(try await cycles.nextLine())
    let pattern = /cycles 500, descriptors ([0-9]+) and ([0-9]+), children (.*?), .*/
    let numbers = try #require(try pattern.wholeMatch(in: line))
    #expect(numbers.output.1 == numbers.output.2, "\(line)")
    #expect(numbers.output.3 == "none", "\(line)")
    #expect(await cycles.waitForEnd() == 0)
  }

  @Test("16 MiB go both ways at once over pipes", .clauses("A-2.b"), arguments: TestProtection.allCases)
  func bothWays(protection: TestProtection) async throws {
    let blob = Value.atom(ByteBuffer(repeating: 7, count: 16 * 1_048_576 - 64))
    let connection = try await TestCommand.open(protection)
    async let echoed = connection.request(["echo", blob])
    async let asked = connection.request(["ask", blob])
    #expect(try await echoed == ["echo", blob])
    #expect(try await asked == ["told", blob])
    #expect(try await connection.close().reason == .clean)
  }
}
