;;; Requests of the other side.

(declare (unit bokbok.responder)
         (uses bokbok.assembly bokbok.bytes bokbok.closing bokbok.conditions bokbok.outbox bokbok.queue bokbok.settings
               bokbok.state bokbok.table bokbok.values bokbok.wire))

(module (bokbok responder)
  (take-request! take-cancel! respond! fail! answer-sent! release-held! admit! turn-down!)

(import scheme (chicken base) (chicken condition)
        (bokbok assembly) (bokbok bytes) (bokbok closing) (bokbok conditions) (bokbok outbox) (bokbok queue)
        (bokbok settings) (bokbok state) (bokbok table) (bokbok values) (bokbok wire))

;;; Receiving

(define (take-request! machine id more? buffer start end)
  (let* ((known (table-ref (machine-exchanges machine) id))
         (exchange (or known (new-exchange id))))
    (cond ((and known (not (eq? 'partial (exchange-state known))))
           (violation! machine "a REQUEST frame for a request that is whole or cancelled")) ; X-3.a, X-3.b
          ((and (not known) (machine-close-received machine))
           (violation! machine "a new request after CLOSE")) ; C-1.f
          ((and (not known)
                (>= (table-count (machine-exchanges machine)) (settings-max-requests (machine-settings machine))))
           (violation! machine "more requests under way than max-requests")) ; X-6.a
          (else
           (unless known (table-set! (machine-exchanges machine) id exchange))
           (add-fragment! machine exchange more? buffer start end)))))

(define (add-fragment! machine exchange more? buffer start end)
  (let* ((assembly (exchange-assembly exchange))
         (length (+ (- end start) (if assembly (assembly-length assembly) 0))))
    (cond ((> length (settings-max-message (machine-settings machine)))
           (violation! machine "a request longer than max-message")) ; X-5.a
          ((and (not more?) (not assembly))
           (take-whole! machine exchange (substring buffer start end)))
          (else
           (unless assembly (exchange-assembly-set! exchange (make-assembly)))
           (assembly-add! (exchange-assembly exchange) buffer start end)
           (machine-partial-set! machine (+ (machine-partial machine) (- end start)))
           (cond ((not more?) ; X-10.f
                  (let ((body (assembly-bytes (exchange-assembly exchange))))
                    (drop-assembly! machine exchange)
                    (take-whole! machine exchange body)))
                 ((> (machine-partial machine) (settings-max-partial (machine-settings machine)))
                  (violation! machine "more bytes of unfinished messages than max-partial"))))))) ; X-10.e

(define (drop-assembly! machine exchange)
  (when (exchange-assembly exchange)
    (machine-partial-set! machine (- (machine-partial machine) (assembly-length (exchange-assembly exchange))))
    (exchange-assembly-set! exchange #f)))

(define (take-whole! machine exchange body)
  (if (or (machine-close-sent machine) (machine-close-received machine))
      (answer-by-itself! machine exchange "closing" "the connection is closing") ; C-3.a, C-3.b
      (let ((value (condition-case (bytes->value body) ((bokbok) #f))))
        (cond ((not value)
               (answer-by-itself! machine exchange "malformed" "the request is not a value")) ; E-2.a, E-2.b
              ((overloaded? machine (string-length body))
               (answer-by-itself! machine exchange "overloaded" "too many requests are kept in memory")) ; X-11.a
              (else
               (exchange-size-set! exchange (string-length body))
               (machine-kept-set! machine (+ (machine-kept machine) (string-length body)))
               (if (handler-free? machine)
                   (start! machine exchange value)
                   (begin
                     (exchange-state-set! exchange 'held)
                     (exchange-body-set! exchange body)
                     (queue-push! (machine-held machine) exchange))))))))

(define (overloaded? machine size)
  (let ((limit (limits-kept-bytes (machine-limits machine))))
    (and limit (> (+ size (machine-kept machine)) limit))))

;;; Handing over to the handler

;; C-9.d and P-5.a; the requests that wait go first.
(define (handler-free? machine)
  (and (queue-empty? (machine-held machine)) (handler-ready? machine)))

(define (handler-ready? machine)
  (and (machine-admitted? machine)
       (not (outbox-answers-waiting (machine-outbox machine) (limits-answers-bytes (machine-limits machine))))))

(define (start! machine exchange value)
  (exchange-state-set! exchange 'running)
  (emit! machine 'request exchange value))

(define (release-held! machine)
  (let ((held (machine-held machine)))
    (when (and (running? machine) (not (queue-empty? held)))
      (cond ((not (eq? 'held (exchange-state (queue-peek held)))) ; it was cancelled
             (queue-pop! held)
             (release-held! machine))
            ((handler-ready? machine)
             (let* ((exchange (queue-pop! held)) (body (exchange-body exchange)))
               (exchange-body-set! exchange #f)
               (start! machine exchange (bytes->value body))
               (release-held! machine)))))))

;; The open handler has let the connection in.
(define (admit! machine)
  (machine-admitted?-set! machine #t)
  (release-held! machine))

;; The open handler has turned the connection down, with the CODE of a CLOSE (C-9).
(define (turn-down! machine code message)
  (when (running? machine)
    (machine-turned-down?-set! machine #t)
    (for-each (lambda (exchange)
                (when (eq? 'held (exchange-state exchange))
                  (answer-by-itself! machine exchange "closing" "the connection was turned down"))) ; C-9.b
              (queue->list (machine-held machine)))
    (queue-clear! (machine-held machine))
    (ask-close! machine code message))) ; C-9.a

;;; Cancelling

(define (take-cancel! machine id)
  (let* ((exchange (table-ref (machine-exchanges machine) id))
         (state (and exchange (not (exchange-cancelled? exchange)) (exchange-state exchange))))
    (case state
      ((partial) ; X-7.f, X-7.g
       (drop-assembly! machine exchange)
       (cancelled! machine exchange))
      ((held) (cancelled! machine exchange)) ; has no handler yet that could stop
      ((running) ; X-7.b, X-7.c: answered when the handler has ended
       (exchange-cancelled?-set! exchange #t)
       (emit! machine 'cancel exchange))))) ; else ignored (X-7.d)

(define cancelled-text "the request was cancelled")

(define (cancelled! machine exchange)
  (exchange-cancelled?-set! exchange #t)
  (answer-by-itself! machine exchange "cancelled" cancelled-text))

;;; Answering

(define (answering! machine exchange)
  (exchange-state-set! exchange 'answered)
  (exchange-body-set! exchange #f)
  (machine-kept-set! machine (- (machine-kept machine) (exchange-size exchange)))
  (exchange-size-set! exchange 0))

(define (error-bytes machine code message details)
  (error-body code message details (max-body machine)))

;; An ERROR of the protocol layer, for a request whose handler has not begun (P-4).
(define (answer-by-itself! machine exchange code message)
  (answering! machine exchange)
  (send-control! machine ERROR (exchange-id exchange) (error-bytes machine code message '()) 'protocol exchange))

;; The handler has ended, with VALUE as its answer. Nothing happens if the connection has ended.
(define (respond! machine exchange value)
  (define problem "")
  (cond ((not (running? machine)) #f)
        ((exchange-cancelled? exchange) (answer-cancelled! machine exchange))
        ((condition-case (value->bytes value)
           (condition (bokbok) (set! problem (bokbok-condition-text condition)) #f))
         => (lambda (body) (send-response! machine exchange body)))
        (else (fail! machine exchange #f (string-append "the answer cannot be sent: " problem) '())))) ; E-4.b

(define (send-response! machine exchange body)
  (if (> (string-length body) (settings-max-message (machine-peer machine)))
      (answer-with-error! machine exchange "too-large" "the response is longer than the requester takes" '()) ; X-5.c
      (begin
        (answering! machine exchange)
        (outbox-add-message! (machine-outbox machine) RESPONSE (exchange-id exchange) body exchange 'answer))))

;; The handler has failed. CODE is that of its error, #f if it has none (E-1.b, E-1.e).
(define (fail! machine exchange code message details)
  (cond ((not (running? machine)) #f)
        ((exchange-cancelled? exchange) (answer-cancelled! machine exchange))
        ((and (valid-code? code) (not (reserved-code? code)))
         (answer-with-error! machine exchange code message details)) ; E-1.f
        (else
         (emit! machine 'log (string-append "a request handler failed: " (display-text message)))
         (if (limits-hide-errors? (machine-limits machine))
             (answer-with-error! machine exchange "handler-failed" "the handler failed" '()) ; E-1.h
             (answer-with-error! machine exchange "handler-failed" message details))))) ; E-1.c, E-1.d, E-1.g

;; X-7.a, X-7.c: the handler had begun, and has ended now.
(define (answer-cancelled! machine exchange)
  (answer-with-error! machine exchange "cancelled" cancelled-text '()))

(define (answer-with-error! machine exchange code message details)
  (answering! machine exchange)
  (outbox-add-message! (machine-outbox machine) ERROR (exchange-id exchange)
                       (error-bytes machine code message details) exchange 'answer))

;; The last frame of an answer has been put into a record: the exchange is over (X-6.c).
(define (answer-sent! machine exchange)
  (table-delete! (machine-exchanges machine) (exchange-id exchange)))

)
