;;; A connection: a machine, its stream, and the tasks of its handlers.

(declare (unit bokbok.connection)
         (uses bokbok.bytes bokbok.commands bokbok.conditions bokbok.machine bokbok.record bokbok.settings bokbok.state
               bokbok.streams bokbok.system bokbok.table bokbok.tasks bokbok.values bokbok.wire))

(module (bokbok connection)
  (make-handlers start-connection! wait-until-open connection-user connection-addr connection-number
   connection-open? connection-ending connection-opened? connection-exit-status connection-max-message
   connection-counted connection-counted-set!
   request! start-request! await-response! cancel-request! ping!
   close-connection! begin-close! abort-connection!
   fail-request turn-away check-close)

(import scheme (chicken base) (chicken condition)
        (bokbok bytes) (bokbok commands) (bokbok conditions) (bokbok machine) (bokbok record) (bokbok settings)
        (only (bokbok state) machine-user machine-opened? machine-ending machine-peer machine-turned-down?
              exchange-token exchange-token-set! ending->condition ending-reason ending-code)
        (bokbok streams) (bokbok system) (bokbok table) (bokbok tasks) (bokbok values) (bokbok wire))

;; What belongs to the application and to the server. OPEN is #f or the open handler; FIND-KEY looks a user up. OPENED,
;; ENDED and GONE are told of this connection: that it is open, that its end is decided, that its stream is closed.
(define-record handlers request open close find-key opened ended gone)

;; NUMBER tells connections apart. COMMAND-TIMES are the two of A-3.b.
(define-state connection (machine stream handlers command-times)
  (number (next-number))
  (counted #f)        ; a server's mark among the streams that are not open or are ending (O-12)
  (scheduled? #f)     ; to be pumped before the loop waits
  (output #f)         ; bytes that are being written, from output-start on
  (output-start 0)
  (interests 0)
  (timer #f)
  (timer-time #f)
  (tasks (make-table)) ; tasks that end with the connection, by number
  (opening-task #f)
  (open-wakers '())
  (end-wakers '())
  (gone? #f))

(define last-number 0)
(define (next-number) (set! last-number (+ 1 last-number)) last-number)

(define (start-connection! machine stream handlers command-times)
  (let ((connection (new-connection machine stream handlers command-times)))
    (schedule-pump! connection)
    connection))

;; The user that was authenticated, as bytes (H-12), or #f on a plain connection.
(define (connection-user connection) (machine-user (connection-machine connection)))

;; Where the other side is, as far as the transport tells.
(define (connection-addr connection) (stream-name (connection-stream connection)))

(define (connection-opened? connection) (machine-opened? (connection-machine connection)))

;; How it ended, or #f.
(define (connection-ending connection) (machine-ending (connection-machine connection)))

(define (connection-open? connection)
  (and (connection-opened? connection) (not (connection-ending connection))))

;; The largest message that the other side takes.
(define (connection-max-message connection)
  (settings-max-message (machine-peer (connection-machine connection))))

;; Of the command of exec:, once it has ended: its exit status, or 256 and the signal that ended it. #f before.
(define (connection-exit-status connection)
  (let ((command (stream-command (connection-stream connection))))
    (and command (command-status command))))

;;; Between the machine and the stream

(define (schedule-pump! connection)
  (unless (or (connection-scheduled? connection) (connection-gone? connection))
    (connection-scheduled?-set! connection #t)
    (defer! (lambda () (pump! connection)))))

;; Carries out what the machine wants until it wants nothing more at the moment.
(define (pump! connection)
  (connection-scheduled?-set! connection #f)
  (unless (connection-gone? connection)
    (handle-exceptions condition
        (begin
          (log-line "internal error on a connection: " (describe-condition condition))
          (machine-abort! (connection-machine connection) (now))
          (take-events! connection)
          (settle! connection))
      (take-events! connection)
      (write-output! connection)
      (take-events! connection)
      (settle! connection))))

(define read-buffer (make-string 65537))
(define reads-at-once 8)
(define writes-at-once 1048576)

(define (stream-ready! connection state)
  (unless (= state 2) (read-input! connection reads-at-once))
  (pump! connection))

(define (read-input! connection times)
  (let ((machine (connection-machine connection)))
    (when (and (> times 0) (machine-reading? machine))
      (let ((count (stream-read! (connection-stream connection) read-buffer (machine-read-limit machine))))
        (cond ((eq? count 'ended) (machine-input-failed! machine (now)))
              ((not (eq? count 'again))
               (machine-receive! machine read-buffer count (now))
               (read-input! connection (- times 1))))))))

(define (write-output! connection)
  (let ((machine (connection-machine connection)) (stream (connection-stream connection)))
    (let loop ((allowance writes-at-once))
      (unless (connection-output connection)
        (connection-output-set! connection (machine-output! machine (now)))
        (connection-output-start-set! connection 0))
      (let ((output (connection-output connection)) (start (connection-output-start connection)))
        (cond ((not output) #f)
              ((<= allowance 0) #f) ; the others' turn; the stream is ready again in the next round
              (else
               (let ((written (stream-write! stream output start (string-length output))))
                 (cond ((eq? written 'again) #f)
                       ((eq? written 'failed)
                        (connection-output-set! connection #f)
                        (machine-output-broken! machine (now)))
                       (else
                        (connection-output-start-set! connection (+ start written))
                        (when (= (+ start written) (string-length output)) (connection-output-set! connection #f))
                        (loop (- allowance written)))))))))))

;; Shuts down or closes the stream if that is due; else sees to the next bytes and the next deadline.
(define (settle! connection)
  (let ((machine (connection-machine connection)) (stream (connection-stream connection)))
    (case (machine-stream-state machine)
      ((closed) (let-go! connection))
      ((finishing)
       (if (connection-output connection)
           (watch-stream! connection)
           (begin
             (stream-shut! stream) ; F-3.a
             (machine-output-is-shut! machine (now))
             (settle! connection))))
      (else (watch-stream! connection)))))

(define (watch-stream! connection)
  (let* ((machine (connection-machine connection))
         (reading? (machine-reading? machine))
         (writing? (and (connection-output connection) #t))
         (interests (+ (if reading? 1 0) (if writing? 2 0))))
    (unless (= interests (connection-interests connection))
      (connection-interests-set! connection interests)
      (stream-watch! (connection-stream connection) reading? writing?
                     (lambda (state) (stream-ready! connection state))))
    (watch-clock! connection (machine-deadline machine))))

;; One timer at most, which may be early.
(define (watch-clock! connection deadline)
  (when (and deadline
             (or (not (connection-timer connection)) (< deadline (connection-timer-time connection))))
    (stop-timer! connection)
    (connection-timer-time-set! connection deadline)
    (connection-timer-set! connection (add-timer! deadline (lambda () (timer-rang! connection))))))

(define (timer-rang! connection)
  (let ((machine (connection-machine connection)))
    (connection-timer-set! connection #f)
    (let ((deadline (machine-deadline machine)))
      (when (and deadline (<= deadline (now))) (machine-advance! machine (now))))
    (pump! connection)))

(define (stop-timer! connection)
  (when (connection-timer connection)
    (cancel-timer! (connection-timer connection))
    (connection-timer-set! connection #f)))

;; The machine has done with the stream.
(define (let-go! connection)
  (let ((stream (connection-stream connection)))
    (connection-gone?-set! connection #t)
    (connection-output-set! connection #f)
    (stop-timer! connection)
    (stream-close! stream)
    (when (stream-command stream)
      (apply end-command! (stream-command stream) (connection-command-times connection)))
    ((handlers-gone (connection-handlers connection)) connection)))

;;; Events

(define (take-events! connection)
  (let ((events (machine-take-events! (connection-machine connection))))
    (unless (null? events)
      (for-each (lambda (event) (take-event! connection event)) events)
      (take-events! connection))))

(define (take-event! connection event)
  (let ((machine (connection-machine connection)) (arguments (cdr event)))
    (case (car event)
      ((opened) (opened! connection))
      ((request) (apply start-handler! connection arguments))
      ((cancel) (cancel-task! (exchange-token (car arguments)))) ; X-7.b
      ((answered) (let ((value (cadr arguments))) (resolve! (car arguments) (lambda () value))))
      ((failed) (let ((condition (cadr arguments))) (resolve! (car arguments) (lambda () (abort condition)))))
      ((lookup) (look-up! connection (car arguments)))
      ((log) (log-line (connection-addr connection) ": " (car arguments)))
      (else (ended! connection (car arguments))))))

;; A task that is told to stop when the connection ends.
(define (start-task! connection name thunk)
  (let ((number (next-number)))
    (let ((task (spawn (lambda ()
                         (thunk)
                         (table-delete! (connection-tasks connection) number))
                       name)))
      (table-set! (connection-tasks connection) number task)
      task)))

(define (opened! connection)
  (let ((machine (connection-machine connection)) (handlers (connection-handlers connection)))
    ((handlers-opened handlers) connection)
    (wake-all! (connection-open-wakers connection) (lambda () connection))
    (connection-open-wakers-set! connection '())
    (if (handlers-open handlers)
        (start-task! connection "open handler" (lambda () (ask-open-handler connection)))
        (machine-admit! machine (now)))))

;; C-9: the handler lets the connection in, unless it answers with turn-away or fails (C-9.e).
(define (ask-open-handler connection)
  (let* ((machine (connection-machine connection))
         (answer (handle-exceptions condition
                     (begin
                       (unless (connection-ending connection) ; else it was told to stop (C-9.f)
                         (log-line "the open handler failed: " (describe-condition condition)))
                       (turn-away "shutdown"))
                   ((handlers-open (connection-handlers connection)) connection))))
    (if (refusal-of-handler? answer)
        (machine-turn-down! machine (refusal-of-handler-code answer) (refusal-of-handler-message answer) (now))
        (machine-admit! machine (now)))
    (schedule-pump! connection)))

(define-record refusal-of-handler code message)

;; What an open handler answers to turn a connection down, with the code and the message of a CLOSE.
(define (turn-away code #!optional (message ""))
  (check-close code message)
  (make-refusal-of-handler code message))

;; C-9.g
(define (check-close code message)
  (unless (and (valid-code? code) (not (string=? code "protocol-error")))
    (usage-error (string-append "~s cannot be the code of a CLOSE; 1 to 64 characters from a-z, 0-9, '.' and '-' can, "
                                "but not \"protocol-error\"")
                 code))
  (unless (and (string? message) (utf8? message))
    (usage-error "~s cannot be the message of a CLOSE; a string of UTF-8 can" message)))

(define (look-up! connection user)
  (start-task! connection "key lookup"
               (lambda ()
                 (let ((key (handle-exceptions condition
                                (begin ; H-4.g
                                  (log-line "the lookup of the key of " (display-text user) " failed: "
                                            (describe-condition condition))
                                  #f)
                              ((handlers-find-key (connection-handlers connection)) user))))
                   (machine-key-found! (connection-machine connection) key (now))
                   (schedule-pump! connection)))))

(define (ended! connection ending)
  (let ((handlers (connection-handlers connection)) (machine (connection-machine connection)))
    (for-each cancel-task! (table-values (connection-tasks connection))) ; C-9.f, O-10
    ((handlers-ended handlers) connection)
    (when (and (machine-opened? machine) (not (machine-turned-down? machine)) (handlers-close handlers))
      (spawn (lambda () (call-close-handler connection ending)) "close handler")) ; C-8.a, S-1.g, C-9.c
    (wake-all! (connection-open-wakers connection) (lambda () (abort (ending->condition ending))))
    (connection-open-wakers-set! connection '())
    (wake-all! (connection-end-wakers connection) void)
    (connection-end-wakers-set! connection '())))

(define (call-close-handler connection ending)
  (handle-exceptions condition
      (log-line "the close handler failed: " (describe-condition condition))
    ((handlers-close (connection-handlers connection)) connection ending)))

(define (wake-all! wakers thunk) (for-each (lambda (wake!) (wake! thunk)) (reverse wakers)))

;; Suspends until the connection is open; signals what kept it from opening.
(define (wait-until-open connection)
  (cond ((connection-ending connection) => (lambda (ending) (abort (ending->condition ending))))
        ((not (connection-opened? connection))
         (suspend! (lambda (wake!)
                     (connection-open-wakers-set! connection (cons wake! (connection-open-wakers connection))))))))

;;; Handling requests

(define (start-handler! connection exchange value)
  (exchange-token-set! exchange
                       (start-task! connection "request handler" (lambda () (handle connection exchange value)))))

(define (handle connection exchange value)
  (let ((machine (connection-machine connection)))
    ((handle-exceptions condition
         (lambda () (answer-failure machine exchange condition))
       (let ((answer ((handlers-request (connection-handlers connection)) connection value)))
         (lambda () (machine-respond! machine exchange answer (now))))))
    (schedule-pump! connection)))

;; What a request handler signals to answer with an ERROR: a code, a message and details, which are values.
(define (fail-request code message . details)
  (abort (bokbok-condition 'application message code: code details: details)))

;; The error of a handler: with a code if it was made on purpose, or passes on the ERROR of a nested request.
(define (answer-failure machine exchange condition)
  (if (and (bokbok-condition? condition)
           (memq (bokbok-condition-kind condition) '(application remote closing))
           (bokbok-condition-code condition))
      (machine-fail! machine exchange (bokbok-condition-code condition)
                     (if (string? (bokbok-condition-text condition))
                         (bokbok-condition-text condition)
                         (describe-condition condition))
                     (values-only (bokbok-condition-details condition))
                     (now))
      (machine-fail! machine exchange #f (describe-condition condition) '() (now))))

;; The details, if they are values.
(define (values-only details)
  (handle-exceptions condition '() (measure-value details) details))

;;; Requests of this side

;; A request or a PING that was sent. RESULT is a thunk once it is known.
(define-state pending (connection)
  (request #f)
  (result #f)
  (wakers '()))

(define (resolve! pending result)
  (unless (pending-result pending)
    (pending-result-set! pending result)
    (wake-all! (pending-wakers pending) (lambda () result))
    (pending-wakers-set! pending '())))

(define (start! connection begin!)
  (let ((pending (new-pending connection)))
    (unless (or (connection-opened? connection) (connection-ending connection))
      (usage-error "the connection is not open yet"))
    (begin! pending)
    (schedule-pump! connection)
    pending))

;; Sends a request and answers at once with something for await-response! and cancel-request!.
(define (start-request! connection value)
  (start! connection
          (lambda (pending)
            (pending-request-set! pending (machine-request! (connection-machine connection) value pending (now))))))

;; Suspends until the answer has come. A task that is cancelled while it waits cancels the request.
(define (await-response! pending)
  (unless (pending-result pending)
    (handle-exceptions condition
        (begin (cancel-request! pending) (abort condition))
      (suspend! (lambda (wake!) (pending-wakers-set! pending (cons wake! (pending-wakers pending)))))))
  ((pending-result pending)))

;; The caller gives up (X-7); whoever waits is told at once.
(define (cancel-request! pending)
  (unless (pending-result pending)
    (when (pending-request pending)
      (machine-cancel! (connection-machine (pending-connection pending)) (pending-request pending) (now)))
    (resolve! pending (lambda () (signal-bokbok 'cancelled "the request was cancelled")))
    (schedule-pump! (pending-connection pending))))

;; Sends VALUE as a request and answers with its answer; suspends its caller only. With TIMEOUT-MILLISECONDS the request
;; is cancelled after that time.
(define (request! connection value #!key (timeout-milliseconds #f))
  (let* ((pending (start-request! connection value))
         (timer (and timeout-milliseconds
                     (add-timer! (+ (now) timeout-milliseconds) (lambda () (time-out! pending))))))
    (handle-exceptions condition
        (begin (when timer (cancel-timer! timer)) (abort condition))
      (let ((answer (await-response! pending)))
        (when timer (cancel-timer! timer))
        answer))))

(define (time-out! pending)
  (unless (pending-result pending)
    (machine-cancel! (connection-machine (pending-connection pending)) (pending-request pending) (now))
    (resolve! pending (lambda () (signal-bokbok 'timeout "the request took too long")))
    (schedule-pump! (pending-connection pending))))

;; Suspends until the other side has answered a PING.
(define (ping! connection)
  (await-response!
   (start! connection (lambda (pending) (machine-ping! (connection-machine connection) pending (now))))))

;;; The end

;; Asks for the end of the connection with the code and the message of a CLOSE, and does not wait for it.
(define (begin-close! connection #!key (code "normal") (message ""))
  (check-close code message)
  (machine-close! (connection-machine connection) code message (now))
  (schedule-pump! connection))

;; The same, and suspends until the end is decided.
(define (close-connection! connection #!key (code "normal") (message ""))
  (begin-close! connection code: code message: message)
  (unless (connection-ending connection)
    (suspend! (lambda (wake!)
                (connection-end-wakers-set! connection (cons wake! (connection-end-wakers connection)))))))

;; Closes the stream without a word. What is under way fails as lost.
(define (abort-connection! connection)
  (machine-abort! (connection-machine connection) (now))
  (pump! connection))

)
