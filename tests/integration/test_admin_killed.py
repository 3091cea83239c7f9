"""dcm-admin killed by SIGKILL at each of its steps, and run again: it ends as if it had never been killed."""

import json
import re
import secrets
import signal
import subprocess

import pytest

from admin import NAME, getent
from stack import eventually


@pytest.fixture
def nobody(stack, admin):
    """No carol, before and after."""
    forget(admin)
    yield
    forget(admin)
    assert admin.trace(NAME) == {}


def forget(admin):
    admin.run("user", "remove", NAME, "--images", "--yes", status=None)


def state_of(stack, admin):
    """What there is of carol, without what differs from one carol to the next."""
    return {"account": getent("passwd", NAME).split(":")[4:], "group": NAME in getent("group", "dcm-users"),
            "closed": getent("shadow", NAME).split(":")[7:8], "policy": json.loads(stack.policy_path.read_text()),
            "files": sorted(str(path.relative_to(stack.state)) for top in (stack.keys, stack.storage)
                            for path in top.rglob("*") if "alice" not in path.parts and "bob" not in path.parts),
            "state": sorted(path.name for path in stack.state.iterdir() if "policy" in path.name),
            "keys": admin.run("user", "key", "list", NAME)["keys"] if getent("passwd", NAME) else None}


def test_user_add(stack, admin, nobody):
    admin.add()
    whole = state_of(stack, admin)

    def check():
        assert state_of(stack, admin) == whole

    steps = admin.killed_everywhere("user", "add", NAME, "--key", admin.key, "--group", "testers",
                                    before=lambda: forget(admin), after=check)
    assert steps >= 6


def test_user_remove(stack, admin, nobody, alice):
    hers = alice.create()
    archive = stack.state / "killed.tar"

    def make():
        archive.unlink(missing_ok=True)
        admin.add()
        user = admin.user()
        user.do("create", "debian-ssh", "--name", "web")

    def check():
        assert admin.trace(NAME) == {} and stack.containers() == [hers["id"]] and stack.networks() == ["dcm.alice"]
        assert f"{NAME}/home" in subprocess.check_output(["tar", "tf", archive], text=True)
        assert not archive.with_name("killed.tar.part").exists()

    steps = admin.killed_everywhere("user", "remove", NAME, "--yes", "--archive", archive, before=make, after=check)
    assert steps >= 12


def test_keys(stack, admin, carol):
    other = admin.make_key("other.key")
    first = admin.run("user", "key", "list", NAME)["keys"]
    both = admin.run("user", "key", "add", NAME, other)["keys"]

    def keys_are(expected):
        assert admin.run("user", "key", "list", NAME)["keys"] == expected

    admin.killed_everywhere("user", "key", "remove", NAME, other, after=lambda: keys_are(first),
                            before=lambda: admin.run("user", "key", "add", NAME, other))
    steps = admin.killed_everywhere("user", "key", "add", NAME, other, after=lambda: keys_are(both),
                                    before=lambda: admin.run("user", "key", "remove", NAME, other, status=None))
    assert steps >= 2


def test_policy_apply(stack, admin, alice):
    old = stack.secret("old.json", stack.policy_path.read_text())
    policy = json.loads(stack.policy_path.read_text())
    policy["groups"]["testers"]["ports"] = ["449"]
    new = stack.secret("new.json", json.dumps(policy))
    version = admin.run("policy", "check", new)["version"]
    listed = sorted(path.name for path in stack.state.iterdir())

    def check():
        with stack.redis() as store:
            eventually(lambda: store.hget(f"dcm:server:{stack.server}", "policy") == version, 10, "the new policy")
        assert json.loads(stack.policy_path.read_text()) == policy
        assert set(path.name for path in stack.state.iterdir()) <= {*listed, "die.log", "die.sh"}

    steps = admin.killed_everywhere("policy", "apply", new, after=check,
                                    before=lambda: admin.run("policy", "apply", old))
    assert steps >= 4
    admin.run("policy", "apply", old)


def keyring_is(stack, keyring, first, *others):
    """The file, and what the worker goes by: these keys. `first` may be any that was made."""
    lines = [line.split(":")[0] for line in keyring.read_text().splitlines()]
    assert first.fullmatch(lines[0]) and lines[1:] == list(others), lines
    assert keyring.stat().st_mode & 0o777 == 0o600
    assert stack.redis().hget(f"dcm:server:{stack.server}", "keyring") == " ".join(lines)


def put_keyring(stack, keyring, text, *ids):
    keyring.write_text(text)
    stack.worker.process.send_signal(signal.SIGHUP)
    eventually(lambda: stack.redis().hget(f"dcm:server:{stack.server}", "keyring") == " ".join(ids), 10, "the keyring")


def test_keyring_rotate(stack, admin, keyring):
    usual = keyring.read_text()
    steps = admin.killed_everywhere("keyring", "rotate", before=lambda: put_keyring(stack, keyring, usual, "k1"),
                                    after=lambda: keyring_is(stack, keyring, re.compile(r"\d{14}"), "k1"))
    assert steps >= 10


def test_keyring_retire(stack, admin, keyring):
    usual = keyring.read_text()
    both = f"{usual}stolen:{secrets.token_hex(32)}\n"
    steps = admin.killed_everywhere("keyring", "retire", "stolen", after=lambda: keyring_is(stack, keyring, re.compile("k1")),
                                    before=lambda: put_keyring(stack, keyring, both, "k1", "stolen"))
    assert steps >= 4


def test_a_policy_is_there_at_every_moment(stack, admin, alice):
    """Killed before it could tell the worker: the file is whole, the old or the new one."""
    old = stack.policy_path.read_text()
    policy = json.loads(old)
    policy["groups"]["testers"]["containers"] = 26
    new = stack.secret("new.json", json.dumps(policy))
    for at in range(20):
        stack.set_policy(old)
        done = admin.killed(at, "policy", "apply", new)
        assert json.loads(stack.policy_path.read_text()) in (json.loads(old), policy)
        if done.returncode == 0:
            break
    assert at >= 4
    stack.set_policy(old, reload=True)
