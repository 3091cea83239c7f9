"""What users might try against each other, and against the host."""

import collections
import json
import subprocess
import time

from messages import publish, record, request
from stack import eventually

NOT_FOUND, REFUSED = 4, 3


def test_a_followed_log_that_is_asked_for_again_and_again_stops_nobody(stack, alice, bob):
    alice.create("--name", "loud")
    follow = request("container.logs", "alice", container="loud", follow=True)
    stack.redis().set(f"dcm:user:alice:follower:{follow['id']}", "1", ex=60)
    publish(stack, follow)
    time.sleep(1)
    publish(stack, *[follow] * 8)
    done = bob.submit("ping", "--timeout", "10s")
    assert done.returncode == 0, done.stderr
    alice.do("stop", "loud")
    assert eventually(lambda: record(stack, follow), what="the log's end")["state"] == "done"


def test_who_follows_many_logs_leaves_others_theirs(stack, alice, bob):
    for user in (alice, bob):
        user.create("--name", "loud")
    follows = [request("container.logs", "alice", container="loud", follow=True) for _ in range(100)]
    with stack.redis() as store:
        for follow in follows:
            store.set(f"dcm:user:alice:follower:{follow['id']}", "1", ex=60)
    publish(stack, *follows)
    refused = eventually(lambda: len(found := [end for follow in follows if (end := record(stack, follow))]) >= 84 and found,
                         what="refusals")
    assert {result["error"]["code"] for result in refused} == {"quota_exceeded"}
    reader = bob.popen("logs", "--follow", "loud")
    bob.do("stop", "loud")
    assert reader.wait(20) == 0, reader.stderr.read()
    alice.do("stop", "loud")
    assert [eventually(lambda follow=follow: record(stack, follow), what="the log's end") for follow in follows]


def test_who_asks_all_day_is_told_to_wait_and_others_are_not(stack, alice, bob):
    usual = stack.gate.config.read_text()
    stack.secret("gate.conf", f"{usual}requests_per_day = 12\n")
    stack.gate.stop()
    stack.gate.start()
    try:
        eventually(lambda: bob.submit("ping").returncode == 0, what="the gate")
        process = alice.popen("--json", "enqueue", "-", stdin=subprocess.PIPE)
        out, _ = process.communicate('{"op":"ping"}\n' * 20, timeout=60)
        told = [json.loads(line) for line in out.splitlines()]
        asked = [one["request"] for one in told if one.get("state") == "queued"]
        assert len(asked) == 12 and {one["error"]["code"] for one in told if "error" in one} == {"quota_exceeded"}
        refused = alice.submit("ping")
        assert refused.returncode == REFUSED and "you have asked for 12 requests within a day" in refused.stderr
        # What was asked for is done, and can be looked at.
        alice.do("wait", *asked, "--timeout", "60s")
        alice.do("ps")
        bob.do("ping")
    finally:
        stack.secret("gate.conf", usual)
        stack.gate.stop()
        stack.gate.start()
        eventually(lambda: alice.submit("ping").returncode == 0, what="the gate as it was")


def test_containers_of_others_are_not_there(stack, alice, bob):
    container = alice.create("--name", "mine")
    for reference in ("mine", container["ssh_port"]):
        for command in (["stop"], ["remove", "-f"], ["logs"], ["show"]):
            assert bob.submit(*command, reference).returncode == NOT_FOUND
    assert alice.names() == ["mine"]


def test_twenty_creates_at_once_keep_to_the_quota(stack, alice):
    policy = stack.usual_policy()
    policy["groups"]["testers"]["containers"] = 3
    stack.set_policy(policy, reload=True)
    try:
        creates = [alice.popen("create", "debian-ssh") for _ in range(20)]
        ends = collections.Counter(create.wait(120) for create in creates)
    finally:
        stack.set_policy(stack.usual_policy(), reload=True)
    assert ends == {0: 3, REFUSED: 17}
    assert len(stack.containers()) == len(stack.leases()) == 3


def test_requests_for_system_accounts_are_refused(stack):
    creates = [request("container.create", user, image="debian-ssh") for user in ("root", "daemon", "nobody-there")]
    publish(stack, *creates)
    for create in creates:
        result = eventually(lambda message=create: record(stack, message), what=f"the end for {create['user']}")
        assert result["state"] == "refused" and result["error"]["code"] == "policy_denied"
    assert stack.containers() == [] and sorted(path.name for path in stack.storage.iterdir()) in ([], ["alice"], ["alice", "bob"])
