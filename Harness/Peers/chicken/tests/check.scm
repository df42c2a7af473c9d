;;; Checks that count, and say what failed.

(declare (unit bokbok.check) (uses bokbok.bytes bokbok.conditions))

(module (bokbok check)
  ((test run-test) check check-equal check-signals failures checks finish)

(import scheme (chicken base) (chicken condition) (chicken format)
        (bokbok bytes) (bokbok conditions))

(define failures 0)
(define checks 0)
(define current "")

;; Runs BODY; a condition that it signals is a failure.
(define-syntax test
  (syntax-rules ()
    ((_ name body ...) (run-test name (lambda () body ...)))))

(define (run-test name thunk)
  (set! current name)
  (handle-exceptions condition
      (fail (string-append "signals " (describe-condition condition)))
    (thunk)))

(define (fail text)
  (set! failures (+ 1 failures))
  (print "FAILED " current ": " text))

(define (check what condition)
  (set! checks (+ 1 checks))
  (unless condition (fail what)))

(define (check-equal what expected got)
  (set! checks (+ 1 checks))
  (unless (equal? expected got)
    (fail (format #f "~a: expected ~a, got ~a" what (shown expected) (shown got)))))

(define (shown object)
  (let ((text (format #f "~s" object)))
    (if (> (string-length text) 600) (string-append (substring text 0 600) " ...") text)))

;; Expects a condition of this library with the KIND; answers it.
(define (check-signals what kind thunk)
  (set! checks (+ 1 checks))
  (let ((condition (handle-exceptions condition condition (thunk) #f)))
    (cond ((not condition) (fail (string-append what ": signals nothing")))
          ((not (bokbok-condition? condition))
           (fail (string-append what ": signals " (describe-condition condition))))
          ((not (eq? kind (bokbok-condition-kind condition)))
           (fail (format #f "~a: expected ~a, got ~a, ~a" what kind (bokbok-condition-kind condition)
                         (describe-condition condition)))))
    condition))

(define (finish)
  (print checks " checks, " failures " failures")
  (exit (if (= 0 failures) 0 1)))

)
