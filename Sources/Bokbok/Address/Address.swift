/// Where a server listens, or a client connects to (specification, section 9).
///
/// | form | means |
/// | --- | --- |
/// | `tcp:HOST:PORT`, `HOST:PORT`, `tcp:[::1]:PORT`, `[::1]:PORT` | TCP; an IPv6 address stands in brackets |
/// | `unix:PATH`, or a text with a `/` and no scheme | a UNIX stream socket |
/// | `stdio:` | this process's standard input and output, for servers |
/// | `exec:COMMAND ARG …` | a command and its standard input and output, for clients |
///
/// A text that begins with none of the four schemes is a path if it holds a `/`, else a host and a port. So
/// `data/socket:80` is a path, and a file in the working directory is written `./socket` or `unix:socket`.
///
/// The words of `exec:` are split as a POSIX shell does, with its quotes and backslashes, but no shell runs and nothing is
/// expanded: `*`, `?`, `~`, `#` and, in double quotes, `$` stand for themselves. What would need a shell, one of
/// `| & ; < > ( ) $` or a backquote outside of quotes, or a line end, is an error.
///
/// An address says nothing about whether something is there: names are resolved and files looked at only when it is used.
///
/// Two addresses are equal if they are of the same kind and their texts are the same byte for byte; names of hosts are not
/// resolved for it.
public struct Address: Sendable {
  /// The kinds of addresses, with what belongs to each.
  public enum Kind: Hashable, Sendable {
    /// TCP. The host is a name or an IP address, IPv6 without brackets; the port is from 0 to 65535. Port 0 makes sense
    /// at a server only, which then reports the one it got.
    case tcp(host: String, port: Int)
    /// A UNIX stream socket in the file system.
    case unix(path: String)
    /// This process's standard input and output.
    case standardIO
    /// A command that is started, as its words: the program, then its arguments.
    case command([String])
  }

  /// The kind, with what belongs to it.
  public let kind: Kind

  /// What belongs to the kind must have been checked.
  init(kind: Kind) {
    self.kind = kind
  }

  /// Reads an address in one of the forms above.
  ///
  /// - Throws: ``AddressError`` if the text is of none of the forms, or a part of it is impossible: a port beyond 65535, a
  ///   path longer than the system takes for a socket, …
  public init(_ text: String) throws(AddressError) {
    self = try AddressParser(text: text).parse()
  }

  /// The address of a TCP socket.
  ///
  /// - Parameters:
  ///   - host: a name, an IPv4 address, or an IPv6 address without brackets, which may have a zone, `fe80::1%eth0`.
  ///   - port: from 0 to 65535.
  /// - Throws: ``AddressError`` if the host cannot be one, or the port is out of range.
  public static func tcp(host: String, port: Int) throws(AddressError) -> Address {
    let given = host.utf8.contains(UInt8(ascii: ":")) ? "tcp:[\(host)]:\(port)" : "tcp:\(host):\(port)"
    try AddressParser(text: given).check(host: host)
    guard (0...65_535).contains(port) else {
      throw AddressError(.invalidPort, given: given, "the port \(port) is not from 0 to 65535")
    }
    return Address(kind: .tcp(host: host, port: port))
  }

  /// The address of a UNIX stream socket.
  ///
  /// - Parameter path: relative to the working directory of the moment of use if it does not begin with `/`. In UTF-8 it
  ///   has at most 107 bytes on Linux, 103 on macOS.
  /// - Throws: ``AddressError`` if the path is empty, too long, or holds a null character.
  public static func unix(path: String) throws(AddressError) -> Address {
    try AddressParser(text: "unix:" + path).check(path: path)
    return Address(kind: .unix(path: path))
  }

  /// This process's standard input and output.
  public static let standardIO = Address(kind: .standardIO)

  /// A command to start and to speak with over its standard input and output.
  ///
  /// - Parameter words: the program and its arguments, as they are: nothing is split, unquoted or expanded.
  /// - Throws: ``AddressError`` if there is no program, or a word holds a null character.
  public static func command(_ words: [String]) throws(AddressError) -> Address {
    try AddressParser(text: "exec:" + CommandWords.join(words)).check(command: words)
    return Address(kind: .command(words))
  }
}

extension Address: CustomStringConvertible {
  /// The address with its scheme, which ``init(_:)`` reads back, for example `tcp:[::1]:7020`.
  ///
  /// Words of a command are quoted where they have to be.
  public var description: String {
    switch kind {
    case .tcp(let host, let port):
      host.utf8.contains(UInt8(ascii: ":")) ? "tcp:[\(host)]:\(port)" : "tcp:\(host):\(port)"
    case .unix(let path):
      "unix:\(path)"
    case .standardIO:
      "stdio:"
    case .command(let words):
      "exec:" + CommandWords.join(words)
    }
  }
}

extension Address: Hashable {
  /// Whether both are of the same kind and their texts have the same bytes.
  public static func == (left: Address, right: Address) -> Bool {
    // Swift's strings are equal in all their normal forms, but files in two of them are two files.
    left.kind == right.kind && left.description.utf8.elementsEqual(right.description.utf8)
  }

  /// Hashes the kind and what belongs to it.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(kind)
  }
}
