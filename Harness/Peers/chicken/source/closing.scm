;;; The ends of a connection: CLOSE, violations, losses, and the end of the stream after the last word.

(declare (unit bokbok.closing)
         (uses bokbok.bytes bokbok.conditions bokbok.crypto bokbok.noise bokbok.outbox bokbok.queue bokbok.state
               bokbok.table bokbok.wire))

(module (bokbok closing)
  (violation! tamper! lose! end! close-stream! output-shut! wipe-opening!
   ask-close! send-close-if-due! take-close! end-if-clean!
   fail-request! free-place! running?)

(import scheme (chicken base)
        (bokbok bytes) (bokbok conditions) (bokbok crypto) (bokbok noise) (bokbok outbox) (bokbok queue)
        (bokbok state) (bokbok table) (bokbok wire))

;; Whether the connection has not ended: frames are taken and made.
(define (running? machine) (not (machine-ending machine)))

;;; Ends

;; Decides how the connection ends, tells everyone who waits for it (F-3.f, C-6.c, P-2.b), and goes on as NEXT says:
;; `finish' writes what is in the outbox as the last word (F-3), `drop' closes the stream at once.
(define (end! machine reason next #!key (code #f) (message "") (side #f))
  (unless (machine-ending machine)
    (let ((ending (make-ending reason code message side)))
      (machine-ending-set! machine ending)
      (let ((condition (ending->condition ending)))
        (for-each (lambda (request) (fail-request! machine request condition))
                  (append (table-values (machine-requests machine)) (queue->list (machine-places machine))))
        (for-each (lambda (ping) (when (cdr ping) (emit! machine 'failed (cdr ping) condition)))
                  (queue->list (machine-pings machine))))
      (for-each (lambda (exchange) (exchange-assembly-set! exchange #f) (exchange-body-set! exchange #f))
                (table-values (machine-exchanges machine)))
      (table-clear! (machine-requests machine))
      (table-clear! (machine-exchanges machine))
      (for-each queue-clear! (list (machine-places machine) (machine-pings machine) (machine-held machine)))
      (for-each (lambda (clear!) (clear! machine #f))
                (list machine-opening-deadline-set! machine-drain-deadline-set! machine-keepalive-deadline-set!
                      machine-reading-deadline-set!))
      (discard-input! machine)
      (emit! machine 'ended ending)
      (if (and (eq? next 'finish) (not (machine-output-failed? machine)))
          (begin
            (machine-phase-set! machine 'finishing)
            (machine-end-deadline-set! machine (after machine word-time))) ; F-3.d
          (close-stream! machine)))))

(define (discard-input! machine)
  (machine-inbox-set! machine "")
  (machine-inbox-start-set! machine 0)
  (machine-inbox-end-set! machine 0))

;; The stream is to be closed now.
(define (close-stream! machine)
  (machine-phase-set! machine 'closed)
  (machine-end-deadline-set! machine #f)
  (outbox-clear! (machine-outbox machine))
  (queue-clear! (machine-opening machine))
  (wipe-opening! machine)
  ;; H-8.b
  (when (machine-sending machine) (wipe-cipher! (machine-sending machine)))
  (when (machine-receiving machine) (wipe-cipher! (machine-receiving machine)))
  (machine-sending-set! machine #f)
  (machine-receiving-set! machine #f))

;; H-8.a
(define (wipe-opening! machine)
  (when (machine-handshake machine) (wipe-handshake! (machine-handshake machine)))
  (when (machine-session-key machine) (wipe! (machine-session-key machine)))
  (when (machine-key machine) (wipe! (machine-key machine)))
  (machine-handshake-set! machine #f)
  (machine-session-key-set! machine #f)
  (machine-key-set! machine #f)
  (machine-message-1-set! machine #f))

;; The last word has been written and the sending half shut down (F-3.b).
(define (output-shut! machine)
  (if (machine-input-ended? machine)
      (close-stream! machine)
      (begin
        (machine-phase-set! machine 'draining)
        (machine-end-deadline-set! machine (after machine word-time)))))

;; F-2: TEXT says what was wrong.
(define (violation! machine text)
  (when (running? machine)
    (outbox-drop-messages! (machine-outbox machine)) ; a SETTINGS or a CLOSE that is due stays (F-2.b, C-2.b)
    (send-control! machine CLOSE 0 (close-body "protocol-error" text (max-body machine))) ; F-2.a, F-2.c
    (end! machine 'violation 'finish code: "protocol-error" message: text side: 'local))) ; F-2.d, F-2.e, C-7.c

;; R-3: without another byte.
(define (tamper! machine)
  (end! machine 'tampered 'drop message: "a record does not authenticate"))

(define (lose! machine text)
  (let ((close (or (machine-close-reported machine) (machine-close-sent machine))))
    (end! machine 'lost 'drop code: (and close (car close)) message: text)))

;;; CLOSE

;; The application asks for the end.
(define (ask-close! machine code message)
  (when (and (running? machine) (not (machine-close-asked machine)))
    (machine-close-asked-set! machine (list code message))
    (machine-drain-deadline-set! machine (after machine (limits-drain (machine-limits machine)))) ; C-5.a
    (fail-waiting! machine) ; C-1.h
    (send-close-if-due! machine)))

;; C-1.g: the requests that have a place go out whole before the CLOSE.
(define (send-close-if-due! machine)
  (when (and (running? machine)
             (machine-close-asked machine)
             (not (machine-close-sent machine)) ; C-1.c
             (= 0 (machine-unsent machine)))
    (send-close! machine (car (machine-close-asked machine)) (cadr (machine-close-asked machine)))
    (machine-close-reported-set! machine (machine-close-sent machine)) ; C-4.d: nothing came before
    (end-if-clean! machine)))

(define (send-close! machine code message)
  (machine-close-sent-set! machine (list code message))
  (send-control! machine CLOSE 0 (close-body code message (max-body machine)))) ; C-1.a

;; A CLOSE has come.
(define (take-close! machine body)
  (let ((close (parse-code-and-message body)))
    (cond ((not close) (violation! machine "the body of CLOSE is not a code and a message")) ; E-2.f
          ((string=? "protocol-error" (car close))
           (end! machine 'violation 'drop code: (car close) message: (cadr close) side: 'remote)) ; C-7, C-1.e
          ((machine-close-received machine) (violation! machine "a second CLOSE")) ; C-1.d
          (else
           (machine-close-received-set! machine close)
           (unless (machine-close-sent machine)
             (machine-close-reported-set! machine close) ; C-4.d
             (send-close! machine "normal" ""))          ; C-2.b, C-2.c
           (fail-waiting! machine)
           (for-each (lambda (request)
                       (when (and (eq? 'placed (request-state request)) (= 0 (item-offset (request-item request))))
                         (outbox-drop! (machine-outbox machine) (request-item request))
                         (machine-unsent-set! machine (- (machine-unsent machine) 1))
                         (free-place! machine request)
                         (fail-request! machine request closing-condition))) ; C-2.d
                     (table-values (machine-requests machine)))
           (end-if-clean! machine)))))

;; C-4.a
(define (end-if-clean! machine)
  (when (and (running? machine)
             (machine-close-sent machine)
             (machine-close-received machine)
             (= 0 (table-count (machine-requests machine)) (table-count (machine-exchanges machine)))) ; C-4.b
    (let ((close (machine-close-reported machine)))
      (end! machine 'clean 'finish code: (car close) message: (cadr close))))) ; C-4.c, C-4.d

;;; Requests that cannot go on

(define closing-condition (bokbok-condition 'closing "the connection is closing"))

;; The requests that wait for a place.
(define (fail-waiting! machine)
  (for-each (lambda (request) (fail-request! machine request closing-condition))
            (queue->list (machine-places machine)))
  (queue-clear! (machine-places machine)))

;; Tells the caller, unless it has been told.
(define (fail-request! machine request condition)
  (request-body-set! request #f)
  (request-assembly-set! request #f)
  (unless (memq (request-state request) '(cancelled done))
    (emit! machine 'failed (request-token request) condition))
  (request-state-set! request 'done))

(define (free-place! machine request)
  (table-delete! (machine-requests machine) (request-id request)))

)
