"""Images of users' own: saved, used, kept apart, counted and removed."""

import hashlib
import io
import json
import os
import signal
import subprocess
import tarfile
import time

import docker
import pytest

from login import options, ssh
from stack import VETTED, eventually

KEEPING = {"images_kept": 3, "image_bytes": "8g"}


def grant(stack, **limits):
    policy = stack.usual_policy()
    policy["groups"]["testers"] = {**VETTED, **limits, "members": ["alice", "bob"]}
    stack.set_policy(policy, reload=True)


def own(user):
    return [image for image in user.json("images")["images"] if image["owner"]]


@pytest.fixture(autouse=True)
def keeping(stack):
    grant(stack, **KEEPING)
    yield
    grant(stack, **KEEPING)
    stack.clear()
    for user in (stack.alice, stack.bob):
        for image in own(user):
            done = user.submit("rmi", image["name"])
            assert done.returncode == 0, done.stderr


def state(stack, container):
    return stack.inspect(container)["State"]


def tags(stack):
    client = stack.docker()
    try:
        return {tag: image for image in client.api.images() for tag in image["RepoTags"] or []}
    finally:
        client.close()


def test_what_was_put_into_a_container_is_in_the_image(stack, alice):
    container = alice.create()
    alice.ssh(container, "mkdir -p /opt/tool && echo made >/opt/tool/it && echo kept >/root/note", login="root")
    image = alice.json("commit", container["name"], "tools:v1", "-m", "with a tool")["image"]
    assert (image["name"], image["owner"]) == ("tools:v1", "alice")
    alice.do("remove", "-f", container["name"])
    again = alice.json("create", "tools:v1", "--name", "again")["container"]
    assert again["image"] == "tools:v1"
    assert alice.ssh(again, "cat /opt/tool/it") == "made"
    assert alice.ssh(again, "cat /root/note", login="root") == "kept"
    assert alice.json("restart", "again")["state"] == "done"


def test_an_image_in_which_the_user_has_another_uid_is_the_users_all_the_same(stack, alice):
    container = alice.create()
    alice.ssh(container, "sed -i '/^alice:/s/5001/6001/g' /etc/passwd /etc/group && chown 6001 /opt", login="root")
    alice.do("commit", container["name"], "odd")
    again = alice.json("create", "odd", "--name", "again")["container"]
    alice.do("restart", container["name"])
    for one in (container, again):
        assert alice.ssh(one, "id -un; id -u; touch ~/file && stat -c %u ~/file").split() == ["alice", "5001", "5001"]
        assert stack.inspect(one)["RestartCount"] == 0
    assert "has uid 6001: 5001 from now on" in alice.submit("logs", "again").stderr


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A Debian package, as anybody makes one: a program, and a script that runs when it is installed."""
    top = tmp_path_factory.mktemp("package")
    for path, mode, text in (
            ("DEBIAN/control", 0o644, "Package: greeting\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody\n"
                                      "Description: a greeting\n"),
            ("DEBIAN/postinst", 0o755, "#!/bin/sh\necho installed >/etc/greeting\n"),
            ("usr/bin/greeting", 0o755, "#!/bin/sh\ncat /etc/greeting\n")):
        file = top / "greeting" / path
        file.parent.mkdir(0o755, parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", top / "greeting", top / "greeting.deb"], check=True,
                   stdout=subprocess.DEVNULL)
    return top / "greeting.deb"


def test_a_package_that_was_installed_is_in_the_image(stack, login, alice, bob, package):
    """By SSH alone: to the container for the package, to the login server for the rest."""
    port = str(alice.create("--name", "first")["ssh_port"])
    alice.ssh({"ssh_port": port}, "true")
    subprocess.run(["scp", "-q", *options(alice), "-P", port, package, "root@127.0.0.1:"], check=True)
    inside = "dpkg -i greeting.deb >&2 && greeting >&2 && echo mine >~alice/notes && find /root ~alice | sort"
    storage = alice.ssh({"ssh_port": port}, inside, login="root")
    assert "/root/greeting.deb" in storage and "/home/alice/notes" in storage
    for command in ("commit first greeter:v1", "remove -f first", "create greeter:v1 --name second"):
        assert ssh(alice, command).returncode == 0, command
    second = alice.json("show", "second")["container"]
    shown = alice.ssh(second, "dpkg-query -W -f '${Status}' greeting; echo; greeting; cat ~alice/notes", login="root")
    assert shown.splitlines() == ["install ok installed", "installed", "mine"]
    assert alice.ssh(second, "find /root ~alice | sort", login="root") == storage
    image = own(alice)[0]["id"]
    for name in ("greeter:v1", "dcm.local/alice/greeter:v1", image, image.removeprefix("sha256:"), image[7:19]):
        for command in (f"create {name}", f"rmi {name}"):
            assert ssh(bob, command).returncode in (2, 3, 4), (command, name)
    assert bob.names() == [] and own(bob) == [] and [i["id"] for i in own(alice)] == [image]


@pytest.mark.parametrize("command", ["start", "restart", "recreate"])
def test_whoever_is_suspended_runs_nothing_of_his_own_images_either(stack, alice, command):
    alice.json("commit", alice.create()["name"], "mine:v1")
    made = alice.json("create", "mine:v1", "--name", "stays")["container"]
    alice.json("stop", "stays")
    before = stack.inspect(made)["State"]
    stack.set_policy({**stack.usual_policy(), "suspended": ["alice"]}, reload=True)
    assert alice.json(command, "stays", status=3)["error"]["rule"] == "suspended"
    assert state(stack, made) == before and not before["Running"]
    grant(stack, **KEEPING)
    assert alice.json(command, "stays")["state"] == "done"


def test_an_image_carries_dcms_configuration_and_no_keys(stack, alice):
    container = alice.create()
    alice.ssh(container, "true")
    image = alice.json("commit", container["name"], "mine")["image"]
    client = stack.docker()
    try:
        inspected = client.api.inspect_image("dcm.local/alice/mine:latest")
        bare = client.api.create_container(image["id"], command="-c 'find / -xdev -name ssh_host_*_key -o "
                                           "-xdev -name authorized_keys'", entrypoint="/bin/sh")
        client.api.start(bare["Id"])
        client.api.wait(bare["Id"])
        found = client.api.logs(bare["Id"]).decode()
        client.api.remove_container(bare["Id"])
    finally:
        client.close()
    assert found.strip() == ""
    config = inspected["Config"]
    assert config["User"] == "0:0" and config["Entrypoint"] == ["/usr/sbin/dcm-init"]
    labels = {name: text for name, text in config["Labels"].items() if name.startswith("dcm.") and text}
    assert labels.pop("dcm.mac") != stack.inspect(container)["Config"]["Labels"]["dcm.mac"]
    labels.pop("dcm.request")
    assert labels == {"dcm.v": "1", "dcm.kind": "image", "dcm.user": "alice", "dcm.name": "mine:latest"}


def test_another_user_can_do_nothing_with_it(stack, alice, bob):
    image = alice.json("commit", alice.create()["name"], "secret:v1")["image"]
    assert [i["name"] for i in own(alice)] == ["secret:v1"] and own(bob) == []
    short = image["id"].removeprefix("sha256:")[:12]
    unknown = bob.json("create", "f" * 12, status=4)["error"]["message"].replace("f" * 12, "X")
    for reference in (image["id"], short):
        refused = bob.json("create", reference, status=4)["error"]["message"]
        assert refused.replace(reference, "X") == unknown
        assert bob.submit("rmi", reference).returncode == 4
    named = bob.json("create", "secret:v1", status=3)["error"]["message"]
    assert named.replace("secret", "nosuch") == bob.json("create", "nosuch:v1", status=3)["error"]["message"]
    assert bob.submit("rmi", "secret:v1").returncode == 4
    assert bob.submit("create", "dcm.local/alice/secret:v1").returncode == 2
    bobs = bob.json("commit", "--replace", bob.create()["name"], "secret:v1")["image"]
    assert bobs["id"] != image["id"]
    assert tags(stack)["dcm.local/alice/secret:v1"]["Id"] == image["id"]


def test_each_state_is_kept(stack, alice):
    container = alice.create()
    name = container["name"]
    assert alice.json("commit", name, "a")["state"] == "done"
    assert state(stack, container)["Status"] == "running"
    alice.submit("pause", name)
    assert alice.json("commit", name, "b")["state"] == "done"
    assert state(stack, container)["Status"] == "paused"
    alice.submit("unpause", name)
    alice.submit("stop", name)
    assert alice.json("commit", name, "c")["state"] == "done"
    assert state(stack, container)["Status"] == "exited"


def test_a_killed_runner_leaves_nothing_paused_and_one_image(stack, alice):
    container = alice.create()
    alice.ssh(container, "head -c 300M /dev/urandom >/opt/much", login="root")
    request = alice.submit("-d", "commit", container["name"], "large").stdout.strip()
    time.sleep(1)
    for runner in ("runner-1", "runner-2", "runner-3", "runner-4"):
        for pid in stack.worker.children(runner):
            os.kill(pid, signal.SIGKILL)
    assert alice.json("wait", request)["state"] == "done"
    assert state(stack, container)["Status"] == "running"
    assert [i["name"] for i in own(alice)] == ["large:latest"]
    assert len([tag for tag in tags(stack) if tag.startswith("dcm.local/")]) == 1


def test_a_name_is_overwritten_only_on_request(stack, alice):
    name = alice.create()["name"]
    first = alice.json("commit", name, "mine")["image"]
    assert alice.json("commit", name, "mine:latest", status=1)["error"]["code"] == "conflict"
    second = alice.json("commit", "--replace", name, "mine")["image"]
    assert second["id"] != first["id"] and [i["id"] for i in own(alice)] == [second["id"]]
    client = stack.docker()
    try:
        assert first["id"] not in [image["Id"] for image in client.api.images()]
    finally:
        client.close()


def test_limits_on_number_and_size(stack, alice):
    name = alice.create()["name"]
    grant(stack)
    refused = alice.json("commit", name, "one", status=3)["error"]
    assert refused["code"] == "policy_denied" and refused["rule"] == "defaults.images_kept"
    grant(stack, images_kept=1, image_bytes="8g")
    assert alice.json("commit", name, "one")["state"] == "done"
    refused = alice.json("commit", name, "two", status=3)["error"]
    assert refused["code"] == "quota_exceeded" and refused["rule"] == "groups.testers.images_kept"
    assert alice.json("commit", "--replace", name, "one")["state"] == "done"
    grant(stack, images_kept=5, image_bytes="1m")
    refused = alice.json("commit", name, "two", status=3)["error"]
    assert refused["code"] == "quota_exceeded" and refused["rule"] == "groups.testers.image_bytes"


def load_deep(engine, name, count):
    """An image of so many layers: those of the standard one, which the engine has and does not read again, and more."""
    base = engine.inspect_image("debian-ssh")
    files, digests = {}, list(base["RootFS"]["Layers"])
    names = [f"present{number}.tar" for number in range(len(digests))]
    for number in range(count - len(digests)):
        layer = packed({f"opt/layer{number}": b""})
        names.append(f"{number}.tar")
        digests.append(f"sha256:{hashlib.sha256(layer).hexdigest()}")
        files[names[-1]] = layer
    files["config.json"] = json.dumps({"architecture": base["Architecture"], "os": "linux", "config": base["Config"],
                                       "rootfs": {"type": "layers", "diff_ids": digests}}).encode()
    files["manifest.json"] = json.dumps([{"Config": "config.json", "RepoTags": [f"{name}:latest"], "Layers": names}]).encode()
    told = list(engine.load_image(packed(files), quiet=False))  # it tells of each layer: the client waits for one, not for all
    assert len(engine.inspect_image(name)["RootFS"]["Layers"]) == count, told


def packed(files):
    """A tar of these files, by name."""
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return into.getvalue()


def test_the_engines_limit_on_layers_is_told_before_it_is_met(stack, alice):
    with stack.engine() as engine:
        load_deep(engine, "debian-deep", 124)
        grant(stack, **KEEPING, images=["debian-ssh", "debian-deep"])
        first = alice.json("create", "debian-deep")["container"]
        for command in (["commit", first["name"], "full"], ["recreate", first["name"]]):
            done = alice.submit(*command)
            assert done.returncode == 0 and "125 of at most 125 layers" in done.stderr, done
        # One of the most that the engine takes still runs, but nothing more can be laid upon it.
        last = alice.json("create", "full")["container"]
        assert alice.ssh(last, "ls /opt/layer0") == "/opt/layer0"
        with pytest.raises(docker.errors.APIError, match="max depth exceeded"):
            engine.commit(last["id"], "dcm.local/beyond")
        for command in (["commit", last["name"], "beyond"], ["recreate", last["name"]], ["recreate", first["name"]]):
            refused = alice.json(*command, status=1)["error"]
            assert refused["code"] == "conflict" and "125 layers" in refused["message"], command
        assert state(stack, last)["Running"] and alice.ssh(last, "id -un") == "alice"
        alice.submit("remove", "-f", first["name"], last["name"])
        alice.do("rmi", "full")
        engine.remove_image("debian-deep")


def test_rmi_refuses_what_is_in_use_and_what_is_not_mine(stack, alice):
    image = alice.json("commit", alice.create()["name"], "mine")["image"]
    alice.json("create", "mine", "--name", "user-of-it")
    refused = alice.json("rmi", "mine", status=1)["error"]
    assert refused["code"] == "conflict" and "user-of-it" in refused["message"]
    assert alice.json("rmi", "debian-ssh", status=3)["error"]["code"] == "policy_denied"
    assert alice.submit("rmi", "nosuch").returncode == 4
    alice.submit("remove", "-f", "user-of-it")
    assert alice.json("rmi", image["id"])["image"]["name"] == "mine:latest"
    assert own(alice) == [] and "dcm.local/alice/mine:latest" not in tags(stack)
    assert "debian-ssh:latest" in tags(stack)


def test_images_lists_the_administrators_and_mine(stack, alice, bob):
    listed = eventually(lambda: alice.json("images")["images"], 20, "the granted images")
    assert [(i["name"], i["owner"], i["server"]) for i in listed] == [("debian-ssh", None, stack.server)]
    done = alice.submit("create")
    assert done.returncode == 2 and "debian-ssh" in done.stderr and done.stdout == ""


def test_forged_labels_gain_nothing(stack, alice):
    image = alice.json("commit", alice.create()["name"], "real")["image"]
    client = stack.docker()
    try:
        labels = client.api.inspect_image(image["id"])["Config"]["Labels"]
        bare = client.api.create_container("debian-ssh", labels={**labels, "dcm.name": "forged:latest"})
        client.api.commit(bare["Id"], "dcm.local/alice/forged", "latest")
        client.api.remove_container(bare["Id"])
        client.api.tag(image["id"], "dcm.local/bob/stolen", "latest")
        stack.worker.process.send_signal(signal.SIGHUP)  # the keeper compares at once
        time.sleep(3)
        assert [i["name"] for i in own(alice)] == ["real:latest"] and own(stack.bob) == []
        assert alice.submit("create", "forged").returncode == 3
        assert stack.bob.submit("create", "stolen").returncode == 3
    finally:
        for name in ("dcm.local/alice/forged:latest", "dcm.local/bob/stolen:latest"):
            client.api.remove_image(name)
        client.close()


def test_a_container_by_hand_from_a_users_image_is_nobodys(stack, alice):
    image = alice.json("commit", alice.create("--name", "real")["name"], "mine")["image"]
    client = stack.docker()
    foreign = client.api.create_container(image["id"], "sleep 1000", name="dcm.alice.planted", entrypoint=[])["Id"]
    try:
        client.api.start(foreign)
        labels = client.api.inspect_container(foreign)["Config"]["Labels"]
        assert labels["dcm.user"] == "alice" and labels["dcm.kind"] == "image"  # the image's own came along
        stack.worker.process.send_signal(signal.SIGHUP)  # the keeper compares at once
        time.sleep(3)
        assert alice.names() == ["real"] and alice.submit("remove", "-f", "planted").returncode == 4
        assert client.api.inspect_container(foreign)["State"]["Running"]
        # The twin: by way of DCM it is hers, with a name and a mark of its own.
        twin = alice.json("create", "mine", "--name", "twin")["container"]
        assert stack.inspect(twin)["Config"]["Labels"]["dcm.kind"] == "container"
        assert sorted(alice.names()) == ["real", "twin"]
    finally:
        client.api.remove_container(foreign, force=True)
        client.close()


def test_the_index_of_images_is_rebuilt(stack, alice):
    alice.json("commit", alice.create()["name"], "mine")
    before = own(alice)
    stack.redis().delete("dcm:user:alice:images")
    stack.worker.process.send_signal(signal.SIGHUP)
    assert eventually(lambda: own(alice), 20, "the image in the index") == before
    client = stack.docker()
    client.api.remove_image("dcm.local/alice/mine:latest")
    client.close()
    stack.worker.process.send_signal(signal.SIGHUP)
    eventually(lambda: own(alice) == [], 20, "the index without it")
