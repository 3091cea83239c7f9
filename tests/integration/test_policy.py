"""Nothing is allowed but what is granted, and the worker believes the broker alone."""

import json
import time

import pika
import pytest

from messages import publish, request
from stack import eventually


def record(stack, user, body):
    return stack.redis().hgetall(f"dcm:user:{user}:request:{body['id']}")


def drained(stack):
    """A later ping has come through: whatever was published before it has been dealt with."""
    stack.alice.do("ping")
    eventually(lambda: stack.queue_length() == 0, 10, "an empty queue")
    time.sleep(0.3)


def test_a_validated_publisher_may_speak(whole_stack):
    body = request()
    publish(whole_stack, body)
    eventually(lambda: record(whole_stack, "alice", body).get("state") == "done", 10, "its record")


def test_without_user_id_nothing_happens(whole_stack):
    body = request()
    publish(whole_stack, body, user_id=None)
    drained(whole_stack)
    assert record(whole_stack, "alice", body) == {}
    assert "audit: refused" in whole_stack.worker.log()


def test_the_broker_refuses_a_forged_user_id(whole_stack):
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        publish(whole_stack, request(), user_id="dcm-worker")


def test_an_account_that_policy_does_not_list_is_refused(whole_stack):
    body = request()
    publish(whole_stack, body, who="admin", user_id="dcm-admin")
    drained(whole_stack)
    assert record(whole_stack, "alice", body) == {}


def test_a_publisher_speaks_only_for_its_users(stack):
    policy = stack.usual_policy()
    policy["publishers"]["dcm-admin"] = {"users": ["bob"]}
    stack.set_policy(policy, reload=True)
    try:
        hers, his = request(), request(user="bob")
        for body in (hers, his):
            publish(stack, body, who="admin", user_id="dcm-admin")
        eventually(lambda: record(stack, "bob", his).get("state") == "done", 10, "bob's record")
        drained(stack)
        assert record(stack, "alice", hers) == {}
    finally:
        stack.set_policy(stack.usual_policy(), reload=True)


@pytest.mark.parametrize("body", ["", "{", "[]", "\x00", "{}", json.dumps(request(op="container.explode")),
                                  json.dumps(request(surprise=1)), b"\xff\xfe", "x" * 200000],
                         ids=["empty", "cut", "array", "nul", "no-fields", "unknown-op", "unknown-arg", "not-utf8", "huge"])
def test_a_malformed_message_is_parked_and_harms_nobody(whole_stack, body):
    before = whole_stack.queue_length("dcm.parked")
    publish(whole_stack, body)
    eventually(lambda: whole_stack.queue_length("dcm.parked") == before + 1, 15, "a parked message")
    drained(whole_stack)


def test_nothing_listed_means_nothing_allowed(stack, alice):
    stack.set_policy({"v": 1, "publishers": {"dcm-gate": {"users": ["*"]}}}, reload=True)
    try:
        refused = alice.json("create", "debian-ssh", status=3)
        assert refused["state"] == "refused" and refused["error"]["code"] == "policy_denied"
        assert refused["error"]["rule"]
    finally:
        stack.set_policy(stack.usual_policy(), reload=True)
    assert stack.containers() == [] and stack.leases() == {}


def test_a_bad_policy_is_refused_with_its_place_and_the_old_one_stays(stack, alice):
    mark = len(stack.worker.log())
    stack.set_policy('{"v":1,\n "publishers": {"dcm-gate": {"users": ["*"]}},\n "defaults": {"contaners": 3}}', reload=True)
    try:
        eventually(lambda: "contaners" in stack.worker.log()[mark:], 10, "the fault's place")
        stack.set_policy('{"v":1,\n "users": }', reload=True)
        eventually(lambda: "2:" in stack.worker.log()[mark:], 10, "line and column")
        alice.create()
    finally:
        stack.set_policy(stack.usual_policy(), reload=True)


@pytest.mark.parametrize("grant, args, rule", [
    ({"containers": 2}, [], "containers"),
    ({"memory": {"usual": "64m", "each": "256m", "total": "128m"}}, [], "memory"),
    ({"cpus": {"usual": "0.5", "each": "1", "total": "1"}}, [], "cpus"),
    ({"pids": {"usual": 100, "each": 100, "total": 200}}, [], "pids"),
])
def test_the_third_container_is_over_the_total(stack, alice, grant, args, rule):
    policy = stack.usual_policy()
    policy["users"] = {"alice": grant}
    stack.set_policy(policy, reload=True)
    try:
        alice.create(*args)
        alice.create(*args)
        refused = alice.json("create", "debian-ssh", *args, status=3)
        assert refused["error"]["code"] == "quota_exceeded"
        assert rule in refused["error"]["rule"]
        assert len(stack.containers()) == 2 and len(stack.leases()) == 2
    finally:
        stack.set_policy(stack.usual_policy(), reload=True)


def test_ports_go_to_granted_addresses_and_to_no_others(stack, alice):
    policy = stack.usual_policy()
    policy["groups"]["testers"]["addresses"] = ["127.0.0.2"]
    stack.set_policy(policy, reload=True)
    try:
        assert alice.create("8080:80")["ports"][0]["address"] == "127.0.0.2"
        taken = alice.json("create", "debian-ssh", "8080:80", status=1)["error"]["message"]
        assert "127.0.0.2" in taken and "127.0.0.1" not in taken
        refused = alice.json("create", "debian-ssh", "--address", "127.0.0.1", "8081:80", status=3)
        assert refused["error"]["rule"] == "defaults.addresses"
        policy["groups"]["testers"]["addresses"] = []
        stack.set_policy(policy, reload=True)
        assert alice.json("create", "debian-ssh", "8081:80", status=3)["error"]["code"] == "policy_denied"
        alice.create()
        assert len(stack.containers()) == 2
    finally:
        stack.set_policy(stack.usual_policy(), reload=True)


def test_a_withdrawn_image_cannot_be_started_again(stack, alice):
    container = alice.create()
    alice.submit("stop", container["name"])
    policy = stack.usual_policy()
    policy["groups"]["testers"]["images"] = []
    stack.set_policy(policy, reload=True)
    try:
        assert alice.json("start", container["name"], status=3)["error"]["code"] == "policy_denied"
        assert not stack.inspect(container)["State"]["Running"]
    finally:
        stack.set_policy(stack.usual_policy(), reload=True)
