internal import Foundation

/// What a conformance run tests, which cases it runs, and where its reports go.
public struct ConformanceOptions: Sendable {
  /// The implementation under test: the program that speaks the testee contract (`Harness/TESTEE.md`).
  public enum Testee: Sendable, Equatable {
    /// This executable itself, started with the argument `testee`.
    case executable
    /// The words of a command. The first is looked up in `PATH`.
    case command([String])
    /// A command line that `/bin/sh -c` runs, as in `--testee 'python3 testee.py'`.
    case shell(String)
    /// A manifest: the path of a JSON file, or the name of one that is embedded in the command (`bokbok-swift`).
    case manifest(String)
  }

  /// The implementation under test. Default: this executable.
  public var testee = Testee.executable

  /// Which cases run: patterns for a case's id or for its whole path, `F-1/unknown-kind/sealed/unix/server`, where `*`
  /// stands for any characters. A case runs if one of them matches. Default, empty: all.
  public var casePatterns: [String] = []

  /// Which clauses or requirements the cases must cover: patterns such as `F-1.a`, `F-1` (the requirement with all its
  /// clauses) or `F-*`. Default, empty: all.
  public var clausePatterns: [String] = []

  /// Which sections' or subjects' cases run: patterns for the letters of a section, such as `F`, or for the name of a
  /// subject, such as `frames`. Default, empty: all.
  public var sectionPatterns: [String] = []

  /// How much the specification demands what a case proves.
  public enum RequirementLevel: String, Sendable, CaseIterable {
    /// What an implementation must do.
    case must
    /// What it should do: a failure is a warning, unless the run is strict.
    case should
  }

  /// Only cases of this level run. Default, nil: both.
  public var requirementLevel: RequirementLevel?

  /// What the cases are played with.
  public enum Level: String, Sendable, CaseIterable {
    /// The core of this command's library alone: bytes and calls, a clock that jumps, no I/O.
    case core
    /// This command's library over channels in memory, with a clock that jumps.
    case memory
    /// A testee, over real streams.
    case live
  }

  /// What the cases are played with. Default: a testee, over real streams.
  public var level = Level.live

  /// How what the kit sends is cut when the implementation reads it.
  public enum Splitting: String, Sendable, CaseIterable {
    /// It is not.
    case whole
    /// Byte by byte.
    case bytes
    /// Each case is played uncut, byte by byte, and with everything that the kit sends at once cut in two, at each place
    /// in turn.
    case every
  }

  /// How what the kit sends is cut. Default: it is not. Live, `bytes` writes each byte by itself, of which the system may
  /// join some again, and `every` is an error.
  public var splitting = Splitting.whole

  /// With ``Splitting/every``, in how many ways at most each case is cut, 1 or more: spread over all ways, other ones for
  /// each case. Default, nil: in all.
  public var splitWaysMax: Int?

  /// The version of the suite whose cases run, from 1 on. Default, nil: the newest, with what is not published yet.
  public var suiteVersion: Int?

  /// Which configurations run: patterns such as `sealed/unix/server`, `plain/*` or `*/client`. Default, empty: all.
  public var configurationPatterns: [String] = []

  /// Only lists the cases that are selected, without starting a testee.
  public var listsOnly = false

  /// Where the report in JSON lines goes: a path, or `-` for standard output, which then holds nothing else.
  public var jsonPath: String?

  /// Where the report in JUnit's XML goes: a path.
  public var junitPath: String?

  /// Where the report as one HTML page goes: a path.
  public var htmlPath: String?

  /// Files that the page of ``htmlPath`` includes, each as a section: the JSON document of the kill matrix, and the JSON
  /// lines of the interop matrix, each at most once. A file that is neither is an error before the run begins. Default:
  /// none.
  public var includedPaths: [String] = []

  /// A folder in which each failure is kept as one file, its capsule, which ``CapsuleReplay`` plays again
  /// (`Harness/Capsules/FORMAT.md`). It is made if it is not there. Default: none are kept.
  public var capsulesPath: String?

  /// Whether a failure of a case of level `should` fails the run. Default: it is a warning.
  public var isStrict = false

  /// How many groups of cases run at the same time, 1 to 64. Default: ``defaultJobCount``.
  public var jobCount = Self.defaultJobCount

  /// Eight for each active processor, at most 64: most of the time a case waits for its streams and its testee, not for a
  /// processor.
  public static var defaultJobCount: Int { min(64, max(1, 8 * ProcessInfo.processInfo.activeProcessorCount)) }

  /// Whether each message of the testee contract, of both directions, is checked against its schema
  /// (`Harness/testee.schema.json`). A testee that breaks it fails the case. Default: only what the kit needs is checked.
  public var checksContract = false

  /// A folder whose case files replace the embedded ones.
  public var casesDirectory: String?

  /// How long the kit waits on an idle machine for something that should come at once, in any step that names no time of
  /// its own. A backstop: no verdict rests on how fast a testee is. A testee that answers slowly, or a busy machine, is
  /// given up to eight times as long, and a case that runs into the limit is played again, alone and with four times as
  /// much. Default: 5 s.
  public var timeLimit: Duration = .seconds(5)

  /// Whether the trace of every failing case is shown, or only its first lines. Default: all of it.
  public var showsTraces = true

  /// The defaults of every option.
  public init() {}
}
