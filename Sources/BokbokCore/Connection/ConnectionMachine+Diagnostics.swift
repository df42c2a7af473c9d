import NIOCore

/// What a driver and its user may want to know of a connection.
extension ConnectionMachine {
  /// Whether the connection is open for this side (S-1) and has not ended.
  package var isOpen: Bool {
    switch state {
    case .opening: false
    case .established(let connection): connection.value.isOpen
    case .ending: false
    }
  }

  /// What has gone over the connection since its handshake.
  package var counters: ConnectionCounters {
    switch state {
    case .opening: ConnectionCounters()
    case .established(let connection): connection.value.counters
    case .ending(let connection): connection.value.counters
    }
  }

  /// Whether no exchange is under way in either direction.
  package var isIdle: Bool {
    switch state {
    case .opening: true
    case .established(let connection): connection.value.own.isEmpty && connection.value.peer.count == 0
    case .ending: true
    }
  }

  /// What the connection holds in memory just now.
  package var holdings: ConnectionHoldings {
    switch state {
    case .opening: ConnectionHoldings()
    case .established(let connection): connection.value.holdings
    case .ending: ConnectionHoldings()
    }
  }
}

extension EstablishedConnection {
  fileprivate var holdings: ConnectionHoldings {
    ConnectionHoldings(
      receivedByteCount: input.stream.readableBytes,
      unfinishedByteCount: partialByteCount,
      requestByteCount: peer.heldByteCount,
      outputByteCount: output.byteCount
    )
  }
}

/// Bytes that a connection holds in memory.
package struct ConnectionHoldings: Equatable, Sendable {
  /// Received and not taken: part of a record, or records that wait (P-4).
  package var receivedByteCount = 0
  /// Fragments of messages that are not whole.
  package var unfinishedByteCount = 0
  /// Whole requests whose handlers have not ended.
  package var requestByteCount = 0
  /// Frames and messages that wait to be sent.
  package var outputByteCount = 0

  package init(
    receivedByteCount: Int = 0,
    unfinishedByteCount: Int = 0,
    requestByteCount: Int = 0,
    outputByteCount: Int = 0
  ) {
    self.receivedByteCount = receivedByteCount
    self.unfinishedByteCount = unfinishedByteCount
    self.requestByteCount = requestByteCount
    self.outputByteCount = outputByteCount
  }
}
