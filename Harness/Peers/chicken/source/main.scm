;;; The testee's program.

(declare (uses bokbok.testee))

(import scheme (chicken base) (chicken process-context)
        (bokbok testee))

(run-testee (command-line-arguments))
