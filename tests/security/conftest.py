import collections
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from world import World  # noqa: E402


@pytest.fixture(scope="session")
def world():
    made = World()
    yield made
    made.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that failed shows the end of what gate and worker logged meanwhile."""
    report = (yield).get_result()
    world = item.funcargs.get("world") if hasattr(item, "funcargs") else None
    if report.failed and world:
        world.stack.show_logs()


def pytest_terminal_summary(terminalreporter):
    """What was tried, and the wall that held."""
    held = [dict(report.user_properties) for report in terminalreporter.getreports("passed") if report.when == "call"]
    held = [row for row in held if "wall" in row]
    terminalreporter.write_sep("=", f"{len(held)} hostile cases, the wall that held, each with a twin that is let through")
    for row in held:
        terminalreporter.write_line(f"{row['area']:9} {row['what']:62} {row['wall']}")
    walls = collections.Counter(row["wall"] for row in held)
    terminalreporter.write_line(f"{len(walls)} walls")
