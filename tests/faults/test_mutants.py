"""The checker can fail: workers that are worse than ours by one step (common/mutant.h), which it has to see.

What is reported of them is meant to be bad, and says so.
"""

from checker import run
from checker.stacks import StandinChecked

OWN_STACKS = True  # for tests/lib/shares.py
SHORT = {"patience": 10, "settle": 5}


def kinds(outcome):
    return {violation.kind for violation in outcome.violations}


def test_an_acknowledgement_before_the_journal_loses_requests():
    # What waits at the link while runners stand still goes with it.
    outcome = run.report_on(StandinChecked, "early", 200, mutant="ack-early",
                            faults={"kill link": 1, "stall runner": 1}, **SHORT)
    assert "lost" in kinds(outcome)


def test_without_the_claim_things_are_done_twice():
    outcome = run.on_two_servers(mutant="no-claim", **SHORT)
    assert "doubled" in kinds(outcome)


def test_without_reconciling_things_leak():
    outcome = run.report_on(StandinChecked, "blind", 60, mutant="no-reconcile",
                            faults={"remove by hand": 2, "stop by hand": 1, "restart engine": 1}, **SHORT)
    assert "leaked" in kinds(outcome)
