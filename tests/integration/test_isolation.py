"""From inside a user's container the host and other users' containers are out of reach.

A second network namespace plays the network outside; a listener of ours on every address of the host
stands for whatever listens there: engine, broker, store, metrics, a login server's sshd.
"""

import subprocess

import pytest

from outside import HOST, OUTSIDE, Listener, read_tcp
from stack import ROOT, eventually

FIREWALL = ROOT / "ops" / "dcm-firewall"


def read_udp(address, port):
    return f"exec 3<>/dev/udp/{address}/{port} && echo hello >&3 && timeout 2 head -n 1 <&3"


@pytest.fixture(scope="module")
def service():
    made = Listener()
    yield made
    made.close()


@pytest.fixture
def pair(stack, alice, bob, outside):
    """A container of alice's and one of bob's, and whoever is outside."""
    return alice.create(), bob.create(), outside


def firewall(*words, check=True):
    return subprocess.run([FIREWALL, *words], check=check, capture_output=True, text=True)


def try_inside(user, container, script):
    return user.ssh_try(container, f"timeout 5 bash -c '{script}'")


def assert_prohibited(user, container, script, what):
    """The packet filter's own answer, EHOSTUNREACH: not that of a port where nobody listens."""
    done = try_inside(user, container, script)
    assert done.returncode != 0 and "No route to host" in done.stderr, (what, done)
    assert done.stdout == "", what


def assert_silent(user, container, script, what):
    """The same for UDP, where the kernel's limit on errors may leave us without any answer."""
    done = try_inside(user, container, script)
    assert (done.returncode != 0 or "No route to host" in done.stderr) and done.stdout == "", (what, done)


def address_of(stack, container):
    networks = stack.inspect(container)["NetworkSettings"]["Networks"]
    return next(iter(networks.values()))


def host_addresses(stack, *containers):
    """Every address of the host that containers could reach: users' gateways, the engine's, the alias."""
    listed = subprocess.run(["ip", "-4", "-o", "address", "show"], capture_output=True, text=True, check=True).stdout
    found = {line.split()[3].split("/")[0] for line in listed.splitlines()} - {"127.0.0.1", "127.0.0.2"}
    assert {HOST, *(address_of(stack, container)["Gateway"] for container in containers)} < found
    return sorted(found)


def test_services_of_the_host_are_out_of_reach_on_every_address(stack, alice, pair, service):
    container, other, outside = pair
    for address in host_addresses(stack, container, other):
        assert_prohibited(alice, container, read_tcp(address, service.port), address)
    gateway = address_of(stack, container)["Gateway"]
    assert_silent(alice, container, read_udp(gateway, service.port), "by UDP")
    assert outside.greeted(HOST, service.port) == "greetings\n"


def test_containers_of_others_are_out_of_reach_by_address_and_by_published_port(stack, alice, pair):
    container, other, outside = pair
    assert_prohibited(alice, container, read_tcp(address_of(stack, other)["IPAddress"], 22), "bob's own address")
    for address in host_addresses(stack, container, other):
        assert_prohibited(alice, container, read_tcp(address, other["ssh_port"]), f"bob's port on {address}")
    assert outside.greeted(HOST, other["ssh_port"]).startswith("SSH-2.0-")


def test_without_the_rules_all_of_that_can_be_reached(stack, alice, pair, service):
    """So what the others assert is the rules' doing."""
    container, other, _ = pair
    firewall("remove")
    try:
        for address in (HOST, address_of(stack, container)["Gateway"]):
            assert try_inside(alice, container, read_tcp(address, service.port)).stdout == "greetings\n"
            assert try_inside(alice, container, read_tcp(address, other["ssh_port"])).stdout.startswith("SSH-2.0-")
        # By UDP the listener answers from the gateway's address, whichever was asked.
        assert try_inside(alice, container, read_udp(address, service.port)).stdout == "greetings\n"
    finally:
        firewall("apply")
    assert_prohibited(alice, container, read_tcp(HOST, service.port), "with the rules again")


def test_the_network_outside_and_ones_own_containers_are_within_reach(stack, alice, pair):
    container, _, outside = pair
    second = alice.create("--name", "second")
    for read in (read_tcp, read_udp):
        assert try_inside(alice, container, read(OUTSIDE, outside.listener.port)).stdout == "greetings\n"
    for name in ("dcm.alice.second", address_of(stack, second)["IPAddress"]):
        assert try_inside(alice, container, read_tcp(name, 22)).stdout.startswith("SSH-2.0-")


def test_only_ones_own_containers_have_names(stack, alice, bob, pair):
    container, _, _ = pair
    alice.create("--name", "second")
    bob.create("--name", "third")
    look_up = "timeout 2 getent hosts dcm.alice.second; timeout 2 getent hosts dcm.bob.third"
    assert [line.split()[1] for line in try_inside(alice, container, look_up).stdout.splitlines()] == ["dcm.alice.second"]


def test_the_rules_outlive_a_restart_of_the_engine(stack, alice, pair, service):
    container, other, _ = pair
    stack.service("stop", "engine")
    stack.service("start", "engine")
    assert firewall("check").returncode == 0
    eventually(lambda: alice.ssh_try(container, "true").returncode == 0, 30, "the container's return")
    assert_prohibited(alice, container, read_tcp(HOST, service.port), "a service")
    assert_prohibited(alice, container, read_tcp(HOST, other["ssh_port"]), "bob's port")


def test_exceptions_open_what_they_name_and_nothing_else(stack, alice, pair, service, tmp_path):
    container, _, outside = pair
    file = tmp_path / "firewall"
    file.write_text(f"# one service, and one network less\nallow {HOST} tcp {service.port}\ndeny {OUTSIDE}/32")
    firewall("--exceptions", file, "apply")
    try:
        assert firewall("--exceptions", file, "check").returncode == 0
        assert firewall("check", check=False).returncode == 1
        assert try_inside(alice, container, read_tcp(HOST, service.port)).stdout == "greetings\n"
        gateway = address_of(stack, container)["Gateway"]
        assert_silent(alice, container, read_udp(gateway, service.port), "the same port by UDP")
        assert_prohibited(alice, container, read_tcp(OUTSIDE, outside.listener.port), "the denied network")
    finally:
        firewall("apply")


def test_a_faulty_exception_is_named_and_changes_nothing(whole_stack, tmp_path):
    file = tmp_path / "firewall"
    file.write_text("allow 10.0.0.1 tcp 3142\nallow everything\n")
    refused = firewall("--exceptions", file, "apply", check=False)
    assert refused.returncode == 1 and "firewall:2: 'allow everything' is not" in refused.stderr
    assert firewall("check").returncode == 0


@pytest.mark.parametrize("damage, told", [
    ("-I INPUT 1 -j ACCEPT", "INPUT does not lead"),
    ("-I DOCKER-USER 1 -j ACCEPT", "DOCKER-USER does not lead"),
    ("-I DCM-FORWARD 1 -j ACCEPT", "or has others"),
    ("-D DCM-INPUT 1", "lacks rules"),
])
def test_rules_that_were_changed_are_noticed_and_mended(whole_stack, damage, told):
    subprocess.run(["iptables", "-w", *damage.split()], check=True)
    noticed = firewall("check", check=False)
    firewall("apply")
    assert noticed.returncode == 1 and told in noticed.stderr
    assert firewall("check").returncode == 0
