"""What kills every runner is set aside with its history, and dcm-admin asks for it anew or ends it."""

import json
import signal
import sqlite3

import pytest

from admin import speaking_for_everybody
from kinds import is_not_saved, is_saved
from messages import publish
from stack import eventually


@pytest.fixture(scope="module")
def admin(whole_stack):
    with speaking_for_everybody(whole_stack) as made:
        yield made


def park(stack, alice, admin, point, *options, command=("create", "debian-ssh")):
    """A request that dies at this point of its way, however often it is tried. Its id, and what list shows."""
    stack.plan.kill_at(point, 0, 99)
    request = alice.submit("-d", *command, *options).stdout.strip()
    eventually(lambda: stack.queue_length("dcm.parked") == 1, 20, "a parked copy")
    stack.plan.drop()
    [listed] = admin.run("parked", "list")["parked"]
    assert listed["id"] == request
    return request, listed


def nothing_left(stack, alice):
    return stack.containers() == [] and alice.names() == [] and stack.leases() == {}


@pytest.mark.parametrize("point, options", [("bind", []), ("claim.before", []), ("bind", ["--batch"])],
                         ids=["begun", "never-begun", "batch"])
def test_it_is_parked_with_its_history_and_leaves_nothing_behind(stack, alice, admin, point, options):
    request, listed = park(stack, alice, admin, point, *options)
    assert (listed["user"], listed["op"], listed["server"]) == ("alice", "container.create", stack.server)
    assert listed["publisher"] == "dcm-gate" and listed["attempts"] == 3
    shown = admin.run("parked", "show", request)["parked"]
    assert json.loads(shown["body"])["id"] == request
    for attempt in shown["attempts"]:
        assert attempt["server"] == stack.server and "killed by signal 9" in attempt["end"]
        assert attempt["begun"] <= attempt["ended"]
    eventually(lambda: nothing_left(stack, alice), 10, "nothing left")
    assert alice.json("status", request)["state"] in ("queued", "running")

    done = admin.run("parked", "requeue", request)
    assert done == {"id": request, "requeued": True, "state": None, "error": None}
    result = alice.json("wait", request)
    assert result["state"] == "done" and [result["container"]["id"]] == stack.containers()
    assert admin.run("parked", "list") == {"parked": []}


@pytest.mark.parametrize("point, state", [("bind", "unknown"), ("claim.after", "failed")])
def test_what_is_dropped_ends_for_whoever_waits(stack, alice, admin, point, state):
    request, _ = park(stack, alice, admin, point)
    body = admin.run("parked", "show", request)["parked"]["body"]
    waiting = alice.popen("--json", "wait", request)
    words = admin.tell("parked", "drop", request, form=())
    assert words.returncode == 0 and f"ended as {state}" in words.stdout
    result = json.loads(waiting.communicate(timeout=20)[0])
    assert waiting.returncode == 1 and result["state"] == state and "administrator" in result["error"]["message"]
    assert nothing_left(stack, alice) and stack.unfinished() == []
    assert admin.tell("parked", "drop", request).returncode == 4
    publish(stack, body)  # a copy of the message that comes late
    alice.do("ping")
    eventually(lambda: stack.queue_length() == 0, 10, "an empty queue")
    assert alice.json("status", request) == result and nothing_left(stack, alice) and stack.unfinished() == []


@pytest.mark.parametrize("verb, point", [("requeue", "requeue.before"), ("requeue", "requeue.after"), ("drop", "drop.after")])
@pytest.mark.parametrize("way", ["bind", "claim.before"], ids=["begun", "never-begun"])
def test_who_is_killed_on_the_way_does_it_again_and_it_is_done_once(stack, alice, admin, verb, point, way):
    request, _ = park(stack, alice, admin, way)
    stack.plan.kill_at(point)
    assert admin.tell("parked", verb, request).returncode != 0
    assert stack.plan.is_spent()
    assert [item["id"] for item in admin.run("parked", "list")["parked"]] == [request]
    admin.run("parked", verb, request)
    result = alice.json("wait", request, status=None)
    assert (result["state"] == "done") == (verb == "requeue")
    assert len(stack.containers()) == len(alice.names()) == (verb == "requeue")
    eventually(lambda: stack.queue_length() == 0 and stack.unfinished() == [], 10, "an account of everything begun")
    assert admin.run("parked", "list") == {"parked": []}


def test_what_has_ended_meanwhile_is_not_asked_for_again(stack, alice, admin):
    request, _ = park(stack, alice, admin, "bind")
    with stack.amqp() as connection:  # a second copy, as of a link that died before it had settled
        channel = connection.channel()
        _, _, body = channel.basic_get("dcm.parked")
        channel.basic_publish("", "dcm.parked", body)
    assert len(admin.run("parked", "list")["parked"]) == 2
    stack.plan.kill_at("requeue.after")
    admin.tell("parked", "requeue", request)
    assert alice.json("wait", request)["state"] == "done"
    assert admin.run("parked", "requeue", request)["requeued"] is False
    assert admin.run("parked", "list") == {"parked": []} and len(stack.containers()) == 1


def test_what_is_parked_stays_so_over_a_restart(stack, alice, admin):
    request, _ = park(stack, alice, admin, "bind")
    eventually(lambda: stack.journal("SELECT 1 FROM requests WHERE parked IS NOT NULL"), 10, "its mark")
    stack.worker.stop()
    stack.worker.start()
    alice.do("ping")
    assert stack.queue_length("dcm.parked") == 1 and nothing_left(stack, alice)
    admin.run("parked", "requeue", request)
    assert alice.json("wait", request)["state"] == "done"


def room_for_images(stack):
    with stack.redis() as store:
        return store.hgetall("dcm:user:alice:images")


@pytest.mark.parametrize("verb, look", [("requeue", is_saved), ("drop", is_not_saved)])
def test_a_commit_that_is_set_aside_leaves_no_image_and_nothing_paused(stack, alice, admin, verb, look):
    container = alice.create()
    request, _ = park(stack, alice, admin, "result.before", command=("commit", container["name"], "saved"))
    eventually(lambda: stack.images() == [] and room_for_images(stack) == {}, 10, "nothing left")
    is_not_saved(stack, alice)
    # As an engine leaves it that died over a commit and has come back.
    stack.ask_engine(f"/containers/{container['id']}/pause", "POST")
    stack.worker.process.send_signal(signal.SIGHUP)
    eventually(lambda: stack.inspect(container)["State"]["Status"] == "running", 20, "that it goes on")
    eventually(lambda: alice.json("ps")["containers"][0]["state"] == "running", 10, "the index")
    admin.run("parked", verb, request)
    assert alice.json("wait", request, status=None)["state"] == {"requeue": "done", "drop": "unknown"}[verb]
    look(stack, alice)


def test_an_image_that_the_engine_makes_of_a_commit_after_its_end_goes(stack, alice):
    request = alice.json("commit", alice.create()["name"], "saved")["request"]
    with sqlite3.connect(stack.state / "worker" / "journal.db", timeout=10) as journal:
        journal.execute("UPDATE requests SET result = json_set(result, '$.state', 'failed') WHERE id = ?", (request,))
    with stack.redis() as store:
        store.delete("dcm:user:alice:images")
    stack.worker.process.send_signal(signal.SIGHUP)
    eventually(lambda: stack.images() == [], 20, "its removal")
    assert alice.json("images")["images"] == [i for i in alice.json("images")["images"] if i["owner"] is None]
