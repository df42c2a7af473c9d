#define _GNU_SOURCE
#include "benchmark.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void benchmark_fail(const char *what) {
  fprintf(stderr, "benchmark: %s\n", what);
  _exit(1);
}

void benchmark_parse(int argc, char **argv, benchmark_options *options) {
  *options = (benchmark_options){
      .work = "latency",
      .seconds = 1,
      .under_way = 1,
      .connections = 1,
      .size = BENCHMARK_SMALL,
      .variant = "",
      .caller = "task",
  };
  if (argc < 3) benchmark_fail("usage: PEER server|client ADDRESS [OPTIONS]");
  options->role = argv[1];
  char *address = strdup(argv[2]);
  if (strncmp(address, "unix:", 5) == 0) {
    options->is_unix = true;
    options->host = address + 5;
  } else if (strncmp(address, "tcp:", 4) == 0) {
    char *colon = strrchr(address, ':');
    options->port = atoi(colon + 1);
    *colon = 0;
    options->host = address + 4;
  } else {
    benchmark_fail("an address is tcp:HOST:PORT or unix:PATH");
  }
  for (int i = 3; i < argc; i++) {
    const char *name = argv[i];
    if (strcmp(name, "--sealed") == 0) {
      options->sealed = true;
      continue;
    }
    if (i + 1 == argc) benchmark_fail("an option without its value");
    const char *value = argv[++i];
    if (strcmp(name, "--work") == 0) {
      options->work = value;
    } else if (strcmp(name, "--seconds") == 0) {
      options->seconds = atof(value);
    } else if (strcmp(name, "--requests") == 0) {
      options->requests = strtoull(value, NULL, 10);
    } else if (strcmp(name, "--under-way") == 0) {
      options->under_way = atoi(value);
    } else if (strcmp(name, "--connections") == 0) {
      options->connections = atoi(value);
    } else if (strcmp(name, "--size") == 0) {
      options->size = strtoull(value, NULL, 10);
    } else if (strcmp(name, "--variant") == 0) {
      options->variant = value;
    } else if (strcmp(name, "--caller") == 0) {
      options->caller = value;
    } else {
      benchmark_fail("an option that is not known");
    }
  }
  if (sodium_init() < 0) benchmark_fail("libsodium does not start");
}

static void *wait_for_end(void *unused) {
  (void)unused;
  char bytes[64];
  while (read(STDIN_FILENO, bytes, sizeof bytes) > 0) {
  }
  _exit(0);
}

void benchmark_say(const char *line) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, wait_for_end, NULL) != 0) benchmark_fail("no thread");
  printf("%s\n", line);
  fflush(stdout);
}

void benchmark_server_is_ready(void) { benchmark_say("ready"); }

uint64_t benchmark_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

// MARK: Messages

static inline uint8_t pattern(size_t index) { return (uint8_t)(index * 167 + (index >> 8) + 13); }

static const uint8_t *small_pattern(void) {
  static uint8_t bytes[BENCHMARK_SMALL];
  static atomic_bool is_filled;
  if (!atomic_load_explicit(&is_filled, memory_order_acquire)) {
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = pattern(i);
    atomic_store_explicit(&is_filled, true, memory_order_release);
  }
  return bytes;
}

void benchmark_set_number(void *bytes, uint64_t number) { memcpy(bytes, &number, sizeof number); }

void benchmark_fill(void *bytes, size_t count, uint64_t number) {
  uint8_t *byte = bytes;
  for (size_t i = 8; i < count; i++) byte[i] = pattern(i);
  benchmark_set_number(bytes, number);
}

void benchmark_copy(void *bytes, size_t count, uint64_t number) {
  static uint8_t *template;
  static size_t template_count;
  if (template_count != count) {
    template = realloc(template, count);
    benchmark_fill(template, count, 0);
    template_count = count;
  }
  memcpy(bytes, template, count);
  benchmark_set_number(bytes, number);
}

uint64_t benchmark_check(const void *bytes, size_t count, size_t expected) {
  if (count != expected) benchmark_fail("a message has another size than expected");
  const uint8_t *byte = bytes;
  if (count <= BENCHMARK_SMALL) {
    if (count > 8 && memcmp(byte + 8, small_pattern() + 8, count - 8) != 0) {
      benchmark_fail("the bytes of a small message are wrong");
    }
  } else {
    for (size_t i = 1024; i < count; i += 1024) {
      if (byte[i] != pattern(i)) benchmark_fail("the bytes of a large message are wrong");
    }
    if (byte[count - 1] != pattern(count - 1)) benchmark_fail("the last byte of a large message is wrong");
  }
  uint64_t number;
  memcpy(&number, bytes, sizeof number);
  return number;
}

// MARK: Counting

enum { LATENCIES_MAX = 1 << 22 };
enum { PHASE_WARM_UP, PHASE_MEASURING, PHASE_OVER };

static struct {
  atomic_ullong count;
  atomic_int phase;
  uint64_t mask, requests;
  bool wants_latencies;
  uint64_t warm_up_ends, ends;
  uint64_t length;
  uint64_t first_count, last_count, first_time, last_time;
  atomic_ullong latency_count;
  uint32_t *latencies;
} recorder;

void benchmark_begin(const benchmark_options *options, bool latencies) {
  recorder.wants_latencies = latencies;
  // Where requests are quick, the clock is looked at seldom.
  recorder.mask = latencies || options->size > 4096 || strcmp(options->work, "opening") == 0 ? 0 : 63;
  recorder.latencies = latencies ? malloc(LATENCIES_MAX * sizeof(uint32_t)) : NULL;
  uint64_t now = benchmark_nanoseconds();
  recorder.requests = options->requests;
  recorder.first_time = now;
  recorder.length = (uint64_t)(options->seconds * 1e9);
  recorder.warm_up_ends = now + recorder.length / 4;
}

bool benchmark_completed(uint64_t began) {
  uint64_t count = atomic_fetch_add_explicit(&recorder.count, 1, memory_order_relaxed) + 1;
  if (recorder.requests != 0) {
    if (count == recorder.requests) {
      recorder.last_count = count;
      recorder.last_time = benchmark_nanoseconds();
      atomic_store_explicit(&recorder.phase, PHASE_OVER, memory_order_release);
    }
    return count < recorder.requests;
  }
  int phase = atomic_load_explicit(&recorder.phase, memory_order_acquire);
  if ((count & recorder.mask) != 0) return phase != PHASE_OVER;
  uint64_t now = benchmark_nanoseconds();
  if (phase == PHASE_WARM_UP && now >= recorder.warm_up_ends) {
    static atomic_flag is_claimed = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&is_claimed)) {
      recorder.first_count = count;
      recorder.first_time = now;
      recorder.ends = now + recorder.length;
      atomic_store_explicit(&recorder.phase, PHASE_MEASURING, memory_order_release);
    }
    return true;
  }
  if (phase == PHASE_MEASURING) {
    if (recorder.wants_latencies && began != 0) {
      uint64_t index = atomic_fetch_add_explicit(&recorder.latency_count, 1, memory_order_relaxed);
      if (index < LATENCIES_MAX) {
        uint64_t taken = now - began;
        recorder.latencies[index] = taken > UINT32_MAX ? UINT32_MAX : (uint32_t)taken;
      }
    }
    if (now >= recorder.ends) {
      static atomic_flag is_claimed = ATOMIC_FLAG_INIT;
      if (!atomic_flag_test_and_set(&is_claimed)) {
        recorder.last_count = count;
        recorder.last_time = now;
        atomic_store_explicit(&recorder.phase, PHASE_OVER, memory_order_release);
      }
      return false;
    }
  }
  return phase != PHASE_OVER;
}

static int compare(const void *left, const void *right) {
  uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
  return a < b ? -1 : a > b;
}

void benchmark_report(void) {
  if (atomic_load(&recorder.phase) != PHASE_OVER) benchmark_fail("the measurement did not end");
  printf("{\"requests\": %llu, \"nanoseconds\": %llu", (unsigned long long)(recorder.last_count - recorder.first_count),
         (unsigned long long)(recorder.last_time - recorder.first_time));
  uint64_t count = atomic_load(&recorder.latency_count);
  if (count > LATENCIES_MAX) count = LATENCIES_MAX;
  if (count > 0) {
    qsort(recorder.latencies, count, sizeof(uint32_t), compare);
    printf(", \"p50\": %u, \"p99\": %u, \"p999\": %u", recorder.latencies[count / 2],
           recorder.latencies[count - 1 - count / 100], recorder.latencies[count - 1 - count / 1000]);
  }
  printf("}\n");
  fflush(stdout);
}

// MARK: Sealing

static const uint8_t key[crypto_aead_chacha20poly1305_IETF_KEYBYTES] = {7, 1, 9};

static void make_nonce(uint8_t *bytes, uint64_t nonce) {
  memset(bytes, 0, crypto_aead_chacha20poly1305_IETF_NPUBBYTES);
  memcpy(bytes + 4, &nonce, sizeof nonce);
}

void benchmark_seal(void *bytes, size_t count, uint64_t nonce) {
  uint8_t public_nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];
  make_nonce(public_nonce, nonce);
  crypto_aead_chacha20poly1305_ietf_encrypt(bytes, NULL, bytes, count, NULL, 0, NULL, public_nonce, key);
}

void benchmark_open(void *bytes, size_t count, uint64_t nonce) {
  uint8_t public_nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];
  make_nonce(public_nonce, nonce);
  if (crypto_aead_chacha20poly1305_ietf_decrypt(bytes, NULL, NULL, bytes, count, NULL, 0, public_nonce, key) != 0) {
    benchmark_fail("a record is not authentic");
  }
}

void benchmark_agree(void) {
  uint8_t secret[32], public_key[32], shared[32], hash[32];
  randombytes_buf(secret, sizeof secret);
  crypto_scalarmult_base(public_key, secret);
  // The other side's key: any point will do.
  if (crypto_scalarmult(shared, secret, public_key) != 0) benchmark_fail("no agreement");
  memcpy(hash, shared, sizeof hash);
  for (int i = 0; i < 24; i++) crypto_auth_hmacsha256(hash, public_key, sizeof public_key, hash);
  for (int i = 0; i < 8; i++) crypto_hash_sha256(hash, hash, sizeof hash);
}
