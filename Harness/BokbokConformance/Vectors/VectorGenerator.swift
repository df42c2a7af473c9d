internal import Foundation

/// Makes the generated vectors: always the same bytes, from fixed inputs only.
package enum VectorGenerator {
  /// The files that are generated, by name. Files with other names hold published or recorded vectors and are not made
  /// here.
  package static let files: [VectorFile] = [
    VectorFile(name: "frames.json", subject: .frames, vectors: FrameVectors.all),
    VectorFile(name: "handshakes.json", subject: .handshakes, vectors: HandshakeVectors.all),
    VectorFile(name: "keys.json", subject: .keys, vectors: KeyVectors.all),
    VectorFile(name: "records.json", subject: .records, vectors: RecordVectors.all),
    VectorFile(name: "refusals.json", subject: .refusals, vectors: RefusalVectors.all),
    VectorFile(name: "sessions-plain.json", subject: .sessions, vectors: SessionVectors.plain),
    VectorFile(name: "sessions-sealed.json", subject: .sessions, vectors: SessionVectors.sealed),
    VectorFile(name: "sessions-violations.json", subject: .sessions, vectors: SessionVectors.violations),
    VectorFile(name: "settings.json", subject: .settings, vectors: SettingsVectors.all),
    VectorFile(name: "values.json", subject: .values, vectors: ValueVectors.all),
  ]

  /// Writes the generated files into a folder, which must exist; other files in it stay as they are.
  ///
  /// - Returns: the names of the files.
  package static func write(toDirectory path: String) throws(DataError) -> [String] {
    let files = files
    for file in files {
      let target = "\(path)/\(file.name)"
      do {
        try Data(file.text.utf8).write(to: URL(fileURLWithPath: target), options: .atomic)
      } catch {
        throw DataError(file: target, message: "the file cannot be written: \(error.localizedDescription)")
      }
    }
    return files.map(\.name)
  }
}
