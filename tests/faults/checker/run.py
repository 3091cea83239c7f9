"""One run: the schedule on a fresh stack, faults beside it, everything settled, judged."""

import json
import logging
import signal
import threading
import time
from collections import namedtuple

from checker import nemesis, report, schedule, users
from checker.history import CONFIRMED, History, Observer
from checker.judge import Judge
from checker.scene import Whole
from checker.stacks import TwoServers

# How long a user waits for an answer; and then for whatever the keeper does only every minute, to
# containers that are a minute old.
PATIENCE_S, SETTLE_S = 150, 200
# A copy of what another server has is asked about each second, and let go when that has ended.
COPIES_S = 5
Outcome = namedtuple("Outcome", "tally violations share text")


def settled(stack, history):
    """Nothing under way any more, and nobody waits for an administrator."""
    stack.end_parked()
    asked = [one for one in history.asked.values() if one.standing == CONFIRMED]
    records = stack.records(asked)
    return (all(records[one.id].get("state") in users.FINAL for one in asked if one.op != "ping")
            and all(row[4] for site in stack.sites for row in site.journal().values())
            and stack.queue_length() == 0)


def patiently(condition, seconds):
    """Whether it came true; what cannot be asked yet is not true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return True
        except Exception:  # noqa: BLE001 - a service that is not back yet
            pass
        time.sleep(0.5)
    return False


def clean(stack):
    """Has the keeper nothing left to do? It is asked to look, as it does by itself every minute."""
    if not Whole(stack).leaks():
        return True
    for worker in stack.workers():
        worker.process.send_signal(signal.SIGHUP)
    time.sleep(1)
    return False


def report_on(kind, seed, count, mutant=None, **options):
    """A run on a stack of that kind, printed; with another worker than ours, whose report shall be bad."""
    stack = kind(mutant)
    title = f"mutant {mutant}" if mutant else "two servers" if kind is TwoServers else f"seed {seed}"
    try:
        outcome = check(stack, seed, count, title, **options)
    finally:
        stack.down()
    print(f"\n(to be found bad) {outcome.text.splitlines()[0]}" if mutant else f"\n{outcome.text}")
    return outcome


def on_two_servers(mutant=None, extra_faults=(), **options):
    """Of requests that any server can do, many come twice."""
    return report_on(TwoServers, "two", 60, mutant, errands={"more": 6, "ping": 1, "cancel": 1},
                     ways={"twice": 3, "repeat": 1, "raw": 1, "detach": 1},
                     faults={"kill link": 3, "cut broker": 3, "kill runner": 2, "cut store": 1,
                             **dict(extra_faults)}, **options)


def check(stack, seed, count, title, patience=PATIENCE_S, settle=SETTLE_S, **options):
    """`options`: of schedule.draw."""
    began = time.monotonic()
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # it is cut off all the time
    plan = schedule.draw(seed, count, **options)
    history, over = History(), threading.Event()
    observers = [Observer(site) for site in stack.sites]
    breaker = nemesis.Nemesis(stack, history, plan, over)
    terminals = users.start(stack, history, plan, patience)
    breaker.thread.start()
    for terminal in terminals:
        terminal.thread.join()
    over.set()
    breaker.thread.join()
    trouble = [t.trouble for t in (*terminals, breaker) if t.trouble]
    patiently(lambda: settled(stack, history), settle)
    patiently(lambda: clean(stack), settle)
    time.sleep(COPIES_S)
    for worker in stack.workers():
        worker.stop()  # what it holds unsettled goes back into the queue
    events = [event for observer in observers for event in observer.stop()]
    scene, records = Whole(stack), stack.records(history.asked.values())
    judge = Judge(history, events, scene, records)
    violations, tally = judge.violations(), judge.tally()
    text = report.summary(title, tally, violations, time.monotonic() - began, len(history.faults))
    lines = [text, *report.stories(violations, history, records, scene, stack.worker.log())]
    save(stack, title, lines, history, records)
    if trouble:
        raise trouble[0]
    return Outcome(tally, violations, report.share_done(tally), "\n".join(lines))


def save(stack, title, lines, history, records):
    """Everything, for whoever looks for the cause."""
    folder = stack.reports / title.replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report").write_text("\n".join(lines) + "\n")
    (folder / "history").write_text("".join(
        json.dumps({**vars(asked), "record": records[asked.id]}) + "\n" for asked in history.asked.values()))
    for daemon in (stack.gate, stack.worker):
        (folder / f"{daemon.program}.log").write_text(daemon.log())
