;;; The conditions that this library signals. Each is of the kinds `exn' and `bokbok', and tells the outcomes of
;;; section 1 of the specification apart by its `kind'.

(declare (unit bokbok.conditions))

(module (bokbok conditions)
  (bokbok-condition bokbok-condition? bokbok-condition-kind bokbok-condition-code bokbok-condition-text
   bokbok-condition-details bokbok-condition-side
   signal-bokbok usage-error
   valid-code? reserved-code? describe-condition display-text)

(import scheme (chicken base) (chicken condition) (chicken format) (chicken fixnum)
        (bokbok bytes))
(declare (uses bokbok.bytes))

;; KIND is a symbol: refused, authentication, not-bokbok, timeout, remote, closing, lost, tampered, violation,
;; malformed, too-large, cancelled, aborted, application (a handler failed on purpose), usage (wrong arguments),
;; system (what the operating system refused). CODE, TEXT and DETAILS are what the other side sent, as received. SIDE
;; says of a violation who found it: local or remote.
(define (bokbok-condition kind text #!key (code #f) (details '()) (side #f))
  (make-composite-condition
   (make-property-condition 'exn
     'message (string-append "bokbok: " (symbol->string kind)
                             (if code (string-append " " (display-text code)) "")
                             (if (equal? text "") "" (string-append ": " (display-text text))))
     'arguments '()
     'location #f)
   (make-property-condition 'bokbok 'kind kind 'code code 'text text 'details details 'side side)))

(define bokbok-condition? (condition-predicate 'bokbok))
(define bokbok-condition-kind (condition-property-accessor 'bokbok 'kind #f))
(define bokbok-condition-code (condition-property-accessor 'bokbok 'code #f))
(define bokbok-condition-text (condition-property-accessor 'bokbok 'text ""))
(define bokbok-condition-details (condition-property-accessor 'bokbok 'details '()))
(define bokbok-condition-side (condition-property-accessor 'bokbok 'side #f))

(define (signal-bokbok kind text . more)
  (abort (apply bokbok-condition kind text more)))

;; What the caller got wrong: what was given, what was expected.
(define (usage-error text . arguments)
  (abort (bokbok-condition 'usage (apply format #f text arguments))))

;; E-1.a: the form of a code.
(define (valid-code? code)
  (and (string? code)
       (<= 1 (string-length code) 64)
       (let loop ((index 0))
         (or (= index (string-length code))
             (let ((char (string-ref code index)))
               (and (or (char-within? char #\a #\z) (char-within? char #\0 #\9) (memv char '(#\. #\-)))
                    (loop (+ index 1))))))))

;; E-1: the codes that the protocol layer keeps for itself.
(define (reserved-code? code)
  (member code '("handler-failed" "malformed" "cancelled" "closing" "too-large" "overloaded")))

;; What any object that was signalled says of itself, in UTF-8.
(define (describe-condition object)
  (utf8-repair
   (cond ((bokbok-condition? object)
          (if (equal? "" (bokbok-condition-text object))
              (symbol->string (bokbok-condition-kind object))
              (bokbok-condition-text object)))
         ((condition? object)
          (let ((message (get-condition-property object 'exn 'message "an error without a message"))
                (arguments (get-condition-property object 'exn 'arguments '())))
            (if (and (pair? arguments) (list? arguments))
                (format #f "~a: ~s" message arguments)
                (format #f "~a" message))))
         (else (format #f "~s" object)))))

;; E-5.a: text from the other side for a log or a terminal: control and format characters escaped, cut to 200 characters.
(define (display-text text)
  (let ((text (utf8-repair text)))
    (let loop ((index 0) (count 0) (parts '()))
      (cond ((= index (string-length text)) (bytes-concatenate (reverse parts)))
            ((= count 200) (bytes-concatenate (reverse (cons "..." parts))))
            (else
             (let* ((end (let next ((end (+ index 1)))
                           (if (and (< end (string-length text)) (= #x80 (fxand #xc0 (byte-ref text end))))
                               (next (+ end 1))
                               end)))
                    (character (substring text index end)))
               (loop end (+ count 1)
                     (cons (if (steers? character) (escaped character) character) parts))))))))

(define (escaped character)
  (bytes-concatenate (map (lambda (byte) (string-append "\\x" (bytes->hex (string byte))))
                          (string->list character))))

;; Whether a character in UTF-8 is a control or format character, or a separator of lines: U+0000 to U+001F, U+007F to
;; U+009F, and the general categories Cf, Zl and Zp.
(define (steers? character)
  (let ((code (scalar-value character)))
    (let loop ((ranges steering-ranges))
      (and (pair? ranges)
           (or (<= (caar ranges) code (cdar ranges))
               (loop (cdr ranges)))))))

(define steering-ranges
  '((#x0 . #x1f) (#x7f . #x9f) (#xad . #xad) (#x600 . #x605) (#x61c . #x61c) (#x6dd . #x6dd) (#x70f . #x70f)
    (#x890 . #x891) (#x8e2 . #x8e2) (#x180e . #x180e) (#x200b . #x200f) (#x2028 . #x202e) (#x2060 . #x206f)
    (#xfeff . #xfeff) (#xfff9 . #xfffb) (#x110bd . #x110bd) (#x110cd . #x110cd) (#x13430 . #x1343f)
    (#x1bca0 . #x1bca3) (#x1d173 . #x1d17a) (#xe0000 . #xe007f)))

(define (scalar-value character)
  (let ((first (byte-ref character 0))
        (rest (map char->integer (cdr (string->list character)))))
    (foldl (lambda (code byte) (+ (* 64 code) (fxand byte #x3f)))
           (case (length rest)
             ((0) first)
             ((1) (fxand first #x1f))
             ((2) (fxand first #x0f))
             (else (fxand first #x07)))
           rest)))

)
