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

  /// What an application's error becomes on the wire: a code that is reserved or not valid is `handler-failed` (E-1),
  /// and so is one whose details nest too deep, without them (E-4).
  package func asApplicationError() -> CodedMessage {
    if nestsTooDeep { return CodedMessage(code: Reserved.handlerFailed.rawValue, message: message) }
    guard CodedMessage.isCode(code), Reserved(rawValue: code) == nil else {
      return CodedMessage(code: Reserved.handlerFailed.rawValue, message: message, details: details)
    }
    return self
  }

  private var nestsTooDeep: Bool {
    details.contains { detail in
      do throws(ValueEncodingError) {
        _ = try Value.list([detail]).encodedByteCount()
        return false
      } catch {
        return error.code == .tooDeep
      }
    }
  }

  /// The encoded body, made to fit (E-3): the message is cut as far as that makes it fit; where that alone cannot, it
  /// is cut to 1024 bytes, and details are dropped from the end.
  package func encoded(byteCountMax: Int) -> ByteBuffer {
    // A detail of too many values (V-6) fits no frame.
    let detailSizes = details.map { (try? $0.encodedByteCount()) ?? byteCountMax }
    let room = byteCountMax - 2 - CodedMessage.atomByteCount(code.utf8.count)
    var fitted = self
    if let limit = CodedMessage.payloadByteCount(fitting: room - detailSizes.reduce(0, +)) {
      fitted.message = message.prefix(utf8Max: limit)
    } else {
      fitted.message = message.prefix(utf8Max: CodedMessage.cutMessageByteCount)
      var left = room - CodedMessage.atomByteCount(fitted.message.utf8.count)
      let keptCount = detailSizes.prefix { size in
        left -= size
        return left >= 0
      }.count
      fitted.details.removeSubrange(keptCount...)
    }
    var buffer = ByteBuffer()
    fitted.value.encode(into: &buffer)
    return buffer
  }

  private static let cutMessageByteCount = 1024

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
