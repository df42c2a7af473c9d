internal import BokbokConformance
internal import Dispatch

/// Writes the lines of a testee, in the order in which they were given.
///
/// Writing has a thread of its own: a reader that is slow holds up no event loop.
final class TesteeOutput: Sendable {
  private let queue = DispatchQueue(label: "bokbok.testee.output")

  /// Writes one line after all that were given before.
  func write(_ line: JSON) {
    queue.async {
      // A reader that is gone has closed standard input too, which ends the testee.
      try? StandardStream.output.write(line.encodedBytes + [UInt8(ascii: "\n")])
    }
  }

  /// Returns when everything has been written.
  func flush() {
    queue.sync {}
  }
}
