"""A server that has claimed a request dies, or is slow, and another gets a copy: one of them does it, once."""

import json
import os
import signal
import subprocess

import pytest

from checker.stacks import TwoServers
from plan import planned
from stack import eventually

OWN_STACKS = True  # for tests/lib/shares.py
FORGED, WAITED_FOR = 200, 32  # of those that are in hand, with four runners


@pytest.fixture
def servers():
    with planned() as plan:
        stack = TwoServers()
        stack.plan = plan
        yield stack
        plan.drop()
        stack.down()


def made(site):
    client = site.docker()
    try:
        return [container.name for container in client.containers.list(all=True)]
    finally:
        client.close()


def claimed_by_the_first(stack, point):
    """Of a request of alice's, which the first server has claimed and whose runner stands still. Once the first one's
    connection breaks, the other server gets a copy. → who waits for the result"""
    stack.other_worker.stop()
    stack.plan.stall_at(point)
    asker = stack.alice.popen("--json", "create", "debian-ssh", "--name", "web")
    eventually(stack.plan.sleeper, 20, f"a sleeper at {point}")
    stack.other_worker.start()
    return asker


def asked(stack):
    with stack.redis() as store:
        return store.smembers(f"dcm:server:{stack.server}:asked")


def test_what_a_server_had_only_claimed_when_it_died_is_done_by_another(servers):
    """It comes back and knows nothing of it: asked, it lets go."""
    asker = claimed_by_the_first(servers, "claim.after")
    servers.worker.stop(signal.SIGKILL)
    eventually(lambda: asked(servers), 20, "a question")
    first, other = servers.sites
    assert not made(first) and not made(other)
    servers.worker.start()
    assert asker.wait(60) == 0
    assert not made(first) and made(other) == ["dcm.alice.web"]
    assert not first.journal() and len(other.journal()) == 1


@pytest.mark.parametrize("point", ["claim.after", "journal.after"])
def test_what_a_server_is_at_it_does_itself(servers, point):
    """Its runner sleeps, before the journal has it or after. Another has the copy, asks, and waits for the end."""
    asker = claimed_by_the_first(servers, point)
    link, = servers.worker.children("link")
    os.kill(link, signal.SIGSTOP)
    try:
        servers.proxies["broker"].cut()
        eventually(lambda: asked(servers), 20, "a question")
        eventually(lambda: not asked(servers), 20, "an answer")
    finally:
        os.kill(link, signal.SIGCONT)
        servers.plan.drop()
    assert asker.wait(60) == 0
    first, other = servers.sites
    assert made(first) == ["dcm.alice.web"] and not made(other)
    assert len(first.journal()) == 1 and not other.journal()
    servers.other_worker.stop()
    servers.worker.stop()
    assert servers.queue_length() == 0


def test_claims_that_somebody_forged_keep_no_others_waiting(servers):
    """Whoever publishes may write to the records of his users, also that another server has them."""
    servers.other_worker.stop()
    servers.worker.stop()
    wish = json.dumps({"op": "container.create", "args": {"image": "debian-ssh"}})
    done = servers.alice.popen("enqueue", "-", stdin=subprocess.PIPE).communicate((wish + "\n") * FORGED, timeout=60)
    with servers.redis() as store:
        for request in done[0].split():
            store.hset(f"dcm:user:alice:request:{request}", mapping={"state": "running", "server": servers.other})
    servers.worker.start()
    assert servers.bob.submit("ping", timeout=30).returncode == 0
    eventually(lambda: servers.worker.log().count("a copy is dropped") == FORGED - WAITED_FOR, 20, "what is too much")
    assert not made(servers.sites[0])
