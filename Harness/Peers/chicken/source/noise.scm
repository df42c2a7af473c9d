;;; The Noise Protocol Framework, revision 34, as far as section 3 needs it: the pattern NN with the pre-shared keys of
;;; psk0 and psk2, X25519, ChaCha20-Poly1305 and SHA-256.

(declare (unit bokbok.noise) (uses bokbok.bytes bokbok.crypto bokbok.record))

(module (bokbok noise)
  (protocol-name
   begin-handshake handshake-ephemeral handshake-h write-message-1 read-message-1 write-message-2 read-message-2
   split-handshake wipe-handshake!
   make-cipher cipher-seal! cipher-open! cipher-usable? cipher-key cipher-counter cipher-counter-set! wipe-cipher!)

(import scheme (chicken base)
        (bokbok bytes) (bokbok crypto) (bokbok record))

(define protocol-name "Noise_NNpsk0+psk2_25519_ChaChaPoly_SHA256")
(define tag-size 16)

;;; Cipher states

(define-record cipher key counter)

(define last-counter (- (expt 2 64) 2)) ; R-4.a

(define (cipher-usable? cipher) (<= (cipher-counter cipher) last-counter))

;; Seals LENGTH bytes of FROM at START to TO at AT, or answers #f when the counter is used up (R-4).
(define (cipher-seal! cipher data to at from start length)
  (and (cipher-usable? cipher)
       (begin
         (seal-bytes! to at (cipher-key cipher) (cipher-counter cipher) data from start length)
         (cipher-counter-set! cipher (+ 1 (cipher-counter cipher))) ; R-2.d
         #t)))

(define (cipher-open! cipher data to at from start length)
  (and (cipher-usable? cipher)
       (open-bytes! to at (cipher-key cipher) (cipher-counter cipher) data from start length)
       (begin (cipher-counter-set! cipher (+ 1 (cipher-counter cipher))) #t)))

(define (wipe-cipher! cipher) (wipe! (cipher-key cipher)))

;;; The symmetric state and the handshake. CIPHER is #f until a key has been mixed in.

(define-state handshake (ephemeral h ck)
  (cipher #f))

;; EPHEMERAL is the secret of 32 bytes.
(define (begin-handshake ephemeral prologue #!optional (name protocol-name))
  (let* ((h (if (<= (string-length name) 32)
                (string-append name (make-string (- 32 (string-length name)) (integer->char 0)))
                (sha-256 name)))
         (state (new-handshake ephemeral h (string-append h))))
    (mix-hash! state prologue)
    state))

(define (mix-hash! state data)
  (handshake-h-set! state (sha-256 (string-append (handshake-h state) data))))

;; HKDF of Noise: COUNT strings of 32 bytes.
(define (derive state material count)
  (let ((secret (hmac-sha-256 (handshake-ck state) material)))
    (let loop ((index 1) (previous "") (results '()))
      (if (> index count)
          (begin (wipe! secret) (reverse results))
          (let ((next (hmac-sha-256 secret (string-append previous (bytes index)))))
            (loop (+ index 1) next (cons next results)))))))

(define (replace-cipher! state key)
  (when (handshake-cipher state) (wipe-cipher! (handshake-cipher state)))
  (handshake-cipher-set! state (make-cipher key 0)))

(define (replace-ck! state ck)
  (wipe! (handshake-ck state))
  (handshake-ck-set! state ck))

(define (mix-key! state material)
  (let ((outputs (derive state material 2)))
    (replace-ck! state (car outputs))
    (replace-cipher! state (cadr outputs))))

(define (mix-key-and-hash! state material)
  (let ((outputs (derive state material 3)))
    (replace-ck! state (car outputs))
    (mix-hash! state (cadr outputs))
    (replace-cipher! state (caddr outputs))))

(define (encrypt-and-hash! state plaintext)
  (let* ((cipher (handshake-cipher state))
         (length (string-length plaintext))
         (ciphertext (if cipher (make-string (+ length tag-size)) plaintext)))
    (when cipher (cipher-seal! cipher (handshake-h state) ciphertext 0 plaintext 0 length))
    (mix-hash! state ciphertext)
    ciphertext))

;; The plaintext, or #f if it does not authenticate.
(define (decrypt-and-hash! state ciphertext)
  (let ((cipher (handshake-cipher state)) (length (string-length ciphertext)))
    (if cipher
        (and (>= length tag-size)
             (let ((plaintext (make-string (- length tag-size))))
               (and (cipher-open! cipher (handshake-h state) plaintext 0 ciphertext 0 length)
                    (begin (mix-hash! state ciphertext) plaintext))))
        (begin (mix-hash! state ciphertext) ciphertext))))

;; The token e: the pattern has pre-shared keys, so that the public key goes into the chaining key as well.
(define (mix-public! state public)
  (mix-hash! state public)
  (mix-key! state public))

;; Message 1. KEY is the first pre-shared key, or #f in a pattern without psk0.
(define (write-message-1 state key payload)
  (let ((public (x25519-public (handshake-ephemeral state))))
    (when key (mix-key-and-hash! state key))
    (mix-public! state public)
    (string-append public (encrypt-and-hash! state payload))))

;; The payload and the other side's public key; #f for both if the message does not authenticate.
(define (read-message-1 state key message)
  (when key (mix-key-and-hash! state key))
  (let ((public (substring message 0 32)))
    (mix-public! state public)
    (let ((payload (decrypt-and-hash! state (substring message 32 (string-length message)))))
      (values payload (and payload public)))))

;; Message 2, or #f if the Diffie-Hellman result is all zero (H-6). KEY is the second pre-shared key, or #f.
(define (write-message-2 state other-public key payload)
  (let ((public (x25519-public (handshake-ephemeral state))))
    (mix-public! state public)
    (and (mix-shared! state other-public)
         (begin
           (when key (mix-key-and-hash! state key))
           (string-append public (encrypt-and-hash! state payload))))))

;; The payload, or #f if the message does not authenticate.
(define (read-message-2 state key message)
  (let ((public (substring message 0 32)))
    (mix-public! state public)
    (and (mix-shared! state public) ; H-6.b
         (begin
           (when key (mix-key-and-hash! state key))
           (decrypt-and-hash! state (substring message 32 (string-length message)))))))

(define (mix-shared! state other-public)
  (let ((shared (x25519-shared (handshake-ephemeral state) other-public)))
    (and shared
         (begin (mix-key! state shared) (wipe! shared) #t))))

;; Two cipher states: what the client seals with, and what the server seals with (H-9).
(define (split-handshake state)
  (let ((outputs (derive state "" 2)))
    (values (make-cipher (car outputs) 0) (make-cipher (cadr outputs) 0))))

;; H-8.a
(define (wipe-handshake! state)
  (wipe! (handshake-ephemeral state))
  (wipe! (handshake-ck state))
  (wipe! (handshake-h state))
  (when (handshake-cipher state) (wipe-cipher! (handshake-cipher state))))

)
