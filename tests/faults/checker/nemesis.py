"""What breaks: one fault after the other, each at its time in the schedule, and everything healed at the end."""

import contextlib
import os
import signal
import threading
import time

STALL_S = (0.5, 8)  # longer than every timeout within, and than the broker's and store's patience
AWAY_S = (0.2, 4)
SLOW_S = (0.05, 0.6)


def between(bounds, chance):
    return bounds[0] + (bounds[1] - bounds[0]) * chance


def pick(things, chance):
    return things[int(chance * len(things))] if things else None


class Nemesis:
    def __init__(self, stack, history, schedule, over):
        self.stack, self.history, self.faults, self.over = stack, history, schedule.faults, over
        self.stopped, self.healing = set(), []
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.trouble = None

    def run(self):
        for fault in self.faults:
            while self.history.count() < fault.after and not self.over.is_set():
                time.sleep(0.02)
            if self.over.is_set():
                break
            try:
                self.do(fault)
            except Exception as trouble:  # noqa: BLE001 - told by whoever joins the thread
                self.trouble = trouble
                break
        self.heal()

    def do(self, fault):
        verb, what = fault.kind.split(" ", 1) if " " in fault.kind else (fault.kind, "")
        self.history.fault(fault.kind)
        if fault.chance[5] < 0.3:
            self.stack.keep_store()
        getattr(self, verb)(what, fault.chance)

    # ---- processes ----

    def victims(self, what):
        """Pids of ours that are called so."""
        stack = self.stack
        if what == "engine":
            return [stack.engine_pid()]
        if what == "gate":
            return [stack.gate.process.pid]
        if what == "gate child":
            return stack.gate.children("child")
        if what == "worker":
            return [worker.process.pid for worker in stack.workers()]
        names = [f"runner-{n}" for n in range(1, 5)] if what == "runner" else [what]
        return [pid for worker in stack.workers() for name in names for pid in worker.children(name)]

    def kill(self, what, chance):
        if what in ("broker", "store"):
            self.stack.kill_service(what)
            time.sleep(between(AWAY_S, chance[1]) / 4)
            self.stack.service("start", what)
            return
        victims = self.victims(what)
        if what in ("runner", "gate child") and chance[2] < 0.2:
            doomed = victims  # all at once
        else:
            doomed = [pid for pid in [pick(victims, chance[0])] if pid]
        for pid in doomed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stall(self, what, chance):
        """Asleep, past whatever others wait for; meanwhile more breaks."""
        pid = pick(self.victims(what), chance[0])
        if pid:
            self.send(pid, signal.SIGSTOP)
            self.later(between(STALL_S, chance[1]), self.send, pid, signal.SIGCONT)

    def send(self, pid, number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    # ---- services and the ways to them ----

    def cut(self, what, chance):
        if what == "engine":
            self.stack.cut_engine(1 + int(3 * chance[0]), after=chance[1] < 0.6)
        else:
            self.stack.proxies[what].cut()

    def slow(self, what, chance):
        self.stack.proxies[what].hold_up(between(SLOW_S, chance[0]))
        self.later(between(STALL_S, chance[1]) / 2, self.stack.proxies[what].heal)

    def swallow(self, what, chance):
        self.stack.proxies[what].swallow()
        self.later(between(STALL_S, chance[0]), self.stack.proxies[what].heal)

    def refuse(self, what, chance):
        self.stack.proxies[what].refuse()
        self.later(between(AWAY_S, chance[0]), self.stack.proxies[what].heal)

    def restart(self, what, chance):
        if what == "engine":
            meddled = self.history.meddle("restart")
            self.stack.restart_engine(between(AWAY_S, chance[0]), killed=chance[1] < 0.5)
            meddled.until = int(time.time() * 1000) + 1000
            return
        self.stack.service("stop", what)
        time.sleep(between(AWAY_S, chance[0]))
        self.stack.service("start", what)

    def empty(self, _store, _chance):
        self.history.lose()
        with self.stack.redis() as store:
            store.flushall()
        self.history.lose()

    def lose(self, _store, chance):
        """Away, and back without its data."""
        self.history.lose()
        self.stack.swap_store(between(AWAY_S, chance[0]) / 4, old=False)
        self.history.lose()

    def age(self, _store, chance):
        """Back as it was some time ago."""
        self.history.lose()
        self.stack.swap_store(between(AWAY_S, chance[0]) / 4, old=True)
        self.history.lose()

    # ---- people ----

    def remove(self, _by_hand, chance):
        self.meddle("destroy", chance, lambda api, id: api.remove_container(id, force=True))

    def stop(self, _by_hand, chance):
        self.meddle("stop", chance, lambda api, id: api.stop(id, timeout=1))

    def meddle(self, verb, chance, act):
        """Somebody at the engine itself, with a container of ours."""
        client = self.stack.docker(timeout=30)
        try:
            id = pick(sorted(c["Id"] for c in client.api.containers(all=True)), chance[0])
            if id:
                meddled = self.history.meddle(verb, id)
                act(client.api, id)
                meddled.until = int(time.time() * 1000) + 500
        except Exception as trouble:  # noqa: BLE001 - it may be gone, or the engine away
            self.history.fault(f"{verb} by hand: {trouble}")
        finally:
            client.close()

    def junk(self, _what, chance):
        """A message that nobody can make anything of."""
        body = pick([b"", b"{", b"[]", b'{"v":1}', b"\xff" * 100, b"x" * 40000], chance[0])
        with self.stack.amqp("root") as connection:
            connection.channel().basic_publish("dcm.requests", "interactive", body)
            self.history.junk += 1

    # ---- healing ----

    def later(self, seconds, action, *args):
        timer = threading.Timer(seconds, action, args)
        self.healing.append(timer)
        timer.start()

    def heal(self):
        for timer in self.healing:
            timer.join()
