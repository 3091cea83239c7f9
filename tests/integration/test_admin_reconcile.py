"""dcm-admin reconcile: what it would do, and doing it."""

import contextlib
import json
import os
import signal

import pytest

import truth


@contextlib.contextmanager
def no_keeper(stack):
    """Its keeper would be faster than we are."""
    [pid] = stack.worker.children("keeper")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture
def foreign(stack):
    """A container that DCM has not made, with labels copied from one that it has."""
    client, made = stack.docker(), []

    def make(container):
        labels = stack.inspect(container)["Config"]["Labels"]
        made.append(client.api.create_container("debian-ssh", "true", labels=labels, name="foreign")["Id"])
        return made[0]

    yield make
    for identity in made:
        client.api.remove_container(identity, force=True)
    client.close()


def kinds(found):
    return sorted(item["kind"] for item in found["differences"])


def break_everything(stack, alice, foreign):
    """One difference of most kinds. The foreign container's id."""
    gone, lost, stopped, stays = (alice.create("--name", name) for name in ("gone", "lost", "stopped", "stays"))
    with stack.redis() as store:
        client = stack.docker()
        client.api.remove_container(gone["id"], force=True)
        client.api.stop(stopped["id"])
        client.close()
        store.hdel("dcm:user:alice:containers", "lost")
        store.hset(f"dcm:server:{stack.server}:ports", "tcp/8777", json.dumps(
            {"127.0.0.1": {"user": "alice", "name": "never", "request": "r", "until": 0}}))
    assert lost["id"] in stack.containers()
    return foreign(stays)


def test_when_all_agrees_there_is_nothing_to_do(stack, admin, alice):
    alice.create()
    assert admin.run("reconcile") == {"applied": False, "differences": []}
    assert admin.run("reconcile", "--apply") == {"applied": True, "differences": []}
    assert "agree" in admin.tell("reconcile", form=()).stdout


def test_it_shows_what_it_would_do_and_then_does_it(stack, admin, alice, foreign):
    with no_keeper(stack):
        identity = break_everything(stack, alice, foreign)
        before = truth.differences(stack)
        found = admin.run("reconcile", status=1)
        # The lost container's lease is one without an entry as well.
        assert kinds(found) == ["gone", "lease", "lease", "lost", "state", "unverified"]
        assert all(item["remedy"] and "done" not in item for item in found["differences"])
        assert truth.differences(stack) == before and before
        words = admin.tell("reconcile", form=())
        assert words.returncode == 1 and len(words.stdout.splitlines()) == 7

        found = admin.run("reconcile", "--apply")
        assert kinds(found) == ["gone", "lease", "lease", "lost", "state", "unverified"]
        assert {item["kind"] for item in found["differences"] if not item.get("done")} == {"unverified"}
        assert [item["id"] for item in found["differences"] if item["kind"] == "unverified"] == [identity]
        agree(stack, identity)
    assert sorted(alice.names()) == ["lost", "stays", "stopped"]
    assert identity in stack.containers()


def agree(stack, foreign):
    differences = [line for line in truth.differences(stack) if "foreign" not in line and foreign not in line]
    # The foreign one shares neither ports nor an entry with anything of ours.
    assert differences == [], differences


def test_without_a_worker_it_puts_an_emptied_store_in_order(stack, admin, alice):
    names = [alice.create()["name"] for _ in range(2)]
    stack.worker.stop()
    try:
        with stack.redis() as store:
            store.flushall()
        assert kinds(admin.run("reconcile", status=1)) == ["store"]
        with stack.redis() as store:
            assert store.dbsize() == 0
        assert admin.run("reconcile", "--apply")["differences"] == []
        assert truth.differences(stack) == []
    finally:
        stack.worker.start()
    assert sorted(alice.names()) == sorted(names)


def test_beside_a_worker_the_keeper_does_that(stack, admin, alice):
    alice.create()
    with stack.redis() as store:
        store.flushall()
    assert admin.run("reconcile", "--apply")["differences"] == []
    assert truth.differences(stack) == []


@pytest.mark.parametrize("args", [["--apply"], ["--reconcile", "x"], ["--journal", "no-id"],
                                  ["--parked", "list"], ["--broker", "x"], ["--forget", "No!"]])
def test_what_makes_no_sense_is_told(stack, args):
    import subprocess
    done = subprocess.run([stack.program("dcm-worker"), "--config", stack.worker.config, *args],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and done.stderr
