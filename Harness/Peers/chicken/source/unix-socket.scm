;;; The listening socket of a UNIX server, its file and its lock (A-1).

(declare (unit bokbok.unix-socket) (uses bokbok.conditions bokbok.system))

(module (bokbok unix-socket)
  (open-unix-socket close-unix-socket! unix-socket-descriptor)

(import scheme (chicken base) (chicken condition)
        (bokbok conditions) (bokbok system))

;; IDENTITY is the device and inode of the file.
(define-record unix-socket descriptor lock path identity)

(define (fail path reason) (signal-bokbok 'system (string-append "the socket " path ": " reason)))

;; Listens at PATH with the MODE. The lock is held from before the test of an old file until the server stops (A-1.h).
(define (open-unix-socket path mode)
  (let* ((lock-path (string-append path ".lock"))
         (lock (lock-file lock-path)))
    (when (locked? lock) (fail path (string-append "another server holds " lock-path))) ; A-1.i
    (check lock lock-path)
    (handle-exceptions condition
        (begin (close-descriptor lock) (abort condition))
      (remove-dead-socket path)
      (let ((descriptor (bind-unix path mode)) (identity (make-string 16)))
        (check descriptor path)
        (handle-exceptions condition
            (begin (close-descriptor descriptor) (unlink path) (abort condition))
          (check (path-kind path identity) path)
          (check (listen descriptor) path))
        (make-unix-socket descriptor lock path identity)))))

;; A-1.e, A-1.f: a socket at which nothing listens refuses connections.
(define (remove-dead-socket path)
  (case (check (path-kind path (make-string 16)) path)
    ((0) #f)
    ((2) (fail path "the path is taken by something that is not a socket"))
    (else
     (let ((probe (connect-unix path)))
       (cond ((refused? probe) (check (unlink path) path))
             ((missing? probe) #f)
             ((or (>= probe 0) (again? probe))
              (when (>= probe 0) (close-descriptor probe))
              (fail path "another server listens there"))
             (else (check probe path)))))))

;; A-1.g: removes the file if it is still this server's own.
(define (close-unix-socket! socket)
  (let ((path (unix-socket-path socket)) (identity (make-string 16)))
    (when (and (= 1 (path-kind path identity)) (string=? identity (unix-socket-identity socket)))
      (unlink path))
    (close-descriptor (unix-socket-descriptor socket))
    (close-descriptor (unix-socket-lock socket))))

)
