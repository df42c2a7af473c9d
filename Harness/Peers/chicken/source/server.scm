;;; Servers: start-server, stop-server!, wait-until-server-stopped.

(declare (unit bokbok.server)
         (uses bokbok.addresses bokbok.bytes bokbok.conditions bokbok.connection bokbok.keys bokbok.machine
               bokbok.options bokbok.queue bokbok.record bokbok.state bokbok.streams bokbok.system bokbok.table
               bokbok.tasks bokbok.unix-socket))

(module (bokbok server)
  (start-server stop-server! wait-until-server-stopped server-address server-connections)

(import scheme (chicken base) (chicken condition)
        (bokbok addresses) (bokbok bytes) (bokbok conditions) (bokbok connection) (bokbok keys) (bokbok machine)
        (bokbok options) (bokbok queue) (bokbok record) (only (bokbok state) machine-key-log-set!)
        (bokbok streams) (bokbok system) (bokbok table) (bokbok tasks) (bokbok unix-socket))

;; UNKNOWN-KEY is #f for a plain server (H-4.f). MAKE-MACHINE is a procedure of the server. LISTENER is a descriptor,
;; a unix-socket or #f.
(define-state server (max-connections max-opening unknown-key request-handler open-handler close-handler find-key
                      settings limits key-log)
  (address #f)
  (listener #f)
  (streams (make-table)) ; all that are not closed, by their number
  (open-count 0)
  (counted (make-queue)) ; pairs of a connection and its mark, longest first (O-12)
  (counted-count 0)
  (last-mark 0)
  (stopping? #f)
  (stopped? #f)
  (wakers '()))

;; Starts a server at ADDRESS; sealed with USERNAME->KEY, plain without. Answers at once; the server works while the
;; program waits for something, such as wait-until-server-stopped.
;;
;; username->key: a procedure of a user name, whose value is the 32-byte key, or #f for an unknown user
;; request-handler: a procedure of the connection and a request, whose value is the answer
;; open-handler: a procedure of a connection that has opened; it may answer with turn-away
;; close-handler: a procedure of the connection and its ending
;; mode: of the file of a UNIX socket
(define (start-server address #!rest options
                      #!key (username->key #f) (request-handler no-requests) (open-handler #f) (close-handler #f)
                      (max-connections #f) (max-opening 1024) (mode #o600) (key-log #f))
  (check-options 'start-server options '(username->key: open-handler: max-connections: max-opening: mode:))
  (for-each (lambda (name number)
              (unless (or (not number) (and (exact-integer? number) (> number 0)))
                (usage-error "~a is ~s; it has to be an integer of 1 or more" name number)))
            '(max-connections: max-opening:) (list max-connections max-opening))
  (let* ((target (parse-address address 'server))
         (server (new-server max-connections max-opening (and username->key (random-key)) request-handler open-handler
                             close-handler (or username->key (lambda (user) #f)) (options->settings options)
                             (options->limits options) key-log)))
    (case (car target)
      ((tcp) (listen-on-tcp! server (cadr target) (caddr target)))
      ((unix) (listen-on-unix! server (cadr target) mode))
      (else
       (server-address-set! server "stdio:")
       (add-stream! server (standard-stream)) ; A-2.a
       (server-stopping?-set! server #t)))
    server))

;;; Listening

(define (listen-on-tcp! server host port)
  (let loop ((addresses (resolve host (number->string port) #t)))
    (let ((descriptor (listen-tcp (car addresses) (string-length (car addresses)))))
      (if (and (< descriptor 0) (pair? (cdr addresses)))
          (loop (cdr addresses))
          (begin
            (check descriptor (string-append "listening on " host ":" (number->string port)))
            (server-address-set! server (string-append "tcp:" (end-name descriptor #f))) ; A-1.b
            (server-listener-set! server descriptor)
            (watch-listener! server))))))

(define (listen-on-unix! server path mode)
  (server-listener-set! server (open-unix-socket path mode))
  (server-address-set! server (string-append "unix:" path))
  (watch-listener! server))

(define (listening-descriptor server)
  (let ((listener (server-listener server)))
    (if (integer? listener) listener (unix-socket-descriptor listener))))

(define (watch-listener! server)
  (watch! (listening-descriptor server) 1 (lambda (state) (accept-streams! server 64))))

(define (stop-listening! server)
  (let ((listener (server-listener server)))
    (when listener
      (unwatch! (listening-descriptor server))
      (server-listener-set! server #f)
      (if (integer? listener) (close-descriptor listener) (close-unix-socket! listener)))))

(define pause 50) ; milliseconds

(define (accept-streams! server times)
  (when (and (> times 0) (server-listener server))
    (let ((descriptor (accept (listening-descriptor server))))
      (cond ((>= descriptor 0)
             (let ((name (end-name descriptor #t)))
               (add-stream! server (socket-stream descriptor (if (string=? name "") (server-address server)
                                                                 (string-append "tcp:" name)))))
             (accept-streams! server (- times 1)))
            ((short-of-descriptors? descriptor) ; O-12.c
             (log-line "accepting pauses: " (error-text descriptor))
             (unwatch! (listening-descriptor server))
             (add-timer! (+ (now) pause) (lambda () (when (server-listener server) (watch-listener! server)))))
            ((not (again? descriptor)) (accept-streams! server (- times 1))))))) ; this one has gone already

(define (add-stream! server stream)
  (let ((machine (make-server-machine (now) (server-settings server) (server-limits server)
                                      (lambda () (busy? server)) (server-unknown-key server))))
    (machine-key-log-set! machine (server-key-log server))
    (when (>= (server-counted-count server) (server-max-opening server)) (close-longest! server)) ; O-12.b
    (let ((connection (start-connection! machine stream (handlers-of server) '(0 0))))
      (table-set! (server-streams server) (connection-number connection) connection)
      (count! server connection))))

(define (busy? server)
  (and (server-max-connections server)
       (>= (server-open-count server) (server-max-connections server))))

(define (handlers-of server)
  (make-handlers (server-request-handler server) (server-open-handler server) (server-close-handler server)
                 (server-find-key server)
                 (lambda (connection) (stream-opened! server connection))
                 (lambda (connection) (stream-ended! server connection))
                 (lambda (connection) (stream-gone! server connection))))

;;; Counting: a stream is counted while it is not open or is ending (O-12.a)

(define (count! server connection)
  (let ((mark (+ 1 (server-last-mark server))))
    (server-last-mark-set! server mark)
    (connection-counted-set! connection mark)
    (queue-push! (server-counted server) (cons connection mark))
    (server-counted-count-set! server (+ 1 (server-counted-count server)))))

(define (uncount! server connection)
  (when (connection-counted connection)
    (connection-counted-set! connection #f)
    (server-counted-count-set! server (- (server-counted-count server) 1))
    (drop-uncounted! server)))

;; Entries of streams that are not counted any more go when they come first, or when they are most of the queue.
(define (drop-uncounted! server)
  (let ((queue (server-counted server)))
    (let loop ()
      (when (and (not (queue-empty? queue)) (not (counted? (queue-peek queue))))
        (queue-pop! queue)
        (loop)))))

(define (counted? entry) (eqv? (cdr entry) (connection-counted (car entry))))

(define (close-longest! server)
  (drop-uncounted! server)
  (let ((entry (queue-pop! (server-counted server))))
    (log-line "too many streams that are not open: closing the one from " (connection-addr (car entry)))
    (abort-connection! (car entry))))

(define (stream-opened! server connection)
  (uncount! server connection)
  (server-open-count-set! server (+ 1 (server-open-count server))))

(define (stream-ended! server connection)
  (when (connection-opened? connection)
    (server-open-count-set! server (- (server-open-count server) 1))
    (count! server connection)))

(define (stream-gone! server connection)
  (uncount! server connection)
  (table-delete! (server-streams server) (connection-number connection))
  (stop-if-empty! server))

;;; Stopping

(define (stop-if-empty! server)
  (when (and (server-stopping? server) (= 0 (table-count (server-streams server))))
    (server-stopped?-set! server #t)
    (for-each (lambda (wake!) (wake! void)) (server-wakers server))
    (server-wakers-set! server '())))

;; Stops a server, and suspends until it has stopped: its open connections get a CLOSE with the code `shutdown' (C-1.b)
;; and may finish what is under way. Without GRACEFUL? they are aborted.
(define (stop-server! server #!key (graceful? #t))
  (stop-listening! server)
  (server-stopping?-set! server #t)
  (for-each (lambda (connection)
              (cond ((not graceful?) (abort-connection! connection))
                    ((connection-open? connection) (begin-close! connection code: "shutdown"))
                    ((not (connection-ending connection)) (abort-connection! connection))))
            (table-values (server-streams server)))
  (stop-if-empty! server)
  (wait-until-server-stopped server))

;; Suspends until the server has been stopped; a server on stdio: stops when its one connection has ended.
(define (wait-until-server-stopped server)
  (unless (server-stopped? server)
    (suspend! (lambda (wake!) (server-wakers-set! server (cons wake! (server-wakers server)))))))

;; The connections that are open.
(define (server-connections server)
  (let loop ((connections (table-values (server-streams server))) (open '()))
    (cond ((null? connections) (reverse open))
          ((connection-open? (car connections)) (loop (cdr connections) (cons (car connections) open)))
          (else (loop (cdr connections) open)))))

)
