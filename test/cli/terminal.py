"""Runs a program on a terminal of its own; our standard input is what is typed there, our output what it shows."""
import os
import pty
import sys

status = pty.spawn(sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(status))
