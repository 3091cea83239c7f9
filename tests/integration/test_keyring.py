"""The keys that sign labels: made, taken away; and labels that none of them has signed gain nothing."""

import re
import secrets
import stat

import pytest

NOT_FOUND, FAILED, NO_SUCH = 4, 1, 4


def ids(keys):
    return [key["id"] for key in keys["keys"]]


def signed_by(stack, container):
    return stack.inspect(container)["Config"]["Labels"]["dcm.mac"].split(":")[0]


def test_a_new_key_signs_and_the_old_one_verifies_until_it_is_retired(stack, alice, admin, keyring):
    old = alice.create("--name", "old")
    first = admin.run("keyring", "list")
    assert first == {"keys": [{"id": "k1", "use": "signs", "containers": 1, "images": 0, "networks": 1}]}

    both = admin.run("keyring", "rotate")
    [new, use] = both["keys"][0]["id"], [key["use"] for key in both["keys"]]
    assert ids(both) == [new, "k1"] and use == ["signs", "verifies"] and re.fullmatch(r"\d{14}", new)
    status = keyring.stat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (0, 0o600)
    assert stack.redis().hget(f"dcm:server:{stack.server}", "keyring") == f"{new} k1"

    assert signed_by(stack, alice.create("--name", "new")) == new and signed_by(stack, old) == "k1"
    for name in ("old", "new"):
        alice.do("restart", name)
    told = admin.tell("keyring", "retire", "k1")
    assert told.returncode == FAILED and "k1 has signed container dcm.alice.old, network dcm.alice: " in told.stderr
    again = alice.json("recreate", "old")["container"]
    assert signed_by(stack, again) == new and signed_by(stack, alice.create()) == new
    assert "has signed network dcm.alice:" in admin.tell("keyring", "retire", "k1").stderr
    stack.clear()
    assert ids(admin.run("keyring", "retire", "k1")) == [new]
    alice.do("stop", alice.create()["name"])
    assert not re.search(r"[0-9a-f]{64}", admin.tell("keyring", "list", form=()).stdout)


def test_what_a_retired_key_has_signed_is_nobodys_and_stays_as_it_is(stack, alice, admin, keyring):
    container, before = alice.create("--name", "old"), keyring.read_text()
    admin.run("keyring", "rotate")
    [new, _] = ids(admin.run("keyring", "list"))
    assert ids(admin.run("keyring", "retire", "k1", "--yes")) == [new]
    for command in (["stop"], ["restart"], ["remove", "-f"], ["logs"], ["commit"]):
        assert alice.submit(*command, "old", *(["mine"] if command == ["commit"] else [])).returncode == NOT_FOUND
    found = admin.run("reconcile", status=None)["differences"]
    assert {"unverified"} <= {item["kind"] for item in found}
    assert stack.inspect(container)["State"]["Running"]
    keyring.write_text(keyring.read_text() + before)
    admin.run("keyring", "rotate")
    alice.do("stop", "old")
    alice.do("remove", "old")


def test_a_rotation_that_was_killed_half_way_is_finished_by_the_next(stack, admin, keyring):
    next_key = f"next1:{secrets.token_hex(32)}\n"
    keyring.write_text(f"{keyring.read_text()}# next: next1\n{next_key}")
    assert ids(admin.run("keyring", "rotate")) == ["next1", "k1"]
    assert "# next" not in keyring.read_text() and keyring.read_text().startswith(next_key)


def test_what_would_leave_no_key_or_too_many_is_refused(stack, admin, keyring):
    before = keyring.read_text()
    assert "k1 is the key that signs" in admin.run("keyring", "retire", "k1", status=FAILED)
    assert "there is no key k2" in admin.run("keyring", "retire", "k2", status=NO_SUCH)
    assert "there is no key .*" in admin.run("keyring", "retire", ".*", status=NO_SUCH)
    assert keyring.read_text() == before
    full = before + "".join(f"x{number}:{secrets.token_hex(32)}\n" for number in range(15))
    keyring.write_text(full)
    assert "there are 16 keys: retire one first" in admin.run("keyring", "rotate", status=FAILED)
    assert keyring.read_text() == full
    keyring.write_text(f"{before}k2:abc\n")
    assert "holds a line that is no key" in admin.run("keyring", "list", status=2)
    assert "abc" not in admin.tell("keyring", "list").stderr


@pytest.fixture
def by_hand(stack):
    """Containers that somebody makes with the engine's own client."""
    client, made = stack.docker(), []

    def make(image, name, labels):
        made.append(client.api.create_container(image, "sleep 1000", name=name, labels=labels, entrypoint=[])["Id"])
        client.api.start(made[-1])
        return made[-1]

    yield make
    for identity in made:
        client.api.remove_container(identity, force=True)
    client.close()


def of_other_key(labels):
    return {**labels, "dcm.mac": f"k2:{labels['dcm.mac'].split(':')[1]}"}


def with_other_hash(labels):
    return {**labels, "dcm.mac": f"k1:{secrets.token_hex(32)}"}


def named_forged(labels):
    return {**labels, "dcm.name": "forged"}


def of_bobs(labels):
    return {**labels, "dcm.user": "bob"}


def unsigned(labels):
    return {name: text for name, text in labels.items() if name != "dcm.mac"}


def granted_more(labels):
    return {**labels, "dcm.options": '{"capabilities":["SYS_ADMIN"]}'}


@pytest.mark.parametrize("forge, name", [
    (dict, "dcm.alice.forged"), (dict, "dcm.bob.real"), (dict, "real"), (named_forged, "dcm.alice.forged"),
    (of_bobs, "dcm.bob.real"), (unsigned, "dcm.alice.forged"), (of_other_key, "dcm.alice.forged"),
    (with_other_hash, "dcm.alice.forged"), (granted_more, "dcm.alice.forged"),
])
def test_a_container_by_hand_with_copied_or_forged_labels_is_nobodys(stack, alice, bob, admin, by_hand, forge, name):
    real = alice.create("--name", "real")
    foreign = by_hand("debian-ssh", name, forge(stack.inspect(real)["Config"]["Labels"]))
    found = admin.run("reconcile", "--apply", status=None)["differences"]
    assert [(item["kind"], item["id"]) for item in found] == [("unverified", foreign)]
    assert alice.names() == ["real"] and bob.names() == []
    for user, reference in ((alice, "forged"), (bob, "forged"), (bob, "real"), (alice, foreign[:12]), (bob, foreign)):
        assert user.submit("stop", reference).returncode in (2, NOT_FOUND)
    assert stack.inspect({"id": foreign})["State"]["Running"]
    # The twin: the real one obeys, and goes; the foreign one stays.
    alice.do("stop", "real")
    alice.do("remove", "real")
    assert stack.containers() == [foreign]
