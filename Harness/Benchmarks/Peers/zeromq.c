// ZeroMQ: DEALER to ROUTER, one context with one I/O thread on each side, no high-water mark, else its defaults (it sets
// TCP_NODELAY itself). --sealed: CURVE.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "benchmark.h"

static benchmark_options options;

// Text of the keys, as ZeroMQ wants them.
static char server_public[41], server_secret[41];

static void check(int result) {
  if (result < 0) benchmark_fail(zmq_strerror(zmq_errno()));
}

static void set_up(void *socket, bool is_server) {
  int zero = 0;
  check(zmq_setsockopt(socket, ZMQ_SNDHWM, &zero, sizeof zero));
  check(zmq_setsockopt(socket, ZMQ_RCVHWM, &zero, sizeof zero));
  check(zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero));
  if (!options.sealed) return;
  // The same pair on both sides: from a fixed secret, so that the client knows the server's public key.
  uint8_t secret[32];
  memset(secret, 5, sizeof secret);
  zmq_z85_encode(server_secret, secret, sizeof secret);
  check(zmq_curve_public(server_public, server_secret));
  if (is_server) {
    int one = 1;
    check(zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &one, sizeof one));
    check(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, server_secret, 40));
  } else {
    char public[41], private[41];
    check(zmq_curve_keypair(public, private));
    check(zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_public, 40));
    check(zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public, 40));
    check(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, private, 40));
  }
}

static void make_address(char *text, size_t size) {
  if (options.is_unix) {
    snprintf(text, size, "ipc://%s", options.host);
  } else {
    snprintf(text, size, "tcp://%s:%d", options.host, options.port);
  }
}

static void serve(void *context, const char *address) {
  void *socket = zmq_socket(context, ZMQ_ROUTER);
  set_up(socket, true);
  check(zmq_bind(socket, address));
  benchmark_server_is_ready();
  while (true) {
    zmq_msg_t identity, message;
    zmq_msg_init(&identity);
    zmq_msg_init(&message);
    check(zmq_msg_recv(&identity, socket, 0));
    check(zmq_msg_recv(&message, socket, 0));
    size_t count = zmq_msg_size(&message);
    uint64_t number = benchmark_check(zmq_msg_data(&message), count, count);
    check(zmq_msg_send(&identity, socket, ZMQ_SNDMORE));
    if (count == BENCHMARK_SMALL || (number & BENCHMARK_ECHO_BIT) != 0) {
      check(zmq_msg_send(&message, socket, 0));
    } else {
      check(zmq_send(socket, &number, sizeof number, 0));
      zmq_msg_close(&message);
    }
  }
}

typedef struct {
  void *socket;
  uint64_t sent, received, began;
} connection;

static uint8_t *request;

static void send_request(connection *connection) {
  benchmark_set_number(request, ++connection->sent);
  connection->began = strcmp(options.work, "latency") == 0 ? benchmark_nanoseconds() : 0;
  check(zmq_send(connection->socket, request, options.size, 0));
}

// False: the time is over.
static bool take_answer(connection *connection, zmq_msg_t *message) {
  size_t expected = options.size == BENCHMARK_SMALL ? BENCHMARK_SMALL : BENCHMARK_ANSWER;
  uint64_t number = benchmark_check(zmq_msg_data(message), zmq_msg_size(message), expected);
  if (number != ++connection->received) benchmark_fail("another's answer");
  return benchmark_completed(connection->began);
}

static void run_client(void *context, const char *address) {
  request = malloc(options.size);
  benchmark_fill(request, options.size, 0);
  int count = options.connections;
  connection *connections = calloc((size_t)count, sizeof *connections);
  zmq_pollitem_t *items = calloc((size_t)count, sizeof *items);
  for (int i = 0; i < count; i++) {
    connections[i].socket = zmq_socket(context, ZMQ_DEALER);
    set_up(connections[i].socket, false);
    check(zmq_connect(connections[i].socket, address));
    items[i] = (zmq_pollitem_t){.socket = connections[i].socket, .events = ZMQ_POLLIN};
  }
  benchmark_begin(&options, strcmp(options.work, "latency") == 0);
  for (int i = 0; i < count; i++) {
    for (int j = 0; j < options.under_way; j++) send_request(&connections[i]);
  }
  zmq_msg_t message;
  zmq_msg_init(&message);
  while (count == 1) {
    check(zmq_msg_recv(&message, connections[0].socket, 0));
    if (!take_answer(&connections[0], &message)) return;
    send_request(&connections[0]);
  }
  while (true) {
    check(zmq_poll(items, count, -1));
    for (int i = 0; i < count; i++) {
      if ((items[i].revents & ZMQ_POLLIN) == 0) continue;
      while (zmq_msg_recv(&message, connections[i].socket, ZMQ_DONTWAIT) >= 0) {
        if (!take_answer(&connections[i], &message)) return;
        send_request(&connections[i]);
      }
    }
  }
}

int main(int argc, char **argv) {
  benchmark_parse(argc, argv, &options);
  char address[512];
  make_address(address, sizeof address);
  void *context = zmq_ctx_new();
  if (strcmp(options.role, "server") == 0) {
    serve(context, address);
  } else {
    run_client(context, address);
    benchmark_report();
    fflush(stdout);
    _exit(0);
  }
}
