#!/usr/bin/python3
"""The commands of a guide, for tests that run them as they stand there.

A fence whose info string has `run=NAME` is a part of the procedure NAME; one procedure may have several, which
belong together in their order. So the text that people follow is the one that is tested.
"""

import pathlib
import re
import sys

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
FENCE = re.compile(r"^```sh run=(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def procedures(guide):
    """{NAME: [commands of each fence]}, in the guide's order."""
    found = {}
    for name, commands in FENCE.findall((DOCS / guide).read_text(encoding="utf-8")):
        found.setdefault(name, []).append(commands)
    return found


if __name__ == "__main__":
    print("\n".join(procedures(sys.argv[1])[sys.argv[2]]))
