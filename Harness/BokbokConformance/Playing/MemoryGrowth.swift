/// How much memory a testee takes while the same is repeated.
struct MemoryGrowth {
  struct Sample: Equatable {
    /// How many repetitions were over.
    let repetition: Int
    let byteCount: Int
  }

  private(set) var samples: [Sample] = []

  mutating func note(_ byteCount: Int, after repetition: Int) {
    samples.append(Sample(repetition: repetition, byteCount: byteCount))
  }

  /// The samples from this repetition on.
  func samples(from start: Int) -> ArraySlice<Sample> {
    samples[(samples.firstIndex { $0.repetition >= start } ?? samples.endIndex)...]
  }

  /// How much there was at this repetition and at the end, for people.
  func text(from start: Int) -> String {
    let judged = samples(from: start)
    guard let first = judged.first, let last = judged.last else { return "nothing is known of it" }
    let (before, after) = (first.byteCount >> 10, last.byteCount >> 10)
    return "\(before) KiB after \(first.repetition) of them, \(after) KiB after \(last.repetition)"
  }

  /// How many bytes each repetition has added since this one: the median of the slopes between each two samples
  /// (Theil and Sen), which a single step, such as that of an allocator which takes a large piece at once, does not move.
  func slope(from start: Int) -> Double {
    let samples = Array(samples(from: start))
    var slopes: [Double] = []
    for (index, later) in samples.enumerated() {
      for earlier in samples[..<index] where earlier.repetition < later.repetition {
        slopes.append(
          Double(later.byteCount - earlier.byteCount) / Double(later.repetition - earlier.repetition)
        )
      }
    }
    guard !slopes.isEmpty else { return 0 }
    slopes.sort()
    let middle = slopes.count / 2
    return slopes.count.isMultiple(of: 2) ? (slopes[middle - 1] + slopes[middle]) / 2 : slopes[middle]
  }
}
