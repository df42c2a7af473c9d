import BokbokTestSupport
import Foundation
import Testing

/// The commands of README and guides are run, and must print what the page says.
///
/// In a `console` block a line that begins with `$ ` is a command; what follows, up to the next one, is what it prints.
/// `…` stands for anything, alone on a line for any lines. A command that ends in ` &` goes on in the background once it
/// has printed the lines that follow it. The blocks of one page run in their order, in one folder that is empty at first. A
/// block whose first word is a program that is not installed is left out, unless `BOKBOK_REQUIRE` says that none may be.
@Suite struct ConsoleBlockTests {
  @Test(arguments: try Set(CodeBlock.all(in: "console").map(\.page)).sorted())
  func commandsPrintWhatThePageSays(page: String) throws {
    let session = try ConsoleSession()
    defer { session.end() }
    for block in try CodeBlock.all(in: "console") where block.page == page {
      let steps = ConsoleStep.steps(of: block)
      if let program = steps.first?.program, !session.hasProgram(program) {
        if !(ProcessInfo.processInfo.environment["BOKBOK_REQUIRE"] ?? "").isEmpty {
          Issue.record("\(page):\(block.line): \(program) is not installed")
        }
        continue
      }
      for step in steps {
        let printed = try session.run(step)
        let output = printed.joined(separator: "\n")
        #expect(step.matches(printed), "\(page):\(step.line): `\(step.command)` printed:\n\(output)")
      }
    }
  }
}

struct ConsoleStep {
  var line: Int
  var command: String
  var expected: [String]

  var program: String { command.prefix { $0 != " " }.description }
  var isBackground: Bool { command.hasSuffix(" &") }

  static func steps(of block: CodeBlock) -> [ConsoleStep] {
    var steps: [ConsoleStep] = []
    for (index, line) in block.lines.enumerated() {
      if line.hasPrefix("$ ") {
        steps.append(ConsoleStep(line: block.line + 1 + index, command: String(line.dropFirst(2)), expected: []))
      } else if !steps.isEmpty {
        steps[steps.count - 1].expected.append(line)
      }
    }
    return steps
  }

  func matches(_ printed: [String]) -> Bool {
    var printed = printed[...]
    var expected = expected[...]
    while let pattern = expected.popFirst() {
      if pattern == "…" {
        guard let next = expected.first else { return true }
        guard let index = printed.firstIndex(where: { Self.matches($0, pattern: next) }) else { return false }
        printed = printed[index...]
        continue
      }
      guard let line = printed.popFirst(), Self.matches(line, pattern: pattern) else { return false }
    }
    return printed.isEmpty
  }

  private static func matches(_ line: String, pattern: String) -> Bool {
    let parts = pattern.components(separatedBy: "…")
    guard parts.count > 1, let first = parts.first, let last = parts.last else { return line == pattern }
    guard line.hasPrefix(first) else { return false }
    var rest = line.dropFirst(first.count)
    for part in parts.dropFirst().dropLast() {
      guard let range = rest.range(of: part) else { return false }
      rest = rest[range.upperBound...]
    }
    return rest.hasSuffix(last)
  }
}

/// A folder of its own, and the processes started in it.
final class ConsoleSession {
  private let folder: URL
  private var background: [(process: Process, input: FileHandle, output: FileHandle)] = []

  private let environment: [String: String]

  init() throws {
    var environment = ProcessInfo.processInfo.environment
    environment["PATH"] = "\(Project.productsFolder):\(environment["PATH"] ?? "/usr/bin:/bin")"
    self.environment = environment
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("bokbok-console-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  func hasProgram(_ name: String) -> Bool {
    (environment["PATH"] ?? "").split(separator: ":").contains { folder in
      FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)")
    }
  }

  func run(_ step: ConsoleStep) throws -> [String] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    // The shell stays with it, until its input ends: a program that closes all descriptors, as systemd-socket-activate does, would otherwise
    // have Foundation wait for nothing but its end. It gives up the output, so that a program that ends is not waited for.
    let command = step.isBackground ? "\(step.command) exec >&-; read end; kill -9 $!" : step.command
    process.arguments = ["-c", command]
    process.currentDirectoryURL = folder
    process.environment = environment
    let output = Pipe()
    process.standardOutput = output
    // What goes on in the background may log at any time.
    process.standardError = step.isBackground ? FileHandle.nullDevice : output
    let input = Pipe()
    if step.isBackground { process.standardInput = input } else { process.standardInput = FileHandle.nullDevice }
    try process.run()
    guard step.isBackground else {
      let data = output.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      return Self.lines(data)
    }
    background.append((process, input.fileHandleForWriting, output.fileHandleForReading))
    return Self.lines(try Self.read(lines: step.expected.count, from: output.fileHandleForReading))
  }

  private static func read(lines count: Int, from handle: FileHandle) throws -> Data {
    var data = Data()
    while data.count(where: { $0 == UInt8(ascii: "\n") }) < count {
      guard let byte = try handle.read(upToCount: 1), !byte.isEmpty else { break }
      data.append(byte)
    }
    return data
  }

  func end() {
    for entry in background {
      try? entry.input.close()
      _ = entry.output.readDataToEndOfFile()
      entry.process.waitUntilExit()
    }
    try? FileManager.default.removeItem(at: folder)
  }

  private static func lines(_ data: Data) -> [String] {
    var lines = String(decoding: data, as: UTF8.self).components(separatedBy: "\n")
    if lines.last == "" { lines.removeLast() }
    return lines
  }
}
