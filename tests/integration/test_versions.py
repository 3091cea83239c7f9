"""Programs of different versions: what an older one asks is done, and what a newer one asks is answered."""

from messages import new_id, publish, record, request
from stack import eventually


def answered(stack, message):
    publish(stack, message)
    return eventually(lambda: record(stack, message), what="an answer")


def test_a_request_of_this_version_is_done(stack):
    assert answered(stack, request())["state"] == "done"


def test_a_newer_request_is_told_to_upgrade_and_nothing_is_done(stack, alice):
    parked = stack.queue_length("dcm.parked")
    message = {**request("container.create", image="debian-ssh", colour="red"), "v": 2, "where": "there"}
    told = answered(stack, message)
    assert (told["state"], told["error"]["code"]) == ("failed", "unavailable")
    assert told["error"]["message"].startswith("upgrade this server: it knows requests of version 1, ")
    assert alice.submit("wait", message["id"]).returncode != 0
    assert stack.containers() == [] and stack.queue_length("dcm.parked") == parked


def test_a_newer_request_gains_nothing(stack, alice):
    """Not for users for whom its publisher may not speak, nor by an id that is in use."""
    done = {**request(), "id": new_id()}
    assert answered(stack, done)["state"] == "done"
    policy = stack.usual_policy()
    policy["publishers"]["dcm-gate"] = {"users": ["alice"]}
    stack.set_policy(policy, reload=True)
    try:
        foreign = {**request(user="bob"), "v": 2}
        publish(stack, foreign, {**done, "v": 2})
        assert answered(stack, {**request(), "v": 2})["error"]["code"] == "unavailable"
    finally:
        stack.set_policy(stack.usual_policy(), reload=True)
    assert record(stack, foreign) is None and record(stack, done)["state"] == "done"


def test_no_request_is_lost_while_the_gate_is_started_anew(stack, alice):
    before = [alice.popen("ping") for _ in range(4)]
    stack.gate.stop()
    stack.gate.start()
    asked = before + [alice.popen("ping") for _ in range(4)]
    ends = [(process.communicate(timeout=60)[1], process.returncode) for process in asked]
    assert [end for end in ends if end[1] != 0] == []
