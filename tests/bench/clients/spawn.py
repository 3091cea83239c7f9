"""A whole process a turn: the program of our arguments, with the words of the line behind them."""

import os
import shlex
import sys

from turns import serve

SILENT = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]


def run(line):
    command = sys.argv[1:] + shlex.split(line)
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=SILENT)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status != 0:
        raise RuntimeError(f"{command[0]} ended with {status}")


serve(run)
