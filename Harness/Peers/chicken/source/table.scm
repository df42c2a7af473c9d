;;; Hash tables with integers as keys (CHICKEN has hash tables in an egg only).

(declare (unit bokbok.table))

(module (bokbok table)
  (make-table table-ref table-set! table-delete! table-count table-fold table-keys table-values table-clear!)

(import scheme (chicken base) (chicken fixnum))

(define-record-type table
  (allocate-table buckets count)
  table?
  (buckets table-buckets table-buckets-set!)
  (count table-count table-count-set!))

(define smallest-size 16)

(define (make-table) (allocate-table (make-vector smallest-size '()) 0))

(define (bucket-index buckets key) (fxmod key (vector-length buckets)))

(define (table-ref table key)
  (let* ((buckets (table-buckets table))
         (entry (assv key (vector-ref buckets (bucket-index buckets key)))))
    (and entry (cdr entry))))

(define (table-set! table key value)
  (let* ((buckets (table-buckets table))
         (index (bucket-index buckets key))
         (entry (assv key (vector-ref buckets index))))
    (if entry
        (set-cdr! entry value)
        (begin
          (vector-set! buckets index (cons (cons key value) (vector-ref buckets index)))
          (table-count-set! table (+ 1 (table-count table)))
          (when (> (table-count table) (* 2 (vector-length buckets)))
            (resize! table (* 4 (vector-length buckets))))))))

(define (table-delete! table key)
  (let* ((buckets (table-buckets table))
         (index (bucket-index buckets key)))
    (when (assv key (vector-ref buckets index))
      (vector-set! buckets index
                   (let loop ((entries (vector-ref buckets index)))
                     (if (eqv? key (caar entries))
                         (cdr entries)
                         (cons (car entries) (loop (cdr entries))))))
      (table-count-set! table (- (table-count table) 1))
      (when (and (> (vector-length buckets) smallest-size)
                 (< (* 8 (table-count table)) (vector-length buckets)))
        (resize! table (quotient (vector-length buckets) 4))))))

(define (table-clear! table)
  (table-buckets-set! table (make-vector smallest-size '()))
  (table-count-set! table 0))

(define (resize! table size)
  (let ((fresh (make-vector size '())))
    (table-fold table
                (lambda (key value ignored)
                  (let ((index (bucket-index fresh key)))
                    (vector-set! fresh index (cons (cons key value) (vector-ref fresh index)))))
                #f)
    (table-buckets-set! table fresh)))

(define (table-fold table procedure initial)
  (let ((buckets (table-buckets table)))
    (let next-bucket ((index 0) (result initial))
      (if (= index (vector-length buckets))
          result
          (let next-entry ((entries (vector-ref buckets index)) (result result))
            (if (null? entries)
                (next-bucket (+ index 1) result)
                (next-entry (cdr entries) (procedure (caar entries) (cdar entries) result))))))))

(define (table-keys table) (table-fold table (lambda (key value keys) (cons key keys)) '()))
(define (table-values table) (table-fold table (lambda (key value values) (cons value values)) '()))

)
