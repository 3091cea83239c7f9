"""How DCM's own part grows, on an engine that takes no time. One world grows through all of it."""

import json
import os
import subprocess

import pytest

from bodies import FIRST_PORT, body_like, with_port
from measure import in_turns, milliseconds, pss_mib, python
from peers import Dcm
from report import Curve, Row
from stack import eventually

OWN, CREATES, LOOKS = 5, 30, 25
COUNT = 5000
QUEUED, OFTEN = [1000, 3000, 10000, 30000, 100000], 10000
MOST_QUEUED = int(os.environ.get("BENCH_QUEUED", "100000"))
RUNNERS = [1, 2, 4, 8, 16, 32, 64]
FOLLOWERS = [1, 10, 50, 100, 200]
# Containers in all, each with a port of the range, which has 10,000.
WORLD = [10, 30, 100, 300, 1000, 2000, 5000, 9000, 9900, 9990]
MOST_WORLD = int(os.environ.get("BENCH_CONTAINERS", "9990"))
MOST_COMPARED = 2000


@pytest.fixture(scope="module")
def dcm(crowd):
    return Dcm(crowd)


def test_what_a_create_costs_without_an_engine(dcm, report):
    """DCM's own part: what a create takes beyond the engine's API for the same container."""
    model = dcm.stack.alice.create("--name", "model")  # her network is there, as beside an engine (test_create.py)
    body = body_like(dcm.stack.inspect(model))
    clients = {"DCM": dcm.asker("container.create"), "API": python("api.py", dcm.stack.engine_socket),
               "ping": dcm.asker()}

    def line(name, number):
        if name == "DCM":
            return json.dumps({"image": "debian-ssh", "name": f"own{number + 1}"})
        if name == "API":
            return json.dumps({"name": f"bench-{number + 1}", "body": with_port(body, FIRST_PORT + number)})
        return ""

    def clear(name, number):
        if name == "DCM":
            dcm.stack.alice.do("remove", "-f", f"own{number + 1}")
        if name == "API":
            dcm.stack.ask_engine(f"/containers/bench-{number + 1}?force=1", "DELETE")
    times = milliseconds(in_turns(CREATES, clients, line, clear))
    for client in clients.values():
        client.close()
    dcm.stack.alice.submit("remove", "-f", "model")
    report.add(Row("a create on an engine that takes no time", "ms", times).beyond("API", "≤", 3))


def test_the_queue(dcm, report):
    counts = [count for count in QUEUED if count <= MOST_QUEUED] + ([MOST_QUEUED] if MOST_QUEUED > QUEUED[-1] else [])
    dcm.passage(counts[0])
    points = [(count, [count / dcm.passage(count).drained for _ in range(3 if count <= OFTEN else 1)])
              for count in counts]
    report.add(Curve("draining a queue", "requests queued", "s", points, "linear",
                     "each is taken, recorded and acknowledged by itself, whatever waits behind it"))


def test_runners(dcm, report):
    points = []
    for runners in RUNNERS:
        dcm.stack.worker.stop()
        dcm.stack.worker.start("--runners", str(runners))
        dcm.stack.alice.do("ping")
        points.append((runners, [1e6 / dcm.passage(COUNT).drained for _ in range(3)]))
    dcm.stack.worker.stop()
    dcm.stack.worker.start()
    report.add(Curve("a queued request beside more runners", "runners", "µs a request", points, "flat",
                     "broker, link and store are one each, and a few runners keep them busy"))


def test_followers(dcm, report):
    """Of one request that goes on: each holds a child of the gate."""
    alice, gate = dcm.stack.alice, dcm.stack.gate
    alice.create("--name", "followed")
    logs = {"op": "container.logs", "args": {"container": "followed", "follow": True}}
    request = alice.popen("enqueue", "-", stdin=subprocess.PIPE).communicate(json.dumps(logs), timeout=30)[0].strip()
    asker, followers, times, held = dcm.asker(), [], [], []
    for count in FOLLOWERS:
        while len(followers) < count:
            followers.append(alice.popen("wait", request, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        eventually(lambda: len(gate.children("child")) > count, 60, f"{count} followers")
        times.append((count, milliseconds(in_turns(50, {"ping": asker}))["ping"]))
        held.append((count, [pss_mib([gate.process.pid, *gate.children("child")])]))
    for follower in followers:
        follower.terminate()
    for follower in followers:
        follower.wait(30)
    asker.close()
    alice.do("remove", "-f", "followed")
    report.add(Curve("a ping beside followers", "followers", "ms", times, "flat",
                     "who follows sleeps in a blocking read of the store, in a child of the gate of its own"))
    report.add(Curve("memory of the gate with followers", "followers", "MiB", held, "linear", "a child each", base=True))


class World:
    """Containers of the crowd, until there are as many in all as wanted."""

    def __init__(self, stack):
        self.stack, self.users = stack, [user for name, user in stack.users.items() if name.startswith("user")]
        self.count, self.made = 0, [0] * len(self.users)
        for _ in range(OWN):
            stack.alice.create()
            self.count += 1

    def grow(self, wanted):
        """By a file of requests for each user."""
        wishes = [[] for _ in self.users]
        while self.count < wanted:
            place = self.count % len(self.users)
            self.made[place] += 1
            wishes[place].append({"op": "container.create",
                                  "args": {"image": "debian-ssh", "name": f"c{self.made[place]}"}})
            self.count += 1
        for user, lines in zip(self.users, wishes):
            path = self.stack.state / f"{user.name}.jsonl"
            path.write_text("".join(json.dumps(line) + "\n" for line in lines))
            done = user.submit("enqueue", path)
            assert done.returncode == 0, done.stderr
        with self.stack.redis() as store:
            eventually(lambda: self.bound(store) == self.count, 900, f"{self.count} containers")

    def bound(self, store):
        pipeline = store.pipeline(transaction=False)
        for name in self.stack.users:
            pipeline.hvals(f"dcm:user:{name}:containers")
        return sum(json.loads(text)["until"] == 0 for entries in pipeline.execute() for text in entries)


def leasing(stack):
    """How long the store was busy with each of some reservations, in ms: alice has few containers herself."""
    with stack.redis() as store:
        store.config_set("slowlog-log-slower-than", 0)
        store.config_set("slowlog-max-len", 100000)
        store.slowlog_reset()
        for number in range(10):
            stack.alice.do("create", "debian-ssh", "--name", f"leased{number}")
            stack.alice.do("remove", "-f", f"leased{number}")
        store.config_set("slowlog-log-slower-than", -1)
        words = [(one["command"].decode(errors="replace").split(" "), one["duration"]) for one in store.slowlog_get(100000)]
    return [took / 1000 for command, took in words if command[0] == "FCALL" and command[1].endswith("_reserve")]


def compared(stack):
    """Seconds for one of the two looks that dcm-worker takes to report."""
    reconciler = python("spawn.py", stack.program("dcm-worker"), "--config", stack.worker.config, "--reconcile")
    reconciler.turn()  # warms it up, as the first round of in_turns does
    times = [reconciler.turn() / 2 for _ in range(7)]
    reconciler.close()
    return times


def test_a_world_that_grows(dcm, report):
    world = World(dcm.stack)
    ps, leases, comparisons = [], [], []
    lister = dcm.submit("ps")
    for wanted in [count for count in WORLD if count <= MOST_WORLD]:
        world.grow(wanted)
        ps.append((wanted, milliseconds(in_turns(LOOKS, {"ps": lister}))["ps"]))
        leases.append((wanted / 100, leasing(dcm.stack)))
        if wanted <= MOST_COMPARED:
            comparisons.append((wanted, compared(dcm.stack)))
        print(f"{wanted} containers", flush=True)
    lister.close()
    report.add(Curve("ps of a user with 5 containers", "containers in all", "ms", ps, "flat",
                     "the index has a hash for each user, and who asks reads his own"))
    report.add(Curve("lease of a port", "% of the range taken", "ms", leases, "flat",
                     "chance finds a free port in few draws; where few are left, a bitmap shows the next one"))
    report.add(Curve("full comparison by the keeper", "containers", "s", comparisons, "linear",
                     "each container is looked at once", base=True))
