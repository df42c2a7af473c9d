/// One meeting of two implementations: who connects to whom, over what, and how.
struct InteropConfiguration: Sendable {
  let client: InteropImplementation
  let server: InteropImplementation
  let transport: Configuration.Transport
  let security: Configuration.Security

  /// `bokbok-python/bokbok-chicken/sealed/unix`: the client, the server, and the way.
  var path: String { "\(client.name)/\(server.name)/\(way)" }

  /// `sealed/unix`.
  var way: String { "\(security.rawValue)/\(transport.rawValue)" }

  /// What one of the two did not declare and this would need; nil if nothing.
  var lack: String? {
    if !client.declaration.roles.contains("client") { return "\(client.name) is no client" }
    if !server.declaration.roles.contains("server") { return "\(server.name) is no server" }
    for side in [client, server] where !side.declaration.security.contains(security.rawValue) {
      return "\(side.name) has no \(security.rawValue) connections"
    }
    if transport == .stdio {
      if !client.declaration.features.contains("exec") { return "\(client.name) has no exec: addresses" }
      if !server.declaration.transports.contains("stdio") { return "\(server.name) does not serve stdio:" }
      return nil
    }
    for side in [client, server] where !side.declaration.transports.contains(transport.rawValue) {
      return "\(side.name) has no transport \(transport.rawValue)"
    }
    return nil
  }

  /// Every client with every server, over every transport, plain and sealed.
  static func all(of implementations: [InteropImplementation]) -> [InteropConfiguration] {
    Configuration.Security.allCases.flatMap { security in
      Configuration.Transport.allCases.flatMap { transport in
        implementations.flatMap { client in
          implementations.map {
            InteropConfiguration(client: client, server: $0, transport: transport, security: security)
          }
        }
      }
    }
  }
}

/// An implementation that takes part: it has answered `hello`.
struct InteropImplementation: Sendable {
  let implementation: Implementation
  let declaration: Declaration

  var name: String { implementation.name }
}

/// An implementation that takes no part, since its testee does not start here.
struct AbsentImplementation: Sendable {
  let name: String
  /// What happened when it was started.
  let reason: String
  /// The commands that make it ready, from its manifest.
  let setup: [String]
}
