"""What is said of a run: counts, and for each violation the whole history of its requests."""

import time

KINDS = ("lost", "doubled", "leaked", "wrong")


def counts(violations):
    return {kind: sum(violation.kind == kind for violation in violations) for kind in KINDS}


def share_done(tally):
    return tally["done"] / tally["confirmed"] if tally["confirmed"] else 0


def summary(title, tally, violations, seconds, faults):
    told = "  ".join(f"{name} {number}" for name, number in {**tally, **counts(violations)}.items())
    return f"{title}: {told}  ({share_done(tally):.1%} of the confirmed done; {faults} faults, {seconds:.0f} s)"


def clock(ms):
    return f"{time.strftime('%H:%M:%S', time.localtime(ms / 1000))}.{int(ms) % 1000:03}"


def story(id, history, records, scene, logs):
    """All that is known of one request."""
    asked = history.asked.get(id)
    yield f"  request {id}"
    if asked:
        yield (f"    {clock(asked.since)} {asked.op} of {asked.user} {asked.args} by {asked.way}, {asked.standing}"
               f"{f', container of {asked.root}' if asked.root else ''}")
        yield from (f"    {clock(at)} {note}" for at, note in asked.notes)
    yield f"    record: {records.get(id)}"
    yield f"    journal: {scene.journal.get(id)}"
    yield from (f"    {line}" for line in logs.splitlines() if f"request={id}" in line)


def stories(violations, history, records, scene, logs, most=20):
    for violation in violations[:most]:
        yield f"{violation.kind.upper()}: {violation.text}"
        for id in violation.requests:
            yield from story(id, history, records, scene, logs)
    if len(violations) > most:
        yield f"... and {len(violations) - most} more"
    if violations:
        yield "faults:"
        yield from (f"  {clock(at)} {text}" for at, text in history.faults)
