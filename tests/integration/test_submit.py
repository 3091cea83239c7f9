"""What scripts rely on: ids, JSON, exit statuses, both ways to the broker."""

import json
import os
import re
import uuid

from stack import eventually

ID = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def test_ping_goes_the_whole_way(whole_stack):
    result = whole_stack.alice.json("ping")
    assert (result["op"], result["state"], result["user"], result["server"]) == ("ping", "done", "alice", "lab1")
    assert re.fullmatch(ID, result["request"])


def test_a_detached_request_is_found_again(stack, alice):
    done = alice.submit("--detach", "create", "debian-ssh")
    assert done.returncode == 0
    request = done.stdout.strip()
    assert re.fullmatch(ID, request)
    waited = alice.json("wait", request)
    assert waited["request"] == request and waited["state"] == "done"
    assert alice.json("status", request[-12:])["request"] == request
    assert alice.json("status")["request"] == request
    assert request in [job["request"] for job in alice.json("jobs")["jobs"]]


def test_the_same_id_again_has_no_second_effect(stack, alice):
    first = alice.json("create", "debian-ssh")
    again = alice.json("--id", first["request"], "create", "debian-ssh")
    assert again["container"]["id"] == first["container"]["id"]
    assert len(stack.containers()) == 1


def test_the_same_id_with_another_body_is_refused(stack, alice):
    first = alice.json("create", "debian-ssh")
    alice.submit("--id", first["request"], "create", "debian-ssh", "--name", "other", "--timeout", "5s")
    assert len(stack.containers()) == 1
    assert alice.names() == [first["container"]["name"]]


def test_ps_and_show_read_the_index(stack, alice, bob):
    container = alice.create("--name", "web", "8080:80")
    (listed,) = alice.json("ps")["containers"]
    assert (listed["name"], listed["state"], listed["id"]) == ("web", "running", container["id"])
    assert listed["ports"] == container["ports"]
    assert alice.submit("-q", "ps").stdout.split() == [container["id"]]
    table = alice.submit("ls").stdout
    assert "web" in table and str(container["ssh_port"]) in table and "debian-ssh" in table
    assert alice.json("show", "web")["container"]["id"] == container["id"]
    assert bob.json("ps") == {"containers": []}


def test_quiet_prints_ids_only(stack, alice):
    done = alice.submit("-q", "create", "debian-ssh")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.split() == stack.containers()


def test_following_ends_with_the_timeout_and_the_request_goes_on(stack, alice):
    stack.worker.stop()
    try:
        done = alice.submit("create", "debian-ssh", "--timeout", "1s")
        assert done.returncode == 5
        request = re.search(ID, done.stderr)[0]
        assert alice.json("status", request)["state"] == "queued"
    finally:
        stack.worker.start()
    assert alice.json("wait", request)["state"] == "done"


def test_an_interrupted_follower_says_how_to_find_the_request(stack, alice):
    stack.worker.stop()
    try:
        process = alice.popen("create", "debian-ssh")
        eventually(lambda: stack.queue_length() == 1, 10, "the request in the queue")
        process.terminate()
        _, err = process.communicate(timeout=10)
        assert process.returncode == 5
        request = re.search(ID, err)[0]
    finally:
        stack.worker.start()
    assert alice.json("wait", request)["state"] == "done"


def test_a_request_past_its_deadline_expires(stack, alice):
    stack.worker.stop()
    try:
        request = alice.submit("-d", "--deadline", "1s", "create", "debian-ssh").stdout.strip()
        import time
        time.sleep(1.5)
    finally:
        stack.worker.start()
    assert alice.json("wait", request, status=1)["state"] == "expired"
    assert stack.containers() == []


def test_one_user_cannot_see_anothers_request(stack, alice, bob):
    request = alice.json("ping")["request"]
    assert bob.submit("status", request).returncode == 4
    assert request not in bob.submit("--json", "jobs").stdout


def test_directly_with_own_credentials(stack, alice):
    config = stack.state / "submit.conf"
    config.write_text(f"broker = {stack.urls['AMQP_GATE_URL']}\nstore = {stack.urls['REDIS_GATE_URL']}\n")
    config.chmod(0o600)
    os.chown(config, alice.uid, alice.uid)
    result = alice.json("--config", config, "create", "debian-ssh")
    assert result["state"] == "done" and result["user"] == "alice"
    assert result["container"]["id"] in stack.containers()
    assert alice.names() == [result["container"]["name"]]


def test_detach_needs_no_store(stack, alice):
    config = stack.state / "broker-only.conf"
    config.write_text(f"broker = {stack.urls['AMQP_GATE_URL']}\n")
    config.chmod(0o600)
    os.chown(config, alice.uid, alice.uid)
    request = alice.submit("--config", config, "-d", "ping").stdout.strip()
    assert alice.json("wait", request)["state"] == "done"


def test_a_terminal_sees_progress(stack, alice):
    import pexpect
    child = pexpect.spawn("setpriv", [f"--reuid={alice.uid}", f"--regid={alice.uid}", "--clear-groups",
                                      str(stack.program("dcm-submit")), "create", "debian-ssh"],
                          env={"DCM_GATE": str(stack.gate_socket), "PATH": os.environ["PATH"], "TERM": "xterm"},
                          encoding="utf-8", timeout=60)
    seen = child.read()
    child.close()
    assert child.exitstatus == 0
    places = [seen.find(phase) for phase in ("queued", "creating", "done")]
    assert -1 not in places and places == sorted(places), seen


def test_the_table_of_commands_is_one(whole_stack):
    listed = whole_stack.alice.submit("list").stdout
    for command in ("create", "ps", "show", "start", "stop", "restart", "pause", "unpause", "remove", "logs", "ping",
                    "status", "wait", "jobs"):
        assert command in listed
        whole_stack.alice.do("help", command)
    assert listed.rstrip().endswith("your containers: ps")


def test_results_validate_against_the_schema(stack, alice):
    import jsonschema
    schema = json.loads((__import__("stack").ROOT / "schemas" / "result.schema.json").read_text())
    for args, status in ((["create", "debian-ssh"], 0), (["stop", "nosuch"], 4), (["ping"], 0),
                         (["create", "debian-ssh", "443"], 3)):
        jsonschema.Draft202012Validator(schema).validate(alice.json(*args, status=status))
    assert uuid.UUID(alice.json("ping")["request"]).version == 7
