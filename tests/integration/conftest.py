import sys

import pytest

from stack import Stack


@pytest.fixture(scope="session")
def whole_stack():
    stack = Stack()
    yield stack
    stack.down()


@pytest.fixture
def stack(whole_stack):
    """The stack, with no containers: before the test, and again after it."""
    whole_stack.clear()
    yield whole_stack
    whole_stack.clear()


@pytest.fixture
def alice(stack):
    return stack.alice


@pytest.fixture
def bob(stack):
    return stack.bob


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that failed shows the end of what gate and worker logged meanwhile."""
    report = (yield).get_result()
    stack = item.funcargs.get("whole_stack")
    if report.failed and stack:
        for daemon in (stack.gate, stack.worker):
            print(f"--- {daemon.program}", *daemon.log().splitlines()[-25:], sep="\n", file=sys.stderr)
