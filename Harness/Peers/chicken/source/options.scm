;;; The keyword arguments that servers and clients have in common. All times are milliseconds.

(declare (unit bokbok.options) (uses bokbok.conditions bokbok.connection bokbok.settings bokbok.state))

(module (bokbok options)
  (check-options options->settings options->limits options->command-times no-requests)

(import scheme (chicken base) (chicken keyword)
        (bokbok conditions) (bokbok connection) (bokbok settings)
        (only (bokbok state) default-limits))

(define common
  '(request-handler: close-handler: max-message: max-requests: max-partial: handshake-milliseconds:
    drain-milliseconds: keepalive-milliseconds: keepalive-timeout-milliseconds: protocol-bytes: answers-bytes:
    kept-bytes: hide-errors?: key-log:))

;; Signals an argument that PROCEDURE does not know; OWN are those that only it knows.
(define (check-options procedure options own)
  (let loop ((rest options))
    (unless (null? rest)
      (unless (and (keyword? (car rest)) (or (memq (car rest) common) (memq (car rest) own)))
        (usage-error "~a does not take the argument ~s" procedure (car rest)))
      (when (null? (cdr rest)) (usage-error "~a: ~s has no value" procedure (car rest)))
      (loop (cddr rest)))))

(define (options->settings options)
  (apply (lambda (#!key max-message max-requests max-partial)
           (make-settings max-message: max-message max-requests: max-requests max-partial: max-partial))
         options))

(define (options->limits options)
  (apply (lambda (#!key (handshake-milliseconds 10000) (drain-milliseconds 5000) keepalive-milliseconds
                        (keepalive-timeout-milliseconds keepalive-milliseconds) (protocol-bytes 262144)
                        (answers-bytes 1048576) kept-bytes hide-errors?)
           (default-limits handshake: handshake-milliseconds drain: drain-milliseconds
                           keepalive: keepalive-milliseconds keepalive-timeout: keepalive-timeout-milliseconds
                           protocol-bytes: protocol-bytes answers-bytes: answers-bytes kept-bytes: kept-bytes
                           hide-errors?: hide-errors?))
         options))

;; To SIGTERM, and from that to SIGKILL (A-3.b).
(define (options->command-times options)
  (apply (lambda (#!key (end-milliseconds 2000) (kill-milliseconds 2000))
           (for-each (lambda (time)
                       (unless (and (exact-integer? time) (>= time 0))
                         (usage-error "the time ~s is not a number of milliseconds" time)))
                     (list end-milliseconds kill-milliseconds))
           (list end-milliseconds kill-milliseconds))
         options))

;; The request handler of a side that has none.
(define (no-requests connection request)
  (fail-request "unknown-request" "this side answers no requests"))

)
