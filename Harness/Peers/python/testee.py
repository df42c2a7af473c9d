"""Runs the testee from this folder: see bokbok/testee.py.

The kit starts this program hundreds of times. So its modules are kept compiled, in __pycache__, whatever the environment
says, and nothing looks for garbage while they are loaded, which make none.
"""

import gc
import sys

sys.dont_write_bytecode = False
gc.disable()

from bokbok.testee import main  # noqa: E402

gc.enable()

if __name__ == "__main__":
    main()
