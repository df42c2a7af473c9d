internal import Foundation

/// What every kind of run needs of the system around it: a folder for sockets, files for reports, and standard error.
enum RunSurroundings {
  /// A folder for sockets. Its path is short, since a socket's path has hardly more than a hundred bytes.
  static func makeDirectory() throws -> String {
    var template = Array("/tmp/bokbok-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemCallError(call: "mkdtemp", code: errno) }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Writes a report. Throws ``DataError`` if it cannot be written.
  static func write(_ text: String, to path: String) throws {
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    } catch {
      throw DataError(file: path, message: "cannot be written: \(error.localizedDescription)")
    }
  }

  /// Throws ``DataError`` unless reports can be written to these paths: no run should be lost to a slip. A path that is nil
  /// or `-` is none.
  static func checkReportPaths(_ paths: String?...) throws(DataError) {
    let files = paths.compactMap(\.self).filter { $0 != "-" }
    for (index, path) in files.enumerated() {
      guard !files[..<index].contains(path) else {
        throw DataError(file: path, message: "is named for two reports: give each a file of its own")
      }
      var isFolder: ObjCBool = false
      let isThere = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      guard !isThere || !isFolder.boolValue else {
        throw DataError(file: path, message: "is a folder, and cannot be a report: give the path of a file in it")
      }
      let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
      guard FileManager.default.isWritableFile(atPath: isThere ? path : folder) else {
        let reason = isThere ? "it may not be written to" : "its folder is not there, or may not be written in"
        throw DataError(file: path, message: "cannot be written: \(reason)")
      }
    }
  }

  /// Throws ``DataError`` unless so many groups can run at the same time.
  static func checkJobCount(_ count: Int) throws(DataError) {
    guard (1...64).contains(count) else {
      throw DataError(file: "--jobs", message: "must be 1 to 64, not \(count)")
    }
  }

  /// Complains of what ended a run, and gives the command's exit status for it: 2 where the options or the data are
  /// wrong, 3 where the kit itself was in trouble.
  static func exitStatus(complainingOf error: any Error) -> Int32 {
    complain("\(error)")
    return error is DataError ? 2 : 3
  }

  static func complain(_ text: String) {
    FileHandle.standardError.write(Data("bokbok conformance: \(text)\n".utf8))
  }
}
