;;; Byte streams: one socket, or a descriptor to read from and one to write to.

(declare (unit bokbok.streams) (uses bokbok.conditions bokbok.record bokbok.system bokbok.tasks))

(module (bokbok streams)
  (socket-stream pipe-stream standard-stream stream-name stream-command stream-command-set!
   stream-input stream-output stream-read! stream-write! stream-shut! stream-watch! stream-close! stream-open?
   connect-tcp-stream connect-unix-stream)

(import scheme (chicken base) (chicken condition)
        (bokbok conditions) (bokbok record) (bokbok system) (bokbok tasks))

;; INPUT and OUTPUT are the same descriptor on one socket; OUTPUT is #f once it is closed.
(define-state stream (input output input-socket? output-socket? name)
  (command #f) ; the process at the other end
  (open? #t))

(define (socket-stream descriptor name) (new-stream descriptor descriptor #t #t name))

(define (pipe-stream input output name)
  (new-stream input output (socket? input) (socket? output) name))

;; The standard input and output, moved away, so that whatever the program prints goes to standard error (A-2.d).
(define (standard-stream)
  (let* ((one? (and (socket? 0) (same-file? 0 1))) ; A-2.c
         (input (check (move-away 0 -1) "standard input"))
         (output (check (move-away 1 2) "standard output")))
    (if one?
        (begin (close-descriptor output) (socket-stream input "stdio:"))
        (pipe-stream input output "stdio:"))))

;; How many bytes have been read into BUFFER, at most COUNT; `again' if there are none yet, `ended' at the end of input
;; and on every failure (a reset too).
(define (stream-read! stream buffer count)
  (let ((result (read-bytes! (stream-input stream) (stream-input-socket? stream) buffer count)))
    (cond ((> result 0) result)
          ((again? result) 'again)
          (else 'ended))))

;; How many bytes of STRING from START to END have been written; `again' or `failed'.
(define (stream-write! stream string start end)
  (if (not (stream-output stream))
      'failed
      (let ((result (write-bytes (stream-output stream) (stream-output-socket? stream) string start (- end start))))
        (cond ((>= result 0) result)
              ((again? result) 'again)
              (else 'failed)))))

(define (one-socket? stream) (eqv? (stream-input stream) (stream-output stream)))

;; F-3.a, F-3.e
(define (stream-shut! stream)
  (cond ((not (stream-output stream)) #f)
        ((one-socket? stream) (shutdown-sending (stream-output stream)))
        (else
         (unwatch! (stream-output stream))
         (close-descriptor (stream-output stream))
         (stream-output-set! stream #f))))

;; Calls PROCEDURE, with 1 or 2 or 3, when the stream can be read or written, as far as that is asked for.
(define (stream-watch! stream reading? writing? procedure)
  (let ((reading (if reading? 1 0)) (writing (if writing? 2 0)))
    (if (one-socket? stream)
        (watch! (stream-input stream) (+ reading writing) procedure)
        (begin
          (watch! (stream-input stream) reading (lambda (state) (procedure 1)))
          (when (stream-output stream)
            (watch! (stream-output stream) writing (lambda (state) (procedure 2))))))))

(define (stream-close! stream)
  (when (stream-open? stream)
    (stream-open?-set! stream #f)
    (stream-watch! stream #f #f void)
    (when (and (stream-output stream) (not (one-socket? stream))) (close-descriptor (stream-output stream)))
    (close-descriptor (stream-input stream))))

;;; Connecting. Both suspend the current task until DEADLINE at most.

(define (connect-tcp-stream host port deadline)
  (let ((name (string-append host ":" (number->string port))))
    (let loop ((addresses (resolve host (number->string port) #f)) (problem 0))
      (if (null? addresses)
          (signal-bokbok 'system (string-append "connecting to " name ": " (error-text problem)))
          (let ((descriptor (connect (car addresses) (string-length (car addresses)))))
            (if (< descriptor 0)
                (loop (cdr addresses) descriptor)
                (let ((problem (await-connected descriptor deadline name)))
                  (if (= 0 problem)
                      (socket-stream descriptor (string-append "tcp:" (end-name descriptor #t)))
                      (begin
                        (close-descriptor descriptor)
                        (loop (cdr addresses) problem))))))))))

;; 0, or the number of the error.
(define (await-connected descriptor deadline name)
  (await deadline name
         (lambda (wake!)
           (watch! descriptor 2 (lambda (state) (wake! (lambda () (socket-error descriptor))))))
         (lambda (done?)
           (unwatch! descriptor)
           (unless done? (close-descriptor descriptor)))))

;; Suspends; CLEAN-UP is called with whether REGISTER's procedure woke the task.
(define (await deadline name register clean-up)
  (define timer #f)
  (let ((result (handle-exceptions condition
                    (begin
                      (when timer (cancel-timer! timer))
                      (clean-up #f)
                      (abort condition))
                  (suspend!
                   (lambda (wake!)
                     (set! timer (add-timer! deadline
                                             (lambda ()
                                               (wake! (lambda ()
                                                        (signal-bokbok 'timeout
                                                                       (string-append "connecting to " name
                                                                                      " took too long")))))))
                     (register wake!))))))
    (cancel-timer! timer)
    (clean-up #t)
    result))

;; A server whose queue of connections is full says so, and is asked again.
(define (connect-unix-stream path deadline)
  (let ((descriptor (connect-unix path)))
    (cond ((>= descriptor 0) (socket-stream descriptor (string-append "unix:" path)))
          ((not (again? descriptor)) (check descriptor (string-append "connecting to " path)))
          ((> (now) deadline)
           (signal-bokbok 'timeout (string-append "connecting to " path " took too long")))
          (else
           (sleep! 10)
           (connect-unix-stream path deadline)))))

)
