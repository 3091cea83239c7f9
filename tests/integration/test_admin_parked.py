"""dcm-admin parked, of messages that nobody can read. (What kills runners: tests/faults/test_parked.py.)"""

import subprocess

import pika
import pytest

from messages import new_id, publish
from stack import eventually

UNKNOWN = "01ffffff-0000-7000-8000-000000000001"


def purge(stack):
    with stack.amqp() as connection:
        connection.channel().queue_purge("dcm.parked")


@pytest.fixture
def parked(stack, admin):
    """Two messages: one that would write to a terminal, one too large. What list shows of them."""
    purge(stack)
    bodies = ['{"v":1,"id":"\u009b2J\u202e"}', "x" * 200000]
    for count, body in enumerate(bodies, 1):
        publish(stack, body.encode())
        eventually(lambda count=count: stack.queue_length("dcm.parked") == count, 15, "a parked message")
    yield admin.run("parked", "list")["parked"]
    purge(stack)


def test_what_nobody_can_read_is_listed_shown_and_dropped(stack, admin, parked):
    odd, large = parked
    assert (odd["user"], odd["op"], odd["publisher"], odd["attempts"]) == (None, None, "dcm-gate", 0)
    assert large["bytes"] == 200000 and admin.run("parked", "show", large["id"])["parked"]["body"] is None
    for words in (admin.tell("parked", "list", form=()), admin.tell("parked", "show", odd["id"], form=())):
        assert words.returncode == 0 and odd["id"] in words.stdout
        assert all(c.isprintable() or c == "\n" for c in words.stdout)
    refused = admin.tell("parked", "requeue", odd["id"])
    assert refused.returncode == 1 and "only be dropped" in refused.stderr and len(refused.stderr.splitlines()) == 1
    assert stack.queue_length("dcm.parked") == 2
    assert admin.run("parked", "drop", odd["id"]) == {"id": odd["id"], "dropped": True, "state": None, "error": None}
    assert "nobody waits" in admin.tell("parked", "drop", large["id"], form=()).stdout
    assert admin.run("parked", "list") == {"parked": []}


def test_a_full_queue_of_them_holds_up_nobody(stack, admin, parked, alice):
    """Whoever fills it with what is no request has that thrown away; what was there stays."""
    rabbitmqctl = [stack.urls["RABBITMQCTL"], "--quiet"]
    subprocess.run([*rabbitmqctl, "set_policy", "-p", "dcm", "full", r"^dcm\.parked$", '{"max-length":2}',
                    "--apply-to", "queues"], check=True)
    try:
        with stack.amqp("gate") as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            for _ in range(200):
                channel.basic_publish("dcm.requests", "interactive", b"{", pika.BasicProperties(user_id="dcm-gate"))
        alice.do("ping", "--timeout", "20s")
        eventually(lambda: stack.queue_length() == 0, 20, "an empty queue")
    finally:
        subprocess.run([*rabbitmqctl, "clear_policy", "-p", "dcm", "full"], check=True)
    assert {item["id"] for item in parked} <= {item["id"] for item in admin.run("parked", "list")["parked"]}
    assert "the parked queue is full" in stack.worker.log()


def test_an_id_that_is_not_there_is_one_line_and_4(admin, parked):
    for verb in ("show", "requeue", "drop"):
        for wrong, status in ((UNKNOWN, 4), ("x", 2), (new_id(), 4)):
            done = admin.tell("parked", verb, wrong)
            assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (status, "", 1), done
    assert len(admin.run("parked", "list")["parked"]) == 2


def test_who_cannot_ask_for_everybody_requeues_nothing(stack, admin):
    """A message that a publisher may not send for this user does not pass as the administrator's."""
    body = ('{"v":1,"id":"%s","at":"2026-01-01T00:00:00.000Z","server":"%s","publisher":"nobody","reason":"r","bytes":1,'
            '"attempts":[],"body":"{\\"v\\":1,\\"id\\":\\"%s\\",\\"op\\":\\"ping\\",\\"user\\":\\"alice\\",'
            '\\"submitted\\":\\"2026-01-01T00:00:00.000Z\\"}"}')
    identity = new_id()
    purge(stack)
    with stack.amqp() as connection:
        connection.channel().basic_publish("", "dcm.parked", body % (identity, stack.server, identity))
    eventually(lambda: stack.queue_length("dcm.parked") == 1, 10, "it to come")
    refused = admin.tell("parked", "requeue", identity)
    assert refused.returncode == 1 and "nobody" in refused.stderr, refused
    assert admin.run("parked", "drop", identity)["state"] == "failed"
