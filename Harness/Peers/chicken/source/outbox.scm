;;; What waits to be sent: control frames in order, and messages whose fragments take turns (X-4). Frames are made only
;;; when there is room in the stream, so that what is urgent goes first (P-1, C-2).

(declare (unit bokbok.outbox) (uses bokbok.bytes bokbok.queue bokbok.record bokbok.table bokbok.wire))

(module (bokbok outbox)
  (new-outbox outbox-max-partial-set!
   outbox-add-control! outbox-add-message! outbox-drop! outbox-drop-messages! outbox-clear! outbox-compose!
   outbox-protocol-waiting outbox-answers-waiting
   item-kind item-owner item-offset item-finished?)

(import scheme (chicken base) (chicken fixnum)
        (bokbok bytes) (bokbok queue) (bokbok record) (bokbok table) (bokbok wire))

;; A frame of the protocol layer, or a message. OWNER is what the machine wants to know it by. CLASS is `own' (this side's
;; requests, PINGs and so on), `protocol' (what P-4 counts) or `answer' (what P-5 counts).
(define-state item (kind id body owner class)
  (offset 0)        ; bytes that have been put into records
  (finished? #f)    ; its last frame has been put into a record
  (dropped? #f)
  (reserved? #f))   ; counted in outbox-begun

;; CAPACITY: bytes of frames in a record
(define-state outbox (capacity)
  (max-partial 0)          ; the other side's
  (control (make-queue))
  (ready (make-queue))     ; messages that take turns
  (waiting (make-queue))   ; messages of several frames that wait for room (X-10.a)
  (begun 0)                ; whole lengths of the messages of several frames that are begun and not ended
  (protocol-bytes 0)       ; P-4
  (protocol-in-flight 0)   ; the part of it that is in the record that was made last
  (answers (make-table))   ; P-5: by the id of their exchange
  (answers-bytes 0))

(define (item-length item) (string-length (item-body item)))
(define (max-body outbox) (fx- (outbox-capacity outbox) header-size))

(define (outbox-add-control! outbox kind id body owner class)
  (let ((item (new-item kind id body owner class)))
    (when (eq? class 'protocol)
      (outbox-protocol-bytes-set! outbox (+ (outbox-protocol-bytes outbox) header-size (item-length item))))
    (queue-push! (outbox-control outbox) item)))

;; Answers the item, for outbox-drop!.
(define (outbox-add-message! outbox kind id body owner class)
  (let ((item (new-item kind id body owner class)))
    (when (eq? class 'answer)
      (table-set! (outbox-answers outbox) id item)
      (outbox-answers-bytes-set! outbox (+ (outbox-answers-bytes outbox) (item-length item))))
    (queue-push! (if (> (item-length item) (max-body outbox))
                     (outbox-waiting outbox)
                     (outbox-ready outbox)) ; X-10.c
                 item)
    item))

;; Takes a message that is not finished out (X-10.d).
(define (outbox-drop! outbox item)
  (item-dropped?-set! item #t)
  (release! outbox item)
  (item-body-set! item ""))

(define (release! outbox item)
  (when (item-reserved? item)
    (item-reserved?-set! item #f)
    (outbox-begun-set! outbox (- (outbox-begun outbox) (item-length item))))
  (when (eq? 'answer (item-class item))
    (table-delete! (outbox-answers outbox) (item-id item))
    (outbox-answers-bytes-set! outbox (- (outbox-answers-bytes outbox) (item-length item)))))

;; Leaves nothing but control frames: what the protocol layer owed before (SETTINGS, a CLOSE, PONGs) goes out in order.
(define (outbox-drop-messages! outbox)
  (queue-clear! (outbox-ready outbox))
  (queue-clear! (outbox-waiting outbox))
  (table-clear! (outbox-answers outbox))
  (outbox-answers-bytes-set! outbox 0)
  (outbox-begun-set! outbox 0))

(define (outbox-clear! outbox)
  (outbox-drop-messages! outbox)
  (queue-clear! (outbox-control outbox))
  (outbox-protocol-bytes-set! outbox 0)
  (outbox-protocol-in-flight-set! outbox 0))

;; Bytes of the protocol layer's own frames that wait, also those in the record that is being written (P-4.b).
(define (outbox-protocol-waiting outbox) (outbox-protocol-bytes outbox))

;; Whether all waiting answers but the longest together exceed LIMIT (P-5.a).
(define (outbox-answers-waiting outbox limit)
  (and (> (outbox-answers-bytes outbox) limit)
       (> (- (outbox-answers-bytes outbox)
             (table-fold (outbox-answers outbox) (lambda (id item longest) (max longest (item-length item))) 0))
          limit)))

;; Puts the frames of one record into TARGET from START on, and answers how many bytes they are; 0 if there is nothing to
;; send. FINISHED is called with each item whose last frame has been put in. The record that was made before has been
;; written by now.
(define (outbox-compose! outbox target start finished)
  (outbox-protocol-bytes-set! outbox (- (outbox-protocol-bytes outbox) (outbox-protocol-in-flight outbox)))
  (outbox-protocol-in-flight-set! outbox 0)
  (let ((end (fx+ start (outbox-capacity outbox))))
    (let loop ((at start))
      (begin-messages! outbox)
      (let* ((queue (if (queue-empty? (outbox-control outbox)) (outbox-ready outbox) (outbox-control outbox)))
             (item (and (not (queue-empty? queue)) (queue-peek queue)))
             (count (and item (not (item-dropped? item)) (frame-size outbox item (fx- end at)))))
        (cond ((not item) (fx- at start))
              ((item-dropped? item) (queue-pop! queue) (loop at))
              ((not count) (fx- at start)) ; goes into the next record
              (else
               (queue-pop! queue)
               (put-frame! item count target at)
               (if (item-finished? item)
                   (begin (finish! outbox item) (finished item))
                   (queue-push! queue item))
               (loop (fx+ at (fx+ header-size count)))))))))

;; X-10.a, X-10.b: first come, first served.
(define (begin-messages! outbox)
  (let ((waiting (outbox-waiting outbox)))
    (unless (queue-empty? waiting)
      (let ((item (queue-peek waiting)))
        (cond ((item-dropped? item)
               (queue-pop! waiting)
               (begin-messages! outbox))
              ((<= (+ (outbox-begun outbox) (item-length item)) (outbox-max-partial outbox))
               (queue-pop! waiting)
               (item-reserved?-set! item #t)
               (outbox-begun-set! outbox (+ (outbox-begun outbox) (item-length item)))
               (queue-push! (outbox-ready outbox) item)
               (begin-messages! outbox)))))))

(define least-fragment 16384)

;; How many bytes of the item's body go into a frame where ROOM bytes are left in the record; #f if it has to wait for
;; the next record. What fits one frame goes in one frame (X-10.c).
(define (frame-size outbox item room)
  (let ((rest (fx- (item-length item) (item-offset item)))
        (room (fx- room header-size)))
    (cond ((fx<= rest room) rest)
          ((and (fx> (item-length item) (max-body outbox)) (fx>= room least-fragment)) room)
          (else #f))))

(define (put-frame! item count target at)
  (let* ((offset (item-offset item))
         (last? (fx= (fx+ offset count) (item-length item))))
    (put-header! target at (item-kind item) (if last? 0 MORE) count (item-id item)) ; X-4.a
    (bytes-copy! target (fx+ at header-size) (item-body item) offset (fx+ offset count))
    (item-offset-set! item (fx+ offset count))
    (item-finished?-set! item last?)))

(define (finish! outbox item)
  (when (eq? 'protocol (item-class item))
    (outbox-protocol-in-flight-set! outbox
                                    (+ (outbox-protocol-in-flight outbox) header-size (item-length item))))
  (release! outbox item)
  (item-body-set! item ""))

)
