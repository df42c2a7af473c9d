import Bokbok
import BokbokTestSupport
import Testing

@Suite struct RequestTests {
  @Test(arguments: TestLink.all)
  func anAnswerComesBack(link: TestLink) async throws {
    try await link.withPair { server, connection in
      let answer = try await connection.request(["ping", "12345"])
      #expect(answer == ["ping", "12345"])
      #expect(server.connections.count == 1)
    }
  }

  @Test(arguments: TestLink.all)
  func aCleanCloseIsReported(link: TestLink) async throws {
    try await link.withPair { _, connection in
      let end = try await connection.close(code: "done", message: "bye")
      #expect(end.reason == .clean)
      #expect(end.code == "done")
    }
  }
}
