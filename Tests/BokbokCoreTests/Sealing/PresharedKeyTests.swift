import BokbokCore
import BokbokTestSupport
import Testing

/// Users' keys (specification, sections 3 and 8).
@Suite struct PresharedKeyTests {
  private static let digits = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

  @Test func bytesAndDigitsGiveTheSameKey() throws {
    let fromBytes = try PresharedKey(bytes: UInt8(0)..<32)
    let fromDigits = try PresharedKey(hex: Self.digits)
    let fromUpperCase = try PresharedKey(hex: Self.digits.uppercased())
    #expect([fromBytes, fromDigits, fromUpperCase].map { $0.hexadecimal() } == Array(repeating: Self.digits, count: 3))
    let secret = try fromBytes.secret().revealed()
    #expect(secret == Array(0..<32))
  }

  @Test(.clauses("H-4.h"), arguments: [0, 1, 16, 31, 33, 64])
  func aKeyOfAnotherLengthIsAnError(count: Int) throws {
    let error = try #require(throws: PresharedKeyError.self) {
      try PresharedKey(bytes: [UInt8](repeating: 0xAB, count: count))
    }
    #expect(error.code == .wrongLength)
    #expect(error.message.contains("32") && error.message.contains("\(count)"))
    #expect(error.description == error.message)
  }

  private static let malformedTexts: [(String, PresharedKeyError.Code)] = [
    ("", .wrongLength),
    (String(digits.dropLast()), .wrongLength),
    ("\(digits)0", .wrongLength),
    ("\(digits)\n", .wrongLength),
    ("\(digits.dropLast())g", .notHexadecimal),
    ("g\(digits.dropLast())", .notHexadecimal),
    ("\(digits.dropLast()) ", .notHexadecimal),
    ("\(digits.dropLast())\0", .notHexadecimal),
    ("0x\(digits.dropLast(2))", .notHexadecimal),
    (String(repeating: "00 ", count: 21) + "0", .notHexadecimal),
    (String(repeating: "é", count: 32), .notHexadecimal),
  ]

  @Test(arguments: malformedTexts)
  func malformedDigitsAreAnError(text: String, code: PresharedKeyError.Code) throws {
    let error = try #require(throws: PresharedKeyError.self) { try PresharedKey(hex: text) }
    #expect(error.code == code)
    // Nothing of what may be most of a key is shown.
    #expect(!error.message.contains("0001") && !error.message.contains("1e1f"))
  }

  @Test(.clauses("H-7.a")) func randomKeysDiffer() throws {
    let keys = try (0..<32).map { _ in try PresharedKey.random().hexadecimal() }
    #expect(Set(keys).count == keys.count)
    #expect(keys.allSatisfy { $0.utf8.count == 64 })
  }

  @Test func printingAKeyShowsNothingOfIt() throws {
    let key = try PresharedKey(hex: Self.digits)
    var dumped = ""
    dump(key, to: &dumped)
    for text in ["\(key)", String(describing: key), String(reflecting: key), "\([key])", "\(key as Any)", dumped] {
      #expect(text.contains("PresharedKey(redacted)"))
      #expect(!text.contains("0001") && !text.contains("SecretBytes") && !text.contains("0x"))
    }
    #expect(Mirror(reflecting: key).children.isEmpty)
  }

  @Test func errorsAreEqualByTheirCodes() throws {
    let errors = [[], [1]].map { bytes in
      #expect(throws: PresharedKeyError.self) { try PresharedKey(bytes: bytes as [UInt8]) }
    }
    #expect(errors[0]?.message != errors[1]?.message)
    #expect(errors[0] == errors[1])
    #expect(PresharedKeyError.Code.wrongLength != .notHexadecimal)
    #expect("\(PresharedKeyError.Code.wrongLength)" == "wrongLength")
  }

  /// Passphrase, user name and key, computed with the Argon2id of Python's cryptography package.
  private static let derivations: [(String, String, String)] = [
    // The specification's own examples.
    (
      "orbit velvet canyon ladder mosaic thicket plural", "alice",
      "671baa3437178ecd3f8c8a045df2460c4615e37855807d8fae966da1195be805"
    ),
    (
      "orbit velvet canyon ladder mosaic thicket plural", "",
      "a79efaf5278041c62775241b5f96452403fa457ee44203e18da83d024d7d9b8c"
    ),
    ("", "bob", "4b678d72e7454ca0ca4140b6b78b351b56502a820c793c45d8644eb963fc5a11"),
    ("pässwörd – 密碼", "björn", "dcd159fabff0ebaefc66ba7eae721c118196735565e732c0c3f585bd5e71c2f8"),
    // Composed and decomposed letters look alike, and give different keys.
    ("p\u{e4}ssw\u{f6}rd", "bj\u{f6}rn", "0c3a3d59102f9dda27574c2169f3bb1663568e41dbfec8015e66f0ae526a3d53"),
    ("pa\u{308}sswo\u{308}rd", "bj\u{f6}rn", "a7139c79394af3bc7831e19cee9a7a987e56f71a067f73b00b14ea3bc921a5f5"),
    ("nul\0inside", "x", "525fa5f490fc3bf00d4e74d74366cdee96de80f71d6fe51738fe0c0cd6f66f10"),
    (
      String(repeating: "x", count: 1000), String(repeating: "u", count: 255),
      "8bc2bb18cdbbe7af5d305a96e2af40c31226f791074dd0741c9c69d4904c1ddf"
    ),
  ]

  @Test(.clauses("K-1.a", "K-1.b", "K-1.c"), arguments: derivations)
  func derivingMatchesAnIndependentComputation(passphrase: String, user: String, expected: String) throws {
    #expect(try PresharedKey.derive(passphrase: passphrase, user: user).hexadecimal() == expected)
  }

  @Test(.clauses("K-1.b")) func theUserMayBeLeftOut() throws {
    let passphrase = "orbit velvet canyon ladder mosaic thicket plural"
    #expect(
      try PresharedKey.derive(passphrase: passphrase).hexadecimal()
        == "a79efaf5278041c62775241b5f96452403fa457ee44203e18da83d024d7d9b8c"
    )
  }

  @Test func aUserNameThatNoClientCouldSendIsAnError() throws {
    let error = try #require(throws: PresharedKeyError.self) {
      try PresharedKey.derive(passphrase: "p", user: String(repeating: "é", count: 128))
    }
    #expect(error.code == .userNameTooLong)
    #expect(error.message.contains("255") && error.message.contains("256"))
  }
}
