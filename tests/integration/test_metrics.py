"""What administrators see by Prometheus: its own tools read what the worker, the rules and the dashboard say."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest
import yaml

from stack import ROOT, eventually

RULES = ROOT / "ops" / "prometheus" / "dcm.rules.yml"
DASHBOARD = ROOT / "ops" / "grafana" / "dcm.json"
HISTOGRAM_PARTS = ("_bucket", "_sum", "_count")


def promtool(*args, **options):
    done = subprocess.run(["promtool", *args], capture_output=True, text=True, check=False, **options)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def answer(stack, request, seconds=20):
    """The bytes with which the server answers these."""
    with socket.create_connection(("127.0.0.1", stack.metrics_port), timeout=seconds) as client:
        with contextlib.suppress(OSError):  # it may have closed already
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(65536), b""))
    return b""


def page(stack):
    return answer(stack, b"GET /metrics HTTP/1.0\r\n\r\n").decode().split("\r\n\r\n", 1)[1]


def families(stack):
    """Name → (labels, type, help), of all that the worker prints."""
    text, found = page(stack), {}
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    for name, told in re.findall(r"^# HELP (\S+) (.*)$", text, re.M):
        sample = re.search(rf"^{name}(?:_bucket)?\{{(.*)\}} ", text, re.M)
        labels = re.findall(r'(\w+)="', sample[1]) if sample else []
        found[name] = (", ".join(label for label in labels if label != "le"), kinds[name], told)
    return found


def compare(stack):
    """Has the keeper compare everything now, and waits for that."""
    began = time.time()
    [keeper] = stack.worker.children("keeper")
    os.kill(keeper, signal.SIGHUP)
    eventually(lambda: stack.metrics()["dcm_last_comparison_timestamp_seconds"] >= began, what="a comparison")


def test_counters_equal_what_was_done(stack, alice):
    before = stack.metrics()
    alice.create("--name", "web", "8080:80")
    for _ in range(3):
        alice.do("ping")
    assert alice.submit("create", "debian-ssh", "25").returncode == 3
    alice.do("stop", "web")
    assert alice.submit("stop", "nosuch").returncode == 4
    alice.do("remove", "web")

    def counted(kind, after):
        return {name: after[name] - before[name] for name in after
                if name.startswith(kind) and after[name] != before[name]}

    ended = {("container.create", "done"): 1, ("ping", "done"): 3, ("container.create", "refused"): 1,
             ("container.stop", "done"): 1, ("container.stop", "failed"): 1, ("container.remove", "done"): 1}
    wanted = {f'dcm_requests_total{{op="{op}",outcome="{outcome}"}}': count for (op, outcome), count in ended.items()}
    # A user may have read a result before it is counted.
    eventually(lambda: counted("dcm_requests_total", stack.metrics()) == wanted, what="the counts")
    after = stack.metrics()
    lasted = {"container.create": 2, "ping": 3, "container.stop": 2, "container.remove": 1}
    assert counted("dcm_request_duration_seconds_count", after) == {
        f'dcm_request_duration_seconds_count{{op="{op}"}}': count for op, count in lasted.items()}
    took = 'dcm_request_duration_seconds_sum{op="container.create"}'
    assert 0 < after[took] - before[took] < 120
    eventually(lambda: stack.metrics()['dcm_runners{state="idle"}'] == 4, what="runners without work")
    assert sum(value for name, value in stack.metrics().items() if name.startswith("dcm_requests_in_hand")) == 0


def test_gauges_show_what_there_is(stack, alice, bob):
    alice.create("8080:80")
    alice.create("--name", "still")
    alice.do("stop", "still")
    compare(stack)
    told = stack.metrics()
    version = subprocess.run([stack.program("dcm-worker"), "--check-policy", stack.policy_path], capture_output=True,
                             text=True, check=True).stdout
    wanted = {'dcm_containers{state="running"}': 1, 'dcm_containers{state="stopped"}': 1,
              'dcm_containers{state="paused"}': 0, 'dcm_ports_leased{use="ssh"}': 2,
              'dcm_ports_leased{use="direct"}': 1, "dcm_subnets_leased": 1, "dcm_ssh_ports": 10000, "dcm_subnets": 1024,
              f'dcm_policy_info{{version="{version[:16]}"}}': 1, "dcm_broker_up": 1, "dcm_store_up": 1, "dcm_engine_up": 1}
    assert {name: told.get(name) for name in wanted} == wanted
    assert set(told) >= {f'dcm_disk_free_bytes{{place="{place}"}}' for place in ("engine", "storage", "state")}
    disk = os.statvfs(stack.storage)
    assert told['dcm_disk_size_bytes{place="storage"}'] == disk.f_blocks * disk.f_frsize
    assert 0 < told['dcm_disk_free_bytes{place="storage"}'] <= told['dcm_disk_size_bytes{place="storage"}']


def test_differences_are_counted_and_those_that_stay_are_seen(stack, alice):
    before = stack.metrics()
    container = alice.create("--name", "lost")
    client = stack.docker()
    labels = stack.inspect(container)["Config"]["Labels"]
    foreign = client.api.create_container("debian-ssh", "true", labels=labels, name="foreign")["Id"]
    try:
        with stack.redis() as store:
            store.hdel("dcm:user:alice:containers", "lost")
        compare(stack)
        told = stack.metrics()
    finally:
        client.api.remove_container(foreign, force=True)
        client.close()
    found = 'dcm_differences_total{kind="lost"}'
    assert told[found] == before[found] + 1 and told['dcm_differences_left{kind="lost"}'] == 0
    assert told['dcm_differences_left{kind="unverified"}'] == 1
    compare(stack)
    assert stack.metrics()['dcm_differences_left{kind="unverified"}'] == 0


def test_a_store_out_of_reach_is_seen(stack, alice):  # broker and engine: test_outages.py
    stack.service("stop", "store")
    try:
        eventually(lambda: stack.metrics()["dcm_store_up"] == 0, what="an outage")
    finally:
        stack.service("start", "store")
    eventually(lambda: stack.metrics()["dcm_store_up"] == 1, what="its end")
    eventually(lambda: alice.submit("ping").returncode == 0, 60, "a ping")


def test_what_is_parked_is_counted(stack, alice):
    before = stack.metrics()
    [link] = stack.worker.children("link")
    with stack.amqp() as connection:
        connection.channel().basic_publish("", "dcm.parked", b"nobody's")
        os.kill(link, signal.SIGKILL)  # the next one asks at once, and not in ten seconds
        eventually(lambda: stack.metrics()['dcm_queue_messages{queue="parked"}'] == 1, what="a parked message")
        connection.channel().queue_purge("dcm.parked")
    died = 'dcm_process_failures_total{process="link"}'
    assert stack.metrics()[died] == before[died] + 1
    alice.do("ping")


def test_who_tells_the_metrics_may_die_and_nobody_notices(stack, alice):
    [teller] = stack.worker.children("metrics")
    before = stack.metrics()
    following = alice.popen("--json", "create", "debian-ssh")
    os.kill(teller, signal.SIGKILL)
    alice.do("ping")
    assert following.wait(60) == 0
    # What asks meanwhile waits in the socket, which is the supervisor's.
    after = stack.metrics()
    assert stack.worker.children("metrics") != [teller]
    pings, failures = 'dcm_requests_total{op="ping",outcome="done"}', 'dcm_process_failures_total{process="metrics"}'
    assert after[pings] >= before[pings] and after[failures] == before[failures] + 1
    assert {name: after[name] for name in before if name.startswith("dcm_process_fail") and name != failures} == \
        {name: before[name] for name in before if name.startswith("dcm_process_fail") and name != failures}


@pytest.mark.parametrize("request_bytes, status", [
    (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"200"), (b"GET / HTTP/1.0\r\n\r\n", b"404"),
    (b"GET /metrics/../etc/passwd HTTP/1.0\r\n\r\n", b"404"), (b"POST /metrics HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", b"405"),
    (b"DELETE /metrics HTTP/1.0\r\n\r\n", b"405"), (b"GET /metrics HTTP/1.0\r\nX: " + b"y" * 100000 + b"\r\n\r\n", None),
    (b"\x16\x03\x01\x02\x00\x01\x00" * 50 + b"\r\n\r\n", None), (b"\0" * 100000, None), (b"GET", None), (b"", None),
], ids=["1.1", "root", "dots", "post", "delete", "endless", "tls", "zeros", "half", "nothing"])
def test_a_client_gets_the_metrics_or_a_refusal(stack, request_bytes, status):
    [teller] = stack.worker.children("metrics")
    told = answer(stack, request_bytes)
    assert (told.split(b" ")[1] == status) if status else (b" 200 " not in told)
    assert stack.worker.children("metrics") == [teller] and "dcm_broker_up" in stack.metrics()


def test_clients_that_stall_hold_up_nobody_for_long(stack, alice):
    [teller] = stack.worker.children("metrics")
    stalling = [socket.create_connection(("127.0.0.1", stack.metrics_port)) for _ in range(40)]
    try:
        for client in stalling:
            client.sendall(b"GET /metrics HTTP/1.1\r\nX")
        alice.do("ping")
        end = time.monotonic() + 60
        while True:
            for client in stalling:  # none of them is ever silent
                with contextlib.suppress(OSError):
                    client.send(b"y")
            with contextlib.suppress(OSError):
                assert "dcm_broker_up" in stack.metrics()
                break
            assert time.monotonic() < end
    finally:
        for client in stalling:
            client.close()
    assert stack.worker.children("metrics") == [teller]


def test_only_loopback_answers(stack, tmp_path):
    listening = subprocess.run(["ss", "-Hltn", f"sport = :{stack.metrics_port}"], capture_output=True, text=True, check=True)
    assert [line.split()[3] for line in listening.stdout.splitlines()] == [f"127.0.0.1:{stack.metrics_port}"]
    for other in ("0.0.0.0:9470", "192.0.2.1:9470"):
        config = another_worker(stack, tmp_path, f"metrics = {other}\n")
        done = subprocess.run([stack.program("dcm-worker"), "--config", config], capture_output=True, text=True,
                              timeout=30, check=False)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
        assert "no address of this machine alone" in done.stderr and other in done.stderr


def another_worker(stack, folder, setting):
    """The configuration of one beside the stack's, with this instead of the line for metrics."""
    text = re.sub(r"^metrics = .*\n", setting, stack.worker.config.read_text(), flags=re.M)
    return stack.secret("metrics.conf", text.replace(f"{stack.state}/worker\n", f"{folder}/worker\n"))


@pytest.mark.parametrize("setting", ["nothing", "a port that is taken"])
def test_a_worker_works_without_metrics_too(stack, tmp_path, setting):
    taken = f"127.0.0.1:{stack.metrics_port}"
    config = another_worker(stack, tmp_path, "" if setting == "nothing" else f"metrics = {taken}\n")
    said = []
    with subprocess.Popen([stack.program("dcm-worker"), "--config", config], stderr=subprocess.PIPE, text=True) as worker:
        try:
            assert any(said.append(line) or "connected to the broker" in line for line in worker.stderr)
            names = subprocess.run(["ps", "--ppid", str(worker.pid), "-o", "comm="], capture_output=True, text=True, check=True)
            assert "link" in names.stdout.split() and "metrics" not in names.stdout.split()
            assert any("there will be no metrics" in line and taken in line for line in said) == (setting != "nothing")
        finally:
            worker.terminate()


def test_prometheus_tools_accept_metrics_and_rules(stack):
    assert promtool("check", "metrics", input=page(stack)) == ""
    assert "SUCCESS" in promtool("check", "rules", stack.prefix / "share" / "dcm" / "prometheus" / RULES.name)
    assert "SUCCESS" in promtool("test", "rules", RULES.with_name("dcm.rules.test.yml"))


def test_rules_and_dashboard_use_what_the_worker_prints(stack):
    printed = set(families(stack)) | {f"dcm_request_duration_seconds{part}" for part in HISTOGRAM_PARTS}
    rules = re.findall(r"^ +expr: (.*)$", RULES.read_text(), re.M)
    dashboard = json.loads((stack.prefix / "share" / "dcm" / "grafana" / DASHBOARD.name).read_text())
    shown = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    for expressions in (rules, shown):
        assert expressions
        used = {name for text in expressions for name in re.findall(r"\bdcm_\w+", text)}
        assert used <= printed, used - printed
    assert {name for text in (*rules, *shown) for name in re.findall(r"\bdcm_\w+", text)} >= \
        printed - {"dcm_request_duration_seconds"}
    # As rules, with something in place of Grafana's own variables, the dashboard's queries are promtool's to judge.
    queries = [{"record": f"shown:{number}", "expr": text.replace("$__rate_interval", "5m").replace("$instance", ".*")}
               for number, text in enumerate(shown)]
    promtool("check", "rules", "/dev/stdin", input=json.dumps({"groups": [{"name": "shown", "rules": queries}]}))


def test_every_alert_says_what_to_do():
    for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]:
        assert len(rule["annotations"]["summary"]) > 10 and len(rule["annotations"]["description"]) > 40, rule["alert"]
        assert rule["labels"]["severity"] in ("warning", "critical")


def test_the_documentations_table_is_what_the_worker_says(stack):
    text = (ROOT / "docs" / "administration.md").read_text()
    rows = re.findall(r"^\| `(dcm_\w+)` \| (.*?) \| (\w+) \| (.*) \|$", text, re.M)
    documented = {name: (labels.replace("`", "").replace("–", ""), kind, told) for name, labels, kind, told in rows}
    assert documented == families(stack)
