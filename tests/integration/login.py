"""A login server: a real sshd on loopback with the configuration that we install, and its clients."""

import os
import pathlib
import shutil
import socket
import subprocess

import pexpect

from stack import ROOT, eventually
from terminal import Terminal

PORT = 2222


class Login:
    """Whoever is in the group dcm-users signs in with the keys that the stack's administrator has for him."""

    def __init__(self, stack):
        self.stack, self.state = stack, stack.state / "sshd"
        self.state.mkdir()
        self.let_in(stack.alice, stack.bob)
        self.show_keys()
        self.configure()
        os.makedirs("/run/sshd", 0o755, exist_ok=True)  # the machine's, and so that of a run side by side with this
        with open(self.state / "log", "w") as log:
            self.daemon = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", self.state / "config"], stderr=log)
        eventually(lambda: socket.socket().connect_ex(("127.0.0.1", PORT)) == 0, 10, "sshd")

    def let_in(self, alice, bob):
        """alice's login shell is /bin/sh, bob's is dcm-shell itself: both may be found."""
        subprocess.run(["groupadd", "--system", "--force", "dcm-users"], check=True)
        for user, shell in ((alice, "/bin/sh"), (bob, self.stack.program("dcm-shell"))):
            subprocess.run(["usermod", "--append", "--groups", "dcm-users", "--home", "/", "--shell", shell, user.name],
                           check=True)

    def show_keys(self):
        """Where sshd looks for them: it wants every folder above to be root's alone, which /tmp is not."""
        shutil.rmtree("/etc/dcm", ignore_errors=True)  # of this namespace's own copy of /etc
        self.keys = pathlib.Path("/etc/dcm/keys")
        self.keys.mkdir(0o755, parents=True)
        subprocess.run(["mount", "--bind", self.stack.keys, self.keys], check=True)

    def configure(self):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.state / "host"], check=True)
        text = (ROOT / "ops" / "sshd" / "dcm.conf").read_text()
        assert "/usr/local/bin/dcm-shell" in text
        shell = str(self.stack.program("dcm-shell"))
        (self.state / "dcm.conf").write_text(text.replace("/usr/local/bin/dcm-shell", shell))
        (self.state / "config").write_text(f"""
Include {self.state}/dcm.conf
ListenAddress 127.0.0.1:{PORT}
HostKey {self.state}/host
PidFile none
AcceptEnv LANG LC_* TERMINFO EDITRC
SetEnv DCM_GATE={self.stack.gate_socket}
PermitUserEnvironment yes
AllowTcpForwarding yes
Subsystem sftp /usr/lib/openssh/sftp-server
""")

    def close(self):
        self.daemon.terminate()
        self.daemon.wait(10)
        subprocess.run(["umount", self.keys], check=True)


def options(user, key=None):
    return ["-F", "none", "-i", str(key or user.key), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
            "-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR"]


def command_of(user, *words, more=()):
    """The ssh that signs in as this user."""
    return ["ssh", *options(user), "-p", str(PORT), *more, f"{user.name}@127.0.0.1", *words]


def ssh(user, *words, more=(), stdin=subprocess.DEVNULL):
    return subprocess.run(command_of(user, *words, more=more), stdin=stdin, capture_output=True, text=True, timeout=60,
                          check=False)


def sign_in(user):
    """At the prompt, on a terminal wide enough for every line."""
    command, *words = command_of(user)
    return Terminal(pexpect.spawn(command, words, encoding="utf-8", timeout=30, dimensions=(50, 200),
                                  env={**os.environ, "TERM": "xterm"}))
