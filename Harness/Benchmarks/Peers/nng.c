// nng: REQ to REP with a context for each request under way and asynchronous operations, else its defaults. nng 1.5 has
// no encryption of its own but TLS in separate builds, so that it is measured plain only.

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "benchmark.h"

enum { SERVER_CONTEXTS = 1024 };

static benchmark_options options;

static void check(int result) {
  if (result != 0) benchmark_fail(nng_strerror(result));
}

typedef struct {
  nng_aio *aio;
  nng_ctx context;
  bool is_sending;
  uint64_t number, began;
} work;

static void serve(void *argument) {
  work *work = argument;
  check(nng_aio_result(work->aio));
  if (work->is_sending) {
    work->is_sending = false;
    nng_ctx_recv(work->context, work->aio);
    return;
  }
  nng_msg *message = nng_aio_get_msg(work->aio);
  size_t count = nng_msg_len(message);
  uint64_t number = benchmark_check(nng_msg_body(message), count, count);
  if (count != BENCHMARK_SMALL && (number & BENCHMARK_ECHO_BIT) == 0) nng_msg_chop(message, count - BENCHMARK_ANSWER);
  work->is_sending = true;
  nng_aio_set_msg(work->aio, message);
  nng_ctx_send(work->context, work->aio);
}

static void make_address(char *text, size_t size) {
  if (options.is_unix) {
    snprintf(text, size, "ipc://%s", options.host);
  } else {
    snprintf(text, size, "tcp://%s:%d", options.host, options.port);
  }
}

static void run_server(const char *address) {
  nng_socket socket;
  check(nng_rep0_open(&socket));
  check(nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, 0));
  for (int i = 0; i < SERVER_CONTEXTS; i++) {
    work *made = calloc(1, sizeof *made);
    check(nng_aio_alloc(&made->aio, serve, made));
    check(nng_ctx_open(&made->context, socket));
    nng_ctx_recv(made->context, made->aio);
  }
  check(nng_listen(socket, address, NULL, 0));
  benchmark_server_is_ready();
  while (true) pause();
}

static atomic_ullong last_number;
static pthread_mutex_t over_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t over = PTHREAD_COND_INITIALIZER;
static bool is_over = false;

static void send_request(work *work) {
  nng_msg *message;
  check(nng_msg_alloc(&message, options.size));
  work->number = atomic_fetch_add(&last_number, 1) + 1;
  benchmark_copy(nng_msg_body(message), options.size, work->number);
  work->began = strcmp(options.work, "latency") == 0 ? benchmark_nanoseconds() : 0;
  work->is_sending = true;
  nng_aio_set_msg(work->aio, message);
  nng_ctx_send(work->context, work->aio);
}

static void request(void *argument) {
  work *work = argument;
  check(nng_aio_result(work->aio));
  if (work->is_sending) {
    work->is_sending = false;
    nng_ctx_recv(work->context, work->aio);
    return;
  }
  nng_msg *message = nng_aio_get_msg(work->aio);
  size_t expected = options.size == BENCHMARK_SMALL ? BENCHMARK_SMALL : BENCHMARK_ANSWER;
  if (benchmark_check(nng_msg_body(message), nng_msg_len(message), expected) != work->number) {
    benchmark_fail("another's answer");
  }
  nng_msg_free(message);
  if (benchmark_completed(work->began)) {
    send_request(work);
    return;
  }
  pthread_mutex_lock(&over_lock);
  is_over = true;
  pthread_cond_signal(&over);
  pthread_mutex_unlock(&over_lock);
}

static void run_client(const char *address) {
  nng_socket *sockets = calloc((size_t)options.connections, sizeof *sockets);
  for (int i = 0; i < options.connections; i++) {
    check(nng_req0_open(&sockets[i]));
    check(nng_socket_set_size(sockets[i], NNG_OPT_RECVMAXSZ, 0));
    check(nng_dial(sockets[i], address, NULL, 0));
  }
  benchmark_begin(&options, strcmp(options.work, "latency") == 0);
  for (int i = 0; i < options.connections * options.under_way; i++) {
    work *made = calloc(1, sizeof *made);
    check(nng_aio_alloc(&made->aio, request, made));
    check(nng_ctx_open(&made->context, sockets[i / options.under_way]));
    send_request(made);
  }
  pthread_mutex_lock(&over_lock);
  while (!is_over) pthread_cond_wait(&over, &over_lock);
  pthread_mutex_unlock(&over_lock);
}

int main(int argc, char **argv) {
  benchmark_parse(argc, argv, &options);
  char address[512];
  make_address(address, sizeof address);
  if (strcmp(options.role, "server") == 0) {
    run_server(address);
  } else {
    run_client(address);
    benchmark_report();
    fflush(stdout);
    _exit(0);
  }
}
