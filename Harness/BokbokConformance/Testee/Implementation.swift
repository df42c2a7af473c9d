internal import Foundation

/// An implementation under test: how its testee is started, and what is known not to work.
struct Implementation: Sendable {
  static let folder = "Harness/Implementations"
  static let schemaPath = "Harness/Implementations/implementation.schema.json"

  let name: String
  let command: [String]
  /// Whether the command is a line for a shell, which takes further words only at its end.
  private let isShellLine: Bool
  let directory: String?
  let expectedFailures: [ExpectedFailure]
  /// Commands for the shell that make it ready.
  let setup: [String]

  struct ExpectedFailure: Sendable {
    let pattern: String
    let reason: String
  }

  /// Resolves what the options say. Throws ``DataError`` if a manifest is not there or is wrong.
  init(_ testee: ConformanceOptions.Testee) throws(DataError) {
    switch testee {
    case .executable:
      self.init(name: "bokbok-swift", command: [try Self.executablePath(), "testee"])
    case .command(let words):
      guard let program = words.first else { throw DataError(file: "--testee", message: "the command is empty") }
      self.init(name: program.split(separator: "/").last.map(String.init) ?? program, command: words)
    case .shell(let line):
      guard line.contains(where: { !$0.isWhitespace }) else {
        throw DataError(file: "--testee", message: "the command is empty")
      }
      self.init(name: line, command: ["/bin/sh", "-c", line], isShellLine: true)
    case .manifest(let nameOrPath):
      try self.init(manifest: nameOrPath)
    }
  }

  /// One without a manifest. The command's program runs in `directory`, or in the current folder.
  init(name: String, command: [String], directory: String? = nil, isShellLine: Bool = false) {
    self.name = name
    self.command = command
    self.directory = directory
    self.isShellLine = isShellLine
    self.expectedFailures = []
    self.setup = []
  }

  /// A manifest by its path, or an embedded one by its name.
  private init(manifest nameOrPath: String) throws(DataError) {
    let isPath = nameOrPath.contains("/") || nameOrPath.hasSuffix(".json")
    let path = isPath ? nameOrPath : "\(Self.folder)/\(nameOrPath).json"
    let contents =
      isPath ? FileManager.default.contents(atPath: path).map(Array.init) : EmbeddedFiles.contents(of: path)
    guard let contents else {
      let known = EmbeddedFiles.paths(in: Self.folder, suffix: ".json").filter { $0 != Self.schemaPath }.map { path in
        path.dropFirst(Self.folder.count + 1).dropLast(".json".count)
      }
      let names = known.joined(separator: ", ")
      throw DataError(file: path, message: "there is no such manifest; the embedded ones are: \(names)")
    }
    let manifest = try Self.parse(contents, path: path)
    let folder = isPath ? Self.parent(of: path) : nil
    self.isShellLine = false
    self.name = manifest["name"]?.string ?? ""
    let executable = try Self.executablePath()
    self.command = (manifest["command"]?.strings ?? []).map { $0 == "{executable}" ? executable : $0 }
    if let directory = manifest["directory"]?.string {
      guard let folder else {
        throw DataError(file: path, message: "it runs in a folder of its own: give the manifest's path, not its name")
      }
      self.directory = directory.hasPrefix("/") ? directory : "\(folder)/\(directory)"
    } else {
      self.directory = nil
    }
    self.setup = manifest["setup"]?.strings ?? []
    self.expectedFailures = (manifest["expectedFailures"]?.array ?? []).map {
      ExpectedFailure(pattern: $0["case"]?.string ?? "", reason: $0["reason"]?.string ?? "")
    }
  }

  /// The command with further words. Those of a shell's line go to its last command.
  func command(with words: [String]) -> [String] {
    guard isShellLine, let line = command.last else { return command + words }
    return command.dropLast() + [ShellLine(line).replacedByLastCommand, "testee"] + words
  }

  /// A manifest that fits its schema.
  static func parse(_ contents: [UInt8], path: String) throws(DataError) -> JSON {
    do {
      let manifest = try JSON(parsing: contents)
      let schema = try JSONSchema.embedded(schemaPath)
      if let fault = schema.faults(of: manifest).first { throw fault }
      return manifest
    } catch {
      throw DataError(file: path, message: "\(error)")
    }
  }

  private static func parent(of path: String) -> String {
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    return folder.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : folder
  }

  static func executablePath() throws(DataError) -> String {
    guard let path = Bundle.main.executablePath else {
      throw DataError(file: "bokbok-swift", message: "the path of the running executable is not known: give --testee")
    }
    return path
  }
}
