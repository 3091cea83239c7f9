"""Many requests by several users while everything breaks: each has exactly one effect and one result.

    CHECKER_SEEDS="1 2 3" CHECKER_REQUESTS=500 tests/run checker
    CHECKER_ENGINE=docker CHECKER_REQUESTS=100 tests/run checker

A seed is any word. Reports, histories and logs are in build/dev/checker/seed-<seed>.
"""

import os

import pytest

from checker import run
from checker.stacks import RealChecked, StandinChecked

OWN_STACKS = True  # for tests/lib/shares.py
SEEDS = os.environ.get("CHECKER_SEEDS", "1").split()
REQUESTS = int(os.environ.get("CHECKER_REQUESTS", "150"))
STACK = {"standin": StandinChecked, "docker": RealChecked}[os.environ.get("CHECKER_ENGINE", "standin")]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_confirmed_request_has_one_effect_and_one_result(seed):
    outcome = run.report_on(STACK, seed, REQUESTS)
    assert not outcome.violations, f"replay: CHECKER_SEEDS={seed} CHECKER_REQUESTS={REQUESTS} tests/run checker"
    assert outcome.share >= 0.9


def test_of_two_servers_one_does_it():
    outcome = run.on_two_servers(extra_faults={"empty store": 1, "age store": 2})
    assert not outcome.violations
