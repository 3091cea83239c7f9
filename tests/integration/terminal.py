"""dcm-shell on a terminal, as a person meets it."""

import re

import pexpect

PROMPT = "Enter command > "


class Terminal:
    """`child` is what pexpect started: the shell itself, or an ssh that leads to it."""

    def __init__(self, child):
        self.child = child
        self.banner = self.wait()

    def wait(self):
        """What stands before the next prompt."""
        self.child.expect_exact(PROMPT)
        return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", self.child.before).replace("\r", "")

    def run(self, line):
        """Type a line; what it printed, without the echo."""
        self.child.send(line + "\n")
        return self.wait().split("\n", 1)[1]

    def leave(self):
        """Ctrl-D. How it ended."""
        self.child.sendcontrol("d")
        self.child.expect(pexpect.EOF)
        self.child.close()
        return self.child.exitstatus
