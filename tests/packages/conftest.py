import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from room import Room  # noqa: E402

# A container's sshd comes up a moment after the container: one attempt a second.
SSH_CONFIG = """
Host *
    IdentityFile ~/alice
    IdentitiesOnly yes
    BatchMode yes
    LogLevel ERROR
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
    ConnectTimeout 10
    ConnectionAttempts 20
"""


@pytest.fixture(scope="session")
def room():
    """A bare Debian, with the packages in root's home."""
    made = Room()
    yield made
    made.close()


@pytest.fixture(scope="session")
def server(room):
    """One on which the guide's first chapter has been followed; root's home is alice's own computer, too."""
    room.follow("packages")
    room.run("ssh-keygen -q -t ed25519 -N '' -f alice && install -d -m 700 .ssh")
    room.write("/root/.ssh/config", SSH_CONFIG)
    room.follow("install")
    return room
