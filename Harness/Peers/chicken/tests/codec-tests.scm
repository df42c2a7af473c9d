;;; The vectors of everything but sessions.

(declare (unit bokbok.codec-tests)
         (uses bokbok.bytes bokbok.check bokbok.conditions bokbok.crypto bokbok.keys bokbok.machine bokbok.noise
               bokbok.opening bokbok.settings bokbok.state bokbok.values bokbok.vectors bokbok.wire))

(module (bokbok codec-tests)
  (test-vector-file)

(import scheme (chicken base) (chicken condition)
        (bokbok bytes) (bokbok check) (bokbok conditions) (bokbok crypto) (bokbok keys) (bokbok machine)
        (bokbok noise) (bokbok opening) (bokbok settings)
        (except (bokbok state) request?) (bokbok values) (bokbok vectors) (bokbok wire))

;; Checks the vectors of one file, whose subject is not sessions.
(define (test-vector-file subject vectors)
  (let ((check-one (cdr (or (assoc subject subjects) (error "an unknown subject" subject)))))
    (for-each (lambda (vector) (test (field vector "id") (check-one vector))) vectors)))

(define (hex-field vector name) (bytes-of (field vector name)))

(define (check-value vector)
  (let ((bytes (hex-field vector "bytes")))
    (if (valid? vector)
        (let ((value (json->value (field vector "value"))))
          (check "the value" (equal? value (bytes->value bytes)))
          (check "the bytes" (string=? bytes (value->bytes value))))
        (check-signals "decoding" 'malformed (lambda () (bytes->value bytes))))))

(define (check-settings vector)
  (let ((settings (bytes->settings (hex-field vector "body"))))
    (if (valid? vector)
        (begin
          (check "the settings are taken" (not (string? settings)))
          (check-equal "their meaning"
                       (map (lambda (name) (field (field vector "settings") name))
                            '("max-message" "max-requests" "max-partial"))
                       (list (settings-max-message settings) (settings-max-requests settings)
                             (settings-max-partial settings))))
        (check "the settings are a violation" (string? settings)))))

(define (check-key vector)
  (let ((passphrase (hex-field vector "passphraseBytes"))
        (user (and (field vector "userBytes") (hex-field vector "userBytes"))))
    (check-equal "the salt" (field vector "salt") (bytes->hex (passphrase-salt user)))
    (check-equal "the key" (field vector "key") (bytes->hex (passphrase->key passphrase user)))))

;;; Machines that read what a vector gives them

(define (settings-record machine)
  (let ((body (settings->bytes default-settings)) (header (make-string 8)))
    (put-header! header 0 SETTINGS 0 (string-length body) 0)
    (record (string-append header body))))

(define (receive! machine bytes) (machine-receive! machine bytes (string-length bytes) 0))

;; All that the machine wants to send, and its events.
(define (output machine)
  (let loop ((parts '()))
    (let ((bytes (machine-output! machine 0)))
      (if bytes (loop (cons bytes parts)) (bytes-concatenate (reverse parts))))))

(define (server busy? key)
  (make-server-machine 0 default-settings (default-limits) (lambda () busy?) key))

;; Gives the machine what the server of a sealed connection answers to a lookup.
(define (answer-lookup! machine users)
  (for-each (lambda (event)
              (when (eq? 'lookup (car event))
                (let ((user (assoc (cadr event) users)))
                  (machine-key-found! machine (and user (cdr user)) 0))))
            (machine-take-events! machine)))

(define (outcome machine)
  (let ((ending (machine-ending machine)))
    (and ending
         (case (ending-reason ending)
           ((not-bokbok) "notBokbok")
           (else (symbol->string (ending-reason ending)))))))

;; A record's frames arrive at a server after the client's SETTINGS; only what a frame shows by itself is judged, so that
;; a violation of another rule, found later, is told apart by its text.
(define (check-frames vector)
  (let ((content (hex-field vector "record")))
    (check-equal "the frames" (expand-frames (vector->list (field vector "frames"))) (frames-of content))
    (unless (valid? vector)
      (let ((machine (server #f #f)))
        (receive! machine (preamble mode-plain))
        (receive! machine (settings-record machine))
        (receive! machine (record content))
        (check-equal "the outcome" "violation" (outcome machine))))))

;; As (kind more? id body), with the header's rules of the implementation; up to the first fault.
(define (frames-of content)
  (let loop ((start 0) (frames '()))
    (if (< (- (string-length content) start) header-size)
        (reverse frames)
        (let* ((kind (byte-ref content start)) (flags (byte-ref content (+ start 1)))
               (length (get-u16 content (+ start 2))) (id (get-u32 content (+ start 4)))
               (body (+ start header-size)) (end (+ body length)))
          (if (or (header-fault kind flags length id) (> end (string-length content)))
              (reverse frames)
              (loop end (cons (list kind (= flags MORE) id (substring content body end)) frames)))))))

(define kinds '("SETTINGS" "REQUEST" "RESPONSE" "ERROR" "CANCEL" "PING" "PONG" "CLOSE"))

(define (kind-number name)
  (let loop ((names kinds) (number 0))
    (if (string=? name (car names)) number (loop (cdr names) (+ number 1)))))

(define (expand-frames frames)
  (apply append
         (map (lambda (frame)
                (if (field frame "repeat")
                    (let ((unit (expand-frames (list (field frame "repeat")))))
                      (let loop ((count (field frame "count")) (all '()))
                        (if (= count 0) all (loop (- count 1) (append unit all)))))
                    (list (list (kind-number (field frame "kind")) (eq? #t (field frame "more"))
                                (or (field frame "id") 0)
                                (if (field frame "body") (bytes-of (field frame "body")) "")))))
              frames)))

;; Records hold anything, so the ciphers and the lengths are checked without a machine; where the stream is invalid, a
;; machine finds the outcome as well.
(define (check-records vector)
  (let* ((sealed? (string=? "sealed" (field vector "mode")))
         (stream (hex-field vector "stream"))
         (contents (map bytes-of (vector->list (field vector "contents"))))
         (cipher (and sealed? (make-cipher (hex-field vector "key") (string->number (field vector "counter"))))))
    (let-values (((opened rest) (open-records stream cipher)))
      (check "the contents" (equal? contents opened))
      (when (valid? vector)
        (check-equal "the rest" (field vector "rest") rest)
        (when cipher (cipher-counter-set! cipher (string->number (field vector "counter"))))
        (check "the stream"
               (string=? (substring stream 0 (- (string-length stream) rest))
                         (bytes-concatenate (map (lambda (content) (record (seal content cipher))) contents)))))
      (unless (valid? vector)
        (check-equal "the outcome" (field (field vector "error") "outcome")
                     (outcome-of-records (after-records stream (length contents)) sealed? vector (length contents)))))))

;; What a machine that is just open makes of a stream of records; COUNT records have come before it.
(define (outcome-of-records stream sealed? vector count)
  (let ((machine (server #f (and sealed? (make-string 32)))))
    (machine-phase-set! machine 'settings)
    (machine-transport?-set! machine #t)
    (when sealed?
      (machine-receiving-set! machine (make-cipher (hex-field vector "key")
                                                   (+ count (string->number (field vector "counter")))))
      (machine-sending-set! machine (make-cipher (make-string 32) 0)))
    (receive! machine stream)
    (outcome machine)))

(define (after-records stream count)
  (if (= count 0)
      stream
      (after-records (substring stream (+ 2 (get-u16 stream 0)) (string-length stream)) (- count 1))))

(define (seal content cipher)
  (if (not cipher)
      content
      (let ((sealed (make-string (+ 16 (string-length content)))))
        (cipher-seal! cipher "" sealed 0 content 0 (string-length content))
        sealed)))

;; The contents of the records that come whole and open, and how many bytes are left.
(define (open-records stream cipher)
  (let loop ((start 0) (contents '()))
    (let* ((left (- (string-length stream) start))
           (length (and (>= left 2) (get-u16 stream start))))
      (if (or (not length) (< left (+ 2 length)) (< length (if cipher 16 1)))
          (values (reverse contents) left)
          (let ((content (make-string (if cipher (- length 16) length))))
            (if (if cipher
                    (cipher-open! cipher "" content 0 stream (+ start 2) length)
                    (begin (bytes-copy! content 0 stream (+ start 2) (+ start 2 length)) #t))
                (loop (+ start 2 length) (cons content contents))
                (values (reverse contents) left)))))))

(define (check-refusal vector)
  (let* ((sealed? (string=? "sealed" (field vector "mode"))) (error (field vector "error"))
         (client? (string=? "client" (field vector "role")))
         (machine (if client?
                      (make-client-machine 0 default-settings (default-limits) (and sealed? "alice")
                                           (and sealed? (make-string 32 #\k)))
                      (server (eq? #t (field vector "busy")) (and sealed? (make-string 32 #\d))))))
    (when client? (output machine))
    (receive! machine (hex-field vector "received"))
    (let ((sent (output machine)))
      (when (field vector "ends") (machine-input-failed! machine 0))
      (check-equal "the outcome" (if (valid? vector) "refused" (field error "outcome")) (outcome machine))
      (when client?
        (check-equal "nothing more is sent" "" sent)
        (when (valid? vector)
          (check-equal "the code and the message"
                       (list (field (field vector "refusal") "code") (field (field vector "refusal") "message"))
                       (list (ending-code (machine-ending machine)) (ending-message (machine-ending machine))))))
      (unless client?
        (check-equal "the refusal's code" (field error "code") (sent-code sent))
        (check-equal "whether something is sent" (equal? "" (field vector "sends")) (equal? "" sent))))))

;; The code of a refusal, #f for no bytes.
(define (sent-code sent)
  (and (> (string-length sent) 10)
       (string=? (preamble mode-refused) (substring sent 0 8))
       (= (string-length sent) (+ 10 (get-u16 sent 8)))
       (car (parse-code-and-message (substring sent 10 (string-length sent))))))

;;; Handshakes

(define-syntax with-random
  (syntax-rules ()
    ((_ (session-key ephemeral) body ...)
     (let ((session (string-append session-key)) (secret (string-append ephemeral)))
       (parameterize ((random-source
                       (lambda (purpose count) (string-append (if (eq? purpose 'session-key) session secret)))))
         body ...)))))

(define (check-handshake vector)
  (if (valid? vector) (check-good-handshake vector) (check-bad-handshake vector)))

(define (check-good-handshake vector)
  (let* ((user (hex-field vector "user")) (key (hex-field vector "userKey"))
         (session-key (hex-field vector "sessionKey"))
         (client (with-random (session-key (hex-field vector "clientEphemeral"))
                   (make-client-machine 0 default-settings (default-limits) user key)))
         (server (server #f (make-string 32 #\d)))
         (opening (output client)))
    (check-equal "what the client sends" (field vector "clientSends") (bytes->hex opening))
    (with-random ("" (hex-field vector "serverEphemeral"))
      (receive! server opening)
      (answer-lookup! server (list (cons user key))))
    (let ((expected (hex-field vector "serverSends")) (answer (output server)))
      (check "what the server sends" (bytes-prefix? expected answer))
      (check-equal "the key of the client" (field vector "clientToServerKey")
                   (bytes->hex (cipher-key (machine-receiving server))))
      (receive! client expected)
      (check-equal "the key of the server" (field vector "serverToClientKey")
                   (bytes->hex (cipher-key (machine-receiving client)))))
    (check-equal "the shared secret" (field vector "sharedSecret")
                 (bytes->hex (x25519-shared (hex-field vector "clientEphemeral")
                                            (hex-field vector "serverPublicKey"))))
    (check-equal "the handshake hash" (field vector "handshakeHash") (bytes->hex (hash-after vector)))
    (for-each
     (lambda (records key)
       (let ((cipher (make-cipher (hex-field vector key) 0)))
         (for-each (lambda (sealed)
                     (check-equal "a sealed record" (bytes->hex (bytes-of (field sealed "record")))
                                  (bytes->hex (record (seal (bytes-of (field sealed "frames")) cipher)))))
                   (vector->list (field vector records)))))
     '("clientRecords" "serverRecords") '("clientToServerKey" "serverToClientKey"))))

(define (hash-after vector)
  (let ((handshake (begin-handshake (hex-field vector "clientEphemeral") (hex-field vector "prologue"))))
    (check-equal "message 1" (field vector "message1")
                 (bytes->hex (write-message-1 handshake (hex-field vector "userKey")
                                              (hex-field vector "sessionKey"))))
    (check-equal "message 2 is taken" ""
                 (read-message-2 handshake (hex-field vector "sessionKey") (hex-field vector "message2")))
    (handshake-h handshake)))

(define (check-bad-handshake vector)
  (if (string=? "server" (field vector "role"))
      (let ((machine (server #f (hex-field vector "decoyKey"))))
        (with-random ("" (hex-field vector "serverEphemeral"))
          (receive! machine (hex-field vector "received"))
          (answer-lookup! machine (map (lambda (user) (cons (bytes-of (field user "user"))
                                                            (bytes-of (field user "key"))))
                                       (vector->list (field vector "users")))))
        (check-equal "the outcome" "refused" (outcome machine))
        (check-equal "what is sent" (refusal "authentication-failed" "authentication failed") (output machine)))
      (let ((machine (with-random ((hex-field vector "sessionKey") (hex-field vector "clientEphemeral"))
                       (make-client-machine 0 default-settings (default-limits) (hex-field vector "user")
                                            (hex-field vector "userKey")))))
        (output machine)
        (receive! machine (hex-field vector "received"))
        (check-equal "the outcome" "authentication" (outcome machine))
        (check-equal "nothing more is sent" "" (output machine)))))

;; Published vectors of Noise: the two messages of the handshake, then transport messages in turns.
(define (check-noise vector)
  (let* ((name (field vector "protocol_name"))
         (keys (map hex->bytes (vector->list (field vector "init_psks"))))
         (first? (string-prefix? "Noise_NNpsk0" name))
         (second? (string-suffix? "psk2_25519_ChaChaPoly_SHA256" name))
         (key-1 (and first? (car keys)))
         (key-2 (and second? (if first? (cadr keys) (car keys))))
         (messages (map (lambda (message)
                          (cons (hex->bytes (field message "payload")) (hex->bytes (field message "ciphertext"))))
                        (vector->list (field vector "messages"))))
         (initiator (begin-handshake (hex-field vector "init_ephemeral") (hex-field vector "init_prologue") name))
         (responder (begin-handshake (hex-field vector "resp_ephemeral") (hex-field vector "resp_prologue") name))
         (message-1 (car messages)) (message-2 (cadr messages)))
    (check-equal "message 1" (cdr message-1) (write-message-1 initiator key-1 (car message-1)))
    (let-values (((payload public) (read-message-1 responder key-1 (cdr message-1))))
      (check-equal "the payload of message 1" (car message-1) payload)
      (check-equal "message 2" (cdr message-2) (write-message-2 responder public key-2 (car message-2))))
    (check-equal "the payload of message 2" (car message-2) (read-message-2 initiator key-2 (cdr message-2)))
    (when (field vector "handshake_hash")
      (check-equal "the hash" (field vector "handshake_hash") (bytes->hex (handshake-h initiator))))
    (let-values (((forward backward) (split-handshake initiator)))
      (let loop ((messages (cddr messages)) (cipher forward) (other backward))
        (unless (null? messages)
          (check-equal "a transport message" (cdar messages) (seal (caar messages) cipher))
          (loop (cdr messages) other cipher))))))

(define (string-prefix? prefix text) (bytes-prefix? prefix text))
(define (string-suffix? suffix text)
  (and (<= (string-length suffix) (string-length text))
       (string=? suffix (substring text (- (string-length text) (string-length suffix)) (string-length text)))))

(define subjects
  (list (cons "values" check-value) (cons "settings" check-settings) (cons "keys" check-key)
        (cons "frames" check-frames) (cons "records" check-records) (cons "refusals" check-refusal)
        (cons "handshakes" check-handshake) (cons "noise" check-noise)))

)
