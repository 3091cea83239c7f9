import os
import pathlib
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "integration")]

from containers import Stack  # noqa: E402

# tests/lib/compose.sh: where an engine keeps its data, which has the stack's images already; and docker-compose 1.29
# and Compose v2.
ENGINE = pathlib.Path(os.environ["COMPOSE_ENGINE"])
COMMANDS = os.environ["COMPOSE_COMMANDS"].split()


@pytest.fixture(scope="session")
def engine():
    services = TESTS / "lib" / "services"
    subprocess.run([services, "start", "engine", ENGINE], check=True)
    yield ENGINE / "engine" / "docker.sock"
    subprocess.run([services, "down", ENGINE], check=True)


@pytest.fixture(scope="module", params=COMMANDS, ids=os.path.basename)
def stack(request, engine):
    stack = Stack(engine, ENGINE / "stack", request.param)
    try:
        stack.ops("up")
        yield stack
    finally:
        stack.ops("down")
