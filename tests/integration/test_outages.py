"""What breaks, comes back, and loses nothing."""

import os
import signal
import subprocess
import time

import truth
from stack import eventually


def test_an_unreachable_broker_means_exit_6_and_nothing_asked(stack, alice):
    stack.service("stop", "broker")
    try:
        began = time.monotonic()
        done = alice.submit("create", "debian-ssh")
        took = time.monotonic() - began
        eventually(lambda: stack.metrics()["dcm_broker_up"] == 0, what="the outage in the metrics")
    finally:
        stack.service("start", "broker")
    assert done.returncode == 6 and len(done.stderr.strip().splitlines()) == 1
    assert took < 5
    eventually(lambda: alice.submit("ping").returncode == 0, 60, "a ping after the broker's return")
    assert stack.containers() == [] and stack.queue_length() == 0


def test_a_missing_gate_means_exit_6(stack, alice):
    stack.gate.stop()
    try:
        done = alice.submit("ping")
    finally:
        stack.gate.start()
    assert done.returncode == 6 and "gate" in done.stderr
    eventually(lambda: alice.submit("ping").returncode == 0, 20, "a ping")


def test_without_a_worker_requests_stay_queued(stack, alice):
    stack.worker.stop()
    try:
        request = alice.submit("-d", "create", "debian-ssh").stdout.strip()
        time.sleep(1)
        assert alice.json("status", request)["state"] == "queued"
        assert stack.queue_length() == 1 and stack.containers() == []
    finally:
        stack.worker.start()
    assert alice.json("wait", request)["state"] == "done"
    assert len(stack.containers()) == 1


def outage(stack, alice, which):
    stack.service("stop", which)
    requests = []
    try:
        for _ in range(4):
            requests.append(alice.popen("-d", "create", "debian-ssh"))
            time.sleep(0.5)
        time.sleep(18)
        assert stack.metrics()[f"dcm_{which}_up"] == 0
    finally:
        stack.service("start", which)
    return [process.communicate(timeout=60)[0].strip() for process in requests]


def check_outcome(stack, alice, requests):
    results = [eventually(lambda r=request: finished(alice, r), 90, "the end of a create") for request in requests]
    assert [result["state"] for result in results] == ["done"] * 4
    assert sorted(r["container"]["id"] for r in results) == sorted(stack.containers())
    assert len(stack.leases()) == 4


def finished(alice, request):
    done = alice.submit("--json", "status", request)
    if done.returncode != 0:
        return None
    import json
    result = json.loads(done.stdout)
    return result if result["state"] not in ("queued", "running") else None


def test_requests_outlast_an_engine_that_is_away_for_20_seconds(stack, alice):
    check_outcome(stack, alice, outage(stack, alice, "engine"))


def test_requests_outlast_a_store_that_is_away_for_20_seconds(stack, alice):
    check_outcome(stack, alice, outage(stack, alice, "store"))


def test_a_dockerd_that_is_killed_among_20_creates_costs_none(stack, alice):
    requests = [alice.submit("-d", "create", "debian-ssh").stdout.strip() for _ in range(20)]
    eventually(lambda: len(stack.containers()) >= 6, 60, "some containers")
    pid = int((stack.service_state / "run" / "engine.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    time.sleep(1)
    assert [alice.json("status", request)["state"] for request in requests].count("done") < 20
    stack.service("start", "engine")
    results = [alice.json("wait", request, status=None) for request in requests]
    assert [result for result in results if result["state"] != "done"] == []
    assert sorted(result["container"]["id"] for result in results) == sorted(stack.containers())
    assert len(stack.leases()) == 20
    # An engine that comes back starts its containers again; the index follows.
    eventually(lambda: truth.differences(stack) == [], 90, "agreement of engine, index and journal")


def test_the_worker_finishes_what_is_under_way_and_leaves_the_rest(stack, alice):
    requests = [alice.submit("-d", "create", "debian-ssh").stdout.strip() for _ in range(12)]
    stack.worker.stop()
    ended = [alice.json("status", request)["state"] for request in requests]
    done = ended.count("done")
    assert set(ended) <= {"done", "queued"}, ended
    assert len(stack.containers()) == done and stack.queue_length() == 12 - done
    stack.worker.start()
    for request in requests:
        assert alice.json("wait", request)["state"] == "done"
    assert len(stack.containers()) == 12


def test_a_killed_runner_costs_no_request(stack, alice):
    requests = [alice.submit("-d", "create", "debian-ssh").stdout.strip() for _ in range(8)]
    for name in ("runner-1", "runner-2", "runner-3", "runner-4", "link", "keeper"):
        for pid in stack.worker.children(name):
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.3)
    for request in requests:
        assert alice.json("wait", request)["state"] == "done"
    assert len(stack.containers()) == 8 and len(stack.leases()) == 8


def test_a_killed_worker_goes_on_from_its_journal(stack, alice):
    requests = [alice.submit("-d", "create", "debian-ssh").stdout.strip() for _ in range(6)]
    time.sleep(0.7)
    stack.worker.stop(signal.SIGKILL)
    time.sleep(1)
    stack.worker.start()
    for request in requests:
        assert alice.json("wait", request)["state"] == "done"
    assert len(stack.containers()) == 6 and len(stack.leases()) == 6


def test_a_second_worker_stands_by(stack, alice):
    import subprocess
    second = subprocess.Popen([stack.program("dcm-worker"), "--config", stack.worker.config],
                              stderr=subprocess.PIPE, text=True)
    try:
        assert "standing by" in second.stderr.readline()
        alice.do("ping")
    finally:
        second.kill()
        second.wait()


def test_a_runner_that_stands_still_leaves_the_rest_to_the_others(stack, alice):
    """What it has in hand waits for it, and what others have done is acknowledged meanwhile, so that more comes."""
    still = stack.worker.children("runner-1")[0]
    os.kill(still, signal.SIGSTOP)
    try:
        process = alice.popen("enqueue", "-", stdin=subprocess.PIPE)
        out, err = process.communicate('{"op":"ping"}\n' * 600, timeout=120)
        assert (process.returncode, err) == (0, "")
        asked = out.split()

        def undone():
            with stack.redis() as store:
                return sum(store.hget(f"dcm:user:alice:request:{one}", "state") != "done" for one in asked)

        eventually(lambda: undone() <= 32, 30, "all but what one runner holds")
    finally:
        os.kill(still, signal.SIGCONT)
    alice.do("wait", *asked, "--timeout", "60s")
