"""Ways in to a container that are not ours: OpenSSH's own programs, by entries that config-ssh wrote."""

import subprocess

import pytest

from stack import User


class Way:
    """alice's containers, as her own machine knows them: by ~/.ssh/config alone."""

    def __init__(self, user: User):
        self.user = user
        self.config = user.home / "config"
        written = user.submit("config-ssh")
        assert written.returncode == 0, written.stderr
        self.config.write_text(f"""{written.stdout}
Host *
    IdentityFile {user.key}
    IdentitiesOnly yes
    BatchMode yes
    StrictHostKeyChecking accept-new
    UserKnownHostsFile {user.home}/known_hosts
    LogLevel ERROR
""")

    def run(self, program, *words, **options):
        options = {"stdin": subprocess.DEVNULL, **options} if "input" not in options else options
        return subprocess.run([program, "-F", self.config, *map(str, words)], capture_output=True, text=True,
                              timeout=60, check=False, **options)


@pytest.fixture
def web(alice):
    """A container that answers to SSH."""
    container = alice.create("--name", "web")
    alice.ssh(container, "true")
    return container


def test_ssh_knows_a_container_by_its_name(alice, web):
    other = alice.create()
    alice.ssh(other, "true")
    way = Way(alice)
    for container in (web, other):
        done = way.run("ssh", container["name"], "id -un; hostname")
        assert done.stdout.split() == ["alice", container["id"][:12]], done.stderr
    assert way.run("ssh", "-l", "root", "web", "id -un").stdout == "root\n"
