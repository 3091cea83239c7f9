"""Each command leaves the engine in the state that it names."""

import socket
import time

from stack import eventually
from truth import host_key


def state(stack, container):
    return stack.inspect(container)["State"]


def test_stop_and_start(stack, alice):
    container = alice.create()
    assert alice.json("stop", container["name"])["container"]["state"] == "stopped"
    assert not state(stack, container)["Running"]
    assert alice.json("show", container["name"])["container"]["state"] == "stopped"
    assert alice.json("start", str(container["ssh_port"]))["container"]["state"] == "running"
    assert state(stack, container)["Running"]
    assert alice.ssh(container, "id -un") == "alice"


def test_a_counter_stands_still_while_paused(stack, alice):
    container = alice.create()
    alice.ssh(container, "nohup sh -c 'n=0; while :; do n=$((n+1)); echo $n >/root/count; sleep 1; done' "
                         ">/dev/null 2>&1 &", login="root")
    count = stack.storage / "alice" / "root" / "count"
    eventually(lambda: count.exists() and count.read_text().strip() not in ("", "1"), 20, "counting")
    alice.do("pause", container["name"])
    assert state(stack, container)["Paused"]
    before = count.read_text()
    time.sleep(3)
    assert count.read_text() == before
    alice.do("unpause", container["name"])
    assert not state(stack, container)["Paused"]
    eventually(lambda: count.read_text() not in ("", before), 10, "counting again")


def test_restart_changes_started_at_and_keeps_the_port(stack, alice):
    container = alice.create()
    before = stack.inspect(container)
    alice.do("restart", container["name"])
    after = stack.inspect(container)
    assert after["State"]["StartedAt"] != before["State"]["StartedAt"]
    assert after["HostConfig"]["PortBindings"] == before["HostConfig"]["PortBindings"]
    assert alice.ssh(container, "hostname") == container["id"][:12]


def test_port_and_host_key_outlive_stop_start_and_a_restart_of_the_engine(stack, alice):
    container = alice.create()
    key = host_key(container)
    alice.do("stop", container["name"])
    alice.do("start", container["name"])
    assert host_key(container) == key
    stack.service("stop", "engine")
    stack.service("start", "engine")
    eventually(lambda: state(stack, container)["Running"], 30, "the container after the engine")
    assert alice.json("show", container["name"])["container"]["ssh_port"] == container["ssh_port"]
    assert host_key(container) == key


def test_remove_refuses_a_running_container_without_force(stack, alice):
    container = alice.create()
    refused = alice.json("remove", container["name"], status=1)
    assert refused["error"]["code"] == "conflict" and "remove -f" in refused["error"]["message"]
    assert state(stack, container)["Running"]
    alice.do("remove", "-f", container["name"])
    assert stack.containers() == []
    with socket.socket() as free:
        free.bind(("0.0.0.0", container["ssh_port"]))


def test_several_targets_are_all_tried(stack, alice):
    one, two = alice.create(), alice.create()
    done = alice.submit("--json", "stop", one["name"], "nosuch", two["name"])
    assert done.returncode == 4
    assert len(done.stdout.splitlines()) == 3
    assert not state(stack, one)["Running"] and not state(stack, two)["Running"]


def test_a_neighbours_container_cannot_be_named(stack, alice, bob):
    container = alice.create("--name", "mine")
    for command in ("stop", "start", "restart", "pause", "unpause", "logs", "show"):
        for reference in ("mine", str(container["ssh_port"])):
            assert bob.submit(command, reference).returncode == 4
    assert bob.submit("remove", "-f", "mine").returncode == 4
    assert bob.names() == []
    assert state(stack, container)["Running"]


def test_wrong_states_are_refused_with_advice(stack, alice):
    container = alice.create()
    assert alice.json("unpause", container["name"], status=1)["error"]["code"] == "conflict"
    alice.submit("pause", container["name"])
    assert alice.json("restart", container["name"], status=1)["error"]["code"] == "conflict"
    alice.submit("unpause", container["name"])
    assert alice.json("start", container["name"])["state"] == "done"


def test_logs_come_from_the_container(stack, alice):
    container = alice.create()
    alice.ssh(container, "true")
    shown = eventually(lambda: alice.submit("logs", container["name"]).stderr, 20, "sshd's log")
    assert "Accepted publickey" in shown or "Server listening" in shown


def test_a_container_that_is_removed_by_hand_frees_its_port(stack, alice):
    container = alice.create()
    client = stack.docker()
    client.api.remove_container(container["id"], force=True)
    client.close()
    eventually(lambda: alice.names() == [] and stack.leases() == {}, 30, "the index without it")


def test_a_container_that_dies_shows_as_stopped(stack, alice):
    container = alice.create()
    client = stack.docker()
    client.api.stop(container["id"])
    client.close()
    eventually(lambda: alice.json("show", container["name"])["container"]["state"] == "stopped", 20, "the new state")
