;;; The state of one connection, without any input or output: bytes and times go in, bytes and events come out. The parts
;;; of the protocol that work on it are opening, responder, requester, closing and machine.

(declare (unit bokbok.state)
         (uses bokbok.bytes bokbok.conditions bokbok.outbox bokbok.queue bokbok.record bokbok.settings bokbok.table
               bokbok.wire))

(module (bokbok state) *

(import scheme (chicken base)
        (bokbok bytes) (bokbok conditions) (bokbok outbox) (bokbok queue) (bokbok record) (bokbok settings)
        (bokbok table) (bokbok wire))

;;; Limits. All times are milliseconds.

(define-record limits
  handshake         ; O-10
  drain             ; C-5
  keepalive         ; P-3, #f: off
  keepalive-timeout
  protocol-bytes    ; P-4
  answers-bytes     ; P-5
  kept-bytes        ; X-11: of the requests that are kept in memory, #f: no limit
  hide-errors?)     ; E-1.h

(define (default-limits #!key (handshake 10000) (drain 5000) (keepalive #f) (keepalive-timeout keepalive)
                        (protocol-bytes 262144) (answers-bytes 1048576) (kept-bytes #f) (hide-errors? #f))
  (for-each
   (lambda (name value optional?)
     (unless (or (and optional? (not value)) (and (exact-integer? value) (> value 0)))
       (usage-error "the limit ~a is ~s; it has to be an integer of 1 or more" name value)))
   '(handshake drain keepalive keepalive-timeout protocol-bytes answers-bytes kept-bytes)
   (list handshake drain keepalive keepalive-timeout protocol-bytes answers-bytes kept-bytes)
   '(#f #f #t #t #f #f #t))
  (make-limits handshake drain keepalive keepalive-timeout protocol-bytes answers-bytes kept-bytes hide-errors?))

(define word-time 1000)   ; F-3: to write the last word, and to wait for the end of input after it
(define reading-time 1000) ; F-4

;;; How a connection ended. REASON is clean, lost, violation, tampered, aborted, refused, authentication, not-bokbok or
;;; timeout. CODE and MESSAGE are those of the CLOSE that is reported (C-4.d) or of the refusal, CODE #f where none
;;; passed. SIDE says of a violation who found it.
(define-record ending reason code message side)

;; What requests get that are under way when a connection ends, or that are asked for later.
(define (ending->condition ending)
  (let ((reason (ending-reason ending)))
    (case reason
      ((clean) (bokbok-condition 'closing "the connection is closed"))
      ((aborted) (bokbok-condition 'lost "the connection was aborted"))
      ((refused) (bokbok-condition 'refused (ending-message ending) code: (ending-code ending)))
      (else (bokbok-condition reason (ending-message ending) side: (ending-side ending))))))

;;; The machine

;; ROLE is client or server. SEALED? says what this side was started for. BUSY? is a procedure of a server's (O-6.c).
(define-state machine (role sealed? settings limits busy?)
  ;; The phase of the stream: preamble, user-name, message-1, lookup, message-2, refusal (the client waits for its
  ;; record), settings (the other side's are due), open, finishing (the last word is being written), draining, closed.
  (phase 'preamble)
  (now 0)
  (events '())            ; latest first
  (inbox (make-string 0)) ; bytes that have come and have not been taken: from inbox-start to inbox-end
  (inbox-start 0)
  (inbox-end 0)
  (input-ended? #f)
  (opening (make-queue))  ; bytes of the opening that wait to be sent
  (output-failed? #f)     ; F-4
  (outbox (new-outbox (if sealed? sealed-capacity plain-capacity)))
  (sending #f)            ; cipher states
  (receiving #f)
  (transport? #f)         ; records and frames may be sent
  ;; the sealed opening
  (user #f)
  (key #f)
  (handshake #f)
  (session-key #f)
  (message-1 #f)
  (unknown-key #f)        ; a server's: what it tries for a user that it does not know (H-4.f)
  (key-log #f)            ; a procedure that takes the ephemeral secret and the session key (tests only)
  ;; deadlines, #f where there is none
  (opening-deadline #f)
  (drain-deadline #f)
  (keepalive-deadline #f)
  (keepalive-waiting? #f) ; a PING of P-3.b was sent
  (end-deadline #f)
  (reading-deadline #f)
  ;; the other side
  (peer default-settings)
  (opened? #f)
  (admitted? #f)          ; the open handler has let it in (C-9)
  (ending #f)
  ;; closing
  (close-asked #f)        ; the code and the message, once this side wants to close
  (close-sent #f)
  (close-received #f)
  (close-reported #f)     ; C-4.d
  (turned-down? #f)
  ;; requests of this side
  (requests (make-table)) ; those that have a place, by id
  (unsent 0)              ; those of them whose last frame has not been sent
  (places (make-queue))   ; those that wait for one
  (last-id 0)
  (pings (make-queue))    ; bodies and tokens of PINGs without a PONG, oldest first
  (ping-count 0)
  ;; requests of the other side
  (exchanges (make-table))
  (held (make-queue))     ; those that wait for the handler (P-5, C-9)
  (kept 0)                ; X-11: bytes of requests in memory
  ;; both
  (partial 0))            ; bytes of the messages that are not whole yet (X-10.e)

;; A request of this side. TOKEN is what the caller knows it by.
(define-state request (body token)
  (id #f)
  (item #f)       ; in the outbox
  (state 'waiting) ; waiting (for a place), placed, cancelled, done
  (assembly #f))  ; of the answer

;; A request of the other side.
(define-state exchange (id)
  (state 'partial) ; partial, held, running, answered
  (assembly #f)
  (body #f)        ; while it is held
  (size 0)         ; of the request, while it is kept in memory
  (cancelled? #f)
  (token #f))      ; the driver's: the task of its handler

(define (emit! machine . event)
  (machine-events-set! machine (cons event (machine-events machine))))

(define (server? machine) (eq? 'server (machine-role machine)))
(define (ended? machine) (and (machine-ending machine) #t))

(define (after machine time) (+ time (machine-now machine)))

(define (max-body machine)
  (- (if (machine-sealed? machine) sealed-capacity plain-capacity) header-size))

;; Frames of the protocol layer. The CLASS is `protocol' for those that P-4 counts.
(define (send-control! machine kind id body #!optional (class 'own) (owner #f))
  (outbox-add-control! (machine-outbox machine) kind id body owner class))

(define (send-settings! machine)
  (send-control! machine SETTINGS 0 (settings->bytes (machine-settings machine))))

)
