"""Leases: random, exclusive, kept while stopped, and never in the way of what runs outside DCM."""

import json
import socket

import pytest


def test_a_lease_outlives_a_stop_and_ends_with_the_container(stack, alice):
    container = alice.create("8080:80")
    lease = json.loads(stack.leases()[f"tcp/{container['ssh_port']}"])
    assert lease["0.0.0.0"]["until"] == 0 and lease["0.0.0.0"]["user"] == "alice"
    assert "tcp/8080" in stack.leases()
    alice.submit("stop", container["name"])
    assert len(stack.leases()) == 2
    alice.submit("remove", container["name"])
    assert stack.leases() == {}


def narrow(stack, first, last):
    """A worker whose range of SSH ports is this small."""
    text = stack.worker.config.read_text()
    stack.worker.stop()
    stack.worker.config.write_text(text.replace("ssh_ports = 20000-29999", f"ssh_ports = {first}-{last}"))
    stack.worker.start()
    return text


def test_a_port_taken_outside_means_another_port_and_no_debris(stack, alice):
    text = narrow(stack, 31000, 31002)
    squatters = [socket.socket(), socket.socket()]
    try:
        for squatter, port in zip(squatters, (31000, 31002)):
            squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            squatter.bind(("0.0.0.0", port))
            squatter.listen()
        container = alice.create()
        assert container["ssh_port"] == 31001 and container["name"] == "container31001"
        assert stack.containers() == [container["id"]]
        assert list(stack.leases()) == ["tcp/31001"]
        refused = alice.json("create", "debian-ssh", status=1)
        assert refused["error"]["code"] == "conflict"
        assert stack.containers() == [container["id"]]
    finally:
        for squatter in squatters:
            squatter.close()
        stack.worker.stop()
        stack.worker.config.write_text(text)
        stack.worker.start()


@pytest.mark.parametrize("port", [80, 8080])
def test_a_direct_port_taken_outside_is_named(stack, alice, port):
    with socket.socket() as squatter:
        squatter.bind(("0.0.0.0", port))
        squatter.listen()
        refused = alice.json("create", "debian-ssh", f"{port}:80", status=1)
    assert refused["error"]["code"] == "conflict" and str(port) in refused["error"]["message"]
    assert stack.containers() == [] and stack.leases() == {} and stack.networks() == []


def test_a_port_taken_outside_on_one_alias_goes_to_another(stack, alice):
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 8080))
        squatter.listen()
        container = alice.create("8080:80")
    assert [port["address"] for port in container["ports"]] == ["127.0.0.2"]
    assert list(json.loads(stack.leases()["tcp/8080"])) == ["127.0.0.2"]


def test_several_ports_go_to_the_alias_that_has_all_of_them_free(stack, alice, bob):
    alice.create("127.0.0.1:8002:2")
    container = bob.create("8001:80", "8002:2")
    assert {port["address"] for port in container["ports"]} == {"127.0.0.2"}


def test_the_range_is_used_to_its_last_port(stack, alice, bob):
    text = narrow(stack, 31010, 31013)
    try:
        ports = [user.create()["ssh_port"] for user in (alice, bob, alice, bob)]
        assert sorted(ports) == [31010, 31011, 31012, 31013]
        assert alice.submit("create", "debian-ssh").returncode == 1
    finally:
        stack.worker.stop()
        stack.worker.config.write_text(text)
        stack.worker.start()
