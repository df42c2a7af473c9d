// What all peers share: options, what is sent and how it is checked, the clock and the report.
//
// A message is a number of 8 bytes, little-endian, and a pattern that depends on the place only. Both sides check each
// message that they receive with `benchmark_check`. A message of any size is answered by its number, 8 bytes, but one of
// 64 bytes, or one whose number has its highest bit set, by itself.

#ifndef BENCHMARK_H
#define BENCHMARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BENCHMARK_SMALL 64
#define BENCHMARK_ANSWER 8
#define BENCHMARK_ECHO_BIT (1ULL << 63)
/// What sealing adds to a record, in bytes.
#define BENCHMARK_TAG 16

typedef struct {
  /// "server" or "client".
  const char *role;
  /// True for a UNIX socket at `host`, else TCP.
  bool is_unix;
  const char *host;
  int port;
  /// "latency", "throughput", "bulk", "mixed", "opening" or "idle".
  const char *work;
  /// How long is measured, in seconds; a quarter of it goes before, unmeasured.
  double seconds;
  /// Instead of a time: so many requests, all of them counted; 0: not.
  unsigned long long requests;
  /// Requests under way on each connection.
  int under_way;
  int connections;
  /// Bytes of a message.
  size_t size;
  bool sealed;
  /// Peers with variants: "epoll", "blocking", "synchronous", …
  const char *variant;
  /// Who calls: "loop" or "task".
  const char *caller;
} benchmark_options;

/// PEER (server|client) ADDRESS [--work W] [--seconds S | --requests N] [--under-way N] [--connections N] [--size B] [--sealed]
/// [--variant V] [--caller C]. ADDRESS is tcp:HOST:PORT or unix:PATH. Ends the process where it is wrong.
void benchmark_parse(int argc, char **argv, benchmark_options *options);

/// Tells the runner that the server takes connections, and ends the process when standard input ends, from a thread of
/// its own.
void benchmark_server_is_ready(void);

/// The same thread, for clients that hold connections until they are told to end.
void benchmark_say(const char *line);

/// Ends the process with a complaint.
void benchmark_fail(const char *what) __attribute__((noreturn));

uint64_t benchmark_nanoseconds(void);

/// Fills a message.
void benchmark_fill(void *bytes, size_t count, uint64_t number);
/// The same for messages of the size of the options, copied from one that was filled once. One thread at a time at first.
void benchmark_copy(void *bytes, size_t count, uint64_t number);
/// Gives a filled message another number.
void benchmark_set_number(void *bytes, uint64_t number);
/// The number of a message; ends the process where its pattern is wrong (of a message over 64 bytes: each 1024th byte
/// and the last) or where it has not the number of bytes expected.
uint64_t benchmark_check(const void *bytes, size_t count, size_t expected);

// What is counted and timed. Thread safe.

/// Begins. `latencies`: also the time of each request.
void benchmark_begin(const benchmark_options *options, bool latencies);
/// A request has ended; `began` is when it began, or 0 where that is not recorded. False: the time is over.
bool benchmark_completed(uint64_t began);
/// Prints one line of JSON.
void benchmark_report(void);

// ChaCha20-Poly1305 (IETF), with a number as nonce, as each record of a sealed connection.

/// Seals in place; 16 bytes for the tag stand after `count`.
void benchmark_seal(void *bytes, size_t count, uint64_t nonce);
/// Opens `count` bytes, the tag among them, in place; ends the process where they are not authentic.
void benchmark_open(void *bytes, size_t count, uint64_t nonce);

/// The work of one side of a Noise NN handshake with two pre-shared keys: an ephemeral key, one agreement (X25519), 24
/// HMAC-SHA-256 and 8 SHA-256 of short texts.
void benchmark_agree(void);

#ifdef __cplusplus
}
#endif

#endif
