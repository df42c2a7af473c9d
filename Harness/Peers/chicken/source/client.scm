;;; Clients: open-connection.

(declare (unit bokbok.client)
         (uses bokbok.addresses bokbok.bytes bokbok.commands bokbok.conditions bokbok.connection bokbok.machine
               bokbok.options bokbok.streams bokbok.system bokbok.tasks))

(module (bokbok client)
  (open-connection)

(import scheme (chicken base) (chicken condition)
        (bokbok addresses) (bokbok bytes) (bokbok commands) (bokbok conditions) (bokbok connection)
        (bokbok machine) (bokbok options) (bokbok streams) (bokbok system) (bokbok tasks))

;; Opens a connection to the server at ADDRESS; sealed with a USER and its KEY of 32 bytes, plain without. Suspends its
;; caller until the connection is open, and signals what kept it from opening.
;;
;; request-handler: a procedure of the connection and a request, whose value is the answer
;; close-handler: a procedure of the connection and its ending
;; allow-commands?: whether ADDRESS may be a command (A-4.a)
(define (open-connection address #!rest options
                         #!key (user #f) (key #f) (request-handler no-requests) (close-handler #f)
                         (allow-commands? #f) (handshake-milliseconds 10000) (key-log #f))
  (check-options 'open-connection options '(user: key: allow-commands?: end-milliseconds: kill-milliseconds:))
  (check-identity user key)
  (let* ((target (parse-address address 'client))
         (settings (options->settings options))
         (limits (options->limits options))
         (command-times (options->command-times options))
         (stream (open-stream target (+ (now) handshake-milliseconds) allow-commands?))
         (machine (make-client-machine (now) settings limits user key key-log))
         (connection (start-connection! machine stream
                                        (make-handlers request-handler #f close-handler #f void void void)
                                        command-times)))
    (handle-exceptions condition
        (begin (abort-connection! connection) (abort condition))
      (wait-until-open connection))
    connection))

;; H-2.a, H-12.b
(define (check-identity user key)
  (when (or user key)
    (unless (and (string? user) (<= 1 (string-length user) 255) (utf8? user))
      (usage-error "the user name ~s is not 1 to 255 bytes of UTF-8" user))
    (unless (and (string? key) (= 32 (string-length key)))
      (usage-error "the key of ~s is not a string of 32 bytes; passphrase->key makes one" user))))

(define (open-stream target deadline allow-commands?)
  (case (car target)
    ((tcp) (connect-tcp-stream (cadr target) (caddr target) deadline))
    ((unix) (connect-unix-stream (cadr target) deadline))
    (else
     (unless allow-commands?
       (usage-error "an address that starts a command needs allow-commands?: #t"))
     (start-command (cdr target)))))

)
