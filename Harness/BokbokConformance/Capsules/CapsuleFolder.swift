internal import Foundation

/// Where a run keeps its failures: a file for each, named after the case and its configuration.
struct CapsuleFolder: Sendable {
  static let suffix = ".capsule"

  let path: String
  private let implementation: String
  private let declaration: Declaration
  private let suiteDigest: String
  private let checksContract: Bool

  /// Makes the folder, if it is not there. Throws ``DataError`` if it cannot be made.
  init(
    _ path: String,
    implementation: String,
    declaration: Declaration,
    suiteDigest: String,
    checksContract: Bool
  ) throws(DataError) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw DataError(file: path, message: "the folder for capsules cannot be made: \(error.localizedDescription)")
    }
    self.path = path
    self.implementation = implementation
    self.declaration = declaration
    self.suiteDigest = suiteDigest
    self.checksContract = checksContract
  }

  /// The file of a case in a configuration, given as `F-1/unknown-kind/sealed/unix/server`.
  private func file(_ casePath: String) -> String {
    "\(path)/\(casePath.replacing("/", with: "_"))\(Self.suffix)"
  }

  /// Removes what an earlier run kept of this case: it is played anew.
  func remove(_ casePath: String) {
    unlink(file(casePath))
  }

  /// Keeps a failure.
  ///
  /// - Parameters:
  ///   - split: how what the kit sent was cut.
  ///   - comparedWith: what earlier connections had shown, where the failure is about that.
  /// - Returns: the path of the file; nil if it cannot be written, which is said on standard error.
  func write(
    _ player: CasePlayer,
    _ result: CaseResult,
    _ timing: Capsule.Timing,
    start: ContinuousClock.Instant,
    split: Split,
    comparedWith: [SealedAudit.Sighting] = []
  ) -> String? {
    let capsule = Capsule(
      player,
      result,
      implementation: implementation,
      declaration: declaration,
      suiteDigest: suiteDigest,
      checksContract: checksContract,
      timing: timing,
      start: start,
      split: split,
      comparedWith: comparedWith
    )
    let path = file(result.path)
    do {
      try Data(capsule.encodedBytes).write(to: URL(fileURLWithPath: path))
      return path
    } catch {
      RunSurroundings.complain("\(path): the capsule cannot be written: \(error.localizedDescription)")
      return nil
    }
  }
}
