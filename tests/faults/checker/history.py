"""What was asked, what was answered, and what the engine did meanwhile: the record that is judged."""

import threading
import time
from dataclasses import dataclass, field

# How sure the submitter may be that his request was taken.
UNASKED, DOUBTFUL, CONFIRMED = "unasked", "doubtful", "confirmed"


def now_ms():
    return int(time.time() * 1000)


@dataclass
class Asked:
    """One request, whatever became of it."""

    id: str
    user: str
    op: str
    args: dict
    way: str
    root: str = ""  # the create of the container that it is about; its own id for a create
    since: int = 0  # when it was first published (ms)
    deadline: int = 0
    standing: str = UNASKED
    told: dict = None  # the final result that its submitter was shown
    contradicts: bool = False  # he was shown another before
    awaited: int = 0  # since when he has waited for it (ms)
    told_at: int = 0  # when, for the first time
    notes: list = field(default_factory=list)

    def note(self, text):
        self.notes.append((now_ms(), text))

    def wait(self):
        self.awaited = self.awaited or now_ms()

    def hear(self, result):
        """The final result, as its submitter is told it."""
        if self.told and self.told != result:
            self.contradicts = True
            self.note(f"was told otherwise before: {self.told}")
        self.told, self.told_at = result, self.told_at or now_ms()


@dataclass
class Meddled:
    """Something that was done to the engine past DCM."""

    at: int
    verb: str
    container: str  # full id; "" for all of them
    until: int = 0


class History:
    def __init__(self):
        self.lock = threading.Lock()
        self.asked, self.meddled, self.faults, self.junk = {}, [], [], 0
        self.lost = 0  # when the store last lost data (ms)
        self.began = now_ms()

    def ask(self, asked):
        with self.lock:
            self.asked[asked.id] = asked
        return asked

    def count(self):
        return len(self.asked)

    def meddle(self, verb, container=""):
        meddled = Meddled(now_ms(), verb, container)
        with self.lock:
            self.meddled.append(meddled)
        return meddled

    def lose(self):
        """Before it loses any, and after that."""
        self.lost = now_ms()

    def fault(self, text):
        with self.lock:
            self.faults.append((now_ms(), text))


class Observer:
    """Every event of the engine's, from a stream that is opened again whenever it breaks off."""

    def __init__(self, site):
        self.site, self.events, self.since = site, {}, int(time.time())
        self.ends = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ends:
            client = self.site.docker(timeout=5)
            try:
                for event in client.events(since=self.since, decode=True):
                    self.events[event["timeNano"], event["Actor"]["ID"], event["Action"]] = event
            except Exception:  # noqa: BLE001 - whatever broke, the next stream begins where we began
                time.sleep(0.2)
            finally:
                client.close()

    def stop(self):
        """All that came, in the engine's order."""
        self.ends = True
        return [self.events[key] for key in sorted(self.events)]
