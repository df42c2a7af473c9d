internal import Dispatch

/// Runs the tasks of commands one after the other, each up to where it waits: so that what two commands do to the same
/// connection happens in the order in which the commands came.
final class TesteeExecutor: TaskExecutor {
  private let queue = DispatchQueue(label: "bokbok.testee.commands")

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
