import Bokbok
import BokbokTestSupport
import Testing

/// Addresses in all their forms (specification, section 9).
@Suite struct AddressTests {
  @Test(
    .clauses("A-1.a"),
    arguments: [
      ("tcp:localhost:7020", .tcp(host: "localhost", port: 7020), "tcp:localhost:7020"),
      ("localhost:7020", .tcp(host: "localhost", port: 7020), "tcp:localhost:7020"),
      ("127.0.0.1:0", .tcp(host: "127.0.0.1", port: 0), "tcp:127.0.0.1:0"),
      ("tcp:[::1]:65535", .tcp(host: "::1", port: 65_535), "tcp:[::1]:65535"),
      ("[::1]:1", .tcp(host: "::1", port: 1), "tcp:[::1]:1"),
      ("[::]:80", .tcp(host: "::", port: 80), "tcp:[::]:80"),
      ("[::ffff:192.0.2.1]:80", .tcp(host: "::ffff:192.0.2.1", port: 80), "tcp:[::ffff:192.0.2.1]:80"),
      ("[fe80::1%eth0]:80", .tcp(host: "fe80::1%eth0", port: 80), "tcp:[fe80::1%eth0]:80"),
      ("tcp:unix:80", .tcp(host: "unix", port: 80), "tcp:unix:80"),
      ("db_1.example-net.org:80", .tcp(host: "db_1.example-net.org", port: 80), "tcp:db_1.example-net.org:80"),
      ("bücher.example:80", .tcp(host: "bücher.example", port: 80), "tcp:bücher.example:80"),
      ("unix:/run/service.socket", .unix(path: "/run/service.socket"), "unix:/run/service.socket"),
      ("unix:socket", .unix(path: "socket"), "unix:socket"),
      ("unix:unix:x", .unix(path: "unix:x"), "unix:unix:x"),
      ("unix:host:80", .unix(path: "host:80"), "unix:host:80"),
      ("unix: a b\n", .unix(path: " a b\n"), "unix: a b\n"),
      ("/run/service.socket", .unix(path: "/run/service.socket"), "unix:/run/service.socket"),
      ("./socket", .unix(path: "./socket"), "unix:./socket"),
      ("foo/bar:80", .unix(path: "foo/bar:80"), "unix:foo/bar:80"),
      ("http://example.net", .unix(path: "http://example.net"), "unix:http://example.net"),
      ("stdio:", .standardIO, "stdio:"),
      ("exec:ssh host bokbok serve stdio:", .command(["ssh", "host", "bokbok", "serve", "stdio:"]), nil),
    ] as [(String, Address.Kind, String?)]
  )
  func everyFormIsRead(text: String, kind: Address.Kind, description: String?) throws {
    let address = try Address(text)
    #expect(address.kind == kind)
    #expect(address.description == description ?? text)
    #expect(try Address(address.description) == address)
    #expect(try Address(address.description).hashValue == address.hashValue)
  }

  struct Mistake: Sendable, CustomTestStringConvertible {
    let text: String
    let code: AddressError.Code
    let hint: String
    var testDescription: String { text.debugDescription }

    init(_ text: String, _ code: AddressError.Code, _ hint: String) {
      self.text = text
      self.code = code
      self.hint = hint
    }
  }

  @Test(
    .clauses("A-1.a"),
    arguments: [
      Mistake("", .empty, "expected tcp:HOST:PORT"),
      Mistake("localhost", .missingPort, "write HOST:PORT, or ./NAME"),
      Mistake("7020", .missingPort, "write HOST:PORT"),
      Mistake("tcp", .invalidForm, "write 'tcp:'"),
      Mistake("stdio", .invalidForm, "write 'stdio:'"),
      Mistake("localhost:", .missingPort, "after the last colon"),
      Mistake("tcp:", .missingPort, "HOST:PORT"),
      Mistake("tcp:localhost", .missingPort, "HOST:PORT"),
      Mistake(":80", .invalidHost, "localhost for this machine"),
      Mistake("tcp::80", .invalidHost, "0.0.0.0 or [::]"),
      Mistake("localhost:65536", .invalidPort, "0 to 65535"),
      Mistake("localhost:99999999999999999999", .invalidPort, "0 to 65535"),
      Mistake("localhost:-1", .invalidPort, "0 to 65535"),
      Mistake("localhost:+80", .invalidPort, "0 to 65535"),
      Mistake("localhost:080", .invalidPort, "without leading zeros"),
      Mistake("localhost:http", .invalidPort, "0 to 65535"),
      Mistake("localhost: 80", .invalidPort, "0 to 65535"),
      Mistake("localhost:٨٠", .invalidPort, "0 to 65535"),
      Mistake("localhost:8\u{301}", .invalidPort, "0 to 65535"),
      Mistake("::1:80", .invalidHost, "an IPv6 address stands in brackets"),
      Mistake("TCP:localhost:80", .invalidHost, "in small letters"),
      Mistake("[::1]", .missingPort, "[ADDRESS]:PORT"),
      Mistake("[::1]:", .missingPort, "after the last colon"),
      Mistake("[::1]80", .invalidForm, "after the bracket"),
      Mistake("[::1:80", .invalidHost, "not closed"),
      Mistake("[127.0.0.1]:80", .invalidHost, "write other hosts without them"),
      Mistake("[]:80", .invalidHost, "in brackets stands an IPv6 address"),
      Mistake("[::g]:80", .invalidHost, "'::g' is not an IPv6 address"),
      Mistake("[::1%]:80", .invalidHost, "is not an IPv6 address"),
      Mistake("[::1%a b]:80", .invalidHost, "is not an IPv6 address"),
      Mistake("tcp://localhost:80", .invalidHost, "without slashes"),
      Mistake("tcp:/run/socket:1", .invalidHost, "unix:PATH"),
      Mistake("user@host:80", .invalidHost, "'@'"),
      Mistake(" localhost:80", .invalidHost, "' '"),
      Mistake("local\u{202E}host:80", .invalidHost, "\\u{202E}"),
      Mistake("local\nhost:80", .invalidHost, "\\u{A}"),
      Mistake(String(repeating: "a", count: 254) + ":80", .invalidHost, "254 bytes, but at most 253"),
      Mistake("unix:", .invalidPath, "no path"),
      Mistake("unix:a\0b", .invalidPath, "null character"),
      Mistake("/a\0b", .invalidPath, "null character"),
      Mistake("stdio:x", .invalidForm, "nothing may follow"),
      Mistake("exec:", .invalidCommand, "exec:COMMAND ARG"),
      Mistake("exec: \t ", .invalidCommand, "no command"),
      Mistake("exec:'' a", .invalidCommand, "no command"),
      Mistake("exec:a b\0c", .invalidCommand, "null character"),
    ]
  )
  func otherTextsAreRefusedWithAnErrorThatHelps(mistake: Mistake) throws {
    let error = try #require(throws: AddressError.self) { try Address(mistake.text) }
    #expect(error.code == mistake.code)
    #expect(error.given == mistake.text)
    #expect(error.message.contains(mistake.hint))
    #expect(error.description.hasSuffix(error.message))
    #expect(!error.description.unicodeScalars.contains { [.control, .format].contains($0.properties.generalCategory) })
  }

  #if os(Linux)
  static let pathByteCountMax = 107
  #else
  static let pathByteCountMax = 103
  #endif

  @Test(.clauses("A-1.j"))
  func aPathTooLongForASocketIsRefused() throws {
    let longest = "/" + String(repeating: "x", count: Self.pathByteCountMax - 1)
    #expect(try Address(longest).kind == .unix(path: longest))
    #expect(try Address.unix(path: longest).kind == .unix(path: longest))
    for make in [
      { try Address(longest + "x") }, { try Address("unix:" + longest + "x") }, { try .unix(path: longest + "x") },
    ]
      as [() throws -> Address]
    {
      let error = try #require(throws: AddressError.self) { try make() }
      #expect(error.code == .pathTooLong)
      #expect(error.message.contains("\(Self.pathByteCountMax + 1) bytes"))
      #expect(error.message.contains("at most \(Self.pathByteCountMax) "))
    }
    // Bytes count, not characters.
    let wide = String(repeating: "é", count: Self.pathByteCountMax / 2 + 1)
    #expect(throws: AddressError.self) { try Address.unix(path: wide) }
  }

  @Test func makersTakeWhatTheTextsMean() throws {
    #expect(try Address.tcp(host: "::1", port: 80) == Address("[::1]:80"))
    #expect(try Address.tcp(host: "localhost", port: 0) == Address("localhost:0"))
    #expect(try Address.unix(path: "stdio:") == Address("unix:stdio:"))
    #expect(try Address.standardIO == Address("stdio:"))
    #expect(try Address.command(["a", "b c"]) == Address("exec:a 'b c'"))
    #expect(try Address.unix(path: "/x") != Address.command(["/x"]))
  }

  @Test func makersRefuseWhatCannotBe() throws {
    let makers: [(() throws -> Address, AddressError.Code)] = [
      ({ try .tcp(host: "", port: 80) }, .invalidHost),
      ({ try .tcp(host: "[::1]", port: 80) }, .invalidHost),
      ({ try .tcp(host: "a b", port: 80) }, .invalidHost),
      ({ try .tcp(host: "localhost", port: 65_536) }, .invalidPort),
      ({ try .tcp(host: "localhost", port: -1) }, .invalidPort),
      ({ try .unix(path: "") }, .invalidPath),
      ({ try .command([]) }, .invalidCommand),
      ({ try .command(["", "a"]) }, .invalidCommand),
      ({ try .command(["a", "\0"]) }, .invalidCommand),
    ]
    for (make, code) in makers {
      let error = try #require(throws: AddressError.self) { try make() }
      #expect(error.code == code)
    }
  }

  /// Two files, although Swift takes the strings as equal.
  @Test func pathsAreComparedByteForByte() throws {
    let composed = try Address("/tmp/\u{E9}")
    let decomposed = try Address("/tmp/e\u{301}")
    #expect(composed != decomposed)
    #expect(Set([composed, decomposed, composed]).count == 2)
  }

  /// A combining mark joins the character before it, but hides neither colon nor slash.
  @Test func combiningMarksHideNothing() throws {
    #expect(try Address("/\u{301}socket").kind == .unix(path: "/\u{301}socket"))
    #expect(try Address("unix:\u{301}socket").kind == .unix(path: "\u{301}socket"))
    let error = try #require(throws: AddressError.self) { try Address("host:\u{301}80") }
    #expect(error.code == .invalidPort)
  }
}
