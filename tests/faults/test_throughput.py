"""Messages that no worker can make anything of do not slow the rest."""

import json
import time

import pytest

from messages import new_id, publish, request
from stack import eventually

COUNT = 400  # of each kind, in each phase
FINAL = ("done", "failed")


def load():
    """Reads, and requests that go through journal and store: their cancellation is of what has not come yet."""
    for _ in range(COUNT):
        yield request()
        yield request("job.cancel", "bob", request=new_id())


def ended(store, asked):
    """How many of them have a result."""
    pipeline = store.pipeline()
    for one in asked:
        pipeline.hget(f"dcm:user:{one['user']}:request:{one['id']}", "state")
    return sum(state in FINAL for state in pipeline.execute())


def throughput(stack, strange=()):
    """Requests of the load a second; `strange`: bodies that are spread among them."""
    asked = list(load())
    bodies = [json.dumps(one).encode() for one in asked]
    for number, body in enumerate(strange, 1):
        bodies.insert(number * len(bodies) // (len(strange) + 1), body)
    stack.worker.stop()
    publish(stack, *bodies)
    with stack.redis() as store:
        began = time.monotonic()
        stack.worker.start()
        eventually(lambda: ended(store, asked) > 0, 30, "a result")
        first, began = ended(store, asked), time.monotonic()
        eventually(lambda: ended(store, asked) == len(asked), 120, "all results")
        return (len(asked) - first) / (time.monotonic() - began)


@pytest.fixture
def deadly(stack):
    """A request that kills whatever runner takes it up: nothing else passes this point."""
    stack.plan.kill_at("consider", 0, 99)
    body = request("policy.explain")
    body["args"] = {"op": "container.create", "args": {"image": "debian-ssh"}}
    return json.dumps(body).encode()


def test_the_rest_goes_on_as_fast_beside_malformed_oversized_and_deadly_messages(stack, deadly, capsys):
    stack.empty_parked()
    strange = [b"{", b"x" * 200000, deadly]
    before, during, after = throughput(stack), throughput(stack, strange), throughput(stack)
    eventually(lambda: stack.queue_length("dcm.parked") == len(strange), 60, "the parked copies")
    with capsys.disabled():
        print(f"\nrequests a second: {before:.0f} before, {during:.0f} during, {after:.0f} after "
              f"a malformed, an oversized and a runner-crashing message")
    assert stack.empty_parked() == len(strange) and stack.queue_length() == 0
    # Side by side, and by far: a busy machine alone halves it from one phase to the next.
    assert during >= 0.3 * min(before, after)
