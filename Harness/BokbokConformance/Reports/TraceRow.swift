/// One thing that a trace shows, with its time and whose it is: the lines of the reports and the rows of the page are made
/// of it.
package struct TraceRow: Sendable {
  /// Who did it, or where it was said.
  package enum Side: String, Sendable {
    /// Bytes that the kit sent.
    case kit
    /// Bytes that the testee sent.
    case testee
    /// A command of the kit over the contract.
    case command
    /// The testee's answer or event over the contract.
    case answer
    /// What happened to a stream: its end, a reset.
    case remark
  }

  /// Since the start of the case.
  package let time: Duration
  package let side: Side
  /// The name of the connection in the case; nil for the contract.
  package let connection: String?
  /// The bytes and what they mean; nil where no bytes went over a stream.
  package let annotation: Annotation?
  /// The text of what has no annotation.
  package let text: String

  /// The row as a line of text.
  package var line: String {
    let text: String
    switch side {
    case .kit: text = "\(connection ?? "") kit →   \(annotation?.line ?? self.text)"
    case .testee: text = "\(connection ?? "") kit   ← \(annotation?.line ?? self.text)"
    case .command: text = "command  \(self.text)"
    case .answer: text = "testee   \(self.text)"
    case .remark: text = "\(connection ?? "")        \(self.text)"
    }
    let milliseconds = "\(time.milliseconds) ms"
    return String(repeating: " ", count: max(0, 8 - milliseconds.count)) + milliseconds + " " + text
  }
}
