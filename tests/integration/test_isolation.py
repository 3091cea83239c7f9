"""From inside a user's container the host and other users' containers are out of reach.

A second network namespace plays the network outside. Listeners of ours on every address of the host stand for what
may listen there; the engine's, the broker's and the store's own are on loopback.
"""

import pathlib
import subprocess

import pytest

from outside import HOST, OUTSIDE, Listener, read_tcp
from stack import ROOT, eventually

FIREWALL = ROOT / "ops" / "dcm-firewall"
PORTS = {"login": 22, "engine": 2375, "broker": 5672, "store": 6379, "metrics": 9100}
# How often the kernel says that something is prohibited: not once a second, as usual, but always.
UNLIMITED = pathlib.Path("/proc/sys/net/ipv4/icmp_ratelimit")


def read_udp(address, port):
    return f"exec 3<>/dev/udp/{address}/{port} && echo hello >&3 && timeout 2 head -n 1 <&3"


@pytest.fixture(scope="module")
def service():
    made = Listener()
    yield made
    made.close()


@pytest.fixture(scope="module")
def services(service):
    """Ports on which somebody listens on every address of the host."""
    made = [Listener(port=port) for port in PORTS.values()]
    usual = UNLIMITED.read_text()
    UNLIMITED.write_text("0")
    yield [*PORTS.values(), service.port]
    UNLIMITED.write_text(usual)
    for listener in made:
        listener.close()


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


def answers(user, container, targets):
    """What a connection to each (address, port) comes to, tried side by side: that it is prohibited is known after a second."""
    tried = [f"{address}/{port}" for address, port in targets]
    probe = "echo T $( (exec 3<>/dev/tcp/T && timeout 3 head -n 1 <&3) 2>&1)"
    done = user.ssh_try(container, f"printf '%s\\n' {' '.join(tried)} | xargs -P 16 -I T bash -c '{probe}'")
    found = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert sorted(found) == sorted(tried), done
    return found


def assert_all_prohibited(user, container, targets):
    reached = {where: answer for where, answer in answers(user, container, targets).items()
               if "No route to host" not in answer}
    assert targets and reached == {}


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


def test_services_of_the_host_are_out_of_reach_on_every_address(stack, alice, pair, services, service):
    container, other, outside = pair
    assert_all_prohibited(alice, container, [(address, port) for address in host_addresses(stack, container, other)
                                             for port in services])
    gateway = address_of(stack, container)["Gateway"]
    assert_silent(alice, container, read_udp(gateway, service.port), "by UDP")
    assert outside.greeted(HOST, service.port) == "greetings\n"


def test_containers_of_others_are_out_of_reach_by_address_and_by_published_port(stack, alice, pair, services):
    container, other, outside = pair
    published = [(address, other["ssh_port"]) for address in host_addresses(stack, container, other)]
    assert_all_prohibited(alice, container, [(address_of(stack, other)["IPAddress"], 22), *published])
    assert outside.greeted(HOST, other["ssh_port"]).startswith("SSH-2.0-")


def test_without_the_rules_all_of_that_can_be_reached(stack, alice, pair, services):
    """So what the others assert is the rules' doing."""
    container, other, _ = pair
    places = [HOST, address_of(stack, container)["Gateway"]]
    firewall("remove")
    try:
        reached = answers(alice, container, [(address, port) for address in places for port in services])
        assert set(reached.values()) == {"greetings"}
        reached = answers(alice, container, [(address, other["ssh_port"]) for address in places])
        assert all(answer.startswith("SSH-2.0-") for answer in reached.values())
        # By UDP the listener answers from the gateway's address, whichever was asked.
        assert try_inside(alice, container, read_udp(places[1], services[-1])).stdout == "greetings\n"
    finally:
        firewall("apply")
    assert_prohibited(alice, container, read_tcp(HOST, services[-1]), "with the rules again")


def test_seccomp_is_on_for_everybody_inside(stack, alice, pair):
    """unshare(2) of a user namespace is what the engine's filter refuses to whoever has no CAP_SYS_ADMIN."""
    container, _, _ = pair
    for login in ("alice", "root"):
        status, *refused = alice.ssh(container, "grep -h ^Seccomp: /proc/self/status; unshare --user true 2>&1; "
                                     "cat /proc/1/status | grep ^Seccomp:", login=login).splitlines()
        assert status.split() == ["Seccomp:", "2"] == refused[-1].split() and "Operation not permitted" in refused[0]
    assert not stack.inspect(container)["HostConfig"]["SecurityOpt"]
    with stack.engine() as engine:
        assert "name=seccomp,profile=default" in engine.info()["SecurityOptions"]


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
