import BokbokCore
import NIOCore

/// Two machines that speak to each other in memory: the client sends requests, the server answers them at once.
final class CorePair {
  private var client: ConnectionMachine
  private var server: ConnectionMachine
  private let batch: Int
  private var answerCount = 0
  private let key: PresharedKey

  init(isSealed: Bool, batch: Int) throws {
    let configuration = SharedConfiguration(MachineConfiguration())
    let slab = KeySlab()
    let now = NIODeadline.uptimeNanoseconds(1)
    self.batch = batch
    self.key = try PresharedKey(bytes: Array(repeating: 7, count: PresharedKey.byteCount))
    if isSealed {
      self.client = try ConnectionMachine(
        client: .sealed(
          userName: ByteBuffer(string: "user"),
          userKey: try self.key.secret(),
          sessionKey: try SecretBytes.random(count: PresharedKey.byteCount),
          ephemeral: try SecretBytes.random(count: PresharedKey.byteCount)
        ),
        configuration: configuration,
        slab: slab,
        now: now
      )
      self.server = ConnectionMachine(
        server: .sealed(
          decoyKey: try SecretBytes.random(count: PresharedKey.byteCount),
          ephemeral: try SecretBytes.random(count: PresharedKey.byteCount)
        ),
        configuration: configuration,
        slab: slab,
        now: now
      )
    } else {
      self.client = try ConnectionMachine(client: .plain, configuration: configuration, slab: slab, now: now)
      self.server = ConnectionMachine(server: .plain, configuration: configuration, slab: slab, now: now)
    }
    for _ in 0..<4 { self.exchange() }
    guard self.client.isOpen, self.server.isOpen else { Transcript.fail("the machines did not open") }
  }

  func round() {
    let before = self.answerCount
    for _ in 0..<self.batch {
      guard case .accepted = self.client.request(Transcript.message) else { Transcript.fail("a request was refused") }
    }
    self.exchange()
    guard self.answerCount == before + self.batch else { Transcript.fail("an answer is missing") }
  }

  /// What the client has goes to the server, and what that has to the client.
  private func exchange() {
    let now = NIODeadline.uptimeNanoseconds(2)
    self.actClient()
    while let bytes = self.client.takeOutput() { self.server.receive(bytes, now: now) }
    self.actServer()
    while let bytes = self.server.takeOutput() { self.client.receive(bytes, now: now) }
    self.actClient()
  }

  private func actClient() {
    while let action = self.client.nextAction() {
      switch action {
      case .opened: self.client.letIn()
      case .answered(_, let value):
        guard value == Transcript.message else { Transcript.fail("another answer than the request") }
        self.answerCount += 1
      default: Transcript.fail("the client asks for \(action)")
      }
    }
  }

  private func actServer() {
    while let action = self.server.nextAction() {
      switch action {
      case .checkAdmission: self.server.admit(busy: false)
      case .lookUpKey: self.server.keysFound([self.key])
      case .opened: self.server.letIn()
      case .handle(let exchange, let value): self.server.respond(to: exchange, with: .value(value))
      default: Transcript.fail("the server asks for \(action)")
      }
    }
  }
}
