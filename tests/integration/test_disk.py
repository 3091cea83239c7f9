"""A server's disk that is nearly full: nothing is begun that needs room, and all else goes on."""

import contextlib
import re
import subprocess

import pytest

from stack import eventually
from test_admin_doctor import faults

REFUSED = 3
MIB = 1 << 20


@contextlib.contextmanager
def mounted(place, size, *within):
    """Another file system over a folder, for everybody or within a process's view of files."""
    subprocess.run([*within, "mount", "-t", "tmpfs", "-o", f"size={size},mode=755,nosuid,nodev", "tmpfs", place], check=True)
    try:
        yield
    finally:
        subprocess.run([*within, "umount", "-l", place], check=True)


def refusal(user, *command):
    """What a command is refused with, and what explain says of it: the same."""
    result = user.json(*command, status=REFUSED)
    assert (result["state"], result["error"]["code"]) == ("refused", "unavailable")
    explained = user.submit("explain", *command)
    assert explained.returncode == REFUSED and result["error"]["message"] in explained.stdout
    return result["error"]["message"]


@pytest.fixture
def keepsakes(stack):
    """Users may keep images of their own."""
    policy = stack.usual_policy()
    policy["publishers"]["dcm-admin"] = {"users": ["*"]}
    policy["groups"]["testers"].update(images_kept=3, image_bytes="4g")
    stack.set_policy(policy, reload=True)
    yield
    stack.clear()
    for name in stack.alice.own_images():
        stack.alice.do("rmi", name)


@pytest.fixture
def small_storage(stack):
    """Users' storage on a file system with little more than the floor. It is there before the worker's sandbox."""
    stack.worker.stop()
    with mounted(stack.storage, "1040m"):
        stack.worker.start()
        yield stack.storage / "file"
        stack.clear()
        stack.worker.stop()
    stack.worker.start()


def test_below_the_floor_nothing_is_begun_that_makes_data_and_all_else_works(stack, admin, alice, keepsakes, small_storage):
    alice.create("--name", "web")
    alice.do("commit", "web", "before")
    assert [fault for fault in faults(admin) if fault[0] == "disk"] == []
    subprocess.run(["fallocate", "-l", "32M", small_storage], check=True)
    leases, containers = stack.leases(), stack.containers()
    for command in (["create", "debian-ssh"], ["commit", "web", "more"], ["recreate", "web", "8080"]):
        message = refusal(alice, *command)
        assert re.fullmatch(rf"the server's disk is nearly full: \d+ MiB free in {stack.storage}; tell the administrator", message)
    [(_, told)] = [fault for fault in faults(admin) if fault[0] == "disk"]
    assert re.match(rf"\d+ MiB are free in {stack.storage}: ", told)
    assert stack.leases() == leases and stack.containers() == containers and alice.own_images() == ["before:latest"]
    for command in (["ping"], ["ps"], ["show", "web"], ["logs", "web"], ["images"], ["limits"], ["pause", "web"],
                    ["unpause", "web"], ["restart", "web"], ["stop", "web"], ["start", "web"],
                    ["remove", "-f", "web"], ["rmi", "before"]):
        done = alice.submit(*command)
        assert done.returncode == 0, (command, done.stderr)
    small_storage.unlink()
    alice.create("--name", "again")
    for command in (["commit", "again", "more"], ["recreate", "again", "8080"], ["remove", "-f", "again"]):
        alice.do(*command)


def test_the_disk_of_the_engines_data_counts_as_well(stack, alice):
    data = stack.engine_data()
    alice.create()
    # For the worker's eyes alone: the engine keeps what it has.
    with mounted(data, "64m", "nsenter", "--target", str(stack.worker.process.pid), "--mount"):
        assert f"64 MiB free in {data};" in refusal(alice, "create", "debian-ssh")
    alice.create()


def test_what_a_container_prints_is_kept_up_to_a_bound(stack, alice):
    container = alice.create("--name", "loud")
    alice.ssh(container, "yes a line that is printed again and again | head -c 45m >/proc/1/fd/1", "root")
    logs = stack.engine_data() / "containers" / container["id"]

    def kept():
        return sum(file.stat().st_size for file in logs.glob("*-json.log*"))

    # JSON makes several times as much of it: it has been turned over more than once.
    eventually(lambda: len(list(logs.glob("*-json.log*"))) == 3, 20, "the third file")
    assert kept() < 31 * MIB
    assert "again and again" in alice.submit("logs", "--tail", "1", "loud").stdout
