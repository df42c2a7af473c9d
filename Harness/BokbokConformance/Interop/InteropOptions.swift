/// What a run of the interop matrix plays, and where its reports go.
public struct InteropOptions: Sendable {
  /// The folder of the implementations' manifests. Default: `Harness/Implementations`, from the current folder.
  public var implementationsFolder = "Harness/Implementations"

  /// Which scenarios run: patterns for a scenario's name, `kill-server`, or for its whole path,
  /// `bokbok-python/bokbok-chicken/sealed/unix/kill-server` (client, server, way), where `*` stands for any characters.
  /// Default, empty: all.
  public var casePatterns: [String] = []

  /// Over which ways: patterns such as `sealed/unix` or `*/stdio`. Default, empty: all.
  public var configurationPatterns: [String] = []

  /// Where the report in JSON lines goes: a path, or `-` for standard output, which then holds nothing else.
  public var jsonPath: String?

  /// Where the report in JUnit's XML goes: a path.
  public var junitPath: String?

  /// Where the report as one HTML page goes: a path.
  public var htmlPath: String?

  /// How many pairs meet at the same time, 1 to 64. Default: 2.
  public var jobCount = 2

  /// How long to wait for what should come at once, a backstop: no verdict rests on speed. Default: 20 s.
  public var timeLimit: Duration = .seconds(20)

  /// Whether an implementation that does not start fails the run, instead of being listed as not run. Default: false.
  public var requiresAll = false

  /// The defaults of every option.
  public init() {}
}
