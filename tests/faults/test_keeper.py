"""The keeper dies, or stands still, at each of its points: what it was about is done all the same, once."""

import contextlib
import os
import signal

import pytest

from kinds import check_nothing_leaked, nothing_left
from plan import Plan, asleep
from stack import eventually


def look(stack):
    """The keeper compares now, as it does by itself every minute."""
    stack.worker.process.send_signal(signal.SIGHUP)


def lose_a_container(stack):
    """Removed by hand, behind our back and the keeper's."""
    container = stack.alice.create("8080")
    with resting(stack):
        stack.ask_engine(f"/containers/{container['id']}?force=1", "DELETE")


def lose_an_entry(stack):
    container = stack.alice.create("8081")
    with stack.redis() as store:
        store.hdel("dcm:user:alice:containers", container["name"])


def lose_everything(stack):
    stack.alice.create("8082")
    with stack.redis() as store:
        store.flushall()


def lose_everything_under_way(stack):
    """While one is being created: the engine takes its time."""
    stack.add_fault("POST", "/containers/*/start", times=1, delay_ms=3000)
    stack.alice.submit("--detach", "create", "debian-ssh")
    eventually(lambda: stack.unfinished() and stack.containers(), 10, "a create under way")
    with stack.redis() as store:
        store.flushall()


@contextlib.contextmanager
def resting(stack):
    """There is no keeper: the next one is not told what is done meanwhile, and has to see it."""
    keeper = eventually(lambda: stack.worker.children("keeper"), 10, "a keeper")[0]
    os.kill(keeper, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(keeper, signal.SIGKILL)


# What happens, the keeper's points on its way to put that right, and how many containers there are then.
CASES = [
    (lose_a_container, ("keeper.before", "keeper.after"), 1, 0),
    (lose_an_entry, ("keeper.before", "keeper.after"), 1, 1),
    (lose_everything, ("keeper.result", "keeper.before", "keeper.after", "keeper.settled"), 1, 1),
    (lose_everything, ("keeper.result",), 2, 1),
    (lose_everything_under_way, ("keeper.claim", "keeper.before", "keeper.after", "keeper.settled"), 1, 1),
]


MANNERS = {"dies": Plan.kill_at, "sleeps": Plan.stall_at}


def pass_the_point(stack, manner, point):
    """The keeper goes on after it: another one, or the same."""
    if manner == "sleeps":
        with asleep(stack, point):
            pass
    eventually(stack.plan.is_spent, 20, f"a keeper at {point}")


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("happens, point, turn, left", [
    pytest.param(happens, point, turn, left, id=f"{happens.__name__}-{point}-{turn}")
    for happens, points, turns, left in CASES for point in points for turn in range(turns)])
def test_what_the_keeper_was_about_is_done(stack, alice, manner, happens, point, turn, left):
    MANNERS[manner](stack.plan, point, turn)
    happens(stack)
    look(stack)
    pass_the_point(stack, manner, point)
    check_nothing_leaked(stack)
    eventually(lambda: fits(stack, alice, left), 20, "an index that shows what the engine has")
    alice.do("ping")


def fits(stack, alice, left):
    """Engine, index and leases say the same."""
    ids = stack.containers()
    shown = alice.json("ps")["containers"]
    ports = [f"tcp/{entry['ssh_port']}" for entry in shown]
    ports += [f"{port['protocol']}/{port['host']}" for entry in shown for port in entry["ports"]]
    return (len(ids) == left and [entry["id"] for entry in shown] == ids
            and all(entry["state"] == "running" for entry in shown)
            and sorted(stack.leases()) == sorted(ports) and len(stack.networks()) == left)


def test_what_ended_unseen_holds_up_nobody_while_the_store_is_put_back(stack, alice):
    """The store shows it running, and the engine, which has no default network, does not tell since when it is there."""
    container = alice.create("8083")
    with resting(stack):
        stack.ask_engine(f"/containers/{container['id']}/stop", "POST")
        with stack.redis() as store:
            store.hset("dcm:generation", "id", "0" * 15 + "1")
    alice.do("ping", "--timeout", "20s")
    assert [entry["state"] for entry in alice.json("ps")["containers"]] == ["stopped"]


# What it does at an end: the stop, and two seconds later the removal, of the network too.
@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("point, turn", [
    *((point, turn) for turn in range(3) for point in ("act.before", "act.after")),
    *((function, turn) for turn in range(2) for function in ("state", "release")),
])
def test_an_expiry_goes_on(stack, alice, manner, point, turn):
    stops = stack.calls("POST /containers/*/stop")
    container = alice.create("--ttl", "3s")
    MANNERS[manner](stack.plan, point, turn)
    pass_the_point(stack, manner, point)
    eventually(lambda: alice.names() == [] and stack.journal("SELECT * FROM lives") == [], 30, "the removal")
    nothing_left(stack, alice)
    assert stack.networks() == []
    assert stack.calls("POST /containers/*/stop") - stops == 1
    assert stack.journal(f"SELECT 1 FROM tombstones WHERE container = '{container['id']}'") == [(1,)]
