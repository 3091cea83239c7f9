"""What was measured, side by side: a table, JSON, and the growth curves as pictures."""

import datetime
import json
import operator
import os
import pathlib
import platform
import statistics
import subprocess
from dataclasses import dataclass, field

from measure import exponent

PLACE = pathlib.Path(__file__).resolve().parents[2] / "build" / "dev" / "bench"
SENSES = {"≤": operator.le, "≥": operator.ge}
# How steep is still flat (what falls is no worse), and what is still linear.
FLAT_MOST, LINEAR = 0.2, (0.8, 1.2)
PACKAGES = ["rabbitmq-server", "redis-server", "docker.io", "python3-celery", "python3-rq", "python3-docker",
            "librabbitmq4", "libhiredis0.14", "gcc"]


def load():
    return " ".join(f"{one:.1f}" for one in os.getloadavg())


@dataclass
class Goal:
    what: str
    is_: float
    sense: str
    limit: float

    def met(self):
        return SENSES[self.sense](self.is_, self.limit)

    def __str__(self):
        return f"{self.what}: {self.is_:.3g}, goal {self.sense} {self.limit:g}, {'met' if self.met() else 'MISSED'}"


@dataclass
class Row:
    """One question, and what each who was asked took: name → values in this unit; DCM first."""

    title: str
    unit: str
    values: dict
    load: str = field(default_factory=load)
    goals: list = field(default_factory=list)

    def median(self, name):
        return statistics.median(self.values[name])

    def ratio(self, other, sense, limit):
        """How DCM shall compare with this one."""
        self.goals.append(Goal(f"DCM / {other}", self.median("DCM") / self.median(other), sense, limit))
        return self

    def beyond(self, other, sense, limit):
        """How much more than this one DCM may take."""
        difference = self.median("DCM") - self.median(other)
        self.goals.append(Goal(f"DCM beyond {other}, {self.unit}", difference, sense, limit))
        return self

    def bound(self, name, sense, limit):
        self.goals.append(Goal(f"{name}, {self.unit}", self.median(name), sense, limit))
        return self

    def lines(self):
        yield f"{self.title}   [{self.unit}; load {self.load}]"
        for name, values in self.values.items():
            beside = f"DCM is {self.median('DCM') / self.median(name):.3g} ×" if name != "DCM" else ""
            yield (f"    {name:24}{statistics.median(values):12.5g}   {min(values):10.4g} … {max(values):<10.4g}"
                   f"{len(values):5} ×   {beside}").rstrip()
        yield from (f"    → {goal}" for goal in self.goals)


@dataclass
class Curve:
    """How something grows: points of x and values. `shape`, flat or linear, is what is expected, and `why`. With a
    `base` the first point is what it takes for nothing, and the rest is what is looked at."""

    title: str
    x: str
    unit: str
    points: list
    shape: str
    why: str
    base: bool = False
    load: str = field(default_factory=load)

    def measured(self):
        power = exponent(self.points, self.base)
        if power < FLAT_MOST:
            return power, "flat"
        if LINEAR[0] <= power <= LINEAR[1]:
            return power, "linear"
        return power, "between" if power < 1 else "steeper than linear"

    def lines(self):
        power, shape = self.measured()
        yield f"{self.title}   [{self.unit} by {self.x}; load {self.load}]"
        for x, values in self.points:
            yield (f"    {x:>10g}{statistics.median(values):12.5g}   {min(values):10.4g} … {max(values):<10.4g}"
                   f"{len(values):5} ×")
        above = ", above the first" if self.base else ""
        yield f"    → {self.unit} ~ ({self.x})^{power:.2f}{above}: {shape}; expected {self.shape}: {self.why}"


class Report:
    def __init__(self):
        self.rows, self.curves, self.began = [], [], datetime.datetime.now().astimezone()

    def add(self, one):
        """Said at once: a run is long."""
        (self.rows if isinstance(one, Row) else self.curves).append(one)
        print("", *one.lines(), sep="\n", flush=True)

    def machine(self):
        model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                      if line.startswith("model name")), platform.machine())
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
        shown = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *PACKAGES], capture_output=True,
                               text=True, check=False).stdout.splitlines()
        return {"machine": f"{os.cpu_count()} × {model}, {memory} GiB, Linux {platform.release()}",
                "versions": dict(line.split(" ", 1) for line in shown),
                "began": self.began.isoformat(timespec="seconds"), "load": load()}

    def missed(self):
        return [f"{row.title}: {goal}" for row in self.rows for goal in row.goals if not goal.met()] + [
            f"{curve.title}: {curve.measured()[1]}, expected {curve.shape}" for curve in self.curves
            if curve.measured()[1] != curve.shape]

    def close(self):
        if not self.rows + self.curves:
            return
        PLACE.mkdir(parents=True, exist_ok=True)
        about = self.machine()
        (PLACE / "bench.json").write_text(json.dumps({
            **about, "missed": self.missed(),
            "rows": [{"title": row.title, "unit": row.unit, "load": row.load, "values": row.values,
                      "medians": {name: row.median(name) for name in row.values},
                      "goals": [{**vars(goal), "met": bool(goal.met())} for goal in row.goals]} for row in self.rows],
            "curves": [{**vars(curve), "exponent": curve.measured()[0], "measured": curve.measured()[1]}
                       for curve in self.curves]}, indent=1, ensure_ascii=False))
        if self.curves:
            self.draw()
        self.print(about)

    def print(self, about):
        versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
        print("", "=" * 100, about["machine"], versions,
              f"began {about['began']}; load at the end {about['load']}; {PLACE / 'bench.json'}", sep="\n")
        for one in self.rows + self.curves:
            print("", *one.lines(), sep="\n")
        print("", *(f"MISSED  {one}" for one in self.missed() or ["nothing"]), sep="\n")

    def draw(self):
        import matplotlib
        matplotlib.use("svg")
        from matplotlib import pyplot
        for curve in self.curves:
            figure, axes = pyplot.subplots(figsize=(6, 4))
            xs, medians = zip(*((x, statistics.median(values)) for x, values in curve.points))
            spread = [[middle - min(values) for middle, (_, values) in zip(medians, curve.points)],
                      [max(values) - middle for middle, (_, values) in zip(medians, curve.points)]]
            axes.errorbar(xs, medians, yerr=spread, marker="o", capsize=3)
            axes.set(xscale="log", yscale="log", xlabel=curve.x, ylabel=curve.unit,
                     title=f"{curve.title}\n~ x^{curve.measured()[0]:.2f}")
            figure.tight_layout()
            figure.savefig(PLACE / f"{curve.title.replace(' ', '-').replace(',', '')}.svg")
            pyplot.close(figure)
