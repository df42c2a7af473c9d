internal import BokbokCore
internal import NIOCore

/// The settings of one side as they came over the wire (specification, section 5, S-2).
struct WireSettings: Equatable {
  static let names = ["max-message", "max-requests", "max-partial"]

  var messageByteCountMax = 16_777_216
  var requestCountMax = 128
  var partialByteCountMax = 67_108_864

  init() {}

  /// A name in well-formed settings that belongs to the specification, having no dot, and that it does not define.
  static func undefinedName(in body: [UInt8]) -> String? {
    guard let value = try? WireValues.decode(body), let settings = try? value.elements else { return nil }
    for setting in settings {
      guard let bytes = try? setting.bytes(at: 0) else { continue }
      let name = String(decoding: bytes, as: UTF8.self)
      if !name.contains("."), !names.contains(name) { return String(displaying: name, charactersMax: 64) }
    }
    return nil
  }

  /// Reads the body of a SETTINGS frame by the rules of S-2 and S-3.
  init(body: [UInt8]) throws(WireFault) {
    let value: Value
    do { value = try WireValues.decode(body) } catch { throw WireFault(clause: "S-3.b", message: "\(error)") }
    guard case .list(let settings) = value else {
      throw WireFault(clause: "S-3.b", message: "the body of SETTINGS is not a list")
    }
    var found: [String: Int] = [:]
    for setting in settings {
      guard case .list(let parts) = setting, case .atom(let nameBytes)? = parts.first else {
        throw WireFault(clause: "S-3.b", message: "not a list that begins with an atom: \(setting.debugDescription)")
      }
      let name = String(decoding: nameBytes.readableBytesView, as: UTF8.self)
      guard Self.names.contains(name) else { continue }
      guard found[name] == nil else { throw WireFault(clause: "S-3.c", message: "\(name) stands twice") }
      guard parts.count == 2, let number = try? parts[1].integer(as: Int.self), number >= 0 else {
        throw WireFault(clause: "S-3.d", message: "not a name with one decimal number: \(setting.debugDescription)")
      }
      guard number <= 4_294_967_295 else {
        throw WireFault(clause: "S-3.e", message: "\(name) is out of range: \(number)")
      }
      found[name] = number
    }
    messageByteCountMax = found["max-message"] ?? 16_777_216
    requestCountMax = found["max-requests"] ?? 128
    partialByteCountMax = found["max-partial"] ?? min(4 * messageByteCountMax, 4_294_967_295)
    guard messageByteCountMax >= 1024, requestCountMax >= 1, partialByteCountMax >= messageByteCountMax else {
      throw WireFault(clause: "S-3.e", message: "a number is out of range: \(value.debugDescription)")
    }
  }
}
