"""The user's guide: each of its commands is run as it stands there, from a computer that is not the server."""

import re
import shutil
import subprocess

import pytest

import guide
from login import PORT

UID = 5100
CONFIG = f"""
Host server
    Port {PORT}
    HostName 127.0.0.1
Host *
    BatchMode yes
    ConnectionAttempts 20
    StrictHostKeyChecking accept-new
    LogLevel ERROR
"""
# | `what is typed` | status | what is read | …
ERROR_ROW = re.compile(r"^\| `([^`]+)` \| (\d) \| ([^|]+) \|", re.MULTILINE)


class Computer:
    """alice's own: an account with a home, her key, and the server's address in its settings."""

    def __init__(self, stack):
        self.home = stack.state / "laptop"
        with open("/etc/passwd", "a") as passwd:  # of this namespace alone
            passwd.write(f"laptop:x:{UID}:{UID}::{self.home}:/bin/bash\n")
        (self.home / ".ssh").mkdir(parents=True)
        shutil.copy(stack.alice.key, self.home / ".ssh" / "id_ed25519")
        (self.home / ".ssh" / "config").write_text(CONFIG)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.home / "other"], check=True)
        subprocess.run(["chown", "-R", f"{UID}:{UID}", self.home], check=True)
        subprocess.run(["chmod", "700", self.home / ".ssh"], check=True)

    def tell(self, commands):
        return subprocess.run(["bash", "-euo", "pipefail", "-c", commands], user=UID, group=UID, extra_groups=[],
                              cwd=self.home, env={"HOME": str(self.home), "PATH": "/usr/bin:/bin"},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def granted(stack):
    """What the guide's alice may have."""
    policy = stack.usual_policy()
    policy["groups"]["testers"].update(images_kept=3, image_bytes="4g", addresses=["127.0.0.1"])
    stack.set_policy(policy, reload=True)
    yield stack
    stack.set_policy(stack.usual_policy(), reload=True)


def test_the_users_guide_does_what_it_says(granted, login):
    computer = Computer(granted)
    printed = []
    for commands in guide.procedures("users.md")["guide"]:
        done = computer.tell(commands)
        assert done.returncode == 0, f"status {done.returncode} of:\n{commands}\n{done.stdout}\n{done.stderr}"
        printed.append(done.stdout)
    everything = "\n".join(printed)
    assert "to be kept" in everything and "my tools" in everything
    assert sorted(granted.alice.names()) == ["later", "web", "work"]

    rows = ERROR_ROW.findall((guide.DOCS / "users.md").read_text())
    assert len(rows) >= 8
    wrong = []
    for typed, status, read in rows:
        done = computer.tell(f"ssh alice@server {typed}")
        if done.returncode != int(status) or read.strip() not in done.stderr:
            wrong.append(f"{typed}: {done.returncode} {done.stdout}{done.stderr}")
    assert not wrong, "\n".join(wrong)
