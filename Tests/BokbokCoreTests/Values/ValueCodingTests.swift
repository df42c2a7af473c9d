import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Canonical encoding and decoding of well-formed values (specification, section 7).
@Suite struct ValueCodingTests {
  @Test(
    .clauses("V-1.b", "V-2.a", "V-5.a"),
    arguments: [
      ("0:", ""),
      ("4:ping", "ping"),
      ("()", []),
      ("(4:ping5:12345)", ["ping", "12345"]),
      ("(4:echo(1:a()(1:b))0:)", ["echo", ["a", [], ["b"]], ""]),
      ("10:((((((((((", "(((((((((("),
      ("(3:[a]1: 1:\n)", ["[a]", " ", "\n"]),
      ("(2:-71:0)", [-7, 0]),
      ("6:水水", "水水"),
    ] as [(String, Value)]
  )
  func canonicalFormIsReadAndWritten(encoding: String, value: Value) throws {
    #expect(try Value(decoding: ByteBuffer(string: encoding)) == value)
    #expect(try String(buffer: value.encoded()) == encoding)
    #expect(try value.encodedByteCount() == encoding.utf8.count)
  }

  @Test(.clauses("V-1.b"), arguments: [0, 1, 9, 10, 99, 100, 999, 1000, 65_535, 99_999, 100_000, 1_000_000])
  func lengthHasAsManyDigitsAsItTakes(byteCount: Int) throws {
    let bytes = [UInt8](repeating: 0xFF, count: byteCount)
    let encoding = try Value(bytes: bytes).encoded()
    #expect(encoding == ByteBuffer(bytes: Array("\(byteCount):".utf8) + bytes))
    #expect(try Value(decoding: encoding) == Value(bytes: bytes))
  }

  @Test(.clauses("V-5.a"), arguments: 0..<200)
  func encodingThenDecodingGivesTheSameValue(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let value = Value.random(depthMax: 8, using: &generator)
    let encoding = try value.encoded()
    #expect(try value.encodedByteCount() == encoding.readableBytes)
    let decoded = try Value(decoding: encoding)
    #expect(decoded == value)
    #expect(decoded.hashValue == value.hashValue)
    #expect(try decoded.encoded() == encoding)
  }

  /// Nearly right bytes: whatever is taken has this encoding and no other.
  @Test(.clauses("V-5.a"), arguments: 0..<20)
  func whatDecodesEncodesToTheSameBytes(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var takenCount = 0
    for _ in 0..<100 {
      var bytes = try Array(Value.random(depthMax: 3, using: &generator).encoded().readableBytesView)
      let index = bytes.indices.randomElement(using: &generator) ?? 0
      switch Int.random(in: 0..<3, using: &generator) {
      case 0: bytes[index] = Array("0123456789():[ ".utf8).randomElement(using: &generator) ?? 0
      case 1: bytes.remove(at: index)
      default: bytes.insert(Array("0123456789():[ ".utf8).randomElement(using: &generator) ?? 0, at: index)
      }
      guard let value = try? Value(decoding: ByteBuffer(bytes: bytes)) else { continue }
      takenCount += 1
      #expect(try value.encoded() == ByteBuffer(bytes: bytes))
    }
    // A byte changed inside of an atom is still a value, so some must have been taken.
    #expect(takenCount > 0)
  }

  @Test(.clauses("V-1.a"))
  func onlyTheReadableBytesAreTheMessage() throws {
    var buffer = ByteBuffer(string: "junk(1:a)")
    buffer.moveReaderIndex(forwardBy: 4)
    buffer.reserveCapacity(4096)
    #expect(try Value(decoding: buffer) == ["a"])
  }

  @Test(.clauses("V-3.b"))
  func listsNestSixtyFourDeep() throws {
    for value in [Value.nested(depth: 64), .nested(depth: 64, around: "atom")] {
      let encoding = try value.encoded()
      #expect(try Value(decoding: encoding) == value)
    }
    let encoding = String(repeating: "(", count: 64) + "4:atom" + String(repeating: ")", count: 64)
    #expect(try String(buffer: Value.nested(depth: 64, around: "atom").encoded()) == encoding)
  }

  @Test(.clauses("V-6.b"))
  func aMessageHoldsAsManyValuesAsAreAllowed() throws {
    let encoding = "(" + String(repeating: "()0:", count: 524_287) + "())"
    let value = try Value(decoding: ByteBuffer(string: encoding))
    #expect(try value.elements.count == 1_048_575)
    #expect(try value.encodedByteCount() == encoding.utf8.count)
  }

  @Test(.clauses("V-3.c"))
  func atomsAreSlicesOfTheMessage() throws {
    let message = ByteBuffer(string: "(4:echo(5:first6:second))")
    let value = try Value(decoding: message)
    let inner = try value.element(at: 1)
    for (atom, offset) in try [(value.element(at: 0), 3), (inner.element(at: 0), 10), (inner.element(at: 1), 17)] {
      let addresses = try (
        atom.buffer.withUnsafeReadableBytes { $0.baseAddress },
        message.withUnsafeReadableBytes { $0.baseAddress?.advanced(by: offset) }
      )
      #expect(addresses.0 == addresses.1)
      #expect(addresses.0 != nil)
    }
  }

  /// Memory is in proportion: no list reserves more than its elements take.
  @Test(.clauses("V-3.c"))
  func anEmptyAtomKeepsNoMemoryOfTheMessage() throws {
    let elements = try Value(decoding: ByteBuffer(string: "(0:4:ping)")).elements
    #expect(try elements.map { try $0.buffer.readableBytes } == [0, 4])
    #expect(try elements[0].buffer.storageCapacity == 0)
    #expect(try elements[1].buffer.storageCapacity > 0)
  }

  @Test(.clauses("V-3.c"), arguments: 0..<20)
  func listsHaveNoRoomThatTheyDoNotNeed(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let value = Value.list((0..<30).map { _ in .random(depthMax: 5, using: &generator) })
    /// The places that lists have room for beyond their elements.
    func spareCounts(of value: Value) -> [Int] {
      guard case .list(let elements) = value else { return [] }
      return [elements.capacity - elements.count] + elements.flatMap(spareCounts)
    }
    let spare = try spareCounts(of: Value(decoding: value.encoded()))
    #expect(spare.count > 30)
    // The allocator may round up.
    #expect(spare.allSatisfy { $0 <= 1 })
  }

  /// Eight times the message takes about eight times the time; quadratic would be sixty-four.
  @Test(
    .clauses("V-3.c"),
    arguments: [
      ("()", "(", ")"), ("1:a", "(", ")"), ("(0:)", "", ""), ("9", "", ":"), ("x", "", ""),
    ]
  )
  func timeIsInProportionToTheMessage(piece: String, start: String, end: String) {
    func time(count: Int) -> Duration {
      let message = ByteBuffer(string: start + String(repeating: piece, count: count) + end)
      let times = (0..<5).map { _ in
        let begin = processorTime()
        _ = try? Value(decoding: message)
        return processorTime() - begin
      }
      return times.min() ?? .zero
    }
    let short = time(count: 20_000)
    let long = time(count: 160_000)
    #expect(long < short * 32 + .milliseconds(20))
  }

  /// The time that this thread has had on a processor, which other load changes little.
  private func processorTime() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }
}
