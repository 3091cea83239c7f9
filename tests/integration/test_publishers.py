"""dcm-admin publisher: accounts that may ask for some users, and do nothing else."""

import json
import os
import re
import shutil
import subprocess

import pika
import pika.exceptions
import pytest
import redis

from stack import ROOT, eventually

NAME = "slurm"


def add(admin, path, users="alice", *options):
    return admin.run("publisher", "add", NAME, "--users", users, "--file", path, *options)["publisher"]


@pytest.fixture(scope="module")
def slurm(whole_stack, admin):
    """A batch system that may ask for alice. Its credentials file. Who changes it puts it back."""
    path = whole_stack.state / "slurm.conf"
    assert add(admin, path) == {"name": NAME, "users": ["alice"], "account": True, "policy": True,
                                "connections": 128, "file": str(path)}
    yield path
    admin.run("publisher", "remove", NAME, "--file", path, status=None)


def settings(path):
    return dict(line.split(" = ", 1) for line in path.read_text().splitlines() if " = " in line)


def submit(stack, path, *args):
    """dcm-submit with these credentials, as somebody who is no user of DCM."""
    os.chown(path, 998, 998)
    done = subprocess.run([stack.program("dcm-submit"), "--config", path, *args], user=998, group=998, extra_groups=[],
                          capture_output=True, text=True, timeout=60, check=False, cwd="/")
    os.chown(path, 0, 0)
    return done


def connect(path):
    return pika.BlockingConnection(pika.URLParameters(settings(path)["broker"]))


def store(path):
    return redis.Redis.from_url(settings(path)["store"], decode_responses=True)


def test_its_file_is_all_that_a_batch_system_needs(stack, admin, slurm, alice):
    assert slurm.stat().st_mode & 0o777 == 0o600
    done = submit(stack, slurm, "--as", "alice", "--json", "create", "debian-ssh", "--name", "job")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["container"]["name"] == "job" and alice.names() == ["job"]
    listed = submit(stack, slurm, "--as", "alice", "--json", "ps")
    assert [container["name"] for container in json.loads(listed.stdout)["containers"]] == ["job"]


def test_what_it_asks_for_others_is_refused_and_audited(stack, slurm, bob):
    refused = submit(stack, slurm, "--as", "bob", "--detach", "--json", "create", "debian-ssh")
    assert refused.returncode == 0  # the broker takes what it may write …
    asked = json.loads(refused.stdout)["request"]
    line = eventually(lambda: [line for line in stack.worker.log().splitlines() if asked in line and "audit" in line],
                      what="the refusal")[0]
    assert "user=bob" in line and f"publisher={NAME}" in line and f"publishers.{NAME}.users" in line
    assert bob.names() == []  # … and no worker does it
    assert submit(stack, slurm, "--as", "bob", "ps").returncode == 6  # nor does the store tell


def test_the_store_shows_it_its_users_and_no_more(stack, slurm, alice, bob):
    for user in (alice, bob):
        user.create("--name", "web")
    mine = store(slurm)
    assert list(mine.hgetall("dcm:user:alice:containers")) == ["web"]
    assert mine.hget("dcm:user:*:granted", stack.server)
    for command in (["HGETALL", "dcm:user:bob:containers"], ["HGETALL", f"dcm:server:{stack.server}"],
                    ["HSET", "dcm:user:alice:containers", "x", "{}"], ["DEL", "dcm:user:alice:containers"],
                    ["ZADD", "dcm:user:alice:told", "1", "x"], ["SET", "dcm:user:bob:follower:x", "1"], ["KEYS", "*"], ["SCAN", "0"], ["FLUSHALL"],
                    ["CONFIG", "GET", "*"], ["ACL", "LIST"], ["ACL", "SETUSER", NAME, "+@all"], ["EVAL", "return 1", "0"],
                    ["FCALL", "dcm_1_release", "0"], ["FUNCTION", "LIST"], ["FUNCTION", "LOAD", "#!lua name=x\n"],
                    ["CLIENT", "KILL", "TYPE", "normal"], ["SUBSCRIBE", "x"], ["MONITOR"], ["SHUTDOWN"]):
        with pytest.raises(redis.exceptions.ResponseError) as refusal:
            mine.execute_command(*command)
        assert str(refusal.value).lower().startswith(("noperm", "this user has no permissions", "no permissions")), command


def test_keys_that_it_names_oddly_lead_nobody_astray(stack, admin, slurm, alice, carol):
    """Newlines in them, and names of others: dcm-admin lists whom there is, and removes whom it is told to."""
    add(admin, slurm, "carol")
    alice.create("--name", "web")
    prefix = "dcm:user:carol:request:"
    mine = store(slurm)
    mine.set("dcm:user:carol:requests", "none of ours")
    for key in (f"{prefix}\ndcm:user:alice:containers", f"{prefix}\ndcm:user:alice:requests\n", f"{prefix}\nx:x:--help:containers",
                f"{prefix}\nx:x:mallory:containers", f"{prefix}*:containers", f"{prefix}\ndcm:user:root:images"):
        mine.set(key, "x")
    said = admin.tell("user", "list", form=()).stdout
    assert "mallory" not in said and "--help" not in said
    names = {user["name"] for user in admin.run("user", "list")["users"]}
    assert names == {"alice", "bob", "carol"}
    assert {usage["user"] for usage in admin.run("usage")["usage"]} == names
    assert admin.run("ps")["containers"][0]["name"] == "web"
    admin.run("user", "remove", "carol", "--yes")
    assert alice.names() == ["web"] and stack.redis().exists("dcm:user:alice:requests")
    assert stack.redis().keys("dcm:user:carol:*") == []
    add(admin, slurm)


def test_what_it_puts_into_the_store_has_a_size_that_can_be_read(stack, slurm):
    for size, taken in ((1000000, True), (2000000, False)):
        try:
            done = store(slurm).set("dcm:user:alice:request:large", "x" * size)
        except (redis.exceptions.ConnectionError, redis.exceptions.ResponseError):
            done = False
        assert done is taken
    stack.redis().delete("dcm:user:alice:request:large")


def test_the_workers_account_can_do_what_its_functions_do_and_no_more(stack):
    called = set()
    for path in (ROOT / "schemas" / "store").glob("*.lua"):
        called |= {name.lower() for name in re.findall(r"redis\.p?call\('(\w+)'", path.read_text())}
    assert len(called) > 10
    worker = redis.Redis.from_url(stack.urls["REDIS_WORKER_URL"], decode_responses=True)
    allowed = subprocess.check_output(["bash", "-c", f". {ROOT}/ops/admin.d/roles.sh; role_store worker"], text=True)
    assert {f"+{name}" for name in called} <= set(allowed.split())
    for command in (["FLUSHALL"], ["KEYS", "*"], ["CONFIG", "GET", "*"], ["ACL", "WHOAMI"], ["GET", "elsewhere"],
                    ["SHUTDOWN"], ["DEBUG", "SLEEP", "0"], ["FUNCTION", "FLUSH"], ["EVAL", "return 1", "0"], ["MONITOR"]):
        with pytest.raises(redis.exceptions.ResponseError):
            worker.execute_command(*command)


@pytest.mark.parametrize("program", ["dcm-submit", "dcm-shell"])
def test_who_asks_the_gate_loads_nothing_that_reaches_broker_or_store(stack, program):
    loaded = subprocess.check_output(["ldd", stack.program(program)], text=True)
    assert "libjansson" in loaded
    assert [name for name in ("rabbitmq", "hiredis", "libssl", "libcrypto") if name in loaded] == []


def test_a_dcm_submit_without_its_other_half_says_so(stack, slurm, tmp_path):
    alone = [shutil.copy(stack.program("dcm-submit"), tmp_path), "--config", slurm, "--as", "alice", "ping"]
    done = subprocess.run(alone, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 6 and done.stderr.count("\n") == 1
    assert "dcm-submit-direct: No such file or directory" in done.stderr


def test_users_and_connections_can_be_changed_and_its_password_stays(stack, admin, slurm, bob):
    before = slurm.read_text()
    changed = add(admin, slurm, "alice,bob", "--connections", 2)
    assert changed["users"] == ["alice", "bob"] and changed["connections"] == 2 and slurm.read_text() == before
    with connect(slurm), connect(slurm):
        with pytest.raises(pika.exceptions.AMQPConnectionError):
            connect(slurm)
        bob.do("ping")
    # Where the file has gone to where it is used, too.
    away = slurm.rename(stack.state / "away.conf")
    assert "file" not in add(admin, slurm, "bob")
    assert submit(stack, away, "--as", "bob", "ping").returncode == 0
    assert submit(stack, away, "--as", "alice", "ps").returncode == 6
    away.rename(slurm)
    add(admin, slurm)


def test_the_list_knows_accounts_and_policy(stack, admin, slurm):
    listed = {publisher["name"]: publisher for publisher in admin.run("publisher", "list")["publishers"]}
    assert listed[NAME]["users"] == ["alice"] and listed[NAME]["account"] and listed[NAME]["policy"]
    assert listed["dcm-gate"] == {"name": "dcm-gate", "users": ["*"], "account": True, "policy": True, "connections": None}
    assert "dcm-worker" not in listed
    table = admin.tell("publisher", "list", form=()).stdout.splitlines()
    assert table[0].split() == ["NAME", "ACCOUNT", "CONNECTIONS", "SPEAKS", "FOR"]
    assert f"{NAME} yes 128 alice".split() in [line.split() for line in table]


FAULTY = {
    "the workers' account": (["dcm-worker", "--users", "alice"], 1),
    "the administrator's": (["dcm-admin", "--users", "alice"], 1),
    "a name with a slash": (["../slurm", "--users", "alice"], 2),
    "a name with a blank": (["a b", "--users", "alice"], 2),
    "a name with a newline": (["slurm\n", "--users", "alice"], 2),
    "no users": (["slurm"], 2),
    "a user who can be none": (["slurm", "--users", "alice,root:"], 2),
    "an empty user": (["slurm", "--users", "alice,"], 2),
    "no number of connections": (["slurm", "--users", "alice", "--connections", "0"], 2),
    "a file of somebody else's": (["slurm", "--users", "alice", "--file", "/etc/passwd"], 2),
}


def test_what_makes_no_publisher_changes_nothing(stack, admin):
    def state():
        accounts = subprocess.check_output([stack.urls["RABBITMQCTL"], "--quiet", "list_permissions", "-p", "dcm"], text=True)
        return accounts, stack.redis().execute_command("ACL", "LIST"), stack.policy_path.read_text()
    before = state()
    for what, (words, status) in FAULTY.items():
        done = admin.tell("publisher", "add", *words)
        assert done.returncode == status and len(done.stderr.splitlines()) == 1 and done.stdout == "", (what, done)
    assert state() == before


def test_a_publisher_of_everybody_is_a_gate_and_no_secret_is_on_a_command_line(stack, admin):
    """While it is made: a strace of everything that dcm-admin starts."""
    path = stack.state / "traced.conf"
    command = admin.command("publisher", "add", "traced", "--users", "*", "--file", path)
    trace = stack.state / "trace"
    subprocess.run(["strace", "-f", "-qq", "-s", "65535", "-e", "trace=execve", "-o", trace, *command], check=True,
                   stdout=subprocess.DEVNULL, timeout=120)
    secrets = [re.search(r":([0-9a-f]{64})@", line)[1] for line in settings(path).values()]
    secrets += [re.search(r":([0-9a-f]{64})@", stack.urls[url])[1] for url in ("AMQP_ADMIN_URL", "REDIS_ADMIN_URL")]
    started = trace.read_text()
    assert "redis-cli" in started and len(set(secrets)) == 3
    # Only arguments: the environment of a process is its own.
    arguments = re.findall(r"execve\([^\[]*(\[.*?\]), ", started)
    assert len(arguments) > 20
    for secret in secrets:
        assert not any(secret in words for words in arguments)
    trace.unlink()
    assert stack.redis().execute_command("ACL", "GETUSER", "traced")[5:] == \
        stack.redis().execute_command("ACL", "GETUSER", "gate")[5:]
    assert submit(stack, path, "--as", "bob", "ping").returncode == 0
    admin.run("publisher", "remove", "traced", "--file", path)


def test_a_removed_one_is_out_at_once(stack, admin, slurm):
    credentials = settings(slurm)
    left = connect(slurm)
    channel = left.channel()
    removed = admin.run("publisher", "remove", NAME, "--file", slurm)
    assert removed == {"publisher": NAME, "removed": True}
    with pytest.raises(pika.exceptions.AMQPError):
        for _ in range(100):
            left.process_data_events(0.1)
            channel.basic_publish("dcm.requests", "interactive", b"{}")
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        pika.BlockingConnection(pika.URLParameters(credentials["broker"]))
    with pytest.raises(redis.exceptions.ResponseError, match="WRONGPASS"):
        redis.Redis.from_url(credentials["store"]).ping()
    assert not slurm.exists() and NAME not in stack.policy_path.read_text()
    assert "no publisher" in admin.run("publisher", "remove", NAME, "--file", slurm, status=4)
