;;; The vectors of whole sessions: each side that keeps to the protocol is played by a machine.

(declare (unit bokbok.session-tests)
         (uses bokbok.bytes bokbok.check bokbok.conditions bokbok.machine bokbok.noise bokbok.opening bokbok.settings
               bokbok.state bokbok.table bokbok.values bokbok.vectors bokbok.wire))

(module (bokbok session-tests)
  (test-session)

(import scheme (chicken base) (chicken condition) (chicken format) (chicken sort)
        (bokbok bytes) (bokbok check) (bokbok conditions) (bokbok machine) (bokbok noise) (bokbok opening)
        (bokbok settings) (bokbok state) (bokbok table) (bokbok values) (bokbok vectors) (bokbok wire))

(define (test-session vector)
  (let ((conforming (vector->list (field vector "conforming"))))
    (for-each (lambda (side)
                (test (string-append (field vector "id") " as " side) (play vector side)))
              conforming)))

(define (hex object name) (bytes-of (field object name)))

;;; One side

;; SENT: all bytes of this side that are not judged yet. OPENED: how many of the opening's parts have been seen.
(define-record player machine side vector exchanges requests sent key counter opening reports ends worded?)

(define (make-side vector side)
  (let* ((start (field vector side))
         (sealed? (string=? "sealed" (field vector "mode")))
         (settings (apply make-settings (pairs (field start "settings")
                                               '(("max-message" . max-message:) ("max-requests" . max-requests:)
                                                 ("max-partial" . max-partial:)))))
         (limits (apply default-limits (pairs (field start "limits")
                                              '(("handshakeMs" . handshake:) ("drainMs" . drain:)
                                                ("keepaliveMs" . keepalive:)
                                                ("keepaliveTimeoutMs" . keepalive-timeout:))))))
    (set-random! (and sealed? start))
    (if (string=? side "client")
        (make-client-machine 0 settings limits (and sealed? (hex start "user")) (and sealed? (hex start "userKey")))
        (make-server-machine 0 settings limits (lambda () #f) (and sealed? (hex start "decoyKey"))))))

(define (set-random! start)
  (when start
    (random-source (lambda (purpose count)
                     (string-append (if (eq? purpose 'session-key) (hex start "sessionKey")
                                        (hex start "ephemeral")))))))

(define (pairs object names)
  (apply append (map (lambda (name)
                       (let ((value (and object (field object (car name))))) (if value (list (cdr name) value) '())))
                     names)))

(define (play vector side)
  (let* ((machine (make-side vector side))
         (player (make-player machine side vector (make-table) (make-table) "" #f 0 0 '() '() #f)))
    (let loop ((steps (vector->list (field vector "steps"))) (clock 0) (coming "") (expected '()))
      (define (judge!) (collect! player clock) (compare! player (reverse expected)))
      (if (null? steps)
          (judge!)
          (let* ((step (car steps)) (own? (equal? side (field step "side"))))
            (define (next clock coming expected) (loop (cdr steps) clock coming expected))
            (cond ((field step "waits")
                   => (lambda (time)
                        (judge!)
                        (pass-time! player clock (+ clock time))
                        (next (+ clock time) coming '())))
                  ((and own? (field step "receives"))
                   => (lambda (count)
                        (judge!)
                        (machine-receive! machine (substring coming 0 count) count clock)
                        (next clock (substring coming count (string-length coming)) '())))
                  ((and own? (field step "receivesEnd"))
                   (judge!)
                   (machine-input-failed! machine clock)
                   (next clock coming '()))
                  ((and own? (field step "does"))
                   => (lambda (call)
                        (judge!)
                        (perform! player call clock)
                        (next clock coming '())))
                  (own? (next clock coming (cons step expected)))
                  ((field step "sends")
                   => (lambda (parts)
                        (next clock
                              (bytes-concatenate
                               (cons coming (map (lambda (part) (hex part "bytes")) (vector->list parts))))
                              expected)))
                  (else (next clock coming expected))))))))

;; Time passes, and what is due happens when it is due.
(define (pass-time! player from to)
  (let* ((machine (player-machine player)) (deadline (machine-deadline machine)))
    (when (and deadline (<= deadline to))
      (machine-advance! machine (max from deadline))
      (collect! player (max from deadline))
      (pass-time! player (max from deadline) to))))

;;; What the application does

(define (perform! player call clock)
  (let ((machine (player-machine player)) (id (field call "id")))
    (define (exchange) (table-ref (player-exchanges player) id))
    (case (string->symbol (field call "call"))
      ((request)
       (let ((value (if (field call "depth") (nested (field call "depth")) (bytes->value (hex call "bytes")))))
         (if (field call "fails")
             (check-signals "a request that fails" (if (string=? "tooLarge" (field call "fails"))
                                                       'too-large
                                                       (string->symbol (field call "fails")))
                            (lambda () (machine-request! machine value (list 'request #f) clock)))
             (table-set! (player-requests player) id
                         (machine-request! machine value (list 'request id) clock)))))
      ((cancel) (machine-cancel! machine (table-ref (player-requests player) id) clock))
      ((respond)
       (cond ((field call "depth")
              (player-worded?-set! player #t)
              (machine-respond! machine (exchange) (nested (field call "depth")) clock))
             ((field call "code")
              (machine-fail! machine (exchange) (field call "code") (field call "message")
                             (map (lambda (detail) (bytes->value (bytes-of detail)))
                                  (vector->list (field call "details")))
                             clock))
             ((field call "failure") (machine-fail! machine (exchange) #f (field call "failure") '() clock))
             (else (machine-respond! machine (exchange) (bytes->value (hex call "bytes")) clock))))
      ((ping) ; this implementation counts its PINGs, so that the body can be brought about
       (let ((body (hex call "token")))
         (machine-ping-count-set! machine (- (+ (* 4294967296 (get-u32 body 0)) (get-u32 body 4)) 1))
         (machine-ping! machine (list 'ping (field call "token")) clock)))
      ((close) (machine-close! machine (field call "code") (field call "message") clock))
      ((abort) (machine-abort! machine clock))
      ((letIn) (machine-admit! machine clock))
      (else (machine-turn-down! machine (field call "code") (field call "message") clock)))))

(define (nested depth) (if (= depth 1) '() (list (nested (- depth 1)))))

;;; What comes of it

(define (collect! player clock)
  (let* ((machine (player-machine player)) (events (machine-take-events! machine)))
    (for-each (lambda (event) (take-event! player event clock)) events)
    (let ((bytes (machine-output! machine clock)))
      (when (machine-sending machine)
        (player-key-set! player (string-append (cipher-key (machine-sending machine)))))
      (cond (bytes
             (player-sent-set! player (string-append (player-sent player) bytes))
             (collect! player clock))
            ((pair? events) (collect! player clock))
            ((eq? 'finishing (machine-stream-state machine))
             (player-ends-set! player (append (player-ends player) '("sending")))
             (machine-output-is-shut! machine clock)
             (collect! player clock))
            ((and (eq? 'closed (machine-stream-state machine)) (not (member "stream" (player-ends player))))
             (player-ends-set! player (append (player-ends player) '("stream"))))))))

(define (take-event! player event clock)
  (let ((machine (player-machine player)) (arguments (cdr event)) (start (field (player-vector player)
                                                                                (player-side player))))
    (define (report . items) (player-reports-set! player (cons items (player-reports player))))
    (case (car event)
      ((opened)
       (report "opened" (if (machine-user machine) (bytes->hex (machine-user machine)) 'null))
       (unless (field start "openHandler") (machine-admit! machine clock)))
      ((request)
       (let ((exchange (car arguments)))
         (table-set! (player-exchanges player) (exchange-id exchange) exchange)
         (report "request" (exchange-id exchange) (value->bytes (cadr arguments)))))
      ((cancel) (report "cancelled" (exchange-id (car arguments))))
      ((answered)
       (if (eq? 'ping (caar arguments))
           (report "ponged" (cadar arguments))
           (report "answered" (cadar arguments) (value->bytes (cadr arguments)))))
      ((failed)
       (let* ((condition (cadr arguments)) (kind (bokbok-condition-kind condition)))
         (cond ((and (memq kind '(remote closing)) (bokbok-condition-code condition))
                (report "failed" (cadar arguments) "remote" (bokbok-condition-code condition)
                        (bokbok-condition-text condition)
                        (map value->bytes (bokbok-condition-details condition))))
               ((memq kind '(closing malformed)) (report "failed" (cadar arguments) (symbol->string kind))))))
      ((lookup)
       (report "lookUpKey" (bytes->hex (car arguments)))
       (let ((user (assoc (bytes->hex (car arguments))
                          (map (lambda (user) (cons (field user "user") (hex user "key")))
                               (vector->list (field start "users"))))))
         (set-random! start)
         (machine-key-found! machine (and user (cdr user)) clock)))
      ((ended)
       (let* ((ending (car arguments)) (reason (ending-reason ending)))
         (report "ended" (if (eq? reason 'not-bokbok) "notBokbok" (symbol->string reason))
                 (if (eq? reason 'clean) (list (ending-code ending) (ending-message ending)) '())
                 (and (eq? reason 'violation) (symbol->string (ending-side ending)))))))))

;;; Comparing, without what an implementation may choose

(define (compare! player steps)
  (let ((sent (parse-sent! player)))
    (check-equal "what is sent"
                 (in-order (apply append
                                  (map (lambda (step)
                                         (if (field step "sends")
                                             (expected-parts player (vector->list (field step "sends")))
                                             '()))
                                       steps)))
                 (in-order sent)))
  (check-equal "what is reported"
               (in-order (apply append (map (lambda (step)
                                              (if (field step "reports") (expected-report (field step "reports")) '()))
                                            steps)))
               (in-order (player-reports player)))
  (check-equal "how the stream ends"
               (apply append (map (lambda (step) (if (field step "ends") (list (field step "ends")) '())) steps))
               (ends-since player))
  (player-reports-set! player '()))

;; "stream" stays in the list, so that it is told once.
(define (ends-since player)
  (let ((ends (player-ends player)))
    (cond ((equal? ends '("told" "stream")) '())
          ((member "stream" ends)
           (player-ends-set! player '("told" "stream"))
           ends)
          (else (player-ends-set! player '()) ends))))

(define (in-order items)
  (sort (map (lambda (item) (format #f "~s" item)) items) string<?))

(define (expected-report report)
  (let ((id (field report "id")))
    (case (string->symbol (field report "event"))
      ((opened) (list (list "opened" (field report "user"))))
      ((request) (list (list "request" id (hex report "bytes"))))
      ((cancelled) (list (list "cancelled" id)))
      ((answered) (list (list "answered" id (hex report "bytes"))))
      ((ponged) (list (list "ponged" (field report "token"))))
      ((failed)
       (list (if (string=? "remote" (field report "kind"))
                 (list "failed" id "remote" (field report "code") (field report "message")
                       (map bytes-of (vector->list (field report "details"))))
                 (list "failed" id (field report "kind")))))
      ((lookUpKey) (list (list "lookUpKey" (field report "user"))))
      ((ended)
       (list (list "ended" (field report "outcome")
                   (if (string=? "clean" (field report "outcome"))
                       (list (field report "code") (field report "message"))
                       '())
                   (field report "side"))))
      (else '())))) ; closeReceived: this implementation reports it with the end only

(define (expected-parts player parts)
  (join-fragments
   (apply append
          (map (lambda (part)
                 (let ((frames (field part "frames")))
                   (if frames
                       (map (lambda (frame) (normal player frame)) (vector->list frames))
                       (list (hex part "bytes")))))
               parts))))

(define names '("SETTINGS" "REQUEST" "RESPONSE" "ERROR" "CANCEL" "PING" "PONG" "CLOSE"))

(define (normal player frame)
  (normal-frame player (field frame "kind") (eq? #t (field frame "more")) (or (field frame "id") 0)
                (if (field frame "body") (bytes-of (field frame "body")) "")))

(define (normal-frame player name more? id body)
  (list name id more?
        (case (string->symbol name)
          ((SETTINGS)
           (let ((settings (bytes->settings body)))
             (list (settings-max-message settings) (settings-max-requests settings) (settings-max-partial settings))))
          ((PING) "")
          ((CLOSE)
           (let ((close (parse-code-and-message body)))
             (if (equal? "protocol-error" (car close)) (car close) close)))
          ((ERROR)
           (let ((error (parse-error body)))
             (if (and (reserved-code? (car error))
                      (or (player-worded? player) (not (string=? "handler-failed" (car error)))))
                 (car error)
                 error)))
          (else body))))

;; Fragments of one message as one, at the place of the first.
(define (join-fragments frames)
  (let loop ((frames frames) (joined '()))
    (if (null? frames)
        (reverse joined)
        (let* ((frame (car frames))
               (begun (and (pair? frame) (member (car frame) '("REQUEST" "RESPONSE"))
                           (find-begun frame joined))))
          (if begun
              (begin
                (set-car! (cddr begun) (caddr frame))
                (set-car! (cdddr begun) (string-append (cadddr begun) (cadddr frame)))
                (loop (cdr frames) joined))
              (loop (cdr frames) (cons (if (pair? frame) (append frame '()) frame) joined)))))))

(define (find-begun frame joined)
  (cond ((null? joined) #f)
        ((and (pair? (car joined)) (equal? (caar joined) (car frame)) (equal? (cadar joined) (cadr frame))
              (caddr (car joined)))
         (car joined))
        (else (find-begun frame (cdr joined)))))

;; What this side has sent since the last time.
(define (parse-sent! player)
  (let ((sent (player-sent player)))
    (player-sent-set! player "")
    (join-fragments (parse player sent))))

;; The sizes of the parts of the opening: preamble, user name, message 1 or 2.
(define (opening-parts player)
  (cond ((string=? "plain" (field (player-vector player) "mode")) 1)
        ((string=? "client" (player-side player)) 3)
        (else 2)))

(define (parse player bytes)
  (cond ((string=? bytes "") '())
        ((< (player-opening player) (opening-parts player))
         (let ((size (if (= 0 (player-opening player)) 8 (+ 2 (get-u16 bytes 0)))))
           (player-opening-set! player (+ 1 (player-opening player)))
           (cons (substring bytes 0 size) (parse player (substring bytes size (string-length bytes))))))
        (else
         (let* ((length (get-u16 bytes 0)) (content (substring bytes 2 (+ 2 length))))
           (append (parse-frames player (open-content player content))
                   (parse player (substring bytes (+ 2 length) (string-length bytes))))))))

(define (open-content player content)
  (if (string=? "plain" (field (player-vector player) "mode"))
      content
      (let ((opened (make-string (- (string-length content) 16)))
            (cipher (make-cipher (player-key player) (player-counter player))))
        (check "a record of this side opens"
               (cipher-open! cipher "" opened 0 content 0 (string-length content)))
        (player-counter-set! player (cipher-counter cipher))
        opened)))

(define (parse-frames player content)
  (let loop ((start 0) (frames '()))
    (if (= start (string-length content))
        (reverse frames)
        (let ((end (+ start header-size (get-u16 content (+ start 2)))))
          (loop end
                (cons (normal-frame player (list-ref names (byte-ref content start))
                                    (= MORE (byte-ref content (+ start 1)))
                                    (get-u32 content (+ start 4))
                                    (substring content (+ start header-size) end))
                      frames))))))

)
