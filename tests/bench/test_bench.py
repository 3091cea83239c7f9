"""Measurements, side by side in one run. They print; nothing here asserts a time."""

import copy
import json
import pathlib
import platform
import socket
import statistics
import subprocess
import time

ROUNDS = 15


def banner(port):
    """Wait for sshd's first line on this port."""
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                connection.settimeout(1)
                if connection.recv(16).startswith(b"SSH-2.0"):
                    return
        except OSError:
            pass
        time.sleep(0.002)


def curl(stack, method, path, body=None):
    command = ["curl", "-sS", "--unix-socket", stack.engine_socket, "-X", method, f"http://localhost/v1.41{path}"]
    if body is not None:
        command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout or b"null")


def body_like(inspected, port):
    """The create body that makes the same container again, on another port."""
    config = copy.deepcopy(inspected["Config"])
    for own in ("Hostname", "Domainname"):
        config.pop(own, None)
    config["HostConfig"] = copy.deepcopy(inspected["HostConfig"])
    config["HostConfig"]["PortBindings"]["22/tcp"] = [{"HostIp": "0.0.0.0", "HostPort": str(port)}]
    return config


def summary(times):
    return f"{statistics.median(times) * 1000:7.1f} ms   ({min(times) * 1000:.1f} … {max(times) * 1000:.1f})"


def test_create_to_ssh_banner(stack):
    alice = stack.alice
    model = stack.inspect(alice.create())
    ours, direct = [], []
    for turn in range(ROUNDS):
        began = time.monotonic()
        made = json.loads(alice.submit("--json", "create", "debian-ssh").stdout)["container"]
        banner(made["ssh_port"])
        ours.append(time.monotonic() - began)
        alice.submit("remove", "-f", made["name"])

        port = 45000 + turn
        body = body_like(model, port)
        began = time.monotonic()
        identity = curl(stack, "POST", f"/containers/create?name=bench{turn}", body)["Id"]
        curl(stack, "POST", f"/containers/{identity}/start")
        curl(stack, "GET", f"/containers/{identity}/json")
        banner(port)
        direct.append(time.monotonic() - began)
        curl(stack, "DELETE", f"/containers/{identity}?force=1&v=1")
    stack.clear()
    ratio = statistics.median(ours) / statistics.median(direct)
    print(f"\n{platform.machine()}, {platform.release()}, engine {stack.docker().version()['Version']}, {ROUNDS} rounds")
    print(f"create → SSH banner, dcm-submit     {summary(ours)}")
    print(f"create → SSH banner, curl to engine {summary(direct)}")
    print(f"ratio {ratio:.3f}   goal ≤ 1.05   {'met' if ratio <= 1.05 else 'MISSED'}")


def pss_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise AssertionError("no Pss in smaps_rollup")


def family(daemon):
    pid = daemon.process.pid
    listed = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True, check=True).stdout
    return [pid, *map(int, listed.split())]


def test_idle_memory(stack):
    """After work, and some seconds of rest."""
    time.sleep(12)
    print()
    for daemon, goal, what in ((stack.worker, 12, "worker, 4 runners"), (stack.gate, 6, "gate, 4 children")):
        pids = family(daemon)
        total = sum(map(pss_kib, pids)) / 1024
        print(f"PSS of idle {what} ({len(pids)} processes): {total:.1f} MiB   goal ≤ {goal}   "
              f"{'met' if total <= goal else 'MISSED'}")


def test_ping(stack):
    alice, times = stack.alice, []
    for _ in range(50):
        began = time.monotonic()
        alice.submit("ping")
        times.append(time.monotonic() - began)
    print(f"\ndcm-submit ping, whole process       {summary(times)}")
