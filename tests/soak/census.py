"""What every process of gate and worker holds, over time: resident memory, its share of it, descriptors."""

import os
import pathlib
import statistics
import threading
from collections import defaultdict, namedtuple

EVERY_S = 2
# What counts as flat, from the first window to the last one, which are six of ten minutes apart. The allocator and
# SQLite's cache breathe by some pages.
SPARE_KIB, SPARE_SHARE, SPARE_FDS = 192, 0.02, 2

Sample = namedtuple("Sample", "rss pss fds")
Row = namedtuple("Row", "name pid first middle last")


def children(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def kib(text, field):
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{field}:"))


def measure(pid):
    place = pathlib.Path(f"/proc/{pid}")
    rollup = (place / "smaps_rollup").read_text()
    return Sample(kib(rollup, "Rss"), kib(rollup, "Pss"), len(os.listdir(place / "fd")))


class Census:
    """In a thread of its own, until close()."""

    def __init__(self, daemons):
        self.daemons, self.ends = daemons, threading.Event()
        self.names, self.samples, self.looks = {}, defaultdict(list), 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ends.wait(EVERY_S):
            for daemon in self.daemons:
                supervisor = daemon.process.pid
                for pid in [supervisor, *children(supervisor)]:
                    self.take(daemon, pid)
            self.looks += 1

    def take(self, daemon, pid):
        try:
            sample = measure(pid)
            name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
        except (OSError, StopIteration):
            return  # it has just ended
        self.names[pid] = f"{daemon.program} {'supervisor' if pid == daemon.process.pid else name}"
        self.samples[pid].append((self.looks, sample))

    def close(self):
        self.ends.set()
        self.thread.join()

    def windows(self):
        """The second fifth of the time, for in the first everything warms up; what is between; the last fifth."""
        count = self.looks
        return [(count // 5, 2 * count // 5), (2 * count // 5, 4 * count // 5), (4 * count // 5, count)]

    def rows(self):
        """Of each process that was there all the time but the beginning."""
        for pid, taken in sorted(self.samples.items(), key=lambda item: (self.names[item[0]], item[0])):
            parts = [[sample for at, sample in taken if begin <= at < end] for begin, end in self.windows()]
            if all(len(part) >= 0.8 * (end - begin) for part, (begin, end) in zip(parts, self.windows())):
                yield Row(self.names[pid], pid, *(Sample(*map(statistics.median, zip(*part))) for part in parts))


def has_grown(row):
    """What of it, or nothing. The share is not judged: what others map and unmap moves it."""
    grown = ["rss"] if row.last.rss > row.first.rss * (1 + SPARE_SHARE) + SPARE_KIB else []
    return grown + (["fds"] if row.last.fds > row.first.fds + SPARE_FDS else [])


def table(rows):
    yield f"{'':32}{'RSS, KiB':^24}{'PSS, KiB':^24}{'descriptors':^18}"
    yield f"{'process':24}{'pid':>8}" + 2 * f"{'first':>8}{'middle':>8}{'last':>8}" + f"{'first':>6}{'mid':>6}{'last':>6}"
    for row in rows:
        times = (row.first, row.middle, row.last)
        yield (f"{row.name:24}{row.pid:>8}" + "".join(f"{time.rss:8.0f}" for time in times)
               + "".join(f"{time.pss:8.0f}" for time in times) + "".join(f"{time.fds:6.0f}" for time in times)
               + ("   grown: " + " ".join(has_grown(row)) if has_grown(row) else ""))
