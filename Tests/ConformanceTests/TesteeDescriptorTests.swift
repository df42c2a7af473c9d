import BokbokTestSupport
import Foundation
import Testing

@testable import BokbokConformance

/// The descriptors of a testee's streams, which other threads' streams get the numbers of.
@Suite struct TesteeDescriptorTests {
  /// A process ends, and both of its outputs are ready at once: the end of the answers reads and closes standard error,
  /// too. What has got its number in between is another's.
  @Test func aDescriptorThatWasClosedIsNotTouchedAgain() throws {
    let poller = Poller()
    let testee = try TesteeProcess(command: ["true"], directory: nil, poller: poller, contract: nil)
    let answers = testee.child.standardOutput
    let errors = testee.child.standardError
    testee.handle(answers, Int16(POLLIN | POLLHUP))
    while testee.failure == nil {
      var waited = pollfd(fd: answers, events: Int16(POLLIN), revents: 0)
      #expect(poll(&waited, 1, -1) == 1)
      testee.handle(answers, waited.revents)
    }
    // Another file, on the number that standard error had. It is at its end, which would be a reason to close it.
    let other = open("/dev/null", O_RDONLY)
    #expect(dup2(other, errors) == errors)
    if other != errors { close(other) }
    defer { close(errors) }
    testee.handle(errors, Int16(POLLHUP))
    #expect(fcntl(errors, F_GETFD) >= 0, "the testee has closed another's descriptor")
    testee.release()
    #expect(fcntl(errors, F_GETFD) >= 0, "the testee has closed another's descriptor")
  }

  /// What a testee opens with its first connection and keeps is there before the first case: no process is given up for
  /// it, and no case played twice.
  @Test func whatATesteeOpensOnceIsNoReasonForAnotherProcess() async throws {
    let folder = try ScratchFolder()
    var options = ConformanceOptions()
    options.testee = .shell("echo >> '\(folder.file("processes"))'; exec '\(Project.command)' testee")
    options.casePatterns = ["P-1/pong"]
    options.configurationPatterns = ["plain/unix/*"]
    options.jobCount = 1
    #expect(await ConformanceRun(options).run() == 0)
    // One says what it can, and one plays for each configuration.
    #expect(try folder.text("processes") == "\n\n\n")
  }
}
