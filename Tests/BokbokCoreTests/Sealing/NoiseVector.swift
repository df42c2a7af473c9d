import Foundation
import Testing

/// A published set of Noise test vectors, as `Vectors/noise.json` holds them; the names are those of its sources.
struct NoiseVector: Decodable, Sendable, CustomTestStringConvertible {
  struct Message: Decodable, Sendable {
    var payload: String
    var ciphertext: String
  }

  var source: String
  var protocolName: String
  var initPrologue: String
  var initPsks: [String]
  var initEphemeral: String
  var respPrologue: String
  var respPsks: [String]
  var respEphemeral: String
  var handshakeHash: String?
  var messages: [Message]

  var testDescription: String { self.protocolName }

  private struct File: Decodable {
    var vectors: [NoiseVector]
  }

  /// All sets of the file.
  static func all() throws -> [NoiseVector] {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(File.self, from: Data(contentsOf: self.fileURL())).vectors
  }

  struct FileNotFound: Error {}

  /// The package's folder `Vectors` lies somewhere above this source file.
  private static func fileURL() throws -> URL {
    var folder = URL(filePath: #filePath).deletingLastPathComponent()
    while folder.path() != "/" {
      let file = folder.appending(path: "Vectors/noise.json")
      if FileManager.default.fileExists(atPath: file.path()) {
        return file
      }
      folder.deleteLastPathComponent()
    }
    throw FileNotFound()
  }
}
