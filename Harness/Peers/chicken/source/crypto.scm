;;; Cryptographic primitives, all of them libsodium's.

(declare (unit bokbok.crypto) (uses bokbok.bytes))
(foreign-declare "#include \"crypto.h\"")

(module (bokbok crypto)
  (sha-256 hmac-sha-256 random-bytes x25519-public x25519-shared seal-bytes! open-bytes! argon2id wipe!)

(import scheme (chicken base) (chicken foreign)
        (bokbok bytes))

(define tag-size 16)

(unless ((foreign-lambda bool "bokbok_begin"))
  (error "libsodium cannot be initialised"))

;; Overwrites a secret with zeros (H-8). The collector may have copied it before; a language that moves objects cannot
;; do better.
(define (wipe! string)
  ((foreign-lambda void "bokbok_wipe" nonnull-scheme-pointer long) string (string-length string)))

(define (random-bytes count)
  (let ((result (make-string count)))
    ((foreign-lambda* void ((nonnull-scheme-pointer to) (long count)) "randombytes_buf(to, count);") result count)
    result))

(define (sha-256 message)
  (let ((digest (make-string 32)))
    ((foreign-lambda void "bokbok_hash" nonnull-scheme-pointer nonnull-scheme-pointer long) digest message (string-length message))
    digest))

(define (hmac-sha-256 key message)
  (let ((digest (make-string 32)))
    ((foreign-lambda void "bokbok_hmac" nonnull-scheme-pointer nonnull-scheme-pointer long nonnull-scheme-pointer long)
     digest key (string-length key) message (string-length message))
    digest))

(define (x25519-public secret)
  (let ((public (make-string 32)))
    ((foreign-lambda void "bokbok_public" nonnull-scheme-pointer nonnull-scheme-pointer) public secret)
    public))

;; The shared secret, or #f if it is all zero (H-6).
(define (x25519-shared secret public)
  (let ((shared (make-string 32)))
    (and ((foreign-lambda bool "bokbok_shared" nonnull-scheme-pointer nonnull-scheme-pointer nonnull-scheme-pointer) shared secret public)
         shared)))

(define (check-range string start length)
  (unless (and (<= 0 start) (<= 0 length) (<= (+ start length) (string-length string)))
    (error "a range out of its string" start length (string-length string))))

;; ChaCha20-Poly1305 of LENGTH bytes of FROM at START, with the ciphertext and its tag of 16 bytes to TO at AT.
(define (seal-bytes! to at key counter data from start length)
  (check-range from start length)
  (check-range to at (+ length tag-size))
  ((foreign-lambda void "bokbok_seal" nonnull-scheme-pointer long nonnull-scheme-pointer unsigned-integer64 nonnull-scheme-pointer long
                   nonnull-scheme-pointer long long)
   to at key counter data (string-length data) from start length))

;; The reverse; LENGTH counts the tag. False, and nothing to be used in TO, if the ciphertext does not authenticate.
(define (open-bytes! to at key counter data from start length)
  (check-range from start length)
  (check-range to at (- length tag-size))
  ((foreign-lambda bool "bokbok_open" nonnull-scheme-pointer long nonnull-scheme-pointer unsigned-integer64 nonnull-scheme-pointer long
                   nonnull-scheme-pointer long long)
   to at key counter data (string-length data) from start length))

;; K-1.a: Argon2id, version 0x13, 3 passes, 64 MiB, 1 lane.
(define (argon2id passphrase salt)
  (let ((key (make-string 32)))
    (unless ((foreign-lambda bool "bokbok_derive" nonnull-scheme-pointer nonnull-scheme-pointer long nonnull-scheme-pointer)
             key passphrase (string-length passphrase) salt)
      (error "the derivation of a key needs 64 MiB of memory"))
    key))

)
