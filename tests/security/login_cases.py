"""Over sshd with the configuration that we install, and at the login shell itself."""

import os
import re
import socket
import subprocess
import time

from case import Case, soon
from login import PORT, command_of, options, ssh
from test_shell import children_of, once, open_prompt

PARSER = "shell: one table of commands, nothing expanded"
CONFINED = "shell: seccomp, no key leads to a program"
FORCED = "sshd: ForceCommand and DisableForwarding"
ENVIRONMENT = "shell: empties its environment"


def greeted(world):
    assert "answers" in ssh(world.alice, "ping").stdout


def line(number, text, status=2):
    """As one command over SSH, in turn of a user whose login shell is /bin/sh and of one whose is ours."""
    def hostile(world):
        tried = ssh((world.alice, world.bob)[number % 2], text)
        said = tried.stdout + tried.stderr
        assert tried.returncode == status and "uid=" not in said and "root:x" not in said, tried
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\x9b]", said.replace("\r", "")), repr(said)
        assert not os.path.exists("/tmp/dcm-security")
    return "logins", f"runs {text[:40]!r}", PARSER, hostile, greeted


def keys(what, sent):
    def hostile(world):
        prompt = open_prompt(world.alice)
        prompt.child.send(sent)
        time.sleep(0.3)
        assert children_of(prompt.child.pid) == []
        prompt.child.sendcontrol("c")
        prompt.wait()
        assert "answers" in prompt.run("ping") and prompt.leave() == 0

    def permitted(world):
        prompt = open_prompt(world.alice)
        prompt.child.send("xping\x01\x04\n")  # Ctrl-A, Ctrl-D: keys that are let be
        assert "answers" in prompt.wait() and prompt.leave() == 0
    return "logins", what, CONFINED, hostile, permitted


def long_line(world):
    """1 MiB through a pipe, as one line; the shell goes on, and keeps none of it."""
    ran = subprocess.run([world.alice.stack.program("dcm-shell")], user=world.alice.uid, group=world.alice.uid, extra_groups=[],
                         input="x" * (1 << 20) + "\nping\n", capture_output=True, text=True, timeout=60, check=False,
                         env={"DCM_GATE": str(world.stack.gate_socket)})
    assert len(ran.stderr) < 1000 and ran.stdout.count("\n") <= 1, (ran.stdout[:300], ran.stderr[:300])
    world.works()


def bytes_at_the_prompt(data):
    def hostile(world):
        ran = subprocess.run([world.alice.stack.program("dcm-shell")], user=world.alice.uid, group=world.alice.uid, extra_groups=[],
                             input=data + b"\nping\n", capture_output=True, timeout=60, check=False,
                             env={"DCM_GATE": str(world.stack.gate_socket)})
        said = ran.stdout + ran.stderr
        assert b"uid=" not in said and not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", said), said
    return hostile


def piped(world):
    ran = subprocess.run([world.alice.stack.program("dcm-shell")], user=world.alice.uid, group=world.alice.uid, extra_groups=[],
                         input="ping\n", capture_output=True, text=True, timeout=60, check=False,
                         env={"DCM_GATE": str(world.stack.gate_socket)})
    assert "answers" in ran.stdout


def environment(**poison):
    """The shell's own environment, as the kernel has it once it is at its prompt, has none of it; nor has it done anything with it."""
    def hostile(world):
        prompt = open_prompt(world.alice, **poison)
        assert "answers" in prompt.run("ping") and children_of(prompt.child.pid) == []
        with open(f"/proc/{prompt.child.pid}/maps") as maps:
            assert not [line for line in maps if "/tmp/" in line and str(world.stack.prefix) not in line]
        assert prompt.leave() == 0
    return hostile


def prompt_works(world):
    prompt = open_prompt(world.alice)
    assert "answers" in prompt.run("ping") and prompt.leave() == 0


def offered_to_sshd(name, value):
    """A client's SendEnv: what sshd hands on."""
    def hostile(world):
        command = command_of(world.alice, more=["-tt", "-o", f"SendEnv={name}"])
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, name: value}) as client:
            try:
                def shells():
                    return subprocess.run(["pgrep", "-x", "-U", str(world.alice.uid), "dcm-shell"], capture_output=True, text=True,
                                          check=False).stdout.split()
                pid = soon(shells, "the shell")[0]
                with open(f"/proc/{pid}/environ", "rb") as file:
                    assert name.encode() not in file.read()
            finally:
                client.kill()
                client.wait()
        soon(lambda: not shells(), "the shell's end")
    return hostile


def forwards(*more):
    """What goes into the client's end comes out nowhere."""
    def hostile(world):
        child = subprocess.Popen(["ssh", *options(world.alice), "-N", "-o", "ExitOnForwardFailure=yes", *more, "-p", str(PORT),
                                  "alice@127.0.0.1"], stderr=subprocess.DEVNULL)
        try:
            if more[0] != "-L":
                assert child.wait(15) != 0
                return
            port = int(more[1].split(":")[0])
            soon(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, "the client's end")
            with socket.create_connection(("127.0.0.1", port)) as through:
                through.settimeout(10)
                through.sendall(b"GET /version HTTP/1.0\r\n\r\n")
                assert received(through) == b""
        finally:
            child.kill()
            child.wait(10)
    return hostile


def received(through):
    try:
        return through.recv(64)
    except ConnectionResetError:
        return b""


def agent(world):
    """-A and -X: the shell is told of neither."""
    for more in (["-A"], ["-X"]):
        ran = subprocess.run(command_of(world.alice, "ping", more=more), capture_output=True, text=True, timeout=60, check=False,
                             env={**os.environ, "DISPLAY": ":9"})
        assert "answers" in ran.stdout
    assert not [name for name in os.listdir("/tmp") if name.startswith("ssh-") and os.stat(f"/tmp/{name}").st_uid == world.alice.uid]


def subsystem(name):
    def hostile(world):
        ran = subprocess.run(["ssh", *options(world.alice), "-p", str(PORT), "-s", "alice@127.0.0.1", name], input="",
                             capture_output=True, text=True, timeout=30, check=False)
        assert ran.returncode != 0 and "uid=" not in ran.stdout, ran
    return hostile


def forced(what, hostile):
    return "logins", what, FORCED, hostile, greeted


def status_of(command, status):
    """What sshd would hand over where a client sends it: -c with these words."""
    def hostile(world):
        ran = once(world.alice, command)
        assert ran.returncode == status and "uid=" not in ran.stdout + ran.stderr, ran
    return hostile


CASES = [Case(*row) for row in [
    *[line(number, text) for number, text in enumerate((
        "ping; id", "ping && id", "ping || id", "ping | id", "ping & id", "ping > /tmp/dcm-security", "ping < /etc/passwd",
        "ping `id`", "ping $(id)", "ping ${IFS}id", "ping\nid", "ping\r\nid", "id", "/bin/sh -i", "sh -c id", "exec /bin/sh", "!sh",
        " -c id", " --config /etc/passwd ping", "ping --config=/etc/shadow", "ping --as bob", " -- id", "create -- --privileged",
        "create 'debian-ssh", "ping \x1b]0;owned\x07\x1b[2J", "ping \u202eb\u0085", "create debian-ssh --env-file /etc/passwd"))],
    ("logins", "a word of 100000 letters", PARSER, status_of("ping " + "x" * 100000, 2), greeted),
    ("logins", "bad UTF-8 in a word", PARSER, status_of(b"create \xff\xfe\xc3(", 2), greeted),
    ("logins", "a line of 1 MiB", PARSER, long_line, piped),
    ("logins", "NUL in a line", PARSER, bytes_at_the_prompt(b"ping\0; id"), piped),
    ("logins", "bad UTF-8 and escapes in a line", PARSER, bytes_at_the_prompt(b"\xff\xc3\x28 \x1b[2J\x9b2J"), piped),
    keys("ESC v, which starts vi", "\x1bv"),
    keys("M-x, which obeys commands", "\x1bx"),
    keys("M-x bind -v, then ESC v", "\x1bxbind -v\x1bv"),
    keys("C-x C-e, an editor elsewhere", "\x18\x05"),
    keys("C-z, which would stop it", "\x1a"),
    ("logins", "TERM that is a path", ENVIRONMENT, environment(TERM="../../tmp/x", TERMINFO="/tmp", TERMINFO_DIRS="/tmp"), prompt_works),
    ("logins", "TERMCAP of one's own", ENVIRONMENT, environment(TERMCAP="x:co#80:"), prompt_works),
    ("logins", "EDITRC, INPUTRC, HOME and EDITOR", ENVIRONMENT,
     environment(EDITRC="/etc/passwd", INPUTRC="/etc/passwd", HOME="/tmp", EDITOR="/bin/sh", VISUAL="/bin/sh"), prompt_works),
    ("logins", "LD_PRELOAD by SendEnv", "sshd: AcceptEnv", offered_to_sshd("LD_PRELOAD", "/tmp/x.so"), greeted),
    ("logins", "DCM_GATE by SendEnv", "sshd: AcceptEnv", offered_to_sshd("DCM_CONFIG", "/tmp/x"), greeted),
    forced("forwards a port to the login server's sshd", forwards("-L", "2311:127.0.0.1:22")),
    forced("forwards a port to the engine's socket", forwards("-L", "2312:/run/docker.sock")),
    forced("listens on the server", forwards("-R", "2313:127.0.0.1:22")),
    forced("listens on a socket of the server", forwards("-R", "/tmp/dcm-security.sock:127.0.0.1:22")),
    forced("a tunnel device", forwards("-w", "0:0")),
    forced("forwards an agent and X11", agent),
    forced("asks for sftp", subsystem("sftp")),
    forced("asks for a subsystem that is a program", subsystem("/bin/sh")),
]]
