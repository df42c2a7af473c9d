/// Which planted faults are tried, and how.
public struct KillMatrixOptions: Sendable {
  /// Which faults: patterns for their ids, such as `F-1.*`, where `*` stands for any characters. Default, empty: all.
  public var faultPatterns: [String] = []

  /// The project's folder: the faults are edits of the Python implementation that stands in it. Default: the current
  /// folder.
  public var projectDirectory = "."

  /// A folder of fault files to use instead of the project's own. Default: the project's `Harness/Faults`.
  public var faultsDirectory: String?

  /// A folder whose case files replace the embedded ones.
  public var casesDirectory: String?

  /// Whether every case of a fault's clause is run, and faults that the same cases kill are listed. Default: the first
  /// case that kills a fault ends its trial, which is much faster.
  public var findsAllKillers = false

  /// Where the result is written as JSON: a path, or `-` for standard output, which then holds nothing else.
  public var jsonPath: String?

  /// Where the result in JUnit's XML goes: a path. Default: nowhere.
  public var junitPath: String?

  /// Where the result as one HTML page goes: a path. Default: nowhere.
  public var htmlPath: String?

  /// How many trials run at the same time, 1 to 64. Default: 8, since a trial mostly waits.
  public var jobCount = 8

  /// How long the kit waits for something that should come at once. A fault that makes the testee silent costs this
  /// time. Default: 5 s.
  public var timeLimit: Duration = .seconds(5)

  /// The defaults of every option.
  public init() {}
}
