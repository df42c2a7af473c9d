import NIOCore

/// Who has said CLOSE, and what (C-1 to C-5).
struct Closing {
  /// In memory of its own: few connections are closing.
  final class Word: Sendable {
    let code: String
    let message: String

    init(code: String, message: String) {
      self.code = code
      self.message = message
    }

    var coded: CodedMessage { CodedMessage(code: code, message: message) }
  }

  enum Own {
    case none
    /// Asked for; requests that have a place go out before it (C-1).
    case requested(Word)
    case sent(Word)
  }

  /// The code of a CLOSE that nobody gave a reason for, and of the answer to one (C-2).
  static let normalCode = "normal"
  static let protocolErrorCode = "protocol-error"

  private(set) var own = Own.none
  private(set) var peer: Word?
  /// Until when the clean end may take (C-5); nil where this side did not ask for it.
  private(set) var drainDeadline: NIODeadline?
  /// The code with which this side turned the connection down (C-9).
  var turnedDownCode: String?
  private var receivedFirst = false

  /// Whether new requests may still be made (C-1, C-2).
  var takesRequests: Bool { !hasAsked && peer == nil }

  private var hasAsked: Bool {
    if case .none = own { false } else { true }
  }

  /// Whether a request that becomes whole now came too late: after CLOSE was sent, or one was received (C-3), or after
  /// the connection was turned down (C-9).
  var isTooLate: Bool {
    hasSent || peer != nil || turnedDownCode != nil
  }

  var hasSent: Bool {
    if case .sent = own { true } else { false }
  }

  var isComplete: Bool { hasSent && peer != nil }

  mutating func ask(_ word: Word, drainDeadline: NIODeadline) {
    if !hasAsked { own = .requested(word) }
    if self.drainDeadline == nil { self.drainDeadline = drainDeadline }
  }

  mutating func sent(_ word: Word) {
    own = .sent(word)
  }

  mutating func received(_ word: Word) {
    peer = word
    receivedFirst = !hasSent
  }

  /// What is reported with the clean end (C-4).
  var reported: Word {
    if receivedFirst, let peer { return peer }
    if case .sent(let word) = own { return word }
    return peer ?? Word(code: Closing.normalCode, message: "")
  }
}
