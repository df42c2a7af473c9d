;;; The opening: preambles, refusals and the sealed handshake (sections 2 and 3).

(declare (unit bokbok.opening)
         (uses bokbok.bytes bokbok.closing bokbok.conditions bokbok.crypto bokbok.inbox bokbok.noise bokbok.queue
               bokbok.state bokbok.wire))

(module (bokbok opening)
  (begin-client! opening-step! key-found! random-source)

(import scheme (chicken base)
        (bokbok bytes) (bokbok closing) (bokbok conditions) (bokbok crypto) (bokbok inbox) (bokbok noise)
        (bokbok queue) (bokbok state) (bokbok wire))

;; Where session keys and ephemeral secrets come from (H-7.a). Only tests replace it; no part of the API leads here
;; (H-7.c).
(define random-source (make-parameter (lambda (purpose count) (random-bytes count))))

(define (send-raw! machine bytes) (queue-push! (machine-opening machine) bytes))

(define (own-mode machine) (if (machine-sealed? machine) mode-sealed mode-plain))

;; Takes one step with what is in the inbox. False if more bytes are needed first.
(define (opening-step! machine)
  (case (machine-phase machine)
    ((preamble) (if (server? machine) (server-preamble machine) (client-preamble machine)))
    ((user-name) (server-user-name machine))
    ((message-1) (server-message-1 machine))
    ((message-2) (client-message-2 machine))
    (else (client-refusal machine))))

;; Calls PROCEDURE with the content of the next record once it has come whole. JUDGE gets the length before and answers
;; #t if the record was rejected for it.
(define (with-record machine judge procedure)
  (and (>= (inbox-count machine) 2)
       (let ((length (inbox-u16 machine)))
         (cond ((judge length) #t)
               ((< (inbox-count machine) (+ 2 length)) #f)
               (else
                (inbox-skip! machine 2)
                (procedure (inbox-take! machine length))
                #t)))))

;; Frames may go out and come in.
(define (begin-transport! machine)
  (machine-transport?-set! machine #t)
  (send-settings! machine)
  (machine-phase-set! machine 'settings))

(define (begin-ciphers! machine)
  (let-values (((client server) (split-handshake (machine-handshake machine)))) ; H-9.a
    (machine-sending-set! machine (if (server? machine) server client))
    (machine-receiving-set! machine (if (server? machine) client server))))

(define (copy string) (string-append string))

;;; The server

;; O-6: the only thing that is sent, and the last.
(define (refuse! machine code message)
  (wipe-opening! machine)
  (send-raw! machine (refusal code message))
  (end! machine 'refused 'finish code: code message: message))

;; H-4.c, H-5.d: the same bytes in every case. WHY goes to the log only (H-4.j).
(define (refuse-authentication! machine why)
  (emit! machine 'log (string-append "authentication failed: " why))
  (refuse! machine "authentication-failed" "authentication failed"))

(define (server-preamble machine)
  (cond ((not (inbox-begins-like? machine magic)) ; O-3.a
         (end! machine 'not-bokbok 'drop message: "the first bytes are not BOKBOK")
         #t)
        ((< (inbox-count machine) 8) #f) ; O-2.a
        (else
         (let* ((preamble (inbox-take! machine 8)) (mode (byte-ref preamble 7)))
           ;; O-6.d: in this order
           (cond ((not (= version (byte-ref preamble 6))) ; O-4.a
                  (refuse! machine "unsupported-version" "this server speaks version 1"))
                 ((not (= mode (own-mode machine))) ; O-5
                  (refuse! machine "mode-mismatch"
                           (if (machine-sealed? machine)
                               "this server takes sealed connections only"
                               "this server takes plain connections only")))
                 (((machine-busy? machine)) ; O-6.c
                  (refuse! machine "busy" "this server has as many connections as it takes"))
                 ((machine-sealed? machine)
                  (machine-phase-set! machine 'user-name))
                 (else ; O-7
                  (send-raw! machine (make-preamble machine))
                  (begin-transport! machine)))
           #t))))

(define (make-preamble machine) (preamble (own-mode machine)))

(define (server-user-name machine)
  (with-record machine
    (lambda (length)
      (and (not (<= 1 length 255)) ; H-5.a
           (begin (refuse-authentication! machine "a user name of a wrong length") #t)))
    (lambda (user)
      (if (utf8? user)
          (begin
            (machine-user-set! machine user)
            (machine-phase-set! machine 'message-1))
          (refuse-authentication! machine "a user name that is not UTF-8"))))) ; H-5.b, H-12.b

(define (server-message-1 machine)
  (with-record machine
    (lambda (length)
      (and (not (= 80 length)) ; H-5.c
           (begin (refuse-authentication! machine "a message 1 of a wrong length") #t)))
    (lambda (message)
      (machine-message-1-set! machine message)
      (machine-phase-set! machine 'lookup)
      (emit! machine 'lookup (machine-user machine))))) ; H-4.e

;; The key of the user that the event `lookup' asked for; anything but 32 bytes stands for an unknown user (H-4.g,
;; H-4.h), for whom the same steps are taken with a key that nobody has (H-4.f).
(define (key-found! machine key)
  (when (eq? 'lookup (machine-phase machine))
    (let ((known? (and (string? key) (= 32 (string-length key)))))
      (machine-key-set! machine (copy (if known? key (machine-unknown-key machine))))
      (machine-handshake-set! machine
                              (begin-handshake ((random-source) 'ephemeral 32)
                                               (string-append (make-preamble machine) (machine-user machine)))) ; H-1.a
      (let-values (((session-key public)
                    (read-message-1 (machine-handshake machine) (machine-key machine) (machine-message-1 machine))))
        (machine-session-key-set! machine session-key)
        (if (not session-key)
            (refuse-authentication! machine ; H-4.a, H-4.b
                                    (string-append (if known? "a wrong key of the user " "an unknown user ")
                                                   (display-text (machine-user machine))))
            (accept! machine public))))))

(define (accept! machine public)
  (let* ((secret (copy (handshake-ephemeral (machine-handshake machine))))
         (message (write-message-2 (machine-handshake machine) public (machine-session-key machine) ""))) ; H-3.b
    (if (not message)
        (refuse-authentication! machine "an all-zero Diffie-Hellman result") ; H-6.a
        (begin
          (send-raw! machine (string-append (make-preamble machine) (record message))) ; H-3.a, H-3.c
          (begin-ciphers! machine)
          (log-keys machine secret)
          (wipe-opening! machine)
          (begin-transport! machine))) ; H-10.a
    (wipe! secret)))

(define (log-keys machine secret)
  (when (machine-key-log machine)
    ((machine-key-log machine) secret (machine-session-key machine))))

;;; The client

;; USER and KEY are #f on a plain connection.
(define (begin-client! machine user key)
  (if (machine-sealed? machine)
      (let* ((preamble (make-preamble machine))
             (session-key ((random-source) 'session-key 32)) ; H-7.b
             (handshake (begin-handshake ((random-source) 'ephemeral 32) (string-append preamble user))))
        (machine-user-set! machine user)
        (machine-key-set! machine (copy key))
        (machine-session-key-set! machine session-key)
        (machine-handshake-set! machine handshake)
        (send-raw! machine ; O-1, H-2
                   (string-append preamble
                                  (record user)
                                  (record (write-message-1 handshake (machine-key machine) session-key)))))
      (begin
        (send-raw! machine (make-preamble machine))
        (machine-transport?-set! machine #t)
        (send-settings! machine)))) ; O-8.a

(define (not-bokbok! machine text)
  (wipe-opening! machine)
  (end! machine 'not-bokbok 'drop message: text))

(define (client-preamble machine)
  (cond ((not (inbox-begins-like? machine magic)) ; O-9.a
         (not-bokbok! machine "the other side's first bytes are not BOKBOK")
         #t)
        ((< (inbox-count machine) 8) #f)
        (else
         (let* ((preamble (inbox-take! machine 8)) (mode (byte-ref preamble 7)))
           (cond ((= mode mode-refused) (machine-phase-set! machine 'refusal)) ; O-9.h: of any version
                 ((not (= version (byte-ref preamble 6)))
                  (not-bokbok! machine "the other side speaks another version")) ; O-9.b
                 ((not (= mode (own-mode machine)))
                  (not-bokbok! machine "the other side answers in another mode")) ; O-9.c, O-9.f
                 ((machine-sealed? machine) (machine-phase-set! machine 'message-2))
                 (else (machine-phase-set! machine 'settings)))
           #t))))

(define (client-refusal machine)
  (with-record machine
    (lambda (length) #f)
    (lambda (content)
      (let ((refusal (parse-code-and-message content)))
        (if refusal
            (begin
              (wipe-opening! machine)
              (end! machine 'refused 'drop code: (car refusal) message: (cadr refusal))) ; O-9.h, O-11.a
            (not-bokbok! machine "a refusal that is malformed")))))) ; O-9.d, E-2.g

(define (client-message-2 machine)
  (with-record machine
    (lambda (length)
      (and (not (= 48 length)) ; H-11.c
           (begin (server-unproved! machine) #t)))
    (lambda (message)
      (let ((secret (copy (handshake-ephemeral (machine-handshake machine)))))
        (if (equal? "" (read-message-2 (machine-handshake machine) (machine-session-key machine) message))
            (begin
              (begin-ciphers! machine)
              (log-keys machine secret)
              (wipe-opening! machine)
              (begin-transport! machine))
            (server-unproved! machine))
        (wipe! secret)))))

;; H-11.a, H-11.b: without another byte.
(define (server-unproved! machine)
  (wipe-opening! machine)
  (end! machine 'authentication 'drop message: "the server did not prove that it holds the key"))

)
