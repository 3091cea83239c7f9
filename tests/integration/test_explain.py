"""explain: which rules would allow or refuse a command, by the same checks, and nothing is done."""

import pytest

from stack import eventually


def explain(user, *args, status=None):
    """What is told of the command: the explanation, its exit status as expected."""
    result = user.json("explain", *args, status=status)
    assert result["op"] == "policy.explain" and result["state"] == "done"
    told = result["explanation"]
    assert told["allowed"] == all(decision["allowed"] for decision in told["decisions"])
    return told


def rules(told):
    return {decision["what"]: decision.get("rule") for decision in told["decisions"]}


def refusals(told):
    return [(d["what"], d.get("rule"), d["message"]) for d in told["decisions"] if not d["allowed"]]


def traces(stack):
    """Everything that a request could leave behind, but for its own record."""
    with stack.redis() as store:
        kept = {key: store.hgetall(key) for key in store.keys("dcm:*:containers") + store.keys("dcm:*:images")}
    return stack.containers(), sorted(stack.networks()), stack.leases(), kept, sorted(stack.storage.glob("*"))


@pytest.fixture
def policy(stack):
    """The usual policy, to be changed; afterwards it is as it was."""
    yield stack.usual_policy()
    stack.set_policy(stack.usual_policy(), reload=True)


def test_all_that_allows_a_create_is_told_and_nothing_is_done(stack, alice, policy):
    stack.set_policy(policy, reload=True)
    before = traces(stack)
    told = explain(alice, "create", "debian-ssh", "8080:80", "53/udp", "--address", "127.0.0.2", "--memory", "128m",
                   status=0)
    assert traces(stack) == before
    assert told["op"] == "container.create" and rules(told) == {
        "image debian-ssh": "groups.testers.images",
        "memory 128m": "groups.testers.memory.each",
        "cpus 0.25 (the usual)": "groups.testers.cpus.each",
        "pids 128 (the usual)": "groups.testers.pids.each",
        "host port 8080/tcp": "groups.testers.ports",
        "host port 53/udp": "groups.testers.ports",
        "publishing on the address 127.0.0.2": "groups.testers.addresses",
        "containers in all: 1 more, beside 0 of 30": "groups.testers.containers",
        "memory in all: 128 MiB more, beside 0 MiB of 4096 MiB": "groups.testers.memory",
        "processors in all: 0.25 more, beside 0 of 16": "groups.testers.cpus",
        "processes in all: 128 more, beside 0 of 8192": "groups.testers.pids",
    }
    shown = alice.submit("explain", "create", "debian-ssh")
    assert shown.returncode == 0 and shown.stdout.endswith("create would be allowed.\n")


def test_every_refusal_is_told_in_the_words_of_the_real_one(stack, alice):
    before = traces(stack)
    args = ["create", "debian-ssh", "443", "444", "8080:80", "--memory", "4g", "--pids", "1000"]
    told = explain(alice, *args, status=3)
    assert [refusal[:2] for refusal in refusals(told)] == [
        ("memory 4g", "groups.testers.memory.each"), ("pids 1000", "groups.testers.pids.each"),
        ("host port 443/tcp", "defaults.ports"), ("host port 444/tcp", "defaults.ports")]
    assert rules(told)["host port 8080/tcp"] == "groups.testers.ports"
    error = alice.json(*args, status=3)["error"]
    assert refusals(told)[0][1:] == (error["rule"], error["message"])
    shown = alice.submit("explain", *args)
    assert shown.returncode == 3 and shown.stderr == "" and shown.stdout.endswith("create would be refused.\n")
    assert traces(stack) == before


def test_quota_name_and_ports_are_looked_up(stack, alice, bob, policy):
    policy["users"] = {"alice": {"containers": 1}}
    stack.set_policy(policy, reload=True)
    bob.create("8080:80")
    one = refusals(explain(alice, "create", "debian-ssh", "--address", "127.0.0.1", "8080:80", status=3))
    assert len(one) == 1 and one[0][1] is None and "port 8080/tcp is taken on 127.0.0.1" in one[0][2]
    # Whether a port is taken is nothing to who could not have it.
    policy["groups"]["testers"]["ports"] = []
    stack.set_policy(policy, reload=True)
    two = refusals(explain(alice, "create", "debian-ssh", "8080:80", "--address", "127.0.0.1", status=3))
    assert [refusal[1] for refusal in two] == ["defaults.ports"]
    alice.create("--name", "web")
    three = refusals(explain(alice, "create", "debian-ssh", "--name", "web", status=3))
    assert three[0][:2] == ("containers in all: 1 more, beside 1 of 1", "users.alice.containers")
    assert "you have a container web already" in three[1][2]


def test_an_image_that_one_may_not_use_is_not_there(stack, alice, policy):
    client = stack.docker()
    try:
        image = client.images.get("debian-ssh")
        image.tag("secret")
        policy["groups"]["testers"]["images"] = []
        stack.set_policy(policy, reload=True)
        for asked in (image.id, "sha256:" + "0" * 64):
            told = refusals(explain(alice, "create", asked, status=3))
            error = alice.json("create", asked, status=4)["error"]
            assert told == [(f"image {asked}", None, error["message"])]
        denied = [refusals(explain(alice, "create", name, status=3))[0][1:] for name in ("secret", "nowhere")]
        assert denied == [("defaults.images", f"image {name} is not granted to you; ask the administrator")
                          for name in ("secret", "nowhere")]
    finally:
        client.images.remove("secret", noprune=True)
        client.close()


def test_a_start_is_judged_with_all_that_the_container_has(stack, alice, bob, policy):
    alice.create("8080:80", "--name", "web")
    alice.do("stop", "web")
    assert rules(explain(alice, "start", "web", status=0))["container web, your own"] is None
    before = traces(stack)
    policy["groups"]["testers"].update(images=[], ports=[])
    policy["suspended"] = ["alice"]
    stack.set_policy(policy, reload=True)
    assert [refusal[1] for refusal in refusals(explain(alice, "start", "web", status=3))] == [
        "suspended", "defaults.images", "defaults.ports"]
    assert explain(alice, "stop", "web", status=0)["allowed"]
    assert refusals(explain(bob, "start", "web", status=3))[0][2].startswith("you have no container web")
    assert traces(stack) == before


# A command, and the words of what refuses it, if anything does.
OTHERS = [
    ("pause web", None),
    ("unpause web", "only a paused container can be unpaused"),
    ("remove web", "stop it first"),
    ("remove -f web", None),
    ("recreate web 8081:80", None),
    ("recreate web 443", "host port 443/tcp is not granted"),
    ("recreate web 8082:80", "port 8082/tcp is taken"),
    ("logs web", None),
    ("commit web mine", "no images of your own are granted to you"),
    ("rmi debian-ssh", "the administrator's, not yours to remove"),
    ("rmi mine", "you have no image mine"),
    ("cancel 0193a1b2-7c3d-7e4f-8a5b-6c7d8e9fa0b1", None),
    ("ping", None),
]


def test_other_commands(stack, alice, bob):
    alice.create("--name", "web")
    for address in ("127.0.0.1", "127.0.0.2"):
        bob.create("8082:80", "--address", address)
    before = traces(stack)
    for command, refusal in OTHERS:
        told = refusals(explain(alice, *command.split()))
        assert [refusal in message for _, _, message in told] == ([True] if refusal else []), (command, told)
    assert traces(stack) == before


def test_the_quota_of_images(stack, alice, policy):
    policy["groups"]["testers"].update(images_kept=1, image_bytes="1m")
    stack.set_policy(policy, reload=True)
    alice.create("--name", "web")
    told = refusals(explain(alice, "commit", "web", "mine", status=3))
    assert [refusal[1] for refusal in told] == ["groups.testers.image_bytes"]


def test_wrong_usage_is_told_as_of_the_command_itself(whole_stack):
    alice = whole_stack.alice
    for args in (["create", "debian-ssh", "--force"], ["create", "debian-ssh", "22"], ["stop"], ["create", "Bad!"], ["dance"]):
        itself, explained = alice.submit(*args), alice.submit("explain", *args)
        assert (itself.returncode, itself.stderr) == (explained.returncode, explained.stderr) and itself.returncode == 2
    assert "explain COMMAND" in alice.submit("explain").stderr
    assert alice.submit("explain", "ps").returncode == 2


def test_an_explanation_is_found_again(whole_stack):
    alice = whole_stack.alice
    request = alice.submit("-d", "explain", "create", "debian-ssh", "--memory", "4g").stdout.strip()
    assert alice.submit("wait", request).returncode == 3
    alice.do("status", request)
    eventually(lambda: alice.json("status", request)["explanation"]["allowed"] is False, 5, "the explanation")
