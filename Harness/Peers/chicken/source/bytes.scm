;;; Byte strings. In CHICKEN 5 a string is an array of bytes, and that is how this implementation keeps every byte
;;; string: an atom, a message, a key, a user name. Text is UTF-8.

(declare (unit bokbok.bytes))

(module (bokbok bytes)
  (byte-ref byte-set! char-within? bytes bytes-copy! byte-index bytes-concatenate bytes-prefix?
   get-u16 get-u32 put-u16! put-u32! u16->bytes u32->bytes
   bytes->hex hex->bytes
   utf8? utf8-cut utf8-repair
   decimal->number)

(import scheme (chicken base) (chicken fixnum) (chicken foreign))

(define (byte-ref string index) (char->integer (string-ref string index)))
(define (byte-set! string index byte) (string-set! string index (integer->char byte)))

;; Whether CHAR is one from LOW to HIGH.
;; (The comparisons of characters that CHICKEN 5 has are slow; eq? and fixnums are not.)
(define (char-within? char low high)
  (let ((code (char->integer char)))
    (and (fx<= (char->integer low) code) (fx<= code (char->integer high)))))

;; (bytes 40 41) is a string of these two bytes.
(define (bytes . values) (list->string (map integer->char values)))

(define move-bytes!
  (foreign-lambda* void ((nonnull-scheme-pointer to) (long at) (nonnull-scheme-pointer from) (long start) (long count))
    "memmove((char *)to + at, (char *)from + start, count);"))

;; Copies FROM from START to END into TO at AT.
(define (bytes-copy! to at from start end)
  (unless (and (<= 0 start end (string-length from))
               (<= 0 at) (<= (+ at (- end start)) (string-length to)))
    (error 'bytes-copy! "out of range" at start end (string-length to) (string-length from)))
  (move-bytes! to at from start (- end start)))

(define (bytes-prefix? prefix string)
  (and (<= (string-length prefix) (string-length string))
       (string=? prefix (substring string 0 (string-length prefix)))))

;; The index of the first BYTE from START on, or END.
(define (byte-index string byte start end)
  (unless (<= 0 start end (string-length string)) (error 'byte-index "out of range" start end))
  ((foreign-lambda* long ((nonnull-scheme-pointer string) (int byte) (long start) (long end))
     "const char *found = memchr((char *)string + start, byte, end - start);
      C_return(found ? found - (char *)string : end);")
   string byte start end))

;; Joins the strings of a list in one pass.
(define (bytes-concatenate strings)
  (let ((result (make-string (foldl (lambda (sum string) (+ sum (string-length string))) 0 strings))))
    (let loop ((strings strings) (at 0))
      (if (null? strings)
          result
          (let ((end (string-length (car strings))))
            (bytes-copy! result at (car strings) 0 end)
            (loop (cdr strings) (+ at end)))))))

;; Unsigned integers, big-endian

(define (get-u16 string at)
  (fxior (fxshl (byte-ref string at) 8) (byte-ref string (fx+ at 1))))

(define (get-u32 string at)
  (fxior (fxshl (get-u16 string at) 16) (get-u16 string (fx+ at 2))))

(define (put-u16! string at number)
  (byte-set! string at (fxand (fxshr number 8) 255))
  (byte-set! string (fx+ at 1) (fxand number 255)))

(define (put-u32! string at number)
  (put-u16! string at (fxshr number 16))
  (put-u16! string (fx+ at 2) (fxand number 65535)))

(define (u16->bytes number) (let ((result (make-string 2))) (put-u16! result 0 number) result))
(define (u32->bytes number) (let ((result (make-string 4))) (put-u32! result 0 number) result))

;; Hexadecimal

(define encode-hex!
  (foreign-lambda* void ((nonnull-scheme-pointer to) (nonnull-scheme-pointer from) (long count))
    "static const char digits[] = \"0123456789abcdef\";
     for (long i = 0; i < count; i++) {
       unsigned char byte = ((unsigned char *)from)[i];
       ((char *)to)[2 * i] = digits[byte >> 4];
       ((char *)to)[2 * i + 1] = digits[byte & 15];
     }"))

(define decode-hex!
  (foreign-lambda* bool ((nonnull-scheme-pointer to) (nonnull-scheme-pointer from) (long count))
    "for (long i = 0; i < count; i++) {
       int byte = 0;
       for (int j = 0; j < 2; j++) {
         unsigned char c = ((unsigned char *)from)[2 * i + j];
         int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
                   : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
         if (digit < 0) C_return(0);
         byte = byte << 4 | digit;
       }
       ((unsigned char *)to)[i] = byte;
     }
     C_return(1);"))

(define (bytes->hex string)
  (let ((result (make-string (* 2 (string-length string)))))
    (encode-hex! result string (string-length string))
    result))

;; The bytes, or #f if the text is not hexadecimal.
(define (hex->bytes text)
  (and (even? (string-length text))
       (let ((result (make-string (quotient (string-length text) 2))))
         (and (decode-hex! result text (string-length result)) result))))

;; UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing over U+10FFFF

;; The length of the character that begins at INDEX, or #f if none does that ends before END.
(define (utf8-character-length string index end)
  (define (continuation? at low high)
    (and (< at end) (<= low (byte-ref string at) high)))
  (define (sequence length low high)
    (and (continuation? (+ index 1) low high)
         (or (< length 3) (continuation? (+ index 2) #x80 #xbf))
         (or (< length 4) (continuation? (+ index 3) #x80 #xbf))
         length))
  (let ((first (byte-ref string index)))
    (cond ((<= first #x7f) 1)
          ((<= #xc2 first #xdf) (sequence 2 #x80 #xbf))
          ((= first #xe0) (sequence 3 #xa0 #xbf))
          ((= first #xed) (sequence 3 #x80 #x9f))
          ((<= #xe1 first #xef) (sequence 3 #x80 #xbf))
          ((= first #xf0) (sequence 4 #x90 #xbf))
          ((<= #xf1 first #xf3) (sequence 4 #x80 #xbf))
          ((= first #xf4) (sequence 4 #x80 #x8f))
          (else #f))))

(define (utf8? string)
  (let ((end (string-length string)))
    (let loop ((index 0))
      (or (= index end)
          (let ((length (utf8-character-length string index end)))
            (and length (loop (+ index length))))))))

;; The longest beginning of at most LIMIT bytes that does not end within a character.
(define (utf8-cut string limit)
  (if (<= (string-length string) limit)
      string
      (let back ((end (max limit 0)))
        (if (and (> end 0) (= #x80 (fxand #xc0 (byte-ref string end))))
            (back (- end 1))
            (substring string 0 end)))))

(define replacement (bytes #xef #xbf #xbd))

;; The string with U+FFFD in place of each byte that is part of no character.
(define (utf8-repair string)
  (if (utf8? string)
      string
      (let ((end (string-length string)))
        (let loop ((index 0) (parts '()))
          (if (= index end)
              (bytes-concatenate (reverse parts))
              (let ((length (utf8-character-length string index end)))
                (if length
                    (loop (+ index length) (cons (substring string index (+ index length)) parts))
                    (loop (+ index 1) (cons replacement parts)))))))))

;; The number that decimal digits without leading zeros stand for, or #f if they are none or more than MAXIMUM.
(define (decimal->number text maximum)
  (let ((length (string-length text)))
    (and (<= 1 length 20)
         (or (= length 1) (not (eq? #\0 (string-ref text 0))))
         (let loop ((index 0) (number 0))
           (if (= index length)
               (and (<= number maximum) number)
               (let ((digit (- (byte-ref text index) 48)))
                 (and (<= 0 digit 9) (loop (+ index 1) (+ digit (* 10 number))))))))))

)
