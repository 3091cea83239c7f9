"""Ways in to a container that are not ours: OpenSSH's own programs, rsync, and what editors do, from a machine outside.

One container serves all, within what the policy gives to whoever asks for no more. A second one is there to go on to.
"""

import contextlib
import hashlib
import os
import re
import subprocess

import pytest

from offers import SERVE
from outside import HOST, OUTSIDE
from stack import eventually

LARGE = 64 << 20
SESSIONS = 10


class Way:
    """A user's containers, as a machine outside knows them: by ~/.ssh/config alone."""

    def __init__(self, user, outside, folder):
        self.user, self.enter, self.folder = user, outside.enter(), folder
        self.config = folder / "config"
        written = user.submit("config-ssh")
        assert written.returncode == 0, written.stderr
        # The stack's server is known by a loopback address, which means another machine there.
        self.config.write_text(f"""{written.stdout.replace("HostName 127.0.0.1", f"HostName {HOST}")}
Host *
    IdentityFile {user.key}
    BatchMode yes
    StrictHostKeyChecking accept-new
    UserKnownHostsFile {folder}/known_hosts
    LogLevel ERROR
""")

    def command(self, program, *words):
        by = ["-e", f"ssh -F {self.config}"] if program == "rsync" else ["-F", self.config]
        return [*self.enter, program, *map(str, [*by, *words])]

    def run(self, program, *words, **options):
        """What it printed. It has to end well, and to complain of nothing."""
        options = {"stdin": subprocess.DEVNULL, **options} if "input" not in options else options
        done = subprocess.run(self.command(program, *words), capture_output=True, text=True, timeout=60, check=False,
                              **options)
        assert (done.returncode, done.stderr) == (0, ""), (words, done)
        return done.stdout

    def ssh(self, *words, **options):
        return self.run("ssh", *words, **options)

    @contextlib.contextmanager
    def open(self, *words):
        """An ssh that stays, with pipes to type into and to read from."""
        with subprocess.Popen(self.command("ssh", *words), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as child:
            yield child
            child.kill()

    def fetch(self, url, *words):
        """By HTTP; "" where nothing answers."""
        return subprocess.run([*self.enter, "curl", "--silent", "--max-time", "10", *words, url], text=True,
                              stdout=subprocess.PIPE, check=False).stdout.strip()


@pytest.fixture(scope="module")
def way(whole_stack, outside, tmp_path_factory):
    """To alice's container "web", in which a web server listens on port 8080, within it alone."""
    whole_stack.clear()
    alice = whole_stack.alice
    made = [alice.create("--name", "web"), alice.create()]
    opened = Way(alice, outside, tmp_path_factory.mktemp("way"))
    opened.web, opened.other = made
    for container in made:
        eventually(lambda name=container["name"]: alice.ssh_try(container, "true").returncode == 0, 20, "sshd")
    opened.ssh("web", "cat >~/serve && chmod +x ~/serve", input=SERVE)
    opened.ssh("web", "nohup ~/serve 8080 'from within' >/dev/null 2>&1 &")
    yield opened
    opened.ssh("web", "rm -rf serve large sent synced by-s by-O")
    whole_stack.clear()


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A folder with something of each kind."""
    top = tmp_path_factory.mktemp("sent") / "tree"
    (top / "empty").mkdir(parents=True)
    (top / "a file").write_text("ä\n")
    (top / "run").write_text("#!/bin/sh\n")
    (top / "run").chmod(0o750)
    (top / "link").symlink_to("run")
    return top


def content(folder, follow=False):
    """Path, mode and content of all that is in a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        link = path.is_symlink() and not follow
        found[str(path.relative_to(folder))] = (
            None if link else oct(path.stat().st_mode),
            os.readlink(path) if link else path.read_bytes() if path.is_file() else None)
    return found


def test_ssh_knows_a_container_by_its_name(way):
    for container in (way.web, way.other):
        assert way.ssh(container["name"], "id -un; hostname").split() == ["alice", container["id"][:12]]
    assert way.ssh("-l", "root", "web", "id -un") == "root\n"


@pytest.mark.parametrize("protocol", ["-s", "-O"])
def test_scp_brings_a_folder_there_and_back(way, tree, tmp_path, protocol):
    way.run("scp", protocol, "-pr", tree, f"web:by{protocol}")
    way.run("scp", protocol, "-pr", f"web:by{protocol}", tmp_path / "back")
    assert content(tmp_path / "back") == content(tree, follow=True)  # scp follows links


def test_a_large_file_arrives_whole(way, tmp_path):
    sent = tmp_path / "large"
    sent.write_bytes(os.urandom(LARGE))
    digest = hashlib.sha256(sent.read_bytes()).hexdigest()
    way.run("scp", sent, "web:large")
    assert way.ssh("web", "sha256sum large").split()[0] == digest
    way.run("scp", "web:large", tmp_path / "back")
    assert hashlib.sha256((tmp_path / "back").read_bytes()).hexdigest() == digest


def test_sftp_puts_lists_and_gets(way, tree, tmp_path):
    way.run("sftp", "-b", "-", "web", input=f"""
mkdir sent
put -p "{tree}/a file" sent/first
put -p "{tree}/run" sent
rename sent/first "sent/a file"
get "sent/a file" "{tmp_path}"
get -p sent/run "{tmp_path}"
""")
    assert content(tmp_path) == {name: of for name, of in content(tree).items() if name in ("a file", "run")}
    listed = way.run("sftp", "-b", "-", "web", input="ls -1 sent\nrm sent/run\nls -1 sent\n")
    assert re.findall(r"^sent/(.+?) *$", listed, re.M) == ["a file", "run", "a file"]


def test_rsync_makes_both_sides_alike(way, tree, tmp_path):
    way.run("rsync", "-a", f"{tree}/", "web:synced/")
    way.ssh("web", "echo more >synced/more; rm synced/link")
    way.run("rsync", "-a", "--delete", f"{tree}/", "web:synced/")
    back = tmp_path / "back"
    (back / "old").mkdir(parents=True)
    way.run("rsync", "-az", "--delete", "web:synced/", f"{back}/")
    assert content(back) == content(tree)


def test_a_port_inside_is_forwarded(way):
    with way.open("-N", "-o", "ExitOnForwardFailure=yes", "-L", "8100:localhost:8080", "web"):
        eventually(lambda: way.fetch("http://127.0.0.1:8100/") == "from within", 20, "the server inside")


def test_a_port_outside_is_forwarded_back(way, outside):
    with way.open("-o", "ExitOnForwardFailure=yes", "-R", f"8200:{OUTSIDE}:{outside.listener.port}", "web",
                  "exec 3<>/dev/tcp/localhost/8200; head -n 1 <&3") as child:
        assert child.stdout.readline() == "greetings\n"


@pytest.fixture
def agent(way, tmp_path):
    """The environment of whoever has an agent, with the user's key in it."""
    socket = tmp_path / "agent"
    child = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        eventually(socket.exists, 10, "the agent")
        environment = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
        subprocess.run(["ssh-add", "-q", way.user.key], env=environment, check=True)
        yield environment
    finally:
        child.kill()
        child.wait()


def test_an_agent_is_forwarded_and_opens_the_next_container(way, agent):
    listed = subprocess.check_output(["ssh-add", "-l"], env=agent, text=True)
    assert way.ssh("-A", "web", "ssh-add -l", env=agent) == listed
    onwards = f"ssh -o BatchMode=yes -o LogLevel=ERROR -o StrictHostKeyChecking=no dcm.alice.{way.other['name']} hostname"
    assert way.ssh("-A", "web", onwards, env=agent) == f"{way.other['id'][:12]}\n"
    with pytest.raises(AssertionError, match="Permission denied"):
        way.ssh("-a", "web", onwards, env=agent)


def test_many_sessions_share_one_connection(way):
    shared = ["-o", f"ControlPath={way.folder}/shared"]
    with way.open("-o", "ControlMaster=yes", *shared, "web", "echo $SSH_CONNECTION; cat") as master:
        connection = master.stdout.readline()
        with contextlib.ExitStack() as stack:
            sessions = [stack.enter_context(way.open(*shared, "web", "echo $SSH_CONNECTION; cat"))
                        for _ in range(SESSIONS - 1)]
            # All are there at once: each waits for what is typed.
            assert [session.stdout.readline() for session in sessions] == [connection] * len(sessions)
            for number, session in enumerate(sessions):
                assert session.communicate(f"{number}\n", timeout=30)[0] == f"{number}\n"


# What editors send: a server that listens where it likes, says where, and lives as long as its session.
REMOTE = """port=$((30000 + $$ % 10000))
cd ~
./serve $port 'the remote editor' &
trap 'kill $!' EXIT
until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.1; done
echo listening on $port
read -r _
"""


def test_an_editors_way_in(way):
    """`ssh -T -D PORT HOST bash`, a script to bash's input, and requests through the SOCKS port, as VS Code makes them."""
    with way.open("-T", "-D", "8300", "web", "bash") as child:
        child.stdin.write(REMOTE)
        child.stdin.flush()
        port = re.match(r"listening on (\d+)\n", child.stdout.readline())[1]
        for host in ("127.0.0.1", "localhost"):
            assert way.fetch(f"http://{host}:{port}/", "--noproxy", "", "--proxy", "socks5h://127.0.0.1:8300") \
                == "the remote editor"
        child.communicate("\n", timeout=30)
        assert child.returncode == 0
