internal import BokbokCore

/// Whole connections (sections 2 to 6), byte for byte, with what each side does.
enum SessionVectors {
  static let maker = VectorMaker(subject: .sessions)

  /// How a session is set up, beside its script.
  struct Setup: Sendable {
    var isSealed = false
    /// The side that the script plays, which need not keep to the protocol; nil: both are played by the library.
    var raw: SideRole?
    var client: @Sendable (inout SidePlan) -> Void = { _ in }
    var server: @Sendable (inout SidePlan) -> Void = { _ in }

    static let plain = Setup()
    static let sealed = Setup(isSealed: true)
    static let rawClient = Setup(raw: .client)
    static let rawServer = Setup(raw: .server)
    static let sealedRawClient = Setup(isSealed: true, raw: .client)
    static let sealedRawServer = Setup(isSealed: true, raw: .server)

    /// With settings of one side.
    func settings(_ role: SideRole, _ settings: KeyValuePairs<String, Int>) -> Setup {
      let settings = settings.map { ($0.key, $0.value) }
      return change(role) { plan in
        for (name, number) in settings { plan.settings[name] = .integer(number) }
      }
    }

    /// With time limits of one side, in milliseconds.
    func limits(_ role: SideRole, _ limits: KeyValuePairs<String, Int>) -> Setup {
      let limits = limits.map { ($0.key, $0.value) }
      return change(role) { plan in
        for (name, number) in limits { plan.limits[name] = .integer(number) }
      }
    }

    func change(_ role: SideRole, _ change: @escaping @Sendable (inout SidePlan) -> Void) -> Setup {
      var setup = self
      switch role {
      case .client: setup.client = change
      case .server: setup.server = change
      }
      return setup
    }
  }

  /// A session in which nobody breaks a rule, and that ends cleanly or not at all.
  static func good(
    _ name: String,
    _ comment: String,
    _ clauses: [String],
    _ setup: Setup = .plain,
    _ body: (SessionScript) -> Void
  ) -> Vector {
    maker.valid(name, comment, clauses: clauses, members(setup, body))
  }

  /// A session that ends otherwise, because of what a side does or does not do.
  static func bad(
    _ name: String,
    _ comment: String,
    breaks clause: String,
    ending outcome: String = "violation",
    clauses: [String] = [],
    _ setup: Setup,
    _ body: (SessionScript) -> Void
  ) -> Vector {
    maker.invalid(name, comment, breaks: clause, outcome: outcome, clauses: clauses, members(setup, body))
  }

  private static func members(_ setup: Setup, _ body: (SessionScript) -> Void) -> KeyValuePairs<String, JSON?> {
    var client = SidePlan.example(.client, isSealed: setup.isSealed)
    setup.client(&client)
    var server = SidePlan.example(.server, isSealed: setup.isSealed)
    setup.server(&server)
    let script = SessionScript(client: client, server: server, raw: setup.raw)
    body(script)
    let conforming = SideRole.allCases.filter { $0 != setup.raw }
    return [
      "mode": setup.isSealed ? "sealed" : "plain",
      "client": client.json,
      "server": server.json,
      "conforming": .array(conforming.map { .string($0.rawValue) }),
      "steps": .array(script.steps),
    ]
  }

  // MARK: Words of the scripts

  static let echo: Value = ["echo", "12345"]

  /// Ends a session cleanly.
  static func close(_ script: SessionScript, _ role: SideRole = .client) {
    script.does(role, .close(code: "normal", message: ""))
  }
}

extension WireFrame {
  /// A frame whose body is text.
  init(_ kind: WireKind, id: UInt32 = 0, more: Bool = false, text: String) {
    self.init(kind, id: id, more: more, body: Array(text.utf8))
  }

  static let normalClose = WireFrame(.close, text: "(6:normal0:)")
  static let echoRequest = WireFrame(.request, id: 1, text: "(4:echo5:12345)")
  static let echoResponse = WireFrame(.response, id: 1, text: "(4:echo5:12345)")
}
