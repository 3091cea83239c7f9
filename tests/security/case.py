"""A hostile case: what is tried, the wall that has to hold, and what differs from it by being permitted."""

import json
import time
import typing


class Case(typing.NamedTuple):
    area: str
    what: str
    wall: str
    hostile: typing.Callable  # of the world; asserts that the wall held
    permitted: typing.Callable  # of the world; asserts that it goes through


def done(op, **args):
    """A request of the batch system's for alice that is carried out."""
    def permitted(world):
        line = world.ask(op, **args)
        assert line["state"] == "done", line
    return permitted


def allowed(op="container.create", **args):
    """Explained, the request meets every check that it would meet, and is allowed."""
    args = {"image": "debian-ssh", **args} if op == "container.create" else args

    def permitted(world):
        message = {**world.message("policy.explain"), "args": {"op": op, "args": args}}
        line = world.send(message)
        explanation = world.record(message)["explanation"]
        assert line["state"] == "done" and explanation["allowed"], explanation
    return permitted


def refused(code, op="container.create", rule=None, **args):
    """It is a request, and ends in this error."""
    args = {"image": "debian-ssh", **args} if op == "container.create" else args

    def hostile(world):
        with world.nothing_changes():
            line = world.ask(op, **args)
        assert line["state"] != "done" and line["error"]["code"] == code, line
        assert not rule or line["error"]["rule"].endswith(rule), line
    return hostile


def ill_formed(text, op="container.create", raw=None, **args):
    """It is no request: the audit log has the message's publisher, and what is wrong with it. raw: a
    number as JSON text in place of "RAW"."""
    args = {"image": "debian-ssh", **args} if op == "container.create" else args

    def hostile(world):
        body = json.dumps(world.message(op, **args))
        with world.nothing_changes():
            world.publish(body.replace('"RAW"', raw) if raw else body)
            line = world.next_message()
        assert text in line["error"]["message"], line
    return hostile


def soon(condition, what):
    """Wait until condition() is true; hundreds of cases do, so it looks often. What it returned."""
    end = time.monotonic() + 20
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.01)
