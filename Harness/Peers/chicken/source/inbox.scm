;;; The bytes that a machine has received and not yet taken.

(declare (unit bokbok.inbox) (uses bokbok.bytes bokbok.state))

(module (bokbok inbox)
  (inbox-add! inbox-count inbox-u16 inbox-take! inbox-skip! inbox-begins-like?)

(import scheme (chicken base)
        (bokbok bytes) (bokbok state))

(define (inbox-count machine) (- (machine-inbox-end machine) (machine-inbox-start machine)))

;; Appends the first COUNT bytes of BUFFER. The inbox grows with what has come, never with what was announced (R-5.a);
;; an empty one holds no memory, and what is taken from it is copied (R-5.c).
(define (inbox-add! machine buffer count)
  (let ((held (inbox-count machine)))
    (when (> (+ (machine-inbox-end machine) count) (string-length (machine-inbox machine)))
      (let ((target (if (<= (+ held count) (string-length (machine-inbox machine)))
                        (machine-inbox machine)
                        (make-string (+ held count)))))
        (bytes-copy! target 0 (machine-inbox machine) (machine-inbox-start machine) (machine-inbox-end machine))
        (machine-inbox-set! machine target)
        (machine-inbox-start-set! machine 0)
        (machine-inbox-end-set! machine held)))
    (bytes-copy! (machine-inbox machine) (machine-inbox-end machine) buffer 0 count)
    (machine-inbox-end-set! machine (+ (machine-inbox-end machine) count))))

(define (inbox-u16 machine) (get-u16 (machine-inbox machine) (machine-inbox-start machine)))

(define (inbox-skip! machine count)
  (machine-inbox-start-set! machine (+ (machine-inbox-start machine) count))
  (when (= 0 (inbox-count machine))
    (machine-inbox-set! machine "")
    (machine-inbox-start-set! machine 0)
    (machine-inbox-end-set! machine 0)))

(define (inbox-take! machine count)
  (let* ((start (machine-inbox-start machine))
         (taken (substring (machine-inbox machine) start (+ start count))))
    (inbox-skip! machine count)
    taken))

;; Whether what has come agrees with TEXT as far as it goes.
(define (inbox-begins-like? machine text)
  (let ((count (min (inbox-count machine) (string-length text))) (start (machine-inbox-start machine)))
    (string=? (substring text 0 count) (substring (machine-inbox machine) start (+ start count)))))

)
