"""Runs the testee from this folder: see bokbok/testee.py."""

from bokbok.testee import main

main()
