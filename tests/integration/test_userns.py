"""An engine with user namespaces: root of a container is nobody in particular on the host, and all the rest
is as ever. Only tests/run userns collects this file; it runs every other one on such an engine too."""

import contextlib
import os
import shutil
import subprocess

import pytest

from stack import REMAP, SUBORDINATE, eventually
from test_admin_doctor import faults
from test_disk import mounted

FIRST_UID, FIRST_GID = SUBORDINATE["subuid"][0], SUBORDINATE["subgid"][0]
THERE = f"{FIRST_UID}:{FIRST_GID}"


def owner(path):
    status = os.lstat(path)
    return status.st_uid, status.st_gid


def test_root_of_a_container_is_an_unprivileged_user_of_the_host(stack, alice):
    container = alice.create()
    assert alice.ssh(container, "cat /proc/self/uid_map", "root").split() == ["0", str(FIRST_UID), "65536"]
    client = stack.docker()
    try:
        pids = [row[1] for row in client.api.top(container["id"])["Processes"]]
    finally:
        client.close()
    assert {os.stat(f"/proc/{pid}").st_uid for pid in pids} == {FIRST_UID}
    alice.ssh(container, "touch /root/file", "root")
    alice.ssh(container, "touch ~/file")
    own = stack.storage / "alice"
    assert owner(own) == (0, 0) and own.stat().st_mode & 0o7777 == 0o700
    assert owner(own / "root" / "file") == owner(own / "root") == (FIRST_UID, FIRST_GID)
    assert owner(own / "home" / "file") == owner(own / "home") == (FIRST_UID + 5001, FIRST_GID + 5001)


def test_the_administrators_keys_belong_to_nobody_and_open_the_door(stack, alice):
    container = alice.create()
    assert alice.ssh(container, "stat -c '%U %G' /etc/dcm/keys/authorized_keys", "root") == "nobody nogroup"
    refused = alice.ssh_try(container, "echo >>/etc/dcm/keys/authorized_keys", "root")
    assert refused.returncode == 1 and "Permission denied" in refused.stderr
    assert owner(stack.keys / "alice" / "authorized_keys") == (0, 0)


def test_the_users_own_keys_count_too(stack, alice, bob):
    container = alice.create()
    key = (bob.home / "id.pub").read_text().strip()
    alice.ssh(container, f"umask 077; mkdir -p ~/.ssh; echo '{key}' >~/.ssh/authorized_keys")
    assert bob.ssh(container, "id -un", "alice") == "alice"
    alice.ssh(container, "rm ~/.ssh/authorized_keys")


def test_a_uid_beyond_the_namespace_is_refused(stack, alice):
    policy = stack.usual_policy()
    policy["users"] = {"alice": {"uid": 65536}}
    stack.set_policy(policy, reload=True)
    try:
        error = alice.json("create", "debian-ssh", status=3)["error"]
        assert "uid 65536" in error["message"] and "those below 65536 alone" in error["message"]
    finally:
        stack.set_policy(stack.usual_policy(), reload=True)
    assert stack.containers() == [] and stack.leases() == {}


def test_a_range_that_nobody_knows_is_a_fault_of_the_servers(stack, alice):
    with open("/etc/subuid", encoding="ascii") as file:
        before = file.read()
    alice.create()
    try:
        with open("/etc/subuid", "w", encoding="ascii") as file:
            file.write(f"{REMAP}:{FIRST_UID + 1}:65536\n")
        # What a runner has learnt counts for a few seconds more; a new one knows nothing.
        stack.worker.stop()
        stack.worker.start()
        error = alice.json("create", "debian-ssh", status=1)["error"]
        assert error["code"] == "internal" and "no range in /etc/subuid" in error["message"]
    finally:
        with open("/etc/subuid", "w", encoding="ascii") as file:
            file.write(before)
    alice.create()


def test_storage_of_an_engine_without_namespaces_keeps_nobody_out_and_can_be_moved(stack, alice, admin):
    """As it was when the same ids were used inside and outside."""
    shutil.rmtree(stack.storage / "alice", ignore_errors=True)
    container = alice.create()
    alice.ssh(container, "umask 077; echo hers >/root/hers", "root")
    alice.ssh(container, "echo hers >~/file; ln -s /etc/shadow ~/link")
    alice.do("remove", "-f", container["name"])
    assert admin.run("storage", "shift", THERE, "0") == {"from": THERE, "to": "0", "count": 65536}
    own = stack.storage / "alice"
    assert owner(own / "root" / "hers") == (0, 0) and owner(own / "home" / "link") == (5001, 5001)
    key = (own / "root/.dcm/ssh/ssh_host_ed25519_key").read_bytes()

    container = alice.create()
    assert alice.ssh(container, "id -un; cat /root/hers || true", "root") == "root"
    logged = alice.submit("logs", container["name"]).stderr
    assert "/root/.dcm is no folder that root can write to: it is /root/.dcm.aside-1 now" in logged
    [(check, message)] = faults(admin)
    assert check == "storage" and message.endswith("belongs to an id that containers do not have")

    assert "running" in admin.run("storage", "shift", "0", THERE, status=1)
    alice.do("remove", "-f", container["name"])
    assert f"dcm-admin storage shift 0 {THERE}" in admin.tell("doctor", form=()).stdout
    for _ in range(2):
        assert admin.run("storage", "shift", "0", THERE) == {"from": "0", "to": THERE, "count": 65536}
    assert owner(own) == (0, 0) and owner(own / "home" / "link") == (FIRST_UID + 5001, FIRST_GID + 5001)
    assert owner("/etc/shadow")[0] == 0 and faults(admin) == []
    assert (own / "root/.dcm.aside-1/ssh/ssh_host_ed25519_key").read_bytes() == key
    container = alice.create()
    assert alice.ssh(container, "cat /root/hers", "root") == alice.ssh(container, "cat ~/file") == "hers"


@contextlib.contextmanager
def engine_without(stack):
    """The same engine, restarted without user namespaces: with other containers and images."""
    client = stack.docker()
    image = b"".join(client.images.get("debian-ssh").save(named=True))
    client.close()
    stack.service("stop", "engine")
    remap = os.environ.pop("ENGINE_REMAP")
    try:
        stack.service("start", "engine")
        client = stack.docker()
        client.images.load(image)
        client.close()
        yield
    finally:
        os.environ["ENGINE_REMAP"] = remap
        stack.service("stop", "engine")
        stack.service("start", "engine")


def test_a_worker_notices_that_its_engine_has_come_back_without_namespaces_and_with_them_again(stack, alice):
    own = stack.storage / "alice"
    shutil.rmtree(own, ignore_errors=True)

    def create_and_see(ids):
        container = alice.create()
        assert owner(own / "root") == ids and owner(own / "home") == (ids[0] + 5001, ids[1] + 5001)
        assert alice.ssh(container, "echo mine >/root/mine; cat /root/mine", "root") == "mine"
        alice.ssh(container, "rm -rf /root/mine /root/.dcm*", "root")
        alice.do("remove", "-f", container["name"])

    create_and_see((FIRST_UID, FIRST_GID))
    with engine_without(stack):
        create_and_see((0, 0))
    create_and_see((FIRST_UID, FIRST_GID))


def test_the_disk_that_is_measured_is_that_of_the_engine_as_it_has_come_back(stack):
    """A small one stands in for the disk of its data with user namespaces, in the worker's eyes alone."""
    size = 64 << 20

    def is_small():
        return stack.metrics().get('dcm_disk_size_bytes{place="engine"}') == size

    with mounted(stack.engine_data(), size, "nsenter", "--target", str(stack.worker.process.pid), "--mount"):
        eventually(is_small, 20, "the small disk")
        with engine_without(stack):
            eventually(lambda: not is_small(), 30, "the other one")
        eventually(is_small, 30, "the small disk again")


@pytest.mark.parametrize("words", [
    ("0", "0"), ("0", "65535"), ("65535:0", "0:400000"), ("0", "300000:65535"), ("0", "4294967000"), ("00", "300000"),
    ("-1", "300000"), ("0", "300000:"), ("0", "300000", "0"), ("0", "300000", "x"), ("0", "300000", "4294967295"),
])
def test_ranges_that_are_none_or_overlap_are_refused(stack, admin, words):
    before = {path: owner(path) for path in stack.storage.glob("*/*")}
    told = admin.tell("storage", "shift", *words)
    assert told.returncode == 2 and told.stderr.count("\n") == 1
    assert {path: owner(path) for path in stack.storage.glob("*/*")} == before


def test_a_setuid_program_of_a_users_makes_nobody_root_outside(stack, alice):
    container = alice.create()
    alice.ssh(container, "cp /bin/cat ~alice/cat && chmod 4755 ~alice/cat", "root")
    program = stack.storage / "alice" / "home" / "cat"
    assert owner(program) == (FIRST_UID, FIRST_GID) and program.stat().st_mode & 0o4000
    done = subprocess.run([program, "/etc/shadow"], check=False, capture_output=True, text=True)
    assert done.returncode != 0 and "Permission denied" in done.stderr
    assert subprocess.run([program, "/etc/passwd"], check=False, capture_output=True).returncode == 0
