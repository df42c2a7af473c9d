;;; Keys from passphrases (section 8). Derive a key once, where it is configured (K-3).

(declare (unit bokbok.keys) (uses bokbok.bytes bokbok.conditions bokbok.crypto))

(module (bokbok keys)
  (passphrase->key random-key passphrase-salt)

(import scheme (chicken base)
        (bokbok bytes) (bokbok conditions) (bokbok crypto))

;; K-1.b: the zero byte stays where the user name is left out.
(define (passphrase-salt user)
  (substring (sha-256 (string-append "bokbok-passphrase-v1" (bytes 0) (or user ""))) 0 16))

;; The 32-byte key of a passphrase, for the USER (#f: for whoever knows the passphrase). Both are taken as their bytes,
;; which have to be UTF-8 (K-1.c).
(define (passphrase->key passphrase #!optional (user #f))
  (unless (and (string? passphrase) (utf8? passphrase)) (usage-error "a passphrase is a string of UTF-8"))
  (unless (or (not user) (and (string? user) (utf8? user))) (usage-error "a user name is a string of UTF-8"))
  (argon2id passphrase (passphrase-salt user)))

(define (random-key) (random-bytes 32))

)
