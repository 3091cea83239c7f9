"""Packages of a higher version are installed while users work: no request is lost, and no session notices."""

import json
import os
import pathlib
import subprocess
import threading

import pytest

REQUESTS, SESSIONS, STREAMS = 100, 5, 4
NEXT = pathlib.Path(os.environ["DCM_NEXT"])


class Session:
    """An SSH session in a container, in which a shell waits for lines."""

    def __init__(self, room, port):
        self.process = room.popen(f"ssh -p {port} alice@lab1 'read -r line; echo \"$line\"; read -r line; echo \"$line\"'",
                                  stdin=subprocess.PIPE)

    def echoes(self, word):
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip() == word

    def ends_well(self):
        return self.process.wait(30) == 0


class Users:
    """A few users' programs side by side, which ask until they are told to end, and often enough; and what came of it."""

    def __init__(self, room):
        self.room, self.results = room, []
        self.some_are_done, self.enough = threading.Event(), threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(number,)) for number in range(STREAMS)]
        for thread in self.threads:
            thread.start()

    def work(self, number):
        """The first changes something each time; what the others ask goes all the way and back."""
        turn = 0
        while not self.enough.is_set() or len(self.results) < REQUESTS:
            words = ("stop moving", "start moving")[turn % 2] if number == 0 else "ping"
            self.results.append((words, self.room.tell(f"dcm-submit --json {words}", user="alice")))
            turn += 1
            if len(self.results) > REQUESTS / 10:
                self.some_are_done.set()

    def end(self):
        self.enough.set()
        for thread in self.threads:
            thread.join()
        return self.results


@pytest.fixture(scope="module")
def upgraded(server):
    """The server afterwards; what came of the requests, and the sessions that were open."""
    server.run("dcm-submit create debian-ssh --name moving && dcm-submit create debian-ssh --name staying", user="alice")
    server.run("mkdir old && cp /usr/bin/dcm-submit old && rm dcm-*.deb")
    for package in NEXT.glob("*.deb"):
        (server.root / "root" / package.name).write_bytes(package.read_bytes())
    port = json.loads(server.run("dcm-submit --json show staying", user="alice"))["container"]["ssh_port"]
    sessions = [Session(server, port) for _ in range(SESSIONS)]
    assert all(session.echoes("before") for session in sessions)
    users = Users(server)
    assert users.some_are_done.wait(120)
    before = [main_pid(server, program) for program in ("dcm-gate", "dcm-worker")]
    server.follow("upgrade")
    return server, before, users.end(), sessions


def main_pid(server, program):
    return server.run(f"systemctl show --property MainPID --value {program}")


def test_gate_and_worker_are_of_the_new_version_while_requests_go_on(upgraded):
    server, before, _, _ = upgraded
    [package] = NEXT.glob("dcm-worker_*.deb")
    version = package.name.split("_")[1]
    assert server.run("old/dcm-submit --version") != f"dcm-submit {version}"
    for program, old in zip(("dcm-gate", "dcm-worker"), before):
        new = main_pid(server, program)
        assert new not in (old, "0") and server.run(f"/proc/{new}/exe --version") == f"{program} {version}"


def test_no_request_is_lost(upgraded):
    _, _, results, _ = upgraded
    assert len(results) >= REQUESTS
    assert [(words, done) for words, done in results if done.returncode != 0] == []
    assert {json.loads(done.stdout)["state"] for _, done in results} == {"done"}


def test_no_session_is_closed(upgraded):
    _, _, _, sessions = upgraded
    assert all(session.echoes("after") for session in sessions)
    assert all(session.ends_well() for session in sessions)


def test_an_older_submitter_works_with_the_new_worker(upgraded):
    server, *_ = upgraded
    server.run("install -m 755 old/dcm-submit /usr/local/bin/dcm-submit-old")
    made = json.loads(server.run("dcm-submit-old --json create debian-ssh", user="alice"))["container"]
    assert server.run(f"ssh -p {made['ssh_port']} alice@lab1 hostname") == made["id"][:12]
    server.run(f"dcm-submit-old remove -f {made['name']}", user="alice")


def test_all_is_well_afterwards(upgraded):
    server, *_ = upgraded
    server.run("dcm-admin doctor")
    assert json.loads(server.run("dcm-admin reconcile --json"))["differences"] == []
