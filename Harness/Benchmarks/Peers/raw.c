// The floor: sockets and nothing else. A record is 4 bytes of length, of which the highest bit says that the message
// goes on in the next one, and then the bytes; sealed: ChaCha20-Poly1305 for each record of up to 64 KiB.
//
// --variant blocking: a thread for each connection, blocking reads and writes.
// Work "opening": the exchanges and writes of a connection of the library with one request: 40 bytes each way for
// preamble and SETTINGS (sealed: with the work of the handshake on each side), a request and its answer, 24 bytes each way
// for CLOSE, and the end of the stream each way.
//
// --variant epoll: one thread, level-triggered epoll, a read of up to 64 KiB and one write for each event.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "benchmark.h"

enum { READ_SIZE = 65536, SEALED_RECORD = 65536 };
#define MORE 0x80000000u

static benchmark_options options;

typedef struct {
  uint8_t *bytes;
  size_t start, end, capacity;
} buffer;

typedef struct connection {
  int fd;
  bool is_blocking, waits_for_output, is_over;
  buffer input, message, output;
  uint64_t seals, opens;
  // A client's.
  uint64_t sent, received, began;
  uint8_t *request;
  void (*received_message)(struct connection *, const uint8_t *, size_t);
} connection;

static void make_room(buffer *buffer, size_t count) {
  if (buffer->start == buffer->end) buffer->start = buffer->end = 0;
  if (buffer->capacity - buffer->end >= count) return;
  if (buffer->start > 0) {
    memmove(buffer->bytes, buffer->bytes + buffer->start, buffer->end - buffer->start);
    buffer->end -= buffer->start;
    buffer->start = 0;
  }
  if (buffer->capacity - buffer->end >= count) return;
  buffer->capacity = (buffer->end + count) * 2;
  buffer->bytes = realloc(buffer->bytes, buffer->capacity);
  if (buffer->bytes == NULL) benchmark_fail("no memory");
}

// False: the connection is over.
static bool flush(connection *connection) {
  buffer *output = &connection->output;
  while (output->start < output->end) {
    ssize_t count = send(connection->fd, output->bytes + output->start, output->end - output->start, MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN;
    output->start += (size_t)count;
  }
  return true;
}

static void send_record(connection *connection, const uint8_t *bytes, size_t count, uint32_t more) {
  buffer *output = &connection->output;
  size_t length = count + (options.sealed ? BENCHMARK_TAG : 0);
  make_room(output, 4 + length);
  uint32_t header = (uint32_t)length | more;
  memcpy(output->bytes + output->end, &header, 4);
  uint8_t *content = output->bytes + output->end + 4;
  memcpy(content, bytes, count);
  if (options.sealed) benchmark_seal(content, count, connection->seals++);
  output->end += 4 + length;
}

static void send_message(connection *connection, const uint8_t *bytes, size_t count) {
  if (!options.sealed && connection->is_blocking && count > READ_SIZE) {
    // No copy: what is there already, the header, and the message itself.
    make_room(&connection->output, 4);
    uint32_t header = (uint32_t)count;
    memcpy(connection->output.bytes + connection->output.end, &header, 4);
    connection->output.end += 4;
    flush(connection);
    for (size_t sent = 0; sent < count;) {
      ssize_t written = send(connection->fd, bytes + sent, count - sent, MSG_NOSIGNAL);
      if (written < 0) benchmark_fail("writing failed");
      sent += (size_t)written;
    }
    return;
  }
  while (options.sealed && count > SEALED_RECORD) {
    send_record(connection, bytes, SEALED_RECORD, MORE);
    bytes += SEALED_RECORD;
    count -= SEALED_RECORD;
    if (connection->is_blocking) flush(connection);
  }
  send_record(connection, bytes, count, 0);
}

static void take_messages(connection *connection) {
  buffer *input = &connection->input;
  while (!connection->is_over && input->end - input->start >= 4) {
    uint32_t header;
    memcpy(&header, input->bytes + input->start, 4);
    size_t length = header & ~MORE;
    if (input->end - input->start < 4 + length) {
      make_room(input, 4 + length - (input->end - input->start));
      return;
    }
    uint8_t *content = input->bytes + input->start + 4;
    size_t count = length;
    if (options.sealed) {
      benchmark_open(content, length, connection->opens++);
      count -= BENCHMARK_TAG;
    }
    input->start += 4 + length;
    buffer *message = &connection->message;
    if ((header & MORE) != 0 || message->end > 0) {
      make_room(message, count);
      memcpy(message->bytes + message->end, content, count);
      message->end += count;
      if ((header & MORE) != 0) continue;
      connection->received_message(connection, message->bytes, message->end);
      message->start = message->end = 0;
    } else {
      connection->received_message(connection, content, count);
    }
  }
}

// False: the connection is over.
static bool read_once(connection *connection) {
  buffer *input = &connection->input;
  make_room(input, input->capacity == 0 ? READ_SIZE : 1);
  size_t room = input->capacity - input->end;
  if (room < READ_SIZE / 2) {
    make_room(input, READ_SIZE);
    room = input->capacity - input->end;
  }
  ssize_t count = recv(connection->fd, input->bytes + input->end, room, 0);
  if (count < 0) return errno == EAGAIN;
  if (count == 0) return false;
  input->end += (size_t)count;
  take_messages(connection);
  return flush(connection);
}

enum { HELLO = 40, BYE = 24 };

static void serve_message(connection *connection, const uint8_t *bytes, size_t count) {
  if (options.sealed && count == HELLO) benchmark_agree();
  uint64_t number = benchmark_check(bytes, count, count);
  if (count == BENCHMARK_SMALL || (number & BENCHMARK_ECHO_BIT) != 0) {
    send_message(connection, bytes, count);
  } else {
    send_message(connection, (const uint8_t *)&number, BENCHMARK_ANSWER);
  }
}

static void send_request(connection *connection) {
  benchmark_set_number(connection->request, ++connection->sent);
  connection->began = strcmp(options.work, "latency") == 0 ? benchmark_nanoseconds() : 0;
  send_message(connection, connection->request, options.size);
}

static bool is_over = false;

static void take_answer(connection *connection, const uint8_t *bytes, size_t count) {
  size_t expected = options.size == BENCHMARK_SMALL ? BENCHMARK_SMALL : BENCHMARK_ANSWER;
  if (benchmark_check(bytes, count, expected) != ++connection->received) benchmark_fail("another's answer");
  if (benchmark_completed(connection->began)) {
    send_request(connection);
  } else {
    is_over = connection->is_over = true;
  }
}

// MARK: Sockets

static int make_socket(struct sockaddr_storage *address, socklen_t *length) {
  memset(address, 0, sizeof *address);
  if (options.is_unix) {
    struct sockaddr_un *path = (struct sockaddr_un *)address;
    path->sun_family = AF_UNIX;
    snprintf(path->sun_path, sizeof path->sun_path, "%s", options.host);
    *length = sizeof *path;
  } else {
    struct sockaddr_in *host = (struct sockaddr_in *)address;
    host->sin_family = AF_INET;
    host->sin_port = htons((uint16_t)options.port);
    if (inet_pton(AF_INET, options.host, &host->sin_addr) != 1) benchmark_fail("no IPv4 address");
    *length = sizeof *host;
  }
  int fd = socket(options.is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) benchmark_fail("no socket");
  return fd;
}

static void prepare(int fd, bool is_blocking) {
  int one = 1;
  if (!options.is_unix) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (!is_blocking) fcntl(fd, F_SETFL, O_NONBLOCK);
}

static connection *make_connection(int fd, bool is_blocking) {
  connection *made = calloc(1, sizeof *made);
  made->fd = fd;
  made->is_blocking = is_blocking;
  prepare(fd, is_blocking);
  return made;
}

static void release(connection *connection) {
  close(connection->fd);
  free(connection->input.bytes);
  free(connection->message.bytes);
  free(connection->output.bytes);
  free(connection);
}

static int listen_there(void) {
  struct sockaddr_storage address;
  socklen_t length;
  int fd = make_socket(&address, &length);
  int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, 4096) != 0) benchmark_fail("cannot listen");
  return fd;
}

static int connect_there(void) {
  struct sockaddr_storage address;
  socklen_t length;
  int fd = make_socket(&address, &length);
  if (connect(fd, (struct sockaddr *)&address, length) != 0) benchmark_fail("cannot connect");
  return fd;
}

// MARK: Blocking

static void *serve_blocking(void *argument) {
  connection *connection = argument;
  while (read_once(connection)) {
  }
  release(connection);
  return NULL;
}

static void run_blocking_server(void) {
  int fd = listen_there();
  benchmark_server_is_ready();
  while (true) {
    int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (accepted < 0) benchmark_fail("cannot accept");
    connection *made = make_connection(accepted, true);
    made->received_message = serve_message;
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve_blocking, made) != 0) benchmark_fail("no thread");
    pthread_detach(thread);
  }
}

static connection *start_client(bool is_blocking) {
  connection *made = make_connection(connect_there(), is_blocking);
  made->received_message = take_answer;
  made->request = malloc(options.size);
  benchmark_fill(made->request, options.size, 0);
  return made;
}

static void run_blocking_client(void) {
  if (options.connections != 1) benchmark_fail("the blocking client has one connection");
  connection *connection = start_client(true);
  benchmark_begin(&options, strcmp(options.work, "latency") == 0);
  for (int i = 0; i < options.under_way; i++) send_request(connection);
  flush(connection);
  while (!is_over) {
    if (!read_once(connection)) benchmark_fail("the server has gone");
  }
}

// MARK: Opening

static bool has_answer;

static void note_answer(connection *connection, const uint8_t *bytes, size_t count) {
  size_t expected = options.size == BENCHMARK_SMALL && connection->sent == 2 ? BENCHMARK_SMALL : BENCHMARK_ANSWER;
  if (benchmark_check(bytes, count, expected) != connection->sent) benchmark_fail("another's answer");
  has_answer = true;
}

static void exchange(connection *connection, size_t size) {
  uint8_t message[BENCHMARK_SMALL];
  benchmark_fill(message, size, ++connection->sent);
  has_answer = false;
  send_message(connection, message, size);
  flush(connection);
  while (!has_answer) {
    if (!read_once(connection)) benchmark_fail("the server has gone");
  }
}

static void run_opening_client(void) {
  benchmark_begin(&options, false);
  do {
    connection *connection = make_connection(connect_there(), true);
    connection->received_message = note_answer;
    if (options.sealed) benchmark_agree();
    exchange(connection, HELLO);
    exchange(connection, BENCHMARK_SMALL);
    exchange(connection, BYE);
    shutdown(connection->fd, SHUT_WR);
    if (read_once(connection)) benchmark_fail("the server does not end the stream");
    release(connection);
  } while (benchmark_completed(0));
}

// MARK: epoll

static void watch(int epoll, int operation, connection *connection, int fd, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  if (epoll_ctl(epoll, operation, fd, &event) != 0) benchmark_fail("epoll_ctl failed");
}

static void update_output(int epoll, connection *connection) {
  bool waits = connection->output.start < connection->output.end;
  if (waits == connection->waits_for_output) return;
  connection->waits_for_output = waits;
  watch(epoll, EPOLL_CTL_MOD, connection, connection->fd, EPOLLIN | (waits ? EPOLLOUT : 0));
}

static void run_loop(int epoll, int listening) {
  struct epoll_event events[64];
  while (!is_over) {
    int count = epoll_wait(epoll, events, 64, -1);
    for (int i = 0; i < count && !is_over; i++) {
      connection *ready = events[i].data.ptr;
      if (ready == NULL) {
        int accepted = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        if (accepted < 0) benchmark_fail("cannot accept");
        connection *made = make_connection(accepted, false);
        made->received_message = serve_message;
        watch(epoll, EPOLL_CTL_ADD, made, accepted, EPOLLIN);
        continue;
      }
      bool is_alive = true;
      if ((events[i].events & EPOLLOUT) != 0) is_alive = flush(ready);
      if (is_alive && (events[i].events & ~(uint32_t)EPOLLOUT) != 0) is_alive = read_once(ready);
      if (!is_alive) {
        if (listening < 0) benchmark_fail("the server has gone");
        release(ready);
        continue;
      }
      update_output(epoll, ready);
    }
  }
}

static void run_epoll_server(void) {
  int listening = listen_there();
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, EPOLL_CTL_ADD, NULL, listening, EPOLLIN);
  benchmark_server_is_ready();
  run_loop(epoll, listening);
}

static void run_epoll_client(void) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  benchmark_begin(&options, strcmp(options.work, "latency") == 0);
  for (int i = 0; i < options.connections; i++) {
    connection *connection = start_client(false);
    watch(epoll, EPOLL_CTL_ADD, connection, connection->fd, EPOLLIN);
    for (int j = 0; j < options.under_way; j++) send_request(connection);
    flush(connection);
    update_output(epoll, connection);
  }
  run_loop(epoll, -1);
}

int main(int argc, char **argv) {
  benchmark_parse(argc, argv, &options);
  signal(SIGPIPE, SIG_IGN);
  bool is_blocking = strcmp(options.variant, "blocking") == 0;
  if (!is_blocking && strcmp(options.variant, "epoll") != 0) benchmark_fail("--variant blocking or epoll");
  if (strcmp(options.role, "client") == 0 && strcmp(options.work, "opening") == 0) {
    run_opening_client();
    benchmark_report();
  } else if (strcmp(options.role, "server") == 0) {
    is_blocking ? run_blocking_server() : run_epoll_server();
  } else {
    is_blocking ? run_blocking_client() : run_epoll_client();
    benchmark_report();
  }
  return 0;
}
