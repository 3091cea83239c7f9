"""A user leaves with `user export`, and is there again by `user import`, with all that he had and nothing that he planted."""

import json
import os
import signal
import subprocess
import tarfile

import pytest

from admin import NAME
from stack import eventually

PLANTED = "mkdir -p d && echo kept >d/file && ln d/file d/twin && ln -s /etc/shadow d/shadow && ln -s ../../../.. d/up && " \
    "truncate -s 1T d/huge && echo x >'d/a\nb'"


@pytest.fixture
def keeper(stack, admin):
    """Testers may keep images."""
    policy = json.loads(stack.policy_path.read_text())
    policy["groups"]["testers"].update(images_kept=3, image_bytes="4g")
    before = stack.policy_path.read_text()
    stack.set_policy(policy, reload=True)
    yield
    stack.set_policy(before, reload=True)


@pytest.fixture
def moved(stack, admin, keeper, carol):
    """carol's archive. She has an image, and in her storage whatever may lead astray; and she has gone."""
    container = carol.create("--name", "work")
    carol.ssh(container, PLANTED)
    carol.ssh(container, "echo tools >/opt/tools", login="root")
    carol.do("commit", "work", "tools")
    archive = stack.state / "moved.tar"
    archive.unlink(missing_ok=True)
    told = admin.tell("user", "export", NAME, archive)
    assert told.returncode == 1 and f"user suspend {NAME} first" in told.stderr and not archive.exists()
    admin.run("user", "suspend", NAME)
    admin.run("user", "export", NAME, archive)
    account = subprocess.check_output(["id", NAME])
    admin.run("user", "remove", NAME, "--images", "--yes")
    assert admin.trace(NAME) == {}
    yield archive, account
    archive.unlink()


def has_come(stack, admin, account):
    assert subprocess.check_output(["id", NAME]) == account
    carol = admin.user()
    eventually(lambda: [image["name"] for image in carol.json("images")["images"] if image["owner"]] == ["tools:latest"], 90,
               "her image")
    container = carol.create("--name", "again")
    told = carol.ssh(container, "cat d/twin; readlink d/shadow d/up; stat -c '%h %U' d/file; stat -c '%s %b' d/huge; ls d | wc -l")
    assert told.split() == ["kept", "/etc/shadow", "../../../..", "2", NAME, str(1 << 40), "0", "7"]
    own = carol.json("create", "tools")["container"]
    assert carol.ssh(own, "cat /opt/tools") == "tools"
    assert not [name for name in os.listdir(stack.storage) if name.startswith(".")]


def json_of(archive):
    with tarfile.open(archive) as saved:
        return json.load(saved.extractfile("./user.json"))


def refused_before(stack, admin, archive):
    """What is not root's alone, or no archive, or has no room here: nothing is changed."""
    before = admin.run("user", "list")
    archive.chmod(0o644)
    assert "must be root's" in admin.run("user", "import", archive, status=2)
    archive.chmod(0o600)
    for what in (b"", b"no archive"):
        other = stack.state / "other.tar"
        other.write_bytes(what)
        other.chmod(0o600)
        assert "is no archive" in admin.run("user", "import", other, status=2)
    assert "no such file" in admin.run("user", "import", "/nonexistent", status=2)
    subprocess.run(["useradd", "--uid", str(json_of(archive)["uid"]), "--no-create-home", "other"], check=True)
    try:
        assert "is other's" in admin.run("user", "import", archive, status=2)
    finally:
        subprocess.run(["userdel", "other"], check=True)
    (stack.storage / NAME).mkdir()
    try:
        assert "storage of a user carol here already" in admin.run("user", "import", archive, status=1)
    finally:
        (stack.storage / NAME).rmdir()
    assert admin.run("user", "list") == before


def test_a_user_has_the_same_on_another_server(stack, admin, moved):
    archive, account = moved
    assert archive.stat().st_mode & 0o777 == 0o600 and not archive.with_name("moved.tar.parts").exists()
    with tarfile.open(archive) as saved:
        assert saved.getmember("storage/home/d/shadow").issym()
        assert saved.getmember("storage/home/d/twin").islnk() or saved.getmember("storage/home/d/file").islnk()
    refused_before(stack, admin, archive)
    admin.run("user", "import", archive)
    has_come(stack, admin, account)


def test_an_import_that_was_killed_is_finished_by_another(stack, admin, moved):
    archive, account = moved
    ends = [admin.killed(at, "user", "import", archive).returncode for at in (2, 5, 8, 11)]
    assert ends[0] == ends[1] == -signal.SIGKILL
    admin.run("user", "import", archive)
    has_come(stack, admin, account)
