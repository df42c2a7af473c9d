;;; One connection as a machine: it is told what happens to the stream and what time it is, and says what to do. Nothing
;;; here reads, writes or waits.
;;;
;;; Tell it: machine-receive!, machine-input-ended!, machine-output-failed!, machine-output-shut!, machine-advance!, and
;;; what the application wants. After each, take the events (machine-take-events!) and write what machine-output! gives
;;; until it gives #f; then machine-stream-state says whether to shut down sending or to close.

(declare (unit bokbok.machine)
         (uses bokbok.bytes bokbok.closing bokbok.conditions bokbok.crypto bokbok.inbox bokbok.noise bokbok.opening
               bokbok.outbox bokbok.queue bokbok.requester bokbok.responder bokbok.settings bokbok.state bokbok.wire))

(module (bokbok machine)
  (make-server-machine make-client-machine
   machine-receive! machine-input-failed! machine-output-broken! machine-output-is-shut! machine-advance!
   machine-take-events! machine-output! machine-stream-state machine-reading? machine-read-limit machine-deadline
   machine-request! machine-cancel! machine-ping! machine-respond! machine-fail! machine-close! machine-abort!
   machine-admit! machine-turn-down! machine-key-found!)

(import scheme (chicken base) (chicken fixnum)
        (bokbok bytes) (bokbok closing) (bokbok conditions) (bokbok crypto) (bokbok inbox) (bokbok noise)
        (bokbok opening) (bokbok outbox) (bokbok queue) (bokbok requester) (bokbok responder) (bokbok settings)
        (bokbok state) (bokbok wire))

;;; Making one

;; BUSY? answers whether the server holds as many connections as it takes. UNKNOWN-KEY makes it sealed.
(define (make-server-machine now settings limits busy? unknown-key)
  (let ((machine (begin-machine now 'server (and unknown-key #t) settings limits busy?)))
    (machine-unknown-key-set! machine unknown-key)
    machine))

;; USER and KEY are #f for a plain connection.
(define (make-client-machine now settings limits user key #!optional (key-log #f))
  (let ((machine (begin-machine now 'client (and user #t) settings limits (lambda () #f))))
    (machine-admitted?-set! machine #t)
    (machine-key-log-set! machine key-log)
    (begin-client! machine user key)
    machine))

(define (begin-machine now role sealed? settings limits busy?)
  (let ((machine (new-machine role sealed? settings limits busy?)))
    (machine-now-set! machine now)
    (machine-opening-deadline-set! machine (after machine (limits-handshake limits))) ; O-10
    machine))

;;; The stream

;; The first COUNT bytes of BUFFER have come.
(define (machine-receive! machine buffer count now)
  (machine-now-set! machine now)
  (unless (ended? machine) ; F-3.b: read and discarded
    (inbox-add! machine buffer count)
    (process! machine)))

(define (process! machine)
  (when (running? machine)
    (case (machine-phase machine)
      ((settings open) (when (record-step! machine) (process! machine)))
      ((lookup) #f)
      (else (when (opening-step! machine) (process! machine))))))

;; The other side has finished sending, or the stream cannot be read any more.
(define (machine-input-failed! machine now)
  (machine-now-set! machine now)
  (machine-input-ended?-set! machine #t)
  (case (machine-phase machine)
    ((finishing) #f) ; the word is still being written (F-3)
    ((draining) (close-stream! machine))
    ((closed) #f)
    (else
     ;; C-6.d needs no test of its own: what it describes has been a clean end since the CLOSE came.
     (lose! machine "the stream ended")))) ; C-6.a, C-6.b, C-6.e, O-9.e

;; A write has failed; reading goes on for a while (F-4).
(define (machine-output-broken! machine now)
  (machine-now-set! machine now)
  (machine-output-failed?-set! machine #t)
  (if (ended? machine)
      (close-stream! machine)
      (machine-reading-deadline-set! machine (after machine reading-time))))

;; What was to be written before the end has been written, and the sending half is shut down.
(define (machine-output-is-shut! machine now)
  (machine-now-set! machine now)
  (output-shut! machine))

;; Whether bytes are to be read: not during a key lookup (O-10.e), and not while too much of what the protocol layer
;; makes waits to be sent (P-4.b). Nothing else stops reading (P-4.a).
(define (machine-reading? machine)
  (and (not (machine-input-ended? machine))
       (case (machine-phase machine)
         ((lookup closed) #f)
         ((finishing draining) #t) ; F-3.c
         (else
          (or (machine-output-failed? machine)
              (<= (outbox-protocol-waiting (machine-outbox machine))
                  (limits-protocol-bytes (machine-limits machine))))))))

;; How many bytes may be read at once (O-10.e).
(define (machine-read-limit machine)
  (if (or (machine-opened? machine) (ended? machine))
      65536
      (max 1 (- (+ 2 record-limit) (inbox-count machine)))))

;; open: go on. finishing: shut down sending once all output is written. closed: close the stream.
(define (machine-stream-state machine)
  (case (machine-phase machine)
    ((finishing) 'finishing)
    ((draining) 'draining)
    ((closed) 'closed)
    (else 'open)))

;;; Time

;; When machine-advance! is to be called next, or #f.
(define (machine-deadline machine)
  (foldl (lambda (earliest deadline)
           (if (and deadline (or (not earliest) (< deadline earliest))) deadline earliest))
         #f
         (list (machine-opening-deadline machine) (machine-drain-deadline machine)
               (machine-keepalive-deadline machine) (machine-end-deadline machine)
               (machine-reading-deadline machine))))

(define (machine-advance! machine now)
  (machine-now-set! machine now)
  (define (passed? deadline) (and deadline (<= deadline now)))
  (cond ((passed? (machine-end-deadline machine)) (close-stream! machine)) ; F-3.b, F-3.d
        ((passed? (machine-opening-deadline machine))
         (end! machine 'timeout 'drop message: "the connection did not open in time")) ; O-10.a, O-10.c
        ((passed? (machine-drain-deadline machine))
         (lose! machine "the other side did not finish within the drain time limit")) ; C-5.a, C-5.b
        ((passed? (machine-reading-deadline machine))
         (lose! machine "the stream cannot be written")) ; F-4.a
        ((passed? (machine-keepalive-deadline machine)) (keepalive! machine))))

;; P-3.b, P-3.c
(define (keepalive! machine)
  (if (machine-keepalive-waiting? machine)
      (lose! machine "the other side does not answer")
      (begin
        (send-ping! machine #f)
        (machine-keepalive-waiting?-set! machine #t)
        (machine-keepalive-deadline-set! machine
                                         (after machine (limits-keepalive-timeout (machine-limits machine)))))))

;; P-3.d: a whole record has come, or the connection has opened (P-3.e).
(define (begin-interval! machine)
  (let ((interval (limits-keepalive (machine-limits machine))))
    (when (and interval (running? machine))
      (machine-keepalive-waiting?-set! machine #f)
      (machine-keepalive-deadline-set! machine (after machine interval)))))

;;; Records

(define opened-record (make-string record-limit)) ; the frames of the sealed record that is being read

;; Takes one record. False if it has not come whole.
(define (record-step! machine)
  (let ((count (inbox-count machine)) (least (if (machine-sealed? machine) tag-size 1)))
    (and (>= count 2)
         (let ((length (inbox-u16 machine)))
           (cond ((< length least)
                  (if (machine-sealed? machine)
                      (tamper! machine) ; R-1.b
                      (violation! machine "a record of length 0")) ; R-1.a
                  #t)
                 ((< count (+ 2 length)) #f)
                 ((machine-sealed? machine) (open-record! machine length) #t)
                 (else
                  (let ((buffer (machine-inbox machine)) (start (+ 2 (machine-inbox-start machine))))
                    (inbox-skip! machine (+ 2 length))
                    (take-record! machine buffer start (+ start length))
                    #t)))))))

(define (open-record! machine length)
  (let ((receiving (machine-receiving machine)))
    (cond ((not (cipher-usable? receiving)) (lose! machine "the counter of records is used up")) ; R-4.a
          ((cipher-open! receiving "" opened-record 0 (machine-inbox machine) (+ 2 (machine-inbox-start machine))
                         length)
           (inbox-skip! machine (+ 2 length))
           (take-record! machine opened-record 0 (- length tag-size)))
          (else (tamper! machine))))) ; R-3

(define (take-record! machine buffer start end)
  (when (machine-opened? machine) (begin-interval! machine))
  (if (= start end)
      (violation! machine "a record without a frame") ; F-1.c
      (take-frames! machine buffer start end)))

;; R-2.b, F-2.f: in their order, and nothing after the end of the connection.
(define (take-frames! machine buffer start end)
  (when (and (fx< start end) (running? machine))
    (if (fx< (fx- end start) header-size)
        (violation! machine "fewer bytes than a frame's header at the end of a record") ; F-1.d
        (let* ((kind (byte-ref buffer start))
               (flags (byte-ref buffer (fx+ start 1)))
               (length (get-u16 buffer (fx+ start 2)))
               (id (get-u32 buffer (fx+ start 4)))
               (body (fx+ start header-size))
               (stop (fx+ body length))
               (fault (header-fault kind flags length id)))
          (cond (fault (violation! machine fault))
                ((fx> stop end) (violation! machine "a frame longer than its record")) ; F-1.e
                (else
                 (take-frame! machine kind (fx= flags MORE) id buffer body stop)
                 (take-frames! machine buffer stop end)))))))

(define (take-frame! machine kind more? id buffer start end)
  (cond ((not (machine-opened? machine))
         (if (= kind SETTINGS)
             (take-settings! machine (substring buffer start end))
             (violation! machine "the first frame is not SETTINGS"))) ; S-1.c
        ((= kind REQUEST) (take-request! machine id more? buffer start end))
        ((= kind RESPONSE) (take-response! machine id more? buffer start end))
        ((= kind ERROR) (take-error! machine id (substring buffer start end)))
        ((= kind CANCEL) (take-cancel! machine id))
        ((= kind PING) (send-control! machine PONG 0 (substring buffer start end) 'protocol)) ; P-1
        ((= kind PONG) (take-pong! machine (substring buffer start end)))
        ((= kind CLOSE) (take-close! machine (substring buffer start end)))
        (else (violation! machine "a second SETTINGS")))) ; S-1.b

;; S-1.f: this side has sent its own, or its own goes out first.
(define (take-settings! machine body)
  (let ((settings (bytes->settings body)))
    (if (string? settings)
        (violation! machine settings) ; S-3
        (begin
          (machine-peer-set! machine settings)
          (outbox-max-partial-set! (machine-outbox machine) (settings-max-partial settings))
          (machine-opened?-set! machine #t)
          (machine-phase-set! machine 'open)
          (machine-opening-deadline-set! machine #f)
          (begin-interval! machine)
          (emit! machine 'opened)))))

;;; Output

(define composed (make-string (+ 2 record-limit))) ; the record that is being made

;; The next bytes to be written, or #f. What was given before has been written.
(define (machine-output! machine now)
  (machine-now-set! machine now)
  (cond ((or (machine-output-failed? machine) (memq (machine-phase machine) '(draining closed))) #f)
        ((not (queue-empty? (machine-opening machine))) (queue-pop! (machine-opening machine)))
        ((not (machine-transport? machine)) #f)
        (else (compose! machine))))

(define (compose! machine)
  (let* ((start 2)
         (length (outbox-compose! (machine-outbox machine) composed start (lambda (item) (item-sent! machine item)))))
    (cond ((= 0 length) #f)
          ((machine-sealed? machine) (seal-record machine length))
          (else
           (put-u16! composed 0 length)
           (let ((record (substring composed 0 (+ 2 length))))
             (after-sending! machine)
             record)))))

(define (seal-record machine length)
  (let* ((size (+ length tag-size)) (record (make-string (+ 2 size))))
    (put-u16! record 0 size)
    (if (cipher-seal! (machine-sending machine) "" record 2 composed 2 length)
        (begin (after-sending! machine) record)
        (begin (lose! machine "the counter of records is used up") #f)))) ; R-4.a

(define (item-sent! machine item)
  (let ((owner (item-owner item)))
    (cond ((request? owner) (request-sent! machine owner))
          ((exchange? owner) (answer-sent! machine owner)))))

(define (after-sending! machine)
  (release-held! machine)
  (end-if-clean! machine))

;;; The application

(define (machine-take-events! machine)
  (let ((events (reverse (machine-events machine))))
    (machine-events-set! machine '())
    events))

(define (machine-request! machine value token now)
  (machine-now-set! machine now)
  (begin-request! machine value token))

(define (machine-cancel! machine request now)
  (machine-now-set! machine now)
  (when (running? machine) (cancel-request! machine request)))

(define (machine-ping! machine token now)
  (machine-now-set! machine now)
  (begin-ping! machine token))

(define (machine-respond! machine exchange value now)
  (machine-now-set! machine now)
  (respond! machine exchange value))

(define (machine-fail! machine exchange code message details now)
  (machine-now-set! machine now)
  (fail! machine exchange code message details))

(define (machine-close! machine code message now)
  (machine-now-set! machine now)
  (ask-close! machine code message))

;; Closes the stream without a word.
(define (machine-abort! machine now)
  (machine-now-set! machine now)
  (end! machine 'aborted 'drop)
  (close-stream! machine))

(define (machine-admit! machine now)
  (machine-now-set! machine now)
  (admit! machine))

(define (machine-turn-down! machine code message now)
  (machine-now-set! machine now)
  (turn-down! machine code message))

(define (machine-key-found! machine key now)
  (machine-now-set! machine now)
  (key-found! machine key)
  (process! machine))

)
