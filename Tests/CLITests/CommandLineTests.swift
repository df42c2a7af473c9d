import Testing

@Suite(.timeLimit(.minutes(1)))
struct CommandLineTests {
  private static let subcommands = [
    [], ["serve"], ["call"], ["ping"], ["key"], ["key", "generate"], ["key", "derive"], ["key", "passphrase"],
    ["decode"],
    ["conformance"], ["testee"], ["vectors"], ["vectors", "list"], ["vectors", "check"], ["vectors", "generate"],
  ]

  @Test(arguments: subcommands)
  func `help of each subcommand says how it is used`(_ subcommand: [String]) async throws {
    let command = try RunningCommand(subcommand + ["--help"])
    defer { command.end() }
    let text = await command.output.rest().joined(separator: "\n")
    #expect(await command.waitForEnd() == 0)
    #expect(text.contains("USAGE: \((["bokbok"] + subcommand).joined(separator: " "))"))
  }

  @Test func `the version is printed`() async throws {
    let result = try await run("--version")
    #expect(result.status == 0)
    #expect(result.output.wholeMatch(of: /bokbok \d+\.\d+\.\d+/) != nil)
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func `completions are generated for a shell`(_ shell: String) async throws {
    let result = try await run("--generate-completion-script", shell)
    #expect(result.status == 0)
    for name in ["serve", "call", "key-file", "passphrase"] { #expect(result.output.contains(name)) }
  }

  @Test(arguments: ["call", "ping", "testee"])
  func `wrong usage of a subcommand that is parsed by itself is told as of the others`(
    _ subcommand: String
  ) async throws {
    let result = try await run(subcommand, "--no-such-option")
    #expect(result.status == 64)
    #expect(result.output.isEmpty)
    #expect(result.errors.contains("Usage: bokbok \(subcommand) "))
    let version = try await run(subcommand, "--version")
    #expect(version.output.contains("bokbok"))
  }

  @Test func `an unknown subcommand is a usage error on standard error`() async throws {
    let result = try await run("sevre")
    #expect(result.status == 64)
    #expect(result.output.isEmpty)
    #expect(result.errors.contains("sevre"))
  }
}
