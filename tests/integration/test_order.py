"""Requests keep their order on a container, and are not begun too late, nor once they are taken back."""

import time

from messages import new_id
from stack import eventually


def ends(alice, requests):
    return [alice.json("wait", request, status=None)["state"] for request in requests]


def submitted(alice, *args):
    done = alice.submit("-d", *args)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_one_container_sees_its_requests_in_the_order_in_which_they_were_made(stack, alice):
    container = alice.create("--name", "web")
    names = ("web", container["ssh_port"])
    requests = [submitted(alice, verb, names[i % 2])
                for i, verb in enumerate(("pause", "unpause") * 6)]
    # Out of order any of them would find the container in the wrong state.
    assert ends(alice, requests) == ["done"] * 12
    assert stack.inspect(container)["State"]["Status"] == "running"


def test_the_order_holds_from_the_create_to_the_remove(stack, alice):
    requests = [submitted(alice, "create", "debian-ssh", "--name", "brief"), submitted(alice, "pause", "brief"),
                submitted(alice, "unpause", "brief"), submitted(alice, "remove", "-f", "brief"),
                submitted(alice, "create", "debian-ssh", "--name", "brief")]
    assert ends(alice, requests) == ["done"] * 5
    assert alice.names() == ["brief"] and len(stack.containers()) == 1


def test_a_request_that_waited_for_the_engine_expires_at_its_deadline(stack, alice):
    stack.service("stop", "engine")
    try:
        late = submitted(alice, "create", "debian-ssh", "--deadline", "2s")
        in_time = submitted(alice, "create", "debian-ssh", "--deadline", "1h")
        eventually(lambda: alice.json("status", late)["state"] == "running", 20, "the first try")
        time.sleep(2)
    finally:
        stack.service("start", "engine")
    assert ends(alice, [late, in_time]) == ["expired", "done"]
    assert len(stack.containers()) == 1 and len(stack.leases()) == 1


def test_what_is_cancelled_in_the_queue_is_never_begun(stack, alice):
    stack.worker.stop()
    try:
        kept = submitted(alice, "create", "debian-ssh")
        dropped = submitted(alice, "create", "debian-ssh")
        cancel = submitted(alice, "cancel", dropped[-12:])
        assert alice.json("status", dropped)["state"] == "queued"
    finally:
        stack.worker.start()
    assert ends(alice, [kept, dropped, cancel]) == ["done", "cancelled", "done"]
    assert alice.submit("wait", dropped).returncode == 1
    assert len(stack.containers()) == 1 and len(stack.leases()) == 1


def test_what_has_begun_or_ended_is_not_cancelled(stack, alice):
    ended = submitted(alice, "ping")
    assert ends(alice, [ended]) == ["done"]
    stack.service("stop", "engine")
    try:
        begun = submitted(alice, "create", "debian-ssh")
        eventually(lambda: alice.json("status", begun)["state"] == "running", 20, "the first try")
        refused = [submitted(alice, "cancel", request) for request in (ended, begun)]
    finally:
        stack.service("start", "engine")
    assert ends(alice, [*refused, begun]) == ["failed", "failed", "done"]
    said = [alice.json("status", request)["error"] for request in refused]
    assert [error["code"] for error in said] == ["conflict"] * 2
    assert said[0]["message"] == "it has ended before: done"
    assert said[1]["message"] in ("it has begun on lab1, and goes on", "it has ended before: done")


def test_a_cancellation_may_come_before_its_request(stack, alice):
    early = new_id()
    done = alice.submit("cancel", early)
    assert done.returncode == 0 and "unless it has begun" in done.stderr
    assert alice.json("--id", early, "create", "debian-ssh", status=1)["state"] == "cancelled"
    assert stack.containers() == []


def test_nobody_cancels_a_neighbours_request(stack, alice, bob):
    stack.worker.stop()
    try:
        hers = submitted(alice, "create", "debian-ssh")
        submitted(bob, "cancel", hers)
    finally:
        stack.worker.start()
    assert ends(alice, [hers]) == ["done"]
