"""Which request made which change: every change of the engine's has one that asked for it, and the other way round.

The requests about one container, from its create on, stand beside the engine's events about it. A
request may have made an event that fell into its time, from its first publishing to its result; once.
"""

from collections import namedtuple

from checker.scene import Violation

# What each kind may do to the engine, and what it must have done where it was answered "done".
MAY = {
    "container.create": ("create", "start", "destroy"),
    "container.start": ("start",),
    "container.stop": ("stop",),
    "container.restart": ("stop", "start", "restart"),
    "container.pause": ("pause",),
    "container.unpause": ("unpause",),
    "container.remove": ("destroy",),
    "container.recreate": ("stop", "create", "start", "destroy"),
    "image.commit": ("pause", "unpause"),
    "by hand stop": ("stop",),
    "by hand destroy": ("destroy",),
    "by hand restart": ("stop", "unpause", "start"),
}
MUST = {
    "container.create": ("create",),
    "container.restart": ("restart",),
    "container.remove": ("destroy",),
    "container.recreate": ("create",),
}
# Where it may find its work done already. (An unpause that was interrupted cannot tell whether it was
# the one that let the container go on.)
LEAVES = {"container.start": "running", "container.stop": "stopped", "container.pause": "paused",
          "container.unpause": "running"}
HARMLESS = ("refused", "expired", "cancelled")  # have done nothing
AFTER = {"start": "running", "die": "stopped", "pause": "paused", "unpause": "running"}

Deed = namedtuple("Deed", "id op state since until times")  # times: how often each of its changes may be seen
Change = namedtuple("Change", "at verb container request")


def changes_of(events):
    for event in events:
        attributes = event["Actor"]["Attributes"]
        if event["Type"] == "container" and "dcm.user" in attributes:
            yield Change(event["timeNano"] / 1e6, event["Action"], event["Actor"]["ID"], attributes["dcm.request"])


def match(changes, deeds):
    """Pairs by augmenting paths: first every deed that must have one, then as many changes as can be.
    Returns change → deed, by their places."""
    fits = [[i for i, change in enumerate(changes) if deed.since <= change.at <= deed.until] for deed, _must in deeds]
    change_of, deed_of = {}, {}

    def find_for_deed(d, seen):
        for c in fits[d]:
            if c not in seen:
                seen.add(c)
                if c not in deed_of or find_for_deed(deed_of[c], seen):
                    deed_of[c], change_of[d] = d, c
                    return True
        return False

    def find_for_change(c, seen):
        for d in range(len(deeds)):
            if c in fits[d] and d not in seen:
                seen.add(d)
                if d not in change_of or find_for_change(change_of[d], seen):
                    deed_of[c], change_of[d] = d, c
                    return True
        return False

    for d, (_deed, must) in enumerate(deeds):
        if must:
            find_for_deed(d, set())
    for c in range(len(changes)):
        if c not in deed_of:
            find_for_change(c, set())
    return deed_of


def states_during(changes, deed):
    """Every state that one of these containers was in while the deed lasted."""
    now, seen = {}, set()
    for change in changes:
        if change.at > deed.until:
            break
        if change.at >= deed.since:
            seen.update(now.values())
        now[change.container] = AFTER.get(change.verb, now.get(change.container))
    return seen | set(now.values())


def check(changes, deeds, is_blind):
    """The violations of one container's history. is_blind(since, until): did the engine restart then? That
    starts what ran or was paused, so that others find their work done, and a real one forgets its events."""
    deed_of = {}
    for verb in ("create", "start", "stop", "restart", "pause", "unpause", "destroy"):
        here = [change for change in changes if change.verb == verb]
        able = [(deed, turn == 0 and deed.state == "done" and verb in MUST.get(deed.op, ()))
                for deed in deeds if verb in MAY.get(deed.op, ()) and deed.state not in HARMLESS
                for turn in range(deed.times)]
        pairs = match(here, able)
        for c, change in enumerate(here):
            if c not in pairs:
                yield Violation("doubled", f"{verb} of {change.container[:12]} at {change.at:.0f}, for which nobody "
                                "asked then", tuple({change.request, *(deed.id for deed, _must in able)}))
            else:
                deed_of[change] = able[pairs[c]][0]
        used = set(pairs.values())
        for d, (deed, must) in enumerate(able):
            if must and d not in used and not is_blind(deed.since, deed.until):
                yield Violation("lost", f"{deed.op} was answered done, but the engine saw no {verb}", (deed.id,))
    for deed in deeds:
        wanted = LEAVES.get(deed.op)
        if deed.state != "done" or not wanted or deed in deed_of.values() or is_blind(0, deed.until):
            continue
        if wanted not in states_during(changes, deed):
            yield Violation("lost", f"{deed.op} was answered done, but the container was never {wanted} then",
                            (deed.id,))
    yield from check_pauses(changes, deed_of)


def check_pauses(changes, deed_of):
    """What a commit has paused goes on."""
    last = {}
    for change in changes:
        if change.verb in AFTER or change.verb == "destroy":
            last[change.container] = change
    for change in last.values():
        if change.verb == "pause" and change in deed_of and deed_of[change].op == "image.commit":
            yield Violation("leaked", f"{change.container[:12]} was left paused by a commit", (deed_of[change].id,))
