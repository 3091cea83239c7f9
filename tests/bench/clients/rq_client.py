"""RQ: a worker, and a client for ping | enqueue. It has Redis alone, and forks a process for each job."""

import os
import pathlib
import sys

import redis
import rq
from turns import serve

WAIT_MS = 60000


def ping(_line):
    """RQ 1.13 cannot wait for a result; the stream that it writes it to can be read by Redis's own means."""
    job = queue.enqueue("work.noop")
    if not queue.connection.xread({f"rq:results:{job.id}": "0-0"}, block=WAIT_MS):
        raise RuntimeError("no result")


def enqueue(line):
    count, path = line.split(maxsplit=1)
    pathlib.Path(path).write_text("\n".join(queue.enqueue("work.noop").id for _ in range(int(count))))


queue = rq.Queue("bench", connection=redis.Redis.from_url(os.environ["BENCH_STORE"]))
MODES = {
    "worker": lambda: rq.Worker([queue], connection=queue.connection).work(logging_level="WARNING"),
    "ping": lambda: serve(ping),
    "enqueue": lambda: serve(enqueue),
}
MODES[sys.argv[1]]()
