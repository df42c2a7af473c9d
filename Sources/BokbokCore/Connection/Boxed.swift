/// A value in memory of its own, owned by one place: moving the box moves a pointer.
struct Boxed<Value: ~Copyable>: ~Copyable {
  // Unsafe memory, because a class would count references and check accesses with each use: the box is the only one that
  // has the pointer, from its beginning to its end, and is not Sendable.
  private let memory: UnsafeMutablePointer<Value>

  init(_ value: consuming Value) {
    memory = .allocate(capacity: 1)
    memory.initialize(to: value)
  }

  deinit {
    memory.deinitialize(count: 1)
    memory.deallocate()
  }

  var value: Value {
    @inline(__always) _read { yield memory.pointee }
    @inline(__always) _modify { yield &memory.pointee }
  }

  /// The value, out of the box.
  consuming func take() -> Value {
    let value = memory.move()
    memory.deallocate()
    discard self
    return value
  }
}
