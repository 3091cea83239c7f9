"""Web servers in users' containers: several on port 80 at once, each on an address of its own, and other ports."""

import socket
import subprocess

import pytest

from login import sign_in, ssh
from offers import drop_web_image, make_web_image, offer
from stack import eventually

FIRST, SECOND = "127.0.0.1", "127.0.0.2"


@pytest.fixture(scope="module", autouse=True)
def offered(whole_stack, admin, login):
    make_web_image(whole_stack)
    offer(whole_stack, admin)
    yield
    drop_web_image(whole_stack)


@pytest.fixture
def prompts(alice, bob):
    """alice's and bob's, who have both been shown the images."""
    opened = [sign_in(user) for user in (alice, bob)]
    for prompt in opened:
        assert "2  debian-web" in prompt.run("images")
    yield opened
    for prompt in opened:
        prompt.child.close(force=True)


def serve(user, container, port, text):
    user.ssh(container, f"nohup serve {port} {text} >/dev/null 2>&1 &", login="root")


def fetch(address, port):
    """What curl gets there, once there is something."""
    return eventually(lambda: subprocess.run(["curl", "--silent", "--max-time", "5", f"http://{address}:{port}/"],
                                             capture_output=True, text=True, check=False).stdout, 20, "an answer")


def only(user):
    [container] = user.json("ps")["containers"]
    return container


def bound(stack, container):
    """What the engine publishes, SSH's port apart."""
    ports = stack.inspect(container)["HostConfig"]["PortBindings"]
    return {port: [(b["HostIp"], b["HostPort"]) for b in bindings] for port, bindings in ports.items() if port != "22/tcp"}


def test_two_users_have_port_80_at_once(stack, alice, bob, prompts):
    for user, prompt, address in ((alice, prompts[0], FIRST), (bob, prompts[1], SECOND)):
        told = prompt.run("create 2 80")
        assert f"Using alias {address}\n" in told and f"  ssh {user.name}@{address} -p " in told
        container = only(user)
        assert bound(stack, container) == {"80/tcp": [(address, "80")]}
        serve(user, container, 80, f"hers-or-his-{user.name}")
        # As it was told: SSH is on that address too.
        assert subprocess.check_output(["ssh-keyscan", "-T", "5", "-p", str(container["ssh_port"]), address],
                                       stderr=subprocess.DEVNULL)
    assert fetch(FIRST, 80) == "hers-or-his-alice\n" and fetch(SECOND, 80) == "hers-or-his-bob\n"


def test_ports_land_where_all_of_them_are_free(stack, alice, bob, prompts):
    assert f"Using alias {FIRST}\n" in prompts[0].run("create 2 443")
    assert f"Using alias {SECOND}\n" in prompts[1].run("create 2 80 443")
    assert bound(stack, only(bob)) == {"80/tcp": [(SECOND, "80")], "443/tcp": [(SECOND, "443")]}
    before = stack.containers(), stack.leases()
    refused = prompts[1].run("create 2 80 443")
    assert f"port 443/tcp is taken on {FIRST} and {SECOND}: choose another host port" in refused
    assert f"port 80/tcp is taken on {SECOND}" in refused
    assert (stack.containers(), stack.leases()) == before
    # What is taken on one address only is no obstacle there, and a stopped container keeps what it has.
    assert "stopped" in prompts[0].run(f"stop {only(alice)['name']}")
    assert f"taken on {FIRST} and {SECOND}" in prompts[1].run("create 2 443")
    assert f"Using alias {FIRST}\n" in prompts[1].run("create 2 80")


@pytest.mark.parametrize("words, bindings", [
    ("8080:80", {"80/tcp": [(FIRST, "8080")]}),
    ("8001-8003", {f"{port}/tcp": [(FIRST, str(port))] for port in (8001, 8002, 8003)}),
    ("8100-8101:80-81 53/udp", {"80/tcp": [(FIRST, "8100")], "81/tcp": [(FIRST, "8101")], "53/udp": [(FIRST, "53")]}),
    (f"--address {SECOND} 80 -p 8443:443", {"80/tcp": [(SECOND, "80")], "443/tcp": [(SECOND, "8443")]}),
    (f"{SECOND}:8080:80 {FIRST}:8081:80", {"80/tcp": [(SECOND, "8080"), (FIRST, "8081")]}),
    (f"{SECOND}:443 80", {"443/tcp": [(SECOND, "443")], "80/tcp": [(FIRST, "80")]}),
])
def test_ports_are_published_as_they_are_written(stack, alice, words, bindings):
    done = ssh(alice, f"create debian-web {words}")
    assert done.returncode == 0, done.stderr
    assert bound(stack, only(alice)) == bindings
    addresses = {address for rows in bindings.values() for address, _ in rows}
    assert done.stdout.startswith(f"Using alias {FIRST if FIRST in addresses else SECOND}\n")


@pytest.mark.parametrize("words, status, told", [
    ("444", 3, "port 444/tcp is not granted"), ("80-81", 3, "port 81/tcp is not granted"),
    ("53", 3, "port 53/tcp is not granted"), ("8001-8003:1-2", 2, "of the same length"), ("22", 2, "22"), ("80 80", 2, "twice"),
    (f"--address 10.9.8.7 80", 4, "no address 10.9.8.7"), ("8080/sctp", 2, "8080/sctp"), ("0:80", 2, "0"),
])
def test_other_ports_are_refused_and_nothing_is_made(stack, alice, words, status, told):
    done = ssh(alice, f"create debian-web {words}")
    assert done.returncode == status and told in done.stderr and done.stderr.count("\n") == 1, done
    assert stack.containers() == [] and stack.leases() == {}


def test_traffic_goes_through_mapped_ports(stack, alice):
    container = alice.json("create", "debian-web", "8080:80", "53/udp")["container"]
    serve(alice, container, 80, "mapped")
    alice.ssh(container, "nohup perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => 53, Proto => q(udp)); "
                         "while ($s->recv($m, 99)) { $s->send(qq(echo $m)) }' >/dev/null 2>&1 &", login="root")
    assert fetch(FIRST, 8080) == "mapped\n"

    def echo():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(1)
            asking.sendto(b"hello", (FIRST, 53))
            try:
                return asking.recv(99)
            except (TimeoutError, ConnectionRefusedError):
                return None

    assert eventually(echo, 20, "an answer by UDP") == b"echo hello"
