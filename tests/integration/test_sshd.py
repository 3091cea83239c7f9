"""The prompt behind a real sshd, with the configuration that we install."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess

import pexpect
import pytest

from login import PORT, command_of, options, sign_in, ssh
from stack import eventually

pytestmark = pytest.mark.usefixtures("login")


def test_a_command_over_ssh(stack, alice, bob):
    for user in (alice, bob):
        assert ssh(user, "create debian-ssh --name web").returncode == 0
        done = ssh(user, "ps", "--json")
        assert (done.returncode, done.stderr) == (0, "")
        assert [c["name"] for c in json.loads(done.stdout)["containers"]] == ["web"]
        assert ssh(user, "stop nosuch").returncode == 4
        assert ssh(user, "create debian-ssh 443").returncode == 3


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_the_prompt_over_ssh(stack, name):
    user = getattr(stack, name)
    prompt = sign_in(user)
    assert f"Welcome, {name}!" in prompt.banner
    assert "created successfully" in prompt.run("create debian-ssh")
    assert prompt.leave() == 0
    assert len(user.names()) == 1


def test_each_kind_of_end_has_its_status(stack, alice, bob):
    for status, command in ((0, "create debian-ssh 80"), (0, "create debian-ssh 80"), (1, "create debian-ssh 80"),
                            (2, "create debian-ssh 99999"), (3, "create debian-ssh 443"), (4, f"create {'f' * 12}")):
        done = ssh(alice, command)
        assert done.returncode == status and done.stderr.count("\n") == (1 if status else 0), (command, done)
    assert len(stack.containers()) == 2
    stack.worker.stop()
    try:
        done = ssh(bob, "create debian-ssh --name late --timeout 1s")
        request = re.search(r"goes on: wait (\S+)", done.stderr)[1]
        assert done.returncode == 5
    finally:
        stack.worker.start()
    assert ssh(bob, f"wait {request}").returncode == 0 and bob.names() == ["late"]


def test_a_pipe_gets_json_and_nothing_else(stack, alice):
    made = [alice.create()["name"] for _ in range(2)]
    piped = f"set -o pipefail; {shlex.join(command_of(alice, more=['-T']))} ps --json | jq -r '.containers[].name'"
    done = subprocess.run(["bash", "-c", piped], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr, sorted(done.stdout.split())) == (0, "", sorted(made))


def creates(user):
    """The user's requests for containers, the newest last."""
    return [job["request"] for job in user.json("jobs")["jobs"] if job["op"] == "container.create"]


def ends_once(stack, user, name, before):
    """There is one request more than before, it is done, and the engine has one container, of that name."""
    [request] = eventually(lambda: [request for request in creates(user) if request not in before], 20, "the request")
    assert user.json("wait", request)["state"] == "done"
    with stack.engine() as engine:
        assert [c["Names"] for c in engine.containers(all=True)] == [[f"/dcm.{user.name}.{name}"]]
    return request


@pytest.mark.parametrize("how", ["prompt", "one command"])
def test_ctrl_c_stops_following_and_the_request_goes_on(stack, alice, how):
    before = creates(alice)
    stack.worker.stop()
    try:
        if how == "prompt":
            prompt = sign_in(alice)
            child = prompt.child
            child.send("create debian-ssh --name kept\n")
        else:
            command, *words = command_of(alice, "create debian-ssh --name kept", more=["-t"])
            child = pexpect.spawn(command, words, encoding="utf-8", timeout=30)
        eventually(lambda: stack.queue_length() == 1, 20, "the request in the queue")
        child.sendcontrol("c")
        child.expect(r"goes on: wait (\S+)\s")
        request = child.match[1]
        if how == "prompt":
            prompt.wait()
            assert prompt.leave() == 5
        else:
            child.expect(pexpect.EOF)
            child.close()
            assert child.exitstatus == 5
    finally:
        stack.worker.start()
    assert ends_once(stack, alice, "kept", before) == request


@pytest.mark.parametrize("phase", ["queued", "creating", "starting"])
def test_a_window_closed_in_the_middle_of_a_create(stack, alice, phase):
    """ssh is killed, as a lost network or a closed window does it, and sshd hangs up on the prompt."""
    before, prompt = creates(alice), sign_in(alice)
    prompt.child.send("create debian-ssh --name kept\n")
    prompt.child.expect_exact(phase)
    prompt.child.kill(signal.SIGKILL)
    prompt.child.expect(pexpect.EOF)
    ends_once(stack, alice, "kept", before)
    eventually(lambda: shells_of(alice) == [], 20, "the end of the shell")


def shells_of(user):
    return subprocess.run(["pgrep", "-x", "-U", str(user.uid), "dcm-shell"], capture_output=True, text=True,
                          check=False).stdout.split()


@pytest.mark.parametrize("command", ["id", "/bin/sh", "sh -c id", "dcm-shell -c id", "bash -i", "$(id)", "exec sh"])
def test_nothing_else_is_run(whole_stack, command):
    for user in (whole_stack.alice, whole_stack.bob):
        done = ssh(user, command)
        assert done.returncode == 2 and "uid=" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["alice", "bob"])
@pytest.mark.parametrize("words", [
    ["scp", "-r", "-P", str(PORT), "/etc/skel", "USER@127.0.0.1:/tmp"],
    ["scp", "-O", "-P", str(PORT), "/etc/hostname", "USER@127.0.0.1:/tmp"],
    ["sftp", "-P", str(PORT), "USER@127.0.0.1"],
    ["rsync", "/etc/hostname", "USER@127.0.0.1:/tmp"],
], ids=["scp -r", "scp -O", "sftp", "rsync"])
def test_files_are_sent_elsewhere_and_that_is_said(whole_stack, name, words):
    done = transfer(getattr(whole_stack, name), *words)
    assert done.returncode != 0 and "no files here: send them to a container" in done.stderr, done
    assert "scp -P PORT" in done.stderr


@pytest.mark.parametrize("words", [["/etc/hostname", "USER@127.0.0.1:/tmp"], ["USER@127.0.0.1:/etc/hostname", "/dev"]])
def test_scp_of_one_file_is_refused_in_its_own_words(whole_stack, words):
    """It shows no server's, as of OpenSSH 9.2: the status alone counts there."""
    for user in (whole_stack.alice, whole_stack.bob):
        done = transfer(user, "scp", "-P", str(PORT), *words)
        assert done.returncode == 1 and done.stderr.startswith("scp: "), done
    assert not os.path.exists("/tmp/hostname") and not os.path.exists("/dev/hostname")


def transfer(user, program, *words):
    more = ["-e", shlex.join(["ssh", *options(user), "-p", str(PORT)])] if program == "rsync" else options(user)
    return subprocess.run([program, *more, *(word.replace("USER", user.name) for word in words)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("more", [["-L", "2300:127.0.0.1:22"], ["-D", "2300"], ["-R", "2301:127.0.0.1:22"]])
def test_nothing_is_forwarded(whole_stack, more):
    child = subprocess.Popen(["ssh", *options(whole_stack.alice), "-N", "-o", "ExitOnForwardFailure=yes", *more,
                              "-p", str(PORT), "alice@127.0.0.1"], stderr=subprocess.DEVNULL)
    try:
        if more[0] == "-R":
            assert child.wait(15) != 0
        else:
            eventually(lambda: socket.socket().connect_ex(("127.0.0.1", 2300)) == 0, 10, "the client's end")
            with socket.create_connection(("127.0.0.1", 2300)) as through:
                through.settimeout(10)
                if more[0] == "-D":
                    through.sendall(b"\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x16")
                    assert b"SSH-" not in through.recv(64) + through.recv(64)
                else:
                    assert through.recv(64) == b""
    finally:
        child.kill()
        child.wait(10)


def test_another_key_does_not_open(whole_stack):
    key = whole_stack.state / "strangers.key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    done = subprocess.run(["ssh", *options(None, key), "-p", str(PORT), "alice@127.0.0.1", "ping"],
                          capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 255 and "Permission denied" in done.stderr
