"""The store loses everything, or comes back old: nothing is given twice, and everything comes back."""

import json
import random
import shutil
import signal
import time

import pytest

import truth
from stack import eventually


def agree(stack, seconds=30):
    """Index, leases, records, engine and journal say the same within this time."""
    last = []

    def nothing_differs():
        last[:] = truth.differences(stack)
        return not last

    try:
        eventually(nothing_differs, seconds, "agreement")
    except AssertionError:
        raise AssertionError("\n".join(last)) from None


def new_generation(stack, before):
    with stack.redis() as store:
        known = store.hget("dcm:generation", "id")
        return known is not None and known != before


def generation(stack):
    with stack.redis() as store:
        return store.hget("dcm:generation", "id")


def flush(stack):
    with stack.redis() as store:
        store.flushall()


def check_answers(stack, answers):
    """Each final answer is what the engine has now, as far as no later request changed it."""
    containers = truth.engine_containers(stack)
    for answer in answers:
        assert answer["state"] == "done", answer
        container = answer["container"]
        if answer["op"] == "container.create":
            ports = {(protocol, port) for protocol, port, _ in truth.host_ports(containers[container["id"]])}
            assert ("tcp", container["ssh_port"]) in ports
        if answer["op"] == "container.stop":
            assert containers[container["id"]]["State"]["Status"] == "exited"
        if answer["op"] == "container.remove":
            assert container["id"] not in containers


def test_everything_is_lost_under_load(stack, alice, bob):
    """Creates, stops and removes are under way when the store is emptied, twice."""
    random.seed(4)
    kept = {user: [user.create()["name"] for _ in range(4)] for user in (alice, bob)}
    running = []
    for turn in range(24):
        user = (alice, bob)[turn % 2]
        if turn in (6, 15):
            flush(stack)
        if turn % 6 == 4 and kept[user]:
            running.append(user.popen("--json", "stop", kept[user].pop()))
        elif turn % 6 == 5 and kept[user]:
            running.append(user.popen("--json", "remove", "-f", kept[user].pop()))
        else:
            running.append(user.popen("--json", "create", "debian-ssh"))
        time.sleep(random.random() / 5)
    answers = []
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, (process.args, out, err)
        answers.append(json.loads(out))
    agree(stack)
    check_answers(stack, answers)


def test_what_has_stopped_keeps_its_port_and_its_end_when_everything_is_lost(stack, alice):
    container = alice.create("--ttl", "2h", "127.0.0.1:8080:80")
    alice.do("stop", container["name"])
    flush(stack)
    done = alice.submit("create", "debian-ssh", "127.0.0.1:8080:80")
    assert done.returncode == 1 and "8080/tcp is taken" in done.stderr
    agree(stack)
    assert [shown["expires"] for shown in alice.json("ps")["containers"]] == [container["expires"]]
    assert container["expires"]
    alice.do("start", container["name"])


def test_a_pending_create_finds_its_own_again(stack, alice):
    """Somewhere between reservation and result the store is emptied, and its runner starts anew."""
    creating = alice.popen("--json", "create", "debian-ssh", "--name", "web")
    eventually(stack.leases, 10, "a lease")
    flush(stack)
    out, err = creating.communicate(timeout=60)
    assert creating.returncode == 0, (out, err)
    agree(stack)
    assert alice.names() == ["web"]


def test_who_waits_for_a_request_waits_on_when_its_record_is_lost(stack, alice):
    request = alice.submit("-d", "create", "debian-ssh").stdout.strip()
    flush(stack)
    assert alice.json("wait", request)["state"] == "done"


def test_what_only_read_is_asked_again_when_its_result_is_lost(stack, alice):
    """Nothing but the store knew of it. Whoever asked has seen no result yet."""
    stack.worker.stop()
    ping = alice.popen("--json", "ping")
    with stack.redis() as store:
        key = eventually(lambda: next((key for key in store.scan_iter("dcm:user:alice:request:*")
                                       if store.hget(key, "state") == "queued"), None), 10, "its record")
    ping.send_signal(signal.SIGSTOP)
    try:
        stack.worker.start()
        with stack.redis() as store:
            eventually(lambda: store.hget(key, "state") == "done", 20, "its end")
            store.flushall()
    finally:
        ping.send_signal(signal.SIGCONT)
    out, err = ping.communicate(timeout=60)
    assert ping.returncode == 0 and json.loads(out)["request"] in key, (out, err)


def test_a_promised_cancellation_outlasts_the_loss(stack, alice):
    stack.worker.stop()
    try:
        create = alice.submit("-d", "create", "debian-ssh").stdout.strip()
        with stack.amqp() as connection:  # the cancellation first: what it cancels comes after the loss
            channel = connection.channel()
            _, properties, body = channel.basic_get("dcm.interactive", auto_ack=True)
    finally:
        stack.worker.start()
    assert alice.json("cancel", create)["state"] == "done"
    before = generation(stack)
    flush(stack)
    eventually(lambda: new_generation(stack, before), 20, "a new generation")
    with stack.amqp("gate") as connection:
        properties.user_id = "dcm-gate"
        connection.channel().basic_publish("dcm.requests", "interactive", body, properties)
    assert eventually(lambda: ended(alice, create), 20, "its end")["state"] == "cancelled"
    assert stack.containers() == []


def ended(user, request):
    done = user.submit("--json", "status", request)
    result = json.loads(done.stdout) if done.returncode == 0 else {"state": "queued"}
    return result if result["state"] not in ("queued", "running") else None


def folder(stack):
    return stack.service_state / "store" / "appendonlydir"


def make_changes(user):
    """What an older store does not know. What has to be there afterwards."""
    gone, stays, anew = (user.create("--name", name)["name"] for name in ("gone", "stays", "anew"))
    yield "before"
    user.do("remove", "-f", gone)
    user.do("stop", stays)
    user.do("recreate", anew, "8081:80")
    user.create("--name", "late", "8082:80")
    yield {"stays", "anew", "late"}


@pytest.mark.parametrize("old_data", [True, False], ids=["with old data", "without its data"])
def test_the_store_comes_back(stack, alice, old_data):
    changes = make_changes(alice)
    next(changes)
    time.sleep(1.2)  # appendfsync everysec
    copy = stack.state / "old.aof"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder(stack), copy)
    expected = next(changes)
    stack.service("stop", "store")
    shutil.rmtree(folder(stack))
    if old_data:
        shutil.copytree(copy, folder(stack))
    stack.service("start", "store")
    late = alice.json("create", "debian-ssh", "--name", "next")
    assert late["state"] == "done"
    agree(stack)
    assert set(alice.names()) == expected | {"next"}


def test_a_store_that_was_put_back_while_no_worker_ran_is_noticed(stack, alice):
    changes = make_changes(alice)
    next(changes)
    time.sleep(1.2)
    copy = stack.state / "old.aof"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder(stack), copy)
    expected = next(changes)
    stack.worker.stop()
    stack.service("stop", "store")
    shutil.rmtree(folder(stack))
    shutil.copytree(copy, folder(stack))
    stack.service("start", "store")
    stack.worker.start()
    agree(stack)
    assert set(alice.names()) == expected


def test_a_store_that_comes_back_as_it_was_is_the_same(stack, alice):
    container = alice.create()
    before = generation(stack)
    time.sleep(1.2)
    stack.service("stop", "store")
    stack.service("start", "store")
    alice.do("stop", container["name"])
    agree(stack)
    assert generation(stack) == before
