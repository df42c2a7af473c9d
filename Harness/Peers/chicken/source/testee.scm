;;; The testee: drives this implementation as the conformance kit's contract says, with JSON lines.

(declare (unit bokbok.testee)
         (uses bokbok.bytes bokbok.client bokbok.commands bokbok.conditions bokbok.connection bokbok.json bokbok.keys
               bokbok.queue bokbok.server bokbok.service bokbok.state bokbok.system bokbok.table bokbok.tasks
               bokbok.values))

(module (bokbok testee)
  (run-testee)

(import scheme (chicken base) (chicken condition) (chicken file posix) (chicken io) (chicken process-context)
        (bokbok bytes) (bokbok client) (bokbok commands) (bokbok conditions) (bokbok connection) (bokbok json)
        (bokbok keys) (bokbok queue) (bokbok server) (bokbok service)
        (only (bokbok state) ending-reason ending-code ending-message) (bokbok system) (bokbok table) (bokbok tasks)
        (bokbok values))

;;; The control channel

(define control-input 0)
(define control-output 1)
(define lines (make-queue)) ; waiting to be written
(define written 0)          ; of the first of them
(define flushed-waker #f)

(define (emit! object)
  (queue-push! lines (string-append (write-json object) "\n"))
  (flush-lines!))

(define (flush-lines!)
  (if (queue-empty? lines)
      (begin
        (unwatch-output!)
        (when flushed-waker (flushed-waker void)))
      (let* ((line (queue-peek lines))
             (count (write-bytes control-output (socket? control-output) line written (- (string-length line) written))))
        (cond ((again? count) (watch-output!))
              ((< count 0) (queue-clear! lines) (flush-lines!)) ; nobody reads any more
              ((= (+ written count) (string-length line))
               (set! written 0)
               (queue-pop! lines)
               (flush-lines!))
              (else
               (set! written (+ written count))
               (flush-lines!))))))

(define output-waits? #f)

(define (watch-control!)
  (if (= control-input control-output)
      (watch! control-input (if output-waits? 3 1)
              (lambda (state)
                (when output-waits? (flush-lines!))
                (read-control!)))
      (begin
        (watch! control-input 1 (lambda (state) (read-control!)))
        (watch! control-output (if output-waits? 2 0) (lambda (state) (flush-lines!))))))

(define (watch-output!) (unless output-waits? (set! output-waits? #t) (watch-control!)))
(define (unwatch-output!) (when output-waits? (set! output-waits? #f) (watch-control!)))

(define control-buffer (make-string 65536))
(define unfinished '()) ; parts of the line that is being read, latest first

(define (read-control!)
  (let ((count (read-bytes! control-input (socket? control-input) control-buffer 65536)))
    (cond ((again? count) #f)
          ((<= count 0)
           (unwatch! control-input)
           (spawn (lambda () (quit))))
          (else (take-lines! count)))))

(define (take-lines! count)
  (let loop ((start 0))
    (let* ((newline (byte-index control-buffer 10 start count))
           (part (substring control-buffer start newline)))
      (if (= newline count)
          (set! unfinished (cons part unfinished))
          (let ((line (bytes-concatenate (reverse (cons part unfinished)))))
            (set! unfinished '())
            (unless (string=? line "") (spawn (lambda () (obey-safely line)) "command"))
            (loop (+ newline 1)))))))

;;; Commands

(define (obey-safely line)
  (handle-exceptions condition
      (log-line "a command failed: " (describe-condition condition))
    (obey line)))

(define (obey line)
  (let* ((command (read-json line)) (seq (member-of command "seq")))
    (handle-exceptions condition
        (emit! (list (cons "seq" seq) (cons "error" (describe condition))))
      (let ((result (carry-out command seq)))
        (emit! (list (cons "seq" seq) (cons "ok" result)))))
    (when (equal? "quit" (member-of command "command")) (quit))))

(define (describe condition)
  (define (when-given name value) (if value (list (cons name value)) '()))
  (if (bokbok-condition? condition)
      (let ((kind (bokbok-condition-kind condition)))
        (append
         (list (cons "kind" (case kind
                              ((not-bokbok) "notBokbok")
                              ((too-large) "tooLarge")
                              ((usage system application) "other")
                              (else (symbol->string kind)))))
         (when-given "code" (bokbok-condition-code condition))
         (list (cons "message" (bokbok-condition-text condition)))
         (if (memq kind '(remote closing))
             (list (cons "details" (list->vector (map (lambda (detail) (bytes->hex (value->bytes detail)))
                                                      (bokbok-condition-details condition)))))
             '())
         (when-given "side" (and (bokbok-condition-side condition)
                                 (symbol->string (bokbok-condition-side condition))))))
      (list (cons "kind" "other") (cons "message" (describe-condition condition)))))

(define (carry-out command seq)
  (define (field name) (member-of command name))
  (define (given name) (let ((value (field name))) (and value (not (eq? value 'null)) value)))
  (define (required name)
    (let ((pair (assoc name command)))
      (if pair (cdr pair) (usage-error "the command has no ~a" name))))
  (case (string->symbol (required "command"))
    ((hello) capabilities)
    ((listen)
     (listen! (required "address") (given "users") (or (given "settings") '()) (or (given "limits") '())))
    ((connect)
     (connect! (required "address") (given "user") (given "key") (or (given "settings") '())
               (or (given "limits") '())))
    ((request)
     (let ((connection (connection-of (required "connection")))
           (value (any-value (unhex (required "payload")))))
       (list (cons "response" (bytes->hex (value->bytes (answer-of connection value seq)))))))
    ((cancel)
     (let ((pending (table-ref under-way (required "request"))))
       (when pending (cancel-request! pending))
       '()))
    ((ping) (ping! (connection-of (required "connection"))) '())
    ((close)
     (close-connection! (connection-of (required "connection")) code: (or (given "code") "normal")
                        message: (or (given "message") ""))
     '())
    ((abort)
     (abort-connection! (connection-of (required "connection")))
     (sleep! 0) ; the event goes first
     '())
    ((stop)
     (stop-server! (server-of (required "server"))
                   graceful?: (let ((pair (assoc "graceful" command))) (if pair (cdr pair) #t)))
     '())
    ((deriveKey)
     (list (cons "key" (bytes->hex (passphrase->key (required "passphrase") (given "user"))))))
    ((decodeValue) (list (cons "value" (value->json (bytes->value (unhex (required "bytes")))))))
    ((encodeValue) (list (cons "bytes" (bytes->hex (value->bytes (json->value (required "value")))))))
    ((quit) '())
    (else (signal-bokbok 'unsupported "this testee does not know the command"))))

(define capabilities
  `(("contract" . 1)
    ("name" . "bokbok-chicken")
    ("version" . "1.0.0")
    ("roles" . #("client" "server"))
    ("transports" . #("tcp" "unix" "stdio"))
    ("security" . #("plain" "sealed"))
    ("features" . #("derive-key" "value-codec" "keepalive" "exec" "control-fd" "key-log"))))

(define (unhex text)
  (or (and (string? text) (hex->bytes text)) (usage-error "~s is not hexadecimal" text)))

;; A request's value without the limits of values, so that the library finds what may not be sent (E-4).
(define (any-value bytes)
  (bytes->value bytes depth-limit: (string-length bytes) count-limit: (string-length bytes)))

(define (value->json value)
  (if (string? value)
      (list (cons "hex" (bytes->hex value)))
      (list->vector (map value->json value))))

(define (json->value json)
  (cond ((vector? json) (map json->value (vector->list json)))
        ((and (pair? json) (member-of json "hex")) => unhex)
        (else (usage-error "~s stands for no value" json))))

;; Requests that `cancel' may name, by seq.
(define under-way (make-table))

;; Sends the request before anything can suspend this task: a later command, such as `close', must find it sent.
(define (answer-of connection value seq)
  (let ((pending (start-request! connection value)))
    (table-set! under-way seq pending)
    (handle-exceptions condition
        (begin (table-delete! under-way seq) (abort condition))
      (let ((answer (await-response! pending)))
        (table-delete! under-way seq)
        answer))))

;;; Servers and connections

(define servers (make-table))
(define connections (make-table))
(define ended (make-queue)) ; numbers of connections that have ended, oldest first
(define ended-count 0)
(define ended-limit 64)
(define last-server 0)
(define key-log #f)

(define (id letter number) (string-append letter (number->string number)))

(define (find table text kind)
  (or (and (string? text) (> (string-length text) 1)
           (table-ref table (or (string->number (substring text 1 (string-length text))) 0)))
      (usage-error "there is no ~a ~s" kind text)))

(define (server-of id) (find servers id "server"))
(define (connection-of id) (find connections id "connection"))

(define (remember! connection) (table-set! connections (connection-number connection) connection))

(define (connection-id connection) (id "c" (connection-number connection)))

(define (closed connection ending)
  (queue-push! ended (connection-number connection))
  (set! ended-count (+ 1 ended-count))
  (when (> ended-count ended-limit)
    (set! ended-count ended-limit)
    (table-delete! connections (queue-pop! ended)))
  (emit-event! "closed" connection
               (cons (cons "reason" (symbol->string (ending-reason ending)))
                     (if (ending-code ending)
                         (list (cons "code" (ending-code ending)) (cons "message" (ending-message ending)))
                         '()))))

(define (emit-event! name connection members)
  (emit! `(("event" . ,name) ("connection" . ,(connection-id connection)) ,@members)))

(define service
  (make-service
   (lambda (connection request)
     (emit-event! "request" connection (list (cons "payload" (bytes->hex (value->bytes request))))))
   (lambda (connection request)
     (emit-event! "cancelled" connection (list (cons "payload" (bytes->hex (value->bytes request))))))))

;; The arguments of open-connection and start-server for the members that are given.
(define (options names object)
  (let loop ((names names))
    (if (null? names)
        '()
        (let ((value (member-of object (caar names))))
          (if (and value (not (eq? value 'null)) (not (and (eqv? value 0) (eq? keepalive-milliseconds: (cdar names)))))
              (cons (cdar names) (cons value (loop (cdr names))))
              (loop (cdr names)))))))

(define setting-names
  '(("max-message" . max-message:) ("max-requests" . max-requests:) ("max-partial" . max-partial:)))

(define limit-names
  '(("handshakeMs" . handshake-milliseconds:) ("drainMs" . drain-milliseconds:)
    ("keepaliveMs" . keepalive-milliseconds:) ("keepaliveTimeoutMs" . keepalive-timeout-milliseconds:)))

(define server-limit-names '(("maxConnections" . max-connections:) ("maxOpening" . max-opening:)))
(define client-limit-names '(("endMs" . end-milliseconds:) ("killMs" . kill-milliseconds:)))

(define (log-keys role)
  (and key-log
       (lambda (secret session-key)
         (let ((file (file-open key-log (+ open/wronly open/append open/creat) #o600)))
           (file-write file (string-append (write-json (list (cons "role" role)
                                                             (cons "ephemeral" (bytes->hex secret))
                                                             (cons "sessionKey" (bytes->hex session-key))))
                                           "\n"))
           (file-close file)))))

(define (start! address users settings limits)
  (let ((number (+ 1 last-server)))
    (set! last-server number)
    (let ((server
           (apply start-server address
                  request-handler: service
                  open-handler: (lambda (connection)
                                  (remember! connection)
                                  (emit-event! "opened" connection
                                               (list (cons "server" (id "s" number))
                                                     (cons "user" (or (connection-user connection) 'null)))))
                  close-handler: closed
                  key-log: (log-keys "server")
                  (append (if users (list username->key: (key-finder users)) '())
                          (options setting-names settings)
                          (options limit-names limits)
                          (options server-limit-names limits)))))
      (table-set! servers number server)
      (values number server))))

;; H-12.a: names are compared byte for byte.
(define (key-finder users)
  (let ((keys (map (lambda (user) (cons (car user) (unhex (cdr user)))) users)))
    (lambda (name) (member-of keys name))))

(define (listen! address users settings limits)
  (let-values (((number server) (start! address users settings limits)))
    (list (cons "server" (id "s" number)) (cons "address" (server-address server)))))

(define (connect! address user key settings limits)
  (let ((connection
         (apply open-connection address
                request-handler: service
                close-handler: closed
                allow-commands?: #t
                user: user
                key: (and key (unhex key))
                key-log: (log-keys "client")
                (append (options setting-names settings)
                        (options limit-names limits)
                        (options client-limit-names limits)))))
    (remember! connection)
    (list (cons "connection" (connection-id connection)))))

;; Drops everything and ends the process.
(define (quit)
  (for-each (lambda (server) (stop-server! server graceful?: #f)) (table-values servers))
  (for-each abort-connection! (table-values connections))
  (wait-for-commands)
  (unless (queue-empty? lines) (suspend! (lambda (wake!) (set! flushed-waker wake!))))
  (exit 0))

;;; The program

(define (run-testee arguments)
  (define (value-of name)
    (let ((rest (member name arguments)))
      (and rest (if (pair? (cdr rest)) (cadr rest) (usage-error "~a needs a value" name)))))
  (define (json-of name) (let ((text (value-of name))) (if text (read-json text) '())))
  (set! key-log (value-of "--key-log"))
  (if (member "--stdio" arguments)
      (let ((control (get-environment-variable "BOKBOK_CONTROL_FD"))
            (users (and (value-of "--users-file")
                        (read-json (call-with-input-file (value-of "--users-file") (lambda (port) (read-string #f port)))))))
        (when control
          (unset-environment-variable! "BOKBOK_CONTROL_FD")
          (set! control-input (string->number control))
          (set! control-output control-input)
          (check (keep-private control-input) "BOKBOK_CONTROL_FD")
          (watch-control!))
        (unless control (set! emit! void))
        (let-values (((number server) (start! "stdio:" users (json-of "--settings") (json-of "--limits"))))
          (wait-until-server-stopped server)
          (if control (suspend! void) (exit 0))))
      (begin
        (watch-control!)
        (suspend! void))))

)
