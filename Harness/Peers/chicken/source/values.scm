;;; Values (section 7): an atom is a string of bytes, a list is a list of values. On the wire they have the canonical
;;; form of RFC 9804.

(declare (unit bokbok.values) (uses bokbok.bytes bokbok.conditions))

(module (bokbok values)
  (value->bytes bytes->value measure-value atom maximum-depth maximum-values)

(import scheme (chicken base) (chicken fixnum)
        (bokbok bytes) (bokbok conditions))

(define maximum-depth 64)      ; V-3.a
(define maximum-values 1048576) ; V-6.a

(define (malformed text) (signal-bokbok 'malformed text))

;; A number, symbol or string as an atom.
(define (atom object)
  (cond ((string? object) object)
        ((symbol? object) (symbol->string object))
        ((number? object) (number->string object))
        (else (usage-error "~s cannot be an atom; a string, a symbol or a number can" object))))

;;; Decoding

;; The value that BYTES are the canonical encoding of; signals `malformed' if there is none. Takes time in proportion
;; to the bytes, and keeps the open lists in a list of its own, not on the stack (V-3.c, V-3.d). OPEN holds the
;; contents, latest first, of the lists around the current one.
(define (bytes->value bytes #!key (depth-limit maximum-depth) (count-limit maximum-values))
  (let ((end (string-length bytes)))
    (define (next index depth count contents open)
      (if (fx= index end)
          (malformed (if (fx= end 0) "no value" "a value that is cut off")) ; V-1.a, V-1.c
          (let ((char (string-ref bytes index)))
            (cond ((eq? char #\()
                   (when (fx= depth depth-limit) (malformed "lists nest too deep")) ; V-3.a
                   (when (fx= count count-limit) (malformed "too many values"))     ; V-6.a
                   (next (fx+ index 1) (fx+ depth 1) (fx+ count 1) '() (cons contents open)))
                  ((eq? char #\))
                   (when (fx= depth 0) (malformed "a ')' that closes nothing")) ; V-1.c
                   (add (reverse contents) (fx+ index 1) (fx- depth 1) count (car open) (cdr open)))
                  ((char-within? char #\0 #\9)
                   (when (fx= count count-limit) (malformed "too many values"))
                   (let* ((start (atom-start index))
                          (stop (fx+ start (atom-length index (fx- start 1)))))
                     (add (substring bytes start stop) stop depth (fx+ count 1) contents open)))
                  (else (malformed "a byte that begins no value")))))) ; V-4.a
    (define (add value index depth count contents open)
      (cond ((fx> depth 0) (next index depth count (cons value contents) open))
            ((fx= index end) value)
            (else (malformed "bytes after the value")))) ; V-1.a
    ;; The index after the colon of the length that begins at INDEX.
    (define (atom-start index)
      (let loop ((at index))
        (cond ((fx= at end) (malformed "a length that is cut off"))
              ((eq? #\: (string-ref bytes at)) (fx+ at 1))
              ((char-within? (string-ref bytes at) #\0 #\9) (loop (fx+ at 1)))
              (else (malformed "a length without a colon")))))
    (define (atom-length index colon)
      (when (and (eq? #\0 (string-ref bytes index)) (fx> colon (fx+ index 1)))
        (malformed "a length with a leading zero")) ; V-2.a
      (let ((rest (fx- end (fx+ colon 1))))
        (let loop ((at index) (length 0))
          (cond ((fx> length rest) (malformed "a length longer than what follows it")) ; V-2.b
                ((fx= at colon) length)
                (else (loop (fx+ at 1) (fx+ (fx* 10 length) (fx- (byte-ref bytes at) 48))))))))
    (next 0 0 0 '() '())))

;;; Encoding

(define (digits number) (string-length (number->string number)))
(define (atom-size atom) (let ((length (string-length atom))) (fx+ length (fx+ 1 (digits length)))))

;; The bytes of the encoding, the depth and the number of values. Gives up, with what it has counted so far, as soon as
;; a limit is passed, so that it ends with a list in a circle too.
(define (measure-value value #!optional (depth-limit maximum-depth) (count-limit maximum-values))
  ;; REST: what is left of the current list. OUTER: what is left of the lists around it.
  (let loop ((rest (list value)) (outer '()) (size 0) (depth 0) (deepest 0) (count 0))
    (cond ((or (fx> count count-limit) (fx> deepest depth-limit)) (values size deepest count))
          ((null? rest)
           (if (null? outer)
               (values size deepest count)
               (loop (car outer) (cdr outer) size (fx- depth 1) deepest count)))
          ((not (pair? rest)) (not-a-value rest))
          ((string? (car rest))
           (loop (cdr rest) outer (fx+ size (atom-size (car rest))) depth deepest (fx+ count 1)))
          ((or (pair? (car rest)) (null? (car rest)))
           (let ((inside (fx+ depth 1)))
             (loop (car rest) (cons (cdr rest) outer) (fx+ size 2) inside (fxmax deepest inside) (fx+ count 1))))
          (else (not-a-value (car rest))))))

(define (not-a-value object)
  (usage-error "~s is not a value; strings and proper lists of values are" object))

;; The canonical encoding (V-1.b, V-5.a). Signals `malformed' for a value that may not be sent (E-4).
(define (value->bytes value #!key (depth-limit maximum-depth) (count-limit maximum-values))
  (let-values (((size depth count) (measure-value value depth-limit count-limit)))
    (when (> depth depth-limit) (malformed "the value's lists nest too deep"))
    (when (> count count-limit) (malformed "the value holds too many values"))
    (let ((result (make-string size)))
      (define (put-char! at char) (string-set! result at char) (fx+ at 1))
      (define (put! value at)
        (if (string? value)
            (let* ((length (string-length value))
                   (prefix (number->string length))
                   (colon (fx+ at (string-length prefix))))
              (bytes-copy! result at prefix 0 (string-length prefix))
              (bytes-copy! result (put-char! colon #\:) value 0 length)
              (fx+ colon (fx+ 1 length)))
            (let loop ((rest value) (at (put-char! at #\()))
              (if (null? rest)
                  (put-char! at #\))
                  (loop (cdr rest) (put! (car rest) at))))))
      (put! value 0)
      result)))

)
