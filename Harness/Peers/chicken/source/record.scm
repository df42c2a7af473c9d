;;; Records with many fields, most of which begin with a fixed value.

(declare (unit bokbok.record))

(module (bokbok record) (define-state)

(import scheme (chicken base) (chicken syntax))

;; (define-state NAME (ARGUMENT ...) (FIELD INITIAL) ...) defines a record type with the accessors NAME-FIELD and the
;; setters NAME-FIELD-set!, and the constructor new-NAME, which takes the ARGUMENTs only. An INITIAL may use them.
(define-syntax define-state
  (er-macro-transformer
   (lambda (form rename compare)
     (let* ((name (cadr form))
            (arguments (caddr form))
            (fields (cdddr form)))
       `(,(rename 'begin)
         (,(rename 'define-record) ,name ,@arguments ,@(map car fields))
         (,(rename 'define) (,(symbol-append 'new- name) ,@arguments)
          (,(symbol-append 'make- name) ,@arguments ,@(map cadr fields))))))))

)
