import os
import signal

import pytest

from admin import NAME, speaking_for_everybody
from login import Login
from outside import Outside
from stack import Stack, eventually

# What is about user namespaces has to do with no other engine.
collect_ignore = [] if os.environ.get("ENGINE_REMAP") else ["test_userns.py"]


@pytest.fixture(scope="session")
def whole_stack():
    stack = Stack()
    yield stack
    stack.down()


@pytest.fixture
def stack(whole_stack):
    """The stack, with no containers: before the test, and again after it."""
    whole_stack.clear()
    yield whole_stack
    whole_stack.clear()


@pytest.fixture
def alice(stack):
    return stack.alice


@pytest.fixture
def bob(stack):
    return stack.bob


@pytest.fixture(scope="session")
def login(whole_stack):
    """The login server, with alice and bob as its users."""
    made = Login(whole_stack)
    yield made
    made.close()


@pytest.fixture(scope="module")
def outside():
    """A machine beyond the host's own network."""
    made = Outside()
    yield made
    made.close()


@pytest.fixture(scope="module")
def admin(whole_stack):
    """dcm-admin, which the policy lets speak for everybody; afterwards the policy is as it was."""
    with speaking_for_everybody(whole_stack) as made:
        yield made


@pytest.fixture
def carol(stack, admin):
    """A user whom dcm-admin added, and removes again where the test has not."""
    admin.add()
    user = admin.user()
    eventually(lambda: user.submit("ping").returncode == 0, 10, "carol's ping")
    yield user
    admin.run("user", "resume", NAME, status=None)
    admin.run("user", "remove", NAME, "--images", "--yes", status=None)
    assert admin.trace(NAME) == {}


@pytest.fixture
def keyring(stack, admin):
    """The file; as it was before, afterwards. Of what it has signed nothing is left by earlier tests."""
    with stack.engine() as engine:
        for image in engine.images(filters={"label": "dcm.mac"}):
            engine.remove_image(image["Id"], force=True)
    path = stack.state / "keyring"
    before = path.read_text()
    yield path
    stack.clear()  # while what its keys have signed is known
    path.write_text(before)
    stack.worker.process.send_signal(signal.SIGHUP)
    eventually(lambda: stack.redis().hget(f"dcm:server:{stack.server}", "keyring") == "k1", what="the usual keyring")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that failed shows the end of what gate and worker logged meanwhile."""
    report = (yield).get_result()
    stack = item.funcargs.get("whole_stack")
    if report.failed and stack:
        stack.show_logs()
