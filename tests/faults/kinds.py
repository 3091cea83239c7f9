"""Every kind of request: what it is made of, and what must have come of it, whoever died or slept on its way."""

import json
import re
from collections import namedtuple
from datetime import datetime

import pytest

from messages import new_id
from stack import eventually

# `ready` makes what it works on and returns its arguments; `acts` is how many calls to the engine
# change something; `tells` are the store's functions on its way; `effect` looks at the outcome;
# `once`, where a repetition would show, the engine's call.
Kind = namedtuple("Kind", "op ready acts tells effect once")

EVERY = ["confirm.before", "confirm.after", "settle.before", "settle.after", "claim.before", "claim.after",
         "result.told", "result.after"]
APART = ["result.before", "result.journalled"]  # of what is not claimed and ended in one
JOURNALLED = ["journal.before", "journal.after"]
INSPECTS = ["inspect.before", "inspect.after"]
LIGHT = ("ping",)
READS = ("ping", "policy.explain", "container.logs")  # in no journal
BLIND = ("ping", "policy.explain", "image.remove", "job.cancel")  # look at no container


def container(*verbs):
    """One of alice's, in the state that these commands leave it in."""
    def ready(verb):
        def make(alice):
            name = alice.create()["name"]
            for before in verbs:
                alice.do(before, name)
            return [verb, name]
        return make
    return ready


def saved(alice):
    name = alice.create()["name"]
    alice.do("commit", name, "saved")
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


def is_called_off(stack, alice):
    """What was cancelled before it came: it is not begun when it comes."""
    body = stack.journal("SELECT body FROM requests WHERE op = 'job.cancel' ORDER BY rowid DESC LIMIT 1")[0][0]
    early = json.loads(body)["args"]["request"]
    assert alice.json("--id", early, "create", "debian-ssh", status=1)["state"] == "cancelled"
    nothing_left(stack, alice)


KINDS = {
    "create": Kind("container.create", lambda alice: ["create", "debian-ssh", "--ttl", "2h"], 3, ["reserve", "bind"],
                   ends(creation), None),
    "start": Kind("container.start", container("stop")("start"), 1, ["state"], is_alone("running"),
                  "POST /containers/*/start"),
    "stop": Kind("container.stop", container()("stop"), 1, ["state"], is_alone("stopped"), "POST /containers/*/stop"),
    "restart": Kind("container.restart", container()("restart"), 1, ["state"], is_alone("running"),
                    "POST /containers/*/restart"),
    "pause": Kind("container.pause", container()("pause"), 1, ["state"], is_alone("paused"),
                  "POST /containers/*/pause"),
    "unpause": Kind("container.unpause", container("pause")("unpause"), 1, ["state"], is_alone("running"),
                    "POST /containers/*/unpause"),
    "recreate": Kind("container.recreate", lambda alice: ["recreate", alice.create("--ttl", "2h")["name"], "8080"], 6,
                     ["reserve_ports", "replace"], ends(first_creation, "tcp/8080"), None),
    "extend": Kind("container.extend", lambda alice: ["extend", alice.create("--ttl", "1h")["name"], "2h"], 0,
                   ["expires"], ends(begin_of_extension), None),
    "remove": Kind("container.remove", container("stop")("remove"), 1, ["release"], nothing_left, None),
    "logs": Kind("container.logs", container()("logs"), 0, [], unchanged, None),
    "commit": Kind("image.commit", lambda alice: ["commit", alice.create()["name"], "saved"], 1, [], is_saved,
                   "POST /commit"),
    "rmi": Kind("image.remove", saved, 1, [], is_not_saved, "DELETE /images/*"),
    "ping": Kind("ping", lambda alice: ["ping"], 0, [], unchanged, None),
    "cancel": Kind("job.cancel", lambda alice: ["cancel", new_id()], 0, ["call_off"], is_called_off, None),
    "explain": Kind("policy.explain", lambda alice: ["explain", "create", "debian-ssh"], 0, ["consider"], unchanged,
                    None),
}


def is_told(result):
    """Done, and what it was about is in the result, whoever of several attempts brought it to its end."""
    part = result["op"].split(".")[0]
    return result["state"] == "done" and (part in result) == (part in ("container", "image"))


def points(kind):
    """Of each: which pass of it is the fatal one."""
    yield from ((point, 0) for point in EVERY)
    if kind.op not in LIGHT:
        yield from ((point, 0) for point in APART)
    if kind.op not in READS:
        yield from ((point, 0) for point in JOURNALLED)
    if kind.op not in BLIND:
        yield from ((point, 0) for point in INSPECTS)
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
