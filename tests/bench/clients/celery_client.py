"""A client of Celery's: ping | create | enqueue for turns, once for a whole process."""

import json
import pathlib
import sys

from celery_app import create, noop
from turns import serve

WAIT_S = 60


def enqueue(line):
    count, path = line.split(maxsplit=1)
    pathlib.Path(path).write_text("\n".join(noop.delay().id for _ in range(int(count))))


MODES = {
    "once": lambda: noop.delay().get(timeout=WAIT_S),
    "ping": lambda: serve(lambda line: noop.delay().get(timeout=WAIT_S)),
    "create": lambda: serve(lambda line: create.delay(**json.loads(line)).get(timeout=WAIT_S)),
    "enqueue": lambda: serve(enqueue),
}
MODES[sys.argv[1]]()
