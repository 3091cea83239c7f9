import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from plan import planned  # noqa: E402
from proxied import Proxied  # noqa: E402
from standin_stack import StandinStack  # noqa: E402


class FaultStack(Proxied, StandinStack):
    """Gate and worker die, or sleep, where the plan says so."""

    def configure(self):
        super().configure()
        with open(self.state / "worker.conf", "a") as settings:
            settings.write("expired_kept = 2s\n")

    def images(self):
        """Names of every image of users that the engine has."""
        client = self.docker()
        try:
            names = [name for image in client.api.images() for name in image["RepoTags"] or []]
            return [name for name in names if not name.startswith("debian-ssh")]
        finally:
            client.close()

    def empty(self):
        self.clear()
        for image in self.alice.json("images")["images"]:
            if image["owner"] == "alice":
                done = self.alice.submit("rmi", image["name"])
                assert done.returncode == 0, done.stderr

    def empty_parked(self):
        """How many messages had been set aside."""
        with self.amqp() as connection:
            return connection.channel().queue_purge("dcm.parked").method.message_count

    def let_run_out(self):
        """Whatever the store holds for a time: that time is over."""
        with self.redis() as store:
            for key in (f"dcm:server:{self.server}:ports", *store.scan_iter("dcm:user:*:containers"),
                        *store.scan_iter("dcm:user:*:images")):
                for field, text in store.hgetall(key).items():
                    store.hset(key, field, re.sub(r'"until":[1-9]\d*', '"until":1', text))

    def unfinished(self):
        """Ids that the journal holds begun and not ended, or ended and not recorded."""
        return [row[0] for row in self.journal("SELECT id FROM requests WHERE recorded = 0")]


@pytest.fixture(scope="session")
def whole_stack():
    with planned() as plan:
        stack = FaultStack()
        stack.plan = plan
        yield stack
        plan.drop()
        stack.down()


@pytest.fixture
def stack(whole_stack):
    """The stack with nothing in it and no fault planned: before the test, and again after it."""
    whole_stack.plan.drop()
    whole_stack.empty()
    yield whole_stack
    whole_stack.plan.drop()
    whole_stack.empty()


@pytest.fixture
def alice(stack):
    return stack.alice


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that failed shows the end of what gate and worker logged meanwhile."""
    report = (yield).get_result()
    stack = item.funcargs.get("whole_stack") or item.funcargs.get("servers")
    if report.failed and stack:
        stack.show_logs()
