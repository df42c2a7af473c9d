internal import NIOConcurrencyHelpers
internal import NIOCore

/// The contexts of the event loops that have connections.
enum LoopContexts {
  private struct Entry {
    // The context holds its loop, so that the loop's identity cannot be another's while the entry has a context.
    weak var context: LoopContext?
  }

  private static let table = NIOLockedValueBox<[ObjectIdentifier: Entry]>([:])

  /// The one context of an event loop.
  static func context(for eventLoop: any EventLoop) -> LoopContext {
    self.table.withLockedValue { table in
      let key = ObjectIdentifier(eventLoop)
      if let context = table[key]?.context { return context }
      let context = LoopContext(eventLoop: eventLoop)
      // Loops that are gone leave entries behind; this is rare, so that looking at all of them is cheap enough.
      table = table.filter { $0.value.context != nil }
      table[key] = Entry(context: context)
      return context
    }
  }
}
