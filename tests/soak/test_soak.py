"""Mixed load for a while: memory and descriptors of every process stay what they are.

    tests/run soak          (10 minutes; or another number of seconds behind it)
"""

import os
import random
import threading
import time
from collections import Counter

import pytest

from census import Census, has_grown, table
from standin_stack import StandinStack

SECONDS = int(os.environ.get("SOAK_SECONDS", "600"))
LANES = 2  # terminals of each user
# Each recreate leaves an image that the keeper keeps for ten minutes: with many of them the world would grow, and
# with it what the keeper reads of it.
RECREATE_EVERY = 20
# What a terminal asks for in each round, about one container of its own; some of it is refused.
ROUND = [
    ["create", "debian-ssh", "--name", "{box}", "-p", "{port}:80"], ["ps"], ["stop", "{box}"], ["start", "{box}"],
    ["explain", "create", "debian-ssh", "443"], ["restart", "{box}"], ["pause", "{box}"], ["unpause", "{box}"],
    ["commit", "--replace", "{box}", "{image}"], ["images"], ["logs", "{box}"], ["recreate", "{box}", "-p", "{port}:80"],
    ["limits"], ["create", "no-such-image"], ["start", "no-such-box"], ["ping"], ["remove", "-f", "{box}"],
    ["rmi", "{image}"], ["cancel", "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9fa0b1"],
]


class Terminal(threading.Thread):
    def __init__(self, user, number, end):
        super().__init__(daemon=True)
        self.user, self.end, self.ends = user, end, Counter()
        self.words = {"box": f"box-{number}", "image": f"saved-{number}", "port": str(8000 + number)}
        self.chance = random.Random(number)

    def run(self):
        turn = 0
        while time.monotonic() < self.end:
            turn += 1
            for command in ROUND:
                if command[0] == "recreate" and turn % RECREATE_EVERY != 1:
                    continue
                detach = ["-d"] if command == ["ping"] and self.chance.random() < 0.5 else []
                done = self.user.submit("--json", *detach, *(word.format(**self.words) for word in command))
                self.ends[command[0], done.returncode] += 1


@pytest.fixture
def stack():
    whole = StandinStack()
    yield whole
    whole.down()


def test_mixed_load_leaves_every_process_as_it_was(stack):
    stack.ask_engine("/standin/faults", "DELETE")
    census = Census([stack.gate, stack.worker])
    end = time.monotonic() + SECONDS
    terminals = [Terminal(user, LANES * place + lane, end)
                 for place, user in enumerate(stack.users.values()) for lane in range(LANES)]
    for terminal in terminals:
        terminal.start()
    for terminal in terminals:
        terminal.join()
    census.close()
    rows = list(census.rows())
    ends = sum((terminal.ends for terminal in terminals), Counter())
    print(f"\n{sum(ends.values())} commands in {SECONDS} s: "
          + ", ".join(f"{verb} → {status}: {count}" for (verb, status), count in sorted(ends.items())))
    print("\n".join(table(rows)))
    assert ends["create", 0] and ends["recreate", 0] and ends["commit", 0] and ends["remove", 0]
    assert {row.name for row in rows} >= {"dcm-gate supervisor", "dcm-gate child", "dcm-worker supervisor",
                                          "dcm-worker link", "dcm-worker keeper", "dcm-worker runner-1"}
    assert not [row for row in rows if has_grown(row)]
