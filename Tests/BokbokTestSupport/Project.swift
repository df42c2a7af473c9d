/// Where the project's files and what was built from them stand.
public enum Project {
  /// The project's root folder, without a slash at its end.
  public static let root: String = {
    var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(3)  // Tests/BokbokTestSupport/Project.swift
    return parts.joined(separator: "/")
  }()

  /// The folder of the built products: the one that holds the running test bundle.
  public static let productsFolder: String = {
    var parts = CommandLine.arguments[0].split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast()
    return parts.joined(separator: "/")
  }()

  /// The built `bokbok` command.
  public static var command: String { "\(productsFolder)/bokbok" }
}
