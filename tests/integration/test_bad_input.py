"""Bad input: one line that says what to do, the right exit status, and nothing changed."""

import pytest

USAGE, NOT_FOUND, REFUSED = 2, 4, 3

CASES = [
    (["frobnicate"], USAGE, "frobnicate"),
    (["create", "debian-ssh", "--frobnicate"], USAGE, "--frobnicate"),
    (["create", "debian-ssh", "0"], USAGE, "0"),
    (["create", "debian-ssh", "70000"], USAGE, "70000"),
    (["create", "debian-ssh", "80:0"], USAGE, "80:0"),
    (["create", "debian-ssh", "80/sctp"], USAGE, "80/sctp"),
    (["create", "debian-ssh", "-p", "22"], USAGE, "22"),
    (["create", "i" * 300], USAGE, "image"),
    (["create", "../../etc/passwd"], USAGE, "image"),
    (["create", "debian-ssh\r\nX-Evil: 1"], USAGE, "image"),
    (["create", "debian%2fssh"], USAGE, "image"),
    (["create", "12345"], USAGE, "12345"),
    (["create", "no-such-image"], REFUSED, "no-such-image"),
    (["create", "debian-ssh", "--name", "../x"], USAGE, "name"),
    (["create", "debian-ssh", "--name", "a\r\nb"], USAGE, "name"),
    (["create", "debian-ssh", "--name", "container99"], USAGE, "container99"),
    (["create", "debian-ssh", "--name", "x" * 33], USAGE, "name"),
    (["create", "debian-ssh", "--memory", "0"], USAGE, "memory"),
    (["create", "debian-ssh", "--memory", "-1"], USAGE, "memory"),
    (["create", "debian-ssh", "--memory", "9223372036854775808"], USAGE, "memory"),
    (["create", "debian-ssh", "--memory", "1e309"], USAGE, "memory"),
    (["create", "debian-ssh", "--memory", "8g"], REFUSED, "memory"),
    (["create", "debian-ssh", "--cpus", "nan"], USAGE, "cpus"),
    (["create", "debian-ssh", "--cpus", "64"], REFUSED, "cpus"),
    (["create", "debian-ssh", "--pids", "0"], USAGE, "pids"),
    (["create", "debian-ssh", "--pids", "100000"], REFUSED, "pids"),
    (["create", "debian-ssh", "443"], REFUSED, "443"),
    (["create", "debian-ssh", "--address", "10.9.9.9"], NOT_FOUND, "10.9.9.9"),
    (["create", "debian-ssh", "--server", "elsewhere"], NOT_FOUND, "elsewhere"),
    (["stop"], USAGE, "stop"),
    (["stop", "../x"], USAGE, "../x"),
    (["stop", "a\r\nb"], USAGE, "container"),
    (["stop", "nosuch"], NOT_FOUND, "nosuch"),
    (["show", "nosuch"], NOT_FOUND, "nosuch"),
    (["remove", "-f", "2222"], NOT_FOUND, "2222"),
    (["status", "not-an-id"], USAGE, "not-an-id"),
    (["status", "01ffffff-0000-7000-8000-000000000001"], NOT_FOUND, "01ffffff"),
    (["wait", "00000000"], NOT_FOUND, "00000000"),
    (["ping", "--timeout", "soon"], USAGE, "soon"),
    (["ping", "--deadline", "-5s"], USAGE, "-5s"),
    (["ping", "--id", "12"], USAGE, "12"),
    (["ping", "--config", "/nonexistent/file"], USAGE, "/nonexistent/file"),
]


@pytest.mark.parametrize("args, status, named", CASES, ids=[" ".join(c[0])[:40].encode("unicode_escape").decode() for c in CASES])
def test_bad_input_is_refused_in_one_line(whole_stack, args, status, named):
    alice = whole_stack.alice
    before = (whole_stack.containers(), whole_stack.leases(), whole_stack.networks())
    done = alice.submit(*args)
    assert done.returncode == status, (done.stdout, done.stderr)
    message = done.stderr.strip("\n")
    assert message and len(message.splitlines()) == 1 and "\r" not in message
    assert named in message
    assert done.stdout == ""
    assert (whole_stack.containers(), whole_stack.leases(), whole_stack.networks()) == before


def test_root_is_no_user_of_dcm(whole_stack):
    import subprocess
    done = subprocess.run([whole_stack.program("dcm-submit"), "ping"], capture_output=True, text=True, check=False,
                          env={"DCM_GATE": str(whole_stack.gate_socket)})
    assert done.returncode in (2, 3) and "root" in done.stderr
