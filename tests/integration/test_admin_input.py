"""Bad input to dcm-admin: one line that says what to do, the right exit status, and nothing changed."""

import os
import pathlib

import pytest

FAILED, USAGE, NOT_FOUND = 1, 2, 4
KEY = "{key}"

CASES = [
    (["frobnicate"], USAGE, "frobnicate"),
    (["user"], USAGE, "user"),
    (["user", "add"], USAGE, "NAME"),
    (["user", "add", "dora"], USAGE, "--key"),
    (["user", "add", "dora", "--key"], USAGE, "--key"),
    (["user", "add", "dora", "--frobnicate"], USAGE, "--frobnicate"),
    (["user", "add", "dora", "--key", "/nonexistent"], USAGE, "/nonexistent"),
    (["user", "add", "dora", "--key", "/etc"], USAGE, "/etc"),
    (["user", "add", "dora", "--key", "/etc/hostname"], USAGE, "public key"),
    (["user", "add", "dora", "--key", "{private}"], USAGE, "public key"),
    (["user", "add", "dora", "--key", KEY, "--group", "nosuch"], USAGE, "nosuch"),
    (["user", "add", "dora", "--key", KEY, "--uid", "0"], USAGE, "--uid"),
    (["user", "add", "dora", "--key", KEY, "--uid", "999"], USAGE, "--uid"),
    (["user", "add", "dora", "--key", KEY, "--uid", "4294967295"], USAGE, "--uid"),
    (["user", "add", "dora", "--key", KEY, "--uid", "5001"], USAGE, "alice"),
    (["user", "add", "dora", "--key", KEY, "--uid", "5000 -o"], USAGE, "--uid"),
    (["user", "add", "dora", "--key", KEY, "--yes"], USAGE, "--yes"),
    (["user", "add", "Dora", "--key", KEY], USAGE, "Dora"),
    (["user", "add", "../dora", "--key", KEY], USAGE, "../dora"),
    (["user", "add", "dora\nevil", "--key", KEY], USAGE, "cannot be a user"),
    (["user", "add", "d" * 32, "--key", KEY], USAGE, "31"),
    (["user", "add", "", "--key", KEY], USAGE, "cannot be a user"),
    (["user", "add", "dora", "evil", "--key", KEY], USAGE, "use: user add"),
    (["user", "add", "root", "--key", KEY], USAGE, "root"),
    (["user", "add", "daemon", "--key", KEY], USAGE, "daemon"),
    (["user", "remove", "nosuch"], NOT_FOUND, "nosuch"),
    (["user", "remove", "nosuch", "--yes"], NOT_FOUND, "nosuch"),
    (["user", "remove", "root", "--yes"], NOT_FOUND, "root"),
    (["user", "remove", "../..", "--yes"], USAGE, "../.."),
    (["user", "remove", "*", "--yes"], USAGE, "*"),
    (["user", "remove", "alice", "--yes", "--archive", "/nonexistent/a.tar"], USAGE, "/nonexistent"),
    (["user", "remove", "alice", "--yes", "--archive", "/etc/hostname"], USAGE, "exists"),
    (["user", "export", "alice"], USAGE, "NAME FILE"),
    (["user", "import", "/nonexistent/a.tar"], USAGE, "no such file"),
    (["user", "import", "/etc/hostname"], USAGE, "root's"),
    (["user", "suspend", "nosuch"], NOT_FOUND, "nosuch"),
    (["user", "resume", "nosuch"], NOT_FOUND, "nosuch"),
    (["user", "show", "nosuch"], NOT_FOUND, "nosuch"),
    (["user", "show", "-x"], USAGE, "-x"),
    (["user", "key", "add", "nosuch", KEY], NOT_FOUND, "nosuch"),
    (["user", "key", "add", "alice", "/nonexistent"], USAGE, "/nonexistent"),
    (["user", "key", "add", "alice"], USAGE, "use: user key add"),
    (["user", "key", "remove", "alice", KEY], NOT_FOUND, "no such key"),
    (["user", "key", "remove", "alice", "SHA256:x"], USAGE, "SHA256:x"),
    (["user", "key", "list", "nosuch"], NOT_FOUND, "nosuch"),
    (["policy", "check", "/nonexistent"], USAGE, "/nonexistent"),
    (["policy", "apply", "/nonexistent"], USAGE, "/nonexistent"),
    (["policy", "apply", "/"], USAGE, "/"),
    (["address", "add", "10.0.0.256"], USAGE, "10.0.0.256"),
    (["address", "add", "10.0.0"], USAGE, "10.0.0"),
    (["address", "add", "010.0.0.1"], USAGE, "010.0.0.1"),
    (["address", "add", "::1"], USAGE, "::1"),
    (["address", "add", "0.0.0.0"], USAGE, "0.0.0.0"),
    (["address", "add", "224.0.0.1"], USAGE, "224.0.0.1"),
    (["address", "add", "10.0.0.1 10.0.0.2"], USAGE, "10.0.0.1"),
    (["address", "retire", "10.9.9.9"], NOT_FOUND, "10.9.9.9"),
    (["container", "stop", "alice"], USAGE, "use: container stop"),
    (["container", "stop", "alice", "nosuch"], NOT_FOUND, "nosuch"),
    (["container", "stop", "nosuch", "web"], NOT_FOUND, "nosuch"),
    (["container", "stop", "../x", "web"], USAGE, "../x"),
    (["container", "stop", "alice", "../x"], USAGE, "../x"),
    (["container", "remove", "alice", "-f"], USAGE, "-f"),
    (["container", "remove", "alice", "nosuch"], NOT_FOUND, "nosuch"),
    (["ps", "alice"], USAGE, "use: ps"),
    (["doctor", "now"], USAGE, "use: doctor"),
]


def everything(stack):
    """What a command might have changed: files with what is in them, accounts, containers, the index."""
    files = {}
    for top in (stack.keys, stack.storage, stack.policy_path, stack.state / "addresses.conf",
                *map(pathlib.Path, ("/etc/passwd", "/etc/shadow", "/etc/group"))):
        for path in [top, *top.rglob("*")] if top.is_dir() else [top] if top.exists() else []:
            files[path] = path.read_bytes() if path.is_file() else None
    files["names"] = [p.name for p in stack.state.iterdir() if "policy" in p.name or "addresses" in p.name]
    return files, stack.containers(), stack.networks(), stack.leases()


@pytest.mark.parametrize("args, status, named", CASES,
                         ids=[" ".join(c[0])[:50].encode("unicode_escape").decode() for c in CASES])
def test_bad_input_is_refused_in_one_line(whole_stack, admin, args, status, named):
    before = everything(whole_stack)
    private = str(admin.key).removesuffix(".pub")
    done = admin.tell(*(arg.replace(KEY, str(admin.key)).replace("{private}", private) for arg in args), form=())
    message = done.stderr.strip("\n")
    assert done.returncode == status, done
    assert message and len(message.splitlines()) == 1 and named in message, done
    assert done.stdout == ""
    assert everything(whole_stack) == before


def test_the_last_address_is_not_retired(stack, admin):
    admin.run("address", "retire", "127.0.0.2")
    try:
        assert "only address" in admin.run("address", "retire", "127.0.0.1", status=FAILED)
    finally:
        admin.run("address", "add", "127.0.0.2")


@pytest.mark.parametrize("text, named", [
    ("frobnicate = 1\n", "frobnicate"), ("keys\n", "keys"), ("store = redis://x/0\n", "store"),
    ("store = redis://a:b@c/0;rm\n", "store"), ("patience = soon\n", "patience")])
def test_a_faulty_configuration_is_named(stack, admin, text, named):
    done = admin.tell("user", "list", config=stack.secret("faulty.conf", text))
    assert done.returncode == USAGE and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and named in done.stderr and "faulty.conf" in done.stderr


@pytest.mark.parametrize("mode, owner", [(0o644, 0), (0o620, 0), (0o600, 5001)])
def test_a_configuration_that_others_reach_is_refused(stack, admin, mode, owner):
    path = admin.configure("open.conf")
    path.chmod(mode)
    os.chown(path, owner, 0)
    assert "nobody else's" in admin.run("user", "list", config=path, status=USAGE)


def test_help_names_every_command(admin):
    done = admin.tell("--help", form=())
    assert done.returncode == 0
    for name in ("user add NAME --key FILE", "user remove NAME", "address retire ADDRESS", "doctor", "usage"):
        assert f"  {name}" in done.stdout
