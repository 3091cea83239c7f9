"""One stack for all cases: two users, a batch system's account that may ask for alice alone, an sshd."""

import contextlib
import json
import pathlib
import subprocess

import pika

from admin import Admin
from case import soon
from login import Login
from messages import record, request
from stack import Stack

PUBLISHER = "slurm"
CONNECTIONS = 6
GRANTED = {
    "env": ["TZ", "APP_*"], "capabilities": ["NET_ADMIN"], "devices": ["/dev/fuse"], "mounts": ["/srv/maps:ro"],
    "shm_size": "128m", "restart": ["on-failure"], "life": "7d",
    "images": ["debian-ssh", "hostile-ssh", "volume-ssh", "onbuild-ssh"],
}
# As alice may have them; every case about grants has its twin in this one.
ALL = ["--env", "TZ=UTC", "--cap-add", "NET_ADMIN", "--device", "/dev/fuse", "--mount", "/srv/maps:/maps:ro", "--shm-size",
       "100m", "--restart", "on-failure", "--memory", "128m", "--ttl", "1h", "8001:81"]


class World:
    def __init__(self):
        self.stack = Stack()
        self.alice, self.bob = self.stack.alice, self.stack.bob
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/srv"], check=True)
        pathlib.Path("/srv/maps").mkdir()
        self.set_policy()
        self.login = Login(self.stack)
        self.admin = Admin(self.stack)
        self.file = self.stack.state / "slurm.conf"
        self.admin.run("publisher", "add", PUBLISHER, "--users", "alice", "--file", self.file, "--connections", CONNECTIONS)
        self.url = next(line for line in self.file.read_text().splitlines() if line.startswith("broker")).split(" = ")[1]
        self.connection = self.connect()
        self.messages_seen = 0
        self.full = self.stack.inspect(self.alice.create("--name", "full", *ALL))
        self.bobs = self.bob.create("--name", "secret")
        self.bob.do("--batch", "ping")  # his queue of the batch class is there

    def set_policy(self):
        policy = self.stack.usual_policy()
        policy["publishers"]["dcm-admin"] = {"users": ["*"]}
        policy["users"] = {"alice": GRANTED}
        self.stack.set_policy(policy, reload=True)

    def close(self):
        self.connection.close()
        self.login.close()
        self.stack.clear()
        self.stack.down()
        subprocess.run(["umount", "-l", "/srv"], check=False)

    # As the batch system, past all of our own programs.

    def connect(self):
        return pika.BlockingConnection(pika.URLParameters(self.url))

    def channel(self):
        """A new one: the broker closes a channel whose wish it refuses."""
        if not self.connection.is_open:
            self.connection = self.connect()
        channel = self.connection.channel()
        channel.confirm_delivery()
        return channel

    def message(self, op="ping", user="alice", **args):
        return request(op, user, **args)

    def publish(self, body, exchange="dcm.requests", key="interactive", user_id=PUBLISHER, **properties):
        text = body if isinstance(body, (str, bytes)) else json.dumps(body)
        channel = self.channel()
        channel.basic_publish(exchange, key, text, pika.BasicProperties(user_id=user_id, **properties), mandatory=True)
        channel.close()

    def send(self, message, **how):
        """Its line in the audit log, once there is one."""
        self.publish(message, **how)
        return self.line(message["id"])

    def ask(self, op, **args):
        return self.send(self.message(op, **args))

    # What came of it.

    def audit(self):
        return [json.loads(line) for line in self.stack.audit.read_text().splitlines()]

    def line(self, identifier):
        return soon(lambda: [line for line in self.audit() if line.get("request") == identifier], "the audit log's line")[0]

    def next_message(self):
        """The audit log's line of the next message that was no request."""
        def more():
            return [line for line in self.audit() if line["event"] == "message"][self.messages_seen:]
        found = soon(more, "the audit log's line of a message")
        self.messages_seen += len(found)
        return found[-1]

    def record(self, message):
        return soon(lambda: record(self.stack, message), "the record")

    def state(self):
        return sorted(self.stack.containers()), sorted(self.stack.networks()), self.stack.leases()

    @contextlib.contextmanager
    def nothing_changes(self):
        before = self.state()
        yield
        assert self.state() == before

    def works(self):
        """Somebody else is served."""
        self.bob.do("ping", "--timeout", "10s")

    def children(self, daemon):
        """Pids by name: a crash would change them."""
        listed = subprocess.run(["ps", "--ppid", str(daemon.process.pid), "-o", "pid=,comm="], capture_output=True, text=True,
                                check=True).stdout
        return sorted(line.split() for line in listed.splitlines() if "gate" not in line)
