import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from stack import Stack  # noqa: E402


@pytest.fixture(scope="session")
def stack():
    whole = Stack()
    whole.clear()
    yield whole
    whole.down()
