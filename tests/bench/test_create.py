"""Containers on a real engine: by DCM, by the engine's API with nothing before it, and by what people use instead."""

import json
from functools import partial

import pytest

from bodies import FIRST_PORT, body_like, with_port, words_of
from measure import in_turns, milliseconds, python, together
from peers import Celery, Dcm
from report import Row

ROUNDS, AT_ONCE, TURNS, BURSTS = 15, 4, 3, 5


class Creators:
    """Who makes containers: name → clients, AT_ONCE each. A container's name has the place of its client among all."""

    def __init__(self, stack, celery):
        self.stack, dcm = stack, Dcm(stack)
        self.model = stack.alice.create("--name", "model")  # alice's network stays as long as it does
        self.body = body_like(stack.inspect(self.model))
        docker = ["docker", "--host", f"unix://{stack.engine_socket}", "run", "--detach"]
        makers = {"DCM": lambda: dcm.asker("container.create"), "API": lambda: python("api.py", stack.engine_socket),
                  "docker CLI": lambda: python("spawn.py", *docker), "Celery": lambda: celery.asker("create")}
        self.clients = {name: [make() for _ in range(AT_ONCE)] for name, make in makers.items()}

    def line(self, maker, place, number):
        place_of_all = list(self.clients).index(maker) * AT_ONCE + place
        name, port = f"bench-{place_of_all}-{number}", FIRST_PORT + place_of_all * 100 + number
        if maker == "DCM":
            return json.dumps({"image": "debian-ssh", "name": name})
        body = with_port(self.body, port)
        if maker == "docker CLI":
            words = ["--name", name, *map(str, words_of(body)), body["Image"]]
            return " ".join(f"'{word}'" for word in words)
        return json.dumps({"name": name, "body": body})

    def clear(self, maker):
        """What it has made goes, past it."""
        if maker == "DCM":
            names = [name for name in self.stack.alice.names() if name != "model"]
            done = self.stack.alice.submit("remove", "-f", *names)
            assert done.returncode == 0, done.stderr
            return
        with self.stack.engine() as engine:
            for container in engine.containers(all=True, filters={"name": "^/bench-"}):
                engine.remove_container(container["Id"], force=True, v=True)

    def close(self):
        for client in (client for clients in self.clients.values() for client in clients):
            client.close()


@pytest.fixture(scope="module")
def creators(stack):
    celery = Celery(stack)
    made = Creators(stack, celery)
    yield made
    made.close()
    celery.stop()
    stack.clear()


def test_one_after_another(creators, report):
    times = in_turns(ROUNDS, {name: clients[0] for name, clients in creators.clients.items()},
                     lambda name, number: creators.line(name, 0, number + 1), lambda name, _: creators.clear(name))
    report.add(Row("from create to running", "ms", milliseconds(times)).ratio("API", "≤", 1.02))


def test_four_at_once(creators, report):
    rates = {name: [] for name in creators.clients}
    for _ in range(BURSTS):
        for name, clients in creators.clients.items():
            rates[name].append(together(clients, TURNS, partial(creators.line, name)))
            creators.clear(name)
    report.add(Row("containers created, 4 at once", "a second", rates).ratio("API", "≥", 0.98))
