#include "CBokbokRelay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { buffer_size = 65536, pipe_write_size = 4096, descriptors_looked_at = 1024 };

struct options {
  const char *socket_path;
  const char *report_path;
  int lingers;
  int ignores_termination;
  char *const *words;
  int word_count;
};

// One direction.
struct half {
  int source;
  int sink;
  unsigned char buffer[buffer_size];
  size_t begin;
  size_t end;
  int source_open;
  int sink_open;
};

static struct timespec start_time;
static int signal_pipe[2] = {-1, -1};
static FILE *reports;
static unsigned char was_open[descriptors_looked_at];

// Notes which descriptors the process has inherited. Before anything else runs: where the relay is a part of a larger
// program, the runtime of that opens some of its own before it comes to the relay.
__attribute__((constructor)) static void note_descriptors(int argument_count, char *arguments[]) {
  int is_wanted = 0;
#if defined(__GLIBC__) || defined(__APPLE__)
  for (int word = 1; word < argument_count; word++) is_wanted |= strcmp(arguments[word], "--report") == 0;
#else
  // Other systems do not give the arguments to a constructor.
  (void)argument_count;
  (void)arguments;
  is_wanted = 1;
#endif
  if (!is_wanted) return;
  for (int number = 3; number < descriptors_looked_at; number++) was_open[number] = fcntl(number, F_GETFD) >= 0;
}

static long milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (now.tv_sec - start_time.tv_sec) * 1000 + (now.tv_nsec - start_time.tv_nsec) / 1000000;
}

static void report(const char *what) {
  if (reports == NULL) return;
  fprintf(reports, "{\"report\":\"%s\",\"ms\":%ld}\n", what, milliseconds());
  fflush(reports);
}

static void complain(const char *what, const char *about) {
  fprintf(stderr, "bokbok-relay: %s %s: %s\n", what, about, strerror(errno));
}

static void take_signal(int number) {
  unsigned char byte = (unsigned char)number;
  int saved = errno;
  ssize_t written = write(signal_pipe[1], &byte, 1);
  (void)written;
  errno = saved;
}

static int connected(const char *path) {
  struct sockaddr_un address;
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  if (descriptor < 0) return -1;
  if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0) return descriptor;
  int code = errno;
  close(descriptor);
  errno = code;
  return -1;
}

static int read_options(int count, char *const arguments[], struct options *options) {
  memset(options, 0, sizeof *options);
  if (count < 2) return 0;
  options->socket_path = arguments[1];
  int index = 2;
  for (; index < count; index++) {
    if (strcmp(arguments[index], "--report") == 0 && index + 1 < count) {
      options->report_path = arguments[++index];
    } else if (strcmp(arguments[index], "--linger") == 0) {
      options->lingers = 1;
    } else if (strcmp(arguments[index], "--ignore-termination") == 0) {
      options->ignores_termination = 1;
    } else {
      break;
    }
  }
  options->words = arguments + index;
  options->word_count = count - index;
  return 1;
}

// What the process was given: the words after the options, in hexadecimal digits, and every descriptor beside the
// standard ones.
static void report_start(const struct options *options) {
  if (reports == NULL) return;
  fprintf(reports, "{\"report\":\"started\",\"ms\":0,\"process\":%ld,\"words\":[", (long)getpid());
  for (int word = 0; word < options->word_count; word++) {
    fputs(word == 0 ? "\"" : ",\"", reports);
    for (const char *byte = options->words[word]; *byte; byte++) fprintf(reports, "%02x", (unsigned char)*byte);
    fputc('"', reports);
  }
  fputs("],\"descriptors\":[", reports);
  const char *separator = "";
  for (int descriptor = 3; descriptor < descriptors_looked_at; descriptor++) {
    if (!was_open[descriptor]) continue;
    fprintf(reports, "%s%d", separator, descriptor);
    separator = ",";
  }
  fputs("]}\n", reports);
  fflush(reports);
}

static void close_sink(struct half *half) {
  if (!half->sink_open) return;
  half->sink_open = 0;
  // Standard output is closed (F-3.e); of the socket only the half that is written to is shut.
  if (half->sink == STDOUT_FILENO) {
    close(half->sink);
  } else {
    shutdown(half->sink, SHUT_WR);
  }
}

// Nobody reads any more: the one who writes learns it by the end of this side's reading.
static void give_up(struct half *half) {
  half->begin = half->end = 0;
  if (half->sink == STDOUT_FILENO && half->sink_open) report("output-closed");
  close_sink(half);
  if (half->source_open && half->source == STDIN_FILENO) close(half->source);
  if (half->source_open && half->source != STDIN_FILENO) shutdown(half->source, SHUT_RD);
  half->source_open = 0;
}

static void take_in(struct half *half) {
  ssize_t count = read(half->source, half->buffer, buffer_size);
  if (count > 0) {
    half->begin = 0;
    half->end = (size_t)count;
  } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    half->source_open = 0;
    if (half->source == STDIN_FILENO) report("input-ended");
  }
}

static void give_out(struct half *half) {
  while (half->begin < half->end && half->sink_open) {
    size_t size = half->end - half->begin;
    ssize_t count;
    if (half->sink == STDOUT_FILENO) {
      // It may be shared with the process that started this one: it is not made non-blocking. A pipe that is ready
      // takes so much without blocking.
      count = write(half->sink, half->buffer + half->begin, size < pipe_write_size ? size : pipe_write_size);
    } else {
      count = send(half->sink, half->buffer + half->begin, size, MSG_DONTWAIT);
    }
    if (count > 0) {
      half->begin += (size_t)count;
      if (half->sink == STDOUT_FILENO) break;
    } else if (count < 0 && errno == EAGAIN) {
      break;
    } else if (count >= 0 || errno != EINTR) {
      return give_up(half);
    }
  }
}

static void serve(struct half *half, short source_events, short sink_events) {
  if (source_events != 0 && half->source_open && half->begin == half->end) take_in(half);
  if (half->sink_open && (sink_events & (POLLERR | POLLHUP | POLLNVAL)) != 0) return give_up(half);
  // What has just come to the socket's half goes out at once; standard output waits until it is ready.
  if (half->sink != STDOUT_FILENO || (sink_events & POLLOUT) != 0) give_out(half);
  if (!half->source_open && half->begin == half->end) close_sink(half);
}

// The number of a signal that ends the process; 0 once both halves have ended.
static int relay(int socket, const struct options *options) {
  static struct half outgoing, incoming;
  outgoing.source = STDIN_FILENO;
  outgoing.sink = incoming.source = socket;
  incoming.sink = STDOUT_FILENO;
  outgoing.source_open = outgoing.sink_open = incoming.source_open = incoming.sink_open = 1;
  struct half *halves[2] = {&outgoing, &incoming};
  int lingers = options->lingers;
  while (outgoing.sink_open || incoming.sink_open || lingers) {
    struct pollfd waits[5] = {{signal_pipe[0], POLLIN, 0}};
    for (int index = 0; index < 2; index++) {
      struct half *half = halves[index];
      int is_empty = half->begin == half->end;
      waits[1 + 2 * index].fd = half->source_open && is_empty ? half->source : -1;
      waits[1 + 2 * index].events = POLLIN;
      // Without anything to write: only to learn that nobody reads any more.
      waits[2 + 2 * index].fd = half->sink_open ? half->sink : -1;
      waits[2 + 2 * index].events = is_empty ? 0 : POLLOUT;
    }
    if (poll(waits, 5, -1) < 0) {
      if (errno == EINTR) continue;
      complain("cannot", "poll");
      return 0;
    }
    if (waits[0].revents != 0) {
      unsigned char number = 0;
      if (read(signal_pipe[0], &number, 1) == 1) {
        char text[32];
        snprintf(text, sizeof text, "signal-%d", number);
        report(text);
        if (number != SIGTERM || !options->ignores_termination) return number;
      }
    }
    for (int index = 0; index < 2; index++) {
      serve(halves[index], waits[1 + 2 * index].revents, waits[2 + 2 * index].revents);
    }
  }
  return 0;
}

static int prepare_signals(void) {
  if (pipe(signal_pipe) != 0) return 0;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = take_signal;
  const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
  for (size_t index = 0; index < sizeof numbers / sizeof *numbers; index++) sigaction(numbers[index], &action, NULL);
  signal(SIGPIPE, SIG_IGN);
  return 1;
}

int bokbok_relay(int argument_count, char *const arguments[]) {
  struct options options;
  clock_gettime(CLOCK_MONOTONIC, &start_time);
  if (!read_options(argument_count, arguments, &options)) {
    fputs("usage: bokbok-relay PATH [--report PATH] [--linger] [--ignore-termination] [WORD…]\n", stderr);
    return 64;
  }
  if (!prepare_signals()) {
    complain("cannot make", "a pipe");
    return 1;
  }
  if (options.report_path != NULL) {
    int descriptor = connected(options.report_path);
    reports = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (reports == NULL) {
      complain("cannot connect to", options.report_path);
      return 1;
    }
    report_start(&options);
  }
  int socket = connected(options.socket_path);
  if (socket < 0) {
    complain("cannot connect to", options.socket_path);
    return 1;
  }
  int number = relay(socket, &options);
  if (number == 0) {
    report("ended");
    return 0;
  }
  fprintf(stderr, "bokbok-relay: signal %d (%s) after %ld ms\n", number, strsignal(number), milliseconds());
  signal(number, SIG_DFL);
  kill(getpid(), number);
  return 128 + number;
}
