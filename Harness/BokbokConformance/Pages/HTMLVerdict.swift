/// An outcome in a few words, with a sign before them: no colour says anything alone.
struct HTMLVerdict: Sendable {
  /// How it looks, by the name of its class.
  enum Kind: String, Sendable {
    case good
    case bad
    /// Neither: a warning, or no clear outcome.
    case doubt
    /// Nothing was tried.
    case none
  }

  let kind: Kind
  let text: String

  /// The verdict on a run that did not come to its end.
  ///
  /// - Parameters:
  ///   - text: why, and how much is missing.
  ///   - failures: what is wrong with what there is; nil if nothing is.
  static func incomplete(_ text: String, failures: String?) -> HTMLVerdict {
    HTMLVerdict(kind: .bad, text: "✗ Not complete: \(text)" + (failures.map { "; \($0)" } ?? ""))
  }

  var html: HTMLText { "<strong class=\"sign \(kind.rawValue)\">\(text)</strong>" }
}
