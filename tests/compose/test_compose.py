"""Docker and docker-compose alone: a stack of containers does the main job, outlives its containers, and leaves nothing."""

import socket

import pytest

from containers import LOOPBACK, PROJECT
from stack import eventually

SERVER = "10.213.0.11"


@pytest.fixture(scope="module")
def container(stack):
    """As the user's first create made it."""
    return stack.ask("create", "debian-ssh", "80")["container"]


def banner(address, port):
    """Nothing where nobody listens yet."""
    try:
        with socket.create_connection((address, port), 5) as connection:
            return connection.recv(100)
    except ConnectionRefusedError:
        return b""


def test_a_user_asks_at_the_login_server_and_sees_the_container(stack, container):
    [listed] = stack.ask("ps")["containers"]
    assert listed["name"] == container["name"] and listed["state"] == "running"
    assert listed["server"] == "server1" and listed["address"] == SERVER
    assert [(port["address"], port["host"]) for port in listed["ports"]] == [(SERVER, 80)]


def test_ssh_to_the_servers_address_ends_in_the_container(stack, container):
    for login in (stack.name, "root"):
        assert stack.inside(container, "hostname", login=login) == container["id"][:12]
        assert stack.inside(container, "id", "-un", login=login) == login
    assert stack.inside(container, "hostname", address=LOOPBACK) == container["id"][:12]


def test_what_listens_on_a_direct_port_is_reached_at_the_server(stack, container):
    stack.inside(container, "/usr/sbin/sshd", "-p", "80", login="root")
    assert eventually(lambda: banner(SERVER, 80), 20, "an answer at port 80").startswith(b"SSH-2.0-")


def test_a_container_reaches_neither_broker_nor_store(stack, container):
    for service, port in (("broker", 5672), ("store", 6379)):
        address = stack.inspect(service)["NetworkSettings"]["Networks"][f"{PROJECT}_backbone"]["IPAddress"]
        connect = f"exec 3<>/dev/tcp/{address}/{port} && echo connected"
        assert stack.ops("run", "exec", "-T", "login", "bash", "-c", connect).strip() == "connected"
        assert stack.inside(container, f"timeout 5 bash -c '{connect}' 2>/dev/null || echo refused") == "refused"


def test_secrets_are_in_files_alone(stack, container):
    secrets = {path.name: path.read_text() for path in (stack.state / "secrets").iterdir()}
    assert len(secrets) >= 7 and all(len(text) == 64 for text in secrets.values())
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (stack.state / "secrets").iterdir())
    everywhere = stack.docker("ps", "--quiet").split()
    images = {stack.inspect(service)["Image"] for service in ("broker", "store", "login", "server1")}
    shown = [stack.docker("inspect", *everywhere, *images), *(stack.docker("history", "--no-trunc", i) for i in images),
             *(stack.docker("top", one, "-eo", "pid,args") for one in everywhere)]
    assert "dcm-worker" in "".join(shown)
    assert [name for name, text in secrets.items() if any(text in part for part in shown)] == []


@pytest.mark.parametrize("image", ["dcm-test-broker", "dcm-test-store", "dcm-test-login", "dcm-test-server"])
def test_no_image_brings_a_key_of_its_own(stack, image):
    names = ("keyring", "ssh_host_*_key", ".erlang.cookie")
    found = stack.docker("run", "--rm", "--network", "none", "--entrypoint", "find", image, "/etc", "/var/lib", "-false",
                         *(word for name in names for word in ("-o", "-name", name)))
    assert found == ""


def test_what_users_have_outlives_new_containers_of_the_stack(stack, container):
    stack.inside(container, "echo kept >/root/kept; echo changed >/etc/changed", login="root")
    stack.ops("run", "up", "--detach", "--force-recreate")
    stack.ops("up")
    [listed] = eventually(lambda: stack.ask("ps")["containers"], 30, "the index")
    assert listed["id"] == container["id"] and listed["ssh_port"] == container["ssh_port"]
    assert stack.inside(container, "cat /root/kept /etc/changed", login="root") == "kept\nchanged"


def test_a_container_is_saved_as_an_image_and_removed(stack, container):
    stack.ask("commit", container["name"], "mine")
    assert "mine:latest" in [image["name"] for image in stack.ask("images")["images"]]
    stack.ask("remove", "-f", container["name"])
    made = stack.ask("create", "mine")["container"]
    assert stack.inside(made, "cat /etc/changed") == "changed"
    stack.ask("remove", "-f", made["name"])
    assert stack.ask("ps")["containers"] == []


def test_another_user_has_containers_of_his_own(stack):
    stack.ops("user", "alice")
    alice = type(stack)(stack.environment["DOCKER_HOST"].removeprefix("unix://"), stack.state, stack.environment["DCM_COMPOSE"])
    alice.name, alice.key = "alice", stack.state / "keys" / "alice"
    container = alice.ask("create", "debian-ssh")["container"]
    assert alice.inside(container, "id", "-un") == "alice"
    assert stack.ask("ps")["containers"] == []
    assert "Permission denied" in stack.ssh("alice", SERVER, container["ssh_port"], "true").stderr


def test_down_leaves_nothing_but_images(stack):
    stack.ops("down")
    label = f"label=com.docker.compose.project={PROJECT}"
    for kind, every in (("ps", "--all"), ("volume ls", ""), ("network ls", "")):
        assert stack.docker(*kind.split(), *every.split(), "--quiet", "--filter", label) == ""
    assert not stack.state.exists()
