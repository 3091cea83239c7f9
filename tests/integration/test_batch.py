"""The batch class: behind whatever is interactive, a queue for each user, who are served in turn."""

import json
import subprocess

import pytest
from pika.exceptions import ChannelClosedByBroker

from messages import publish, record, request
from stack import eventually

# Journalled, and refused at once.
START = {"op": "container.start", "args": {"container": "nowhere"}}
COUNT = "SELECT count(*) FROM requests"


def enqueue(user, count, *options):
    """The ids of so many requests."""
    process = user.popen(*options, "enqueue", "-", stdin=subprocess.PIPE)
    out, err = process.communicate((json.dumps(START) + "\n") * count, timeout=120)
    assert (process.returncode, err) == (0, "")
    return out.split()


def ended(user, requests):
    return user.submit("wait", *requests, "--timeout", "60s").returncode == 4


def places(stack, requests):
    """When they were begun: each one's place among all."""
    order = [row[0] for row in stack.journal("SELECT id FROM requests ORDER BY rowid")]
    found = sorted(order.index(request) for request in requests)
    assert len(found) == len(requests)
    return found


def has_queue(stack, user):
    try:
        stack.queue_length(f"dcm.batch.{user}")
    except ChannelClosedByBroker:
        return False
    return True


def stray(stack, count):
    """So many of alice's, published to bob's queue."""
    strays = [{**request("container.start", "alice", container="nowhere"), "class": "batch"} for _ in range(count)]
    publish(stack, *strays, route="batch.bob")
    return strays


@pytest.fixture
def queues(stack):
    """alice and bob have their queues."""
    for user in (stack.alice, stack.bob):
        user.do("ping", "--batch")
        eventually(lambda user=user: has_queue(stack, user.name), 20, "the queue")
    return stack


def test_a_request_of_the_batch_class_is_one_like_any_other(stack, alice):
    made = alice.json("create", "debian-ssh", "--batch")
    assert made["state"] == "done" and len(stack.containers()) == 1
    assert has_queue(stack, "alice") and not has_queue(stack, "carol")


def test_users_are_served_in_turn_and_nobody_at_a_prompt_waits(queues, alice, bob):
    queues.worker.stop()
    try:
        many, few = enqueue(alice, 600, "--batch"), enqueue(bob, 10, "--batch")
        now = enqueue(alice, 5)
        assert [queues.queue_length(f"dcm.batch.{user.name}") for user in (alice, bob)] == [600, 10]
    finally:
        queues.worker.start()
    assert all(ended(user, requests) for user, requests in ((alice, many), (bob, few), (alice, now)))
    first, of_few = min(places(queues, many)), places(queues, few)
    # A few of each are fetched at a time, and runners overtake each other. A queue may be read from some moments
    # before the other, and once more when the store has been compared.
    assert of_few[-1] < first + 300
    assert max(places(queues, now)) < first + 60


def test_what_is_for_another_user_takes_nobodys_turn(queues, bob):
    """The broker lets every publisher write to everybody's batch queue; what is alice's goes to hers."""
    queues.worker.stop()
    try:
        strays = stray(queues, 300)
        few = enqueue(bob, 10, "--batch")
        assert queues.queue_length("dcm.batch.bob") == 310
    finally:
        queues.worker.start()
    assert ended(bob, few)
    assert all(eventually(lambda message=message: record(queues, message), 60) for message in strays)
    assert max(places(queues, few)) < min(places(queues, [strays[0]["id"]])) + 100


def test_what_is_under_way_when_the_store_goes_is_still_its_publishers(queues):
    """What a worker has sorted comes by the worker's account. Of a consumer that has been ended some still come."""
    queues.worker.stop()
    try:
        strays = stray(queues, 1000)
    finally:
        queues.worker.start()
    for _ in range(5):
        begun = queues.journal(COUNT)
        eventually(lambda begun=begun: queues.journal(COUNT) > begun, 30, "progress")
        queues.service("stop", "store")
        queues.service("start", "store")
    assert all(eventually(lambda message=message: record(queues, message), 60) for message in strays)
    assert "publisher=dcm-worker" not in queues.worker.log()


def test_what_comes_before_there_is_a_queue_is_sorted_into_it(stack, bob):
    stack.worker.stop()
    try:
        with stack.amqp() as connection:
            connection.channel().queue_delete("dcm.batch.bob")
        requests = enqueue(bob, 200, "--batch")
        assert stack.queue_length("dcm.unsorted") == 200
    finally:
        stack.worker.start()
    assert ended(bob, requests) and has_queue(stack, "bob")
    eventually(lambda: stack.queue_length("dcm.unsorted") == 0, 20, "an empty queue")


def test_a_queue_that_is_deleted_under_the_worker_is_made_again(queues, alice):
    with queues.amqp() as connection:
        connection.channel().queue_delete("dcm.batch.alice")
    eventually(lambda: "alice" not in {name.decode() if isinstance(name, bytes) else name
                                       for name in queues.redis().smembers("dcm:batches")}, 20, "it to be forgotten")
    alice.do("ping", "--batch")
    assert has_queue(queues, "alice")


def test_queues_are_served_by_a_worker_that_has_only_its_journal(queues, alice):
    queues.worker.stop()
    try:
        requests = enqueue(alice, 20, "--batch")
        queues.redis().delete("dcm:batches")
    finally:
        queues.worker.start()
    assert ended(alice, requests)


def test_who_may_not_speak_for_a_user_makes_no_queue_for_him(stack, alice):
    policy = stack.usual_policy()
    policy["publishers"]["dcm-admin"] = {"users": ["alice"]}
    stack.set_policy(policy, reload=True)
    config = stack.secret("batch.conf", f"broker = {stack.urls['AMQP_ADMIN_URL']}\n")
    lines = [{"user": user, "op": "ping"} for user in ("mallory", "alice")]
    done = subprocess.run([stack.program("dcm-submit"), "--config", config, "--as", "alice", "enqueue", "--batch", "-"],
                          input="".join(json.dumps(line) + "\n" for line in lines), capture_output=True, text=True,
                          timeout=60, check=False)
    refused, taken = done.stdout.split()
    assert done.returncode == 0
    eventually(lambda: stack.redis().hget(f"dcm:user:alice:request:{taken}", "state") == "done", what="alice's ping")
    eventually(lambda: stack.queue_length("dcm.unsorted") == 0, 20, "an empty queue")
    assert not has_queue(stack, "mallory")
    assert stack.redis().hget(f"dcm:user:mallory:request:{refused}", "state") is None


def test_a_user_who_is_removed_leaves_no_queue(stack, admin, carol):
    carol.do("ping", "--batch")
    assert has_queue(stack, "carol") and stack.redis().sismember("dcm:batches", "carol")
    admin.run("user", "remove", "carol", "--yes")
    assert not has_queue(stack, "carol") and not stack.redis().sismember("dcm:batches", "carol")
    eventually(lambda: stack.journal("SELECT count(*) FROM batches WHERE user = 'carol'") == [(0,)], 20, "the journal")
