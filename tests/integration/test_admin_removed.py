"""After `user remove` nothing on the server knows the user, nor ever will again; and whatever is others' is as it was."""

import hashlib
import json
import os
import re
import subprocess
import tarfile

import pytest

from admin import NAME
from stack import eventually


def output(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, check=True).stdout


def of_engine(stack):
    """All that it has, as it tells it itself; images by name, since theirs may stay."""
    with stack.engine() as engine:
        return {"containers": [engine.inspect_container(one) for one in engine.containers(all=True)],
                "networks": [engine.inspect_network(one["Id"]) for one in engine.networks()],
                "volumes": engine.volumes()["Volumes"] or [],
                "images": [(image["RepoTags"], image["Labels"]) for image in engine.images(all=True)]}


def bytes_of(store, key):
    """One is a bitmap, and no text."""
    return store.execute_command("GET", key, NEVER_DECODE=[]).decode("latin-1")


def of_store(stack, pattern="*"):
    """Every key with what it holds."""
    read = {"string": bytes_of, "hash": lambda store, key: store.hgetall(key),
            "set": lambda store, key: sorted(store.smembers(key)), "list": lambda store, key: store.lrange(key, 0, -1),
            "zset": lambda store, key: store.zrange(key, 0, -1, withscores=True),
            "stream": lambda store, key: store.xrange(key)}
    with stack.redis() as store:
        return {key: read[store.type(key)](store, key) for key in sorted(store.keys(pattern))}


def of_broker(stack):
    """Accounts, permissions, exchanges, queues and bindings."""
    definitions = stack.definitions()
    assert definitions["users"] and definitions["queues"] and definitions["bindings"]
    return definitions


def of_files(stack, name, uid):
    """What bears the name, or belongs to the account or to what an engine makes of it; not the test's own key."""
    found = output("find", stack.state, "/etc", "/var/mail", "/var/spool", "/run", "/home", "(", "-name", f"*{name}*",
                   *(word for shift in ([0] if not os.environ.get("ENGINE_REMAP") else [0, 300000])
                     for word in ("-o", "-uid", uid + shift)), ")").decode().splitlines()
    return [path for path in found if not path.startswith(f"{stack.state}/{name}.")]


def of_accounts(uid):
    return [output("getent", database).decode() for database in ("passwd", "group", "shadow", "gshadow")], \
        subprocess.run(["getent", "passwd", str(uid)], capture_output=True, text=True, check=False).stdout


def traces(stack, name, uid, **more):
    """Where anything with this name or number can be found, and what; also in what more there is to look at."""
    known = {"engine": of_engine(stack), "store": of_store(stack), "files": of_files(stack, name, uid),
             "accounts": of_accounts(uid), "policy": stack.policy_path.read_text(), **more}
    pattern = re.compile(rf".{{0,60}}(?:{name}|\b{uid}\b).{{0,60}}")
    return {where: found for where, what in known.items()
            if (found := pattern.findall(json.dumps(what, default=str)))}


def sorted_lists(value):
    """The engine tells some, such as a container's mounts, in whatever order."""
    if isinstance(value, dict):
        return {key: sorted_lists(one) for key, one in value.items()}
    return sorted(map(sorted_lists, value), key=json.dumps) if isinstance(value, list) else value


def belongings(stack, user):
    """What is somebody's, to the byte: in the engine, in the store, in files, of the account and in the policy."""
    policy = json.loads(stack.policy_path.read_text())
    for group in policy["groups"].values():
        group["members"] = [member for member in group["members"] if member == user.name]
    folders = output("tar", "-C", stack.state, "--numeric-owner", "--sort=name", "-c",
                     *(path.relative_to(stack.state) / user.name for path in (stack.keys, stack.storage)))
    accounts = [line for database in ("passwd", "shadow", "group", "gshadow")
                for line in output("getent", database).decode().splitlines() if user.name in line]
    theirs = [text for kind in of_engine(stack).values() for one in kind
              if user.name in (text := json.dumps(sorted_lists(one), sort_keys=True))]
    return {"engine": sorted(theirs),
            "store": of_store(stack, f"dcm:user:{user.name}:*"),
            "leases": {port: text for port, text in stack.leases().items() if user.name in text},
            "files": hashlib.sha256(folders).hexdigest(), "accounts": accounts, "policy": policy}


@pytest.fixture
def hers(stack, alice, admin):
    """alice has a container with a port, and a file; and all that is hers, as it is before anybody else comes."""
    container = alice.create("8080:80")
    alice.ssh(container, "echo mine > ~/file")
    return container, belongings(stack, alice)


def test_nothing_of_a_removed_user_is_left_nor_comes_back(stack, admin, alice, hers, carol, tmp_path):
    container, before = hers
    carol.create("8081:80", "--name", "web")
    carol.json("create", "debian-ssh", "444", status=3)
    assert {"engine", "store", "files", "accounts", "policy"} == traces(stack, NAME, carol.uid).keys()
    planned = admin.run("user", "remove", NAME)
    assert not planned["removed"] and planned["containers"] == ["web"] == carol.names()
    archive = tmp_path / "archive.tar"
    assert admin.run("user", "remove", NAME, "--yes", "--archive", archive) == {**planned, "removed": True}
    assert traces(stack, NAME, carol.uid, broker=of_broker(stack)) == {}
    assert belongings(stack, alice) == before
    with tarfile.open(archive) as saved:
        assert f"{NAME}/home" in saved.getnames()
    assert os.stat(archive).st_mode & 0o777 == 0o600
    assert "no user" in admin.run("user", "remove", NAME, "--yes", status=4)

    with stack.redis() as store:
        known = store.hget("dcm:generation", "id")
        store.flushall()
        eventually(lambda: store.hget("dcm:generation", "id") not in (None, known), 30, "another generation")
    eventually(lambda: alice.names() == [container["name"]], 20, "what is alice's")
    assert traces(stack, NAME, carol.uid) == {}
    assert alice.ssh(container, "cat ~/file") == "mine"
