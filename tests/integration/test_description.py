"""What DCM does, as its description tells it, for people who have no account here but the one that dcm-admin made:
at the prompt that SSH leads to. What each command says is compared with what the engine itself has afterwards."""

import re

import pytest

from login import sign_in
from offers import drop_web_image, make_web_image, offer

BANNER = """*** Docker containers manager ***
Welcome, anna!
See 'help' for help, 'list' for the list of implemented commands.
"""
CREATED = """Using alias 127.0.0.1
{id}
Container container{port} created successfully.
To connect use
  ssh anna@127.0.0.1 -p {port}
You can also login as root.
Use name or port number to identify the container to DCM.
"""


@pytest.fixture(scope="module")
def people(whole_stack, admin, login):
    """anna and ben, whom the administrator has added; and what he offers them."""
    make_web_image(whole_stack)
    offer(whole_stack, admin)
    for name in ("anna", "ben"):
        admin.add(name)
    yield admin.user("anna"), admin.user("ben")
    for name in ("anna", "ben"):
        admin.run("user", "remove", name, "--images", "--yes")
        assert admin.trace(name) == {}
    drop_web_image(whole_stack)


@pytest.fixture
def anna(stack, people):
    return people[0]


@pytest.fixture
def ben(stack, people):
    return people[1]


class Engine:
    """The engine's own view of what a user has."""

    def __init__(self, stack, user):
        self.stack, self.user = stack, user

    def containers(self):
        with self.stack.engine() as engine:
            listed = engine.containers(all=True, filters={"label": f"dcm.user={self.user.name}"})
            return [engine.inspect_container(container["Id"]) for container in listed]

    def state(self):
        [container] = self.containers()
        return container["State"]

    def images(self):
        with self.stack.engine() as engine:
            return {tag: image["Id"] for image in engine.images() for tag in image["RepoTags"] or []
                    if tag.startswith(f"dcm.local/{self.user.name}/")}

    def image(self, name):
        with self.stack.engine() as engine:
            return engine.inspect_image(name)["Id"]


def published_ssh(container):
    return container["NetworkSettings"]["Ports"]["22/tcp"][0]["HostPort"]


def published(container):
    """{"80/tcp": ("127.0.0.1", 80)}: where the engine publishes its ports, that of SSH apart."""
    ports = container["NetworkSettings"]["Ports"]
    return {port: (bound[0]["HostIp"], int(bound[0]["HostPort"])) for port, bound in ports.items()
            if bound and port != "22/tcp"}


def numbers(listed):
    """The images of a printed list, by their numbers."""
    return dict(re.findall(r"^(\d+) +(\S+)", listed, re.M))


def row(listed, *words):
    """The line of a list in which these words stand."""
    [found] = [line for line in listed.splitlines() if set(words) <= set(line.split())]
    return found.split()


def last_line(text):
    """Behind the progress."""
    return text.splitlines()[-1]


def test_a_user_has_containers_and_images(stack, anna, ben):
    prompt, engine = sign_in(anna), Engine(stack, anna)
    assert prompt.banner == BANNER
    assert "  create " in prompt.run("help") and "usage: create" in prompt.run("help create")
    assert prompt.run("list").endswith("your containers: ps\n")
    assert prompt.run("ps") == "You have no containers.\n" and engine.containers() == []
    port = create_from_the_second_image(prompt, engine)
    for known_as in (f"container{port}", str(port)):
        live_through(prompt, engine, port, known_as)
    save_and_use_an_image(prompt, engine, anna, port)
    another_user_sees_none_of_it(ben, port)
    remove_it_all(prompt, engine, port)
    assert prompt.leave() == 0


def create_from_the_second_image(prompt, engine):
    """The images have numbers. The new container's SSH port."""
    assert numbers(prompt.run("create")) == {"1": "debian-ssh", "2": "debian-web"}
    told = prompt.run("create 2 80 443")
    [container] = engine.containers()
    port = int(published_ssh(container))
    progress, answer = told.split("\n", 1)
    assert progress.endswith("→ done") and answer == CREATED.format(id=container["Id"], port=port)
    assert published(container) == {"80/tcp": ("127.0.0.1", 80), "443/tcp": ("127.0.0.1", 443)}
    assert container["State"]["Running"] and container["Image"] == engine.image("debian-web")
    for login in ("anna", "root"):
        assert engine.user.ssh({"ssh_port": port}, "id -un; ls /usr/local/bin", login=login).split() == [login, "serve"]
    row(prompt.run("ps"), f"container{port}", "running", "127.0.0.1", str(port), "debian-web")
    return port


def live_through(prompt, engine, port, known_as):
    """Each command says what it did, and the engine and ps agree."""
    started = engine.state()["StartedAt"]
    for command, done, running, paused, state in (
            ("stop", "stopped", False, False, "stopped"), ("start", "started", True, False, "running"),
            ("restart", "restarted", True, False, "running"), ("pause", "paused", True, True, "paused"),
            ("unpause", "unpaused", True, False, "running")):
        assert last_line(prompt.run(f"{command} {known_as}")) == f"Container container{port} {done}."
        now = engine.state()
        assert (now["Running"], now["Paused"]) == (running, paused), command
        assert (now["StartedAt"] != started) == (command in ("start", "restart")), command
        started = now["StartedAt"]
        assert row(prompt.run("ps"), f"container{port}")[1] == state
    assert published(engine.containers()[0]) == {"80/tcp": ("127.0.0.1", 80), "443/tcp": ("127.0.0.1", 443)}


def save_and_use_an_image(prompt, engine, anna, port):
    anna.ssh({"ssh_port": port}, "echo hers >/opt/hers; echo kept >/root/kept", login="root")
    assert last_line(prompt.run(f"commit {port} tools:v1 -m 'with a file'")) == "Image tools:v1 committed."
    assert list(engine.images()) == ["dcm.local/anna/tools:v1"] and engine.state()["Status"] == "running"
    listed = prompt.run("images")
    assert numbers(listed) == {"1": "debian-ssh", "2": "debian-web", "3": "tools:v1"}
    assert "anna" in row(listed, "tools:v1") and "anna" not in row(listed, "debian-web")
    told = prompt.run("create 3 --name second")
    [second] = [container for container in engine.containers() if container["Name"] == "/dcm.anna.second"]
    assert "Container second created successfully." in told and second["State"]["Running"]
    assert second["Image"] == engine.images()["dcm.local/anna/tools:v1"]
    inside = {"ssh_port": int(published_ssh(second))}
    assert anna.ssh(inside, "cat /opt/hers /root/kept", login="root").split() == ["hers", "kept"]


def another_user_sees_none_of_it(ben, port):
    prompt = sign_in(ben)
    assert prompt.run("ps") == "You have no containers.\n"
    assert numbers(prompt.run("images")) == {"1": "debian-ssh", "2": "debian-web"}
    for command, name in ((f"stop {port}", port), ("show second", "second"), ("remove -f second", "second"),
                          ("commit second mine", "second"), ("rmi tools:v1", "tools:v1")):
        assert re.search(f"no (container|image) .*{name}", prompt.run(command)), command
    assert "not granted" in prompt.run("create tools:v1")
    for image in ("debian-web", "2"):
        assert "debian-web is the administrator's" in prompt.run(f"rmi {image}")
    assert prompt.leave() == 3  # as of a shell: the last command's


def remove_it_all(prompt, engine, port):
    assert "second" in prompt.run("rmi tools:v1") and len(engine.images()) == 1
    assert "is running" in prompt.run("remove second") and len(engine.containers()) == 2
    assert last_line(prompt.run("remove -f second")) == "Container second removed."
    assert [container["Name"] for container in engine.containers()] == [f"/dcm.anna.container{port}"]
    assert last_line(prompt.run("rmi 3")) == "Image tools:v1 removed." and engine.images() == {}
    assert "stopped" in prompt.run(f"stop {port}") and "removed" in prompt.run(f"remove {port}")
    assert engine.containers() == [] and prompt.run("ps") == "You have no containers.\n"
    assert engine.image("debian-web")
