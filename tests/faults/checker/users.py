"""Users at their terminals: each asks for one thing after the other, and is as careful as the manual advises."""

import json
import random
import re
import subprocess
import threading
import time

import pika

from checker.history import CONFIRMED, DOUBTFUL, UNASKED, Asked, now_ms
from checker.schedule import SLOTS
from messages import new_id

# What brings a container from one state into the other.
DETOURS = {("stopped", "running"): ["start"], ("stopped", "paused"): ["start", "pause"], ("running", "paused"): ["pause"],
           ("paused", "running"): ["unpause"], ("running", "stopped"): ["stop"], ("paused", "stopped"): ["stop"]}
LEAVES = {"create": "running", "start": "running", "restart": "running", "recreate": "running", "unpause": "running",
          "stop": "stopped", "pause": "paused"}
FINAL = ("done", "failed", "refused", "expired", "cancelled", "unknown")
OPS = {"ping": "ping", "commit": "image.commit", "rmi": "image.remove", "cancel": "job.cancel"}


def words(verb, args):
    """The command line that asks for it."""
    ports = [word for p in args.get("ports", []) for word in ("-p", f"{p['host']}:{p['container']}")]
    if verb == "create":
        return ["create", args["image"], *(["--name", args["name"]] if "name" in args else []), *ports]
    if verb == "commit":
        return ["commit", "--replace", args["container"], args["name"]]
    operands = [args[key] for key in ("container", "image", "request") if key in args]
    return [verb, *(["-f"] if args.get("force") else []), *operands, *ports]


class Slot:
    """A container that a user believes to have."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.root, self.name, self.port, self.state = "", "", 0, ""

    def learn(self, result):
        """What a result shows, or says of the state, which may be other than thought: the engine was
        restarted, or somebody has been at it."""
        container = result.get("container")
        stated = re.search(r" is (stopped|running|paused): ", result.get("error", {}).get("message", ""))
        if container:
            self.name, self.port, self.state = container["name"], container["ssh_port"], container["state"]
        elif stated:
            self.state = stated.group(1)


class Terminal:
    """One lane of the schedule, at work."""

    def __init__(self, stack, history, lane, actions, seed, patience):
        self.stack, self.history, self.user, self.actions = stack, history, stack.users[lane[0]], actions
        self.patience = patience  # seconds, for one answer
        self.slots = [Slot() for _ in range(SLOTS + 1)]
        self.awaited = []  # (asked, verb, slot) of what was handed in together with the next
        self.chance = random.Random(f"{seed}/{lane}/terminal")
        self.trouble = None
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        try:
            for action in self.actions:
                self.perform(action)
                time.sleep(action.pause)
            self.collect()
        except Exception as trouble:  # noqa: BLE001 - told by whoever joins the thread
            self.trouble = trouble

    def perform(self, action):
        slot = self.slots[action.slot]
        if action.way != "pipeline":
            self.collect()
        if action.verb in ("late", "cancel"):
            self.try_and_drop(action, slot)
        elif action.verb == "more":
            self.ask("create", action.args, Slot(), action)
        elif action.verb in ("ping", "rmi"):
            self.ask(action.verb, action.args, None, action)
        else:
            self.act(action, slot)

    def act(self, action, slot):
        """On a container that should be there, in a certain state; where it is not, that is seen to first."""
        if action.verb == "create" and slot.root:
            self.ask("remove", {"force": True}, slot, action)
        elif action.verb != "create" and not slot.root:
            self.ask("create", {"image": "debian-ssh"}, slot, action)
        for verb in DETOURS.get((slot.state, action.state), []):
            self.ask(verb, {}, slot, action)
        if slot.root or action.verb == "create":
            self.ask(action.verb, action.args, slot, action)

    def try_and_drop(self, action, slot):
        """A create that is taken back at once, or has no time; where it comes to something, that goes again."""
        created = self.submit("create", action.args, slot, action, detach=True,
                              deadline=1 if action.verb == "late" else 0)
        if action.verb == "cancel":
            self.ask("cancel", {"request": created.id}, None, action)
        self.conclude(created, "create", slot)
        if slot.root:
            self.ask("remove", {"force": True}, slot, action)

    def ask(self, verb, args, slot, action):
        if action.way == "pipeline" and verb != "cancel":
            asked = self.submit(verb, args, slot, action, detach=True)
            self.awaited.append((asked, verb, slot))
            self.expect(asked, verb, slot)
        else:
            asked = self.submit(verb, args, slot, action, detach=action.way in ("detach", "raw"))
            self.conclude(asked, verb, slot)

    def expect(self, asked, verb, slot):
        """Take it for done until the answer comes."""
        if slot:
            slot.state = LEAVES.get(verb, slot.state)
        if verb == "create":
            slot.root, slot.name, slot.port = asked.id, asked.args.get("name", ""), 0
            if not slot.name:
                self.collect()
        elif verb == "remove":
            slot.clear()

    def collect(self):
        for asked, verb, slot in self.awaited:
            if verb == "remove" and slot and slot.root not in ("", asked.root):
                self.await_result(asked)  # the place is another container's by now
            else:
                self.conclude(asked, verb, slot)
        self.awaited.clear()

    def conclude(self, asked, verb, slot):
        """See what came of it, and remember what that means for the container."""
        result = asked.told or self.await_result(asked)
        if not slot:
            return
        state = result["state"] if result else "unknown"
        if verb == "create" and state == "done":
            slot.root = asked.id
        elif (verb == "create" and slot.root in ("", asked.id)) or (verb == "remove" and state == "done"):
            slot.clear()
        elif result and result.get("error", {}).get("code") == "not_found":
            slot.clear()
        if slot.root == asked.root and result:
            slot.learn(result)

    # ---- handing in ----

    def submit(self, verb, args, slot, action, detach=False, deadline=None):
        args = dict(args)
        if verb == "cancel":
            pass
        elif slot and verb != "create":
            args["container"] = str(slot.port) if action.by_port and slot.port else slot.name
        if not args.get("ports", True):
            del args["ports"]
        deadline = action.deadline if deadline is None else deadline
        end = time.monotonic() + self.patience
        id, asked = new_id(), None
        while True:
            if not asked or asked.standing == UNASKED and not action.own_id:
                asked = Asked(id, self.user.name, OPS.get(verb, f"container.{verb}"), args, action.way, since=now_ms())
            asked.deadline = deadline
            if slot:
                asked.root = slot.root if verb != "create" else asked.id
            self.hand_in(asked, verb, action, detach)
            if asked.standing == CONFIRMED or time.monotonic() > end:
                return asked
            time.sleep(self.chance.uniform(0.2, 1))
            id = new_id()

    def hand_in(self, asked, verb, action, detach):
        """Once, by the way that the action says; again, plainly."""
        first = asked.id not in self.history.asked
        if action.way == "raw" and verb != "cancel":
            self.history.ask(asked)
            self.publish(asked)
        elif not first:
            self.run_program(asked, verb, True, detach)
        elif action.way == "die":
            self.history.ask(asked)
            self.die(asked, verb)
        elif action.way == "twice":
            self.history.ask(asked)
            other = self.start_program(asked, verb, True, detach)
            self.run_program(asked, verb, True, detach)
            self.finish_program(asked, other)
        else:
            self.run_program(asked, verb, action.own_id, detach)
            if action.way == "repeat" and asked.standing == CONFIRMED:
                self.run_program(asked, verb, True, detach)

    def start_program(self, asked, verb, own_id, detach):
        if not detach:
            asked.wait()
        options = ["--json", *(["--id", asked.id] if own_id else []), *(["-d"] if detach else []),
                   *(["--deadline", f"{asked.deadline}s"] if asked.deadline else [])]
        return self.user.popen(*options, *words(verb, asked.args))

    def run_program(self, asked, verb, own_id, detach):
        if own_id:
            self.history.ask(asked)
        self.finish_program(asked, self.start_program(asked, verb, own_id, detach))

    def finish_program(self, asked, process):
        try:
            out, err = process.communicate(timeout=2 * self.patience)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        result = json.loads(out.splitlines()[-1]) if out.strip() else {}
        asked.note(f"exit {process.returncode}: {result.get('state')} {err.strip()}")
        if result and asked.id not in self.history.asked:
            if asked.root == asked.id:
                asked.root = result["request"]
            asked.id = result["request"]
            self.history.ask(asked)
        if not result:
            return
        standing = {6: UNASKED, 7: DOUBTFUL}.get(process.returncode, CONFIRMED)
        if process.returncode < 0:
            standing = DOUBTFUL
        if asked.standing != CONFIRMED and not (asked.standing == DOUBTFUL and standing == UNASKED):
            asked.standing = standing
        if standing == CONFIRMED and result["state"] in FINAL:
            asked.hear(result)

    def die(self, asked, verb):
        """The window is closed, perhaps before it was asked at all."""
        process = self.start_program(asked, verb, True, False)
        time.sleep(self.chance.choice([0, 0.005, 0.02, 0.1]))
        process.kill()
        process.communicate()
        asked.standing, asked.awaited = DOUBTFUL, 0
        asked.note("killed at its terminal")

    def publish(self, asked):
        """As a program that is not ours does: persistent, mandatory, confirmed."""
        body = {"v": 1, "id": asked.id, "op": asked.op, "user": asked.user,
                "submitted": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(asked.since / 1000))}
        if asked.deadline:
            end = time.gmtime(asked.since / 1000 + asked.deadline)
            body["deadline"] = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", end)
        if asked.args:
            body["args"] = asked.args
        properties = pika.BasicProperties(user_id="dcm-gate", delivery_mode=2, message_id=asked.id)
        asked.standing = DOUBTFUL
        try:
            with self.stack.amqp("gate") as connection:
                channel = connection.channel()
                channel.confirm_delivery()
                channel.basic_publish("dcm.requests", "interactive", json.dumps(body).encode(), properties,
                                      mandatory=True)
                asked.standing = CONFIRMED
        except (pika.exceptions.AMQPError, OSError) as trouble:
            asked.note(f"published in vain: {trouble!r}")

    # ---- answers ----

    def await_result(self, asked):
        """The end of it, as `dcm-submit wait` tells it; None where patience ends first."""
        end = time.monotonic() + self.patience
        asked.wait()
        while time.monotonic() < end and asked.standing == CONFIRMED:
            process = self.user.popen("--json", "--timeout", f"{min(60, self.patience)}s", "wait", asked.id)
            out, err = process.communicate(timeout=2 * self.patience)
            result = json.loads(out.splitlines()[-1]) if out.strip() else {}
            if result.get("state") in FINAL:
                asked.hear(result)
                return result
            asked.note(f"wait: exit {process.returncode}: {err.strip()}")
            if asked.op == "ping" and self.history.lost >= asked.since:
                return None  # its record is lost, and no journal has it
            time.sleep(0.3)
        return None


def start(stack, history, schedule, patience):
    terminals = [Terminal(stack, history, lane, actions, schedule.seed, patience)
                 for lane, actions in schedule.lanes.items()]
    for terminal in terminals:
        terminal.thread.start()
    return terminals
