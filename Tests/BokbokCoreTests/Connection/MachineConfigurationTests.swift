import BokbokTestSupport
import NIOCore
import Testing

@testable import BokbokCore

extension MachineConfiguration {
  /// As users of the core make one: the settings are set where an initializer goes on.
  fileprivate init(requestsMax: UInt32) throws {
    self.init()
    settings = try Settings(requestsMax: requestsMax)
  }
}

/// What is announced is what holds.
@Suite(.clauses("S-2.a"))
struct MachineConfigurationTests {
  @Test func theEncodedSettingsAreThoseThatWereSetInAnInitializer() throws {
    let configuration = try MachineConfiguration(requestsMax: 1)
    #expect(try Settings(decoding: configuration.settingsBody) == configuration.settings)
  }

  @Test func theEncodedSettingsFollowLaterChanges() throws {
    var configuration = MachineConfiguration()
    #expect(try Settings(decoding: configuration.settingsBody) == .default)
    configuration.settings = try Settings(messageBytesMax: 2048, requestsMax: 3)
    #expect(try Settings(decoding: configuration.settingsBody) == configuration.settings)
  }
}
