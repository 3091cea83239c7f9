"""A process stands still at every point of a request's way, past everything that waits for it, and then goes on:
what others have done meanwhile holds, and there is one effect, one result, nothing left."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from kinds import CASES, KINDS, check_nothing_leaked, insist
from plan import asleep
from stack import eventually


@pytest.mark.parametrize("name, point, turn", CASES)
def test_a_sleep_there_costs_nothing(stack, alice, name, point, turn):
    kind = KINDS[name]
    args = kind.ready(alice)
    before = stack.calls(kind.once)
    stack.plan.stall_at(point, turn)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(insist, alice, *args)
        with asleep(stack, point):
            pass
        result = asked.result(60)
    check_nothing_leaked(stack)
    kind.effect(stack, alice)
    assert result["state"] == "done" and alice.json("status", result["request"]) == result
    assert not kind.once or stack.calls(kind.once) - before == 1


# Where it has a port reserved, which somebody else asks for once that has run out. Whoever is the first to
# use it, for the engine, has it.
@pytest.mark.parametrize("verb, point, turn", [
    *(("create", point, turn) for point, turn in
      [("reserve", 1), ("act.before", 1), ("act.after", 1), ("act.after", 2), ("inspect.after", 0), ("bind", 0)]),
    *(("recreate", point, turn) for point, turn in
      [("reserve_ports", 1), ("act.before", 1), ("act.after", 3), ("act.after", 4), ("replace", 0)]),
])
def test_a_port_that_was_given_away_meanwhile_is_not_used_twice(stack, alice, verb, point, turn):
    where = "127.0.0.1:8080:80"
    args = ["create", "debian-ssh", where] if verb == "create" else ["recreate", alice.create()["name"], where]
    stack.plan.stall_at(point, turn)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(alice.submit, "--json", *args)
        with asleep(stack, point):
            hers = stack.bob.submit("--json", "create", "debian-ssh", where)
        done = asked.result(60)
    assert sorted([done.returncode, hers.returncode]) == [0, 1], (done, hers)
    assert "8080" in (done.stderr if done.returncode else hers.stderr)
    check_nothing_leaked(stack)
    shown = [entry for user in stack.users.values() for entry in user.json("ps")["containers"]]
    assert len(shown) == 1 + (verb == "recreate" and done.returncode == 1)
    assert all(entry["state"] == "running" for entry in shown)
    assert sorted(stack.containers()) == sorted(entry["id"] for entry in shown)
    assert sorted(stack.leases()) == sorted(["tcp/8080", *(f"tcp/{entry['ssh_port']}" for entry in shown)])


@pytest.mark.parametrize("point", ["park.before", "park.after"])
def test_what_nobody_can_read_is_parked_once_or_twice(stack, point):
    """The broker has given the link up meanwhile, and hands the message out again."""
    stack.plan.stall_at(point)
    with stack.amqp("gate") as connection:
        connection.channel().basic_publish("dcm.requests", "interactive", b"no request")
    with asleep(stack, point):
        pass
    eventually(lambda: stack.queue_length("dcm.parked") > 0, 20, "a parked copy")
    stack.alice.do("--timeout", "30s", "ping")
    eventually(lambda: stack.queue_length() == 0, 10, "an empty queue")
    assert stack.empty_parked() in (1, 2)
