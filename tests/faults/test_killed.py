"""A process dies once, at every point of a request's way: one effect, one result, nothing left."""

import pytest

from kinds import CASES, KINDS, check_nothing_leaked, insist, is_alone, is_told
from stack import eventually


@pytest.mark.parametrize("name, point, turn", CASES)
def test_a_death_there_costs_nothing(stack, alice, name, point, turn):
    kind = KINDS[name]
    args = kind.ready(alice)
    before = stack.calls(kind.once)
    stack.plan.kill_at(point, turn)
    result = insist(alice, *args)
    eventually(stack.plan.is_spent, 5, f"a death at {point}")
    check_nothing_leaked(stack)
    kind.effect(stack, alice)
    assert is_told(result) and alice.json("status", result["request"]) == result
    assert not kind.once or stack.calls(kind.once) - before == 1


@pytest.mark.parametrize("point, copies", [("park.before", 1), ("park.after", 2)])
def test_what_nobody_can_read_is_parked_before_it_is_settled(stack, point, copies):
    stack.plan.kill_at(point)
    with stack.amqp("gate") as connection:
        connection.channel().basic_publish("dcm.requests", "interactive", b"no request")
    eventually(stack.plan.is_spent, 10, f"a death at {point}")
    eventually(lambda: stack.queue_length("dcm.parked") == copies, 20, "the parked copies")
    assert stack.empty_parked() == copies


@pytest.mark.parametrize("point", ["sort.before", "sort.after"])
def test_what_is_sorted_into_a_batch_queue_has_one_effect(stack, alice, point):
    with stack.amqp() as connection:
        connection.channel().queue_delete("dcm.batch.alice")
    stack.plan.kill_at(point)
    result = insist(alice, "create", "debian-ssh", "--batch")
    eventually(stack.plan.is_spent, 5, f"a death at {point}")
    for queue in ("dcm.unsorted", "dcm.batch.alice"):
        eventually(lambda queue=queue: stack.queue_length(queue) == 0, 10, "an empty queue")
    check_nothing_leaked(stack)
    is_alone("running")(stack, alice)
    assert result["state"] == "done"


def test_at_the_end_the_broker_holds_nothing(stack, alice):
    """What a worker that leaves has not settled goes back into the queue."""
    stack.worker.stop()
    try:
        assert stack.queue_length() == 0
    finally:
        stack.worker.start()
    eventually(lambda: alice.submit("ping").returncode == 0, 20, "a ping")
