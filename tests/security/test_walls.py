"""Hostile cases, each with its twin that is permitted: the tables are in *_cases.py."""

import pytest

import broker_cases
import gate_cases
import login_cases
import metrics_cases
import place_cases
import request_cases

CASES = [case for module in (broker_cases, request_cases, gate_cases, login_cases, metrics_cases, place_cases) for case in module.CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.area}: {case.what}".encode("unicode_escape").decode())
def test_the_wall_holds(world, record_property, case):
    case.permitted(world)
    case.hostile(world)
    for name in ("area", "what", "wall"):
        record_property(name, getattr(case, name))


def test_there_are_enough_of_them():
    assert len(CASES) >= 60 and len({(case.area, case.what) for case in CASES}) == len(CASES)
