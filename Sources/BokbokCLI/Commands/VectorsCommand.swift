internal import ArgumentParser
internal import BokbokConformance

/// `bokbok vectors`: the recorded vectors of the protocol.
struct VectorsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vectors",
    abstract: "List, check, regenerate and add to the recorded vectors of the protocol.",
    discussion: """
      Vectors are packets, handshakes, values, keys and whole sessions, valid and invalid, as JSON files that any
      implementation can use. The command carries them with it; a folder replaces them.

      Exit status: 0 all is well; 1 a vector differs from what the code makes of it; 2 wrong usage, or data that cannot
      be read.
      """,
    subcommands: [
      VectorsListCommand.self, VectorsCheckCommand.self, VectorsGenerateCommand.self, VectorsPromoteCommand.self,
    ]
  )
}

/// `bokbok vectors list`.
struct VectorsListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the vectors: id, result and clauses of the specification."
  )

  @Argument(help: "A folder of vectors; without it, those that the command carries.")
  var directory: String?

  @Option(help: ArgumentHelp("Only vectors of this subject, such as values.", valueName: "subject"))
  var subject: String?

  @Flag(help: "One JSON object a line.")
  var json = false

  func run() throws {
    let set = try VectorsInput.read(directory)
    if let subject, !VectorSubject.allCases.contains(where: { $0.rawValue == subject }) {
      let known = VectorSubject.allCases.map(\.rawValue).joined(separator: ", ")
      throw VectorsInput.failure("there is no subject \(subject); use one of \(known)")
    }
    var text = ""
    for file in set.files where subject == nil || file.subject.rawValue == subject {
      for vector in file.vectors {
        text += (json ? vector.summaryJSON(file: file.name) : vector.summary) + "\n"
      }
    }
    try StandardStream.output.write(text)
  }
}

/// `bokbok vectors check`.
struct VectorsCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check that vectors are what the code makes, and that each replays with the result that it states."
  )

  @Argument(help: "A folder of vectors; without it, those that the command carries.")
  var directory: String?

  func run() throws {
    let check = VectorCheck(try VectorsInput.read(directory))
    let text = check.findings.map { "\($0)\n" }.joined()
    guard check.findings.isEmpty else {
      try StandardStream.output.write(text + "\(check.findings.count) differences in \(check.vectorCount) vectors\n")
      throw ExitCode(1)
    }
    try StandardStream.output.write("\(check.vectorCount) vectors are as they should be\n")
  }
}

/// `bokbok vectors generate`.
struct VectorsGenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Write the generated vectors, which are always the same, byte for byte.",
    discussion: "Files with published or recorded vectors are not touched."
  )

  @Option(help: ArgumentHelp("The folder to write into; it must exist.", valueName: "directory"))
  var output = VectorSet.folder

  func run() throws {
    let names: [String]
    do {
      names = try VectorGenerator.write(toDirectory: output)
    } catch {
      throw VectorsInput.failure("\(error)")
    }
    try StandardStream.output.write(names.map { "\(output)/\($0)\n" }.joined())
  }
}

/// What the commands read, and how they say that they cannot.
enum VectorsInput {
  static func read(_ directory: String?) throws -> VectorSet {
    do {
      return try VectorSet(directory.map { .directory($0) } ?? .embedded)
    } catch {
      throw failure("\(error)")
    }
  }

  /// Says what is wrong, and gives the exit status 2.
  static func failure(_ message: String) -> ExitCode {
    StandardStream.error.writeOrIgnore("Error: \(message)\n")
    return ExitCode(2)
  }
}
