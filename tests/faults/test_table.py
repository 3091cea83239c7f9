"""The tables of this folder are complete: every kind of request, and every point of the sources."""

import json
import re

from kinds import KINDS, points
from stack import ROOT
from test_keeper import CASES as KEEPER

# On the way of a message that cannot be read, of one that is still to be sorted (test_killed.py), and of what
# dcm-admin does with one that was parked (test_parked.py).
OTHERS = {"park.before", "park.after", "sort.before", "sort.after", "requeue.before", "requeue.after", "drop.after"}


def test_every_kind_of_request_has_a_row():
    schema = json.loads((ROOT / "schemas" / "request.schema.json").read_text())
    assert {kind.op for kind in KINDS.values()} == set(schema["$defs"]["op"]["enum"])


def test_every_point_is_on_somebodys_way():
    named = {name for place in ("worker", "submitter") for path in (ROOT / place).rglob("*.c")
             for name in re.findall(r'FAULT_POINT\("([^"]+)"\)', path.read_text())}
    passed = {point for kind in KINDS.values() for point, _turn in points(kind)}
    passed |= {point for _happens, here, _turns, _left in KEEPER for point in here} | OTHERS
    assert named and named <= passed, named - passed
