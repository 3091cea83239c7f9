"""A Debian in namespaces of its own, in which an administrator follows the guide."""

import os
import pathlib
import subprocess

import guide

ADMINISTRATION = guide.procedures("administration.md")
ADDRESS = "192.0.2.10"
# Its root becomes a mount of its own, as an engine wants it; what is mounted in it is seen in the units' sandboxes.
ENTER = r"""
set -e
mount --make-rprivate / && mount --bind "$1" "$1" && cd "$1"
mount -t proc proc proc && mount --rbind /sys sys && mount --rbind /dev dev
mount -t tmpfs -o mode=755 tmpfs run && mount -t tmpfs -o mode=1777 tmpfs tmp
hostname lab1
pivot_root . mnt && umount -l /mnt && mount --make-rshared /
mkdir -p /run/systemd/system /run/lock
echo ready && exec sleep infinity
"""
# No cable: an address that this host alone has.
NETWORK = f"ip link add eth0 type bridge && ip address add {ADDRESS}/24 dev eth0 && ip link set eth0 up"


class Room:
    def __init__(self):
        self.root = pathlib.Path(os.environ["DCM_ROOM"])
        subprocess.run(NETWORK, shell=True, check=True)
        self.init = subprocess.Popen(["unshare", "--mount", "--uts", "bash", "-c", ENTER, "room", self.root],
                                     stdout=subprocess.PIPE, text=True)
        assert self.init.stdout.readline() == "ready\n"

    def words(self, commands, user=None):
        """What runs shell commands in there, in root's home; or as that user, as somebody signed in would."""
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
        return ["nsenter", "--mount", "--uts", "--target", str(self.init.pid), "env", "-i", "HOME=/root",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive",
                *become, "bash", "-euo", "pipefail", "-c", f"cd {'/' if user else '/root'}\n{commands}"]

    def popen(self, commands, user=None, **how):
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(self.words(commands, user), **{**pipes, **how})

    def tell(self, commands, user=None, timeout=300):
        """Run them: returncode, stdout, stderr."""
        process = self.popen(commands, user)
        out, err = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(commands, process.returncode, out, err)

    def run(self, commands, user=None, timeout=300):
        """What they print; they must go well."""
        done = self.tell(commands, user, timeout)
        assert done.returncode == 0, f"status {done.returncode} of:\n{commands}\n{done.stdout}\n{done.stderr}\n{self.logs()}"
        return done.stdout.strip()

    def follow(self, name):
        """A procedure of the administrator's guide, each of its fences as it stands there. What they print."""
        return "\n".join(self.run(commands) for commands in ADMINISTRATION[name])

    def write(self, path, text):
        (self.root / path.lstrip("/")).write_text(text)

    def logs(self):
        """The end of what each service has logged, for a failure's message."""
        tails = []
        for log in sorted((self.root / "var" / "log").glob("stand-in.*.log")):
            tails += [f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-12:]]
        return "\n".join(tails)

    def close(self):
        for unit in ("dcm-worker", "dcm-gate", "ssh", "docker", "containerd", "redis-server", "rabbitmq-server"):
            self.tell(f"systemctl stop {unit}")
        self.init.kill()
        self.init.wait()
