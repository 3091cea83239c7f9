"""Queued requests that do nothing: how fast workers take and record them, and what they cost."""

import json
import os
import pathlib
import time

from stack import eventually
from test_bench import family

COUNT = int(os.environ.get("BENCH_COUNT", "10000"))


def cpu_seconds(daemon):
    """Of the daemon and the children that it has."""
    ticks = 0
    for pid in family(daemon):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def test_drain(stack):
    stack.worker.stop()
    process = stack.alice.popen("enqueue", "-", stdin=-1)
    began = time.monotonic()
    process.communicate((json.dumps({"op": "ping"}) + "\n") * COUNT, timeout=300)
    print(f"\nenqueue: {COUNT / (time.monotonic() - began):.0f}/s")
    stack.worker.start()
    began = time.monotonic()
    eventually(lambda: stack.queue_length() == 0, 300, "the drain")
    took, used = time.monotonic() - began, cpu_seconds(stack.worker)
    print(f"drain: {COUNT / took:.0f}/s, worker's CPU per 10,000: {used * 10000 / COUNT:.2f} s")
