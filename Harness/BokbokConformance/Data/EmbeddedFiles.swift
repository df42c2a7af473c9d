internal import CBokbokData

/// The project's data files that the command carries with it.
package enum EmbeddedFiles {
  /// The paths from the project's root, in order, such as `Harness/Cases/frames.json`.
  package static var paths: [String] {
    (0..<bokbok_data_count()).map { String(cString: bokbok_data_at($0).path) }.sorted()
  }

  /// The contents of the file with this path; nil if the command does not carry it.
  package static func contents(of path: String) -> [UInt8]? {
    for index in 0..<bokbok_data_count() {
      let file = bokbok_data_at(index)
      if String(cString: file.path) == path {
        return Array(UnsafeBufferPointer(start: file.bytes, count: file.count))
      }
    }
    return nil
  }

  /// The paths directly in a folder that end like this, such as `Harness/Cases` and `.json`.
  package static func paths(in folder: String, suffix: String) -> [String] {
    paths.filter { path in
      path.hasPrefix(folder + "/") && path.hasSuffix(suffix) && !path.dropFirst(folder.count + 1).contains("/")
    }
  }
}
