;;; All tests.

(declare (uses bokbok.check bokbok.codec-tests bokbok.session-tests bokbok.vectors))

(import scheme (chicken base)
        (bokbok check) (bokbok codec-tests) (bokbok session-tests) (bokbok vectors))

(for-each
 (lambda (path)
   (let ((subject (file-subject path)))
     (if (string=? subject "sessions")
         (for-each test-session (file-vectors path))
         (test-vector-file subject (file-vectors path)))))
 (vector-files))

(finish)
