"""From inside a user's container the host and other users' containers are out of reach.

A second network namespace plays the network outside; a listener of ours on every address of the host
stands for whatever listens there: engine, broker, store, metrics, a login server's sshd.
"""

import contextlib
import os
import socket
import subprocess
import threading

import pytest

from stack import ROOT, eventually

FIREWALL = ROOT / "ops" / "dcm-firewall"
HOST, OUTSIDE = "198.51.100.1", "198.51.100.2"  # RFC 5737: nobody's


class Listener:
    """Greets whoever connects, by TCP and by UDP on one port, in the namespace of its maker."""

    def __init__(self, address="0.0.0.0"):
        self.tcp = socket.create_server((address, 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, self.port))
        for serve in (self.serve_tcp, self.serve_udp):
            threading.Thread(target=serve, daemon=True).start()

    def serve_tcp(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.tcp.accept()
                with peer:
                    peer.sendall(b"greetings\n")

    def serve_udp(self):
        with contextlib.suppress(OSError):
            while True:
                _, sender = self.udp.recvfrom(100)
                self.udp.sendto(b"greetings\n", sender)

    def close(self):
        for end in (self.tcp, self.udp):
            end.close()


class Outside:
    """A network namespace beyond an interface of the host's, with a listener in it."""

    def __init__(self):
        self.keeper = subprocess.Popen(["unshare", "--net", "sleep", "600"])
        mine = os.readlink("/proc/self/ns/net")
        eventually(lambda: os.readlink(f"/proc/{self.keeper.pid}/ns/net") != mine, 5, "the namespace")
        self.ip("link", "add", "outer", "type", "veth", "peer", "name", "inner", "netns", str(self.keeper.pid))
        self.ip("address", "add", f"{HOST}/24", "dev", "outer")
        self.ip("link", "set", "outer", "up")
        for command in ("link set lo up", f"address add {OUTSIDE}/24 dev inner", "link set inner up"):
            subprocess.run([*self.enter(), "ip", *command.split()], check=True)
        self.listener = self.listen()

    @staticmethod
    def ip(*words):
        subprocess.run(["ip", *words], check=True)

    def enter(self):
        return ["nsenter", "--target", str(self.keeper.pid), "--net"]

    def listen(self):
        """Sockets belong to the namespace they were made in: setns(2), make them, and go back."""
        with open("/proc/self/ns/net", encoding="ascii") as here, \
                open(f"/proc/{self.keeper.pid}/ns/net", encoding="ascii") as there:
            made = []

            def make():
                setns(there.fileno())
                made.append(Listener(OUTSIDE))
                setns(here.fileno())

            thread = threading.Thread(target=make)
            thread.start()
            thread.join()
            return made[0]

    def greeted(self, address, port):
        """What somebody outside is told there; "" where nobody answers."""
        return subprocess.run([*self.enter(), "bash", "-c", read_tcp(address, port)],
                              capture_output=True, text=True, check=False).stdout

    def close(self):
        self.listener.close()
        self.keeper.kill()
        self.keeper.wait()


def setns(descriptor):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.setns(descriptor, 0) == 0, os.strerror(ctypes.get_errno())


def read_tcp(address, port):
    return f"exec 3<>/dev/tcp/{address}/{port} && timeout 3 head -n 1 <&3"


def read_udp(address, port):
    return f"exec 3<>/dev/udp/{address}/{port} && echo hello >&3 && timeout 2 head -n 1 <&3"


@pytest.fixture(scope="module")
def outside():
    made = Outside()
    yield made
    made.close()


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
