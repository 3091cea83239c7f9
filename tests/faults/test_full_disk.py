"""A file system that fills up beneath journal, store or broker: what is asked waits for room and then ends, once, and
nothing that was made is said to have failed. Nobody restarts anything."""

import contextlib
import os
import subprocess

import pytest
import redis

from messages import new_id
from standin_stack import StandinStack
from stack import eventually

NOT_SUBMITTED, UNCONFIRMED = 6, 7
# Room for what they write while nothing is wrong. RabbitMQ sounds its alarm below 50 MB.
SIZES = {"journal": "8m", "store": "4m", "broker": "110m"}


class Cramped(StandinStack):
    """Journal, store and broker have a small file system each."""

    def start_services(self):
        self.service_state.mkdir(mode=0o700)
        self.disks = {"journal": self.state / "worker", "store": self.service_state / "store",
                      "broker": self.service_state / "broker"}
        for what, place in self.disks.items():
            place.mkdir(exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZES[what]},mode=755", "tmpfs", place], check=True)
        return super().start_services()

    def configure(self):
        super().configure()
        with open(self.worker.config, "a", encoding="ascii") as settings:
            settings.write("disk_floor = 0\n")

    @contextlib.contextmanager
    def full(self, what, spared=0):
        filler = self.disks[what] / "filler"
        left = os.statvfs(self.disks[what])
        subprocess.run(["fallocate", "-l", str(left.f_bavail * left.f_frsize - spared), filler], check=True)
        try:
            yield
        finally:
            filler.unlink()

    def down(self):
        for daemon in (self.worker, self.gate):
            daemon.stop()
        for which in ("broker", "store"):
            self.service("stop", which)
        for place in self.disks.values():
            subprocess.run(["umount", "-l", place], check=True)
        super().down()


@pytest.fixture(scope="module")
def cramped():
    stack = Cramped()
    yield stack
    stack.down()


@pytest.fixture
def alice(cramped):
    cramped.clear()
    eventually(lambda: cramped.alice.submit("ping").returncode == 0, 30, "a ping")
    return cramped.alice


def agree(stack, alice, *states):
    """As many containers in the engine, the index and the leases as results say."""
    assert sorted(alice.names()) == sorted(name for name, _ in states)
    assert {one["name"]: one["state"] for one in alice.json("ps")["containers"]} == dict(states)
    assert len(stack.containers()) == len(stack.leases()) == len(states)


def is_done(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, (out, err)
    return out


def meets_the_full_disk(stack, what):
    """When it has shown: the worker says so."""
    words = {"journal": "database or disk is full", "store": "it cannot save to its disk"}
    before = stack.worker.log().count(words[what])
    return lambda: stack.worker.log().count(words[what]) > before


def show_it(stack, what):
    """Redis refuses once it has tried: what fits into the last page of its file is still written."""
    if what == "store":
        with stack.redis() as store, pytest.raises(redis.exceptions.ResponseError, match="MISCONF"):
            for _ in range(100):
                store.set("dcm:filler", "x" * 4096, ex=60)


@pytest.mark.parametrize("what", ["journal", "store"])
def test_what_is_asked_meanwhile_waits_and_is_done_once_there_is_room(cramped, alice, what):
    alice.create("--name", "before")
    met = meets_the_full_disk(cramped, what)
    with cramped.full(what):
        show_it(cramped, what)
        waiting = alice.popen("create", "debian-ssh", "--name", "meanwhile")
        stopping = alice.popen("stop", "before")
        eventually(met, 20, "a worker that has no room")
        alice.do("ps")
        assert len(cramped.containers()) == 1 and waiting.poll() is None and stopping.poll() is None
    is_done(waiting)
    is_done(stopping)
    agree(cramped, alice, ("before", "stopped"), ("meanwhile", "running"))


@pytest.mark.parametrize("what", ["journal", "store"])
def test_what_was_made_is_not_told_before_it_is_written_down_nor_said_to_have_failed(cramped, alice, what):
    cramped.add_fault("POST", "/containers/*/start", delay_ms=2000)
    asked = new_id()
    process = alice.popen("--id", asked, "create", "debian-ssh", "--name", "made")
    eventually(cramped.containers, 20, "the container")
    met = meets_the_full_disk(cramped, what)
    with cramped.full(what):
        show_it(cramped, what)
        eventually(met, 20, "a worker that has no room")
        assert process.poll() is None and alice.json("status", asked)["state"] == "running"
    is_done(process)
    agree(cramped, alice, ("made", "running"))
    assert cramped.journal(f"SELECT json_extract(result, '$.state'), parked FROM requests WHERE id = '{asked}'") == [("done", None)]


def test_a_worker_that_starts_on_a_full_disk_ends_or_waits_and_what_was_asked_is_done_later(cramped, alice):
    cramped.worker.stop()
    asked = alice.submit("-d", "create", "debian-ssh", "--name", "meanwhile").stdout.strip()
    before = len(cramped.worker.log())
    with cramped.full("journal"):
        cramped.worker.start()
        eventually(lambda: "journal: " in cramped.worker.log()[before:], 40, "a worker that has no room")
        assert cramped.containers() == [] and alice.json("status", asked)["state"] == "queued"
    if cramped.worker.process.poll() is not None:
        cramped.worker.start()  # as systemd does each second
    assert alice.json("wait", asked)["state"] == "done"
    agree(cramped, alice, ("meanwhile", "running"))


def answers(user):
    return user.submit("ping", "--timeout", "5s").returncode == 0


def test_a_broker_short_of_disk_takes_nothing_on_and_works_off_what_it_has(cramped, alice):
    cramped.worker.stop()
    asked = alice.submit("-d", "create", "debian-ssh", "--name", "before").stdout.strip()
    with cramped.full("broker", spared=30 << 20):
        eventually(lambda: (done := alice.submit("ping", "--timeout", "5s")).returncode == NOT_SUBMITTED
                   and "short of memory or disk" in done.stderr, 60, "the alarm")
        cramped.worker.start()
        assert alice.json("wait", asked, "--timeout", "60s")["state"] == "done"
        refused = alice.submit("create", "debian-ssh")
        assert refused.returncode in (NOT_SUBMITTED, UNCONFIRMED) and len(refused.stderr.splitlines()) == 1
    eventually(lambda: answers(alice), 60, "a ping once there is room")
    # One whose publishing was not confirmed may come through.
    eventually(lambda: cramped.queue_length() == 0, 30, "an empty queue")
    assert len(cramped.containers()) == len(alice.names()) == len(cramped.leases()) and "before" in alice.names()


def test_a_broker_that_can_write_nothing_at_all_loses_nothing_that_it_has_confirmed(cramped, alice):
    """Its alarm is off. What becomes of it is its own affair, and may need a restart."""
    subprocess.run([cramped.urls["RABBITMQCTL"], "set_disk_free_limit", "0"], check=True, capture_output=True, timeout=60)
    cramped.worker.stop()
    asked = {f"n{number}": new_id() for number in range(12)}

    def ask(name):
        return alice.submit("--id", asked[name], "-d", "create", "debian-ssh", "--name", name, "--timeout", "5s").returncode

    with cramped.full("broker"):
        told = {name: ask(name) for name in asked}
    assert set(told.values()) <= {0, NOT_SUBMITTED, UNCONFIRMED} and told["n11"] != 0
    cramped.service("stop", "broker")
    cramped.service("start", "broker")
    cramped.worker.start()
    for name, status in told.items():
        assert status == 0 or eventually(lambda name=name: ask(name) == 0, 30, "a confirm")
        assert alice.json("wait", asked[name], "--timeout", "60s")["state"] == "done"
    agree(cramped, alice, *((name, "running") for name in asked))
