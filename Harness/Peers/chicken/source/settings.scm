;;; SETTINGS: what each side tells the other about itself (S-2, S-3).

(declare (unit bokbok.settings) (uses bokbok.bytes bokbok.conditions bokbok.values))

(module (bokbok settings)
  (make-settings settings-max-message settings-max-requests settings-max-partial default-settings
   settings->bytes bytes->settings)

(import scheme (chicken base) (chicken condition)
        (bokbok bytes) (bokbok conditions) (bokbok values))

(define-record-type settings
  (allocate-settings max-message max-requests max-partial given)
  settings?
  (max-message settings-max-message)
  (max-requests settings-max-requests)
  (max-partial settings-max-partial)
  (given settings-given)) ; the pairs that were written or read

(define maximum 4294967295)
(define default-message 16777216)
(define default-requests 128)

;; From an alist of names and numbers. #f, if one is out of the range of S-2.
(define (from-pairs pairs)
  (define (setting name default)
    (let ((pair (assoc name pairs))) (if pair (cdr pair) default)))
  (let* ((max-message (setting "max-message" default-message))                     ; S-2.c
         (max-requests (setting "max-requests" default-requests))                  ; S-2.d
         (max-partial (setting "max-partial" (min maximum (* 4 max-message)))))    ; S-2.e
    (and (<= 1024 max-message maximum)
         (<= 1 max-requests maximum)
         (<= max-message max-partial maximum)                                      ; S-2.f
         (allocate-settings max-message max-requests max-partial pairs))))

(define default-settings (from-pairs '()))

;; The settings of this side. An argument that is #f keeps its default.
(define (make-settings #!key (max-message #f) (max-requests #f) (max-partial #f))
  (let ((pairs (let loop ((names '("max-message" "max-requests" "max-partial"))
                          (numbers (list max-message max-requests max-partial)))
                 (cond ((null? names) '())
                       ((not (car numbers)) (loop (cdr names) (cdr numbers)))
                       ((not (exact-integer? (car numbers)))
                        (usage-error "~a is ~s; it has to be an integer" (car names) (car numbers)))
                       (else (cons (cons (car names) (car numbers)) (loop (cdr names) (cdr numbers))))))))
    (or (from-pairs pairs)
        (usage-error (string-append "the settings ~s are out of range: max-message is from 1024 to 4294967295, "
                                    "max-requests from 1 to 4294967295, max-partial from max-message to 4294967295")
                     pairs))))

;; The body of a SETTINGS (S-2.a, S-2.b).
(define (settings->bytes settings)
  (value->bytes (map (lambda (pair) (list (car pair) (number->string (cdr pair)))) (settings-given settings))))

;; The settings that a body holds, or a text that says what is wrong with it.
(define (bytes->settings body)
  (let ((value (condition-case (bytes->value body) (() #f))))
    (if (not (list? value)) ; S-3.b; #f and an atom are no lists
        "the body of SETTINGS is not a list"
        (let loop ((elements value) (pairs '()))
          (cond ((null? elements) (or (from-pairs pairs) "a setting is out of range")) ; S-3.e
                ((not (and (pair? (car elements)) (string? (caar elements))))
                 "an element of SETTINGS does not begin with a name") ; S-3.b
                ((not (member (caar elements) '("max-message" "max-requests" "max-partial")))
                 (loop (cdr elements) pairs)) ; S-3.a
                ((assoc (caar elements) pairs) "a setting comes twice") ; S-3.c
                (else
                 (let ((number (setting-number (cdar elements))))
                   (if number
                       (loop (cdr elements) (cons (cons (caar elements) number) pairs))
                       "a setting is not a decimal number in its range")))))))) ; S-3.d, S-3.e

(define (setting-number rest)
  (and (= 1 (length rest)) (string? (car rest)) (decimal->number (car rest) maximum)))

)
