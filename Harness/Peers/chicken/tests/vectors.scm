;;; Reading the files of vectors (Vectors/FORMAT.md).

(declare (unit bokbok.vectors) (uses bokbok.bytes bokbok.conditions bokbok.json))

(module (bokbok vectors)
  (vector-files file-subject file-vectors field bytes-of json->value valid?)

(import scheme (chicken base) (chicken condition) (chicken file) (chicken io) (chicken pathname) (chicken sort)
        (bokbok bytes) (bokbok conditions) (bokbok json))

(define folder "../../../../Vectors")

;; The names of all files, so that none is left out without notice.
(define (vector-files)
  (sort (glob (string-append folder "/*.json")) string<?))

(define (contents path)
  (read-json (call-with-input-file path (lambda (port) (read-string #f port)))))

(define (file-subject path) (member-of (contents path) "subject"))

(define (file-vectors path) (vector->list (member-of (contents path) "vectors")))

;; A member, or #f.
(define (field object name) (member-of object name))

(define (valid? vector) (string=? "valid" (field vector "result")))

;; Bytes: hexadecimal digits, or a list of parts.
(define (bytes-of json)
  (if (string? json)
      (hex->bytes json)
      (bytes-concatenate (map part (vector->list json)))))

(define (part json)
  (if (string? json)
      (hex->bytes json)
      (let ((unit (hex->bytes (field json "repeat"))))
        (let loop ((count (field json "count")) (parts '()))
          (if (= count 0) (bytes-concatenate parts) (loop (- count 1) (cons unit parts)))))))

;; A value as nested JSON.
(define (json->value json)
  (if (vector? json)
      (let loop ((elements (reverse (vector->list json))) (values '()))
        (cond ((null? elements) values)
              ((and (pair? (car elements)) (field (car elements) "repeat"))
               => (lambda (repeated)
                    (loop (cdr elements)
                          (let ((value (json->value repeated)))
                            (let repeat ((count (field (car elements) "count")) (values values))
                              (if (= count 0) values (repeat (- count 1) (cons value values))))))))
              (else (loop (cdr elements) (cons (json->value (car elements)) values)))))
      (bytes-of (field json "hex"))))

)
