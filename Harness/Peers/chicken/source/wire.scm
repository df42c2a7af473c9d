;;; What the layers put into bytes: preambles, refusals, frames, and the bodies of ERROR and CLOSE.

(declare (unit bokbok.wire) (uses bokbok.bytes bokbok.conditions bokbok.values))

(module (bokbok wire)
  (magic version mode-plain mode-sealed mode-refused preamble
   record refusal parse-code-and-message
   SETTINGS REQUEST RESPONSE ERROR CANCEL PING PONG CLOSE MORE header-size put-header! header-fault
   record-limit tag-size plain-capacity sealed-capacity
   error-body parse-error close-body)

(import scheme (chicken base) (chicken condition) (chicken fixnum)
        (bokbok bytes) (bokbok conditions) (bokbok values))

;;; The opening (section 2)

(define magic "BOKBOK")
(define version 1)
(define mode-plain 0)
(define mode-sealed 1)
(define mode-refused 255)

(define (preamble mode) (string-append magic (bytes version mode)))

(define (record content) (string-append (u16->bytes (string-length content)) content))

;; O-6.a
(define (refusal code message)
  (string-append (preamble mode-refused) (record (value->bytes (list code message)))))

;; E-1.a without details: the form of a refusal (E-2.g) and of a CLOSE (E-2.f). A list of the code and the message, or
;; #f if the bytes hold anything else.
(define (parse-code-and-message bytes)
  (let ((parts (parse-error bytes)))
    (and parts (= 2 (length parts)) parts)))

;;; Frames (section 5)

(define SETTINGS 0)
(define REQUEST 1)
(define RESPONSE 2)
(define ERROR 3)
(define CANCEL 4)
(define PING 5)
(define PONG 6)
(define CLOSE 7)

(define MORE 1)

(define header-size 8)
(define record-limit 65535)
(define tag-size 16)
(define plain-capacity record-limit)                ; bytes of frames in a record
(define sealed-capacity (- record-limit tag-size)) ; R-2.e

(define (put-header! target at kind flags length id)
  (byte-set! target at kind)
  (byte-set! target (fx+ at 1) flags)
  (put-u16! target (fx+ at 2) length)
  (put-u32! target (fx+ at 4) id))

;; What a header breaks of the rules that hold for every frame, as a text, or #f.
(define (header-fault kind flags length id)
  (cond ((> kind CLOSE) "a frame of an unknown kind")                              ; F-1.f
        ((not (fx= 0 (fxand flags 254))) "a reserved flag is set")                 ; F-1.g
        ((and (fx= flags MORE) (not (memv kind (list REQUEST RESPONSE))))
         "the flag MORE on a frame that has no fragments")                         ; F-1.h
        ((and (memv kind (list REQUEST RESPONSE ERROR CANCEL)) (= id 0))
         "the exchange id 0 on a frame of an exchange")                            ; F-1.i
        ((and (memv kind (list SETTINGS PING PONG CLOSE)) (not (= id 0)))
         "an exchange id on a frame of no exchange")                               ; F-1.j
        ((and (memv kind (list PING PONG)) (not (= length 8)))
         "a PING or PONG whose body has not 8 bytes")                              ; F-1.k
        ((and (= kind CANCEL) (not (= length 0))) "a CANCEL with a body")          ; F-1.l
        ((and (fx= flags MORE) (= length 0)) "an empty fragment with the flag MORE") ; X-4.e
        (else #f)))

;;; Errors

;; The list (code message detail ...) that is the body of an ERROR, or #f if it has not the form of E-1.a.
(define (parse-error bytes)
  (let ((value (condition-case (bytes->value bytes) (() #f))))
    (and (list? value)
         (>= (length value) 2)
         (valid-code? (car value))
         (string? (cadr value))
         (utf8? (cadr value))
         value)))

(define (atom-size length) (+ length 1 (string-length (number->string length))))

;; The longest message, cut between two characters, whose atom has at most ROOM bytes; #f if not even "" has.
(define (message-within message room)
  (and (>= room 2)
       (let loop ((limit (min (string-length message) room)))
         (if (<= (atom-size limit) room)
             (utf8-cut message limit)
             (loop (- limit 1))))))

;; The body of an ERROR of at most CAPACITY bytes (E-3). The message may be any bytes and is made UTF-8 (E-1.a).
(define (error-body code message details capacity)
  (let ((message (utf8-repair message)))
    (let-values (((size depth count) (measure-value details maximum-depth most-positive-fixnum)))
      (if (> depth maximum-depth)
          (error-body "handler-failed" message '() capacity) ; E-4.c: DETAILS stands for the body's list in depth
          (let* ((code-size (atom-size (string-length code)))
                 ;; SIZE counts the brackets of the list of details; they stand for those of the body.
                 (whole (message-within message (- capacity size code-size))))
            (if whole
                (value->bytes (cons code (cons whole details))) ; E-3.a
                (let ((short (utf8-cut message 1024)))    ; E-3.b
                  (let ((room (- capacity 2 code-size (atom-size (string-length short)))))
                    (value->bytes (cons code (cons short (details-within details room))))))))))))

;; As many of the first details as fit into ROOM bytes, none left out between them.
(define (details-within details room)
  (let loop ((details details) (room room) (kept '()))
    (if (null? details)
        (reverse kept)
        (let-values (((size depth count) (measure-value (car details) maximum-depth most-positive-fixnum)))
          (if (<= size room)
              (loop (cdr details) (- room size) (cons (car details) kept))
              (reverse kept))))))

;; The body of a CLOSE; a message that does not fit the frame is cut.
(define (close-body code message capacity)
  (error-body code message '() capacity))

)
