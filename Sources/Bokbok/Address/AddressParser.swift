import BokbokCore
import NIOCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Reads addresses and checks their parts.
///
/// What is compared is Unicode scalars, never characters: a combining mark after a colon must not hide it.
struct AddressParser {
  /// What was given, for errors.
  let text: String

  func parse() throws(AddressError) -> Address {
    guard !text.isEmpty else {
      throw error(
        .empty,
        "expected tcp:HOST:PORT, HOST:PORT, unix:PATH, a path with a '/', stdio: or exec:COMMAND ARG …"
      )
    }
    if let rest = rest(after: "tcp:") { return try parseHostAndPort(rest) }
    if let rest = rest(after: "unix:") { return try parsePath(String(rest)) }
    if let rest = rest(after: "stdio:") {
      guard rest.isEmpty else { throw error(.invalidForm, "nothing may follow 'stdio:'") }
      return .standardIO
    }
    if let rest = rest(after: "exec:") {
      let words = try CommandWords(given: text).split(String(rest))
      try check(command: words)
      return Address(kind: .command(words))
    }
    if text.unicodeScalars.contains("/") { return try parsePath(text) }
    return try parseHostAndPort(text[...])
  }

  private func rest(after scheme: String) -> Substring? {
    guard text.utf8.starts(with: scheme.utf8) else { return nil }
    return Substring(text.unicodeScalars.dropFirst(scheme.unicodeScalars.count))
  }

  private func parsePath(_ path: String) throws(AddressError) -> Address {
    try check(path: path)
    return Address(kind: .unix(path: path))
  }

  private func parseHostAndPort(_ text: Substring) throws(AddressError) -> Address {
    let scalars = text.unicodeScalars
    if scalars.first == "[" { return try parseBracketedHostAndPort(text) }
    guard let colon = scalars.lastIndex(of: ":") else {
      if ["tcp", "unix", "stdio", "exec"].contains(text) {
        throw error(.invalidForm, "a scheme ends in a colon, write '\(text):'…")
      }
      throw error(
        .missingPort,
        "there is no port; write HOST:PORT, or ./NAME or unix:NAME for a UNIX socket in the working directory"
      )
    }
    let host = String(scalars[..<colon])
    guard !host.unicodeScalars.contains(":") else {
      throw error(
        .invalidHost,
        "the host holds a colon; an IPv6 address stands in brackets, [::1]:PORT, and schemes are tcp:, unix:, stdio: "
          + "and exec:, in small letters"
      )
    }
    try check(host: host)
    return Address(kind: .tcp(host: host, port: try port(String(scalars[scalars.index(after: colon)...]))))
  }

  private func parseBracketedHostAndPort(_ text: Substring) throws(AddressError) -> Address {
    let scalars = text.unicodeScalars
    guard let end = scalars.firstIndex(of: "]") else {
      throw error(.invalidHost, "the bracket before the IPv6 address is not closed, expected [ADDRESS]:PORT")
    }
    let host = String(scalars[scalars.index(after: scalars.startIndex)..<end])
    guard host.unicodeScalars.contains(":") else {
      throw error(.invalidHost, "in brackets stands an IPv6 address, such as [::1]; write other hosts without them")
    }
    try check(host: host)
    let rest = scalars[scalars.index(after: end)...]
    guard let colon = rest.first else {
      throw error(.missingPort, "there is no port; write [ADDRESS]:PORT")
    }
    guard colon == ":" else {
      throw error(.invalidForm, "after the bracket stands a colon and the port, [ADDRESS]:PORT")
    }
    return Address(kind: .tcp(host: host, port: try port(String(rest.dropFirst()))))
  }

  private func port(_ digits: String) throws(AddressError) -> Int {
    guard !digits.isEmpty else { throw error(.missingPort, "there is no port after the last colon") }
    let isCanonical =
      digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      && (digits.utf8.count == 1 || digits.utf8.first != UInt8(ascii: "0"))
    guard isCanonical, let port = UInt16(digits) else {
      throw error(.invalidPort, "the port is not a decimal number from 0 to 65535, without leading zeros")
    }
    return Int(port)
  }
}

extension AddressParser {
  /// The most that DNS allows (RFC 1035, section 2.3.4), as it is written.
  private static let hostByteCountMax = 253

  /// The host is a name, or an address of IPv4 or, with colons, of IPv6; without brackets.
  func check(host: String) throws(AddressError) {
    guard !host.isEmpty else {
      throw error(
        .invalidHost,
        "there is no host; write localhost for this machine alone, or 0.0.0.0 or [::] for a server that all may reach"
      )
    }
    guard host.utf8.count <= AddressParser.hostByteCountMax else {
      throw error(.invalidHost, "the host has \(host.utf8.count) bytes, but at most \(AddressParser.hostByteCountMax)")
    }
    if host.unicodeScalars.contains(":") { return try check(ipv6Address: host) }
    for scalar in host.unicodeScalars where AddressParser.isForbiddenInHost(scalar) {
      throw error(
        .invalidHost,
        scalar == "/"
          ? "the host holds a '/'; write tcp:HOST:PORT without slashes, or unix:PATH for a UNIX socket"
          : "the host holds '\(String(displaying: String(scalar)))', which no host does"
      )
    }
  }

  /// An address of IPv6, perhaps with a zone after `%` (RFC 4007, section 11).
  private func check(ipv6Address host: String) throws(AddressError) {
    let parts = host.unicodeScalars.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
    let zone = parts.count == 2 ? parts[1] : nil
    let isZone = zone.map { !$0.isEmpty && !$0.contains(where: AddressParser.isForbiddenInHost) } ?? true
    guard isZone, (try? SocketAddress(ipAddress: String(parts[0]), port: 0)) != nil else {
      throw error(.invalidHost, "'\(String(displaying: host))' is not an IPv6 address, expected one such as [::1]:PORT")
    }
  }

  private static func isForbiddenInHost(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .spaceSeparator, .lineSeparator, .paragraphSeparator, .unassigned: true
    default: "/\\[]@?#%,;&|<>(){}\"'`^*!$=+~:".unicodeScalars.contains(scalar)
    }
  }

  /// How many bytes the system takes, without the null byte at the end: 107 on Linux, 103 on macOS.
  private static let pathByteCountMax = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

  /// A path that can be a socket's: never cut, which would be another file.
  func check(path: String) throws(AddressError) {
    guard !path.isEmpty else { throw error(.invalidPath, "there is no path after 'unix:'") }
    guard !path.utf8.contains(0) else { throw error(.invalidPath, "the path holds a null character") }
    let byteCount = path.utf8.count
    guard byteCount <= AddressParser.pathByteCountMax else {
      throw error(
        .pathTooLong,
        "the path has \(byteCount) bytes, but this system takes at most \(AddressParser.pathByteCountMax) for a UNIX "
          + "socket; use a shorter one, perhaps relative to the working directory"
      )
    }
  }

  /// Words that can be a program and its arguments.
  func check(command words: [String]) throws(AddressError) {
    guard let program = words.first, !program.isEmpty else {
      throw error(.invalidCommand, "there is no command after 'exec:', expected exec:COMMAND ARG …")
    }
    for word in words where word.utf8.contains(0) {
      throw error(.invalidCommand, "a word of the command holds a null character, which no argument can")
    }
  }

  private func error(_ code: AddressError.Code, _ message: String) -> AddressError {
    AddressError(code, given: text, message)
  }
}
