"""Clients that take turns, and what processes use."""

import os
import pathlib
import statistics
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from math import log

from census import children, measure

CLIENTS = pathlib.Path(__file__).parent / "clients"


class Client:
    """A program that does one piece of work for each line (turns.h, clients/turns.py)."""

    def __init__(self, *command, **options):
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, **options)

    def turn(self, line=""):
        """How long it took, in seconds."""
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        said = self.process.stdout.readline().strip()
        assert said.isdigit(), f"{self.process.args}: {said or 'it has ended'}"
        return int(said) / 1e6

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


def python(script, *arguments, **options):
    """One of clients/, by Debian's python, which has the libraries."""
    return Client("/usr/bin/python3", CLIENTS / script, *arguments, **options)


def in_turns(rounds, clients, line=lambda name, number: "", after=lambda name, number: None, seldom=()):
    """Every client once a round, each time another one first: name → times. Whatever the machine does, all have of it.
    Those of `seldom`, which are slow, have a turn in every tenth round."""
    names, times = list(clients), {name: [] for name in clients}
    for number in range(-1, rounds):  # the first round warms them up
        for name in names[number % len(names):] + names[:number % len(names)]:
            if name in seldom and number > 0 and number % 10:
                continue
            took = clients[name].turn(line(name, number))
            after(name, number)
            if number >= 0:
                times[name].append(took)
    return times


def milliseconds(times):
    return {name: [1000 * one for one in values] for name, values in times.items()}


def together(clients, turns, line):
    """All clients of a list at once, each so many turns: the sum of their turns a second, by the slowest of them."""
    def work(place):
        return sum(clients[place].turn(line(place, number)) for number in range(turns))
    with ThreadPoolExecutor(len(clients)) as pool:
        return len(clients) * turns / max(pool.map(work, range(len(clients))))


def family(pid):
    return [pid, *children(pid)]


def cpu_seconds(pids):
    """Of these to the nanosecond, and of the children that they had in ticks (proc(5)). RQ's end any time."""
    used = 0
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            used += int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            used += sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK")
    return used


def pss_mib(pids):
    return sum(measure(pid).pss for pid in pids) / 1024


def exponent(points, base=False):
    """Of the power of x that the medians grow by: 0 is flat, 1 linear. With a base, of what comes on top of the first."""
    medians = [(x, statistics.median(values)) for x, values in points]
    if base:
        (first_x, first), *rest = medians
        medians = [(x - first_x, max(y - first, first / 1000)) for x, y in rest]
    xs, ys = zip(*((log(x), log(y)) for x, y in medians))
    return statistics.linear_regression(xs, ys).slope
