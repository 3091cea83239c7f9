"""dcm-admin policy: a policy counts when the command is done, or nothing has changed."""

import json
import os
import signal
import subprocess

import pytest

FAULTS = [
    ('{"v":1,"groups":{"testers":{"memory":{"each":1}}}}', "groups.testers.memory.each"),
    ('{"v":1,"users":{"../x":{}}}', "users"),
    ('{"v":1,"suspended":["*"]}', "suspended[0]"),
    ('{"v":2}', "v: must be 1"),
    ('{"v":1,', "1:"),
    ("", "1:"),
]


@pytest.mark.parametrize("text, place", FAULTS, ids=[fault[1] for fault in FAULTS])
def test_a_faulty_policy_changes_nothing_and_names_the_place(stack, admin, text, place):
    before, listed = stack.policy_path.read_bytes(), sorted(os.listdir(stack.state))
    bad = stack.secret("bad.json", text)
    for verb in ("apply", "check"):
        done = admin.tell("policy", verb, bad)
        assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1
        assert f"{bad}: " in done.stderr and place in done.stderr
    bad.unlink()
    assert stack.policy_path.read_bytes() == before and sorted(os.listdir(stack.state)) == listed


def changed(stack, **grants):
    policy = json.loads(stack.policy_path.read_text())
    policy["groups"]["testers"].update(grants)
    return stack.secret("next.json", json.dumps(policy, indent=1))


def test_a_policy_counts_as_soon_as_it_is_applied(stack, admin, alice):
    """With no pause between the two, time after time: dcm-admin waits for the worker's word."""
    for port in (444, 445, 446, 447):
        assert alice.submit("create", "debian-ssh", str(port)).returncode == 3
        applied = admin.run("policy", "apply", changed(stack, ports=[str(port)]))
        name = alice.create(str(port))["name"]
        assert applied == {"policy": str(stack.state / "next.json"), "applied": True, "version": reported(stack)}
        alice.do("remove", "-f", name)


def reported(stack):
    with stack.redis() as store:
        return store.hget(f"dcm:server:{stack.server}", "policy")


def test_check_tells_the_version_that_would_be_reported(stack, admin):
    path = changed(stack, containers=29)
    checked = admin.run("policy", "check", path)
    assert checked["version"] != reported(stack)
    assert admin.run("policy", "apply", path)["version"] == checked["version"] == reported(stack)


def test_a_worker_that_does_not_take_it_is_no_success(stack, admin):
    """Stopped, it cannot: the wait ends, and says what to look at."""
    for pid in stack.worker.children("keeper"):
        os.kill(pid, signal.SIGSTOP)
    try:
        # The policy is in place, and the runners have it; only the report is missing.
        said = admin.run("policy", "apply", changed(stack, containers=28), status=1,
                         config=admin.configure("hasty.conf", patience=1))
        assert "does not report the new policy" in said
    finally:
        for pid in stack.worker.children("keeper"):
            os.kill(pid, signal.SIGCONT)


def test_without_a_worker_the_policy_waits_for_its_start(stack, admin, alice):
    stack.worker.stop()
    try:
        done = admin.tell("policy", "apply", changed(stack, ports=["448"]))
        assert done.returncode == 0 and "no dcm-worker runs here" in done.stderr
    finally:
        stack.worker.start()
    assert alice.create("448")["ports"][0]["host"] == 448


def test_a_stale_pid_file_is_not_believed(stack, admin):
    """It names a process that is none of ours, which must not get the signal."""
    other = subprocess.Popen(["sleep", "60"])
    try:
        pid_file = stack.state / "stale.pid"
        pid_file.write_text(f"{other.pid} 1 x\n")
        config = admin.configure("stale.conf", worker_pid=pid_file)
        done = admin.tell("policy", "apply", changed(stack, containers=27), config=config)
        assert done.returncode == 0 and "no dcm-worker runs here" in done.stderr
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
