"""A user of the login server: what it asks, and how it signs in."""

import json
import os
import shutil
import subprocess
import time

# Where what a sanitizer finds in a user's program is written (tests/run sanitized).
REPORTS = {name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}


class User:
    """An account of the login server, with a key of its own."""

    def __init__(self, stack, name, uid):
        self.stack, self.name, self.uid = stack, name, uid
        self.home = stack.state / "home" / name
        self.home.mkdir(parents=True)
        self.key = self.home / "id"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)
        keys = stack.keys / name
        keys.mkdir(parents=True)
        keys.chmod(0o755)
        shutil.copy(f"{self.key}.pub", keys / "authorized_keys")
        (keys / "authorized_keys").chmod(0o644)
        for path in (self.home, self.key):
            os.chown(path, uid, uid)

    def popen(self, *args, **options):
        """dcm-submit as this user, started."""
        return subprocess.Popen(
            [self.stack.program("dcm-submit"), *map(str, args)],
            user=self.uid, group=self.uid, extra_groups=[], cwd="/",
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.home), "DCM_GATE": str(self.stack.gate_socket),
                 **REPORTS},
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options})

    def submit(self, *args, timeout=120):
        """dcm-submit as this user, to its end: returncode, stdout, stderr."""
        process = self.popen(*args)
        out, err = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def do(self, *args, **options):
        """The same of what has to succeed."""
        done = self.submit(*args, **options)
        assert done.returncode == 0, (args, done.returncode, done.stdout, done.stderr)
        return done

    def json(self, *args, status=0):
        """The JSON that a command prints; it must end with this status (None: any)."""
        done = self.submit("--json", *args)
        assert status is None or done.returncode == status, (args, done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout)

    def create(self, *args):
        """A new container: its part of the result."""
        return self.json("create", "debian-ssh", *args)["container"]

    def names(self):
        return [container["name"] for container in self.json("ps")["containers"]]

    def own_images(self):
        return [image["name"] for image in self.json("images")["images"] if image["owner"]]

    def ssh(self, container, command, login=None, check=True, address="127.0.0.1"):
        """Run a command in a container over SSH and return what it printed."""
        done = self.ssh_try(container, command, login, address)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout.strip()

    def ssh_try(self, container, command, login=None, address="127.0.0.1"):
        end = time.monotonic() + 20
        while True:
            done = subprocess.run(
                ["ssh", "-F", "none", "-i", self.key, "-p", str(container["ssh_port"]), "-l", login or self.name,
                 "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                 "-o", "IdentitiesOnly=yes", "-o", "ConnectTimeout=5", "-o", "LogLevel=ERROR", address, command],
                capture_output=True, text=True, timeout=60, check=False)
            # sshd comes up a moment after the container: refused and reset are worth another try.
            unready = done.returncode == 255 and "Permission denied" not in done.stderr
            if not unready or time.monotonic() > end:
                return done
            time.sleep(0.2)
