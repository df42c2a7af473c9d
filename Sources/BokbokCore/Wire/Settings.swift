package import NIOCore

/// What one side takes from the other (S-2).
package struct Settings: Equatable, Sendable {
  package static let messageBytesDefault: UInt32 = 16_777_216
  package static let messageBytesLeast: UInt32 = 1024
  package static let requestsDefault: UInt32 = 128

  /// `max-message`: the largest REQUEST or RESPONSE message that is taken, in bytes; at least 1024.
  package let messageBytesMax: UInt32
  /// `max-requests`: how many exchanges the other side may have under way; at least 1.
  package let requestsMax: UInt32
  /// `max-partial`: the largest sum of lengths of messages begun and not ended, in bytes.
  package let partialBytesMax: UInt32

  package static let `default` = Settings()

  private init() {
    messageBytesMax = Settings.messageBytesDefault
    requestsMax = Settings.requestsDefault
    partialBytesMax = Settings.partialDefault(messageBytesMax: Settings.messageBytesDefault)
  }

  /// Settings of one's own. A `partialBytesMax` of nil is four times the largest message, at most 4294967295.
  ///
  /// - Throws: `Violation` naming S-2 when a number is out of range.
  package init(
    messageBytesMax: UInt32 = Settings.messageBytesDefault,
    requestsMax: UInt32 = Settings.requestsDefault,
    partialBytesMax: UInt32? = nil
  ) throws(Violation) {
    guard messageBytesMax >= Settings.messageBytesLeast else {
      throw Violation("S-2", "max-message is \(messageBytesMax), less than \(Settings.messageBytesLeast)")
    }
    guard requestsMax >= 1 else { throw Violation("S-2", "max-requests is 0") }
    let partial = partialBytesMax ?? Settings.partialDefault(messageBytesMax: messageBytesMax)
    guard partial >= messageBytesMax else {
      throw Violation("S-2", "max-partial \(partial) is less than max-message \(messageBytesMax)")
    }
    self.messageBytesMax = messageBytesMax
    self.requestsMax = requestsMax
    self.partialBytesMax = partial
  }

  private static func partialDefault(messageBytesMax: UInt32) -> UInt32 {
    let product = messageBytesMax.multipliedReportingOverflow(by: 4)
    return product.overflow ? UInt32.max : product.partialValue
  }

  /// The body of a SETTINGS frame: all three settings.
  package var value: Value {
    [
      ["max-message", Value(messageBytesMax)],
      ["max-requests", Value(requestsMax)],
      ["max-partial", Value(partialBytesMax)],
    ]
  }

  /// Reads the body of a SETTINGS frame (S-3).
  package init(decoding body: ByteBuffer) throws(Violation) {
    let value: Value
    do throws(ValueDecodingError) {
      value = try Value(decoding: body)
    } catch {
      throw Violation("S-3", "SETTINGS is not a value: \(error)")
    }
    guard case .list(let pairs) = value else {
      throw Violation("S-3", "SETTINGS is not a list")
    }
    var given: [Name: UInt32] = [:]
    for pair in pairs {
      guard case .list(let elements) = pair, case .atom(let rawName)? = elements.first else {
        throw Violation("S-3", "SETTINGS holds something else than lists that begin with an atom")
      }
      // S-3: whatever follows an unknown name is not looked at.
      guard let name = Name(rawValue: String(buffer: rawName)) else { continue }
      guard elements.count == 2, case .atom(let digits) = elements[1], let number = Settings.number(digits) else {
        throw Violation("S-3", "\(name.rawValue) has no number from 0 to 4294967295 as its only value")
      }
      guard given.updateValue(number, forKey: name) == nil else {
        throw Violation("S-3", "\(name.rawValue) stands twice in SETTINGS")
      }
    }
    do throws(Violation) {
      try self.init(
        messageBytesMax: given[.messageBytesMax] ?? Settings.messageBytesDefault,
        requestsMax: given[.requestsMax] ?? Settings.requestsDefault,
        partialBytesMax: given[.partialBytesMax]
      )
    } catch {
      throw Violation("S-3", error.message)
    }
  }

  private enum Name: String {
    case messageBytesMax = "max-message"
    case requestsMax = "max-requests"
    case partialBytesMax = "max-partial"
  }

  /// Decimal ASCII without leading zeros, up to 4294967295 (S-2).
  private static func number(_ digits: ByteBuffer) -> UInt32? {
    let view = digits.readableBytesView
    guard (1...10).contains(view.count), view.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    guard view.count == 1 || view.first != 0x30 else { return nil }
    var number: UInt64 = 0
    for digit in view {
      number = number * 10 + UInt64(digit - 0x30)
    }
    return UInt32(exactly: number)
  }
}
