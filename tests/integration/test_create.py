"""The main job: creates through gate, broker and worker, to SSH sessions."""

import itertools
import json
import re


def test_the_user_and_root_sign_in_to_a_new_container(stack, alice):
    container = alice.create()
    assert re.fullmatch(r"container\d+", container["name"])
    assert container["name"] == f"container{container['ssh_port']}"
    assert alice.ssh(container, "id -un; hostname").split() == ["alice", container["id"][:12]]
    assert alice.ssh(container, "id -u", login="root") == "0"
    assert stack.inspect(container)["State"]["Running"]


def test_create_prints_what_people_read(stack, alice):
    done = alice.submit("create", "debian-ssh")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    identity = next(line for line in lines if re.fullmatch("[0-9a-f]{64}", line))
    name = re.search(r"^Container (container\d+) created successfully\.$", done.stdout, re.M)[1]
    port = name.removeprefix("container")
    assert lines[lines.index(identity) + 1:] == [
        f"Container {name} created successfully.",
        "To connect use",
        f"  ssh alice@127.0.0.1 -p {port}",
        "You can also login as root.",
        "Use name or port number to identify the container to DCM.",
    ]
    assert identity in stack.containers()


def test_twenty_creates_at_once_by_two_users(stack, alice, bob):
    owners = [alice, bob] * 10
    started = [(user, user.popen("--json", "create", "debian-ssh")) for user in owners]
    made = []
    for user, process in started:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        made.append((user, json.loads(out)["container"]))
    assert len(stack.containers()) == 20
    ports = sorted(container["ssh_port"] for _, container in made)
    assert len(set(ports)) == 20
    assert ports != list(range(ports[0], ports[0] + 20))
    gaps = [after - before for before, after in itertools.pairwise(ports)]
    assert sum(gap > 1 for gap in gaps) >= 15, f"nearly consecutive: {ports}"

    for user, container in made:
        other = bob if user is alice else alice
        assert user.ssh(container, "id -un") == user.name
        for login in (user.name, other.name, "root"):
            refused = other.ssh_try(container, "true", login=login)
            assert refused.returncode == 255 and "Permission denied" in refused.stderr

    check_storage(stack, made, alice, bob)
    for user in (alice, bob):
        user.do("remove", "-f", *user.names())
    assert stack.containers() == []
    assert stack.networks() == []
    assert stack.leases() == {}
    assert stack.redis().hgetall(f"dcm:server:{stack.server}:subnets") == {}


def check_storage(stack, made, alice, bob):
    """Two sources by user; what one container writes the owner's others see, and nobody else's."""
    for user, container in made:
        sources = {mount["Destination"]: mount["Source"] for mount in stack.inspect(container)["Mounts"]}
        assert sources["/root"] == str(stack.storage / user.name / "root")
        assert sources[f"/home/{user.name}"] == str(stack.storage / user.name / "home")
    hers = [container for user, container in made if user is alice]
    his = [container for user, container in made if user is bob]
    alice.ssh(hers[0], "echo one > /root/mark", login="root")
    alice.ssh(hers[0], "echo two > /home/alice/mark")
    for container in hers[1:]:
        assert alice.ssh(container, "cat /root/mark /home/alice/mark", login="root").split() == ["one", "two"]
    for container in his:
        assert bob.ssh(container, "ls /root/mark /home/*/mark 2>/dev/null || true", login="root") == ""


def test_limits_reach_the_engine(stack, alice):
    container = alice.create("--memory", "128m", "--cpus", "0.5", "--pids", "99")
    host = stack.inspect(container)["HostConfig"]
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == (128 << 20, 500_000_000, 99)
    assert host["Privileged"] is False and host["Init"] is True


def test_a_name_of_ones_own(stack, alice, bob):
    assert alice.create("--name", "web")["name"] == "web"
    assert bob.create("--name", "web")["name"] == "web"
    again = alice.json("create", "debian-ssh", "--name", "web", status=1)
    assert again["error"]["code"] == "conflict"
    assert len(stack.containers()) == 2


def test_a_published_port_answers_on_one_alias_for_each_user(stack, alice, bob):
    hers, his = alice.create("8080:80"), bob.create("8080:80")
    assert {hers["ports"][0]["address"], his["ports"][0]["address"]} == {"127.0.0.1", "127.0.0.2"}
    third = alice.json("create", "debian-ssh", "8080:80", status=1)
    assert third["error"]["code"] == "conflict"
    assert "127.0.0.1" in third["error"]["message"] and "127.0.0.2" in third["error"]["message"]


def test_containers_carry_signed_labels(stack, alice):
    container = alice.create()
    labels = stack.inspect(container)["Config"]["Labels"]
    assert labels["dcm.v"] == "1" and labels["dcm.user"] == "alice" and labels["dcm.kind"] == "container"
    assert re.fullmatch(r"k1:[0-9a-f]{64}", labels["dcm.mac"])
