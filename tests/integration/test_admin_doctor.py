"""dcm-admin doctor: every fault is made, named with what to do, and gone from the report when it is mended."""

import contextlib
import http.server
import json
import os
import re
import signal
import socket
import socketserver
import subprocess
import threading
import time

import pytest

from stack import eventually


def findings(admin, config=None):
    """{check: [(state, message)]}, of an exit status that fits."""
    done = admin.tell("doctor", config=config)
    told = json.loads(done.stdout)
    states = [check["state"] for check in told["checks"]]
    assert done.returncode == ("fault" in states) and told["healthy"] == ("fault" not in states), done
    assert all(check["advice"] for check in told["checks"] if check["state"] != "ok"), told
    found = {}
    for check in told["checks"]:
        found.setdefault(check["check"], []).append((check["state"], check["message"]))
    return found


def faults(admin, config=None):
    found = findings(admin, config)
    return [(name, message) for name, all_of in found.items() for state, message in all_of if state == "fault"]


@pytest.fixture
def healthy(stack, admin):
    """Nothing is wrong before the test, nor once it has mended what it broke."""
    eventually(lambda: faults(admin) == [], 30, "a clean report")
    yield
    eventually(lambda: faults(admin) == [], 60, "a clean report afterwards")


@contextlib.contextmanager
def mode(path, bits, owner=0):
    before = os.stat(path)
    os.chown(path, owner, before.st_gid)
    os.chmod(path, bits)
    yield
    os.chown(path, before.st_uid, before.st_gid)
    os.chmod(path, before.st_mode & 0o7777)


def test_nothing_is_wrong_and_nothing_is_changed(stack, admin, healthy):
    def state():
        with stack.redis() as store:
            return sorted(store.keys("dcm:user:*")), stack.policy_path.read_bytes(), stack.queue_length()

    before = state()
    found = findings(admin)
    assert set(found) == {"files", "keys", "storage", "addresses", "store", "clock", "broker", "engine", "disk", "images",
                          "policy", "worker", "gate"}
    assert state() == before
    lines = admin.tell("doctor", form=()).stdout.splitlines()
    assert {line.split()[1] for line in lines if line.startswith("ok")} <= set(found) and len(lines) >= len(found)


@pytest.mark.parametrize("name, bits, owner", [
    ("worker.conf", 0o644, 0), ("gate.conf", 0o640, 5001), ("keyring", 0o604, 0), ("policy.json", 0o666, 0)])
def test_files_that_others_reach(stack, admin, healthy, name, bits, owner):
    with mode(stack.state / name, bits, owner):
        [(check, message)] = faults(admin)
    assert check == "files" and str(stack.state / name) in message


def test_two_configurations_that_differ(stack, admin, healthy):
    other = stack.state / "other-keys"
    other.mkdir(mode=0o755)
    [(check, message)] = faults(admin, admin.configure("differs.conf", keys=other))
    assert check == "files" and str(other) in message and str(stack.keys) in message


def test_keys_that_users_could_change(stack, admin, healthy):
    keys = stack.keys / "alice" / "authorized_keys"
    with mode(keys, 0o644, 5001):
        assert faults(admin) == [("keys", f"others than root can write {keys}")]
    with mode(stack.keys / "alice", 0o777):
        assert faults(admin) == [("keys", f"others than root can write {keys.parent}")]
    for path, bits in ((keys, 0o640), (keys.parent, 0o711)):
        with mode(path, bits):
            assert faults(admin) == [("keys", f"containers cannot read {path}")]
    link = stack.keys / "alice" / "link"
    link.symlink_to("/etc/shadow")
    assert faults(admin) == [("keys", f"{link} is a symbolic link")]
    link.unlink()


def test_storage(stack, admin, healthy):
    with mode(stack.storage, 0o777):
        assert faults(admin) == [("storage", f"others than root can write on the way to {stack.storage}")]
    rest = stack.storage / ".removing.zoe"
    rest.mkdir()
    assert faults(admin) == [("storage", "zoe was being removed, and is not")]
    rest.rmdir()
    stack.storage.rename(stack.state / "away")
    assert faults(admin) == [("storage", f"there is no folder {stack.storage}")]
    (stack.state / "away").rename(stack.storage)


def test_how_the_storage_is_mounted(stack, admin, healthy):
    def said():
        return [(state, message) for state, message in findings(admin)["storage"] if message]

    subprocess.run(["mount", "--bind", stack.storage, stack.storage], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,suid,dev", stack.storage], check=True)
        assert said() == [("warning", f"{stack.storage} is mounted without nosuid,nodev")]
        subprocess.run(["mount", "-o", "remount,bind,nosuid,nodev", stack.storage], check=True)
        assert said() == []
        subprocess.run(["mount", "-o", "remount,bind,nosuid,nodev,ro", stack.storage], check=True)
        assert said() == [("fault", f"{stack.storage} is mounted read-only")]
    finally:
        subprocess.run(["umount", stack.storage], check=True)


def test_an_address_that_the_host_has_not(admin, healthy):
    admin.run("address", "add", "192.0.2.7")
    assert faults(admin) == [("addresses", "this host has no address 192.0.2.7")]
    admin.run("address", "retire", "192.0.2.7")


def test_a_store_that_would_forget(stack, admin, healthy):
    with stack.redis() as store:
        store.config_set("appendonly", "no")
        store.config_set("maxmemory-policy", "allkeys-lru")
        store.config_set("proto-max-bulk-len", "512mb")
        found = faults(admin)
        store.config_set("appendonly", "yes")
        store.config_set("maxmemory-policy", "noeviction")
        store.config_set("proto-max-bulk-len", "1mb")
    assert [check for check, _ in found] == ["store", "store", "store"]
    assert "append-only" in found[0][1] and "throws keys away" in found[1][1] and "of any size" in found[2][1]


@contextlib.contextmanager
def store_ahead(stack, seconds):
    """The store, behind a proxy that makes its clock go wrong: its URL."""
    host, port = re.search(r"@([\d.]+):(\d+)", stack.urls["REDIS_ADMIN_URL"]).groups()
    listener = socket.create_server(("127.0.0.1", 0))

    def shift(match):
        later = str(int(match.group(1)) + seconds)
        return b"*2\r\n$%d\r\n%s\r\n$" % (len(later), later.encode())

    def pump(source, target, change):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(re.sub(rb"\*2\r\n\$10\r\n(\d{10})\r\n\$", shift, data) if change else data)
            target.shutdown(socket.SHUT_WR)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection((host, int(port)))
                for args in ((client, server, False), (server, client, True)):
                    threading.Thread(target=pump, args=args, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield stack.urls["REDIS_ADMIN_URL"].replace(f":{port}", f":{listener.getsockname()[1]}")
    listener.close()


@pytest.mark.parametrize("seconds, way", [(90, "ahead"), (-20, "behind")])
def test_clocks_that_differ(stack, admin, healthy, seconds, way):
    with store_ahead(stack, seconds) as url:
        found = dict(faults(admin, admin.configure("skewed.conf", store=url)))
    assert re.fullmatch(rf"the store's clock is \d+ s {way}", found["clock"])


def test_a_store_out_of_reach(stack, admin, healthy):
    stack.service("stop", "store")
    try:
        assert "does not answer" in dict(faults(admin))["store"]
    finally:
        stack.service("start", "store")


def test_a_broker_out_of_reach_or_that_refuses(stack, admin, healthy):
    wrong = re.sub(r"(amqp://[^:]+:)[^@]+", r"\1wrong", stack.urls["AMQP_ADMIN_URL"])
    [(check, message)] = faults(admin, admin.configure("wrong.conf", broker=wrong))
    assert check == "broker" and "takes no request" in message and "wrong" not in message
    stack.service("stop", "broker")
    try:
        assert [check for check, _ in faults(admin)] == ["broker"]
    finally:
        stack.service("start", "broker")


@contextlib.contextmanager
def engine_that_says(stack, **info):
    """An engine that answers everything with this: a worker.conf that names it."""
    place = stack.state / "other-engine.sock"

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(info).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

        def address_string(self):
            return "a socket"

    with socketserver.ThreadingUnixStreamServer(str(place), Answer) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        text = stack.worker.config.read_text()
        yield stack.secret("other-engine.conf", text.replace(f"engine = {stack.engine_socket}", f"engine = {place}"))
        server.shutdown()
    place.unlink()


def test_an_engine_without_seccomp(stack, admin, healthy):
    for options, well in ((["name=apparmor", "name=seccomp,profile=builtin"], True), ([], False),
                          (["name=apparmor", "name=seccomp,profile=unconfined"], False)):
        with engine_that_says(stack, ServerVersion="20.10.24", SecurityOptions=options) as config:
            found = faults(admin, admin.configure("other-engine-admin.conf", worker_conf=config))
        assert [message for check, message in found if check == "engine"] == \
            ([] if well else ["the engine runs containers without seccomp"]), options


def test_an_engine_that_is_down(stack, admin, healthy):
    stack.service("stop", "engine")
    try:
        found = dict(faults(admin))
        assert stack.engine_socket in found["engine"] and "debian-ssh" in found["images"]
    finally:
        stack.service("start", "engine")


def test_what_root_of_all_containers_shares_with_that_of_the_server(admin, healthy):
    with open("/proc/sys/fs/inotify/max_user_instances") as setting:
        few = int(setting.read()) < 65536
    told = [message for state, message in findings(admin)["engine"] if state == "warning"]
    assert [("inotify instances" in message) for message in told] == [True] * few


@contextlib.contextmanager
def policy(stack, change, reload=True):
    before = stack.policy_path.read_text()
    stack.set_policy(change(before), reload)
    try:
        yield
    finally:
        stack.set_policy(before, reload=True)


def test_an_image_that_is_granted_and_not_there(stack, admin, healthy):
    with policy(stack, lambda text: text.replace('"debian-ssh"', '"debian-ssh", "nosuch:1"')):
        # Until the worker has reported it, the new policy is a finding of its own.
        eventually(lambda: [check for check, _ in faults(admin)] == ["images"], 20, "one fault")
        assert "nosuch:1" in dict(faults(admin))["images"]


def test_a_faulty_policy(stack, admin, healthy):
    with policy(stack, lambda text: text.replace('"containers"', '"contaners"'), reload=False):
        [(check, message)] = faults(admin)
    assert check == "policy" and "groups.testers.contaners" in message


def test_a_policy_that_nobody_has_read(stack, admin, healthy):
    def change(text):
        changed = json.loads(text)
        changed["groups"]["testers"]["containers"] -= 1
        return json.dumps(changed)

    with policy(stack, change, reload=False):
        [(check, message)] = faults(admin)
        assert check == "policy" and "the worker goes by policy" in message
        admin.run("policy", "apply", stack.policy_path)
        assert faults(admin) == []


def test_a_policy_that_does_not_let_the_administrator_speak(stack, admin, healthy):
    def mute(text):
        changed = json.loads(text)
        del changed["publishers"]["dcm-admin"]
        return json.dumps(changed)

    with policy(stack, mute):
        assert any("does not let dcm-admin speak" in message for _, message in faults(admin))


def test_a_worker_that_does_not_run(stack, admin, healthy):
    stack.worker.stop()
    try:
        found = dict(faults(admin))
        assert found["worker"] == "dcm-worker does not run here" and "no worker took it" in found["broker"]
    finally:
        stack.worker.start()


def test_a_server_that_has_not_been_heard_of_for_long(stack, admin, healthy):
    [keeper] = stack.worker.children("keeper")
    os.kill(keeper, signal.SIGSTOP)
    with stack.redis() as store:
        try:
            for name in (stack.server, "lab9"):
                store.hset(f"dcm:server:{name}", "heartbeat", int((time.time() - 100) * 1000))
            store.sadd("dcm:servers", "lab9")
            found = findings(admin)["worker"]
        finally:
            os.kill(keeper, signal.SIGCONT)
            store.srem("dcm:servers", "lab9")
            store.delete("dcm:server:lab9")
    told = {(state, message.split()[0]) for state, message in found}
    assert told == {("fault", stack.server), ("warning", "lab9")} and "was last heard of 10" in found[0][1]


def test_a_gate_that_does_not_run(stack, admin, healthy):
    stack.gate.stop()
    try:
        [(check, message)] = faults(admin)
        assert check == "gate" and str(stack.gate_socket) in message
    finally:
        stack.gate.start()
