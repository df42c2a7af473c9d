import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// Both sides act at once: what they say crosses on the way.
@Suite struct CrossingTests {
  private func pair(_ isSealed: Bool, settings: Settings = .default) throws -> MachinePair {
    var configuration = MachineConfiguration()
    configuration.settings = settings
    let pair = try MachinePair(isSealed: isSealed, client: configuration, server: configuration)
    try pair.open()
    return pair
  }

  private func accepted(_ admission: RequestAdmission) throws -> ExchangeID {
    guard case .accepted(let id) = admission else { throw DrivenConnection.UnexpectedAdmission() }
    return id
  }

  @Test(.clauses("C-4.a", "C-4.c", "C-4.d", "C-2.b", "C-1.c"), arguments: [false, true])
  func crossedCLOSEsEndCleanlyWithEachSidesOwnReason(_ isSealed: Bool) throws {
    let pair = try pair(isSealed)
    pair.client.close("mine", "a")
    pair.server.close("theirs", "b")
    pair.settle()
    #expect(pair.client.ending == .clean(code: "mine", message: "a"))
    #expect(pair.server.ending == .clean(code: "theirs", message: "b"))
    #expect(pair.sides.allSatisfy { $0.isShutDown && $0.isClosed })
  }

  @Test(.clauses("C-4.d", "C-2.b", "F-3.b"), arguments: [false, true])
  func bothSidesReportTheReasonOfTheOneThatClosed(_ isSealed: Bool) throws {
    for isClient in [true, false] {
      let pair = try pair(isSealed)
      (isClient ? pair.client : pair.server).close("shutdown", "a")
      pair.settle()
      #expect(pair.sides.allSatisfy { $0.ending == .clean(code: "shutdown", message: "a") && $0.isClosed })
    }
  }

  @Test(.clauses("X-1.b", "X-8.a", "X-9.a"), arguments: [false, true])
  func crossedRequestsWithTheSameIdsAreAnswered(_ isSealed: Bool) throws {
    let pair = try pair(isSealed)
    let ids = try pair.sides.map { side in try accepted(side.request("from here")) }
    #expect(ids[0] == ids[1])
    pair.settle()
    for side in pair.sides {
      #expect(side.takeActions() == [.handle(ids[0], "from here")])
      side.respond(to: ids[0], .value("answered"))
    }
    pair.settle()
    for side in pair.sides { #expect(side.takeActions() == [.answered(ids[0], "answered")]) }
  }

  @Test(.clauses("X-7.d", "X-7.e", "X-7.i"), arguments: [false, true])
  func aCANCELThatCrossesTheAnswerIsIgnored(_ isSealed: Bool) throws {
    let pair = try pair(isSealed, settings: try Settings(requestsMax: 1))
    let id = try accepted(pair.client.request("a"))
    pair.settle()
    pair.server.respond(to: id, .value("b"))
    #expect(pair.client.cancel(id))
    pair.settle()
    #expect(pair.client.takeActions().isEmpty)
    #expect(pair.server.takeActions() == [.handle(id, "a")])
    #expect(pair.sides.allSatisfy { $0.isIdle })
    // The place is free again, and the id may be.
    let next = try accepted(pair.client.request("c"))
    pair.settle()
    #expect(pair.server.takeActions() == [.handle(next, "c")])
  }

  @Test(.clauses("C-1.f", "C-2.d", "C-3.a", "C-3.b", "C-4.a"), arguments: [false, true])
  func aRequestThatCrossesACLOSEIsAnsweredClosing(_ isSealed: Bool) throws {
    let pair = try pair(isSealed)
    let id = try accepted(pair.client.request("a"))
    pair.client.takeOutput(byteCountMax: 65_536)
    pair.server.close()
    pair.settle()
    #expect(pair.server.takeActions().first == .closeReceived(code: "normal", message: ""))
    let failure = pair.client.takeActions().compactMap { action -> String? in
      if case .failed(id, .remote(let code, _, _)) = action { code } else { nil }
    }
    #expect(failure == ["closing"])
    #expect(pair.sides.allSatisfy { $0.ending == .clean(code: "normal", message: "") })
  }

  @Test(.clauses("C-2.e", "C-4.b", "X-7.g", "C-4.a"), arguments: [false, true])
  func aRequestSentInPartThatCrossesACLOSEIsCancelled(_ isSealed: Bool) throws {
    let pair = try pair(isSealed)
    let id = try accepted(pair.client.request(.message(byteCount: 200_000)))
    pair.client.takeOutput(byteCountMax: 1)
    pair.server.close()
    pair.settle()
    #expect(pair.client.takeActions().contains(.failed(id, .closing)))
    #expect(!pair.server.takeActions().contains { if case .handle = $0 { true } else { false } })
    #expect(pair.sides.allSatisfy { $0.ending == .clean(code: "normal", message: "") && $0.isClosed })
  }

  @Test(.clauses("P-4.a", "X-6.b"), arguments: [false, true])
  func twoSidesWithMuchToSayBothGetItThrough(_ isSealed: Bool) throws {
    var configuration = MachineConfiguration()
    configuration.settings = try Settings(requestsMax: 2)
    configuration.protocolOutputBytesMax = 100
    configuration.answerBytesWaitingMax = 100
    let pair = try MachinePair(isSealed: isSealed, client: configuration, server: configuration)
    try pair.open()
    var ids: [[ExchangeID]] = []
    for side in pair.sides {
      ids.append(try (0..<6).map { _ in try accepted(side.request(.message(byteCount: 150_000))) })
    }
    var answered = [0, 0]
    for _ in 0..<20 {
      pair.settle()
      for (index, side) in pair.sides.enumerated() {
        for action in side.takeActions() {
          if case .handle(let id, _) = action { side.respond(to: id, .value(.message(byteCount: 150_000))) }
          if case .answered = action { answered[index] += 1 }
        }
      }
    }
    #expect(answered == [6, 6])
    #expect(pair.sides.allSatisfy { $0.holdings == ConnectionHoldings() })
  }

  @Test(.clauses("C-6.a", "C-6.b", "C-6.c"), arguments: [false, true])
  func anAbortIsALossForTheOtherSide(_ isSealed: Bool) throws {
    let pair = try MachinePair(isSealed: isSealed)
    try pair.open()
    let id = try accepted(pair.client.request("a"))
    pair.settle()
    pair.client.abort()
    pair.settle()
    #expect(pair.client.ending == .aborted)
    #expect(pair.server.ending == .lost(.endOfInput))
    #expect(pair.server.takeActions() == [.handle(id, "a"), .ended(.lost(.endOfInput))])
  }

  @Test(.clauses("C-5.a", "C-5.b"), arguments: [false, true])
  func aDrainTimeThatIsOverIsALossOnBothSides(_ isSealed: Bool) throws {
    let pair = try pair(isSealed)
    _ = try accepted(pair.client.request("hang"))
    pair.settle()
    pair.client.close()
    pair.settle()
    pair.wait(.milliseconds(4999))
    #expect(pair.sides.allSatisfy { $0.ending == nil })
    pair.wait(.milliseconds(1))
    pair.settle()
    #expect(pair.client.ending == .lost(.drainTimeout))
    #expect(pair.server.ending == .lost(.endOfInput))
  }
}
