"""The most that users' storage may hold: what dcm-admin has the file system do, and what the worker makes of one that does not."""

import json
import subprocess

import pytest

from admin import NAME
from stack import VETTED, eventually, on_host
from test_admin_doctor import faults, findings

MIB = 1 << 20
REFUSED = 3

# The file system of these tests has quotas only where the kernel does: what would set them is written down.
PRETENDED = r"""
findmnt() { command findmnt "$@" | sed 's/$/,prjquota/'; }
xfs_quota() { printf '%s\n' "$*" >>"${SETTINGS[policy]%/*}/quota.log"; }
"""


@pytest.fixture(scope="module")
def on_xfs(whole_stack):
    """Storage is on an XFS of 448 MiB, far below the usual floor under disks. Has it quotas?"""
    disk, storage = whole_stack.state / "storage.xfs", whole_stack.storage
    subprocess.run(["truncate", "--size", "512M", disk], check=True)
    subprocess.run(["mkfs.xfs", "-q", disk], check=True)
    whole_stack.clear()
    whole_stack.worker.stop()
    config = whole_stack.worker.config
    settings = config.read_text()
    config.write_text(f"{settings}disk_floor = 1m\n")

    def mount(options):
        return subprocess.run(["mount", "-o", f"loop,nosuid,nodev{options}", disk, storage], check=False, capture_output=True)

    def start():
        whole_stack.worker.start()
        eventually(lambda: whole_stack.alice.submit("ping").returncode == 0, 30, "a ping")

    has_quotas = mount(",prjquota").returncode == 0
    assert has_quotas or mount("").returncode == 0
    storage.chmod(0o755)
    start()
    yield has_quotas
    whole_stack.clear()
    whole_stack.worker.stop()
    subprocess.run(["umount", storage], check=True)
    disk.unlink()
    config.write_text(settings)
    start()


@pytest.fixture
def bound(stack, admin, on_xfs):
    """Apply the policy with this bound for all, or None, and return what was said. In the end there is none."""
    def apply(most, **users):
        policy = stack.usual_policy()
        policy["publishers"]["dcm-admin"] = {"users": ["*"]}
        members = json.loads(stack.policy_path.read_text())["groups"]["testers"]["members"]
        policy["groups"]["testers"] = {"members": members, **VETTED, **({"storage": most} if most else {})}
        policy["users"] = users
        done = admin.tell("policy", "apply", stack.secret("bound.json", json.dumps(policy)))
        assert done.returncode == 0, done
        return done.stderr

    yield apply
    apply(None)


@pytest.fixture
def quotas(stack, admin, on_xfs):
    """As if the file system had them: the commands that set them since the last look."""
    log = stack.state / "quota.log"
    log.write_text("")
    admin.pretended = PRETENDED

    def commands():
        lines = log.read_text().splitlines()
        log.write_text("")
        return lines

    yield commands
    admin.pretended = ""
    log.unlink()


def limit(stack, uid, most):
    return f"-x -c limit -p bhard={most} ihard={most // 4096} {uid} {stack.storage}"


def projects(*paths):
    """What lsattr says of each: its project, and whether what is made in it inherits that."""
    told = subprocess.run(["lsattr", "-pd", *paths], check=True, capture_output=True, text=True).stdout
    return [(int(line.split()[0]), "P" in line.split()[1]) for line in told.splitlines()]


def test_storage_is_a_project_of_the_users_before_he_has_it(stack, admin, bound, quotas, alice):
    (stack.storage / "alice").mkdir(mode=0o700)  # what stands there already
    bound("1g", bob={"storage": "2g"})
    assert set(quotas()) == {limit(stack, 5001, 1 << 30), limit(stack, 5002, 2 << 30)}
    admin.add()
    carol = admin.user()
    assert quotas() == [limit(stack, carol.uid, 1 << 30)]
    container = carol.create()
    carol.ssh(container, "mkdir -p a/b; echo text > a/b/file")
    own = stack.storage / NAME
    folders = [own, own / "root", own / "home", own / "home" / "a" / "b"]
    assert projects(*folders) == [(carol.uid, True)] * 4
    assert projects(own / "home" / "a" / "b" / "file") == [(carol.uid, False)]
    assert projects(stack.storage) == [(0, False)]

    bound("1500000000")  # whole blocks of it
    assert limit(stack, carol.uid, 1499996160) in quotas()
    bound(None)
    assert set(quotas()) == {limit(stack, uid, 0) for uid in (5001, 5002, carol.uid)}
    bound("1g")
    quotas()
    admin.run("user", "remove", NAME, "--yes")
    assert quotas() == [limit(stack, carol.uid, 0)]


def test_what_an_import_brings_is_bounded_from_the_start(stack, admin, bound, quotas, carol):
    bound("1g")
    carol.ssh(carol.create(), "mkdir -p a/b; echo text > a/b/file")
    own, archive = stack.storage / NAME, stack.state / "bounded.tar"
    modes = [(path.stat().st_mode, path.stat().st_uid) for path in (own, own / "root", own / "home")]
    admin.run("user", "suspend", NAME)
    admin.run("user", "export", NAME, archive)
    admin.run("user", "remove", NAME, "--yes")
    quotas()
    admin.run("user", "import", archive)
    archive.unlink()
    assert quotas() == [limit(stack, carol.uid, 1 << 30)]
    folders = [own, own / "root", own / "home", own / "home" / "a" / "b"]
    assert projects(*folders) == [(carol.uid, True)] * 4
    assert projects(own / "home" / "a" / "b" / "file") == [(carol.uid, False)]
    assert modes == [(path.stat().st_mode, path.stat().st_uid) for path in folders[:3]]
    assert carol.ssh(carol.create(), "cat a/b/file") == "text"


def test_limits_shows_the_bound(bound, alice):
    assert "no end" in [line for line in alice.submit("limits").stdout.splitlines() if line.startswith("storage")][0]
    bound("1g")

    def shown():
        [grant] = [grant for grant in alice.json("limits")["limits"]["grants"] if grant["what"] == "storage"]
        return (grant["most"], grant["rule"]) == (1 << 30, "groups.testers.storage")

    eventually(shown, 10, "the new bound")
    [line] = [line for line in alice.submit("limits").stdout.splitlines() if line.startswith("storage")]
    assert line.split()[:3] == ["storage", "-", "1g"]


def test_who_could_outgrow_his_bound_gets_no_container(stack, admin, bound, alice, on_xfs):
    made = alice.create("--name", "before")
    alice.submit("stop", "before")
    said = bound("256m", bob={"storage": "1g"})
    expected = "is of a time before the limit" if on_xfs else f"storage, which xfs at {stack.storage} cannot as it is mounted: mount "
    assert expected in said and said.count("\n") == 1
    for command in (["create", "debian-ssh"], ["start", "before"], ["restart", "before"], ["recreate", "before"]):
        refused = alice.json(*command, status=REFUSED)
        assert refused["error"]["rule"] == "groups.testers.storage" and "256m" in refused["error"]["message"]
    told = alice.json("explain", "start", "before", status=REFUSED)["explanation"]["decisions"]
    assert {"what": "your storage on this server", "allowed": False} in [{key: one[key] for key in ("what", "allowed")} for one in told]
    assert stack.containers() == [made["id"]] and stack.networks() == ["dcm.alice"]
    [(check, message)] = faults(admin)
    assert check == "storage" and message in said
    assert stack.bob.create()  # the twin: the file system as a whole is smaller than what he may have
    bound(None)
    alice.do("start", "before")


def test_a_user_who_is_added_where_nothing_can_bound_him_is_told_of(admin, bound, on_xfs):
    if on_xfs:
        pytest.skip("this kernel has quotas for XFS")
    bound("256m")
    done = admin.tell("user", "add", NAME, "--key", admin.key, "--group", "testers")
    assert done.returncode == 0 and "the policy bounds storage, which xfs at " in done.stderr and done.stderr.count("\n") == 1
    admin.run("user", "remove", NAME, "--yes")


def test_a_tree_of_a_time_before_the_limit_is_left_to_the_administrator(stack, admin, bound, quotas, alice):
    container = alice.create("--name", "old")
    alice.ssh(container, "mkdir -p a/b; echo text > a/b/file; ln -s /etc/passwd link; ln -s / top; mkfifo pipe")
    own = stack.storage / "alice"
    subprocess.run(["chattr", "-R", "-p", "0", "-P", own], check=False, capture_output=True)  # as storage was made once
    said = bound("256m")
    assert f"{own}/root is of a time before the limit" in said and projects(own / "root", own / "home") == [(0, False)] * 2
    [advice] = [line for line in said.splitlines() if str(own) in line]
    [suspend, change, resume] = advice.split(": ")[-1].split("; ")
    for command in (suspend, resume):
        assert command.split()[:2] == ["dcm-admin", "user"]
    admin.run(*suspend.split()[1:])
    subprocess.run(change.split(), check=False, capture_output=True)  # the pipe and the links are nothing to it
    admin.run(*resume.split()[1:])
    inside = [own / "root", own / "home", own / "home" / "a" / "b", own / "home" / "a" / "b" / "file"]
    assert projects(*inside) == [(5001, True)] * 3 + [(5001, False)]
    assert subprocess.run(["lsattr", "-pd", "/etc/passwd"], capture_output=True, text=True, check=False).stdout.split()[0] != "5001"
    found = [message for state, message in findings(admin)["storage"]]
    assert any("as root outside of user namespaces" in message for message in found) == (on_host(0) == (0, 0))
    assert not [message for message in found if "before the limit" in message]


def test_only_root_outside_of_user_namespaces_gives_a_file_to_another_project(stack, on_xfs, alice):
    """What doctor warns of, and no longer where the engine has them."""
    container = alice.create()
    given = alice.ssh_try(container, "touch /root/given && chattr -p 5002 /root/given", "root")
    outside = on_host(0) == (0, 0)
    assert (given.returncode == 0) is outside, given.stderr
    [(project, _)] = projects(stack.storage / "alice" / "root" / "given")
    assert (project == 5002) is outside


def test_killed_at_every_step_the_bound_is_there_in_the_end(stack, admin, bound, quotas, carol):
    bound("1g")
    own = stack.storage / NAME

    def forget():
        own.rmdir()
        quotas()

    def check():
        assert projects(own) == [(carol.uid, True)] and quotas()[-1] == limit(stack, carol.uid, 1 << 30)

    steps = admin.killed_everywhere("user", "add", NAME, "--key", admin.key, before=forget, after=check)
    assert steps >= 4


def test_who_fills_his_storage_is_told_so_and_nobody_else_notices(stack, admin, bound, on_xfs, bob):
    if not on_xfs:
        pytest.skip("this kernel has no quotas for XFS (CONFIG_XFS_QUOTA)")
    bound("64m", bob={"storage": "1g"})
    admin.add()
    carol = admin.user()
    container = carol.create("--name", "full")
    assert carol.ssh(container, "head -c 20m /dev/zero >~/fits && sync ~/fits && echo written") == "written"
    full = carol.ssh_try(container, "head -c 100m /dev/zero >~/big && sync ~/big")
    assert full.returncode != 0 and ("Disk quota exceeded" in full.stderr or "No space left" in full.stderr)
    assert sum(path.stat().st_blocks * 512 for path in (stack.storage / NAME).rglob("*")) <= 64 * MIB
    other = bob.create()
    assert bob.ssh(other, "head -c 100m /dev/zero >~/big && sync ~/big && echo written && rm ~/big") == "written"
    for command in (["stop"], ["start"], ["restart"]):
        carol.do(*command, "full")
    carol.ssh(container, "rm ~/big")
    assert carol.ssh(container, "head -c 20m /dev/zero >~/again && sync ~/again && echo written") == "written"
    # A smaller one counts at once.
    bound("32m")
    assert carol.ssh_try(container, "head -c 20m /dev/zero >~/more && sync ~/more").returncode != 0
    assert [fault for fault in faults(admin) if fault[0] == "storage"] == []
    admin.run("user", "remove", NAME, "--yes")
