"""dcm-admin and users: what an administrator does leaves exactly the state that it says."""

import json
import os
import shutil
import subprocess
import tarfile

import pytest

from admin import NAME, getent


def test_a_user_who_was_added_creates_and_signs_in(carol):
    assert carol.ssh(carol.create(), "id -un") == NAME


def test_adding_twice_is_adding_once(stack, admin, carol):
    before = stack.policy_path.read_bytes()
    assert admin.add() == admin.add()
    assert stack.policy_path.read_bytes() == before


def images_in_engine(stack):
    client = stack.docker()
    try:
        return sorted(tag for image in client.api.images() for tag in image["RepoTags"] or [])
    finally:
        client.close()


@pytest.fixture
def kept(stack, admin, carol, alice):
    """carol and alice have an image each, named alike."""
    policy = json.loads(stack.policy_path.read_text())
    policy["groups"]["testers"].update(images_kept=5, image_bytes="20g")
    admin.run("policy", "apply", stack.secret("kept.json", json.dumps(policy)))
    for user in (alice, carol):
        user.json("commit", user.create("--name", "web")["name"], "mine")
    yield images_in_engine(stack)
    alice.submit("remove", "-f", "web")
    alice.do("rmi", "mine")


def test_images_stay_unless_they_are_to_go(stack, admin, kept):
    planned = admin.run("user", "remove", NAME)
    assert (planned["images"], planned["images_kept"]) == ([], ["mine:latest"])
    admin.run("user", "remove", NAME, "--yes")
    assert {u["user"]: u["images"] for u in admin.run("usage")["usage"]} == {"alice": 1, "bob": 0, NAME: 1}
    assert images_in_engine(stack) == kept and f"dcm.local/{NAME}/mine:latest" in kept
    assert set(admin.trace(NAME)) <= {"store", f"dcm:server:{stack.server}:image_users"}
    assert admin.run("user", "remove", NAME, "--images", "--yes")["images"] == ["mine:latest"]
    assert images_in_engine(stack) == [tag for tag in kept if NAME not in tag]
    assert admin.trace(NAME) == {}


def test_who_gets_a_removed_users_images_is_said(admin, kept):
    admin.run("user", "remove", NAME, "--yes")
    done = admin.tell("user", "add", NAME, "--key", admin.key)
    assert done.returncode == 0 and "images of an earlier carol" in done.stderr
    assert admin.run("user", "remove", NAME, "--images", "--yes")["images"] == ["mine:latest"]


def test_an_account_that_was_there_before_stays(stack, admin):
    subprocess.run(["useradd", "--no-create-home", "--uid", "6001", NAME], check=True)
    admin.add()
    assert NAME in getent("group", "dcm-users")
    done = admin.tell("user", "remove", NAME, "--yes")
    assert done.returncode == 0 and "was there before DCM" in done.stderr
    assert getent("passwd", NAME) and NAME not in getent("group", "dcm-users")
    subprocess.run(["userdel", NAME], check=True)
    assert admin.trace(NAME) == {}


def test_an_archive_has_links_as_links(stack, admin, carol):
    container = carol.create()
    carol.ssh(container, "ln -s /etc/shadow ~/link; ln -s / ~/top; mkdir ~/.ssh; mkfifo ~/pipe; touch ~/one; ln ~/one ~/two", login=NAME)
    archive = stack.state / "links.tar"
    admin.run("user", "remove", NAME, "--yes", "--archive", archive)
    with tarfile.open(archive) as saved:
        link, top = saved.getmember(f"{NAME}/home/link"), saved.getmember(f"{NAME}/home/top")
        assert link.issym() and link.linkname == "/etc/shadow" and top.issym()
        pair = {saved.getmember(f"{NAME}/home/{name}").linkname for name in ("one", "two")}
        assert pair < {"", f"{NAME}/home/one", f"{NAME}/home/two"} and len(pair) == 2
        assert not [name for name in saved.getnames() if "shadow" in name or name.startswith(("/", f"{NAME}/home/top/"))]


def test_an_archive_has_holes_as_holes(admin, carol, tmp_path):
    carol.ssh(carol.create(), "truncate -s 1T ~/holes; printf end >>~/holes; head -c 1m /dev/urandom >~/full")
    archive = tmp_path / "holes.tar"
    admin.run("user", "remove", NAME, "--yes", "--archive", archive)
    assert 1 << 20 < archive.stat().st_size < 2 << 20
    subprocess.run(["tar", "-C", tmp_path, "-xf", archive], check=True)
    holes = tmp_path / NAME / "home" / "holes"
    assert holes.stat().st_size == (1 << 40) + 3 and holes.stat().st_blocks * 512 < 1 << 20
    with open(holes, "rb") as unpacked:
        unpacked.seek(-3, os.SEEK_END)
        assert unpacked.read() == b"end"


def test_root_writes_no_archive_where_users_could_place_a_link(stack, admin, carol):
    victim = stack.secret("victim", "precious")
    open_to_all = stack.state / "open"
    open_to_all.mkdir()
    os.chown(open_to_all, carol.uid, carol.uid)
    said = admin.run("user", "remove", NAME, "--yes", "--archive", open_to_all / "carol.tar", status=2)
    assert "others than root can write" in said
    # In one like /tmp a link may be there already: it is replaced, not followed.
    os.chown(open_to_all, 0, 0)
    open_to_all.chmod(0o1777)
    (open_to_all / "carol.tar.part").symlink_to(victim)
    os.chown(open_to_all / "carol.tar.part", carol.uid, carol.uid, follow_symlinks=False)
    carol.create()
    admin.run("user", "remove", NAME, "--yes", "--archive", open_to_all / "carol.tar")
    assert victim.read_text() == "precious" and tarfile.is_tarfile(open_to_all / "carol.tar")
    shutil.rmtree(open_to_all)


def test_keys_reach_a_running_container(stack, admin, carol):
    container = carol.create()
    other = admin.make_key("other.key")
    carol.ssh(container, "true")
    first, carol.key = carol.key, other.with_suffix("")
    assert carol.ssh_try(container, "true").returncode == 255
    admin.run("user", "key", "add", NAME, other)
    assert carol.ssh(container, "id -un") == NAME
    admin.run("user", "key", "remove", NAME, other)
    assert carol.ssh_try(container, "true").returncode == 255
    carol.key = first
    assert carol.ssh(container, "id -un") == NAME


def test_keys_are_listed_and_removed_by_fingerprint(stack, admin, carol):
    other = admin.make_key("other.key")
    prints = admin.run("user", "key", "add", NAME, other)["keys"]
    told = [subprocess.check_output(["ssh-keygen", "-lf", key], text=True).split()[1] for key in (admin.key, other)]
    assert prints == told
    assert admin.run("user", "key", "remove", NAME, told[0]) == {"user": NAME, "keys": told[1:]}
    assert "no such key" in admin.run("user", "key", "remove", NAME, told[0], status=4)
    assert admin.run("user", "key", "list", NAME)["keys"] == told[1:]


def test_suspension_stops_and_refuses_until_resumed(admin, carol):
    name = carol.create()["name"]
    assert admin.run("user", "suspend", NAME)["user"]["suspended"]
    assert carol.json("show", name)["container"]["state"] == "stopped"
    assert carol.json("start", name, status=3)["error"]["rule"] == "suspended"
    assert carol.json("create", "debian-ssh", status=3)["error"]["rule"] == "suspended"
    assert getent("shadow", NAME).split(":")[7] == "1"
    assert admin.run("user", "suspend", NAME)["user"]["suspended"]
    assert not admin.run("user", "resume", NAME)["user"]["suspended"]
    carol.do("start", name)


def test_users_are_listed_and_shown(stack, admin, carol):
    container = carol.create()
    carol.ssh(container, "head -c 1000000 /dev/zero > ~/file")
    listed = {user["name"]: user for user in admin.run("user", "list")["users"]}
    assert set(listed) == {"alice", "bob", NAME}
    assert listed[NAME] == {"name": NAME, "uid": carol.uid, "keys": 1, "suspended": False, "groups": ["testers"]}
    shown = admin.run("user", "show", NAME)["user"]
    assert {key: shown[key] for key in listed[NAME]} == listed[NAME]
    assert [c["id"] for c in shown["containers"]] == [container["id"]] and shown["storage_bytes"] > 1000000
    assert {"what": "containers", "most": 30, "used": 1, "rule": "groups.testers.containers", "server": stack.server} in shown["limits"]
    text = admin.tell("user", "list", form=()).stdout.splitlines()
    assert text[0].split() == ["NAME", "UID", "KEYS", "STATE", "GROUPS"]
    assert [NAME, str(carol.uid), "1", "-", "testers"] in [line.split() for line in text]


def test_everyones_containers_are_listed_stopped_and_removed(stack, admin, alice, bob):
    mine, his = alice.create(), bob.create()
    listed = admin.run("ps")["containers"]
    assert {(c["user"], c["id"]) for c in listed} == {("alice", mine["id"]), ("bob", his["id"])}
    assert mine["name"] in admin.tell("ps", form=()).stdout
    assert admin.run("container", "stop", "alice", mine["name"])["state"] == "done"
    assert alice.json("show", mine["name"])["container"]["state"] == "stopped"
    used = {u.pop("user"): u for u in admin.run("usage")["usage"]}
    assert {user: (u["containers"], u["running"]) for user, u in used.items()} == {"alice": (1, 0), "bob": (1, 1)}
    assert [used["alice"][key] for key in ("memory", "millicpus", "pids", "images", "image_bytes", "suspended")] == [
        64 << 20, 250, 128, 0, 0, False]
    kept = {grant["what"]: grant["most"] for grant in bob.json("limits")["limits"]["grants"] if "most" in grant}
    assert used["bob"]["most"] == {"containers": 30, "memory": 4 << 30, "millicpus": 16000, "pids": 8192,
                                   "images": kept["images_kept"], "image_bytes": kept["image_bytes"]}
    table = [line.split() for line in admin.tell("usage", form=()).stdout.splitlines()]
    assert table[0][:5] == ["USER", "CONTAINERS", "RUNNING", "MEMORY", "CPUS"]
    assert table[2][:7] == ["bob", "1/30", "1", "64m/4096m", "0.25/16", "128/8192", f"0/{kept['images_kept']}"]
    # By port too, and only this user's.
    admin.run("container", "remove", "alice", his["ssh_port"], status=4)
    assert admin.run("container", "remove", "bob", his["ssh_port"])["state"] == "done"
    assert stack.containers() == [mine["id"]]


def test_ps_shows_whoever_has_containers(stack, admin, carol):
    """Also one who is in no file any more: a removal that was cut short must not hide them."""
    container = carol.create()
    policy = stack.policy_path.read_text()
    stack.set_policy(policy.replace(f', "{NAME}"', "").replace(f'"{NAME}"', '"nobody"'))
    (stack.keys / NAME).rename(stack.state / "aside")
    try:
        assert (NAME, container["id"]) in {(c["user"], c["id"]) for c in admin.run("ps")["containers"]}
    finally:
        (stack.state / "aside").rename(stack.keys / NAME)
        stack.set_policy(policy, reload=True)
