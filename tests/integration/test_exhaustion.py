"""A user who takes all that there is of processes, memory or disk: his own container feels it, and nobody else."""

import json
import os
import subprocess

import pytest

from admin import Admin
from stack import SERVICES, VETTED, Stack, eventually
from test_admin_doctor import faults

MIB = 1 << 20


def others_go_on(stack, bob):
    """What somebody else does meanwhile."""
    container = bob.create()
    assert bob.ssh(container, "head -c 1m /dev/zero >/var/tmp/file && echo fine", "root") == "fine"
    bob.do("remove", "-f", container["name"])


def test_a_fork_bomb_fills_its_own_container_alone(stack, alice, bob):
    container = alice.create("--pids", "100")
    alice.ssh(container, "nohup setsid bash -c 'bomb() { bomb | bomb & }; bomb' >/dev/null 2>&1 </dev/null &")
    client = stack.docker()
    try:
        def processes():
            return client.api.stats(container["id"], stream=False)["pids_stats"]

        told = eventually(lambda: (found := processes())["current"] > 90 and found, 30, "the bomb")
        assert told["current"] <= told["limit"] == 100
    finally:
        client.close()
    others_go_on(stack, bob)
    for command in (["restart"], ["stop"], ["start"]):
        alice.do(*command, container["name"])
    assert alice.ssh(container, "echo alive") == "alive"


def test_who_takes_more_memory_than_he_has_loses_that_program_and_no_more(stack, alice, bob):
    container = alice.create("--memory", "64m")
    # tail keeps what it has read until it has seen the end.
    done = alice.ssh_try(container, "head -c 300m /dev/zero | tail -c 200m | wc -c; echo \"${PIPESTATUS[1]}\"")
    assert done.stdout.split() == ["0", "137"]
    assert alice.ssh(container, "echo alive") == "alive"
    assert stack.inspect(container)["State"]["Running"]
    others_go_on(stack, bob)
    assert alice.ssh(container, "head -c 20m /dev/zero | tail -c 10m | wc -c") == str(10 * MIB)  # the twin


class Bounded(Stack):
    """Its engine's data are on a file system that can bound a directory."""

    # btrfs counts the image too, hence a bound that is above it.
    kinds = [  # what the kernel has: not every one is built with quotas for XFS
        ("xfs", ["mkfs.xfs", "-q"], "loop,prjquota"),
        ("btrfs", ["mkfs.btrfs", "-q"], "loop"),
    ]

    def start_services(self, *engine):
        disk = self.state / "disk"
        self.service_state.mkdir(mode=0o700)
        for kind, make, options in self.kinds:
            disk.unlink(missing_ok=True)
            subprocess.run(["truncate", "--size", "3G", disk], check=True)
            subprocess.run([*make, disk], check=True, stdout=subprocess.DEVNULL)
            mounted = subprocess.run(["mount", "-t", kind, "-o", options, disk, self.service_state], check=False,
                                     capture_output=True, text=True)
            if mounted.returncode == 0:
                self.kind = kind
                break
        assert mounted.returncode == 0, mounted.stderr
        for apart in ("broker", "store"):  # the engine may fill its disk
            (self.service_state / apart).mkdir(mode=0o700)
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self.service_state / apart], check=True)
        return super().start_services(*engine)

    def configure(self):
        super().configure()
        with open(self.worker.config, "a", encoding="ascii") as settings:
            settings.write("disk_floor = 1m\n")

    def usual_policy(self):
        policy = super().usual_policy()
        policy["publishers"]["dcm-admin"] = {"users": ["*"]}
        policy["groups"]["testers"] = {"members": list(self.people), **VETTED, "disk": "256m", "images_kept": 2,
                                       "image_bytes": "4g"}
        return policy

    def images(self):
        """Ids of all that the engine has, also of those without a name."""
        with self.engine() as engine:
            return sorted(image["Id"] for image in engine.images(all=True))

    def stop_services(self):
        super().stop_services()  # not the mount itself: it goes with what is in it
        subprocess.run(["umount", "-l", self.service_state], check=True)


@pytest.fixture(scope="module")
def bounded():
    stack = Bounded()
    yield stack
    stack.down()


def write(user, container, name, mebibytes):
    return user.ssh_try(container, f"head -c {mebibytes}m /dev/zero >/var/tmp/{name} && sync /var/tmp/{name} && echo written", "root")


def assert_written(*what):
    done = write(*what)
    assert (done.stdout, done.stderr) == ("written\n", "")


def test_who_fills_his_disk_is_told_so_and_nobody_else_notices(bounded):
    alice, bob = bounded.alice, bounded.bob
    container = alice.create("--name", "full")
    assert bounded.inspect(container)["HostConfig"]["StorageOpt"] == {"size": str(256 * MIB)}
    assert_written(alice, container, "fits", 20)  # the twin
    # Piece by piece: btrfs may count a little late.
    full = alice.ssh_try(container, "for i in $(seq 20); do head -c 50m /dev/zero >>/var/tmp/big && sync /var/tmp/big || exit; done", "root")
    assert ("Disk quota exceeded" in full.stderr or "No space left" in full.stderr)
    assert alice.ssh(container, "head -c 60m /dev/zero >~/file && echo written") == "written"  # storage is not the layer
    others_go_on(bounded, bob)
    told = bob.create("--name", "beside")
    assert_written(bob, told, "fits", 20)
    if bounded.kind == "btrfs":  # the engine cannot start one that has not a byte left there
        alice.ssh(container, "rm /var/tmp/fits && sync -f /var/tmp", "root")
    for command in (["stop"], ["start"], ["restart"], ["logs"]):
        alice.do(*command, "full")
    alice.ssh(container, "rm /var/tmp/big ~/file && sync -f /var/tmp", "root", check=False)
    assert_written(alice, container, "again", 10)
    limits = {grant["what"]: grant.get("most") for grant in alice.json("limits")["limits"]["grants"]}
    assert limits["disk"] == 256 * MIB
    assert [fault for fault in faults(Admin(bounded)) if fault[0] == "disk"] == []


def test_recreate_gives_the_limit_that_counts_now_and_keeps_what_is_there(bounded):
    bounded.clear()
    alice = bounded.alice
    container = alice.create("--name", "growing")
    assert_written(alice, container, "kept", 30)
    policy = bounded.usual_policy()
    policy["users"] = {"alice": {"extra": [{"disk": "384m"}]}}
    bounded.set_policy(policy, reload=True)
    again = alice.json("recreate", "growing")["container"]
    assert bounded.inspect(again)["HostConfig"]["StorageOpt"] == {"size": str(384 * MIB)}
    assert alice.ssh(again, "stat -c %s /var/tmp/kept") == str(30 * MIB)
    assert_written(alice, again, "more", 50)


def fill(path, left, kind):
    """Leave about so much free. A file system may have less room than it says."""
    if kind == "btrfs":  # what has been deleted there is free some time later
        subprocess.run(["btrfs", "subvolume", "sync", path.parent], check=True, stdout=subprocess.DEVNULL)
    disk = os.statvfs(path.parent)
    for size in range(disk.f_bavail * disk.f_frsize - left, 0, -16 * MIB):
        if subprocess.run(["fallocate", "-l", str(size), path], check=False, stderr=subprocess.DEVNULL).returncode == 0:
            return
    raise AssertionError("nothing could be filled")


def test_a_commit_that_the_engines_disk_has_no_room_for_fails_and_leaves_nothing(bounded):
    bounded.clear()
    alice, filler = bounded.alice, bounded.service_state / "filler"
    container = alice.create("--name", "large")
    assert alice.ssh(container, "head -c 150m /dev/urandom >/var/tmp/data && sync /var/tmp/data && echo written", "root") == "written"
    before = bounded.images()
    try:
        fill(filler, 60 * MIB, bounded.kind)
        failed = alice.json("commit", "large", "saved", status=1)["error"]
        assert failed["code"] == "engine_error" and "no space left" in failed["message"]
        # What the engine clears up may take a while to be free, and the worker's floor hold until then.
        again = alice.json("recreate", "large", "8080", status=None)["error"]
        assert again["code"] in ("engine_error", "unavailable") and again["message"]
        assert bounded.images() == before and alice.own_images() == []
        assert len(bounded.containers()) == 1 and list(bounded.leases()) == [f"tcp/{container['ssh_port']}"]
        assert alice.ssh(container, "stat -c %s /var/tmp/data") == str(150 * MIB)
    finally:
        filler.unlink(missing_ok=True)
    alice.do("commit", "large", "saved")
    assert alice.own_images() == ["saved:latest"]
    again = alice.json("recreate", "large", "8080")["container"]
    assert alice.ssh(again, "stat -c %s /var/tmp/data") == str(150 * MIB)


def test_an_engine_that_cannot_bound_disks_makes_no_container_without(stack, alice, admin):
    driver, below = stack.docker().info()["Driver"], dict(stack.docker().info()["DriverStatus"] or [])
    assert (driver, below.get("Backing Filesystem")) != ("overlay2", "xfs") and driver != "btrfs"
    policy = json.loads(stack.policy_path.read_text())
    before = json.dumps(policy)
    policy["users"] = {"alice": {"disk": "1g"}}
    stack.set_policy(policy, reload=True)
    try:
        refused = alice.submit("create", "debian-ssh")
        assert refused.returncode == 1 and "storage" in refused.stderr and refused.stderr.count("\n") == 1
        assert stack.containers() == [] and stack.leases() == {} and stack.networks() == []
        [(_, message)] = [fault for fault in faults(admin) if fault[0] == "disk"]
        assert message.startswith("the policy limits disks, which an engine on ") and message.endswith(" cannot")
        assert stack.bob.create()  # whose disk nothing limits
    finally:
        stack.set_policy(before, reload=True)
    assert alice.create()
