import pathlib
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / part) for part in ("integration", "faults", "soak")]

from report import Report  # noqa: E402
from stack import Stack  # noqa: E402
from standin_stack import StandinStack  # noqa: E402


class Usual:
    """As on a server: in the sandbox, and with the log that is usual. But more is asked in a day."""

    sandboxed = True
    more = {}  # settings: name of the file → lines, beside
    usual = {"gate.conf": "requests_per_day = 10000000\n", "worker.conf": ""}

    def configure(self):
        super().configure()
        for name, lines in self.usual.items():
            path = self.state / name
            path.write_text(path.read_text().replace("log_level = debug\n", "") + lines + self.more.get(name, ""))


class BenchStack(Usual, Stack):
    """With a virtual host at the broker for whoever is measured beside DCM."""

    def __init__(self):
        super().__init__()
        control = self.urls["RABBITMQCTL"]
        for words in (["add_vhost", "bench"], ["set_permissions", "-p", "bench", "dcm-root", ".*", ".*", ".*"]):
            subprocess.run([control, *words], check=True, stdout=subprocess.DEVNULL)


class Crowd(Usual, StandinStack):
    """On an engine that takes no time, with many users, and room for all that they want."""

    people = {"alice": 5001, "bob": 5002, **{f"user{number}": 5100 + number for number in range(40)}}
    more = {"gate.conf": "most_children = 256\nconnections_per_user = 256\n", "worker.conf": "subnet_bits = 22\n"}

    def usual_policy(self):
        policy = super().usual_policy()
        policy["groups"]["testers"].update({
            "containers": 1000, "memory": {"usual": "64m", "each": "256m", "total": "64g"},
            "cpus": {"usual": "0.25", "each": "1", "total": "512"}, "pids": {"usual": 64, "each": 256, "total": 65535}})
        return policy


def standing(kind):
    stack = kind()
    yield stack
    stack.down()


@pytest.fixture(scope="module")
def stack():
    yield from standing(BenchStack)


@pytest.fixture(scope="module")
def crowd():
    yield from standing(Crowd)


@pytest.fixture(scope="session")
def report():
    whole = Report()
    yield whole
    whole.close()
