"""The stack of docker-compose.test.yml, as those who use it see it: ops/compose, SSH, and the engine's own client."""

import json
import os
import pathlib
import subprocess

from login import options
from stack import eventually

OPS = pathlib.Path(__file__).resolve().parents[2] / "ops" / "compose"
PROJECT = "dcm-test"
LOGIN_PORT = 2222
LOOPBACK = "127.0.0.1"


class Stack:
    name = "demo"

    def __init__(self, engine, state, command):
        self.state = state
        self.key = state / "keys" / self.name
        self.environment = {**os.environ, "DOCKER_HOST": f"unix://{engine}", "DOCKER_BUILDKIT": "0",
                            "DCM_COMPOSE": command, "DCM_TEST_STATE": str(state)}

    def ops(self, *args):
        return self.output(OPS, *args)

    def docker(self, *args):
        return self.output("docker", *args)

    def output(self, *command):
        done = subprocess.run(list(map(str, command)), env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=600, check=False)
        assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout

    def inspect(self, service):
        """What the engine has of the container of a service."""
        [found] = json.loads(self.docker("inspect", self.ops("run", "ps", "--quiet", service).strip()))
        return found

    def ssh(self, login, address, port, *words):
        return subprocess.run(["ssh", *options(self), "-o", "ConnectTimeout=5", "-p", str(port), f"{login}@{address}", *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)

    def ask(self, *words):
        """The JSON that a command to the login server prints."""
        done = self.ssh(self.name, LOOPBACK, LOGIN_PORT, *words, "--json")
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return json.loads(done.stdout)

    def inside(self, container, *words, login=None, address=None):
        """What a command in a user's container prints: at the server's address, or another that leads there."""
        port = container["ssh_port"]
        done = eventually(lambda: self.answered(login or self.name, address or container["address"], port, words), 30,
                          f"sshd at {address or container['address']}:{port}")
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout.strip()

    def answered(self, *sign_in):
        """Refused and reset are worth another try: sshd comes up a moment after its container."""
        login, address, port, words = sign_in
        done = self.ssh(login, address, port, *words)
        return done if done.returncode != 255 or "Permission denied" in done.stderr else None
