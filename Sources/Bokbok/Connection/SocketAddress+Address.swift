internal import NIOCore

extension SocketAddress {
  /// The same as an address of this library; nil for the other end of a UNIX socket, which has none.
  var asAddress: Address? {
    switch self {
    case .v4, .v6:
      guard let host = self.ipAddress, let port = self.port else { return nil }
      return Address(kind: .tcp(host: host, port: port))
    case .unixDomainSocket:
      guard let path = self.pathname, !path.isEmpty else { return nil }
      return Address(kind: .unix(path: path))
    }
  }
}
