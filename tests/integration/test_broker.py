"""RabbitMQ, as it goes away, comes back, loses a queue, and is short of memory."""

import contextlib
import pathlib
import re
import subprocess
import sys

import pytest

from messages import publish
from stack import eventually

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "faults"))

from checker.proxy import Proxy  # noqa: E402

NOT_SUBMITTED, UNCONFIRMED = 6, 7
NOBODY = 9  # a port of loopback on which nothing listens (RFC 863)


def control(stack, *args):
    return subprocess.check_output([stack.urls["RABBITMQCTL"], "--quiet", *args], text=True)


def answers(alice):
    return alice.submit("ping").returncode == 0


@contextlib.contextmanager
def endpoints(stack, *ports):
    """Gate and worker know the broker by these ports, in this order."""
    kept = {daemon: daemon.config.read_text() for daemon in (stack.gate, stack.worker)}
    try:
        for daemon, text in kept.items():
            [url] = re.findall(r"^broker = (.*)$", text, re.M)
            urls = " ".join(re.sub(r":\d+/", f":{port}/", url) for port in ports)
            daemon.stop()
            daemon.config.write_text(text.replace(url, urls))
            daemon.start()
        yield
    finally:
        for daemon, text in kept.items():
            daemon.stop()
            daemon.config.write_text(text)
            daemon.start()
        eventually(lambda: answers(stack.alice), 30, "a ping by the one broker")


def test_of_several_endpoints_the_first_that_answers_is_used(stack, alice):
    real = int(re.search(r":(\d+)/", stack.urls["AMQP_GATE_URL"])[1])
    proxy = Proxy(real)
    try:
        with endpoints(stack, NOBODY, proxy.port, real):
            eventually(lambda: answers(alice), 30, "a ping by the second")
            assert proxy.pairs
            first = alice.create()
            proxy.refuse()
            eventually(lambda: answers(alice), 30, "a ping by the third")
            assert not proxy.pairs
            # Nothing was lost, and nothing done twice.
            assert sorted([first["id"], alice.create()["id"]]) == sorted(stack.containers())
    finally:
        proxy.close()


def test_a_queue_that_is_deleted_is_made_again(stack, alice):
    """basic.cancel: the consumer ends with its queue."""
    with stack.amqp() as connection:
        connection.channel().queue_delete("dcm.interactive")
    eventually(lambda: answers(alice), 30, "a ping by the new queue")
    assert stack.queue_length() == 0


def test_what_no_queue_takes_was_not_asked(stack, alice):
    """basic.return: mandatory, and no queue."""
    stack.worker.stop()
    try:
        with stack.amqp() as connection:
            channel = connection.channel()
            for queue in ("dcm.interactive", "dcm.unsorted"):
                channel.queue_delete(queue)
        done = alice.submit("create", "debian-ssh")
    finally:
        stack.worker.start()
    assert done.returncode == NOT_SUBMITTED and "no queue" in done.stderr and len(done.stderr.splitlines()) == 1
    eventually(lambda: answers(alice), 30, "a ping by the new queues")
    assert stack.containers() == []


def test_a_parked_queue_that_is_deleted_is_made_again(stack):
    with stack.amqp() as connection:
        connection.channel().queue_delete("dcm.parked")
    publish(stack, "{")
    eventually(lambda: "dcm.parked\t1" in control(stack, "list_queues", "-p", "dcm", "name", "messages"), 30, "its copy")
    with stack.amqp() as connection:
        connection.channel().queue_purge("dcm.parked")


@pytest.fixture
def alarm(stack):
    """The broker is short of memory, and says so (connection.blocked)."""
    [before] = re.findall(r'"?vm_memory_high_watermark"?[,: ]+([0-9.]+)', control(stack, "environment")) or ["0.2"]

    def sound():
        control(stack, "set_vm_memory_high_watermark", "0.00001")

    def still():
        control(stack, "set_vm_memory_high_watermark", before)

    yield sound, still
    still()


def test_a_broker_short_of_memory_keeps_nobody_waiting_and_nothing_from_being_done(stack, alice, alarm):
    sound, still = alarm
    stack.worker.stop()
    asked = alice.submit("-d", "create", "debian-ssh").stdout.strip()
    publish(stack, "{")
    sound()
    # What no worker can read is to be parked, and cannot be; that holds up nothing.
    stack.worker.start()
    assert alice.json("wait", asked, "--timeout", "60s")["state"] == "done"
    eventually(lambda: stack.queue_length() == 0, 10, "its acknowledgement")
    told = [alice.submit("ping", "--timeout", "20s") for _ in range(3)]
    still()
    for done in told:
        assert done.returncode in (NOT_SUBMITTED, UNCONFIRMED) and len(done.stderr.splitlines()) == 1, done
    assert "short of memory" in told[-1].stderr, told
    eventually(lambda: answers(alice), 30, "a ping after the alarm")
    # The first try, of which the broker said nothing, comes through as well.
    eventually(lambda: stack.queue_length("dcm.parked") >= 1, 30, "the parked copy")
    with stack.amqp() as connection:
        connection.channel().queue_purge("dcm.parked")
