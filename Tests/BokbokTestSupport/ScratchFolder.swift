import Foundation

/// A folder that is removed with the value.
public final class ScratchFolder {
  /// Its path.
  public let path: String

  /// Makes a new folder among the temporary ones.
  public init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: "bokbok-\(UUID().uuidString)").path()
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Copies the project's cases of one subject to a folder in it, which a run reads much faster than all of them.
  ///
  /// - Returns: the folder's path.
  public func copyCases(of subject: String) throws -> String {
    let text = try String(contentsOfFile: "\(Project.root)/Harness/Cases/\(subject).json", encoding: .utf8)
    try write(text, to: "cases/\(subject).json")
    return "\(path)/cases"
  }

  /// The path of a file in it.
  public func file(_ name: String) -> String { "\(path)/\(name)" }

  /// What a file in it holds.
  public func text(_ name: String) throws -> String { try String(contentsOfFile: file(name), encoding: .utf8) }

  /// Writes a file in it, in folders that are made for it.
  ///
  /// - Parameter mode: its permissions. Default: nobody else may read it, as files with keys demand.
  /// - Returns: the file's path.
  @discardableResult
  public func write(_ text: String, to name: String, mode: Int = 0o600) throws -> String {
    let file = URL(filePath: path).appending(path: name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path())
    return file.path()
  }
}
