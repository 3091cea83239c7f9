"""Every grant: refused without it, works with it, refused again once it has ended.

All cases go through each policy together: one reload, and their requests side by side. GPUs are
shown on the stand-in: the real engine has none.
"""

import json
import os
import pathlib
import signal
import stat
import subprocess
import time
from datetime import datetime, timedelta, timezone

import pytest

from stack import BUILD, eventually, on_host


class Case:
    """A grant, what is asked for that needs it, what the engine then has to show, and root inside."""

    def __init__(self, name, grant, args, shows, inside=None, rule=None, image="debian-ssh"):
        self.name, self.grant, self.args, self.shows, self.inside = name, grant, args, shows, inside
        self.rule, self.image = rule or next(iter(grant)), image


def host(field, value):
    """The engine's own inspect has this in HostConfig."""
    return lambda inspected: inspected["HostConfig"][field] == value


def published(port, address, number):
    return lambda inspected: inspected["HostConfig"]["PortBindings"][port] == [
        {"HostIp": address, "HostPort": number}]


def mount(source, target, writable):
    """It is mounted, as such and no otherwise."""
    return lambda inspected: [(m["Type"], m["Source"], m["RW"], m["Propagation"]) for m in inspected["Mounts"]
                              if m["Destination"] == target] == [("bind", source, writable, "rprivate")]


def env(*settings):
    return lambda inspected: set(settings) < set(inspected["Config"]["Env"])


VALUE = r"""it's "so" \\ #1 = $HOME"""
EFFECTIVE = """perl -e 'open F, "/proc/self/status"; for (<F>) { print hex($1) >> 12 & 1 if /CapEff:\\s*(\\S+)/ }'"""

OPTIONS = [
    Case("env", {"env": ["TZ", "APP_*"]}, ["--env", "TZ=UTC", "--env", f"APP_TEXT={VALUE}"],
         env("TZ=UTC", f"APP_TEXT={VALUE}"), ('echo "$TZ $APP_TEXT"', f"UTC {VALUE}")),
    Case("capabilities", {"capabilities": ["NET_ADMIN"]}, ["--cap-add", "NET_ADMIN"],
         lambda inspected: "CAP_NET_ADMIN" in inspected["HostConfig"]["CapAdd"], (EFFECTIVE, "1")),
    Case("devices", {"devices": ["/dev/fuse"]}, ["--device", "/dev/fuse"],
         host("Devices", [{"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rw"}]),
         ("exec 3<>/dev/fuse && echo open", "open")),
    Case("mount-ro", {"mounts": ["/srv/read:ro"]}, ["--mount", "/srv/read:/read:ro"],
         mount("/srv/read", "/read", False), ("cat /read/file; touch /read/x 2>/dev/null || echo refused", "read\nrefused")),
    Case("mount-rw", {"mounts": ["/srv/write:rw"]}, ["--mount", "/srv/write:/write"],
         mount("/srv/write", "/write", True), ("echo written >/write/new; cat /write/file /write/new", "write\nwritten")),
    Case("restart", {"restart": ["on-failure"]}, ["--restart", "on-failure"],
         host("RestartPolicy", {"Name": "on-failure", "MaximumRetryCount": 0})),
    Case("shm-size", {"shm_size": "128m"}, ["--shm-size", "100m"], host("ShmSize", 100 << 20),
         ("df -k --output=size /dev/shm | tail -n 1", str(100 << 10))),
    Case("memory", {"memory": {"each": "300m"}}, ["--memory", "290m"], host("Memory", 290 << 20), rule="memory.each"),
    Case("cpus", {"cpus": {"each": "1.5"}}, ["--cpus", "1.5"], host("NanoCpus", 1500000000), rule="cpus.each"),
    Case("pids", {"pids": {"each": 300}}, ["--pids", "290"], host("PidsLimit", 290), rule="pids.each"),
]
PLACES = [
    Case("ports", {"ports": ["9000"]}, ["9000:90"], published("90/tcp", "127.0.0.1", "9000")),
    Case("addresses", {"addresses": ["127.0.0.2"]}, ["127.0.0.2:8001:81"], published("81/tcp", "127.0.0.2", "8001")),
    Case("images", {"images": ["other-ssh"]}, [], lambda inspected: True, ("id -un", "root"), image="other-ssh"),
]
GPUS = Case("gpus", {"gpus": 2}, ["--gpus", "2"],
            lambda inspected: [request["Count"] for request in inspected["HostConfig"]["DeviceRequests"]] == [2]
            and "NVIDIA_VISIBLE_DEVICES=0,1" in inspected["Config"]["Env"])
EVERYTHING = [word for case in OPTIONS for word in case.args]
EACH_CASE = pytest.mark.parametrize("case", [*OPTIONS, *PLACES, GPUS], ids=lambda case: case.name)


def merged(cases):
    """One layer that grants all of these."""
    layer = {}
    for case in cases:
        for key, value in case.grant.items():
            layer[key] = layer.get(key, []) + value if isinstance(value, list) else value
    return layer


class Grants:
    """What became of each case under each policy, by the case's name."""

    def __init__(self, stack, cases):
        self.stack, self.cases = stack, cases
        self.refused = self.ask(self.policy({}), "create")
        self.traces = stack.containers() + stack.networks() + list(stack.leases())
        self.granted = self.ask(self.policy(merged(cases)), "create")
        self.inspected = self.inspect()

    def let_end(self):
        """All under grants that end soon, and when they have ended."""
        for seconds in (6, 20, 60):
            until = datetime.now(timezone.utc) + timedelta(seconds=seconds)
            layer = {"extra": [{"until": until.isoformat(timespec="milliseconds"), "reason": "a test",
                                **merged(self.cases)}]}
            self.extra = self.ask(self.policy(layer), "start")
            self.created = self.stack.alice.submit("create", *self.cases[0].args, "debian-ssh", "--name", "in-time")
            left = (until - datetime.now(timezone.utc)).total_seconds()
            if left > 0:
                break
            self.stack.alice.submit("remove", "-f", "in-time")
        time.sleep(max(left, 0) + 0.1)
        self.ended = {command: self.ask(None, command) for command in ("start", "restart", "recreate", "create")}
        self.afterwards = self.inspect()

    def policy(self, layer):
        policy = self.stack.usual_policy()
        policy["groups"]["testers"] |= {"addresses": ["127.0.0.1"], "images_kept": 1, "image_bytes": "8g"}
        policy["users"] = {"alice": layer}
        return policy

    def ask(self, policy, command):
        """The results of this command for every case, asked for at once. Policy None: as it is."""
        if policy:
            self.stack.set_policy(policy, reload=True)
        asked = {}
        for case in self.cases:
            words = [case.image, *case.args, "--name", case.name] if command == "create" else [case.name]
            asked[case.name] = self.stack.alice.popen("--json", command, *words)
        results = {}
        for name, process in asked.items():
            out, err = process.communicate(timeout=120)
            results[name] = json.loads(out) | {"status": process.returncode, "stderr": err}
        return results

    def inspect(self):
        return {name: self.stack.inspect(result["container"]) for name, result in self.granted.items()
                if "container" in result}


def start_worker(stack):
    """It has to be up before a reload: a signal that nobody waits for would end it."""
    stack.worker.start()
    stack.alice.do("ping")


@pytest.fixture(scope="module")
def on_standin(whole_stack):
    """The GPUs' case. A second worker, whose engine does nothing, takes the first one's place meanwhile."""
    whole_stack.clear()
    whole_stack.worker.stop()
    engine, config = whole_stack.engine_socket, whole_stack.worker.config
    socket, state = whole_stack.state / "standin.sock", whole_stack.state / "standin"
    state.mkdir()
    standin = subprocess.Popen([BUILD / "tests" / "standin" / "dcm-standin", "--socket", socket])
    text = config.read_text().replace(f"engine = {engine}", f"engine = {socket}")
    whole_stack.worker.config = whole_stack.secret(
        "standin.conf", text.replace(f"state = {whole_stack.state / 'worker'}", f"state = {state}"))
    whole_stack.engine_socket = socket
    try:
        eventually(socket.exists, 10, "the stand-in")
        start_worker(whole_stack)
        grants = Grants(whole_stack, [GPUS])
        grants.let_end()
        whole_stack.clear()
        whole_stack.worker.stop()
    finally:
        standin.kill()
        standin.wait()
        whole_stack.engine_socket, whole_stack.worker.config = engine, config
        start_worker(whole_stack)
        whole_stack.set_policy(whole_stack.usual_policy(), reload=True)
    return grants


@pytest.fixture(scope="module")
def srv():
    """Directories of the server, in this mount namespace alone. /tmp would not do: it is everybody's."""
    folder = pathlib.Path("/srv")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder], check=True)
    for name in ("read", "write", "write/inner", "open"):
        (folder / name).mkdir()
        (folder / name / "file").write_text(f"{name}\n")
    for path in ("write", "write/file"):
        os.chown(folder / path, *on_host(0))
    (folder / "open").chmod(0o777)
    (folder / "open" / "inner").mkdir()
    (folder / "link").symlink_to("read")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture(scope="module")
def fuse(whole_stack):
    """A node that all may open, as udev makes it: in a user namespace root is nobody in particular."""
    node = whole_stack.state / "fuse"
    os.mknod(node, 0o666 | stat.S_IFCHR, os.stat("/dev/fuse").st_rdev)
    node.chmod(0o666)
    subprocess.run(["mount", "--bind", node, "/dev/fuse"], check=True)
    yield
    subprocess.run(["umount", "-l", "/dev/fuse"], check=True)
    node.unlink()


@pytest.fixture(scope="module")
def on_engine(whole_stack, srv, fuse, on_standin):
    """All other cases; and one container with all that there is, made anew, saved, and made of that again."""
    client = whole_stack.docker()
    client.api.tag("debian-ssh", "other-ssh")
    grants = Grants(whole_stack, [*OPTIONS, *PLACES])
    alice = whole_stack.alice
    grants.everything = whole_stack.inspect(alice.create(*EVERYTHING, "--name", "everything"))
    grants.anew = whole_stack.inspect(alice.json("recreate", "everything")["container"])
    alice.do("commit", "everything", "mine")
    grants.plain = whole_stack.inspect(alice.create("--name", "plain"))
    grants.heir_of_mine = alice.json("create", "mine", "--name", "heir")["container"]
    grants.heir = whole_stack.inspect(grants.heir_of_mine)
    grants.let_end()
    yield grants
    whole_stack.set_policy(grants.policy({}), reload=True)
    whole_stack.clear()
    alice.submit("rmi", "mine")
    client.api.remove_image("other-ssh")
    client.close()
    whole_stack.set_policy(whole_stack.usual_policy(), reload=True)


@pytest.fixture
def grants(on_engine, on_standin, case):
    return on_standin if case is GPUS else on_engine


@EACH_CASE
def test_without_its_grant_it_is_refused_by_the_rules_name(grants, case):
    refused = grants.refused[case.name]
    assert refused["status"] == 3 and refused["error"]["code"] == "policy_denied"
    assert refused["error"]["rule"].endswith(f".{case.rule}") and ".extra." not in refused["error"]["rule"]


def test_of_what_was_refused_the_engine_has_seen_nothing(on_engine, on_standin):
    assert on_engine.traces == [] and on_standin.traces == []


@EACH_CASE
def test_with_its_grant_the_engine_has_it(grants, case):
    assert grants.granted[case.name]["status"] == 0, grants.granted[case.name]
    assert case.shows(grants.inspected[case.name])


@pytest.mark.parametrize("case", [case for case in [*OPTIONS, *PLACES] if case.inside], ids=lambda case: case.name)
def test_with_its_grant_it_works_inside(on_engine, case):
    command, printed = case.inside
    assert on_engine.stack.alice.ssh(on_engine.granted[case.name]["container"], command, login="root") == printed


@EACH_CASE
def test_a_grant_that_ends_is_enough_until_then_and_nothing_afterwards(grants, case):
    assert grants.extra[case.name]["status"] == 0, grants.extra[case.name]
    assert grants.created.returncode == 0, grants.created.stderr
    for command, results in grants.ended.items():
        refused = results[case.name]
        assert (refused["status"], refused["error"]["code"]) == (3, "policy_denied"), (command, refused)
        assert refused["error"]["rule"] == f"users.alice.extra.0.{case.rule}", (command, refused)


@EACH_CASE
def test_what_runs_goes_on_running_when_its_grant_has_ended(grants, case):
    before, after = grants.inspected[case.name]["State"], grants.afterwards[case.name]["State"]
    assert after["Running"] and after["StartedAt"] == before["StartedAt"]


def test_all_of_it_goes_together_and_stays_when_the_container_is_made_anew(on_engine):
    assert all(case.shows(on_engine.everything) for case in OPTIONS)
    assert on_engine.anew["Id"] != on_engine.everything["Id"]
    assert on_engine.anew["HostConfig"] == on_engine.everything["HostConfig"]
    assert on_engine.anew["Config"]["Env"] == on_engine.everything["Config"]["Env"]
    label = on_engine.anew["Config"]["Labels"]["dcm.options"]
    assert label == on_engine.everything["Config"]["Labels"]["dcm.options"]
    assert json.loads(label)["env"]["APP_TEXT"] == VALUE


def test_an_image_of_ones_own_hands_nothing_on(on_engine):
    heir, plain = on_engine.heir, on_engine.plain
    differing = {name for name in plain["HostConfig"] if plain["HostConfig"][name] != heir["HostConfig"][name]}
    assert differing <= {"PortBindings"}
    variables = on_engine.stack.alice.ssh(on_engine.heir_of_mine, "tr '\\0' '\\n' </proc/1/environ; env", login="root")
    assert "DCM_USER=alice" in variables
    assert not [line for line in variables.splitlines() if line.startswith(("TZ=", "APP_", "DCM_ENV="))]
    assert heir["Config"]["Labels"]["dcm.options"] == ""
    assert [m["Destination"] for m in heir["Mounts"]] and {m["Destination"] for m in heir["Mounts"]} == {
        m["Destination"] for m in plain["Mounts"]}


def test_what_of_the_server_is_not_safe_to_give_is_refused_though_granted(on_engine):
    stack = on_engine.stack
    own = str(stack.storage / "bob" / "home")
    mounts = {"/srv/none": (4, "no /srv/none"), "/srv/link": (1, "symbolic link"), "/srv/link/file": (1, "symbolic link"),
              "/srv/open/inner": (1, "others than root"), "/srv/read/file": (1, "not a directory"),
              own: (1, "DCM has its own"), str(stack.state): (1, "DCM has its own"),
              # a container has /srv/write from an earlier policy, and could exchange what is in it
              "/srv/write/inner": (1, "while a container has one around it")}
    devices = {"/dev/none": (4, "no /dev/none"), "/dev/pts": (1, "not a device"), "/dev/stdin": (1, "symbolic link")}
    os.chown("/srv/write", 0, 0)  # else, with user namespaces, that it is not root's is reason enough
    stack.set_policy(on_engine.policy({"mounts": [f"{path}:ro" for path in mounts], "devices": list(devices)}), reload=True)
    before = stack.containers()
    asked = {path: stack.alice.popen("create", "debian-ssh", "--mount", f"{path}:/data:ro") for path in mounts}
    asked |= {path: stack.alice.popen("create", "debian-ssh", "--device", path) for path in devices}
    for path, (status, words) in (mounts | devices).items():
        said = asked[path].communicate(timeout=60)[1]
        assert (asked[path].returncode, words in said) == (status, True), said
    assert sorted(stack.containers()) == sorted(before)


def test_a_directory_within_one_that_somebody_may_write_to_is_not_given(on_engine):
    on_engine.stack.set_policy(on_engine.policy({"mounts": ["/srv/read:rw", "/srv/read/inner:ro"]}), reload=True)
    refused = on_engine.stack.alice.json("create", "debian-ssh", "--mount", "/srv/read/inner:/data:ro", status=3)
    assert refused["error"]["rule"] == "users.alice.mounts"


def test_a_server_without_gpus_says_so_and_keeps_nothing(on_engine):
    stack, before = on_engine.stack, on_engine.stack.containers()
    stack.set_policy(on_engine.policy({"gpus": 1}), reload=True)
    failed = stack.alice.json("create", "debian-ssh", "--gpus", "1", "--name", "graphic", status=1)
    assert failed["error"]["code"] == "engine_error" and "gpu" in failed["error"]["message"]
    assert sorted(stack.containers()) == sorted(before) and "graphic" not in stack.alice.names()


@pytest.mark.parametrize("policy, comes_back", [("no", False), ("on-failure", True)])
def test_a_restart_policy_is_the_engines_and_start_and_stop_are_the_users(on_engine, policy, comes_back):
    stack, alice, name = on_engine.stack, on_engine.stack.alice, f"falls-{policy}"
    stack.set_policy(on_engine.policy({"restart": ["on-failure"]}), reload=True)
    container = alice.create("--restart", policy, "--name", name)

    def state():
        return stack.inspect(container)["State"]

    def listed():
        return alice.json("show", name)["container"]["state"]

    # The init's only child is killed, and the init ends with it.
    init = state()["Pid"]
    child = pathlib.Path(f"/proc/{init}/task/{init}/children")
    os.kill(int(eventually(lambda: child.read_text().split(), 10, "a child of the init")[0]), signal.SIGKILL)
    eventually(lambda: (state()["Running"], stack.inspect(container)["RestartCount"]) == (comes_back, int(comes_back)),
               20, "the end")
    eventually(lambda: listed() == ("running" if comes_back else "stopped"), 20, "the state in the index")
    for command, running in (("stop", False), ("start", True), ("restart", True), ("stop", False)):
        alice.do(command, name)
        assert (state()["Running"], listed()) == (running, "running" if running else "stopped")
