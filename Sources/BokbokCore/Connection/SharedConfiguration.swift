/// A configuration that connections share: it stands in memory once, however many they are.
package final class SharedConfiguration: Sendable {
  let value: MachineConfiguration

  package init(_ value: MachineConfiguration) {
    self.value = value
  }
}
