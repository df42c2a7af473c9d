internal import Bokbok
internal import BokbokConformance
internal import NIOCore

/// The commands that need no connection.
enum TesteeCodec {
  static func deriveKey(_ command: TesteeCommandLine) async throws -> JSON {
    let passphrase = try command.string("passphrase")
    let user = try command.optionalString("user") ?? ""
    // Off the executor of the commands: it computes for a tenth of a second.
    let key = try await Task.detached(executorPreference: globalConcurrentExecutor) {
      try PresharedKey.derive(passphrase: passphrase, user: user).hexadecimal()
    }.value
    return ["key": .string(key)]
  }

  static func decodeValue(_ command: TesteeCommandLine) throws -> JSON {
    let bytes = try command.bytes("bytes")
    do {
      return ["value": TesteeValue.json(try Value(decoding: bytes))]
    } catch {
      throw TesteeFailure(.malformed, "\(error)")
    }
  }

  static func encodeValue(_ command: TesteeCommandLine) throws -> JSON {
    guard let json = command["value"] else { throw TesteeFailure(.other, "the command encodeValue needs \"value\"") }
    let value = try TesteeValue.value(json)
    do {
      return ["bytes": .string(Hexadecimal.text(try value.encoded().readableBytesView))]
    } catch {
      throw TesteeFailure(.malformed, "\(error)")
    }
  }
}
