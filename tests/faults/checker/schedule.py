"""What is asked and what breaks, all of it drawn from one seed.

A lane is one person at one terminal, who has a few containers of his own and asks for one thing
after the other. What he asks fits the state that a container should be in by then, so that whatever
fails does so because of a fault.
"""

import random
from dataclasses import dataclass

USERS = {"alice": 5001, "bob": 5002, "carol": 5003, "dave": 5004}
LANES_EACH = 2
SLOTS = 2  # containers of a lane's
SPARE = SLOTS  # and one that is taken back, or comes too late, mostly

# How a request is handed in: followed at a terminal; detached, and waited for; detached together with
# the next ones; followed at a terminal that dies; repeated with its id, after it or beside it; and
# published by another program than ours.
WAYS = {"follow": 40, "detach": 20, "pipeline": 12, "die": 6, "repeat": 6, "twice": 6, "raw": 10}

# What is about: a container that is there or is to be; nothing; an image of one's own; a create that is
# taken back, or has no time; one more container, which nobody asks about again.
ERRANDS = {"container": 80, "ping": 8, "rmi": 4, "cancel": 2, "late": 1, "more": 0}

# By the state of the container: what may be asked of it, with its weight, and the state after that.
STEPS = {
    "none": {"create": (1, "running")},
    "running": {"stop": (16, "stopped"), "restart": (12, "running"), "pause": (10, "paused"),
                "start": (3, "running"), "commit": (8, "running"), "recreate": (6, "running"),
                "remove": (12, "none")},
    "paused": {"unpause": (8, "running"), "pause": (1, "paused"), "remove": (1, "none")},
    "stopped": {"start": (10, "running"), "remove": (5, "none"), "restart": (3, "running"),
                "commit": (2, "stopped"), "stop": (1, "stopped")},
}


@dataclass
class Action:
    verb: str
    slot: int
    state: str  # that the container should be in by then
    way: str
    args: dict  # beside the container
    by_port: bool
    deadline: int  # seconds, 0: none
    own_id: bool
    pause: float


@dataclass
class Fault:
    after: int  # so many requests have been asked by then
    kind: str
    chance: list  # numbers from 0 to 1, for whatever choice it has to make


@dataclass
class Schedule:
    seed: str
    lanes: dict  # (user, number) → [Action]
    faults: list


def choose(chance, weights):
    return chance.choices(list(weights), [w[0] if isinstance(w, tuple) else w for w in weights.values()])[0]


def ports(chance, lane, slot):
    """Some have ports of their own; a few want what others want too."""
    if chance.random() < 0.5:
        return []
    spread = 80 if slot == SPARE else 3  # there may be many at a time
    host = 8990 if chance.random() < 0.02 else 8000 + 100 * lane + 10 * slot + chance.randrange(spread)
    return [{"host": host, "container": 80, "protocol": "tcp"}]


def arguments(chance, verb, lane, slot, turn):
    if verb in ("create", "late", "cancel", "more"):
        args = {"image": "debian-ssh", "ports": ports(chance, lane, slot)}
        if chance.random() < 0.6:
            args["name"] = f"box-{lane}-{slot}-{turn}"
        return args
    if verb == "recreate":
        return {"ports": ports(chance, lane, slot)} if chance.random() < 0.7 else {}
    if verb == "commit":
        return {"name": f"saved-{lane}", "replace": True}
    return {"force": True} if verb == "remove" else {}


class Lane:
    """Draws one lane's actions, keeping account of the states that they should lead to."""

    def __init__(self, seed, user, number, errands, ways):
        self.errands, self.ways = errands, ways
        self.chance = random.Random(f"{seed}/{user}/{number}")
        self.number = list(USERS).index(user) * LANES_EACH + number
        self.states, self.named, self.saved = ["none"] * SLOTS, [False] * SLOTS, False

    def draw(self, turn):
        kind = choose(self.chance, self.errands)
        if kind == "rmi" and not self.saved:
            kind = "ping"
        return self.action(kind, self.chance.randrange(SLOTS), turn)

    def action(self, kind, slot, turn):
        verb, deadline, way = kind, 0, choose(self.chance, self.ways)
        if kind == "container":
            verb, deadline = choose(self.chance, STEPS[self.states[slot]]), self.chance.choice([0] * 9 + [3600])
        elif kind in ("late", "cancel", "more"):
            slot = SPARE
        args = arguments(self.chance, verb, self.number, slot, turn)
        state = self.states[slot] if kind == "container" else ""
        if kind == "rmi":
            args, self.saved = {"image": f"saved-{self.number}:latest"}, False
        elif kind == "container":
            self.follow_state(verb, slot, args)
        if way == "pipeline" and not (kind == "container" and self.named[slot]):
            way = "detach"
        return Action(verb, slot, state, way, args, by_port=self.chance.random() < 0.3, deadline=deadline,
                      own_id=self.chance.random() < 0.5, pause=self.chance.choice([0, 0, 0.05, 0.3]))

    def follow_state(self, verb, slot, args):
        self.states[slot] = STEPS[self.states[slot]][verb][1]
        self.saved = self.saved or verb == "commit"
        if verb == "create":
            self.named[slot] = "name" in args


# What breaks, with its weight. What it does is in nemesis.py.
FAULTS = {
    "kill runner": 12, "kill link": 8, "kill keeper": 3, "kill worker": 8, "kill gate child": 4, "kill gate": 4,
    "stall runner": 5, "stall link": 3, "stall keeper": 2, "stall worker": 2, "stall gate child": 2, "stall engine": 3,
    "cut broker": 6, "cut store": 6, "slow broker": 3, "slow store": 3, "swallow broker": 3, "swallow store": 3,
    "refuse broker": 2, "refuse store": 2,
    "restart broker": 2, "kill broker": 2, "restart store": 3, "kill store": 3, "restart engine": 3,
    "cut engine": 6, "empty store": 2, "lose store": 2, "age store": 3, "remove by hand": 3, "stop by hand": 2, "junk": 2,
}
EVERY = 8  # requests to a fault, about


def draw_faults(seed, count, kinds):
    chance = random.Random(f"{seed}/faults")
    faults, after = [], EVERY
    while after < count:
        faults.append(Fault(after, choose(chance, kinds), [chance.random() for _ in range(6)]))
        after += chance.randrange(EVERY // 2, EVERY + EVERY // 2 + 1)
    return faults


def draw(seed, count, errands=None, ways=None, faults=None):
    """`count` requests, about; `errands`, `ways`, `faults`: others than all of them, name → weight."""
    lanes = {}
    each = -(-count // (len(USERS) * LANES_EACH))
    for user in USERS:
        for number in range(LANES_EACH):
            lane = Lane(seed, user, number, errands or ERRANDS, ways or WAYS)
            lanes[user, number] = [lane.draw(turn) for turn in range(each)]
    return Schedule(str(seed), lanes, draw_faults(seed, count, faults or FAULTS))
