"""Every grant: refused without it, works with it, refused again once it has ended.

All cases go through each policy together: one reload, and their requests side by side.
"""

import json
import pathlib
import subprocess
import time
from datetime import datetime, timedelta, timezone

import pytest

from stack import VETTED


class Case:
    """A grant, what is asked for that needs it, what the engine then has to show, and root inside."""

    def __init__(self, name, grant, args, shows, inside=None, rule=None):
        self.name, self.grant, self.args, self.shows, self.inside = name, grant, args, shows, inside
        self.rule = rule or next(iter(grant))


def host(field, value):
    """The engine's own inspect has this in HostConfig."""
    return lambda inspected: inspected["HostConfig"][field] == value


def mount(source, target, writable):
    """It is mounted, as such and no otherwise."""
    return lambda inspected: [(m["Type"], m["Source"], m["RW"], m["Propagation"]) for m in inspected["Mounts"]
                              if m["Destination"] == target] == [("bind", source, writable, "rprivate")]


def env(*settings):
    return lambda inspected: set(settings) < set(inspected["Config"]["Env"])


VALUE = r"""it's "so" \ #1 = $HOME"""


CASES = [
    Case("env", {"env": ["TZ", "APP_*"]}, ["--env", "TZ=UTC", "--env", f"APP_TEXT={VALUE}"],
         env("TZ=UTC", f"APP_TEXT={VALUE}"), ('echo "$TZ $APP_TEXT"', f"UTC {VALUE}")),
    Case("capabilities", {"capabilities": ["NET_ADMIN"]}, ["--cap-add", "NET_ADMIN"],
         lambda inspected: "CAP_NET_ADMIN" in inspected["HostConfig"]["CapAdd"],
         ("perl -e 'open F, \"/proc/self/status\"; for (<F>) { print hex($1) >> 12 & 1 if /CapEff:\\s*(\\S+)/ }'", "1")),
    Case("devices", {"devices": ["/dev/fuse"]}, ["--device", "/dev/fuse"],
         host("Devices", [{"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rw"}]),
         ("exec 3<>/dev/fuse && echo open", "open")),
    Case("mount-ro", {"mounts": ["/srv/read:ro"]}, ["--mount", "/srv/read:/data:ro"],
         mount("/srv/read", "/data", False), ("cat /data/file; touch /data/x 2>/dev/null || echo refused", "read\nrefused")),
    Case("mount-rw", {"mounts": ["/srv/write:rw"]}, ["--mount", "/srv/write:/data"],
         mount("/srv/write", "/data", True), ("echo written >/data/new; cat /data/file /data/new", "write\nwritten")),
    Case("restart", {"restart": ["on-failure"]}, ["--restart", "on-failure"],
         host("RestartPolicy", {"Name": "on-failure", "MaximumRetryCount": 0})),
    Case("shm-size", {"shm_size": "128m"}, ["--shm-size", "100m"], host("ShmSize", 100 << 20),
         ("df -k --output=size /dev/shm | tail -n 1", str(100 << 10))),
]
EACH_CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def merged(grants):
    """One layer that grants all of these."""
    layer = {}
    for grant in grants:
        for key, value in grant.items():
            layer[key] = layer.get(key, []) + value if isinstance(value, list) else value
    return layer


class Grants:
    """What became of each case under each policy, by the case's name."""

    def __init__(self, stack):
        self.stack = stack
        self.refused = self.ask(self.policy({}), "create")
        self.traces = stack.containers() + stack.networks() + list(stack.leases())
        self.granted = self.ask(self.policy(merged(case.grant for case in CASES)), "create")
        self.inspected = self.inspect(self.granted)
        self.extra = self.ask_in_time("restart")
        self.ended = {command: self.ask(None, command) for command in ("start", "restart", "recreate", "create")}

    def policy(self, layer):
        policy = self.stack.usual_policy()
        policy["groups"]["testers"]["addresses"] = ["127.0.0.1"]
        policy["users"] = {"alice": layer}
        return policy

    def words(self, command, case):
        if command == "create":
            return ["create", "debian-ssh", "--name", case.name, *case.args]
        return [command, case.name]

    def ask(self, policy, command):
        """The results of this command for every case, asked for at once. Policy None: as it is."""
        if policy:
            self.stack.set_policy(policy, reload=True)
        asked = {case.name: self.stack.alice.popen("--json", *self.words(command, case)) for case in CASES}
        results = {}
        for name, process in asked.items():
            out, err = process.communicate(timeout=120)
            results[name] = json.loads(out) | {"status": process.returncode, "stderr": err}
        return results

    def ask_in_time(self, command):
        """All of it under grants that end soon; and once they have ended."""
        for seconds in (8, 30, 90):
            until = datetime.now(timezone.utc) + timedelta(seconds=seconds)
            layer = {"extra": [{"until": until.isoformat(timespec="milliseconds"), "reason": "a test",
                                **merged(case.grant for case in CASES)}]}
            results = self.ask(self.policy(layer), command)
            left = (until - datetime.now(timezone.utc)).total_seconds()
            if left > 0:
                break
        time.sleep(max(left, 0) + 0.1)
        return results

    def inspect(self, results):
        client = self.stack.docker()
        try:
            return {name: client.api.inspect_container(result["container"]["id"])
                    for name, result in results.items() if "container" in result}
        finally:
            client.close()


@pytest.fixture(scope="module")
def srv():
    """Directories of the server, in this mount namespace alone. /tmp would not do: it is everybody's."""
    folder = pathlib.Path("/srv")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder], check=True)
    for name in ("read", "write", "write/inner", "open"):
        (folder / name).mkdir()
        (folder / name / "file").write_text(f"{name}\n")
    (folder / "open").chmod(0o777)
    (folder / "open" / "inner").mkdir()
    (folder / "link").symlink_to("read")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture(scope="module")
def grants(whole_stack, srv):
    whole_stack.clear()
    yield Grants(whole_stack)
    whole_stack.set_policy(whole_stack.usual_policy(), reload=True)
    whole_stack.clear()


@EACH_CASE
def test_without_its_grant_it_is_refused_by_the_rules_name(grants, case):
    refused = grants.refused[case.name]
    assert refused["status"] == 3 and refused["error"]["code"] == "policy_denied"
    assert refused["error"]["rule"].split(".")[-1] == case.rule


def test_of_what_was_refused_the_engine_has_seen_nothing(grants):
    assert grants.traces == []


@EACH_CASE
def test_with_its_grant_the_engine_has_it(grants, case):
    assert grants.granted[case.name]["status"] == 0, grants.granted[case.name]
    assert case.shows(grants.inspected[case.name])


@pytest.mark.parametrize("case", [case for case in CASES if case.inside], ids=lambda case: case.name)
def test_with_its_grant_it_works_inside(grants, case):
    command, printed = case.inside
    assert grants.stack.alice.ssh(grants.granted[case.name]["container"], command, login="root") == printed


@EACH_CASE
def test_an_extra_grant_is_enough_until_it_ends(grants, case):
    assert grants.extra[case.name]["status"] == 0, grants.extra[case.name]
    for command, results in grants.ended.items():
        refused = results[case.name]
        assert refused["status"] == 3, (command, refused)
        assert refused["error"]["rule"] == f"users.alice.extra.0.{case.rule}"


@EACH_CASE
def test_what_runs_goes_on_running(grants, case):
    client = grants.stack.docker()
    try:
        state = client.api.inspect_container(grants.granted[case.name]["container"]["id"])["State"]
    finally:
        client.close()
    assert state["Running"]


def test_what_of_the_server_is_not_safe_to_give_is_refused_though_granted(grants):
    stack = grants.stack
    own = str(stack.storage / "bob" / "home")
    mounts = {"/srv/none": (4, "no /srv/none"), "/srv/link": (1, "symbolic link"), "/srv/link/file": (1, "symbolic link"),
              "/srv/open/inner": (1, "others than root"), "/srv/read/file": (1, "not a directory"),
              own: (1, "DCM has its own"), str(stack.state): (1, "DCM has its own"),
              # a container has /srv/write from an earlier policy, and could exchange what is in it
              "/srv/write/inner": (1, "while a container has one around it")}
    devices = {"/dev/none": (4, "no /dev/none"), "/dev/pts": (1, "not a device"), "/dev/stdin": (1, "symbolic link")}
    stack.set_policy(grants.policy({"mounts": [f"{path}:ro" for path in mounts], "devices": list(devices)}), reload=True)
    before = stack.containers()
    asked = {path: stack.alice.popen("create", "debian-ssh", "--mount", f"{path}:/data:ro") for path in mounts}
    asked |= {path: stack.alice.popen("create", "debian-ssh", "--device", path) for path in devices}
    for path, (status, words) in (mounts | devices).items():
        said = asked[path].communicate(timeout=60)[1]
        assert (asked[path].returncode, words in said) == (status, True), said
    assert sorted(stack.containers()) == sorted(before)


def test_a_directory_within_one_that_somebody_may_write_to_is_not_given(grants):
    grants.stack.set_policy(grants.policy({"mounts": ["/srv/read:rw", "/srv/read/inner:ro"]}), reload=True)
    refused = grants.stack.alice.json("create", "debian-ssh", "--mount", "/srv/read/inner:/data:ro", status=3)
    assert refused["error"]["rule"] == "users.alice.mounts"
