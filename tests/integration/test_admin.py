"""dcm-admin: what an administrator does leaves exactly the state that it says."""

import json
import os
import subprocess

import pytest

from stack import User, eventually

NAME = "carol"


class Admin:
    def __init__(self, stack):
        self.stack = stack
        self.config = stack.secret("admin.conf", f"""
keys = {stack.keys}
storage = {stack.storage}
policy = {stack.policy_path}
broker = {stack.urls['AMQP_ADMIN_URL']}
store = {stack.urls['REDIS_ADMIN_URL']}
""")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stack.state / "carol.key"], check=True)
        self.key = stack.state / "carol.key.pub"

    def run(self, *args, status=0):
        done = subprocess.run([self.stack.program("dcm-admin"), "--config", self.config, "--json", *map(str, args)],
                              capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == status, (args, done)
        return json.loads(done.stdout) if done.stdout else done.stderr

    def add(self):
        return self.run("user", "add", NAME, "--key", self.key, "--group", "testers")["user"]

    def user(self):
        """Carol, with the key that was given to user add."""
        user = User.__new__(User)
        user.stack, user.name, user.home = self.stack, NAME, self.stack.state
        user.uid = int(subprocess.check_output(["id", "-u", NAME]))
        user.key = self.stack.state / "carol.key"
        return user


@pytest.fixture(scope="module")
def admin(whole_stack):
    policy = whole_stack.usual_policy()
    policy["publishers"]["dcm-admin"] = {"users": ["*"]}
    whole_stack.set_policy(policy, reload=True)
    yield Admin(whole_stack)
    whole_stack.set_policy(whole_stack.usual_policy(), reload=True)


@pytest.fixture
def carol(stack, admin):
    admin.add()
    user = admin.user()
    eventually(lambda: user.submit("ping").returncode == 0, 10, "carol's ping")
    yield user
    admin.run("user", "remove", NAME, "--yes")


def test_a_user_who_was_added_creates_and_signs_in(carol):
    assert carol.ssh(carol.create(), "id -un") == NAME


def test_adding_twice_is_adding_once(admin, carol):
    assert admin.add() == admin.add()


def test_nothing_of_a_removed_user_is_left(stack, admin, carol, alice):
    hers = alice.create()
    carol.create()
    planned = admin.run("user", "remove", NAME)
    assert not planned["removed"] and len(planned["containers"]) == 1 and len(carol.names()) == 1
    archive = stack.state / "carol.tar"
    admin.run("user", "remove", NAME, "--yes", "--archive", archive)
    assert stack.containers() == [hers["id"]] and stack.networks() == ["dcm.alice"]
    assert not (stack.keys / NAME).exists() and not list(stack.storage.glob(f"*{NAME}*"))
    assert subprocess.run(["getent", "passwd", NAME], check=False, stdout=subprocess.DEVNULL).returncode == 2
    assert stack.redis().keys(f"dcm:user:{NAME}:*") == []
    assert NAME not in stack.policy_path.read_text()
    assert f"{NAME}/home/" in subprocess.check_output(["tar", "tf", archive], text=True)


def test_keys_reach_a_running_container(stack, admin, carol):
    container = carol.create()
    other = stack.state / "other.key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    carol.ssh(container, "true")
    first, carol.key = carol.key, other
    assert carol.ssh_try(container, "true").returncode == 255
    admin.run("user", "key", "add", NAME, f"{other}.pub")
    assert carol.ssh(container, "id -un") == NAME
    admin.run("user", "key", "remove", NAME, f"{other}.pub")
    assert carol.ssh_try(container, "true").returncode == 255
    carol.key = first
    assert carol.ssh(container, "id -un") == NAME


def test_suspension_stops_and_refuses_until_resumed(admin, carol):
    name = carol.create()["name"]
    assert admin.run("user", "suspend", NAME)["user"]["suspended"]
    assert carol.json("show", name)["container"]["state"] == "stopped"
    assert carol.json("start", name, status=3)["error"]["rule"] == "suspended"
    assert subprocess.check_output(["getent", "shadow", NAME], text=True).split(":")[7] == "1"
    admin.run("user", "resume", NAME)
    eventually(lambda: carol.submit("start", name).returncode == 0, 10, "the start")


def test_a_faulty_policy_changes_nothing_and_names_the_place(stack, admin):
    before = stack.policy_path.read_text()
    bad = stack.secret("bad.json", '{"v":1,"groups":{"testers":{"memory":{"each":1}}}}')
    assert "groups.testers.memory.each" in admin.run("policy", "apply", bad, status=2)
    assert stack.policy_path.read_text() == before and os.listdir(stack.state).count("policy.json") == 1


def test_everyones_containers_are_listed_and_stopped(admin, alice, bob):
    mine, his = alice.create(), bob.create()
    listed = admin.run("ps")["containers"]
    assert {(c["user"], c["id"]) for c in listed} == {("alice", mine["id"]), ("bob", his["id"])}
    admin.run("container", "stop", "alice", mine["name"])
    assert alice.json("show", mine["name"])["container"]["state"] == "stopped"
    used = {u["user"]: u["running"] for u in admin.run("usage")["usage"]}
    assert used == {"alice": 0, "bob": 1}
