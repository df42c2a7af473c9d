;;; The fragments of a message that is not whole yet. Takes memory as bytes come (R-5): large fragments are kept as they
;;; are, small ones are joined in a tail that grows by doubling.

(declare (unit bokbok.assembly) (uses bokbok.bytes))

(module (bokbok assembly)
  (make-assembly assembly-length assembly-add! assembly-bytes)

(import scheme (chicken base)
        (bokbok bytes))

(define-record-type assembly
  (allocate-assembly length parts tail used)
  assembly?
  (length assembly-length assembly-length-set!)
  (parts assembly-parts assembly-parts-set!) ; latest first
  (tail assembly-tail assembly-tail-set!)
  (used assembly-used assembly-used-set!))   ; bytes of the tail that are filled

(define (make-assembly) (allocate-assembly 0 '() "" 0))

(define small 4096)
(define largest-tail 65536)

(define (assembly-add! assembly buffer start end)
  (let ((count (- end start)))
    (assembly-length-set! assembly (+ count (assembly-length assembly)))
    (cond ((>= count small)
           (flush-tail! assembly)
           (assembly-parts-set! assembly (cons (substring buffer start end) (assembly-parts assembly))))
          ((> count 0)
           (when (> (+ count (assembly-used assembly)) largest-tail) (flush-tail! assembly))
           (let ((used (assembly-used assembly)))
             (when (> (+ count used) (string-length (assembly-tail assembly)))
               (let ((larger (make-string (max 64 (* 2 (+ count used))))))
                 (bytes-copy! larger 0 (assembly-tail assembly) 0 used)
                 (assembly-tail-set! assembly larger)))
             (bytes-copy! (assembly-tail assembly) used buffer start end)
             (assembly-used-set! assembly (+ used count)))))))

(define (flush-tail! assembly)
  (when (> (assembly-used assembly) 0)
    (assembly-parts-set! assembly
                         (cons (substring (assembly-tail assembly) 0 (assembly-used assembly))
                               (assembly-parts assembly)))
    (assembly-used-set! assembly 0)
    (assembly-tail-set! assembly "")))

;; The message.
(define (assembly-bytes assembly)
  (flush-tail! assembly)
  (bytes-concatenate (reverse (assembly-parts assembly))))

)
