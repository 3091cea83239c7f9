"""Who dies or stands still where, and what happens to whoever stands still."""

import contextlib
import os
import pathlib
import signal
import tempfile
import time

from stack import eventually


class Plan:
    """The file that every process asks at each fault point (common/fault_point.h)."""

    def __init__(self, path):
        self.path = path
        self.path.touch()
        self.path.chmod(0o666)  # gate and link are not root, and count it down too

    def kill_at(self, point, passes=0, times=1):
        self.path.write_text(f"{point} {passes} {times}\n")

    def stall_at(self, point, passes=0):
        self.path.write_text(f"{point} {passes} 1 stall\n")

    def drop(self):
        self.wake()
        self.path.write_text("")

    def is_spent(self):
        return self.path.read_text() == ""

    def sleeper(self):
        """The pid of the process that stands still at the point, or None."""
        words = self.path.read_text().split()
        if words[:1] != ["asleep"]:
            return None
        with contextlib.suppress(OSError):
            state = pathlib.Path(f"/proc/{words[1]}/stat").read_text().rsplit(")", 1)[1].split()[0]
            return int(words[1]) if state == "T" else None

    def wake(self):
        pid = self.sleeper()
        if pid:
            os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def planned():
    """A plan for all that is started meanwhile."""
    before = os.environ.get("DCM_FAULT_FILE")
    with tempfile.TemporaryDirectory(prefix="dcm-faults.") as folder:
        pathlib.Path(folder).chmod(0o755)
        plan = Plan(pathlib.Path(folder) / "plan")
        os.environ["DCM_FAULT_FILE"] = str(plan.path)
        try:
            yield plan
        finally:
            plan.drop()
            if before:
                os.environ["DCM_FAULT_FILE"] = before
            else:
                del os.environ["DCM_FAULT_FILE"]


def pass_everything(stack, sleeper):
    """Its reservations run out, its connections are given up, and whoever works for the link's successor
    takes up what the sleeper has in hand."""
    stack.let_run_out()
    for proxy in stack.proxies.values():
        proxy.cut()
    links = stack.worker.children("link")
    if sleeper not in [*links, *stack.gate.children("child")]:
        for link in links:
            os.kill(link, signal.SIGKILL)
        eventually(lambda: set(stack.worker.children("link")) - set(links), 10, "another link")
        time.sleep(0.5)  # it has its runners, and they what the journal holds undone
    stack.worker.process.send_signal(signal.SIGHUP)  # the keeper looks


@contextlib.contextmanager
def asleep(stack, point):
    """While somebody sleeps there, and time passes."""
    sleeper = eventually(stack.plan.sleeper, 20, f"a sleeper at {point}")
    pass_everything(stack, sleeper)
    try:
        yield
    finally:
        stack.plan.drop()
