/* The primitives of libsodium that the handshake, the records and the derivation of keys need. */

#include <sodium.h>
#include <string.h>

static int bokbok_begin(void) { return sodium_init() >= 0; }

static void bokbok_wipe(char *string, long length) { sodium_memzero(string, length); }

static void bokbok_hash(char *digest, char *message, long length) {
  crypto_hash_sha256((unsigned char *)digest, (unsigned char *)message, length);
}

static void bokbok_hmac(char *digest, char *key, long key_length, char *message, long length) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, (unsigned char *)key, key_length);
  crypto_auth_hmacsha256_update(&state, (unsigned char *)message, length);
  crypto_auth_hmacsha256_final(&state, (unsigned char *)digest);
  sodium_memzero(&state, sizeof state);
}

static void bokbok_public(char *public_key, char *secret) {
  crypto_scalarmult_base((unsigned char *)public_key, (unsigned char *)secret);
}

/* False if the shared secret is all zero. */
static int bokbok_shared(char *shared, char *secret, char *public_key) {
  return crypto_scalarmult((unsigned char *)shared, (unsigned char *)secret, (unsigned char *)public_key) == 0
      && !sodium_is_zero((unsigned char *)shared, 32);
}

/* R-2.d: four zero bytes and the counter in little-endian order. */
static void bokbok_nonce(unsigned char *nonce, uint64_t counter) {
  memset(nonce, 0, 4);
  for (int i = 0; i < 8; i++) nonce[4 + i] = (unsigned char)(counter >> (8 * i));
}

static void bokbok_seal(char *to, long at, char *key, uint64_t counter, char *data, long data_length,
                        char *from, long start, long length) {
  unsigned char nonce[12];
  bokbok_nonce(nonce, counter);
  crypto_aead_chacha20poly1305_ietf_encrypt((unsigned char *)to + at, NULL, (unsigned char *)from + start, length,
                                            (unsigned char *)data, data_length, NULL, nonce, (unsigned char *)key);
}

static int bokbok_open(char *to, long at, char *key, uint64_t counter, char *data, long data_length,
                       char *from, long start, long length) {
  unsigned char nonce[12];
  bokbok_nonce(nonce, counter);
  return crypto_aead_chacha20poly1305_ietf_decrypt((unsigned char *)to + at, NULL, NULL,
                                                   (unsigned char *)from + start, length, (unsigned char *)data,
                                                   data_length, nonce, (unsigned char *)key) == 0;
}

static int bokbok_derive(char *key, char *passphrase, long length, char *salt) {
  return crypto_pwhash((unsigned char *)key, 32, passphrase, length, (unsigned char *)salt, 3, 65536ull * 1024,
                       crypto_pwhash_ALG_ARGON2ID13) == 0;
}
