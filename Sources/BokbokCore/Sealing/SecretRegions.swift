internal import CSodium
internal import NIOConcurrencyHelpers

/// Where secret memory comes from: regions of libsodium, each locked, between guard pages and left out of core dumps.
///
/// Making and freeing one takes the system eleven calls, and a sealed connection needs five for its handshake: more time
/// than the key agreement itself. So a few are kept, erased, for the next use of the same size.
enum SecretRegions {
  /// Regions kept for later at most, of all sizes together; each takes one locked page and three that cannot be touched.
  static let keptCountMax = 64

  // Sendable is safe: a region that is kept has one owner, this list, and whoever takes it owns it alone.
  private struct Region: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    let byteCount: Int
  }

  private static let kept = NIOLockedValueBox<[Region]>([])

  /// A region whose contents are not defined. Throws when the system gives none.
  static func take(byteCount: Int) throws(SecretError) -> UnsafeMutableRawPointer {
    guard Sodium.isReady else { throw .libraryUnavailable }
    let region = self.kept.withLockedValue { kept -> Region? in
      guard let index = kept.lastIndex(where: { $0.byteCount == byteCount }) else { return nil }
      return kept.remove(at: index)
    }
    if let region { return region.base }
    guard byteCount >= 0, let base = sodium_malloc(byteCount) else { throw .outOfMemory(byteCount: byteCount) }
    return base
  }

  /// Erases a region (H-8) and keeps it or gives it back to the system.
  static func giveBack(_ base: UnsafeMutableRawPointer, byteCount: Int) {
    sodium_memzero(base, byteCount)
    let isKept = self.kept.withLockedValue { kept in
      guard kept.count < self.keptCountMax else { return false }
      kept.append(Region(base: base, byteCount: byteCount))
      return true
    }
    if !isKept { sodium_free(base) }
  }
}
