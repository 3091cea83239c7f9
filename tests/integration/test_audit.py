"""The worker's audit log: who asked what through whom, which rules decided, what was done."""

import json
import subprocess

import jsonschema
import pytest

from messages import publish, request
from stack import ROOT, eventually

SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "schemas" / "audit.schema.json").read_text()))


def lines(stack):
    text = stack.audit.read_text() if stack.audit.exists() else ""
    assert text.isascii() and (not text or text.endswith("\n"))
    found = [json.loads(line) for line in text.splitlines()]
    for line in found:
        SCHEMA.validate(line)
    return found


def line_of(stack, identifier):
    def find():
        return [line for line in lines(stack) if line.get("request") == identifier]
    found = eventually(find, what="the line")
    assert len(found) == 1
    return found[0]


def test_a_request_is_told_with_its_publisher_its_rules_and_what_was_done(stack, alice):
    done = alice.json("create", "debian-ssh", "--name", "web", "8080:80")
    line = line_of(stack, done["request"])
    assert (line["op"], line["user"], line["publisher"], line["state"]) == ("container.create", "alice", "dcm-gate", "done")
    assert line["container"] == {"name": "web", "id": done["container"]["id"]}
    assert {"groups.testers.images", "groups.testers.ports", "groups.testers.memory.each"} <= set(line["rules"])
    assert line["args"]["image"] == "debian-ssh" and line["server"] == stack.server
    assert stack.audit.stat().st_mode & 0o777 == 0o600 and stack.audit.stat().st_uid == 0
    # The engine's start and stop are asked for by nobody but those who are told here.
    stopped = alice.json("stop", "web")
    assert line_of(stack, stopped["request"])["container"]["name"] == "web"


def test_a_refusal_names_the_rule(stack, alice):
    refused = alice.json("create", "debian-ssh", "443", status=3)
    line = line_of(stack, refused["request"])
    assert line["state"] == "refused" and line["error"]["rule"] == refused["error"]["rule"] != ""
    assert "groups.testers.images" in line["rules"]  # … and what had been allowed by then


def test_values_of_variables_are_nobody_elses_business(stack, alice):
    policy = stack.usual_policy()
    policy["groups"]["testers"]["env"] = ["TOKEN"]
    stack.set_policy(policy, reload=True)
    try:
        done = alice.json("create", "debian-ssh", "--env", "TOKEN=hush-hush")
        explained = alice.json("explain", "create", "debian-ssh", "--env", "TOKEN=hush-hush")
    finally:
        stack.set_policy(stack.usual_policy(), reload=True)
    assert line_of(stack, done["request"])["args"]["env"] == ["TOKEN"]
    assert line_of(stack, explained["request"])["args"]["args"]["env"] == ["TOKEN"]
    assert "hush" not in stack.audit.read_text()


def test_what_is_nobodys_request_is_told_too(stack):
    other = request("ping", "alice")
    publish(stack, other, '{"v":1,"id":"x\\n{\\"v\\":1}"}', who="admin", user_id="dcm-admin")
    line = line_of(stack, other["id"])
    assert (line["publisher"], line["state"], line["error"]["rule"]) == ("dcm-admin", "refused", "publishers")
    eventually(lambda: [line for line in lines(stack) if line["event"] == "message" and line["publisher"] == "dcm-admin"],
               what="the line of the message")


def test_no_text_of_a_user_makes_a_line(stack, alice):
    forged = '\n{"v":1,"event":"request","user":"bob"}\n\x1b[2J\u2028'
    commit = request("image.commit", "alice", container="nothing", name="mine", message=forged)
    publish(stack, commit)
    line = line_of(stack, commit["id"])
    assert line["args"]["message"] == forged or line["error"]["code"] == "invalid"
    assert not [line for line in lines(stack) if line.get("user") == "bob" and "request" not in line]


@pytest.fixture
def small_disk(stack):
    """A file system of 16 KiB for the folder. It is there before the worker, in whose sandbox no mount appears later."""
    folder = stack.audit.parent
    stack.worker.stop()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k,mode=755", "tmpfs", folder], check=True)
    stack.worker.start()
    yield folder
    stack.worker.stop()
    subprocess.run(["umount", folder], check=True)
    stack.worker.start()


def test_a_full_disk_stops_nobody_and_is_said(stack, alice, small_disk):
    first = alice.json("ping")
    line_of(stack, first["request"])
    filler = small_disk / "filler"
    subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=1k"], check=False, capture_output=True)
    before = stack.audit.read_text()
    pings = [alice.json("ping")["request"] for _ in range(32)]  # the file's last page has room for some
    missing = [ping for ping in pings if ping not in stack.audit.read_text()]
    assert missing and stack.audit.read_text().startswith(before)
    for identifier in missing:
        said = [line for line in stack.worker.log().splitlines() if f"request={identifier}" in line and "level=error" in line]
        assert said and "No space left" in said[0] and "dcm-gate" in said[0]
    lines(stack)  # all of them whole
    filler.unlink()
    line_of(stack, alice.json("ping")["request"])


def test_a_file_that_was_renamed_is_followed_by_another(stack, alice):
    old = stack.audit.rename(stack.audit.with_suffix(".1"))
    ping = alice.json("ping")["request"]
    assert line_of(stack, ping) and ping not in old.read_text()
    assert stack.audit.stat().st_mode & 0o777 == 0o600


def test_a_file_that_others_may_read_is_refused_at_the_start(stack):
    config = stack.secret("other.conf", stack.worker.config.read_text().replace(str(stack.audit), str(stack.state / "policy.json")))
    done = subprocess.run([stack.program("dcm-worker"), "--config", config], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1 and "chmod 600" in done.stderr
