"""The stack that is checked: proxies before broker and store, daemons that are started again as systemd would."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import docker

from checker.schedule import USERS
from daemon import REPORTS_LOGGED, Daemon
from stack import BUILD, Stack, eventually
from proxied import Proxied
from standin_stack import StandinStack

LATENCY_MS = 25  # of everything that changes a container in the stand-in


class Service(Daemon):
    """Restart=always, RestartSec=1, KillMode=mixed (ops/systemd)."""

    def start(self, *args):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([self.stack.program(self.program), "--config", self.config, *args],
                                            env={**os.environ, **REPORTS_LOGGED}, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, start_new_session=True)
        self.ends = False
        threading.Thread(target=self.watch, args=(self.process,), daemon=True).start()

    def watch(self, process):
        """What is left of a service whose main process has ended does not outlive it."""
        process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if not self.ends:
            time.sleep(1)
            self.start()

    def stop(self, number=signal.SIGTERM, seconds=100):
        self.ends = True
        super().stop(number, seconds)


class Site:
    """One server: its engine and its journal, asked past DCM."""

    def __init__(self, name, socket, state):
        self.name, self.socket, self.state = name, socket, state

    def docker(self, timeout=30):
        return docker.DockerClient(base_url=f"unix://{self.socket}", version="1.41", timeout=timeout)

    def journal(self):
        """id → (user, op, attempts, result or None, recorded, begun (ms))"""
        with contextlib.closing(sqlite3.connect(f"file:{self.state}/journal.db?mode=ro", uri=True)) as journal:
            rows = journal.execute("SELECT id, user, op, attempts, result, recorded, begun FROM requests").fetchall()
        return {row[0]: (*row[1:4], json.loads(row[4]) if row[4] else None, *row[5:]) for row in rows}


class Checked(Proxied):
    """What both kinds of stack need to be checked."""

    people = USERS
    daemon = Service
    reports = BUILD / "checker"

    def __init__(self, mutant=None):
        """`mutant`: another worker than ours (tests/mutants)."""
        self.mutant = mutant
        super().__init__()

    def install(self):
        super().install()
        if self.mutant:
            shutil.copy(BUILD / "tests" / "mutants" / f"dcm-worker-{self.mutant}", self.program("dcm-worker"))

    def usual_policy(self):
        policy = super().usual_policy()
        policy["groups"]["testers"].update({"images_kept": 20, "image_bytes": "64g"})
        return policy

    def kill_service(self, which):
        """With -9, whatever it was about; its data stay."""
        pid = int((self.service_state / "run" / f"{which}.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        self.service("stop", which)  # what belongs to it

    def keep_store(self):
        """A copy of its data as they are, for swap_store()."""
        shutil.rmtree(self.old_store, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError, shutil.Error):  # it is just being rewritten
            shutil.copytree(self.store_data, self.old_store)

    def swap_store(self, seconds, old):
        self.service("stop", "store")
        time.sleep(seconds)
        shutil.rmtree(self.store_data, ignore_errors=True)
        if old and self.old_store.exists():
            shutil.copytree(self.old_store, self.store_data)
        self.service("start", "store")

    @property
    def store_data(self):
        return self.service_state / "store" / "appendonlydir"

    @property
    def old_store(self):
        return self.state / "store.old"

    @property
    def sites(self):
        return [Site(self.server, self.engine_socket, self.state / "worker")]

    def workers(self):
        return [self.worker]

    def end_parked(self):
        """As an administrator does: what has killed every runner ends as unknown."""
        if not self.queue_length("dcm.parked"):
            return
        broker = self.secret("parked.conf", f"broker = {self.straight['AMQP_ADMIN_URL']}\n")
        for worker in self.workers():
            def parked(*args, program=self.program("dcm-worker"), config=worker.config):
                return subprocess.run([program, "--config", config, "--parked", *args, "--broker", broker],
                                      stdout=subprocess.PIPE, text=True, check=False).stdout
            for line in parked("list").splitlines():
                parked("drop", json.loads(line)["id"])

    def records(self, asked):
        """id → the record's fields, {} where there is none"""
        pipeline = self.redis().pipeline()
        for one in asked:
            pipeline.hgetall(f"dcm:user:{one.user}:request:{one.id}")
        return {one.id: record for one, record in zip(asked, pipeline.execute())}


class StandinChecked(Checked, StandinStack):
    standin_options = ("--commit-ms", "150")

    def __init__(self, mutant=None):
        super().__init__(mutant)
        self.be_slow()

    def engine_pid(self):
        return self.engine.pid

    def be_slow(self):
        """Answers take their time, so that much can happen before they come."""
        for method in ("POST", "DELETE"):
            self.add_fault(method, "/containers/*", times=1000000, delay_ms=LATENCY_MS)

    def cut_engine(self, times, after):
        """The next calls that change a container are not answered, though some were obeyed."""
        self.ask_engine("/standin/faults", "DELETE")
        self.add_fault("POST", "/containers/*", times=times, status=0, after=after)
        self.be_slow()

    def restart_engine(self, seconds, killed):
        self.ask_engine("/standin/restart", "POST", {"away_ms": int(1000 * seconds)})
        time.sleep(seconds)
        eventually(lambda: os.path.exists(self.engine_socket), 10, "the stand-in")


class TwoServers(StandinChecked):
    """Another worker, with an engine of its own, takes from the same queue."""

    other = "lab2"

    def __init__(self, mutant=None):
        super().__init__(mutant)
        self.other_state, self.other_socket = self.state / "worker2", self.state / "engine2.sock"
        self.other_engine = self.run_standin(self.other_socket)
        config = self.worker.config.read_text()
        for old, new in ((f"server = {self.server}", f"server = {self.other}"),
                         (str(self.engine_socket), str(self.other_socket)),
                         (f"state = {self.state}/worker", f"state = {self.other_state}"),
                         ("20000-29999", "10000-19999"), ("10.201.", "10.202."),
                         (f"metrics = 127.0.0.1:{self.metrics_port}\n", "")):
            assert old in config
            config = config.replace(old, new)
        self.other_worker = Service(self, "dcm-worker")
        self.other_worker.log_path = self.state / "dcm-worker2.log"
        self.other_worker.config = self.secret("worker2.conf", config)
        self.other_worker.start()
        eventually(lambda: self.redis().exists(f"dcm:server:{self.other}"), 20, "the other server's heartbeat")

    @property
    def sites(self):
        return [*super().sites, Site(self.other, self.other_socket, self.other_state)]

    def workers(self):
        return [self.worker, self.other_worker]

    def down(self):
        self.other_worker.stop()
        found = self.other_worker.finding()
        super().down()
        self.other_engine.kill()
        self.other_engine.wait()
        assert not found, found


class RealChecked(Checked, Stack):
    """On a Docker engine of its own."""

    def engine_pid(self):
        return int((self.service_state / "run" / "engine.pid").read_text().split()[0])

    def cut_engine(self, times, after):
        """Nothing is between us and it: it stands still for a moment instead."""
        os.kill(self.engine_pid(), signal.SIGSTOP)
        time.sleep(times)
        os.kill(self.engine_pid(), signal.SIGCONT)

    def restart_engine(self, seconds, killed):
        if killed:
            self.kill_service("engine")
        else:
            self.service("stop", "engine")
        time.sleep(seconds)
        self.service("start", "engine")
