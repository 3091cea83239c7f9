"""A container anew, with other ports: what is in it stays, and there is always exactly one of it."""

import json
import os
import signal
import socket
import subprocess
import time

import pytest

from stack import VETTED, eventually
from truth import host_key

SERVE = """setsid -f perl -MIO::Socket::INET -e '
    $s = IO::Socket::INET->new(LocalPort => 80, Listen => 5, ReuseAddr => 1);
    while ($c = $s->accept) { <$c>; print $c "HTTP/1.0 200 OK\\r\\n\\r\\nserved\\n"; close $c }
' >/dev/null 2>&1 </dev/null"""

PACKAGE = """mkdir -p /tmp/p/DEBIAN /tmp/p/opt && echo packed >/tmp/p/opt/packed &&
printf 'Package: mine\\nVersion: 1\\nArchitecture: all\\nMaintainer: a <a@b.c>\\nDescription: d\\n' >/tmp/p/DEBIAN/control &&
dpkg-deb --build /tmp/p /tmp/mine.deb >/dev/null && dpkg -i /tmp/mine.deb >/dev/null"""


def curl(port, address="127.0.0.1"):
    return subprocess.run(["curl", "-s", "-m", "5", f"http://{address}:{port}/"],
                          capture_output=True, text=True, check=False).stdout.strip()


def in_engine(stack):
    """Engine name → id, of every container."""
    client = stack.docker()
    try:
        return {c["Names"][0].removeprefix("/"): c["Id"] for c in client.api.containers(all=True)}
    finally:
        client.close()


def images(stack):
    client = stack.docker()
    try:
        return [image for image in client.api.images() if (image["Labels"] or {}).get("dcm.kind") == "changes"]
    finally:
        client.close()


@pytest.fixture
def web(alice):
    """A container of the name, with a file and a package outside storage, and its host key."""
    container = alice.create("8080:80", "--name", "web", "--ttl", "8h")
    alice.ssh(container, "echo kept >/opt/file; echo stored >/root/note", login="root")
    alice.ssh(container, PACKAGE, login="root")
    return container


def check_one(stack, alice, before, ports):
    """Exactly one container, of this name, with these ports; index and leases say the same."""
    listed = alice.json("ps")["containers"]
    assert [c["name"] for c in listed] == ["web"]
    assert in_engine(stack) == {"dcm.alice.web": listed[0]["id"]}
    assert listed[0]["ssh_port"] == before["ssh_port"]
    assert sorted(port["host"] for port in listed[0]["ports"]) == sorted(ports)
    leases = stack.leases()
    assert sorted(leases) == sorted([f"tcp/{before['ssh_port']}", *(f"tcp/{port}" for port in ports)])
    assert all(lease["until"] == 0 for field in leases.values() for lease in json.loads(field).values())
    assert "heir" not in json.loads(stack.redis().hget("dcm:user:alice:containers", "web"))
    return listed[0]


def test_changes_storage_port_and_host_key_stay_and_the_new_port_answers(stack, alice, web):
    key = host_key(web)
    done = alice.json("recreate", "web", "8081:80", "-p", "53/udp")
    after = done["container"]
    assert done["state"] == "done" and after["id"] != web["id"] and after["state"] == "running"
    assert after["ssh_port"] == web["ssh_port"] and after["image"] == "debian-ssh"
    assert sorted((p["host"], p["container"], p["protocol"]) for p in after["ports"]) == [
        (53, 53, "udp"), (8081, 80, "tcp")]
    assert in_engine(stack) == {"dcm.alice.web": after["id"]}
    assert host_key(after) == key
    assert alice.ssh(after, "cat /opt/file /opt/packed /root/note; dpkg-query -W -f '${Status}' mine", login="root"
                     ).split("\n") == ["kept", "packed", "stored", "install ok installed"]
    assert alice.ssh(after, "id -un") == "alice"
    alice.ssh(after, SERVE, login="root")
    assert eventually(lambda: curl(8081), 10, "an answer at the new port") == "served"
    assert curl(8080) == ""
    assert sorted(stack.leases()) == sorted([f"tcp/{web['ssh_port']}", "tcp/8081", "udp/53"])


def test_without_ports_the_present_ones_stay_and_none_drops_them(stack, alice, web):
    alice.do("recreate", "web")
    check_one(stack, alice, web, [8080])
    done = alice.submit("recreate", str(web["ssh_port"]), "none")
    assert done.returncode == 0 and "Container web recreated successfully." in done.stdout
    after = check_one(stack, alice, web, [])
    assert alice.ssh(after, "cat /opt/file") == "kept"


def test_a_stopped_container_comes_up_again(stack, alice, web):
    alice.submit("stop", "web")
    assert alice.json("recreate", "web", "8081:80")["container"]["state"] == "running"
    assert alice.ssh(check_one(stack, alice, web, [8081]), "cat /opt/file") == "kept"


def test_the_new_one_is_made_as_the_old_one_was(stack, alice, web):
    before = stack.inspect(web)
    after = stack.inspect(alice.json("recreate", "web", "8081:80")["container"])
    differing = {name for name in before["HostConfig"] if before["HostConfig"][name] != after["HostConfig"][name]}
    assert differing == {"PortBindings"}
    differing = {name for name in before["Config"] if before["Config"][name] != after["Config"][name]}
    assert differing <= {"Hostname", "Image", "Labels", "ExposedPorts"}
    assert after["Config"]["Labels"]["dcm.mac"] != before["Config"]["Labels"]["dcm.mac"]


@pytest.mark.parametrize("ports, status, words", [
    (["9999:80"], 3, "9999"),
    (["127.0.0.9:8081:80"], 4, "127.0.0.9"),
    (["8082:80"], 1, "8082"),
    (["x"], 2, "x"),
])
def test_a_refusal_leaves_the_container_as_it_was(stack, alice, bob, web, ports, status, words):
    bob.create("127.0.0.1:8082:80", "127.0.0.2:8082:80", "--name", "squatter")
    leases, started = stack.leases(), stack.inspect(web)["State"]["StartedAt"]
    done = alice.submit("recreate", "web", *ports)
    assert done.returncode == status and len(done.stderr.splitlines()) == 1 and words in done.stderr
    assert stack.inspect(web)["State"]["StartedAt"] == started and stack.leases() == leases
    bob.submit("remove", "-f", "squatter")
    check_one(stack, alice, web, [8080])


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_port_in_use_outside_dcm_puts_the_old_one_back(stack, alice, web, state):
    if state == "stopped":
        alice.submit("stop", "web")
    with socket.socket() as squatter:
        squatter.bind(("0.0.0.0", 8999))
        squatter.listen()
        refused = alice.json("recreate", "web", "8999:80", status=1)
    assert refused["error"]["code"] == "conflict" and "container" not in refused
    after = check_one(stack, alice, web, [8080])
    assert after["id"] == web["id"] and stack.inspect(web)["State"]["Running"] == (state == "running")
    eventually(lambda: alice.json("show", "web")["container"]["state"] == state, 20, "the state in the index")


def test_a_paused_container_and_a_neighbours_are_refused(stack, alice, bob, web):
    assert bob.submit("recreate", "web", "8081:80").returncode == 4
    alice.submit("pause", "web")
    assert "unpause" in alice.submit("recreate", "web").stderr
    assert stack.inspect(web)["State"]["Status"] == "paused"


def test_an_image_that_is_no_longer_granted_cannot_be_recreated_around(stack, alice, web):
    alice.do("recreate", "web")
    policy = stack.usual_policy()
    policy["groups"]["testers"] = {**VETTED, "members": ["alice", "bob"], "images": ["other"]}
    stack.set_policy(policy, reload=True)
    try:
        for command in (["recreate", "web"], ["restart", "web"]):
            assert alice.json(*command, status=3)["error"]["code"] == "policy_denied"
        assert alice.ssh(alice.json("show", "web")["container"], "cat /opt/file") == "kept"
    finally:
        stack.set_policy(stack.usual_policy(), reload=True)


def test_ports_go_only_to_addresses_that_are_granted(stack, alice, web):
    policy = stack.usual_policy()
    policy["groups"]["testers"] = {**VETTED, "members": ["alice", "bob"], "addresses": ["127.0.0.2"]}
    stack.set_policy(policy, reload=True)
    try:
        for ports in ([], ["127.0.0.1:8081:80"]):  # without any the present ones are asked for again
            assert alice.json("recreate", "web", *ports, status=3)["error"]["code"] == "policy_denied"
        assert check_one(stack, alice, web, [8080])["id"] == web["id"]
        assert alice.json("recreate", "web", "8081:80")["container"]["ports"][0]["address"] == "127.0.0.2"
    finally:
        stack.set_policy(stack.usual_policy(), reload=True)


def test_what_is_kept_between_is_no_image_of_the_users(stack, alice, web):
    alice.submit("recreate", "web")
    kept = images(stack)
    assert len(kept) == 1 and not kept[0]["RepoTags"] or kept[0]["RepoTags"] == ["<none>:<none>"]
    assert [i["name"] for i in alice.json("images")["images"]] == ["debian-ssh"]
    assert alice.submit("create", kept[0]["Id"]).returncode == 4
    assert alice.submit("rmi", kept[0]["Id"]).returncode == 4


def test_the_index_is_rebuilt_around_a_recreated_container(stack, alice, web):
    alice.submit("recreate", "web", "8081:80")
    before, leases = alice.json("show", "web"), stack.leases()
    assert before["container"]["expires"] == web["expires"]
    stack.redis().delete("dcm:user:alice:containers", f"dcm:server:{stack.server}:ports")
    time.sleep(61)  # what is younger may still be in its runner's hands
    stack.worker.process.send_signal(signal.SIGHUP)
    eventually(lambda: alice.names() == ["web"], 30, "the container in the index")
    assert alice.json("show", "web") == before and stack.leases() == leases


def kill_runners(stack):
    for number in range(1, 5):
        for pid in stack.worker.children(f"runner-{number}"):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("word, runs", [("WAS-RUNNING", True), ("WAS-STOPPED", False)])
def test_what_an_abandoned_recreate_left_aside_is_put_back(stack, alice, web, word, runs):
    client = stack.docker()
    try:
        client.api.stop(web["id"], timeout=0)
        client.api.rename(web["id"], f"dcm.alice.web.{word}")
        assert "recreated" in alice.json("start", "web", status=1)["error"]["message"]
        stack.worker.process.send_signal(signal.SIGHUP)  # the keeper compares at once
        eventually(lambda: in_engine(stack) == {"dcm.alice.web": web["id"]}, 20, "the container under its name")
    finally:
        client.close()
    assert stack.inspect(web)["State"]["Running"] == runs
    alice.do("restart", "web")


@pytest.mark.parametrize("victim, moment", [*(("runner", moment) for moment in (0.05, 0.2, 0.35, 0.5, 0.7, 1.0)),
                                            ("worker", 0.2), ("worker", 0.5)])
def test_a_kill_at_any_moment_ends_in_exactly_one_container(stack, alice, web, victim, moment):
    request = alice.submit("-d", "recreate", "web", "8081:80").stdout.strip()
    time.sleep(moment)
    if victim == "runner":
        kill_runners(stack)
    else:
        stack.worker.stop(signal.SIGKILL)
        stack.worker.start()
    assert alice.json("wait", request)["state"] == "done"
    after = check_one(stack, alice, web, [8081])
    assert after["id"] != web["id"]
    assert alice.ssh(after, "cat /opt/file /root/note", login="root").split() == ["kept", "stored"]
