"""dcm-admin address: which addresses users' ports may go to, changed while the worker runs."""

import subprocess

import pytest


@pytest.fixture
def addresses(stack, admin):
    """127.0.0.1 and 127.0.0.2, as worker.conf has them; afterwards no file of dcm-admin's is left."""
    yield lambda: {a["address"]: a for a in admin.run("address", "list")["addresses"]}
    if (stack.state / "addresses.conf").exists():
        admin.run("address", "add", "127.0.0.2")
        admin.run("address", "add", "127.0.0.1")
        for address in list(admin.run("address", "list")["addresses"]):
            if address["address"] not in ("127.0.0.1", "127.0.0.2") and address["state"] == "used":
                admin.run("address", "retire", address["address"])
        # The first is the one that users are told for SSH.
        admin.run("address", "retire", "127.0.0.2")
        admin.run("address", "add", "127.0.0.2")


def test_the_configured_ones_are_listed(stack, admin, addresses):
    assert {a: (facts["state"], facts["on_host"], facts["holders"]) for a, facts in addresses().items()} == {
        "127.0.0.1": ("used", True, []), "127.0.0.2": ("used", True, [])}


def test_an_address_that_is_added_is_there_for_the_next_request(stack, admin, alice, addresses):
    assert alice.json("create", "debian-ssh", "80", "--address", "127.0.0.3", status=4)["error"]
    worker = stack.worker.process.pid
    admin.run("address", "add", "127.0.0.3")
    container = alice.create("80", "--address", "127.0.0.3")
    assert container["ports"][0]["address"] == "127.0.0.3" and stack.worker.process.pid == worker
    assert stack.inspect(container)["HostConfig"]["PortBindings"]["80/tcp"] == [
        {"HostIp": "127.0.0.3", "HostPort": "80"}]
    assert addresses()["127.0.0.3"]["holders"] == [
        {"user": "alice", "container": container["name"], "ports": [f"{container['ssh_port']}/tcp", "80/tcp"]}]


def test_a_port_goes_to_the_added_address_when_the_others_are_taken(admin, alice, addresses):
    taken = [alice.create("80")["ports"][0]["address"] for _ in range(2)]
    assert sorted(taken) == ["127.0.0.1", "127.0.0.2"]
    assert alice.submit("create", "debian-ssh", "80").returncode == 1
    admin.run("address", "add", "127.0.0.3")
    assert alice.create("80")["ports"][0]["address"] == "127.0.0.3"


def test_a_retired_address_gets_nothing_new_and_keeps_what_it_has(stack, admin, alice, bob, addresses):
    old = alice.create("80", "53/udp", "--address", "127.0.0.2")
    listed = {a["address"]: a for a in admin.run("address", "retire", "127.0.0.2")["addresses"]}
    assert listed["127.0.0.2"] == {"address": "127.0.0.2", "state": "retired", "on_host": True, "holders": [
        {"user": "alice", "container": old["name"], "ports": [f"{old['ssh_port']}/tcp", "80/tcp", "53/udp"]}]}
    assert "127.0.0.2" in bob.json("create", "debian-ssh", "80", "--address", "127.0.0.2", status=4)["error"]["message"]
    assert bob.create("80")["ports"][0]["address"] == "127.0.0.1"
    assert bob.submit("create", "debian-ssh", "80").returncode == 1
    # Ports are stable: a restart takes them again.
    alice.do("restart", old["name"])
    assert alice.json("show", old["name"])["container"]["ports"] == old["ports"]
    alice.do("remove", "-f", old["name"])
    assert "127.0.0.2" not in addresses()


def test_ssh_is_told_on_the_first_that_is_left(admin, alice, addresses):
    first = alice.create()
    admin.run("address", "retire", "127.0.0.1")
    second = alice.create()
    assert (first["address"], second["address"]) == ("127.0.0.1", "127.0.0.2")
    assert addresses()["127.0.0.1"]["holders"] == [
        {"user": "alice", "container": first["name"], "ports": [f"{first['ssh_port']}/tcp"]}]
    assert alice.ssh(first, "id -un") == "alice"


def test_changes_outlive_the_worker(stack, admin, alice, addresses):
    admin.run("address", "add", "127.0.0.3")
    stack.worker.stop()
    stack.worker.start()
    assert alice.create("80", "--address", "127.0.0.3")["ports"][0]["address"] == "127.0.0.3"


def test_a_runner_that_is_replaced_knows_of_them_too(stack, admin, alice, addresses):
    admin.run("address", "add", "127.0.0.3")
    for number in range(1, 5):
        for pid in stack.worker.children(f"runner-{number}"):
            subprocess.run(["kill", "-KILL", str(pid)], check=True)
    assert alice.create("80", "--address", "127.0.0.3")["ports"][0]["address"] == "127.0.0.3"


def test_an_address_that_the_host_has_not_is_added_with_a_warning(admin, addresses):
    done = admin.tell("address", "add", "192.0.2.7")
    assert done.returncode == 0 and "this host has no address 192.0.2.7" in done.stderr
    assert not addresses()["192.0.2.7"]["on_host"]
    table = admin.tell("address", "list", form=()).stdout.splitlines()
    assert ["192.0.2.7", "used", "no"] in [line.split() for line in table]


def test_killed_at_any_step_it_is_added_or_retired_in_the_end(stack, admin, addresses):
    def used(expected):
        assert [a for a, facts in addresses().items() if facts["state"] == "used"] == expected
        with stack.redis() as store:
            assert store.hget(f"dcm:server:{stack.server}", "addresses") == " ".join(expected)

    both = ["127.0.0.1", "127.0.0.2"]
    admin.run("address", "add", "127.0.0.1")
    admin.killed_everywhere("address", "add", "127.0.0.3", after=lambda: used([*both, "127.0.0.3"]),
                            before=lambda: admin.run("address", "retire", "127.0.0.3", status=None))
    steps = admin.killed_everywhere("address", "retire", "127.0.0.3", after=lambda: used(both),
                                    before=lambda: admin.run("address", "add", "127.0.0.3"))
    assert steps >= 2
