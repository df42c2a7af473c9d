/// A difference between what a case expects and what the testee did: the case fails.
struct CaseFailure: Error {
  /// The clause that is broken, where it is another than those of the case; else nil.
  var clause: String?
  let expected: String
  let got: String
  /// Whether the testee may only have been too slow.
  var dependsOnTime = false
}

/// The testee has more descriptors open than before the case. If the same case leaves more again, they leak; what a testee
/// opens once and keeps, such as a timer's, does not.
struct DescriptorGrowth: Error {
  let countBefore: Int
  let additions: [String]
}

/// A time limit of the kit ran out. Whether that proves a fault is judged by whoever catches it.
struct TimedOut: Error {
  let waitedFor: String
  let limit: Duration
}

/// The testee declared what the case needs and then says that it cannot do it.
struct UnsupportedByTestee: Error {
  let command: String
  let message: String
}

/// The data of a case make no sense when they are played: an error of the case.
struct CaseDataProblem: Error, CustomStringConvertible {
  let description: String
}
