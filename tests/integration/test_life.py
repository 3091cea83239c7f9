"""A container's end: it stops, can be given more time, and is removed when nobody does."""

import json
import os
import signal
import sqlite3
import time
from datetime import datetime

import pytest

from stack import eventually, on_host

KEPT = 6  # seconds that an expired container stays here


def when(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()


def life(container):
    """Seconds from its creation to its end."""
    return when(container["expires"]) - when(container["created"])


def show(user, name):
    return user.json("show", name)["container"]


def is_stopped(stack, user, container):
    return show(user, container["name"])["state"] == "stopped" and not stack.inspect(container)["State"]["Running"]


@pytest.fixture
def limited(stack):
    """A policy in which containers live for an hour."""
    policy = stack.usual_policy()
    policy["groups"]["testers"]["life"] = "1h"
    stack.set_policy(policy, reload=True)
    yield
    stack.set_policy(stack.usual_policy(), reload=True)


def test_at_its_end_a_container_stops_and_goes_on_only_once_it_has_more_time(stack, alice):
    web = alice.create("--name", "web", "--ttl", "4s", "8080:80")
    assert life(web) == 4
    eventually(lambda: is_stopped(stack, alice, web), 20, "the stop")
    assert alice.submit("ps").stdout.splitlines()[1].split()[-1] == "expired"
    assert sorted(stack.leases()) == sorted([f"tcp/{web['ssh_port']}", "tcp/8080"])
    assert "expired: extend it first" in alice.submit("explain", "start", "web").stdout
    for command in ("start", "restart", "recreate"):
        refused = alice.json(command, "web", status=3)
        assert refused["state"] == "refused" and "expired: extend it first" in refused["error"]["message"]
    client = stack.docker()
    client.api.start(web["id"])  # by hand, or by the engine itself after it was restarted
    client.close()
    eventually(lambda: is_stopped(stack, alice, web), 20, "the second stop")
    assert "audit: expired: user=alice container=web: stopped" in stack.worker.log()

    before = time.time()
    extended = alice.json("extend", "web", "2h")["container"]
    assert before + 7200 - 1 < when(extended["expires"]) < time.time() + 7200 + 1
    assert extended == show(alice, "web")
    assert alice.json("start", "web")["container"]["state"] == "running"
    assert alice.submit("ps").stdout.splitlines()[1].split()[-1] == "1h"
    assert alice.ssh(web, "id -un") == "alice"


def test_an_extension_counts_from_now_and_once_for_each_id(stack, alice):
    alice.create("--name", "web", "--ttl", "1h")
    first = alice.json("extend", "web", "3h")
    again = alice.json("extend", "web", "3h", "--id", first["request"])
    assert again == first and show(alice, "web") == first["container"]
    shorter = alice.json("extend", "web", "2h", status=2)
    assert shorter["error"]["code"] == "invalid" and "never shortened" in shorter["error"]["message"]
    assert show(alice, "web") == first["container"]
    assert alice.submit("extend", "web", "4h").stdout.startswith("Container web extended to 20")


def test_without_an_end_there_is_nothing_to_extend(stack, alice, bob):
    free = alice.create("--name", "free")
    assert free["expires"] is None and alice.submit("ps").stdout.splitlines()[1].split()[-1] == "-"
    refused = alice.json("extend", "free", "1h", status=1)
    assert refused["error"]["code"] == "conflict" and "has no end" in refused["error"]["message"]
    assert show(alice, "free") == free
    assert bob.submit("extend", "free", "1h").returncode == 4
    assert "has no end" in alice.submit("explain", "extend", "free", "1h").stdout


def test_policy_sets_the_end_and_bounds_it(stack, alice, limited):
    web = alice.create("--name", "web")
    assert life(web) == 3600
    assert life(alice.create("--ttl", "30m")) == 1800
    for command in (["create", "debian-ssh", "--ttl", "2h"], ["extend", "web", "2h"]):
        refused = alice.json(*command, status=3)["error"]
        assert refused["code"] == "policy_denied" and refused["rule"] == "groups.testers.life"
        told = alice.submit("explain", *command).stdout
        assert "groups.testers.life" in told and "would be refused" in told
    assert len(stack.containers()) == 2 and show(alice, "web") == web
    assert "groups.testers.life" in alice.submit("explain", "extend", "web", "1h").stdout
    assert when(alice.json("extend", "web", "1h")["container"]["expires"]) > when(web["expires"])


def test_a_shorter_life_in_the_policy_shortens_nobodys(stack, alice, limited):
    web = alice.create("--name", "web")
    policy = stack.usual_policy()
    policy["groups"]["testers"]["life"] = "1m"
    stack.set_policy(policy, reload=True)
    assert alice.json("restart", "web")["container"] == web


def test_the_end_outlives_a_recreate_and_a_restart_of_the_worker(stack, alice):
    web = alice.create("--name", "web", "--ttl", "8h", "8080:80")
    after = alice.json("recreate", "web", "8081:80")["container"]
    assert after["id"] != web["id"] and after["expires"] == web["expires"]
    stack.worker.stop(signal.SIGKILL)
    stack.worker.start()
    assert show(alice, "web") == after
    extended = alice.json("extend", "web", "9h")["container"]
    assert {**extended, "expires": web["expires"]} == after


def journalled_end(stack, container):
    with sqlite3.connect(stack.state / "worker" / "journal.db") as journal:
        found = journal.execute("SELECT ends FROM lives WHERE container = ?", [container["id"]]).fetchone()
        return found and found[0] / 1000


def test_journal_and_index_tell_each_other_an_end_that_one_of_them_has_lost(stack, alice):
    web = alice.create("--name", "web", "--ttl", "8h")
    index, key = stack.redis(), "dcm:user:alice:containers"
    entry = json.loads(index.hget(key, "web"))
    index.hset(key, "web", json.dumps({**entry, "container": {**web, "expires": None}}))
    stack.worker.process.send_signal(signal.SIGHUP)  # the keeper compares at once
    eventually(lambda: show(alice, "web") == web, 20, "the end in the index")
    with sqlite3.connect(stack.state / "worker" / "journal.db") as journal:
        journal.execute("DELETE FROM lives")
    stack.worker.process.send_signal(signal.SIGHUP)
    eventually(lambda: journalled_end(stack, web) == when(web["expires"]), 20, "the end in the journal")
    assert show(alice, "web") == web


@pytest.fixture
def impatient(stack):
    """A worker that keeps expired containers for some seconds only."""
    usual = stack.worker.config.read_text()
    stack.worker.stop()
    stack.worker.config.write_text(f"{usual}expired_kept = {KEPT}s\n")
    stack.worker.start()
    yield
    stack.worker.stop()
    stack.worker.config.write_text(usual)
    stack.worker.start()


def test_what_nobody_extends_is_removed_with_its_leases_and_storage_stays(stack, alice, impatient):
    web = alice.create("--name", "web", "--ttl", "3s", "8080:80")
    kept = alice.create("--name", "kept", "--ttl", "6s")
    alice.do("pause", "kept")
    note = stack.storage / "alice" / "root" / "note"
    note.write_text("kept")
    os.chown(note, *on_host(0))
    eventually(lambda: is_stopped(stack, alice, kept), 20, "the stop")
    alice.do("extend", "kept", "1h")
    eventually(lambda: alice.names() == ["kept"], 30, "the removal")
    assert time.time() >= when(web["expires"]) + KEPT
    eventually(lambda: stack.containers() == [kept["id"]], 10, "the engine without it")
    assert list(stack.leases()) == [f"tcp/{kept['ssh_port']}"] and note.read_text() == "kept"
    assert "audit: expired: user=alice container=web: removed" in stack.worker.log()
    assert json.loads(alice.submit("--json", "start", "kept").stdout)["state"] == "done"
