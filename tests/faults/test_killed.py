"""A process dies once, at every point of a request's way: one effect, one result, nothing left."""

import json
import re
from collections import namedtuple
from datetime import datetime

import pytest

from stack import eventually

# What a kind of request is made of. `ready` makes what it works on and returns its arguments; `acts`
# is how many calls to the engine change something; `tells` are the store's functions on its way;
# `effect` looks at the outcome; `once`, where a repetition would show, the engine's call.
Kind = namedtuple("Kind", "ready acts tells effect once")

JOURNALLED = ["journal.before", "journal.after", "result.before", "result.journalled", "result.told", "result.after"]
EVERY = ["confirm.before", "confirm.after", "settle.before", "settle.after", "claim.before", "claim.after"]


def container(*verbs):
    """One of alice's, in the state that these commands leave it in."""
    def ready(verb):
        def make(alice):
            name = alice.create()["name"]
            for before in verbs:
                assert alice.submit(before, name).returncode == 0
            return [verb, name]
        return make
    return ready


def saved(alice):
    name = alice.create()["name"]
    assert alice.submit("commit", name, "saved").returncode == 0
    return ["rmi", "saved"]


def is_alone(state, *ports):
    """The one container, in this state for the engine and in the index, with its own leases."""
    def look(stack, alice):
        ids = stack.containers()
        shown = alice.json("ps")["containers"]
        assert [entry["id"] for entry in shown] == ids and len(ids) == 1
        assert [entry["state"] for entry in shown] == [state]
        assert stack.inspect(shown[0])["State"]["Status"] == {"stopped": "exited"}.get(state, state)
        assert sorted(stack.leases()) == sorted([f"tcp/{shown[0]['ssh_port']}", *ports])
    return look


def milliseconds(time):
    return round(datetime.strptime(time, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp() * 1000)


def ends(since, *ports):
    """Like is_alone, and with one end, two hours after that time: the same in journal and index."""
    def look(stack, alice):
        is_alone("running", *ports)(stack, alice)
        container = alice.json("ps")["containers"][0]
        expires = milliseconds(container["expires"])
        assert stack.journal("SELECT container, ends FROM lives") == [(container["id"], expires)]
        assert expires == since(stack, container) + 7200000
    return look


def creation(stack, container):
    return milliseconds(container["created"])


def first_creation(stack, container):
    """Of what was recreated: in the result of its create."""
    created = stack.journal("SELECT result FROM requests WHERE op = 'container.create' ORDER BY rowid DESC LIMIT 1")
    return milliseconds(json.loads(created[0][0])["container"]["created"])


def begin_of_extension(stack, container):
    begun = stack.journal("SELECT begun FROM requests WHERE op = 'container.extend' ORDER BY rowid DESC LIMIT 1")
    return begun[0][0]


def nothing_left(stack, alice):
    assert stack.containers() == [] and alice.names() == [] and stack.leases() == {}


def is_saved(stack, alice):
    is_alone("running")(stack, alice)
    assert [i["name"] for i in alice.json("images")["images"] if i["owner"] == "alice"] == ["saved:latest"]
    assert len(stack.images()) == 1


def is_not_saved(stack, alice):
    is_alone("running")(stack, alice)
    assert [i["name"] for i in alice.json("images")["images"] if i["owner"] == "alice"] == []
    assert stack.images() == []


def unchanged(stack, alice):
    assert len(stack.containers()) == len(alice.names()) == len(stack.leases())


KINDS = {
    "create": Kind(lambda alice: ["create", "debian-ssh", "--ttl", "2h"], 3, ["reserve", "bind"],
                   ends(creation), None),
    "start": Kind(container("stop")("start"), 1, ["state"], is_alone("running"), "POST /containers/*/start"),
    "stop": Kind(container()("stop"), 1, ["state"], is_alone("stopped"), "POST /containers/*/stop"),
    "restart": Kind(container()("restart"), 1, ["state"], is_alone("running"), "POST /containers/*/restart"),
    "pause": Kind(container()("pause"), 1, ["state"], is_alone("paused"), "POST /containers/*/pause"),
    "unpause": Kind(container("pause")("unpause"), 1, ["state"], is_alone("running"),
                    "POST /containers/*/unpause"),
    "recreate": Kind(lambda alice: ["recreate", alice.create("--ttl", "2h")["name"], "8080"], 6,
                     ["reserve_ports", "replace"],
                     ends(first_creation, "tcp/8080"), None),
    "extend": Kind(lambda alice: ["extend", alice.create("--ttl", "1h")["name"], "2h"], 0, ["expires"],
                   ends(begin_of_extension), None),
    "remove": Kind(container("stop")("remove"), 1, ["release"], nothing_left, None),
    "commit": Kind(lambda alice: ["commit", alice.create()["name"], "saved"], 1, [], is_saved, "POST /commit"),
    "rmi": Kind(saved, 1, [], is_not_saved, "DELETE /images/*"),
    "ping": Kind(lambda alice: ["ping"], 0, [], unchanged, None),
    "explain": Kind(lambda alice: ["explain", "create", "debian-ssh"], 0, ["consider"], unchanged, None),
    "logs": Kind(container()("logs"), 0, [], unchanged, None),
}


def points(kind):
    """Of each: which pass of it is the deadly one."""
    yield from ((point, 0) for point in EVERY)
    if kind.acts or kind.tells:
        yield from ((point, 0) for point in JOURNALLED)
    for turn in range(kind.acts):
        yield from (("act.before", turn), ("act.after", turn))
    for function in kind.tells:
        yield from ((function, 0), (function, 1))


CASES = [pytest.param(name, point, turn, id=f"{name}-{point}-{turn}")
         for name, kind in KINDS.items() for point, turn in points(kind)]


def insist(alice, *args):
    """As a careful caller: what may have been asked is asked again, as the message says."""
    done = alice.submit("--json", *args)
    if done.returncode == 7:
        advised = re.search(r"--id \S+", done.stderr)
        done = alice.submit("--json", *(advised.group().split() if advised else []), *args)
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def check_nothing_leaked(stack):
    eventually(lambda: stack.unfinished() == [], 10, "an account of everything begun")
    eventually(lambda: stack.queue_length() == 0, 10, "an empty queue")
    assert stack.queue_length("dcm.parked") == 0


@pytest.mark.parametrize("name, point, turn", CASES)
def test_a_death_there_costs_nothing(stack, alice, name, point, turn):
    kind = KINDS[name]
    args = kind.ready(alice)
    before = stack.calls(kind.once)
    stack.plan.kill_at(point, turn)
    result = insist(alice, *args)
    eventually(stack.plan.is_spent, 5, f"a death at {point}")
    check_nothing_leaked(stack)
    kind.effect(stack, alice)
    assert result["state"] == "done" and alice.json("status", result["request"]) == result
    assert not kind.once or stack.calls(kind.once) - before == 1


# What the keeper does at an end: the stop, and two seconds later the removal, of the network too.
@pytest.mark.parametrize("point, turn", [
    *((point, turn) for turn in range(3) for point in ("act.before", "act.after")),
    *((function, turn) for turn in range(2) for function in ("state", "release")),
])
def test_an_expiry_that_is_killed_there_is_gone_on_with(stack, alice, point, turn):
    stops = stack.calls("POST /containers/*/stop")
    container = alice.create("--ttl", "3s")
    stack.plan.kill_at(point, turn)
    eventually(stack.plan.is_spent, 20, f"a death at {point}")
    eventually(lambda: alice.names() == [] and stack.journal("SELECT * FROM lives") == [], 30, "the removal")
    nothing_left(stack, alice)
    assert stack.networks() == []
    assert stack.calls("POST /containers/*/stop") - stops == 1
    assert stack.journal(f"SELECT 1 FROM tombstones WHERE container = '{container['id']}'") == [(1,)]


@pytest.mark.parametrize("point, copies", [("park.before", 1), ("park.after", 2)])
def test_what_nobody_can_read_is_parked_before_it_is_settled(stack, point, copies):
    stack.plan.kill_at(point)
    with stack.amqp("gate") as connection:
        connection.channel().basic_publish("dcm.requests", "interactive", b"no request")
    eventually(stack.plan.is_spent, 10, f"a death at {point}")
    eventually(lambda: stack.queue_length("dcm.parked") == copies, 20, "the parked copies")
    assert stack.empty_parked() == copies


@pytest.mark.parametrize("point", ["sort.before", "sort.after"])
def test_what_is_sorted_into_a_batch_queue_has_one_effect(stack, alice, point):
    with stack.amqp() as connection:
        connection.channel().queue_delete("dcm.batch.alice")
    stack.plan.kill_at(point)
    result = insist(alice, "create", "debian-ssh", "--batch")
    eventually(stack.plan.is_spent, 5, f"a death at {point}")
    for queue in ("dcm.unsorted", "dcm.batch.alice"):
        eventually(lambda queue=queue: stack.queue_length(queue) == 0, 10, "an empty queue")
    check_nothing_leaked(stack)
    is_alone("running")(stack, alice)
    assert result["state"] == "done"


def test_at_the_end_the_broker_holds_nothing(stack, alice):
    """What a worker that leaves has not settled goes back into the queue."""
    stack.worker.stop()
    try:
        assert stack.queue_length() == 0
    finally:
        stack.worker.start()
    eventually(lambda: alice.submit("ping").returncode == 0, 20, "a ping")
