import BokbokCore
import NIOCore
import Testing

/// Values from and to the types of a program.
@Suite struct ValueAccessTests {
  @Test func literalsMakeValues() {
    let name = "Ada"
    let value: Value = ["greet", "hello \(name)", 42, -1, [], ["", 0]]
    #expect(
      value
        == .list([
          Value("greet"), Value("hello Ada"), Value("42"), Value("-1"), .list([]), .list([Value(""), Value("0")]),
        ])
    )
  }

  @Test func initializersMakeAtoms() {
    #expect(Value("水") == Value(bytes: [0xE6, 0xB0, 0xB4]))
    #expect(Value("abc".dropFirst()) == "bc")
    #expect(Value(UInt64.max) == "18446744073709551615")
    #expect(Value(bytes: [1, 2, 3] as Set<UInt8>).isAtom)
    #expect(Value.list(of: ["a", "b"].reversed() as [Value]) == ["b", "a"])
    #expect(Value.list(of: (1...3).lazy.map { Value($0) }) == [1, 2, 3])
  }

  @Test func kindsAreTold() {
    #expect(("" as Value).isAtom && !("" as Value).isList)
    #expect(([] as Value).isList && !([] as Value).isAtom)
  }

  @Test func atomsAreEqualIfTheirBytesAre() {
    var buffer = ByteBuffer(string: "--abc")
    buffer.moveReaderIndex(forwardBy: 2)
    #expect(Value.atom(buffer) == "abc")
    #expect(Value.atom(buffer).hashValue == ("abc" as Value).hashValue)
    // Swift takes these texts as equal, but their bytes differ.
    #expect("\u{E9}" == "e\u{301}")
    #expect(Value("\u{E9}") != Value("e\u{301}"))
    #expect(("" as Value) != ([] as Value))
  }

  @Test(arguments: ["", "plain", "two\nlines", "水\u{0}\u{202E}", "\u{FEFF}mark", "e\u{301}"])
  func textIsReadBackAsItWas(text: String) throws {
    #expect(try Array(Value(text).text.utf8) == Array(text.utf8))
    #expect(try Value(text).bytes == Array(text.utf8))
    #expect(try Value(text).buffer == ByteBuffer(string: text))
  }

  @Test(
    arguments: [
      [0xFF], [0xC3], [0x61, 0x80], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
      [0xF5, 0x80, 0x80, 0x80],
    ] as [[UInt8]]
  )
  func bytesThatAreNotUTF8AreNoText(bytes: [UInt8]) throws {
    let value = Value(bytes: bytes)
    let error = try #require(throws: ValueAccessError.self) { try value.text }
    #expect(error.code == .notText)
    #expect(try value.bytes == bytes)
  }

  @Test(arguments: [0, 1, -1, 7, 10, -10, 42, Int.max, Int.min])
  func numbersAreReadBackAsTheyWere(number: Int) throws {
    #expect(try Value(number).integer() == number)
    #expect(try Value(number).integer(as: Int128.self) == Int128(number))
  }

  @Test func numbersFitTheirType() throws {
    #expect(try Value("255").integer(as: UInt8.self) == 255)
    #expect(try Value("-128").integer(as: Int8.self) == -128)
    #expect(try Value(UInt128.max).integer(as: UInt128.self) == .max)
    #expect(try Value(Int128.min).integer(as: Int128.self) == .min)
    let tooLarge: [() throws -> Void] = [
      { _ = try Value("256").integer(as: UInt8.self) },
      { _ = try Value("128").integer(as: Int8.self) },
      { _ = try Value("-129").integer(as: Int8.self) },
      { _ = try Value("-1").integer(as: UInt8.self) },
      { _ = try Value("9223372036854775808").integer() },
      { _ = try Value("-9223372036854775809").integer() },
      { _ = try Value(String(repeating: "9", count: 10_000)).integer() },
    ]
    for read in tooLarge {
      let error = try #require(throws: ValueAccessError.self) { try read() }
      #expect(error.code == .outOfRange)
    }
    let error = try #require(throws: ValueAccessError.self) { try Value("256").integer(as: UInt8.self) }
    #expect(error.description == "expected a decimal number from 0 to 255, found the atom \"256\"")
  }

  @Test(
    arguments: [
      "", "-", "+1", "007", "00", "-0", "-01", " 1", "1 ", "1.0", "1e3", "0x10", "1_000", "--1", "1-", "abc", "١",
      "1\n", "1\0",
    ]
  )
  func onlyCanonicalDecimalIsANumber(text: String) throws {
    let error = try #require(throws: ValueAccessError.self) { try Value(text).integer() }
    #expect(error.code == .notADecimalNumber)
  }

  @Test func aListIsNoAtom() throws {
    let list: Value = ["a", "b"]
    let reads: [() throws -> Void] = [
      { _ = try list.text },
      { _ = try list.bytes },
      { _ = try list.buffer },
      { _ = try list.integer() },
    ]
    for read in reads {
      let error = try #require(throws: ValueAccessError.self) { try read() }
      #expect(error.code == .notAnAtom)
      #expect(error.found == "a list of 2 values")
    }
  }

  @Test func anAtomIsNoList() throws {
    let atom: Value = "ping"
    let reads: [() throws -> Void] = [
      { _ = try atom.elements },
      { _ = try atom.elements(count: 1) },
      { _ = try atom.element(at: 0) },
      { _ = try atom.text(at: 0) },
    ]
    for read in reads {
      let error = try #require(throws: ValueAccessError.self) { try read() }
      #expect(error.code == .notAList)
      #expect(error.found == "the atom \"ping\"")
    }
  }

  @Test func elementsAreReadByIndex() throws {
    let value: Value = ["name", 42, Value(bytes: [0xFF]), ["a", "b"]]
    #expect(try value.elements.count == 4)
    #expect(try value.elements(count: 4) == value.elements)
    #expect(try value.element(at: 3) == ["a", "b"])
    #expect(try value.text(at: 0) == "name")
    #expect(try value.integer(at: 1) == 42)
    #expect(try value.integer(at: 1, as: UInt8.self) == 42)
    #expect(try value.bytes(at: 2) == [0xFF])
    #expect(try value.elements(at: 3) == ["a", "b"])
  }

  @Test func errorsSayWhatWasExpectedAndFoundAndWhere() throws {
    let value: Value = ["name", ["x", 256]]
    func message(_ read: () throws -> Void) throws -> String {
      try #require(throws: ValueAccessError.self, performing: read).description
    }
    #expect(try message { _ = try value.elements(count: 3) } == "expected a list of 3 values, found a list of 2 values")
    #expect(
      try message { _ = try ([[]] as Value).elements(count: 2) }
        == "expected a list of 2 values, found a list of 1 value"
    )
    #expect(
      try message { _ = try value.element(at: 2) }
        == "expected a list with an element at index 2, found a list of 2 values"
    )
    #expect(throws: ValueAccessError.self) { try value.element(at: -1) }
    #expect(try message { _ = try value.text(at: 1) } == "expected text at index 1, found a list of 2 values")
    let inner = try #require(throws: ValueAccessError.self) {
      try value.element(at: 1).integer(at: 1, as: UInt8.self)
    }
    #expect(inner.path == [1])
    #expect(inner.inside(1).path == [1, 1])
    #expect(
      inner.inside(1).description
        == "expected a decimal number from 0 to 255 at index 1, index 1, found the atom \"256\""
    )
  }

  @Test func errorsQuoteTheOtherSideEscapedAndCut() throws {
    let error = try #require(throws: ValueAccessError.self) {
      try Value("\u{1B}[31m" + String(repeating: "x", count: 1000)).integer()
    }
    #expect(error.found == "the atom \"\\u{1B}[31m" + String(repeating: "x", count: 53) + "…\"")
  }
}
