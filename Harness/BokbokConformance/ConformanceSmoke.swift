internal import Foundation

/// A first look at a testee that is being written: the contract's beginnings, then a connection of each kind, step by
/// step, up to the first thing that does not work.
public struct ConformanceSmoke: Sendable {
  private let options: ConformanceOptions
  private let stop: RunStop?

  /// A first look at the testee of these options, of which only the testee and the time limit matter.
  ///
  /// - Parameters:
  ///   - options: what is tried.
  ///   - stop: what asks the look to end early. Default, nil: nothing does.
  public init(_ options: ConformanceOptions, stop: RunStop? = nil) {
    self.options = options
    self.stop = stop
  }

  /// Tries the testee and prints what worked, what did not, and what to do next. Every message of the contract is checked
  /// against its schema.
  ///
  /// - Returns: the exit status of the command: 0 if all works; 1 if something does not; 2 if the options are wrong or the
  ///   testee cannot be started; 3 if the kit itself was in trouble; 128 and the number of the signal for which it was asked
  ///   to end.
  public func run() async -> Int32 {
    do {
      let implementation = try Implementation(options.testee)
      let contract = try TesteeContract()
      let loader = try CaseLoader(specification: SpecificationIndex.embedded())
      let stages = try SmokeStage.all.map { ($0, try $0.makeCase(loader)) }
      let directory = try RunSurroundings.makeDirectory()
      defer { try? FileManager.default.removeItem(atPath: directory) }
      return await onOwnThread { look(implementation, contract, stages, directory) }
    } catch let error as DataError {
      print("bokbok conformance --smoke: \(error)")
      return 2
    } catch {
      print("bokbok conformance --smoke: \(error)")
      return 3
    }
  }

  private func look(
    _ implementation: Implementation,
    _ contract: TesteeContract,
    _ stages: [(stage: SmokeStage, item: Case)],
    _ directory: String
  ) -> Int32 {
    let declaration: Declaration
    do {
      declaration = try Preflight.run(implementation, contract: contract, stop: stop)
    } catch let error as SystemCallError {
      return Self.fail("starts", "\(error)", advice: "give the command that starts it with --testee '…'", status: 2)
    } catch {
      if let status = interruption(stages.count + 1) { return status }
      var got = "\(error)"
      if let text = (error as? PreflightFailure)?.errorText, !text.isEmpty { got += "\nits standard error:\n\(text)" }
      let advice = """
        the kit writes a line to the standard input and waits for a line on the standard output; flush after each line. \
        First {"seq":1,"command":"hello"}, then a command that does not exist, to which the error's kind must be \
        unsupported, then quit, after which it ends with the status 0. Harness/TESTEE.md has the messages
        """
      return Self.fail("answers hello, refuses an unknown command and quits", got, advice: advice)
    }
    print("ok      starts; answers hello, refuses an unknown command, quits")
    var skippedCount = 0
    for (index, (stage, item)) in stages.enumerated() {
      if let status = interruption(stages.count - index) { return status }
      guard
        let transport = [Configuration.Transport.tcp, .unix].first(where: { transport in
          let configuration = Configuration(security: stage.security, transport: transport, role: stage.role)
          return declaration.lack(for: item, in: configuration) == nil
        })
      else {
        print("–       \(stage.title): not declared by hello")
        skippedCount += 1
        continue
      }
      let configuration = Configuration(security: stage.security, transport: transport, role: stage.role)
      let runner = GroupRunner(
        CaseGroup(configuration: configuration, cases: [item]),
        implementation: implementation,
        timeLimit: options.timeLimit,
        contract: contract,
        directory: directory,
        stop: stop
      )
      var result: CaseResult?
      runner.run { result = $0 }
      // What was given up has no result.
      if result == nil, let status = interruption(stages.count - index) { return status }
      guard let result, result.state == .pass else {
        let problem = result?.problem
        var got = "expected \(problem?.expected ?? "an outcome")\ngot      \(problem?.got ?? "none")"
        for line in problem?.trace.lines ?? [] { got += "\n\(line)" }
        if let text = problem?.errorText, !text.isEmpty { got += "\nits standard error:\n\(text)" }
        return Self.fail(stage.title, got, advice: stage.advice)
      }
      print("ok      \(stage.title) (\(transport.rawValue))")
    }
    guard skippedCount < stages.count else {
      let advice = "hello must declare a role, a kind of security, and the transport tcp or unix"
      return Self.fail("has something to try", "nothing was declared", advice: advice)
    }
    let command = "bokbok conformance --testee …"
    print("\nAll of it works. Next: \(command) --case 'O-*' --case 'F-*', then without --case.")
    return 0
  }

  /// Says that a signal has ended the look, and gives the exit status for that; nil if none has.
  ///
  /// - Parameter untriedCount: how much was not tried, or not to its end.
  private func interruption(_ untriedCount: Int) -> Int32? {
    guard let stop, let signal = stop.signal else { return nil }
    let text = stop.ending.incompleteness(unmadeCount: untriedCount, of: .stages) ?? ""
    print("NOT COMPLETE: \(text)")
    return 128 + signal
  }

  private static func fail(_ title: String, _ got: String, advice: String, status: Int32 = 1) -> Int32 {
    print("FAILED  \(title)")
    for line in got.split(separator: "\n", omittingEmptySubsequences: false) { print("        \(line)") }
    print("\nWhat to do: \(advice).")
    return status
  }
}
