"""Queues of work, with four workers each: DCM, the floor, and what people would use instead.

Each fills its queue while its workers are held (SIGSTOP), and empties it when they are let go. How fast is told by what
it keeps of each request: the time at which the result was recorded.
"""

import json
import os
import signal
import subprocess
import time
from collections import namedtuple
from contextlib import suppress
from datetime import datetime

import redis

from measure import CLIENTS, Client, cpu_seconds, family, pss_mib, python
from stack import BUILD, eventually

WORKERS = 4
TOGETHER = 10000  # commands of one pipeline
LAST = 64  # are looked at often
FLOOR = BUILD / "tests" / "bench" / "bench-floor"
ASKER = BUILD / "tests" / "bench" / "bench-asker"

# A second: submitted and confirmed, recorded. Seconds of CPU for each 10,000.
Passage = namedtuple("Passage", "enqueued drained cpu")


def ids_in(path):
    return path.read_text().split()


class Peer:
    """What has a queue. `store` is where its results are, for a client that is not its own."""

    def __init__(self, stack, database):
        self.stack, self.path = stack, stack.state / f"{type(self).__name__}.ids"
        self.url = f"{stack.urls['REDIS_ADMIN_URL'].rsplit('/', 1)[0]}/{database}"
        self.store = redis.Redis.from_url(self.url, decode_responses=True)
        self.broker = f"{stack.urls['AMQP_ROOT_URL'].rsplit('/', 1)[0]}/bench"

    def pids(self):
        """Of the workers, parents first."""
        return [pid for process in self.processes for pid in family(process.pid)]

    def send(self, number):
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def pss(self):
        return pss_mib(self.pids())

    def passage(self, count):
        """Fill the queue, and empty it."""
        self.send(signal.SIGSTOP)
        try:
            took = self.enqueue(count)
        finally:
            before = cpu_seconds(self.pids())
            self.send(signal.SIGCONT)
        ids = ids_in(self.path)
        assert len(set(ids)) == count
        times = self.recorded(ids)
        assert all(process.poll() is None for process in self.processes), "a worker has ended"
        used = cpu_seconds(self.pids()) - before
        return Passage(count / took, (count - 1) / (max(times) - min(times)), used * 10000 / count)

    def recorded(self, ids):
        """When each was, in seconds, as soon as all are."""
        eventually(lambda: all(self.times(ids[-LAST:])), 600, f"the end of the queue of {type(self).__name__}")
        return eventually(lambda: self.complete(ids), 600, f"the results of {type(self).__name__}")

    def complete(self, ids):
        times = [at for first in range(0, len(ids), TOGETHER) for at in self.times(ids[first:first + TOGETHER])]
        return times if all(times) else None

    def times(self, ids):
        """By the ids that the store has given to the last entries of streams; None where there is none yet."""
        pipeline = self.store.pipeline(transaction=False)
        for one in ids:
            pipeline.xrevrange(self.stream(one), count=1)
        return [int(entries[0][0].split("-")[0]) / 1000 if entries else None for entries in pipeline.execute()]

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(60)


class Dcm(Peer):
    """Through the gate, as alice."""

    def __init__(self, stack):
        super().__init__(stack, 0)
        self.lines = stack.state / "pings.jsonl"

    @property
    def processes(self):
        return [self.stack.worker.process]

    def enqueue(self, count):
        self.lines.write_text((json.dumps({"op": "ping"}) + "\n") * count)
        with open(self.path, "w", encoding="ascii") as ids:
            began = time.monotonic()
            submit = self.stack.alice.popen("enqueue", self.lines, stdout=ids, stderr=None)
            assert submit.wait(600) == 0
            return time.monotonic() - began

    def times(self, ids):
        """By the records: of what has ended few streams stay."""
        pipeline = self.store.pipeline(transaction=False)
        for one in ids:
            pipeline.hget(f"dcm:user:alice:request:{one}", "result")
        finished = [json.loads(result or "{}").get("finished") for result in pipeline.execute()]
        return [datetime.fromisoformat(at).timestamp() if at else None for at in finished]

    def asker(self, op="ping"):
        return Client(ASKER, self.stack.gate_socket, "alice", op, **self.as_alice())

    def submit(self, *words):
        """A whole dcm-submit for each turn."""
        return python("spawn.py", self.stack.program("dcm-submit"), *words, **self.as_alice())

    def as_alice(self):
        alice = self.stack.alice
        return {"user": alice.uid, "group": alice.uid, "extra_groups": [],
                "env": {"PATH": os.environ["PATH"], "DCM_GATE": str(self.stack.gate_socket)}}

    def stop(self):
        """The stack's own."""


class Floor(Peer):
    """tests/bench/floor.c: with as many messages on their way to each worker, of which it records so many at a time."""

    def __init__(self, stack, prefetch, together):
        super().__init__(stack, 2)
        self.queue = f"floor.{prefetch}"
        self.once, self.processes = self.command("once"), []
        # One declares the queue. A quorum queue refuses consumers, and messages, while it is being made by several.
        for _ in range(WORKERS):
            self.processes.append(subprocess.Popen(self.command("serve", prefetch, together)))
            eventually(self.answers, 30, "the floor's first answer")

    def command(self, *words):
        return [str(word) for word in (FLOOR, self.broker, self.url, self.queue, *words)]

    def enqueue(self, count):
        with open(self.path, "w", encoding="ascii") as ids:
            began = time.monotonic()
            subprocess.run(self.command("enqueue", count), stdout=ids, check=True)
            return time.monotonic() - began

    def stream(self, one):
        return f"bench:events:{one}"

    def asker(self):
        return Client(*self.command("turns"))

    def answers(self):
        return subprocess.run(self.once, capture_output=True, check=False).returncode == 0

    def whole(self):
        return python("spawn.py", *self.once)


class Scripted(Peer):
    """What comes with a client in Python, which stays for enqueueing."""

    def __init__(self, stack, database):
        super().__init__(stack, database)
        self.env = {**os.environ, "BENCH_BROKER": self.broker, "BENCH_STORE": self.url, "PYTHONDONTWRITEBYTECODE": "1",
                    "BENCH_ENGINE": f"unix://{stack.engine_socket}", "PYTHONPATH": str(CLIENTS)}
        self.producer, self.processes = self.asker("enqueue"), []

    def start(self, *command):
        with open(self.stack.state / f"{type(self).__name__}.log", "ab") as log:
            self.processes.append(subprocess.Popen(["/usr/bin/python3", *map(str, command)], env=self.env, cwd=CLIENTS,
                                                   stdout=log, stderr=log))

    def asker(self, mode="ping"):
        return python(self.script, mode, env=self.env)

    def enqueue(self, count):
        return self.producer.turn(f"{count} {self.path}")

    def stop(self):
        self.producer.close()
        super().stop()


class Celery(Scripted):
    """Of its optional chatter among workers none."""

    script = "celery_client.py"

    def __init__(self, stack):
        super().__init__(stack, 1)
        self.start("-m", "celery", "-A", "celery_app", "worker", "--pool", "prefork", "--concurrency", WORKERS,
                   "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING")
        first = self.whole()
        first.turn()
        first.close()

    def whole(self):
        return python("spawn.py", "/usr/bin/python3", CLIENTS / self.script, "once", env=self.env)

    def times(self, ids):
        results = self.store.mget([f"celery-task-meta-{one}" for one in ids])
        return [datetime.fromisoformat(json.loads(text)["date_done"]).timestamp() if text else None for text in results]


class Rq(Scripted):
    script = "rq_client.py"

    def __init__(self, stack):
        super().__init__(stack, 3)
        for _ in range(WORKERS):
            self.start(CLIENTS / self.script, "worker")
        first = self.asker()
        first.turn()
        first.close()

    def stream(self, one):
        return f"rq:results:{one}"
