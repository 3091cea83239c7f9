"""The administrator's other procedures, each followed to the letter on the server of the guide's first chapter."""

import json

import pytest

from stack import eventually


def listed(server, kind):
    return json.loads(server.run(f"dcm-submit --json {kind}", user="alice"))[kind]


def own_images(server):
    return [image["name"] for image in listed(server, "images") if image["owner"] == "alice"]


def signs_in(server, container):
    return server.run(f"ssh -p {container['ssh_port']} alice@lab1 hostname") == container["id"][:12]


def created(server, *words):
    return json.loads(server.run(f"dcm-submit --json create {' '.join(words)}", user="alice"))["container"]


@pytest.fixture
def tidy(server):
    """Where alice has neither containers nor images, before and after."""
    def clear():
        names = [container["name"] for container in json.loads(server.run("dcm-submit --json ps", user="alice"))["containers"]]
        server.run(f"dcm-submit remove -f {' '.join(names)}" if names else "true", user="alice")
        server.run(f"dcm-submit rmi {' '.join(own_images(server))}" if own_images(server) else "true", user="alice")
    clear()
    yield server
    clear()


def test_a_worker_gets_another_password_and_the_old_one_ends(tidy):
    before = tidy.run("grep -E '^(broker|store) =' /etc/dcm/worker.conf")
    container = created(tidy, "debian-ssh")
    tidy.follow("rotate-worker")
    after = tidy.run("grep -E '^(broker|store) =' /etc/dcm/worker.conf")
    old, new = (text.split("dcm-worker:")[1].split("@")[0] for text in (before, after))
    assert old != new and old not in tidy.run("cat /etc/dcm/worker.conf")
    tidy.run(f"dcm-submit restart {container['name']}", user="alice")
    tidy.run("systemctl restart redis-server && dcm-admin doctor")
    for password, answer in ((new, "PONG"), (old, "WRONGPASS")):
        said = tidy.tell(f"REDISCLI_AUTH={password} redis-cli --no-auth-warning --user dcm-worker ping")
        assert answer in said.stdout + said.stderr
        assert (tidy.tell(f"rabbitmqctl authenticate_user dcm-worker {password}").returncode == 0) == (password == new)


def test_a_gate_gets_other_accounts_and_the_old_ones_end(tidy):
    tidy.follow("rotate-gate")
    tidy.run("dcm-submit ping", user="alice")
    eventually(lambda: set(tidy.run("rabbitmqctl -q list_queues -p dcm messages --no-table-headers").split()) == {"0"})
    tidy.follow("retire-gate")
    tidy.run("dcm-submit ping", user="alice")
    publishers = json.loads(tidy.run("dcm-admin publisher list --json"))["publishers"]
    assert {one["name"] for one in publishers if one["account"] and one["users"] == ["*"]} == {"dcm-admin", "dcm-gate-2"}
    tidy.run("dcm-admin doctor")


def test_a_new_key_signs_and_the_old_one_goes_once_it_has_signed_nothing(tidy):
    container = created(tidy, "debian-ssh")
    tidy.follow("rotate-keyring")
    tidy.run(f"dcm-submit recreate {container['name']}", user="alice")
    tidy.run(f"dcm-submit remove -f {container['name']}", user="alice")
    tidy.follow("retire-key")
    assert [key["use"] for key in json.loads(tidy.run("dcm-admin keyring list --json"))["keys"]] == ["signs"]
    assert signs_in(tidy, created(tidy, "debian-ssh"))


DESTROY = r"""
systemctl stop dcm-gate dcm-worker
docker ps --all --quiet | xargs --no-run-if-empty docker rm --force
docker image ls --format '{{.Repository}}:{{.Tag}}' 'dcm.local/*/*' | xargs docker image rm --force
systemctl stop docker redis-server
rm -rf /etc/dcm/* /var/lib/dcm/* /var/lib/redis/*
mv /etc/docker /root/docker.gone
userdel --force alice
systemctl start redis-server docker
"""


def test_what_was_backed_up_is_there_again_after_everything_was_lost(tidy):
    container = created(tidy, "debian-ssh", "--name", "mine")
    tidy.run(f"ssh -p {container['ssh_port']} alice@lab1 'echo precious >file; ln -s /etc/shadow link'")
    asked = json.loads(tidy.run("dcm-submit --json commit mine saved", user="alice"))["request"]
    account = tidy.run("id alice")
    tidy.follow("backup")
    tidy.run(DESTROY)
    assert tidy.tell("id alice").returncode != 0

    tidy.follow("restore")
    assert tidy.run("id -u alice; id -g alice") == "\n".join(word.split("=")[1].split("(")[0] for word in account.split()[:2])
    eventually(lambda: own_images(tidy) == ["saved:latest"], 90, "alice's image")
    again = created(tidy, "saved")
    assert tidy.run(f"ssh -p {again['ssh_port']} alice@lab1 'cat file; readlink link'") == "precious\n/etc/shadow"
    assert json.loads(tidy.run(f"dcm-submit --json status {asked}", user="alice"))["state"] == "done"
    assert tidy.run("ls /etc/dcm/keys") == "alice"
    tidy.run("dcm-admin doctor")


ANOTHER_SERVER = """
dcm-admin user remove alice --images --yes
systemctl stop dcm-worker docker
rm /etc/docker/key.json
systemctl start docker dcm-worker
dcm-admin keyring rotate
"""


def test_a_user_has_the_same_on_another_server(tidy):
    container = created(tidy, "debian-ssh", "--name", "mine")
    tidy.run(f"ssh -p {container['ssh_port']} alice@lab1 'echo precious >file'")
    tidy.run("dcm-submit commit mine saved", user="alice")
    before = [tidy.run(command) for command in ("id alice", "cat /etc/dcm/keys/alice/authorized_keys", "jq .groups /etc/dcm/policy.json")]
    tidy.follow("export")
    tidy.run(ANOTHER_SERVER)
    assert tidy.tell("id alice").returncode != 0

    tidy.follow("import")
    eventually(lambda: own_images(tidy) == ["saved:latest"], 90, "alice's image")
    again = created(tidy, "saved")
    assert tidy.run(f"ssh -p {again['ssh_port']} alice@lab1 cat file") == "precious"
    assert before == [tidy.run(command) for command in ("id alice", "cat /etc/dcm/keys/alice/authorized_keys", "jq .groups /etc/dcm/policy.json")]
    tidy.run("dcm-admin doctor")
