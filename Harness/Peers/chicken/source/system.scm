;;; What the operating system does, one procedure for each function of system.h. A negative number is an error.

(declare (unit bokbok.system) (uses bokbok.conditions))
(foreign-declare "#include \"system.h\"")

(module (bokbok system) *

(import scheme (chicken base) (chicken foreign)
        (bokbok conditions))

(define now (foreign-lambda long "system_now"))

(define poll-size ((foreign-lambda int "system_poll_size")))
(define poll-set! (foreign-lambda void "system_poll_set" nonnull-scheme-pointer int int int))
(define poll (foreign-lambda int "system_poll" nonnull-scheme-pointer int int))
(define poll-get (foreign-lambda int "system_poll_get" nonnull-scheme-pointer int))

(define read-bytes! (foreign-lambda long "system_read" int bool nonnull-scheme-pointer long))
(define write-bytes (foreign-lambda long "system_write" int bool nonnull-scheme-pointer long long))
(define again? (foreign-lambda bool "system_is_again" long))
(define close-descriptor (foreign-lambda int "system_close" int))
(define shutdown-sending (foreign-lambda int "system_shutdown" int))
(define ignore-sigpipe! (foreign-lambda void "system_ignore_sigpipe"))
(define keep-private (foreign-lambda int "system_keep_private" int))
(define socket-kind (foreign-lambda int "system_is_socket" int))
(define (socket? descriptor) (= 1 (socket-kind descriptor)))
(define same-file (foreign-lambda int "system_same_file" int int))
(define (same-file? a b) (= 1 (same-file a b)))
(define move-away (foreign-lambda int "system_move_away" int int))

(define listen-tcp (foreign-lambda int "system_listen_tcp" nonnull-scheme-pointer int))
(define connect (foreign-lambda int "system_connect" nonnull-scheme-pointer int))
(define socket-error (foreign-lambda int "system_socket_error" int))
(define accept (foreign-lambda int "system_accept" int))
(define short-of-descriptors? (foreign-lambda bool "system_is_short" int))

(define unix-path-limit ((foreign-lambda int "system_unix_limit")))
(define connect-unix (foreign-lambda int "system_connect_unix" nonnull-c-string))
(define bind-unix (foreign-lambda int "system_bind_unix" nonnull-c-string int))
(define listen (foreign-lambda int "system_listen" int))
(define path-kind (foreign-lambda int "system_path_kind" nonnull-c-string nonnull-scheme-pointer))
(define unlink (foreign-lambda int "system_unlink" nonnull-c-string))
(define lock-file (foreign-lambda int "system_lock" nonnull-c-string))
(define locked? (foreign-lambda bool "system_would_block" int))
(define refused? (foreign-lambda bool "system_is_refused" int))
(define missing? (foreign-lambda bool "system_is_missing" int))

(define children-descriptor (foreign-lambda int "system_children"))
(define reap (foreign-lambda int "system_reap" int))
(define signal-process (foreign-lambda int "system_signal" int bool))

(define error-text
  (foreign-lambda* nonnull-c-string ((int problem)) "C_return(strerror(problem < 0 ? -problem : problem));"))

;; Signals what the system refused, if RESULT is negative.
(define (check result what)
  (when (< result 0) (signal-bokbok 'system (string-append what ": " (error-text result))))
  result)

;; The addresses of a host, each as the bytes that connect and listen-tcp take.
(define (resolve host port passive?)
  (let ((count ((foreign-lambda int "system_resolve" nonnull-c-string nonnull-c-string bool) host port passive?)))
    (when (<= count 0)
      (signal-bokbok 'system (string-append "the host " host ": "
                                            (if (= count 0)
                                                "no address"
                                                ((foreign-lambda nonnull-c-string "system_resolve_problem"))))))
    (let loop ((index (- count 1)) (addresses '()))
      (if (< index 0)
          addresses
          (let ((address (make-string ((foreign-lambda int "system_address_length" int) index))))
            ((foreign-lambda void "system_address" int nonnull-scheme-pointer) index address)
            (loop (- index 1) (cons address addresses)))))))

;; HOST:PORT of this or the other end of a TCP connection, "" for other streams.
(define (end-name descriptor other?)
  (let* ((buffer (make-string 80))
         (length ((foreign-lambda int "system_end_name" int bool nonnull-scheme-pointer) descriptor other? buffer)))
    (if (> length 0) (substring buffer 0 length) "")))

;; The process, the descriptor to write to and the one to read from.
(define (spawn-command words)
  (let-location ((to int) (from int))
    (let* ((text (apply string-append (map (lambda (word) (string-append word (string (integer->char 0)))) words)))
           (process ((foreign-lambda int "system_spawn" nonnull-scheme-pointer int (c-pointer int) (c-pointer int))
                     text (length words) (location to) (location from))))
      (check process (string-append "the command " (car words)))
      (values process to from))))

)
