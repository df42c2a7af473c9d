;;; Tasks as continuations over one poll loop. A task runs until it suspends itself; a call that has to wait suspends
;;; its own task only. The program's own thread of control is a task too: while it waits, the loop runs.

(declare (unit bokbok.tasks) (uses bokbok.bytes bokbok.conditions bokbok.queue bokbok.record bokbok.system bokbok.table))

(module (bokbok tasks)
  (spawn suspend! cancel-task! wait-for-task sleep!
   defer! add-timer! cancel-timer! watch! unwatch! log-line current-log)

(import scheme (chicken base) (chicken condition)
        (bokbok bytes) (bokbok conditions) (bokbok queue) (bokbok record) (bokbok system) (bokbok table))

(ignore-sigpipe!)

;; Where remarks for the operator go: a procedure that takes a line of text.
(define current-log
  (make-parameter
   (lambda (line)
     (let ((port (current-error-port)))
       (display (string-append "bokbok: " line "\n") port)
       (flush-output port)))))

(define (log-line . parts) ((current-log) (apply string-append parts)))

;;; Tasks

;; WAKER continues a suspended task, with a thunk that it calls first.
(define-state task (name)
  (waker #f)
  (cancelled? #f) ; a demand to stop has come that it has not seen
  (done? #f)
  (result #f)     ; a thunk
  (waiters '()))  ; wakers of tasks that wait for its end

(define current-task (new-task "main"))
(define ready (make-queue))   ; pairs of a task and a thunk, for the next round
(define running (make-queue)) ; those of this round

(define (make-ready! task thunk) (queue-push! ready (cons task thunk)))

;; Begins a task that calls THUNK.
(define (spawn thunk #!optional (name "task"))
  (let ((task (new-task name)))
    (make-ready! task (lambda () (run-task task thunk)))
    task))

(define (run-task task thunk)
  (let ((result (handle-exceptions condition
                    (lambda () (abort condition))
                  (let ((value (thunk))) (lambda () value)))))
    (task-done?-set! task #t)
    (task-result-set! task result)
    (for-each (lambda (wake!) (wake! result)) (task-waiters task))
    (schedule)))

;; Suspends the current task. REGISTER is called with a procedure that continues it: it takes a thunk, whose value or
;; condition is that of suspend!. Only its first call counts.
(define (suspend! register)
  (let ((task current-task))
    (if (task-cancelled? task)
        (stop-task task)
        ((call-with-current-continuation
          (lambda (continue)
            (define woken? #f)
            (define (wake! thunk)
              (unless woken?
                (set! woken? #t)
                (task-waker-set! task #f)
                (make-ready! task (lambda () (continue thunk)))))
            (task-waker-set! task wake!)
            (register wake!)
            (schedule)))))))

(define (stop-task task)
  (task-cancelled?-set! task #f)
  (signal-bokbok 'cancelled "cancelled"))

;; Demands that a task stops: where it is suspended, or suspends itself next, the condition `cancelled' is signalled,
;; once.
(define (cancel-task! task)
  (cond ((task-done? task) #f)
        ((task-waker task) => (lambda (wake!) (wake! (lambda () (stop-task task)))))
        (else (task-cancelled?-set! task #t))))

;; The value of the task's thunk, or its condition.
(define (wait-for-task task)
  (if (task-done? task)
      ((task-result task))
      (suspend! (lambda (wake!) (task-waiters-set! task (cons wake! (task-waiters task)))))))

(define (sleep! milliseconds)
  (define timer #f)
  (handle-exceptions condition
      (begin (when timer (cancel-timer! timer)) (abort condition))
    (suspend! (lambda (wake!) (set! timer (add-timer! (+ (now) milliseconds) (lambda () (wake! void))))))))

;;; The loop

;; A continuation with no dynamic context of its own: called with a thunk, it calls that.
(define root #f)
((call-with-current-continuation (lambda (continue) (set! root continue) void)))

;; Leaves the current task for whatever is ready. Does not return.
(define (schedule) (root next-step))

(define (next-step)
  (if (queue-empty? running)
      (begin
        (run-deferred!)
        (poll-once!)
        (run-timers!)
        (let ((empty running)) (set! running ready) (set! ready empty))
        (next-step))
      (let ((entry (queue-pop! running)))
        (set! current-task (car entry))
        ((cdr entry)))))

;; The loop calls procedures that must neither suspend nor fail; a failure is logged.
(define (call-safely thunk)
  (handle-exceptions condition
      (log-line "internal error: " (describe-condition condition))
    (thunk)))

;; Procedures to be called once before the loop waits.
(define deferred (make-queue))

(define (defer! thunk) (queue-push! deferred thunk))

(define (run-deferred!)
  (let ((thunks (queue->list deferred)))
    (queue-clear! deferred)
    (for-each call-safely thunks)))

;;; Timers, in a skew heap

(define-state timer (time thunk)
  (left #f) (right #f) (cancelled? #f))

(define timers #f)
(define timer-count 0)
(define cancelled-count 0)

(define (merge a b)
  (cond ((not a) b)
        ((not b) a)
        ((< (timer-time b) (timer-time a)) (merge b a))
        (else
         (let ((left (timer-left a)))
           (timer-left-set! a (merge (timer-right a) b))
           (timer-right-set! a left)
           a))))

(define (add-timer! time thunk)
  (let ((timer (new-timer time thunk)))
    (set! timer-count (+ 1 timer-count))
    (set! timers (merge timers timer))
    timer))

(define (cancel-timer! timer)
  (unless (timer-cancelled? timer)
    (timer-cancelled?-set! timer #t)
    (timer-thunk-set! timer #f)
    (set! cancelled-count (+ 1 cancelled-count))
    (when (and (> cancelled-count 64) (> (* 2 cancelled-count) timer-count)) (drop-cancelled!))))

;; Without this, cancelled timers of a far time would pile up.
(define (drop-cancelled!)
  (let loop ((stack (list timers)) (kept #f) (count 0))
    (cond ((null? stack)
           (set! timers kept)
           (set! timer-count count)
           (set! cancelled-count 0))
          ((not (car stack)) (loop (cdr stack) kept count))
          (else
           (let* ((timer (car stack)) (stack (cons (timer-left timer) (cons (timer-right timer) (cdr stack)))))
             (timer-left-set! timer #f)
             (timer-right-set! timer #f)
             (if (timer-cancelled? timer)
                 (loop stack kept count)
                 (loop stack (merge kept timer) (+ count 1))))))))

(define (pop-timer!)
  (let ((timer timers))
    (set! timers (merge (timer-left timer) (timer-right timer)))
    (timer-left-set! timer #f)
    (timer-right-set! timer #f)
    (set! timer-count (- timer-count 1))
    (when (timer-cancelled? timer) (set! cancelled-count (max 0 (- cancelled-count 1))))
    timer))

(define (run-timers!)
  (let ((time (now)))
    (let loop ()
      (when (and timers (<= (timer-time timers) time))
        (let ((timer (pop-timer!)))
          (unless (timer-cancelled? timer)
            (let ((thunk (timer-thunk timer)))
              (timer-cancelled?-set! timer #t) ; so that cancelling it later changes nothing
              (call-safely thunk)))
          (loop))))))

;;; Descriptors

;; Descriptors that are watched: pairs of the interests (1 reading, 2 writing) and a procedure, which is called with
;; what the descriptor is ready for.
(define watched (make-table))

(define (watch! descriptor interests procedure)
  (if (= 0 interests)
      (unwatch! descriptor)
      (table-set! watched descriptor (cons interests procedure))))

(define (unwatch! descriptor) (table-delete! watched descriptor))

(define poll-space (make-string (* 64 poll-size)))

;; How long the loop may wait: 0 if something is to be done, -1 without an end.
(define (patience)
  (cond ((not (and (queue-empty? ready) (queue-empty? deferred))) 0)
        (timers (max 0 (min 60000 (- (timer-time timers) (now)))))
        ((= 0 (table-count watched))
         (log-line "every task waits for another, and nothing can happen any more")
         (exit 70))
        (else -1)))

(define (poll-once!)
  (let* ((descriptors (table-keys watched)) (count (length descriptors)))
    (when (> (* count poll-size) (string-length poll-space))
      (set! poll-space (make-string (* 2 count poll-size))))
    (let ((set poll-space))
      (let loop ((index 0) (rest descriptors))
        (unless (null? rest)
          (poll-set! set index (car rest) (car (table-ref watched (car rest))))
          (loop (+ index 1) (cdr rest))))
      (when (> (poll set count (patience)) 0)
        (let ((entries (map (lambda (descriptor) (table-ref watched descriptor)) descriptors)))
          (let loop ((index 0) (descriptors descriptors) (entries entries))
            (unless (null? descriptors)
              (let ((state (poll-get set index)))
                ;; An earlier procedure may have changed or ended the watch.
                (when (and (not (= 0 state)) (eq? (car entries) (table-ref watched (car descriptors))))
                  (call-safely (lambda () ((cdr (car entries)) state)))))
              (loop (+ index 1) (cdr descriptors) (cdr entries)))))))))

)
