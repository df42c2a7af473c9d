;;; First-in, first-out queues.

(declare (unit bokbok.queue))

(module (bokbok queue)
  (make-queue queue-push! queue-pop! queue-peek queue-empty? queue-clear! queue->list)

(import scheme (chicken base))

(define-record-type queue
  (allocate-queue head tail)
  queue?
  (head queue-head queue-head-set!)
  (tail queue-tail queue-tail-set!))

(define (make-queue) (allocate-queue '() '()))

(define (queue-empty? queue) (null? (queue-head queue)))

(define (queue-push! queue item)
  (let ((cell (list item)))
    (if (queue-empty? queue)
        (queue-head-set! queue cell)
        (set-cdr! (queue-tail queue) cell))
    (queue-tail-set! queue cell)))

(define (queue-peek queue) (car (queue-head queue)))

(define (queue-pop! queue)
  (let ((item (car (queue-head queue))))
    (queue-head-set! queue (cdr (queue-head queue)))
    (when (queue-empty? queue) (queue-tail-set! queue '()))
    item))

(define (queue-clear! queue)
  (queue-head-set! queue '())
  (queue-tail-set! queue '()))

;; The items, oldest first, as a list of its own.
(define (queue->list queue) (map identity (queue-head queue)))

)
