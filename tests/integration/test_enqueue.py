"""enqueue: many requests from a file or a pipe."""

import json
import subprocess

import pytest

from stack import eventually

PING = {"op": "ping"}


def enqueue(user, lines, *options, text=None, file="-"):
    """dcm-submit enqueue with these objects, or this text, as its standard input."""
    text = "".join(json.dumps(line) + "\n" for line in lines) if text is None else text
    process = user.popen(*options, "enqueue", file, stdin=subprocess.PIPE)
    out, err = process.communicate(text, timeout=120)
    return subprocess.CompletedProcess("enqueue", process.returncode, out, err)


def state(stack, user, request):
    return stack.redis().hget(f"dcm:user:{user}:request:{request}", "state")


def ended(user, request):
    return user.submit("wait", request, "--timeout", "60s").returncode == 0


def test_each_line_has_its_answer_in_order(stack, alice):
    done = enqueue(alice, [PING] * 700)
    ids = done.stdout.split()
    assert (done.returncode, done.stderr) == (0, "")
    times = [request[:13] for request in ids]
    assert len(set(ids)) == 700 and times == sorted(times)
    assert all(ended(alice, request) for request in (ids[0], ids[350], ids[-1]))


def test_a_bad_line_is_named_and_the_rest_goes_on(stack, alice):
    lines = [json.dumps(PING), "{", '["ping"]', '{"op":"explode"}', '{"op":"ping","user":"bob"}', "", " ",
             '{"op":"container.stop"}', "x" * 40000, json.dumps(PING)]
    done = enqueue(alice, None, "--json", text="\n".join(lines))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer.get("line", answer.get("state")) for answer in answers] == ["queued", 2, 3, 4, 5, 8, 9, "queued"]
    assert done.returncode == 2
    named = [line.split(":")[1] for line in done.stderr.splitlines()[:-1]]
    assert named == [f" enqueue line {number}" for number in (2, 3, 4, 5, 8, 9)]
    assert done.stderr.endswith("enqueue: 6 of the requests were not submitted\n")
    assert all(ended(alice, answers[i]["request"]) for i in (0, -1))


def test_the_same_ids_again_have_the_same_effects(stack, alice):
    made = enqueue(alice, [{"op": "container.create", "args": {"image": "debian-ssh", "name": f"c{n}"}} for n in (1, 2)],
                   "--json")
    requests = [json.loads(line) for line in made.stdout.splitlines()]
    lines = [{"id": request["request"], "op": "container.create", "args": {"image": "debian-ssh", "name": f"c{n}"}}
             for n, request in enumerate(requests, 1)]
    assert all(ended(alice, request["request"]) for request in requests)
    ids = [c["id"] for c in alice.json("ps")["containers"]]

    again = enqueue(alice, lines)
    assert (again.returncode, again.stdout.split()) == (0, [request["request"] for request in requests])
    assert all(ended(alice, request["request"]) for request in requests)
    assert [c["id"] for c in alice.json("ps")["containers"]] == ids and len(stack.containers()) == 2

    other = enqueue(alice, [{**lines[0], "args": {"image": "debian-ssh", "name": "other"}}, PING])
    assert other.returncode == 1 and "line 1: the id" in other.stderr and len(other.stdout.split()) == 1


def test_lines_go_as_soon_as_they_come(stack, alice):
    process = alice.popen("enqueue", "-", stdin=subprocess.PIPE)
    process.stdin.write(json.dumps(PING) + "\n")
    process.stdin.flush()
    request = process.stdout.readline().strip()
    assert ended(alice, request)
    process.communicate("", timeout=30)
    assert process.returncode == 0


def test_a_broker_that_is_away_is_told_once_and_nothing_is_asked(stack, alice):
    stack.service("stop", "broker")
    try:
        done = enqueue(alice, [PING] * 3000)
    finally:
        stack.service("start", "broker")
    assert done.returncode == 6 and done.stdout == ""
    told = done.stderr.splitlines()
    assert len(told) == 1025 and "nothing behind line 1024 was submitted" in told[-1]
    eventually(lambda: alice.submit("ping").returncode == 0, 60, "the way through the broker")


@pytest.mark.parametrize("file, words", [("/nonexistent/file", "No such file"), ("/", "Is a directory")])
def test_what_cannot_be_read_is_said(whole_stack, file, words):
    done = whole_stack.alice.submit("enqueue", file)
    assert done.returncode == 2 and words in done.stderr


def test_a_publisher_of_its_own_speaks_for_several_and_needs_no_store(stack, alice, bob):
    policy = stack.usual_policy()
    policy["publishers"]["dcm-admin"] = {"users": ["alice"]}
    stack.set_policy(policy, reload=True)
    config = stack.secret("batch.conf", f"broker = {stack.urls['AMQP_ADMIN_URL']}\n")
    lines = [{"user": "alice", **PING}, {"user": "bob", **PING}]
    done = subprocess.run([stack.program("dcm-submit"), "--config", config, "--as", "alice", "enqueue", "-"],
                          input="".join(json.dumps(line) + "\n" for line in lines), capture_output=True, text=True,
                          timeout=60, check=False)
    first, second = done.stdout.split()
    assert (done.returncode, done.stderr) == (0, "")
    eventually(lambda: state(stack, "alice", first) == "done", what="alice's ping")
    assert state(stack, "bob", second) is None, "the policy does not let this publisher speak for bob"
