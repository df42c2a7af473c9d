#ifndef CBOKBOK_RELAY_H
#define CBOKBOK_RELAY_H

// The command that the conformance kit gives a testee to connect to over standard input and output. It is C, since a
// process of it is started for each connection: it has to be there at once, also on a busy machine.

/// Joins standard input and output to a UNIX socket, until both halves have ended.
///
/// arguments[0] is a name for messages; then come:
///
///     PATH [--report PATH] [--linger] [--ignore-termination] [WORD…]
///
/// PATH is the socket at which the kit listens. With --report, what happens to this process is told as JSON lines to
/// the socket at the second path. With --linger it does not end with its halves, but waits for a signal; with
/// --ignore-termination it outlives SIGTERM. Further words are only reported.
///
/// The result is the exit status: 0 after both ends, 1 if the kit cannot be reached, 64 for wrong arguments.
int bokbok_relay(int argument_count, char *const arguments[]);

#endif
