/* What the operating system does for this implementation. A negative result is -errno. Files that are opened here are
   not inherited by commands. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

#define RESULT(call) ((call) < 0 ? -errno : 0)

static long system_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}

/* Polling: SET is an array of struct pollfd. Interests and results: 1 reading, 2 writing. */

static int system_poll_size(void) { return sizeof(struct pollfd); }

static void system_poll_set(char *set, int index, int fd, int interests) {
  struct pollfd *entry = (struct pollfd *)set + index;
  entry->fd = fd;
  entry->events = (interests & 1 ? POLLIN : 0) | (interests & 2 ? POLLOUT : 0);
  entry->revents = 0;
}

static int system_poll(char *set, int count, int timeout) {
  int ready = poll((struct pollfd *)set, count, timeout);
  return ready < 0 ? -errno : ready;
}

/* A stream that has failed or ended is ready for everything, so that the attempt finds out. */
static int system_poll_get(char *set, int index) {
  int events = ((struct pollfd *)set)[index].revents;
  int ended = events & (POLLERR | POLLHUP | POLLNVAL);
  return (events & POLLIN || ended ? 1 : 0) | (events & POLLOUT || ended ? 2 : 0);
}

static int ready(int fd, int events) {
  struct pollfd entry = {fd, events, 0};
  int count;
  do count = poll(&entry, 1, 0); while (count < 0 && errno == EINTR);
  return count != 0;
}

/* Reading and writing never block. Pipes are left as they are, since O_NONBLOCK would change them for every process
   that shares them: a pipe that is ready takes PIPE_BUF bytes. */

static long system_read(int fd, int is_socket, char *buffer, long count) {
  long result;
  if (!is_socket && !ready(fd, POLLIN)) return -EAGAIN;
  do result = is_socket ? recv(fd, buffer, count, MSG_DONTWAIT) : read(fd, buffer, count);
  while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

static long system_write(int fd, int is_socket, char *buffer, long start, long count) {
  long result;
  if (!is_socket) {
    if (!ready(fd, POLLOUT)) return -EAGAIN;
    if (count > PIPE_BUF) count = PIPE_BUF;
  }
  do result = is_socket ? send(fd, buffer + start, count, MSG_DONTWAIT | MSG_NOSIGNAL)
                        : write(fd, buffer + start, count);
  while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

static int system_is_again(long result) { return result == -EAGAIN || result == -EWOULDBLOCK; }

static int system_close(int fd) { return RESULT(close(fd)); }

static int system_shutdown(int fd) { return RESULT(shutdown(fd, SHUT_WR)); }

static void system_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }

static int private_fd(int fd) {
  if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

static int system_keep_private(int fd) { return RESULT(fcntl(fd, F_SETFD, FD_CLOEXEC)); }

/* What a descriptor is: 1 a socket, 0 something else. */
static int system_is_socket(int fd) {
  struct stat status;
  if (fstat(fd, &status) < 0) return -errno;
  return S_ISSOCK(status.st_mode);
}

static int system_same_file(int a, int b) {
  struct stat first, second;
  if (fstat(a, &first) < 0 || fstat(b, &second) < 0) return -errno;
  return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

/* A copy of the descriptor above the standard ones; the original then leads to TARGET (-1: to /dev/null). */
static int system_move_away(int fd, int target) {
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return -errno;
  int other = target < 0 ? open("/dev/null", O_RDWR) : target;
  if (other >= 0 && other != fd) dup2(other, fd);
  if (target < 0 && other > 2) close(other);
  return copy;
}

/* TCP */

#define ADDRESSES 16
static struct sockaddr_storage addresses[ADDRESSES];
static socklen_t address_lengths[ADDRESSES];
static const char *resolve_problem;

/* How many addresses a host has; -1 if the look-up fails, see system_resolve_problem. */
static int system_resolve(char *host, char *port, int passive) {
  struct addrinfo hints = {0}, *found, *next;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = passive ? AI_PASSIVE : 0;
  int problem = getaddrinfo(host, port, &hints, &found), count = 0;
  if (problem) {
    resolve_problem = gai_strerror(problem);
    return -1;
  }
  for (next = found; next && count < ADDRESSES; next = next->ai_next, count++) {
    memcpy(&addresses[count], next->ai_addr, next->ai_addrlen);
    address_lengths[count] = next->ai_addrlen;
  }
  freeaddrinfo(found);
  return count;
}

static const char *system_resolve_problem(void) { return resolve_problem; }
static int system_address_length(int index) { return address_lengths[index]; }
static void system_address(int index, char *to) { memcpy(to, &addresses[index], address_lengths[index]); }

static void prepare(int fd) {
  int one = 1;
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static int failed(int fd) {
  int problem = errno;
  close(fd);
  return -problem;
}

static int system_listen_tcp(char *address, int length) {
  int one = 1, fd = socket(((struct sockaddr *)address)->sa_family, SOCK_STREAM, 0);
  if (fd < 0) return -errno;
  prepare(fd);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)address, length) < 0 || listen(fd, 511) < 0) return failed(fd);
  return fd;
}

/* A socket that is connecting: it is ready for writing when that has ended. */
static int system_connect(char *address, int length) {
  int fd = socket(((struct sockaddr *)address)->sa_family, SOCK_STREAM, 0);
  if (fd < 0) return -errno;
  prepare(fd);
  if (connect(fd, (struct sockaddr *)address, length) < 0 && errno != EINPROGRESS && errno != EINTR) return failed(fd);
  return fd;
}

static int system_socket_error(int fd) {
  int problem = 0;
  socklen_t size = sizeof problem;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size) < 0) return errno;
  return problem;
}

static int system_accept(int fd) {
  int accepted = accept(fd, NULL, NULL);
  if (accepted < 0) return -errno;
  prepare(accepted);
  return accepted;
}

/* Whether accepting failed because descriptors or memory ran out (O-12.c). */
static int system_is_short(int result) {
  return result == -EMFILE || result == -ENFILE || result == -ENOBUFS || result == -ENOMEM;
}

/* HOST:PORT of one end of a TCP connection into TO, which has 80 bytes; the length. */
static int system_end_name(int fd, int other, char *to) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  char host[INET6_ADDRSTRLEN];
  if ((other ? getpeername : getsockname)(fd, (struct sockaddr *)&address, &size) < 0) return -errno;
  if (address.ss_family == AF_INET) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
    return snprintf(to, 80, "%s:%d", host, ntohs(v4->sin_port));
  }
  if (address.ss_family == AF_INET6) {
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
    return snprintf(to, 80, "[%s]:%d", host, ntohs(v6->sin6_port));
  }
  return 0;
}

/* UNIX sockets */

static int system_unix_limit(void) { return sizeof(((struct sockaddr_un *)0)->sun_path) - 1; }

static void unix_address(struct sockaddr_un *address, char *path) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  strncpy(address->sun_path, path, sizeof address->sun_path - 1);
}

static int system_connect_unix(char *path) {
  struct sockaddr_un address;
  unix_address(&address, path);
  return system_connect((char *)&address, sizeof address);
}

/* A-1.c, A-1.d: the mode holds from the moment the file is there, and nobody can connect before the socket listens. */
static int system_bind_unix(char *path, int mode) {
  struct sockaddr_un address;
  unix_address(&address, path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) return -errno;
  prepare(fd);
  mode_t mask = umask(0777 & ~mode);
  int result = bind(fd, (struct sockaddr *)&address, sizeof address), problem = errno;
  umask(mask);
  errno = problem;
  if (result < 0 || chmod(path, mode) < 0) return failed(fd);
  return fd;
}

static int system_listen(int fd) { return RESULT(listen(fd, 511)); }

/* What is at a path: 0 nothing, 1 a socket, 2 something else. Device and inode into IDENTITY, which has 16 bytes. */
static int system_path_kind(char *path, char *identity) {
  struct stat status;
  if (lstat(path, &status) < 0) return errno == ENOENT ? 0 : -errno;
  unsigned long long numbers[2] = {status.st_dev, status.st_ino};
  memcpy(identity, numbers, 16);
  return S_ISSOCK(status.st_mode) ? 1 : 2;
}

static int system_unlink(char *path) { return RESULT(unlink(path)); }

/* A-1.h, A-1.i */
static int system_lock(char *path) {
  int fd = private_fd(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd < 0) return fd;
  if (flock(fd, LOCK_EX | LOCK_NB) < 0) return failed(fd);
  fchmod(fd, 0600);
  return fd;
}

static int system_would_block(int result) { return result == -EWOULDBLOCK; }
static int system_is_refused(int result) { return result == -ECONNREFUSED; }
static int system_is_missing(int result) { return result == -ENOENT; }

/* Commands */

static int child_pipe[2] = {-1, -1};

static void child_ended(int signal) {
  int problem = errno;
  if (write(child_pipe[1], "", 1) < 0) { /* the pipe is full: the reader knows */ }
  errno = problem;
}

/* A descriptor that becomes readable when a child has ended. */
static int system_children(void) {
  if (child_pipe[0] >= 0) return child_pipe[0];
  if (pipe(child_pipe) < 0) return -errno;
  for (int i = 0; i < 2; i++) {
    private_fd(child_pipe[i]);
    fcntl(child_pipe[i], F_SETFL, O_NONBLOCK);
  }
  struct sigaction action = {0};
  action.sa_handler = child_ended;
  action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
  sigaction(SIGCHLD, &action, NULL);
  return child_pipe[0];
}

static void close_above(int first) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
#endif
  for (long fd = first, last = sysconf(_SC_OPEN_MAX); fd < (last > 0 ? last : 1024); fd++) close(fd);
}

static void run(char **words, int input, int output, int report) {
  /* A-3.d: nothing but the standard descriptors; the report closes itself. */
  if (input < 3) input = fcntl(input, F_DUPFD, 3);
  if (output < 3) output = fcntl(output, F_DUPFD, 3);
  if (report < 3) report = fcntl(report, F_DUPFD, 3);
  if (dup2(input, 0) >= 0 && dup2(output, 1) >= 0) {
    int kept = report == 3 ? 3 : dup2(report, 3);
    fcntl(kept, F_SETFD, FD_CLOEXEC);
    report = kept;
    close_above(4);
    struct sigaction action = {0};
    sigset_t none;
    action.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; number++) sigaction(number, &action, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(words[0], words);
  }
  int problem = errno;
  if (write(report, &problem, sizeof problem) < 0) { /* the parent takes it for a start */ }
  _exit(127);
}

/* Starts a command. WORDS holds COUNT words, each with its zero. Answers the process; the descriptor that the command
   reads from and the one that it writes to go into *TO and *FROM. */
static int system_spawn(char *words, int count, int *to, int *from) {
  int down[2], up[2], report[2], problem = 0;
  char **arguments = calloc(count + 1, sizeof *arguments);
  if (!arguments) return -ENOMEM;
  for (int i = 0; i < count; i++, words += strlen(words) + 1) arguments[i] = words;
  if (pipe(down) < 0) { free(arguments); return -errno; }
  if (pipe(up) < 0) { problem = errno; goto no_up; }
  if (pipe(report) < 0) { problem = errno; goto no_report; }
  private_fd(down[1]);
  private_fd(up[0]);
  private_fd(report[0]);
  private_fd(report[1]);
  pid_t process = fork();
  if (process == 0) run(arguments, down[0], up[1], report[1]);
  if (process < 0) problem = errno;
  close(report[1]);
  if (process > 0) {
    long result;
    do result = read(report[0], &problem, sizeof problem); while (result < 0 && errno == EINTR);
    if (result > 0) waitpid(process, NULL, 0);
    else problem = 0;
  }
  close(report[0]);
no_report:
  close(up[1]);
  if (problem) close(up[0]);
no_up:
  close(down[0]);
  if (problem) close(down[1]);
  free(arguments);
  if (problem) return -problem;
  *to = down[1];
  *from = up[0];
  return process;
}

/* How a process ended: -1 not yet, its exit status, or 256 and the signal; -2 if it is no child. */
static int system_reap(int process) {
  int status;
  pid_t result = waitpid(process, &status, WNOHANG);
  if (result == 0 || (result < 0 && errno == EINTR)) return -1;
  if (result < 0) return -2;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static int system_signal(int process, int kill_it) { return RESULT(kill(process, kill_it ? SIGKILL : SIGTERM)); }
