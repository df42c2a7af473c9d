internal import BokbokConformance
internal import Dispatch

/// Writes the lines of a testee, in the order in which they were given.
///
/// Writing has a thread of its own: a reader that is slow holds up no event loop.
final class TesteeOutput: Sendable {
  private let queue = DispatchQueue(label: "bokbok.testee.output")
  /// Where they go; nil: nowhere.
  private let descriptor: Int32?

  init(descriptor: Int32?) {
    self.descriptor = descriptor
  }

  /// Writes one line after all that were given before.
  func write(_ line: JSON) {
    guard let descriptor else { return }
    queue.async {
      // A reader that is gone has closed the input too, which ends the testee.
      _ = POSIXFile.writeAll(line.encodedBytes + [UInt8(ascii: "\n")], to: descriptor)
    }
  }

  /// Returns when everything has been written.
  func flush() {
    queue.sync {}
  }
}
