"""Runs the testee from this folder: see bokbok/testee.py."""

from bokbok.testee import main

if __name__ == "__main__":
    main()
