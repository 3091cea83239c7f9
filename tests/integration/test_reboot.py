"""A server that goes down: what ran runs again, what its user stopped stays stopped, and a missing address is waited for."""

import contextlib
import os
import pathlib
import signal
import subprocess

import pytest

import truth
from stack import eventually

ALIAS, OTHER = "198.18.0.1", "198.18.0.2"  # RFC 2544: nobody's


def give(address):
    subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)


def take(address):
    subprocess.run(["ip", "address", "delete", f"{address}/32", "dev", "lo"], check=True)


@pytest.fixture
def aliases(stack, admin):
    """Two more addresses of the server's; and every restart policy is granted."""
    policy = stack.usual_policy()
    policy["publishers"]["dcm-admin"] = {"users": ["*"]}
    policy["groups"]["testers"]["restart"] = ["always", "on-failure"]
    stack.set_policy(policy, reload=True)
    for address in (ALIAS, OTHER):
        give(address)
        admin.run("address", "add", address)
    yield
    stack.clear()
    for address in (ALIAS, OTHER):
        admin.run("address", "retire", address)
        with contextlib.suppress(subprocess.CalledProcessError):
            take(address)


@contextlib.contextmanager
def crash(stack):
    """Engine and worker die as they stand, and come up again after what happens meanwhile. Containers live until
    the engine finds them."""
    stack.worker.stop(signal.SIGKILL)
    kill_service(stack, "engine")
    yield
    stack.service("start", "engine")
    stack.worker.start()


@contextlib.contextmanager
def power_cut(stack):
    """The same, and every process of the containers dies as well."""
    with stack.engine() as engine:
        inits = [engine.inspect_container(one["Id"])["State"]["Pid"] for one in engine.containers()]
    stack.worker.stop(signal.SIGKILL)
    shims = [parent(init) for init in inits]
    for name in ("engine", "containerd"):
        kill_service(stack, name)
    for process in shims + inits:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    yield
    stack.service("start", "engine")
    stack.worker.start()


def kill_service(stack, name):
    os.kill(int((stack.service_state / "run" / f"{name}.pid").read_text().split()[0]), signal.SIGKILL)


def parent(process):
    return int(pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])


def in_engine(stack):
    """name → does it run?, as the engine has it."""
    return {one["Config"]["Labels"]["dcm.name"]: one["State"]["Running"] for one in truth.engine_containers(stack).values()}


def states(user):
    """name → (state, address waited for), as `ps --json` has it."""
    return {one["name"]: (one["state"], one.get("waits_for")) for one in user.json("ps")["containers"]}


def on(address, port, *options):
    return ["-p", f"{address}:{port}:80", *options]


def listened_to(address):
    """The ports that the engine's proxy has there for containers that run."""
    told = subprocess.run(["ss", "-Hltn", "src", address], capture_output=True, text=True, check=True).stdout
    return sorted(int(line.split()[3].rsplit(":", 1)[1]) for line in told.splitlines() if address in line.split()[3])


def test_what_ran_runs_again_and_what_was_stopped_stays_so(stack, alice, aliases):
    for name, options in {"ran": on(ALIAS, 8081), "never": ["--restart", "no"], "halted": on(ALIAS, 8082)}.items():
        alice.create("--name", name, *options)
    alice.do("stop", "halted")
    with crash(stack):
        pass
    eventually(lambda: in_engine(stack) == {"ran": True, "never": True, "halted": False}, 30, "the containers as they were")
    eventually(lambda: truth.differences(stack) == [], 30, "agreement")
    assert stack.journal("SELECT 1 FROM waits") == []


@pytest.mark.parametrize("down", [crash, power_cut])
def test_a_missing_address_is_named_and_waited_for_whatever_the_restart_policy(stack, alice, aliases, down):
    policies = ("unless-stopped", "always", "on-failure", "no")
    for port, name in enumerate(policies, 8081):
        alice.create("--name", name, *on(ALIAS, port), "--restart", name)
    for port, name in ((8085, "halted"), (8086, "forgone")):
        alice.create("--name", name, *on(ALIAS, port))
    alice.create("--name", "bare")
    alice.do("stop", "halted")
    with down(stack):
        take(ALIAS)
    runs, stands, waits = ("running", None), ("stopped", None), ("stopped", ALIAS)
    wanted = {**dict.fromkeys(policies, waits), "forgone": waits, "bare": runs, "halted": stands}
    eventually(lambda: states(alice) == wanted and in_engine(stack)["bare"], 30, "what waits for its address")
    lines = {line.split()[0]: line for line in alice.submit("ps").stdout.splitlines()}
    assert f"stopped, waits for {ALIAS}" in lines["no"] and "waits" not in lines["halted"]
    assert f"waits for {ALIAS}" in alice.submit("show", "always").stdout

    refused = alice.json("start", "always", status=1)["error"]
    assert refused["code"] == "conflict" and ALIAS in refused["message"]
    assert alice.json("stop", "forgone")["container"] == alice.json("show", "forgone")["container"]
    assert states(alice)["forgone"] == stands
    stack.worker.stop(signal.SIGKILL)  # its user's word outlives that, and waiting too
    stack.worker.start()
    eventually(lambda: alice.submit("ping").returncode == 0, 20, "a ping")
    assert states(alice) == {**wanted, "forgone": stands}

    give(ALIAS)
    back = {**dict.fromkeys((*policies, "bare"), runs), "halted": stands, "forgone": stands}
    eventually(lambda: states(alice) == back, 30, "what waited for it to run")
    assert listened_to(ALIAS) == [8081, 8082, 8083, 8084]
    assert stack.journal("SELECT name, address FROM waits") == [("forgone", "")]
    eventually(lambda: truth.differences(stack) == [], 30, "agreement")
    alice.do("start", "forgone")
    assert stack.journal("SELECT 1 FROM waits") == []


def test_of_two_missing_addresses_each_is_waited_for_in_turn_and_policy_is_asked_again(stack, alice, bob, aliases):
    alice.create("--name", "both", *on(ALIAS, 8081), *on(OTHER, 8082))
    bob.create("--name", "refused", *on(ALIAS, 8083))
    with crash(stack):
        take(ALIAS)
        take(OTHER)
    eventually(lambda: states(alice) == {"both": ("stopped", ALIAS)}, 30, "the first that it lacks")
    eventually(lambda: states(bob) == {"refused": ("stopped", ALIAS)}, 30, "bob's")
    policy = stack.usual_policy()
    policy["publishers"]["dcm-admin"] = {"users": ["*"]}
    policy["suspended"] = ["bob"]
    stack.set_policy(policy, reload=True)
    give(ALIAS)
    eventually(lambda: states(alice) == {"both": ("stopped", OTHER)}, 30, "the second that it lacks")
    eventually(lambda: states(bob) == {"refused": ("stopped", None)}, 30, "the end of bob's waiting")
    assert "suspended" in stack.worker.log().split("name=refused: down: ")[1].splitlines()[0]
    give(OTHER)
    eventually(lambda: states(alice) == {"both": ("running", None)}, 30, "both")
    assert states(bob) == {"refused": ("stopped", None)}


def test_nothing_is_asked_of_the_engine_that_a_missing_address_would_spoil(stack, alice, aliases):
    container = alice.create("--name", "web", *on(ALIAS, 8081))
    take(ALIAS)
    for command in (["restart", "web"], ["recreate", "web", f"{ALIAS}:8082:80"], ["create", "debian-ssh", f"{ALIAS}:8083:80"]):
        error = alice.json(*command, status=1)["error"]
        assert error["code"] == "conflict" and f"lacks the address {ALIAS}" in error["message"], error
        assert error["message"] in alice.submit("explain", *command).stdout
    assert stack.inspect(container)["State"]["Running"] and states(alice) == {"web": ("running", None)}
    assert alice.create("80")["ports"][0]["address"] != ALIAS
    # With other ports it is another matter.
    alice.do("recreate", "web", "127.0.0.1:8081:80")
    alice.do("stop", "web")
