/// One run of the conformance cases against one implementation.
public struct ConformanceRun: Sendable {
  private let options: ConformanceOptions

  /// A run with these options.
  public init(_ options: ConformanceOptions) {
    self.options = options
  }

  /// Runs the cases, prints the table for people and writes the reports that were asked for.
  ///
  /// - Returns: the exit status of the command: 0 if everything that was declared ran and passed; 1 after a failure;
  ///   2 if the options or the data are wrong; 3 if the kit itself was in trouble or a case stayed inconclusive.
  public func run() async -> Int32 {
    2
  }
}
