"""Broker and engine, while they are slow, gone, or not what they were."""

import os
import signal
import subprocess

from stack import eventually


def received(stack):
    """Bytes that the broker has had from the worker's link, by its connection with heartbeats."""
    listed = subprocess.check_output([stack.urls["RABBITMQCTL"], "--quiet", "list_connections", "user", "timeout", "recv_oct"],
                                     text=True)
    rows = [line.split("\t") for line in listed.splitlines()]
    [octets] = [int(octets) for user, timeout, octets in rows if user == "dcm-worker" and timeout != "0"]
    return octets


def test_heartbeats_go_on_while_every_runner_is_busy(stack, alice):
    runners = [pid for number in range(1, 5) for pid in stack.worker.children(f"runner-{number}")]
    for pid in runners:
        os.kill(pid, signal.SIGSTOP)
    try:
        asked = [alice.submit("-d", "ping").stdout.strip() for _ in range(8)]
        eventually(lambda: stack.queue_length() == 0, 10, "the link to have them all")
        before = received(stack)
        # Nothing is acknowledged meanwhile: what comes is a heartbeat, a frame of eight bytes.
        eventually(lambda: received(stack) - before >= 8, 40, "a heartbeat")
    finally:
        for pid in runners:
            os.kill(pid, signal.SIGCONT)
    assert [alice.json("wait", request)["state"] for request in asked] == ["done"] * 8


def test_an_engine_that_stays_is_asked_once_who_it_is(stack, alice):
    """By each runner, and perhaps the keeper: it takes a real one several milliseconds."""
    before = stack.calls("GET /info")
    for _ in range(12):
        alice.do("remove", "-f", alice.create()["name"])
    assert stack.calls("GET /info") - before <= 5


def fault(stack, path, **how):
    stack.ask_engine("/standin/faults", "POST", {"method": "POST", "path": path, **how})


def test_what_an_engine_that_died_left_half_made_is_made_anew(stack, alice):
    made = stack.calls("POST /containers/create")
    fault(stack, "/containers/*/start", status=0)  # it dies over the start …
    fault(stack, "/containers/*/start", status=500)  # … and then cannot start that one
    container = alice.create()
    assert stack.containers() == [container["id"]] and len(stack.leases()) == 1
    # The second one finds its name taken, by the first one's.
    assert stack.calls("POST /containers/create") - made == 3


def test_what_an_engine_refuses_that_did_not_die_is_refused(stack, alice):
    made = stack.calls("POST /containers/create")
    fault(stack, "/containers/*/start", status=500)
    assert alice.json("create", "debian-ssh", status=1)["error"]["code"] == "engine_error"
    assert stack.containers() == [] and stack.leases() == {}
    assert stack.calls("POST /containers/create") - made == 1
