import BokbokCore
import BokbokTestSupport
import Testing

/// Two correct sides that do as they like never break a rule, lose nothing, and come to their end.
@Suite struct SimulationTests {
  @Test(
    .clauses(
      "X-1.a",
      "X-2.a",
      "X-2.b",
      "X-4.a",
      "X-5.b",
      "X-6.b",
      "X-6.c",
      "X-6.d",
      "X-7.a",
      "X-7.c",
      "X-7.h",
      "X-7.i",
      "X-10.a",
      "X-10.d",
      "P-4.a",
      "C-1.f",
      "C-1.g",
      "C-2.d",
      "C-3.a",
      "C-3.b",
      "C-4.a",
      "C-4.b"
    ),
    arguments: UInt64(1)...60
  )
  func twoSidesThatDoAsTheyLikeComeToACleanEnd(_ seed: UInt64) throws {
    try Simulation(seed: seed, isSealed: seed.isMultiple(of: 2)).runToACleanEnd(stepCount: 700)
  }

  @Test(.clauses("C-6.a", "C-6.b", "C-6.c", "F-3.d", "F-4.a"), arguments: UInt64(1)...20, Simulation.Fault.allCases)
  func bothSidesComeToTheirEndWhateverBreaks(_ seed: UInt64, _ fault: Simulation.Fault) throws {
    try Simulation(seed: 1000 + seed, isSealed: seed.isMultiple(of: 2)).runToAFault(fault, stepCount: 200)
  }
}
