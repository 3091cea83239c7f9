"""A whole DCM on private services: broker, store and engine of its own, gate, worker, two users.

Runs inside the namespaces that tests/run makes: the accounts below exist only in this mount
namespace, the services only in this network namespace.
"""

import contextlib
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

import docker
import pika
import redis

from daemon import Daemon
from user import User

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("DCM_BUILD", ROOT / "build" / "dev"))
SERVICES = ROOT / "tests" / "lib" / "services"
# The account whose subordinate ids the engine gives to containers, where ENGINE_REMAP names it
# (tests/run userns).
REMAP = "dcm-remap"
SUBORDINATE = {"subuid": (300000, 65536), "subgid": (400000, 65536)}
POLICY_READ = re.compile(r'part=keeper msg="(policy read again|the old policy stays)')
VETTED = {
    "containers": 30,
    "memory": {"usual": "64m", "each": "256m", "total": "4g"},
    "cpus": {"usual": "0.25", "each": "1", "total": "16"},
    "pids": {"usual": 128, "each": 256, "total": 8192},
    "images": ["debian-ssh"],
    "ports": ["80", "8000-8999", "53/udp"],
    "addresses": ["*"],
}


def on_host(identity):
    """uid and gid out here of whom containers know by this number."""
    remapped = os.environ.get("ENGINE_REMAP")
    return tuple(identity + (SUBORDINATE[kind][0] if remapped else 0) for kind in ("subuid", "subgid"))


def eventually(condition, seconds=20, what="the condition"):
    """Wait until condition() is true, and return what it returned."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true in {seconds} s")
        time.sleep(0.1)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Stack:
    server = "lab1"
    people = {"alice": 5001, "bob": 5002}
    daemon = Daemon
    sandboxed = True

    def __init__(self):
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="dcm-test."))
        self.state.chmod(0o755)
        self.prefix = self.state / "prefix"
        self.keys, self.storage = self.state / "keys", self.state / "storage"
        self.policy_path = self.state / "policy.json"
        self.audit = self.state / "audit" / "audit.log"
        self.gate_socket = self.state / "run" / "gate.sock"
        self.metrics_port = free_port()
        for folder in (self.keys, self.storage, self.state / "run", self.state / "worker", self.audit.parent):
            folder.mkdir()
            folder.chmod(0o755)
        self.make_accounts({**self.people, "dcm-test": 998, REMAP: 997})
        self.service_state = self.state / "services"
        self.urls = self.start_services()
        self.engine_socket = self.urls["DOCKER_SOCKET"]
        self.install()
        self.users = {name: User(self, name, uid) for name, uid in self.people.items()}
        self.alice, self.bob = self.users["alice"], self.users["bob"]
        self.gate, self.worker = self.daemon(self, "dcm-gate"), self.daemon(self, "dcm-worker")
        self.configure()
        self.gate.start()
        self.worker.start()
        eventually(lambda: self.alice.submit("ping").returncode == 0, 30, "the first ping")

    def start_services(self, *engine):
        """Where they answer. `engine`: the socket of one that is there already."""
        printed = subprocess.run([SERVICES, "up", self.service_state, *engine], stdout=subprocess.PIPE,
                                 check=True, text=True)
        return dict(line.split("=", 1) for line in printed.stdout.splitlines() if "=" in line)

    def stop_services(self):
        subprocess.run([SERVICES, "down", self.service_state], check=False, stdout=subprocess.DEVNULL)

    def program(self, name):
        return next(path for path in (self.prefix / "bin" / name, self.prefix / "sbin" / name) if path.exists())

    def install(self):
        subprocess.run(["cmake", "--install", BUILD, "--prefix", self.prefix], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["chmod", "-R", "a+rX", self.prefix], check=True)

    def make_accounts(self, accounts):
        """In a copy of /etc that this namespace alone sees: nothing of the machine changes."""
        copy = self.state / "etc"
        subprocess.run(["cp", "-a", "/etc", copy], check=True)
        with open(copy / "passwd", "a") as passwd, open(copy / "group", "a") as group:
            for name, uid in accounts.items():
                passwd.write(f"{name}:x:{uid}:{uid}::/nonexistent:/bin/sh\n")
                group.write(f"{name}:x:{uid}:\n")
        for kind, (first, count) in SUBORDINATE.items():
            (copy / kind).write_text(f"{REMAP}:{first}:{count}\n")
        subprocess.run(["mount", "--bind", copy, "/etc"], check=True)

    def secret(self, name, text):
        path = self.state / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def configure(self):
        self.secret("keyring", f"k1:{secrets.token_hex(32)}\n")
        self.secret("gate.conf", f"""
socket = {self.gate_socket}
broker = {self.urls['AMQP_GATE_URL']}
store = {self.urls['REDIS_GATE_URL']}
account = dcm-test
log_level = debug
""")
        self.secret("worker.conf", f"""
server = {self.server}
broker = {self.urls['AMQP_WORKER_URL']}
store = {self.urls['REDIS_WORKER_URL']}
engine = {self.engine_socket}
storage = {self.storage}
keys = {self.keys}
state = {self.state / 'worker'}
policy = {self.policy_path}
keyring = {self.state / 'keyring'}
audit = {self.audit}
address_file = {self.state / 'addresses.conf'}
addresses = 127.0.0.1 127.0.0.2
ssh_ports = 20000-29999
subnets = 10.201.0.0/16
account = dcm-test
metrics = 127.0.0.1:{self.metrics_port}
log_level = debug
""")
        self.set_policy(self.usual_policy())

    def usual_policy(self):
        return {"v": 1, "publishers": {"dcm-gate": {"users": ["*"]}},
                "groups": {"testers": {"members": list(self.people), **VETTED}}}

    def set_policy(self, policy, reload=False):
        text = policy if isinstance(policy, str) else json.dumps(policy)
        self.policy_path.write_text(text)
        self.policy_path.chmod(0o644)
        if reload:
            before = len(self.worker.log())
            self.worker.process.send_signal(signal.SIGHUP)
            # Runners look whether a signal has come before they serve a request: the keeper's word is enough.
            eventually(lambda: POLICY_READ.search(self.worker.log(), before), what="the policy in the keeper")

    def service(self, verb, which):
        subprocess.run([SERVICES, verb, which, self.service_state], check=True, stdout=subprocess.DEVNULL)

    # Clients that are not ours, to look at the outcome.

    def docker(self, timeout=30):
        return docker.DockerClient(base_url=f"unix://{self.engine_socket}", version="1.41", timeout=timeout)

    def engine(self):
        """For a `with`: the engine's own API, by docker-py."""
        return docker.APIClient(base_url=f"unix://{self.engine_socket}", version="1.41", timeout=30)

    def engine_data(self):
        """Where the engine keeps its data: one with user namespaces has a folder of their own for it."""
        with self.engine() as engine:
            return pathlib.Path(engine.info()["DockerRootDir"])

    def containers(self):
        """Ids of every container that the engine has."""
        client = self.docker()
        try:
            return [container["Id"] for container in client.api.containers(all=True)]
        finally:
            client.close()

    def inspect(self, container):
        client = self.docker()
        try:
            return client.api.inspect_container(container["id"])
        finally:
            client.close()

    def networks(self):
        client = self.docker()
        try:
            return [n["Name"] for n in client.api.networks() if n["Name"].startswith("dcm.")]
        finally:
            client.close()

    def redis(self):
        return redis.Redis.from_url(self.urls["REDIS_ADMIN_URL"], decode_responses=True)

    def leases(self):
        return self.redis().hgetall(f"dcm:server:{self.server}:ports")

    def amqp(self, who="root"):
        return pika.BlockingConnection(pika.URLParameters(self.urls[f"AMQP_{who.upper()}_URL"]))

    def queue_length(self, queue="dcm.interactive"):
        with self.amqp() as connection:
            return connection.channel().queue_declare(queue, passive=True).method.message_count

    def definitions(self):
        """The broker's accounts, permissions, exchanges, queues and bindings."""
        done = subprocess.run([self.urls["RABBITMQCTL"], "--quiet", "export_definitions", "-"],
                              capture_output=True, check=True, timeout=60)
        return json.loads(done.stdout)

    def metrics(self):
        """What the worker tells Prometheus: {'dcm_requests_total{op="ping",outcome="done"}': 3.0, …}."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}

    def journal(self, query):
        """The rows that the worker's journal answers."""
        with contextlib.closing(sqlite3.connect(f"file:{self.state}/worker/journal.db?mode=ro", uri=True)) as journal:
            return journal.execute(query).fetchall()

    def show_logs(self):
        """The end of what gate and worker have logged, for people."""
        for daemon in (self.gate, self.worker):
            print(f"--- {daemon.program}", *daemon.log().splitlines()[-25:], sep="\n", file=sys.stderr)

    def clear(self):
        """No containers of any user: every test starts from nothing."""
        for user in self.users.values():
            names = user.names()
            if names:
                done = user.submit("remove", "-f", *names)
                assert done.returncode == 0, done.stderr

    def down(self):
        for daemon in (self.worker, self.gate):
            daemon.stop()
        found = [daemon.finding() for daemon in (self.worker, self.gate)]
        self.stop_services()
        subprocess.run(["umount", "/etc"], check=False)
        assert not any(found), "\n".join(filter(None, found))
        shutil.rmtree(self.state, ignore_errors=True)
