/// Checks vectors: that the generated ones are what the code makes, and that each replays through the library with the
/// result that it states.
package struct VectorCheck: Sendable {
  /// What is wrong with a vector or a file.
  package struct Finding: Sendable, CustomStringConvertible {
    package let file: String
    /// The id of the vector; nil for the file as a whole.
    package let vector: String?
    package let message: String

    package var description: String {
      [file, vector, message].compactMap { $0 }.joined(separator: ": ")
    }
  }

  /// What is wrong, in the order of the files; empty if all is well.
  package private(set) var findings: [Finding] = []
  /// How many vectors were looked at.
  package private(set) var vectorCount = 0

  /// Checks a whole set: also files that are missing are findings.
  package init(_ set: VectorSet) {
    let generated = VectorGenerator.files
    for file in set.files {
      vectorCount += file.vectors.count
      if let made = generated.first(where: { $0.name == file.name }) {
        compare(file, with: made)
      } else {
        forbidGenerated(in: file)
      }
      replay(file)
    }
    for made in generated where !set.files.contains(where: { $0.name == made.name }) {
      findings.append(Finding(file: made.name, vector: nil, message: "the file is missing"))
    }
  }

  /// A generated file holds what the code makes, byte for byte.
  private mutating func compare(_ file: VectorFile, with made: VectorFile) {
    guard file.text != made.text || !file.text.utf8.elementsEqual(made.text.utf8) else { return }
    let before = findings.count
    for vector in file.vectors {
      guard let expected = made.vectors.first(where: { $0.id == vector.id }) else {
        add(file, vector, "the code makes no vector with this id")
        continue
      }
      do {
        try VectorMismatch.compare(expected: .object(expected.members), got: .object(vector.members), place: "")
      } catch {
        add(file, vector, "\(error.place): \(error.message)")
      }
    }
    for expected in made.vectors where !file.vectors.contains(where: { $0.id == expected.id }) {
      add(file, expected, "the vector is missing")
    }
    guard findings.count == before else { return }
    // All vectors hold the same: order, spelling or white space differs.
    do {
      try VectorMismatch.compare(expected: Array(made.text.utf8), got: Array(file.text.utf8), place: "text")
    } catch {
      let message = "the vectors are right, but the text is not what the code writes: \(error.message)"
      findings.append(Finding(file: file.name, vector: nil, message: message))
    }
  }

  /// A file that no code makes holds no vector that says so.
  private mutating func forbidGenerated(in file: VectorFile) {
    for vector in file.vectors where vector.origin == .generated {
      add(file, vector, "the origin is \"generated\", but no code makes this file")
    }
  }

  private mutating func replay(_ file: VectorFile) {
    for vector in file.vectors {
      do {
        try vector.replay()
      } catch {
        add(file, vector, "replayed: \(error.place): \(error.message)")
      }
    }
  }

  private mutating func add(_ file: VectorFile, _ vector: Vector, _ message: String) {
    findings.append(Finding(file: file.name, vector: vector.id, message: message))
  }
}

extension Vector {
  /// Plays the vector through the library.
  ///
  /// - Throws: the first thing that comes out otherwise than the vector states.
  func replay() throws(VectorMismatch) {
    switch subject {
    case .values: try replayValue()
    case .frames: try replayFrames()
    case .records: try replayRecords()
    case .settings: try replaySettings()
    case .refusals: try replayRefusal()
    case .noise: try replayNoise()
    case .handshakes: try replayHandshake()
    case .keys: try replayKey()
    case .sessions: try replaySession()
    }
  }
}
