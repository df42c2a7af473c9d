package import NIOCore

/// The value `(code message detail …)` of an ERROR, a CLOSE and a refusal (E-1).
package struct CodedMessage: Equatable, Sendable {
  package var code: String
  package var message: String
  package var details: [Value]

  package init(code: String, message: String, details: [Value] = []) {
    self.code = code
    self.message = message
    self.details = details
  }

  /// Codes that only the protocol layer sends in an ERROR (E-1).
  package enum Reserved: String, CaseIterable, Sendable {
    case handlerFailed = "handler-failed"
    case malformed
    case cancelled
    case closing
    case tooLarge = "too-large"
    case overloaded
  }

  /// The longest code, in bytes (E-1).
  package static let codeByteCountMax = 64

  /// Whether a text is 1 to 64 bytes of `a-z 0-9 . -` (E-1).
  package static func isCode(_ text: String) -> Bool {
    (1...codeByteCountMax).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "."), UInt8(ascii: "-"): true
        default: false
        }
      }
  }

  package var value: Value {
    .list([Value(code), Value(message)] + details)
  }

  /// Reads a body; nil when it does not have the form of E-1, or has details where none are allowed (E-2).
  package init?(decoding body: ByteBuffer, allowsDetails: Bool) {
    guard let value = try? Value(decoding: body), case .list(let elements) = value, elements.count >= 2,
      allowsDetails || elements.count == 2,
      let code = try? elements[0].text, CodedMessage.isCode(code),
      let message = try? elements[1].text
    else {
      return nil
    }
    self.init(code: code, message: message, details: Array(elements.dropFirst(2)))
  }

  /// What an application's error becomes on the wire: a code that is reserved or not valid is `handler-failed` (E-1).
  package func asApplicationError() -> CodedMessage {
    guard CodedMessage.isCode(code), Reserved(rawValue: code) == nil else {
      return CodedMessage(code: Reserved.handlerFailed.rawValue, message: message, details: details)
    }
    return self
  }

  /// The encoded body, made to fit (E-3): the message is cut as far as that makes it fit; where that alone cannot, it
  /// is cut to 1024 bytes, and details are dropped from the end.
  package func encoded(byteCountMax: Int) -> ByteBuffer {
    // E-4: a detail that cannot be sent, in a list of its own, is left out with those after it.
    var sendable = self
    if let bad = details.firstIndex(where: { (try? Value.list([$0]).encodedByteCount()) == nil }) {
      sendable.details = Array(details[..<bad])
    }
    while (try? sendable.value.encodedByteCount()) == nil, !sendable.details.isEmpty {
      sendable.details.removeLast()  // too many values in all (V-6)
    }
    return sendable.fitted(byteCountMax: byteCountMax)
  }

  private static let cutMessageByteCount = 1024

  private func fitted(byteCountMax: Int) -> ByteBuffer {
    var detailSizes = details.map { (try? $0.encodedByteCount()) ?? 0 }
    let codeSize = CodedMessage.atomByteCount(code.utf8.count)
    var detailsTotal = detailSizes.reduce(0, +)
    let room = byteCountMax - 2 - codeSize
    var kept = details.count
    var messageLimit = CodedMessage.payloadByteCount(fitting: room - detailsTotal)
    if messageLimit == nil {
      while kept > 0 {
        let short = min(message.utf8.count, CodedMessage.cutMessageByteCount)
        if detailsTotal + CodedMessage.atomByteCount(short) <= room { break }
        kept -= 1
        detailsTotal -= detailSizes.removeLast()
      }
      messageLimit = CodedMessage.cutMessageByteCount
    }
    let cut = message.prefix(utf8Max: messageLimit ?? 0)
    let fitted = CodedMessage(code: code, message: cut, details: Array(details.prefix(kept)))
    var buffer = ByteBuffer()
    fitted.value.encode(into: &buffer)
    return buffer
  }

  private static func atomByteCount(_ payload: Int) -> Int {
    String(payload).utf8.count + 1 + payload
  }

  /// The longest payload whose atom is at most `byteCount` bytes; nil when not even the empty atom is.
  private static func payloadByteCount(fitting byteCount: Int) -> Int? {
    guard byteCount >= 2 else { return nil }
    var payload = byteCount - 2
    while atomByteCount(payload) > byteCount { payload -= 1 }
    return payload
  }
}

extension String {
  /// The longest start of at most so many bytes that ends at a character's end (a Unicode scalar's).
  fileprivate func prefix(utf8Max limit: Int) -> String {
    guard utf8.count > limit else { return self }
    var end = utf8.index(utf8.startIndex, offsetBy: limit)
    while end > startIndex, String.Index(end, within: unicodeScalars) == nil {
      end = utf8.index(before: end)
    }
    return String(unicodeScalars[..<end])
  }
}
