"""Gate and worker, each in the sandbox of its unit."""

import os
import pathlib
import re
import signal
import subprocess

# No file that a sanitizer would write can be reached from the sandbox: it is said in the daemon's log.
REPORTS_LOGGED = {"ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
FINDING = re.compile(r"^(==\d+==|\S+:\d+:\d+: runtime error: ).*", re.MULTILINE | re.DOTALL)
AS_UNIT = pathlib.Path(__file__).resolve().parents[1] / "lib" / "as_unit"


class Daemon:
    """dcm-gate or dcm-worker."""

    def __init__(self, stack, program):
        self.stack, self.program, self.process = stack, program, None
        self.config = stack.state / f"{program.removeprefix('dcm-')}.conf"
        self.log_path = stack.state / f"{program}.log"

    def start(self, *args):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*self.sandbox(), self.stack.program(self.program), "--config", self.config, *args],
                                            env={**os.environ, **REPORTS_LOGGED},
                                            stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def sandbox(self):
        """What systemd would do: whatever a test finds to work, works in the unit's sandbox."""
        if not self.stack.sandboxed:
            return []
        said = dict(line.split(" = ", 1) for line in self.config.read_text().splitlines() if " = " in line)
        if self.program == "dcm-gate":
            places = {"/run/dcm": pathlib.Path(said["socket"]).parent}
        else:
            places = {"/var/lib/dcm/storage": said["storage"], "/var/lib/dcm/worker": said["state"],
                      "/var/log/dcm": pathlib.Path(said["audit"]).parent}
        unit = self.stack.prefix / "lib" / "systemd" / "system" / f"{self.program}.service"
        return [AS_UNIT, unit, *(word for there, here in places.items() for word in ("--place", f"{there}={here}"))]

    def stop(self, number=signal.SIGTERM, seconds=100):
        if self.process:
            self.process.send_signal(number)
            self.process.wait(seconds)
        self.process = None

    def children(self, name):
        """Pids of the children that carry this name ("link", "runner-1")."""
        listed = subprocess.run(["ps", "--ppid", str(self.process.pid), "-o", "pid=,comm="],
                                capture_output=True, text=True, check=False).stdout
        return [int(line.split()[0]) for line in listed.splitlines() if line.split()[1] == name]

    def log(self):
        return self.log_path.read_text(errors="replace")

    def finding(self):
        """What a sanitizer has found in it. Nobody else may notice: the process that ends has a successor."""
        found = FINDING.search(self.log())
        return found and found[0][:6000]
