;;; Requests of this side, and PINGs.

(declare (unit bokbok.requester)
         (uses bokbok.assembly bokbok.bytes bokbok.closing bokbok.conditions bokbok.outbox bokbok.queue bokbok.settings
               bokbok.state bokbok.table bokbok.values bokbok.wire))

(module (bokbok requester)
  (begin-request! cancel-request! request-sent! take-response! take-error! begin-ping! take-pong! send-ping!)

(import scheme (chicken base) (chicken condition)
        (bokbok assembly) (bokbok bytes) (bokbok closing) (bokbok conditions) (bokbok outbox) (bokbok queue)
        (bokbok settings) (bokbok state) (bokbok table) (bokbok values) (bokbok wire))

(define (refuse-if-ended machine)
  (when (ended? machine) (abort (ending->condition (machine-ending machine)))))

;; Sends VALUE as a request. Its outcome comes as an event, answered or failed, with the TOKEN. Signals what keeps it
;; from being sent.
(define (begin-request! machine value token)
  (refuse-if-ended machine)
  (when (or (machine-close-asked machine) (machine-close-received machine)) ; C-1.f, C-2.a
    (signal-bokbok 'closing "the connection is closing"))
  (let ((body (value->bytes value)) ; E-4.a
        (limit (settings-max-message (machine-peer machine))))
    (when (> (string-length body) limit) ; X-5.b
      (signal-bokbok 'too-large
                     (string-append "the request has " (number->string (string-length body))
                                    " bytes, the other side takes " (number->string limit))))
    (let ((request (new-request body token)))
      (queue-push! (machine-places machine) request)
      (fill-places! machine)
      request)))

;; X-6.b: as many as the other side allows, first come, first served.
(define (fill-places! machine)
  (unless (or (queue-empty? (machine-places machine))
              (>= (table-count (machine-requests machine)) (settings-max-requests (machine-peer machine))))
    (let ((request (queue-pop! (machine-places machine))))
      (when (eq? 'waiting (request-state request))
        (let ((id (free-id machine)))
          (request-id-set! request id)
          (request-state-set! request 'placed)
          (table-set! (machine-requests machine) id request)
          (request-item-set! request
                             (outbox-add-message! (machine-outbox machine) REQUEST id (request-body request) request
                                                  'own))
          (request-body-set! request #f)
          (machine-unsent-set! machine (+ 1 (machine-unsent machine)))))
      (fill-places! machine))))

;; X-1.a
(define (free-id machine)
  (let loop ((id (machine-last-id machine)))
    (let ((id (if (= id 4294967295) 1 (+ id 1))))
      (if (table-ref (machine-requests machine) id)
          (loop id)
          (begin (machine-last-id-set! machine id) id)))))

;; The last frame of a request has been put into a record.
(define (request-sent! machine request)
  (machine-unsent-set! machine (- (machine-unsent machine) 1))
  (send-close-if-due! machine))

(define (request-begun? request) (> (item-offset (request-item request)) 0)) ; no request is empty
(define (request-whole? request) (item-finished? (request-item request)))

;; The caller gives the request up; it hears no more of it.
(define (cancel-request! machine request)
  (case (request-state request)
    ((waiting)
     (request-state-set! request 'done)
     (request-body-set! request #f))
    ((placed)
     (request-state-set! request 'cancelled)
     (let ((whole? (request-whole? request)) (begun? (request-begun? request)))
       (unless whole?
         (outbox-drop! (machine-outbox machine) (request-item request)) ; X-7.h, X-10.d
         (machine-unsent-set! machine (- (machine-unsent machine) 1)))
       (if begun?
           (send-control! machine CANCEL (request-id request) "") ; X-7.i: the id and the place stay taken
           (finish! machine request))
       (send-close-if-due! machine)))))

;; The exchange is over; its place is free for the next (X-6.d).
(define (finish! machine request)
  (drop-assembly! machine request)
  (request-state-set! request 'done)
  (free-place! machine request)
  (fill-places! machine)
  (end-if-clean! machine))

(define (drop-assembly! machine request)
  (when (request-assembly request)
    (machine-partial-set! machine (- (machine-partial machine) (assembly-length (request-assembly request))))
    (request-assembly-set! request #f)))

;; The request that an answer with this id may belong to, or #f after a violation.
(define (awaited machine id)
  (let ((request (table-ref (machine-requests machine) id)))
    (cond ((not (and request (request-begun? request)))
           (violation! machine "an answer to a request that is not under way") ; X-3.c
           #f)
          ((and (eq? 'placed (request-state request)) (not (request-whole? request)))
           (violation! machine "an answer to a request that is not whole") ; X-3.d
           #f)
          (else request)))) ; X-7.e, X-9.a: answers come in any order, and to cancelled requests too

(define (take-response! machine id more? buffer start end)
  (let ((request (awaited machine id)))
    (when request
      (if (and (not more?) (not (request-assembly request)))
          (if (> (- end start) (own-max-message machine))
              (too-long! machine)
              (conclude! machine request (substring buffer start end)))
          (begin
            (unless (request-assembly request) (request-assembly-set! request (make-assembly)))
            (assembly-add! (request-assembly request) buffer start end)
            (machine-partial-set! machine (+ (machine-partial machine) (- end start)))
            (cond ((> (assembly-length (request-assembly request)) (own-max-message machine)) (too-long! machine))
                  ((not more?) (conclude! machine request (assembly-bytes (request-assembly request)))) ; X-10.f
                  ((> (machine-partial machine) (settings-max-partial (machine-settings machine)))
                   (violation! machine "more bytes of unfinished messages than max-partial")))))))) ; X-10.e

(define (own-max-message machine) (settings-max-message (machine-settings machine)))

(define (too-long! machine) (violation! machine "a response longer than max-message")) ; X-5.a

(define (conclude! machine request message)
  (unless (eq? 'cancelled (request-state request))
    (condition-case (emit! machine 'answered (request-token request) (bytes->value message))
      (condition (bokbok)
        (emit! machine 'failed (request-token request) condition)))) ; E-2.d
  (finish! machine request))

;; An ERROR takes the place of a RESPONSE that has come in part (X-3.e).
(define (take-error! machine id body)
  (let ((request (awaited machine id)))
    (when request
      (unless (eq? 'cancelled (request-state request))
        (let ((parts (parse-error body)))
          (emit! machine 'failed (request-token request)
                 (if parts
                     (bokbok-condition (if (string=? "closing" (car parts)) 'closing 'remote)
                                       (cadr parts) code: (car parts) details: (cddr parts)) ; E-1.i
                     (bokbok-condition 'malformed "the body of an ERROR is malformed"))))) ; E-2.e
      (finish! machine request))))

;;; PINGs

(define (begin-ping! machine token)
  (refuse-if-ended machine)
  (send-ping! machine token))

;; Each PING of this side has a body of its own (P-2). TOKEN is #f for those of the keepalive.
(define (send-ping! machine token)
  (let ((body (make-string 8 (integer->char 0))) (count (+ 1 (machine-ping-count machine))))
    (machine-ping-count-set! machine count)
    (put-u32! body 0 (quotient count 4294967296))
    (put-u32! body 4 (remainder count 4294967296))
    (queue-push! (machine-pings machine) (cons body token))
    (send-control! machine PING 0 body)))

;; A PONG belongs to the oldest PING with its body; one that answers none is ignored (P-2.a).
(define (take-pong! machine body)
  (let* ((pings (queue->list (machine-pings machine)))
         (ping (assoc body pings)))
    (when ping
      (queue-clear! (machine-pings machine))
      (for-each (lambda (other) (unless (eq? other ping) (queue-push! (machine-pings machine) other))) pings)
      (when (cdr ping) (emit! machine 'answered (cdr ping) #t)))))

)
