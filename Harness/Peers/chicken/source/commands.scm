;;; Commands at the other end of a stream (A-3).

(declare (unit bokbok.commands)
         (uses bokbok.conditions bokbok.queue bokbok.record bokbok.streams bokbok.system bokbok.table bokbok.tasks))

(module (bokbok commands)
  (start-command end-command! command-status wait-for-commands)

(import scheme (chicken base)
        (bokbok conditions) (bokbok queue) (bokbok record) (bokbok streams) (bokbok system) (bokbok table)
        (bokbok tasks))

;; STATUS is #f while it runs, then its exit status, or 256 and the signal that ended it.
(define-state command (process name)
  (status #f)
  (timer #f))

(define running (make-table)) ; commands by their process
(define waiters '())          ; wakers of tasks that wait until none runs

;; A stream to the command; its words are the WORDS (A-3.e).
(define (start-command words)
  (let ((descriptor (check (children-descriptor) "waiting for commands")))
    (watch-children! descriptor)
    (let-values (((process output input) (spawn-command words)))
      (let ((command (new-command process (car words)))
            (stream (pipe-stream input output (string-append "exec:" (car words)))))
        (table-set! running process command)
        (stream-command-set! stream command)
        stream))))

(define (watch-children! descriptor)
  (let ((space (make-string 64)))
    (watch! descriptor 1
            (lambda (state)
              (let loop () (when (> (read-bytes! descriptor #f space 64) 0) (loop)))
              (for-each reap-command! (table-values running)) ; A-3.c
              (when (= 0 (table-count running))
                (unwatch! descriptor)
                (for-each (lambda (wake!) (wake! void)) waiters)
                (set! waiters '()))))))

(define (reap-command! command)
  (let ((status (reap (command-process command))))
    (unless (= status -1)
      (command-status-set! command status)
      (table-delete! running (command-process command))
      (when (command-timer command) (cancel-timer! (command-timer command)))
      (log-line "the command " (display-text (command-name command)) " ended with "
                (if (>= status 256)
                    (string-append "the signal " (number->string (- status 256)))
                    (string-append "the status " (number->string status)))))))

;; The stream has been closed (A-3.a). END and KILL are the times of A-3.b.
(define (end-command! command end kill)
  (define (later time procedure)
    (command-timer-set! command (add-timer! (+ (now) time) procedure)))
  (define (send! kill?)
    (unless (command-status command) (signal-process (command-process command) kill?)))
  (unless (command-status command)
    (later end
           (lambda ()
             (send! #f)
             (later kill (lambda () (send! #t)))))))

;; Suspends until every command has ended.
(define (wait-for-commands)
  (unless (= 0 (table-count running))
    (suspend! (lambda (wake!) (set! waiters (cons wake! waiters))))))

)
