"""Many requests by several users while everything breaks: each has exactly one effect and one result.

    CHECKER_SEEDS="1 2 3" CHECKER_REQUESTS=500 tests/run checker
    CHECKER_ENGINE=docker CHECKER_REQUESTS=100 tests/run checker

A seed is any word. Reports, histories and logs are in build/dev/checker/seed-<seed>.
"""

import os

import pytest

from checker import run
from checker.stacks import RealChecked, StandinChecked, TwoServers

SEEDS = os.environ.get("CHECKER_SEEDS", "1").split()
REQUESTS = int(os.environ.get("CHECKER_REQUESTS", "150"))
STACK = {"standin": StandinChecked, "docker": RealChecked}[os.environ.get("CHECKER_ENGINE", "standin")]


def check(stack, seed, count, **options):
    try:
        outcome = run.check(stack, seed, count, **options)
    finally:
        stack.down()
    print(f"\n{outcome.text}")
    return outcome


@pytest.mark.parametrize("seed", SEEDS)
def test_every_confirmed_request_has_one_effect_and_one_result(seed):
    outcome = check(STACK(), seed, REQUESTS)
    assert not outcome.violations, f"replay: CHECKER_SEEDS={seed} CHECKER_REQUESTS={REQUESTS} tests/run checker"
    assert outcome.share >= 0.9


def on_two_servers(worker=None, **options):
    """Of requests that any server can do, many come twice."""
    return check(TwoServers(worker), "two", 60, errands={"more": 4, "ping": 1, "cancel": 1},
                 faults={"kill link": 3, "cut broker": 3, "kill runner": 2, "cut store": 1}, **options)


def test_of_two_servers_one_does_it():
    outcome = on_two_servers()
    assert not outcome.violations


# Workers that are worse than ours by one step (common/mutant.h): the checker has to see it.

SHORT = {"patience": 10, "settle": 5}


def kinds(outcome):
    return {violation.kind for violation in outcome.violations}


def test_an_acknowledgement_before_the_journal_loses_requests():
    outcome = check(StandinChecked("ack-early"), "early", 60, faults={"kill link": 1}, **SHORT)
    assert "lost" in kinds(outcome)


def test_without_the_claim_things_are_done_twice():
    outcome = on_two_servers("no-claim", **SHORT)
    assert "doubled" in kinds(outcome)


def test_without_reconciling_things_leak():
    outcome = check(StandinChecked("no-reconcile"), "blind", 60,
                    faults={"remove by hand": 2, "stop by hand": 1, "restart engine": 1}, **SHORT)
    assert "leaked" in kinds(outcome)
