"""The login shell: at a prompt on a terminal, and with one command as sshd runs it."""

import json
import os
import re
import signal
import subprocess
import time

import pexpect
import pytest

from stack import eventually
from terminal import Terminal

POISON = {"TERM": "../../x", "TERMCAP": "x:co#80:", "TERMINFO": "/tmp", "EDITRC": "/etc/passwd", "VISUAL": "/bin/sh",
          "EDITOR": "/bin/sh", "HOME": "/tmp", "LANG": "../x"}


def open_prompt(user, **extra):
    """dcm-shell as a user, on a terminal of its own."""
    return Terminal(pexpect.spawn(
        "setpriv", [f"--reuid={user.uid}", f"--regid={user.uid}", "--clear-groups", "--",
                    str(user.stack.program("dcm-shell"))],
        env={"PATH": os.environ["PATH"], "DCM_GATE": str(user.stack.gate_socket), "TERM": "xterm", **extra},
        encoding="utf-8", timeout=30, dimensions=(50, 200)))


@pytest.fixture
def prompt(alice):
    opened = open_prompt(alice)
    yield opened
    opened.child.close(force=True)


def once(user, command, **extra):
    """What sshd does with `ssh user@server command`."""
    return subprocess.run([user.stack.program("dcm-shell"), "-c", command], user=user.uid, group=user.uid,
                          extra_groups=[], cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, check=False, env={"DCM_GATE": str(user.stack.gate_socket), **extra})


def test_the_banner(prompt):
    assert prompt.banner == ("*** Docker containers manager ***\nWelcome, alice!\n"
                             "See 'help' for help, 'list' for the list of implemented commands.\n")
    assert prompt.leave() == 0


def test_help_and_list_speak_of_a_prompt(prompt):
    for line in ("help", "list", "help create"):
        text = prompt.run(line)
        assert "create" in text and "dcm-submit" not in text and "--config" not in text
    listed = prompt.run("list")
    assert "exit" in listed and listed.rstrip().endswith("your containers: ps")


@pytest.mark.parametrize("word", ["exit", "quit"])
def test_exit_and_quit_leave(prompt, word):
    prompt.child.send(word + "\n")
    prompt.child.expect(pexpect.EOF)


def test_the_main_job_at_the_prompt(stack, alice, prompt):
    told = prompt.run("create debian-ssh 8080:80")
    port = re.search(r"ssh alice@127\.0\.0\.1 -p (\d+)", told)[1]
    assert f"Container container{port} created successfully." in told
    assert alice.ssh({"ssh_port": int(port)}, "id -un") == "alice"
    assert f"container{port}" in prompt.run("ps")
    assert f"Container container{port} stopped." in prompt.run(f"stop {port}")
    assert f"Container container{port} removed." in prompt.run(f"remove {port}")
    assert "You have no containers." in prompt.run("ps")
    assert stack.containers() == []


@pytest.mark.parametrize("line", ["nonsense", "stop", "ps 'open", "ps --config /etc/passwd", "ps --nosuch"])
def test_a_wrong_command_gives_one_line(prompt, line):
    answer = prompt.run(line)
    assert answer.count("\n") == 1 and answer.startswith("dcm: ")


def test_ctrl_c_drops_the_line(prompt):
    prompt.child.send("remove everything")
    time.sleep(0.3)
    prompt.child.sendcontrol("c")
    prompt.wait()
    assert "answers" in prompt.run("ping")


def test_ctrl_c_stops_following_and_says_how_to_come_back(stack, alice, prompt):
    stack.worker.stop()
    try:
        prompt.child.send("create debian-ssh\n")
        eventually(lambda: stack.queue_length() == 1, 10, "the request in the queue")
        prompt.child.sendcontrol("c")
        request = re.search(r"goes on: wait (\S+)", prompt.wait())[1]
    finally:
        stack.worker.start()
    assert "created successfully" in prompt.run(f"wait {request}")


def test_arrow_up_finds_the_last_line(prompt):
    prompt.run("ping")
    prompt.child.send("\x1b[A\n")
    assert "answers" in prompt.wait()
    prompt.run("jobs --nosuch")
    prompt.child.send("\x1bOA\x1bOA\n")
    assert "answers" in prompt.wait()


def test_tab_completes_commands_options_and_containers(stack, alice, prompt):
    alice.create("--name", "webserver")
    assert "webserver" in prompt.run("sho\tweb\t")
    assert '"containers"' in prompt.run("ps --js\t")
    prompt.child.send("re\t")
    prompt.child.expect_exact("restart")
    prompt.child.expect_exact("remove")
    prompt.wait()
    prompt.child.sendcontrol("u")
    assert "answers" in prompt.run("ping")


def numbers(listed):
    """The images of a printed list, by their numbers."""
    return dict(re.findall(r"^(\d+) +(\S+)", listed, re.M))


def test_images_have_numbers_at_the_prompt(stack, alice, prompt):
    assert "no list has given an image the number 1 yet" in prompt.run("create 1")
    eventually(lambda: alice.json("images")["images"], 20, "the granted images")
    assert numbers(prompt.run("create")) == {"1": "debian-ssh"}
    assert "create would be allowed." in prompt.run("explain create 1 8080:80")
    port = re.search(r"ssh alice@127\.0\.0\.1 -p (\d+)", prompt.run("create 1 8080:80"))[1]
    [container] = alice.json("ps")["containers"]
    assert (container["ssh_port"], container["ports"][0]["container"]) == (int(port), 80)
    assert container["image"].startswith("debian-ssh") and stack.inspect(container)["State"]["Running"]
    assert "the last list had no image 2" in prompt.run("create 2")
    assert "is the administrator's" in prompt.run("rmi 1")


def test_elsewhere_a_number_is_no_image(stack, alice):
    eventually(lambda: alice.json("images")["images"], 20, "the granted images")
    for done in (alice.submit("create", "1"), once(alice, "create 1")):
        assert done.returncode == 2 and done.stderr.endswith("\"1\" is a number: use the image's name, debian-ssh\n")
    assert stack.containers() == []


def test_tab_completes_images(alice, prompt):
    eventually(lambda: alice.json("images")["images"], 20, "the granted images")
    assert "Container web created" in prompt.run("create deb\t --name web")


@pytest.mark.parametrize("keys", ["\x1bv", "\x1bx", "\x18\x05", "\x1bxbind -v\x1bv", "\x1b\x09\x1b\x1bv", "ø", "\x16"])
def test_no_key_leads_out(prompt, keys):
    prompt.child.send(keys)
    time.sleep(0.5)
    assert children_of(prompt.child.pid) == []
    prompt.child.sendcontrol("c")
    prompt.wait()
    assert "answers" in prompt.run("ping")


def children_of(pid):
    return subprocess.run(["ps", "--ppid", str(pid), "-o", "comm="], capture_output=True, text=True,
                          check=False).stdout.split()


def test_it_is_confined(prompt):
    status = (open(f"/proc/{prompt.child.pid}/status")).read()
    assert re.search(r"^Seccomp:\s+2$", status, re.M) and re.search(r"^NoNewPrivs:\s+1$", status, re.M)


def test_an_idle_prompt_holds_no_connection(prompt):
    prompt.run("ping")
    held = [os.readlink(f"/proc/{prompt.child.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{prompt.child.pid}/fd")]
    assert not [target for target in held if target.startswith("socket:")]


def runs(user, name):
    return [(c["name"], c["state"]) for c in user.json("ps")["containers"]] == [(name, "running")]


def test_a_window_that_closes_loses_nothing(stack, alice, prompt):
    stack.worker.stop()
    try:
        prompt.child.send("create debian-ssh --name kept\n")
        eventually(lambda: stack.queue_length() == 1, 10, "the request in the queue")
        prompt.child.kill(signal.SIGHUP)
        prompt.child.expect(pexpect.EOF)
        assert "goes on: wait" in prompt.child.before
    finally:
        stack.worker.start()
    eventually(lambda: runs(alice, "kept"), 30, "the container")


def test_a_window_closed_right_after_enter_loses_nothing(alice, prompt):
    prompt.child.send("create debian-ssh --name kept\n")
    prompt.child.expect_exact("queued")
    prompt.child.close(force=False)
    eventually(lambda: runs(alice, "kept"), 30, "the container")


def test_a_poisoned_environment_changes_nothing(alice):
    poisoned = open_prompt(alice, **POISON)
    assert "answers" in poisoned.run("ping")
    poisoned.child.send("\x1bv\x1bx")
    poisoned.child.sendcontrol("u")
    assert children_of(poisoned.child.pid) == []
    assert poisoned.leave() == 0


# One command, as sshd runs it.


def test_one_command_ends_with_its_status(alice):
    for command, status in (("ping", 0), ("", 0), ("create debian-ssh 443", 3), ("stop nosuch", 4), ("nonsense", 2),
                            ("stop 'open", 2), ("ping --config /etc/passwd", 2), ("ping --as bob", 2)):
        done = once(alice, command)
        assert done.returncode == status, (command, done.stderr)
        assert done.stderr.count("\n") == (1 if status else 0), done.stderr


def test_one_commands_json_is_clean(stack, alice):
    container = alice.create("--name", "web")
    done = once(alice, "ps --json")
    assert (done.returncode, done.stderr) == (0, "")
    assert [c["id"] for c in json.loads(done.stdout)["containers"]] == [container["id"]]


def test_quoting_is_a_shells_and_nothing_is_expanded(stack, alice):
    assert once(alice, """cre'at'e "debian-ssh" --na\\me 'quoted'""").returncode == 0
    assert alice.names() == ["quoted"]
    for command in ("ping; id", "ping | id", "ping $(id)", "ping `id`", "ping && id", "ping > /tmp/x"):
        done = once(alice, command)
        assert done.returncode == 2 and "uid=" not in done.stdout + done.stderr


def test_what_was_asked_of_a_forced_command_counts(alice):
    assert "answers" in once(alice, "/usr/local/bin/dcm-shell", SSH_ORIGINAL_COMMAND="ping").stdout
    assert once(alice, "dcm-shell", SSH_ORIGINAL_COMMAND="nonsense").returncode == 2


def test_lines_come_from_a_pipe_too(alice):
    done = subprocess.run([alice.stack.program("dcm-shell")], user=alice.uid, group=alice.uid, extra_groups=[],
                          input="ping\nps --json\nnonsense\nexit\nping\n", capture_output=True, text=True, timeout=60,
                          check=False, env={"DCM_GATE": str(alice.stack.gate_socket)})
    first, second = done.stdout.splitlines()
    assert "answers" in first and json.loads(second) == {"containers": []}
    assert done.stderr.count("\n") == 1
