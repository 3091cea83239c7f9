"""The standard image by itself: whatever a user leaves in /root and /home, his containers come up with SSH."""

import contextlib
import subprocess

import docker
import pytest

from stack import eventually

DCM = "/root/.dcm"
KEY = f"{DCM}/ssh/ssh_host_ed25519_key"
KEYGEN = f"mkdir -p {DCM}/ssh && ssh-keygen -q -t ed25519 -f {KEY}"


class Box:
    """A container of the image on the engine, without DCM: as `mess` has left it, the init takes over."""

    def __init__(self, stack, mess, **options):
        self.user = stack.alice
        self.client = stack.docker()
        self.container = self.client.containers.create(
            "debian-ssh", entrypoint=["/bin/sh", "-c", f"{mess}\nexec /usr/sbin/dcm-init"], init=True,
            environment={"DCM_USER": "alice", "DCM_UID": "5001"},
            volumes={str(stack.keys / "alice"): {"bind": "/etc/dcm/keys", "mode": "ro"}, **options.pop("volumes", {})},
            restart_policy={"Name": "unless-stopped"}, **options)
        self.container.start()

    def address(self):
        self.container.reload()
        return self.container.attrs["NetworkSettings"]["IPAddress"]

    def ssh(self, command, login="alice"):
        return self.user.ssh({"ssh_port": 22}, command, login, address=self.address())

    def log(self):
        return [line for line in self.container.logs().decode().splitlines() if line.startswith("dcm-init: ")]

    def host_key(self):
        """As somebody outside gets to see it."""
        def scan():
            return subprocess.run(["ssh-keyscan", "-t", "ed25519", self.address()], check=False, capture_output=True,
                                  text=True).stdout.split()
        return eventually(scan, 20, "a host key")[2]

    def assert_up(self, command="true"):
        """Both may sign in, it is the first start, and root's command prints something."""
        assert self.ssh("id -un") == "alice"
        user, *printed = self.ssh(f"id -un; {command}", "root").split("\n")
        self.container.reload()
        assert user == "root" and self.container.attrs["RestartCount"] == 0
        return printed

    def assert_up_with_stored_key(self, command="true"):
        key, *printed = self.assert_up(
            f"install -m 600 {KEY} /tmp/key && ssh-keygen -y -P '' -f /tmp/key && rm /tmp/key; {command}")
        assert key.split()[1] == self.host_key()
        return printed

    def remove(self):
        with contextlib.suppress(docker.errors.NotFound):
            self.container.remove(force=True)
        self.client.close()


@pytest.fixture
def box(whole_stack):
    """A function that starts boxes, which are removed after the test."""
    boxes = []

    def start(mess="", **options):
        boxes.append(Box(whole_stack, mess, **options))
        return boxes[-1]

    yield start
    for made in boxes:
        made.remove()


def test_a_first_start_makes_a_key_and_a_home_and_says_nothing(box):
    first = box()
    places = "/dev/dcm /dev/dcm/* /root/.dcm /root/.dcm/ssh /root/.dcm/ssh/*"
    printed = first.assert_up_with_stored_key(f"stat -c '%a %U' {places}; ls -A /home/alice")
    assert printed == ["700 root", "600 root", "700 root", "700 root", "600 root", ".bash_logout", ".bashrc", ".profile"]
    assert first.log() == []


@pytest.mark.parametrize("mess, aside", [
    (f"ln -s /tmp {DCM}", DCM),
    (f"ln -s .dcm {DCM}", DCM),
    (f"echo mine >{DCM}", DCM),
    (f"mkfifo {DCM}; touch {DCM}.aside-1", DCM),
    (f"mkdir -m 0 {DCM}; ln -s .. {DCM}/ssh", f"{DCM}/ssh"),
    (f"mkdir -p {DCM}/ssh; ln -s /etc/passwd {KEY}", KEY),
    (f"mkdir -p {DCM}/ssh; mkfifo {KEY}", KEY),
    (f"mkdir -p {KEY}/full", KEY),
    (f"mkdir -p {DCM}/ssh; truncate -s 1T {KEY}", KEY),
    (f"{KEYGEN} -N secret", KEY),
    (f"{KEYGEN} -N '' && sed -i 3d {KEY}", KEY),
    (f"{KEYGEN} -N '' -t ecdsa", KEY),
], ids=["link", "loop", "file", "pipe", "folder-link", "key-link", "key-pipe", "key-folder", "key-huge",
        "key-with-passphrase", "key-damaged", "key-of-another-kind"])
def test_what_is_not_as_it_should_be_is_set_aside_and_a_new_key_made(box, mess, aside):
    mended = box(mess)
    moved, = mended.assert_up_with_stored_key(f"ls -d {aside}.aside-[1-9] | tail -n 1")
    log, = mended.log()
    assert log.startswith(f"dcm-init: {aside} is ") and log.endswith(f": it is {moved} now")


@pytest.mark.parametrize("mess", [f"{KEYGEN} -N '' && chmod 666 {KEY}", f"{KEYGEN} -N '' && chown -R 5001:5001 {DCM}"],
                         ids=["open-to-all", "given-away"])
def test_a_good_key_is_kept_whatever_its_owner_and_mode(box, mess):
    kept = box(mess)
    kept.assert_up_with_stored_key()
    assert kept.log() == []


@pytest.mark.parametrize("mess, options", [
    ("", {"tmpfs": {"/root": "ro"}}),
    ("cat /dev/zero >/root/full 2>/dev/null", {"tmpfs": {"/root": "size=8k"}}),
    ("", {"tmpfs": {DCM: "ro"}}),
], ids=["read-only", "full", "mounted-over"])
def test_where_nothing_can_be_stored_there_is_a_key_for_this_start(box, mess, options):
    made = box(mess, **options)
    made.assert_up()
    assert made.log()[-1] == "dcm-init: no host key can be stored: this one is for this start alone"
    key = made.host_key()
    made.container.restart(timeout=5)
    assert made.host_key() != key


@pytest.mark.parametrize("home", ["/root", "/home/alice"])
def test_what_a_login_reads_is_no_pipe(box, home):
    names = [".ssh/rc", ".bashrc", ".profile", ".bash_history"]
    pipes = " ".join(f"{home}/{name}" for name in names)
    box_of_pipes = box(f"mkdir -p {home}/.ssh; rm -f {pipes}; mkfifo {pipes}; ln -s .bashrc {home}/.bash_login")
    box_of_pipes.assert_up()
    assert len(box_of_pipes.log()) == 5


@pytest.mark.parametrize("mess", [
    "echo mine >.ssh",
    "mkdir .ssh; mkfifo .ssh/authorized_keys",
    "ln -s /nowhere .bashrc; ln -s .profile .profile; ln -s /dev/null .bash_history; chmod 777 .",
    "chown 1234:1234 .; chmod 0 .; ",
], ids=["ssh-file", "keys-pipe", "links", "given-away"])
def test_other_oddities_of_a_home_keep_nobody_out(box, mess):
    odd = box(f"for home in /root /home/alice; do mkdir -p $home; cd $home; {mess}\ndone")
    odd.assert_up()
    assert [line for line in odd.log() if "aside" in line] == []


ANOTHER = ["dcm-init: the image's alice has uid 6001: 5001 from now on"]


@pytest.mark.parametrize("mess, log", [
    ("echo alice:x:6001:6001::/nowhere:/bin/false >>/etc/passwd; echo alice:x:6001: >>/etc/group", ANOTHER),
    ("useradd --uid 6001 alice", ANOTHER),  # which locks it, too
    ("useradd --uid 5001 other", []),
    ("echo alice:x:6001: >>/etc/group", []),
    ("for file in passwd group shadow; do truncate -s -1 /etc/$file; done", []),
    # An earlier start that ended as it wrote.
    ("(ulimit -f 0; /usr/sbin/dcm-init)", []),
    ("sed -i '1i alice:x:5001:' /etc/group; (ulimit -f 0; /usr/sbin/dcm-init)", []),
], ids=["name", "name-locked", "number", "group", "unended-lines", "ended", "ended-after-group"])
def test_whatever_accounts_an_image_has_the_container_is_its_users(box, mess, log):
    made = box(mess)
    look = "id alice; getent passwd 5001 | cut -d: -f 1,6; stat -c '%U %G' /home/alice; getent passwd | sort | uniq -d"
    assert made.assert_up(look) == ["uid=5001(alice) gid=5001(alice) groups=5001(alice)", "alice:/home/alice", "alice alice"]
    assert made.ssh("id -u") == "5001" and made.log() == log
    assert made.ssh("getent passwd root sshd | wc -l", "root") == "2"


def test_five_that_find_a_damaged_key_at_once_agree_on_a_new_one(box):
    volumes = {"dcm-test-root": {"bind": "/root", "mode": "rw"}}
    wait = f"mkdir -p {DCM}/ssh; : >>{KEY}; while [ ! -e /root/go ]; do sleep 0.1; done"
    together = [box(wait, volumes=volumes) for _ in range(5)]
    together[0].container.exec_run("touch /root/go")
    names = together[0].assert_up_with_stored_key(f"ls {DCM}/ssh")
    assert names == ["ssh_host_ed25519_key", "ssh_host_ed25519_key.aside-1"]
    assert len({one.host_key() for one in together}) == 1
    for one in together:
        one.remove()
    together[0].client.volumes.get("dcm-test-root").remove()


def test_a_lock_that_is_never_given_back_is_not_waited_for(box):
    locked = box("setsid flock /root sleep 1000 & sleep 0.3")
    locked.assert_up_with_stored_key()
    assert locked.log() == ["dcm-init: /root is locked: going on without"]


def test_a_user_finds_in_the_log_why_his_host_key_is_another(stack, alice):
    container = alice.create("--name", "web")
    alice.ssh(container, f"rm -r {DCM} && ln -s /etc {DCM}", login="root")
    assert alice.ssh(container, "true", login="root") == ""  # what runs needs none of it
    alice.do("restart", "web")
    assert alice.ssh(container, "true") == ""
    logged = alice.submit("logs", "web").stderr
    assert f"dcm-init: {DCM} is a symbolic link: it is {DCM}.aside-1 now" in logged
    assert "ssh_host" not in alice.ssh(container, "ls /etc/ssh", login="root")
