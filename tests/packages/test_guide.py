"""The administrator's guide, followed to the letter from bare Debian to a user's SSH session in a container."""

import json
import re


def test_the_first_user_signs_in_to_a_container(server):
    identity = server.follow("session").splitlines()[-1]
    [container] = json.loads(server.run("ssh alice@lab1 ps --json"))["containers"]
    assert container["id"].startswith(identity) and re.fullmatch("[0-9a-f]{12}", identity)
    assert container["address"] == "192.0.2.10" and container["state"] == "running"


def test_everything_runs_from_the_packages_files_and_within_their_units(server):
    for program in ("dcm-gate", "dcm-worker"):
        pid = server.run(f"systemctl show --property MainPID --value {program}")
        assert server.run(f"readlink /proc/{pid}/exe") == f"/usr/sbin/{program}"
        assert "NoNewPrivs:\t1" in server.run(f"cat /proc/{pid}/status")


def test_nothing_secret_is_for_others_to_read(server):
    assert server.run("find /etc/dcm /etc/redis/users.acl -type f -perm /004 ! -name authorized_keys ! -name policy.json") == ""
    assert server.tell("dcm-submit ping", user="nobody").returncode != 0
