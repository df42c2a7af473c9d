public import Metrics

/// Every limit and option of a server or a client, each with its default.
///
/// ``Server/start(on:security:configuration:handlers:logger:eventLoopGroup:)-(Address,_,_,_,_,_)`` and
/// ``Connection/open(_:security:configuration:handlers:logger:eventLoopGroup:)`` refuse values out of range with a
/// ``BokbokError`` of the code ``BokbokError/Code/configuration``.
public struct Configuration: Sendable {
  /// All defaults.
  public init() {}

  // MARK: What this side takes from the other (S-2)

  /// The largest request or answer that this side takes, in bytes: 1024 to 4294967295, default 16777216.
  ///
  /// A larger answer to an own request reaches this side as ``RemoteError`` with the code `too-large`.
  public var messageBytesMax = 16_777_216

  /// How many requests the other side may have under way towards this one: 1 to 4294967295, default 128.
  public var requestsMax = 128

  /// The largest sum of unfinished messages of the other side, in bytes: ``messageBytesMax`` to 4294967295.
  /// nil, the default, is four times ``messageBytesMax``.
  public var partialBytesMax: Int?

  // MARK: Time limits

  /// How long a connection may take to open once there is a stream (O-10); default 10 s.
  public var handshakeTimeout: Duration = .seconds(10)

  /// Client: how long ``Connection/open(_:security:configuration:handlers:logger:eventLoopGroup:)`` may take in all,
  /// with the resolution of the name, connecting and the handshake; default 10 s.
  public var connectTimeout: Duration = .seconds(10)

  /// How long an own request or ping may take when the call gives no time limit itself; nil: as long as it takes.
  /// Default 30 s.
  public var requestTimeout: Duration? = .seconds(30)

  /// How long the side that closes waits for what is under way (C-5); default 5 s.
  public var drainTimeout: Duration = .seconds(5)

  /// How long a last word may take to be written, and how long input is read and discarded after it (F-3); also how
  /// long is read on after a failed write (F-4). Default 1 s.
  public var endTimeout: Duration = .seconds(1)

  /// A connection on which no exchange has been under way for so long is closed with the code `normal`; nil, the
  /// default: never.
  public var idleTimeout: Duration?

  /// A side that receives nothing for so long sends a PING (P-3); nil, the default: never.
  public var keepaliveInterval: Duration?

  /// How long after that PING something may take to come before the connection is lost (P-3); nil, the default: as
  /// long as ``keepaliveInterval``.
  public var keepaliveTimeout: Duration?

  // MARK: Counts and memory

  /// Server: how many connections may be open; a further client is refused with `busy` (O-6). At least 1, default
  /// 10000.
  public var connectionsMax = 10_000

  /// Server: how many streams may be there that are not open yet or are ending; at the bound the one that has been
  /// among them longest is closed without a word (O-12). At least 1, default 1024.
  public var openingStreamsMax = 1024

  /// Reading stops while PONGs and errors of the protocol layer that wait to be sent exceed this, in bytes (P-4). At
  /// least 0, default 262144.
  public var protocolOutputBytesMax = 262_144

  /// No request is handed to the handler while answers that wait to be sent, the longest not counted, exceed this, in
  /// bytes (P-5). At least 0, default 1048576.
  public var answerBytesWaitingMax = 1_048_576

  /// A request that would take the sum of the requests in memory over this, in bytes, is answered with `overloaded`
  /// and not handled, unless it is the only one. At least 1; nil, the default: no limit but ``requestsMax``
  /// times ``messageBytesMax``.
  public var heldRequestBytesMax: Int?

  // MARK: Handlers

  /// How long a request handler may take, counted from its call; nil, the default: as long as it takes.
  ///
  /// After that its task is cancelled; a handler that then ends with an error is answered with ``RemoteError`` of the
  /// code `timed-out`. Handlers find the end of their time in ``RequestContext/deadline``. A synchronous handler cannot
  /// be stopped, and is not limited.
  public var handlerTimeout: Duration?

  /// Where request handlers run that do not say otherwise themselves; default ``HandlerExecution/eventLoop``.
  public var handlerExecution = HandlerExecution.eventLoop

  /// A turn of the event loop that handlers make take longer than this is logged as a warning; default 100 ms.
  public var slowTurnThreshold: Duration = .milliseconds(100)

  /// Whether the other side learns no more than a fixed text about an error that a handler throws and that is no
  /// ``RemoteError``; the error goes to the log either way. Default false: `handler-failed` describes it (E-1).
  public var hidesHandlerErrors = false

  // MARK: Transports

  /// Whether small writes on TCP go out at once (TCP_NODELAY); default true.
  public var tcpNoDelay = true

  /// Whether the system probes silent TCP connections (SO_KEEPALIVE); default false. It finds dead machines after
  /// hours; see ``keepaliveInterval`` for a limit of your own.
  public var tcpKeepalive = false

  /// Server: the permissions of a UNIX socket: 0 to 0o777, default 0o600.
  public var unixSocketMode: UInt32 = 0o600

  /// Client: whether and how commands of `exec:` addresses are started; nil, the default: they are refused.
  public var commands: CommandOptions?

  // MARK: Observation

  /// Where metrics go; nil, the default: to the `MetricsSystem` of swift-metrics, which drops them unless the program
  /// has bootstrapped it. See ``MetricNames``.
  public var metricsFactory: (any MetricsFactory)?
}
