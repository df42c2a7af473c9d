/// What is wrong with an event loop group that was given.
enum EventLoopGroupError {
  static let notThreaded = BokbokError(
    .configuration,
    "the event loop group is no MultiThreadedEventLoopGroup; leave it out to use the one that all share"
  )
}
