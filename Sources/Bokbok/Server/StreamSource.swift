/// Where the streams of a server come from.
protocol StreamSource: Sendable {
  /// The address of the server, with the port that it got.
  var address: Address { get }

  /// Gives the server no more streams. Those that it has stay.
  func close() async
}
