"""The verdict: has every confirmed request one result and one effect, and nothing else happened?"""

import json
from collections import Counter, defaultdict
from datetime import datetime

from checker import effects
from checker.effects import Deed
from checker.history import CONFIRMED, UNASKED
from checker.scene import Violation, ports_in, ports_of, state_of
from checker.users import FINAL

READS = ("ping",)  # in no journal: what the store loses of them is lost
IMAGES = ("image.commit", "image.remove")
NEVER = float("inf")
LATE_MS = 60000  # nothing that breaks takes so long
SLACK_MS = 5  # results tell whole milliseconds, the engine finer ones


def moment(text):
    """Milliseconds since 1970 of a result's time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000


class Judge:
    def __init__(self, history, events, scene, records):
        self.history, self.scene = history, scene
        self.asked = list(history.asked.values())
        self.records = records
        self.results = {id: json.loads(record["result"]) for id, record in records.items() if "result" in record}
        self.changes = list(effects.changes_of(events))

    def state(self, asked):
        """The final one, or ""."""
        state = self.records[asked.id].get("state", "")
        return state if state in FINAL else ""

    def tally(self):
        confirmed = [asked for asked in self.asked if asked.standing == CONFIRMED]
        states = Counter(self.standing(asked) for asked in confirmed)
        return {"requests": len(self.asked), "confirmed": len(confirmed),
                **{state: states[state] for state in (*FINAL, "forgotten", "no result")}}

    def standing(self, asked):
        """What was told counts where the store has lost it since."""
        if self.state(asked) or not self.is_forgotten(asked):
            return self.state(asked) or "no result"
        return asked.told["state"] if asked.told else "forgotten"

    def violations(self):
        return [*self.check_results(), *self.check_cancels(), *self.check_effects(), *self.check_existence(),
                *self.check_images(), *self.scene.leaks()]

    # ---- results ----

    def check_results(self):
        for asked in self.asked:
            state, result = self.state(asked), self.results.get(asked.id)
            row = self.scene.journal.get(asked.id)
            if asked.standing == CONFIRMED and not state and not self.is_forgotten(asked):
                yield Violation("lost", f"{asked.op} was confirmed and has no result", (asked.id,))
            if asked.standing == UNASKED and (state or row):
                yield Violation("wrong", f"{asked.op} was asked, though its submitter was told that it was not",
                                (asked.id,))
            otherwise = asked.contradicts or (state and asked.told != result)
            if asked.told and otherwise and not self.is_forgotten(asked):
                yield Violation("wrong", f"{asked.op} was told to be {asked.told['state']}: {asked.told}", (asked.id,))
            if asked.told and asked.awaited and "finished" in asked.told:
                late = asked.told_at - max(asked.awaited, moment(asked.told["finished"]))
                if late > LATE_MS:
                    yield Violation("wrong", f"{asked.op} was told {late / 1000:.0f} s after its end", (asked.id,))
            if state == "expired" and not asked.deadline:
                yield Violation("wrong", f"{asked.op} expired without a deadline", (asked.id,))
            if state and asked.op not in READS:
                if not row or not row[3] or row[3]["state"] != state:
                    yield Violation("lost", f"{asked.op} is {state}, of which the journal has {row}", (asked.id,))

    def is_forgotten(self, asked):
        """A read whose record the store has lost since; what the broker hands out again is then read again."""
        return asked.op in READS and self.history.lost >= asked.since

    def is_unknown(self, cancel, target):
        """It was told of a request that the store had lost since, and that has begun by then, that none is known."""
        told, row = self.results[cancel.id], self.scene.journal.get(target.id)
        return (told.get("warning", "").startswith("no request of this id") and self.history.lost >= target.since
                and row and row[5] <= moment(told["finished"]))

    def check_cancels(self):
        for asked in self.asked:
            if asked.op != "job.cancel" or self.state(asked) != "done":
                continue
            target = self.history.asked.get(asked.args["request"])
            if target and self.state(target) not in ("cancelled", "") and not self.is_unknown(asked, target):
                yield Violation("wrong", f"it was cancelled, and yet {self.state(target)}", (asked.id, target.id))

    # ---- effects ----

    def lineages(self):
        """By the create that it began with: what was asked about a container, and what happened to it."""
        asked_by, changes_by, ids = defaultdict(list), defaultdict(list), defaultdict(set)
        for asked in self.asked:
            if asked.root:
                asked_by[asked.root].append(asked)
        for change in self.changes:
            asked = self.history.asked.get(change.request)
            root = asked.root if asked else change.request
            changes_by[root].append(change)
            ids[root].add(change.container)
        for root in asked_by.keys() | changes_by.keys():
            yield root, asked_by[root], changes_by[root], ids[root]

    def deeds(self, asked_here, ids):
        meddled = [m for m in self.history.meddled if m.verb == "restart" or m.container in ids]
        for asked in asked_here:
            if asked.standing == UNASKED:
                continue
            state = self.state(asked)
            until = moment(self.results[asked.id]["finished"]) + SLACK_MS if state else NEVER
            times = 1 + sum(m.at <= until and m.until >= asked.since for m in meddled)
            if asked.op == "container.recreate":
                times += 4  # what an attempt has made goes before the next one
            yield Deed(asked.id, asked.op, state, asked.since, until, times)
        for m in meddled:
            times = 1 if m.container else 2 * len(ids)
            yield Deed(m.verb, f"by hand {m.verb}", "", m.at - 1, m.until or NEVER, times)

    def is_blind(self, since, until):
        return any(m.verb == "restart" and m.at <= until and (m.until or NEVER) >= since
                                         for m in self.history.meddled)

    def check_effects(self):
        for _root, asked_here, changes, ids in self.lineages():
            deeds = list(self.deeds(asked_here, ids))
            yield from effects.check(changes, deeds, self.is_blind)

    def check_existence(self):
        """As many containers as the results say, in a state that the last of them explains."""
        for root, asked_here, _changes, ids in self.lineages():
            labelled = {root, *(asked.id for asked in asked_here)}
            alive = [c for c in self.scene.containers.values() if c["Config"]["Labels"]["dcm.request"] in labelled]
            created = self.history.asked.get(root)
            made = bool(created) and self.state(created) == "done"
            removals = [asked for asked in asked_here if asked.op == "container.remove"
                        and self.state(asked) in ("done", "unknown", "")]
            gone = any(self.state(asked) == "done" for asked in removals)
            by_hand = any(m.verb == "destroy" and m.container in ids for m in self.history.meddled)
            if len(alive) > 1:
                yield Violation("doubled", f"{len(alive)} containers of one create", (root,))
            elif alive and (gone or not made):
                yield Violation("leaked", f"the container {alive[0]['Name']} should not be there", tuple(labelled))
            elif not alive and made and not removals and not by_hand:
                yield Violation("lost", "the container that was created is gone", tuple(labelled))
            elif alive:
                yield from self.check_state(alive[0], asked_here, ids)
                yield from self.check_answer(alive[0], asked_here)

    def check_answer(self, container, asked_here):
        """What its maker was told is what the engine has."""
        request = container["Config"]["Labels"]["dcm.request"]
        told = self.results.get(request, {}).get("container")
        if not told or self.state(self.history.asked[request]) != "done":
            return
        entry = {"ssh_port": told["ssh_port"], "ports": told["ports"]}
        if told["id"] != container["Id"] or ports_of(entry) != ports_in(container):
            yield Violation("wrong", f"{container['Name']} is not what its maker was told: {told}", (request,))

    def check_state(self, container, asked_here, ids):
        deeds = [deed for deed in self.deeds(asked_here, ids) if deed.state not in effects.HARMLESS]
        leaves = {"container.create": {"running"}, "container.start": {"running"}, "container.restart": {"running"},
                  "container.recreate": {"running"}, "container.unpause": {"running"},
                  "container.stop": {"stopped"}, "container.pause": {"paused"},
                  "by hand stop": {"stopped"}, "by hand restart": {"running"}}
        done = [deed for deed in deeds if deed.op in leaves and (deed.state == "done" or deed.op.startswith("by hand"))]
        latest = max((deed.since for deed in done if deed.state == "done"), default=0)
        possible = set().union(*(leaves[deed.op] for deed in done if deed.until >= latest))
        for deed in deeds:
            if deed.state in ("failed", "unknown", "") and deed.op in leaves and deed.until >= latest:
                possible |= leaves[deed.op] | ({"stopped"} if deed.op == "container.restart" else set())
        if state_of(container) not in possible:
            yield Violation("lost", f"{container['Name']} is {state_of(container)}, where its requests leave it "
                            f"{possible}", tuple(deed.id for deed in deeds))

    def check_images(self):
        """One image a commit at most; under each name the one of the last commit, or none after a removal."""
        of_request = Counter(image["Config"]["Labels"].get("dcm.request") for image in self.scene.images
                             if (image["Config"]["Labels"] or {}).get("dcm.kind") == "image")
        for request, count in of_request.items():
            if count > 1:
                yield Violation("doubled", f"{count} images of one commit", (request,))
        by_name = defaultdict(list)
        for asked in self.asked:
            if asked.op in IMAGES and self.state(asked) not in effects.HARMLESS and asked.standing != UNASKED:
                by_name[asked.user, asked.args.get("name", asked.args.get("image")).split(":")[0]].append(asked)
        for (user, name), asked_here in by_name.items():
            tag = f"dcm.local/{user}/{name}:latest"
            holder = [i["Config"]["Labels"]["dcm.request"] for i in self.scene.images if tag in (i["RepoTags"] or [])]
            done = [asked for asked in asked_here if self.state(asked) == "done"]
            latest = max((asked.since for asked in done), default=0)
            last = [asked for asked in asked_here
                    if not self.state(asked) or moment(self.results[asked.id]["finished"]) >= latest]
            possible = [asked.id if asked.op == "image.commit" else "" for asked in last]
            if not done or any(self.state(asked) != "done" for asked in last):
                continue  # whatever it is
            if (holder or [""])[0] not in possible:
                yield Violation("lost", f"{tag} is of {holder or 'nobody'}, where it should be of one of {possible}",
                                tuple(asked.id for asked in asked_here))
