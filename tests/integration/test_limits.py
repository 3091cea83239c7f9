"""limits: what a user may do and has used, told by each server's keeper and read without a request."""

import datetime
import json
import time

import jsonschema
import pytest

from stack import ROOT, VETTED, eventually

GRANT = jsonschema.Draft202012Validator(json.loads((ROOT / "schemas" / "grant.schema.json").read_text()))


def limits(user):
    """By what, part and item: the grant. Each is checked against its schema."""
    told = user.json("limits")["limits"]
    found = {}
    for grant in told["grants"]:
        assert grant.pop("server") == user.stack.server
        GRANT.validate(grant)
        found[tuple(grant[key] for key in ("what", "part", "item") if key in grant)] = grant
    assert len(found) == len(told["grants"])
    return found


def most(user, *what):
    return limits(user).get(what, {}).get("most")


@pytest.fixture
def policy(stack):
    """The usual policy, to be changed; afterwards it is as it was."""
    yield stack.usual_policy()
    stack.set_policy(stack.usual_policy(), reload=True)


def test_what_is_granted_and_used(stack, alice, bob, policy):
    stack.set_policy(policy, reload=True)
    eventually(lambda: most(alice, "images_kept") == 0, 10, "the usual policy's limits")
    alice.create("8080:80")
    alice.create("--memory", "128m", "--cpus", "0.5", "--pids", "100")
    told = limits(alice)
    assert told[("containers",)] == {"what": "containers", "most": 30, "used": 2,
                                     "rule": "groups.testers.containers"}
    assert [told[("memory", "total")][key] for key in ("used", "most")] == [(64 + 128) << 20, 4 << 30]
    assert [told[("millicpus", "total")][key] for key in ("used", "most")] == [750, 16000]
    assert [told[("pids", "total")][key] for key in ("used", "most")] == [228, 8192]
    assert told[("memory", "each")]["most"] == 256 << 20 and told[("memory", "usual")]["most"] == 64 << 20
    assert told[("life",)]["most"] is None and told[("images_kept",)] == {
        "what": "images_kept", "most": 0, "used": 0, "rule": "defaults.images_kept"}
    assert {key[1] for key in told if key[0] == "ports"} == set(VETTED["ports"])
    assert ("images", "debian-ssh") in told and ("addresses", "*") in told
    assert limits(bob)[("containers",)]["used"] == 0
    shown = alice.submit("limits").stdout
    assert "groups.testers.memory " in shown and "80, 8000-8999, 53/udp" in shown


def test_an_extra_grant_is_told_with_its_end_and_no_longer(stack, alice, bob, policy):
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=6)
    policy["users"] = {"alice": {"extra": [{"until": end.isoformat(timespec="milliseconds"), "reason": "a demonstration",
                                            "containers": 50, "env": ["TZ"]}]}}
    stack.set_policy(policy, reload=True)
    eventually(lambda: most(alice, "containers") == 50, 5, "the extra grant")
    told = limits(alice)
    assert told[("env", "TZ")]["rule"] == "users.alice.extra.0.env"
    assert told[("containers",)]["until"] == told[("env", "TZ")]["until"] == end.strftime("%Y-%m-%dT%H:%M:%S.") + \
        f"{end.microsecond // 1000:03}Z"
    assert most(bob, "containers") == 30
    # The keeper compares every minute: this must not wait for that.
    eventually(lambda: most(alice, "containers") == 30, 20, "the end of the grant")
    assert time.time() >= end.timestamp() and ("env", "TZ") not in limits(alice)


def test_who_is_named_nowhere_reads_what_everybody_may(stack, alice, policy):
    del policy["groups"]
    policy["defaults"] = {"containers": 7, "images": ["debian-ssh"]}
    stack.set_policy(policy, reload=True)
    eventually(lambda: most(alice, "containers") == 7, 10, "the defaults")
    assert limits(alice)[("containers",)]["rule"] == "defaults.containers"
    with stack.redis() as store:
        assert store.hgetall("dcm:user:alice:limits") == {} and store.hgetall("dcm:user:*:limits")


def test_who_is_suspended_reads_that(stack, alice, bob, policy):
    policy["suspended"] = ["alice"]
    stack.set_policy(policy, reload=True)
    eventually(lambda: alice.json("limits")["limits"]["suspended"] == [stack.server], 10, "alice's suspension")
    assert "You are suspended on lab1" in alice.submit("limits").stdout
    assert bob.json("limits")["limits"]["suspended"] == []


def test_a_store_that_lost_it_gets_it_again(stack, alice):
    with stack.redis() as store:
        store.delete("dcm:user:alice:limits", "dcm:user:*:limits", f"dcm:server:{stack.server}:granted")
    # Perhaps it was just about to look, and has put them back already.
    alice.do("limits")
    stack.set_policy(stack.usual_policy(), reload=True)
    eventually(lambda: most(alice, "containers") == 30, 10, "alice's limits")
