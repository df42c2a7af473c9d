import BokbokTestSupport
import Foundation
import Testing

/// The command where it is installed by itself, without `bokbok-relay` beside it.
@Suite(.timeLimit(.minutes(3)))
struct AloneCommandTests {
  @Test(.clauses("A-3.d"))
  func `its own relay sees the descriptors that it inherits, and not those of its runtime`() async throws {
    let executable = try RunningCommand.executable()
    // A link in the same file system, so that it need not be copied.
    let folder = executable.deletingLastPathComponent().appendingPathComponent("alone-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    let alone = folder.appendingPathComponent("bokbok")
    try FileManager.default.linkItem(at: executable, to: alone)
    let command = try RunningCommand(
      ["conformance", "--case", "A-3/no-other-descriptors", "--configuration", "*/stdio/client", "--json", "-"],
      executable: alone
    )
    defer { command.end() }
    let lines = await command.output.rest()
    #expect(await command.waitForEnd() == 0, "\(lines)")
    #expect(lines.count { $0.contains("\"type\":\"case\"") && $0.contains("\"state\":\"pass\"") } == 2)
  }
}
