"""What gate and worker keep of root's rights. They run in the sandbox of their units here, as in every test
beside this one: that each op still works in there is what all the others show."""

import errno
import re
import subprocess

import pytest

from daemon import AS_UNIT
from stack import ROOT, eventually

NAMES = {
    "CHOWN": 0, "DAC_READ_SEARCH": 2, "FOWNER": 3, "KILL": 5, "SETGID": 6, "SETUID": 7, "SETPCAP": 8, "NET_BIND_SERVICE": 10,
}
ACCOUNT = 998


def documented():
    """docs/architecture.md's table: process → (account, capabilities)."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()
            if re.match(r"\| (gate|worker): ", line)]
    return {row[0]: (row[1], {NAMES[name] for name in row[2].split() if name != "–"}) for row in rows}


def status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def processes(stack):
    gate, worker = stack.gate, stack.worker
    yield "gate: supervisor", gate.process.pid
    yield from (("gate: child", pid) for pid in gate.children("child"))
    yield "worker: supervisor", worker.process.pid
    for kind in ("link", "keeper", "metrics"):
        yield from ((f"worker: {kind}", pid) for pid in worker.children(kind))
    for number in range(1, 5):
        yield from (("worker: runner", pid) for pid in worker.children(f"runner-{number}"))


def test_each_process_keeps_what_the_table_says_and_no_more(stack, alice):
    alice.do("ping")
    table, seen = documented(), set()
    for name, pid in processes(stack):
        account, capabilities = table[name]
        told, bits = status(pid), sum(1 << number for number in capabilities)
        assert set(told["Uid"].split()) == {"0" if account == "root" else str(ACCOUNT)}, name
        assert account == "root" or told["Groups"].strip() == "", name
        sets = {kind: int(told[kind], 16) for kind in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb")}
        assert sets == {"CapPrm": bits, "CapEff": bits, "CapBnd": bits, "CapInh": 0, "CapAmb": 0}, name
        assert told["NoNewPrivs"] == "1" and told["Seccomp"] == "2", name
        # Two of the unit's; its own goes on top.
        assert int(told["Seccomp_filters"]) == (2 if "supervisor" in name else 3), name
        with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
            assert re.search(r"^Max core file size +0 +0 ", limits.read(), re.M), name
        seen.add(name)
    assert seen == set(table)


def test_a_followers_walls_are_its_runners(stack, alice):
    alice.create("--name", "loud")

    def followers():
        runners = [str(pid) for number in range(1, 5) for pid in stack.worker.children(f"runner-{number}")]
        return subprocess.run(["pgrep", "-P", ",".join(runners)], capture_output=True, text=True, check=False).stdout.split()

    with alice.popen("logs", "--follow", "loud") as following:
        told = [status(pid) for pid in eventually(followers, what="a follower")]
        following.terminate()
    assert [(row["Seccomp_filters"], row["NoNewPrivs"]) for row in told] == [("3", "1")]


@pytest.mark.parametrize("program, exposure", [("dcm-gate", 25), ("dcm-worker", 31)])
def test_systemd_understands_the_unit_and_calls_it_well_protected(whole_stack, tmp_path, program, exposure):
    unit = tmp_path / f"{program}.service"
    text = (whole_stack.prefix / "lib" / "systemd" / "system" / unit.name).read_text()
    # Neither manual page nor program are where they will be.
    text = text.replace("Documentation=", "# ")
    unit.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={whole_stack.program(program)}", text, flags=re.M))
    told = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    rated = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={exposure}", "--no-pager", unit],
                           capture_output=True, text=True, check=False)
    assert rated.returncode == 0, rated.stdout


def probe(stack, program, code):
    """What this Python comes to in the unit's sandbox, where /usr/bin/python3 may do as root does outside."""
    unit = stack.prefix / "lib" / "systemd" / "system" / f"{program}.service"
    place = {"dcm-gate": "/run/dcm", "dcm-worker": "/var/lib/dcm/worker"}[program]
    done = subprocess.run([AS_UNIT, unit, "--place", f"{place}={stack.state / 'probe'}", "/usr/bin/python3", "-c",
                           f"import ctypes, mmap, os, socket\nlibc = ctypes.CDLL(None, use_errno=True)\n{code}",
                           stack.state / "probe"], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def call(text):
    return f"""
try:
    {text}
    print("done")
except OSError as error:
    print(error.errno)
"""


def libc(text):
    return f"print('done' if libc.{text} >= 0 else ctypes.get_errno())"


@pytest.mark.parametrize("program, code, outcome", [
    ("dcm-worker", call("open('/etc/planted', 'w')"), errno.EROFS),
    ("dcm-worker", call("open('/usr/bin/planted', 'w')"), errno.EROFS),
    ("dcm-worker", call("open('/proc/sys/kernel/core_pattern', 'w')"), errno.ENOENT),
    ("dcm-worker", call("open('/sys/kernel/uevent_helper', 'w')"), errno.EROFS),
    ("dcm-worker", call("os.mkdir('/sys/fs/cgroup/planted')"), errno.EROFS),
    ("dcm-worker", call("os.listdir('/proc/self'), os.listdir('/proc/1')"), errno.ENOENT),
    ("dcm-worker", libc("mount(b'none', b'/mnt', b'tmpfs', 0, None)"), errno.EPERM),
    ("dcm-worker", libc("unshare(0x10000000)"), errno.EPERM),
    ("dcm-worker", libc("ptrace(0, 0, 0, 0)"), errno.EPERM),
    ("dcm-worker", libc("personality(8)"), errno.EPERM),
    ("dcm-worker", libc("sched_setscheduler(0, 1, ctypes.byref(ctypes.c_int(1)))"), errno.EPERM),
    ("dcm-worker", call("mmap.mmap(-1, 4096, prot=7)"), errno.EPERM),
    ("dcm-worker", call("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)"), errno.EAFNOSUPPORT),
    ("dcm-worker", call("os.chown(os.sys.argv[1], 5001, 5001), os.chown(os.sys.argv[1], 0, 0)"), "done"),
    ("dcm-worker", call("open(os.sys.argv[1] + '/file', 'w')"), "done"),
    ("dcm-worker", "print(libc.syscall(444, None, 0, 1) >= 1)", "True"),  # Landlock, where the kernel has it
    ("dcm-worker", "print(libc.syscall(437, -100, b'/', (ctypes.c_uint64 * 3)(), 24) >= 0)", "True"),  # openat2
    ("dcm-gate", call("open('/etc/planted', 'w')"), errno.EROFS),
    ("dcm-gate", call("os.listdir('/dev/pts')"), errno.ENOENT),
    ("dcm-gate", call("os.chown(os.sys.argv[1], 5001, 5001)"), errno.EPERM),
    ("dcm-gate", call("os.chmod(os.sys.argv[1], 0o4755)"), errno.EPERM),
    ("dcm-gate", call("open(os.sys.argv[1] + '/file', 'w')"), "done"),
    ("dcm-gate", "print([name for name in os.listdir('/tmp') if not name.startswith('dcm-test.')])", "[]"),
])
def test_the_units_sandbox(whole_stack, program, code, outcome):
    place = whole_stack.state / "probe"
    place.mkdir(exist_ok=True)
    assert probe(whole_stack, program, code).strip() == str(outcome)


def test_a_unit_with_a_directive_that_nobody_has_judged_does_not_run(whole_stack, tmp_path):
    unit = tmp_path / "new.service"
    unit.write_text("[Service]\nType=notify\nProtectMoon=yes\n")
    done = subprocess.run([AS_UNIT, unit, "/bin/true"], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "ProtectMoon" in done.stderr
