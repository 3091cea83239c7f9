"""TLS to broker and store, by a private authority: who shows the right certificate is believed, nobody else."""

import itertools
import json
import re
import subprocess

import pytest

from stack import eventually

NOT_SUBMITTED, USAGE = 6, 2
# Where the broker's word is lost to its closing of the connection, the guess has to do.
WANTED = "no TLS: it (refuses us: .*(certificate required|unknown ca)|ended the connection: .* wants a certificate)"
EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Authority:
    """A CA in a folder of its own, and what it signs."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.ca = folder / "ca.pem"
        self.openssl("req", "-x509", *EC, "-keyout", folder / "ca.key", "-out", self.ca, "-subj", f"/CN={folder.name}", "-days", 2)

    def openssl(self, *args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)

    def sign(self, name, subject, days=1):
        key, csr, pem, extra = (self.folder / f"{name}.{kind}" for kind in ("key", "csr", "pem", "ext"))
        extra.write_text(f"subjectAltName={subject}\n")
        self.openssl("req", *EC, "-keyout", key, "-out", csr, "-subj", f"/CN={name}")
        self.openssl("x509", "-req", "-in", csr, "-CA", self.ca, "-CAkey", self.folder / "ca.key", "-CAcreateserial",
                     "-days", days, "-out", pem, "-extfile", extra)
        return pem, key


class Secured:
    """The stack's broker and store, which listen for TLS too."""

    ports = itertools.count(15671)

    def __init__(self, stack):
        self.stack = stack
        self.ours, self.other = Authority(stack.state / "tls-ours"), Authority(stack.state / "tls-other")
        self.good = self.ours.sign("good", "IP:127.0.0.1,DNS:localhost")
        self.client = self.ours.sign("client", "DNS:client")
        self.broker = self.listen(self.good)

    def listen(self, certificate, clients=False):
        """A port of the broker's that shows this certificate, and perhaps wants to see one."""
        port = next(self.ports)
        verify = "{verify,verify_peer},{fail_if_no_peer_cert,true}" if clients else "{verify,verify_none}"
        options = f'[{{cacertfile,"{self.ours.ca}"}},{{certfile,"{certificate[0]}"}},{{keyfile,"{certificate[1]}"}},{verify}]'
        done = subprocess.check_output([self.stack.urls["RABBITMQCTL"], "eval",
                                        f'rabbit_networking:start_ssl_listener({{"127.0.0.1",{port}}},{options},2).'], text=True)
        assert done.strip() == "ok", done
        return port

    def url(self, port, host="127.0.0.1", who="AMQP_GATE_URL"):
        account = re.match(r"amqp://(.*)@", self.stack.urls[who])[1]
        return f"amqps://{account}@{host}:{port}/dcm"

    def ping(self, broker, *options, **tls):
        """dcm-submit by way of this broker: how it ended."""
        settings = {"broker": broker, "store": self.stack.urls["REDIS_GATE_URL"], **tls}
        path = self.stack.secret("tls.conf", "".join(f"{key} = {value}\n" for key, value in settings.items()))
        return subprocess.run([self.stack.program("dcm-submit"), "--config", path, "--as", "alice", "ping", *options],
                              capture_output=True, text=True, timeout=60, check=False)

    def refused(self, broker, words, status=NOT_SUBMITTED, **tls):
        done = self.ping(broker, **tls)
        assert done.returncode == status and done.stdout == "" and len(done.stderr.splitlines()) == 1, done
        assert re.search(words, done.stderr), done.stderr


@pytest.fixture(scope="module")
def secured(whole_stack):
    return Secured(whole_stack)


def test_the_right_certificate_is_believed(secured):
    for host in ("127.0.0.1", "localhost"):
        done = secured.ping(secured.url(secured.broker, host), "--json", tls_ca=secured.ours.ca)
        assert done.returncode == 0 and json.loads(done.stdout)["state"] == "done", done


def test_a_certificate_of_another_authority_is_refused(secured):
    where = secured.url(secured.broker)
    secured.refused(where, r"its certificate is refused: .* \(tls_ca: .*/tls-other/ca.pem\)", tls_ca=secured.other.ca)
    secured.refused(where, r"its certificate is refused: .* \(tls_ca: the system's authorities\)")
    forged = secured.listen(secured.other.sign("forged", "IP:127.0.0.1"))
    secured.refused(secured.url(forged), "its certificate is refused: unable to get local issuer", tls_ca=secured.ours.ca)


def test_an_expired_certificate_is_refused(secured):
    port = secured.listen(secured.ours.sign("expired", "IP:127.0.0.1", days=-1))
    secured.refused(secured.url(port), "its certificate is refused: certificate has expired", tls_ca=secured.ours.ca)


def test_a_certificate_for_another_host_is_refused(secured):
    port = secured.listen(secured.ours.sign("elsewhere", "DNS:elsewhere.example,IP:127.0.0.2"))
    secured.refused(secured.url(port), "its certificate is refused: IP address mismatch", tls_ca=secured.ours.ca)
    secured.refused(secured.url(port, "localhost"), "its certificate is refused: [Hh]ostname mismatch", tls_ca=secured.ours.ca)


def test_a_port_without_tls_is_refused(secured, whole_stack):
    plain = int(re.search(r":(\d+)/", whole_stack.urls["AMQP_GATE_URL"])[1])
    secured.refused(secured.url(plain), "no TLS: ", tls_ca=secured.ours.ca)
    # Nor does one without TLS get anywhere at a port with it.
    secured.refused(secured.url(secured.broker).replace("amqps", "amqp"), "broker 127.0.0.1:")


def test_a_broker_may_ask_for_our_certificate(secured):
    port = secured.listen(secured.good, clients=True)
    pem, key = secured.client
    where = secured.url(port)
    assert secured.ping(where, tls_ca=secured.ours.ca, tls_certificate=pem, tls_key=key).returncode == 0
    secured.refused(where, WANTED, tls_ca=secured.ours.ca)
    pem, key = secured.other.sign("stranger", "DNS:client")
    secured.refused(where, WANTED, tls_ca=secured.ours.ca, tls_certificate=pem, tls_key=key)


def test_files_that_cannot_be_used_are_named(secured):
    pem, key = secured.client
    where = secured.url(secured.broker)
    secured.refused(where, "tls_ca: /nowhere", USAGE, tls_ca="/nowhere")
    secured.refused(where, "tls_key: .*other/ca.key cannot be used: key values mismatch", USAGE, tls_ca=secured.ours.ca,
                    tls_certificate=pem, tls_key=secured.other.folder / "ca.key")
    secured.refused(where, "go together", USAGE, tls_ca=secured.ours.ca, tls_certificate=pem)


@pytest.fixture
def tunnel(secured, whole_stack):
    """The store with TLS, wanting certificates, and stunnel in front of it as the administrator's page has it. Its port."""
    store = whole_stack.redis()
    pem, key = secured.good
    for setting, value in {"tls-ca-cert-file": secured.ours.ca, "tls-cert-file": pem, "tls-key-file": key, "tls-port": 16379}.items():
        store.config_set(setting, str(value))
    client_pem, client_key = secured.client
    config = whole_stack.secret("stunnel.conf", f"""
foreground = yes
pid =
[store]
client = yes
accept = 127.0.0.1:16380
connect = 127.0.0.1:16379
CAfile = {secured.ours.ca}
verifyChain = yes
checkIP = 127.0.0.1
cert = {client_pem}
key = {client_key}
""")
    with subprocess.Popen(["stunnel", config], stderr=subprocess.DEVNULL) as process:
        yield 16380
        process.terminate()
    store.config_set("tls-port", 0)


def test_gate_and_worker_do_their_work_over_tls(secured, stack, alice, tunnel):
    """All of it: broker by amqps://, store through stunnel."""
    plain = {daemon: daemon.config.read_text() for daemon in (stack.gate, stack.worker)}
    port = secured.listen(secured.good, clients=True)
    pem, key = secured.client
    before = stack.redis().info("stats")["total_connections_received"]
    try:
        for daemon, text in plain.items():
            daemon.stop()
            text = re.sub(r"amqp://(.*)@127.0.0.1:\d+/", rf"amqps://\1@127.0.0.1:{port}/", text)
            text = re.sub(r"(store = redis://.*@127.0.0.1):\d+/", rf"\1:{tunnel}/", text)
            daemon.config.write_text(f"{text}tls_ca = {secured.ours.ca}\ntls_certificate = {pem}\ntls_key = {key}\n")
            daemon.start()
        assert key.stat().st_mode & 0o077 == 0  # root reads it, for those who are not root any more
        eventually(lambda: alice.submit("ping").returncode == 0, 30, "a ping over TLS")
        container = alice.create("--name", "web")
        assert alice.ssh(container, "id -un") == "alice"
        listed = subprocess.check_output([stack.urls["RABBITMQCTL"], "--quiet", "list_connections", "user", "ssl", "peer_cert_subject"], text=True)
        ours = [line.split("\t") for line in listed.splitlines() if line.startswith("dcm-")]
        assert {"dcm-gate", "dcm-worker"} == {user for user, *_ in ours}
        assert all(ssl == "true" and "client" in subject for _, ssl, subject in ours)
        assert stack.redis().info("stats")["total_connections_received"] > before
    finally:
        for daemon, text in plain.items():
            daemon.stop()
            daemon.config.write_text(text)
            daemon.start()
        eventually(lambda: alice.submit("ping").returncode == 0, 30, "a ping without TLS")


def test_dcm_admin_reaches_broker_and_store_over_tls(secured, stack, admin, tunnel):
    pem, key = secured.client
    store = re.sub(r"redis://(.*)@127.0.0.1:\d+/", r"rediss://\1@127.0.0.1:16379/", stack.urls["REDIS_ADMIN_URL"])
    config = admin.configure("tls-admin.conf", broker=secured.url(secured.broker, who="AMQP_ADMIN_URL"), store=store,
                             tls_ca=secured.ours.ca, tls_certificate=pem, tls_key=key)
    # redis-cli speaks TLS itself; dcm-submit does where hiredis does, and says so where not.
    assert "parked" in admin.run("parked", "list", config=config)
    listed = admin.tell("usage", config=config)
    assert listed.returncode == 0 or "stunnel" in listed.stderr, listed
    tunnelled = re.sub(r"rediss://(.*)@127.0.0.1:\d+/", rf"redis://\1@127.0.0.1:{tunnel}/", store)
    config = admin.configure("tls-admin.conf", broker=secured.url(secured.broker, who="AMQP_ADMIN_URL"), store=tunnelled,
                             tls_ca=secured.ours.ca)
    assert admin.run("user", "show", "alice", config=config)["user"]["name"] == "alice"
