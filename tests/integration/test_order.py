"""Requests keep their order on a container, and are not begun too late."""

import time

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
