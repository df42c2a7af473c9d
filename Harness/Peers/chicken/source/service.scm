;;; The conformance service: what the testee answers to requests, in both roles.

(declare (unit bokbok.service)
         (uses bokbok.bytes bokbok.conditions bokbok.connection bokbok.crypto bokbok.tasks bokbok.values))

(module (bokbok service)
  (make-service)

(import scheme (chicken base) (chicken condition)
        (bokbok bytes) (bokbok conditions) (bokbok connection) (bokbok crypto) (bokbok tasks) (bokbok values))

;; A request handler. CALLED is told of the connection and the request when it is called, CANCELLED when it is told to
;; stop by the other side.
(define (make-service called cancelled)
  (lambda (connection request)
    (called connection request)
    (let ((told? #f))
      (define (tell)
        (unless (or told? (connection-ending connection))
          (set! told? #t)
          (cancelled connection request)))
      (handle-exceptions condition
          (begin (when (cancellation? condition) (tell)) (abort condition))
        (answer connection request tell)))))

(define (cancellation? condition)
  (and (bokbok-condition? condition) (eq? 'cancelled (bokbok-condition-kind condition))))

(define (answer connection request tell)
  (let ((name (and (pair? request) (string? (car request)) (string->symbol (car request))))
        (arguments (if (pair? request) (cdr request) '())))
    (define (check condition) (unless condition (unknown)))
    ;; The only argument, which is a number or an atom.
    (define (argument)
      (check (and (= 1 (length arguments)) (string? (car arguments))))
      (car arguments))
    (define (number)
      (let ((number (decimal->number (argument) 4294967295)))
        (check number)
        number))
    (case name
      ((echo) request)
      ((fail)
       (check (and (>= (length arguments) 2) (string? (car arguments)) (string? (cadr arguments))))
       (apply fail-request arguments))
      ((crash) (check (null? arguments)) (vector-ref (vector) (length arguments)))
      ((sleep) (let ((time (number))) (sleep! time) (list "slept" (car arguments))))
      ((blob) (blob (min (number) (+ 1 (connection-max-message connection))))) ; more is too large all the same
      ((digest) (sha-256 (argument)))
      ((callback) (call-back connection (number)))
      ((nest)
       (let ((depth (number)))
         (if (= depth 0)
             (list "nested")
             (list (request! connection (list "nest" (number->string (- depth 1))))))))
      ((whoami)
       (check (null? arguments))
       (let ((user (connection-user connection))) (if user (list user) '())))
      ((hang) (check (null? arguments)) (hang))
      ((stubborn)
       (let ((time (number)))
         (handle-exceptions condition
             (begin
               (when (cancellation? condition)
                 (tell)
                 (unless (connection-ending connection) (sleep! time)))
               (abort condition))
           (hang))))
      ((many) (make-list (min (number) (+ 1 maximum-values)) "")) ; more cannot be sent either
      (else (unknown)))))

(define (unknown) (fail-request "unknown-request" "the conformance service has no such request"))

(define (hang) (suspend! void))

(define (make-list count item)
  (let loop ((count count) (items '()))
    (if (= count 0) items (loop (- count 1) (cons item items)))))

;; Byte i is i mod 251.
(define (blob count)
  (let ((result (make-string count)) (period 251))
    (let loop ((index 0))
      (when (< index (min count period))
        (byte-set! result index index)
        (loop (+ index 1))))
    (let double ((filled period)) ; a multiple of the period
      (when (< filled count)
        (bytes-copy! result filled result 0 (min filled (- count filled)))
        (double (* 2 filled))))
    result))

(define (call-back connection count)
  (let ((pending (let loop ((index 1) (pending '()))
                   (if (> index count)
                       (reverse pending)
                       (loop (+ index 1)
                             (cons (start-request! connection (list "echo" (number->string index))) pending))))))
    (handle-exceptions condition
        (begin
          (when (cancellation? condition) (for-each cancel-request! pending))
          (abort condition))
      (map await-response! pending))))

)
