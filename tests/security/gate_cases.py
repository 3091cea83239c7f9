"""Over the gate's socket, past our own programs: a packet as alice, and what comes back."""

import json
import os
import subprocess

from case import Case
from messages import new_id

KERNEL = "gate: identity from the kernel"
SHAPE = "gate: decodes packets by their schema"
OWN = "gate: reads its caller's keys alone"
BOUNDS = "gate: bounds of packets"

CLIENT = """
import socket, sys
end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
end.settimeout(8)
end.connect(sys.argv[1])
try:
    try:
        end.send(sys.stdin.buffer.read())
    except BrokenPipeError:
        pass  # it may have its answer ready, and need no question
    while True:
        try:
            packet = end.recv(1 << 17)
        except ConnectionResetError:
            packet = end.recv(1 << 17)  # unix(7): that our question was not read is told before the answer
        print(packet.decode())
        if not packet or any(word in packet[:40] for word in (b'"end"', b'"error"', b'"result"', b'"confirmed"', b'"outcomes"')):
            break
except OSError as error:
    print('{"closed":"%s"}' % error)
"""


def packets(world, data, uid=None):
    """The answers to one packet, as this uid (alice's)."""
    uid = world.alice.uid if uid is None else uid
    run = subprocess.run(["/usr/bin/python3", "-c", CLIENT, str(world.stack.gate_socket)], input=data, user=uid, group=uid,
                         extra_groups=[], capture_output=True, timeout=30, check=True)
    return [json.loads(line) for line in run.stdout.decode().splitlines() if line]


def ask(**fields):
    return json.dumps({"v": 1, **fields}).encode()


def submit(request):
    return ask(ask="submit", request=request, timeout_ms=5000)


def greeting(world):
    assert packets(world, submit(world.message())) == [{"confirmed": True}]


def own_record(world):
    message = world.message()
    world.line(world.send(message)["request"])
    assert packets(world, ask(ask="record", id=message["id"]))[0]["result"]["state"] == "done"


def own_list(world):
    found = packets(world, ask(ask="list", what="containers"))
    assert [item["item"]["container"]["name"] for item in found[:-1]] == ["full"]


def in_anothers_name(world):
    message = world.message(user="bob")
    assert packets(world, submit(message)) == [{"confirmed": True}]
    line = world.line(message["id"])
    assert (line["user"], line["publisher"]) == ("alice", "dcm-gate")


def refused(code, data):
    def hostile(world):
        before = world.children(world.stack.gate)
        answer = packets(world, data)[-1:]
        assert answer == [] or "closed" in answer[0] or answer[0]["error"]["code"] == code, answer
        assert code == "" or answer, "no answer"
        assert world.children(world.stack.gate) == before
    return hostile


def anothers(kind):
    """bob's request, by its whole id, is not there for alice."""
    def hostile(world):
        identifier = world.bob.json("ping")["request"]
        extra = {"after": "0-0", "wait_ms": 0} if kind == "events" else {}
        found = packets(world, ask(ask=kind, id=identifier, **extra))
        assert not any("item" in packet or "result" in packet for packet in found), found
    return hostile


def as_account(uid):
    def hostile(world):
        answer = packets(world, submit(world.message()), uid)
        assert "error" in answer[0], answer
    return hostile


def hands_over_descriptors(world):
    """As many as a packet can carry, many times: none stays open."""
    def open_files():
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in gate_pids(world))
    script = """
import array, os, socket, sys
for _ in range(20):
    end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    end.connect(sys.argv[1])
    files = array.array("i", [os.open("/dev/null", os.O_RDONLY) for _ in range(200)])
    end.sendmsg([b'{"v":1,"ask":"list","what":"containers"}'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
    for file in files: os.close(file)
    end.recv(65536)
"""
    greeting(world)
    before, pids = open_files(), gate_pids(world)
    subprocess.run(["/usr/bin/python3", "-c", script, str(world.stack.gate_socket)], user=world.alice.uid,
                   group=world.alice.uid, extra_groups=[], check=True, timeout=60)
    assert gate_pids(world) == pids and open_files() <= before + 10


def gate_pids(world):
    return subprocess.run(["ps", "--ppid", str(world.stack.gate.process.pid), "-o", "pid="], capture_output=True, text=True,
                          check=True).stdout.split()


def floods(world):
    """Two hundred connections that stall: others are served."""
    script = """
import socket, sys, time
held = []
for _ in range(200):
    end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    end.settimeout(1)
    try:
        end.connect(sys.argv[1])
        end.send(b"[" * 60000)
    except OSError:
        pass
    held.append(end)
print("held", flush=True)
time.sleep(30)
"""
    with subprocess.Popen(["/usr/bin/python3", "-c", script, str(world.stack.gate_socket)], user=world.alice.uid,
                          group=world.alice.uid, extra_groups=[], stdout=subprocess.PIPE) as flooder:
        try:
            flooder.stdout.readline()
            world.works()
        finally:
            flooder.kill()


def stalls(world):
    """Connected, and says nothing."""
    script = "import socket,sys,time\nend=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET)\n" \
             "end.connect(sys.argv[1])\nprint('in',flush=True)\ntime.sleep(30)"
    with subprocess.Popen(["/usr/bin/python3", "-c", script, str(world.stack.gate_socket)], user=world.alice.uid,
                          group=world.alice.uid, extra_groups=[], stdout=subprocess.PIPE) as staller:
        try:
            staller.stdout.readline()
            world.works()
            greeting(world)
        finally:
            staller.kill()


CASES = [Case("gate", *row) for row in [
    ("asks in another's name", KERNEL, in_anothers_name, greeting),
    ("is a system account", KERNEL, as_account(1), greeting),
    ("is root", KERNEL, as_account(0), greeting),
    ("is an account that nobody knows", KERNEL, as_account(5999), greeting),
    ("another's record, by its id", OWN, anothers("record"), own_record),
    ("another's events, by their id", OWN, anothers("events"), own_record),
    ("a list with a user in it", SHAPE, refused("invalid", ask(ask="list", what="containers", user="bob")), own_list),
    ("a list that is a key", SHAPE, refused("invalid", ask(ask="list", what="bob:containers")), own_list),
    ("an id that is a pattern", SHAPE, refused("invalid", ask(ask="record", id="*")), own_record),
    ("an id that is a path of keys", SHAPE, refused("invalid", ask(ask="record", id=f"{new_id()}:x")), own_record),
    ("a cursor that is none", SHAPE, refused("invalid", ask(ask="events", id=new_id(), after="$", wait_ms=0)), own_record),
    ("an ask that there is not", SHAPE, refused("invalid", ask(ask="publish")), greeting),
    ("257 requests in one", BOUNDS, refused("invalid", ask(ask="enqueue", requests=[{}] * 257, timeout_ms=1)), greeting),
    ("a packet of 70000 bytes", BOUNDS, refused("invalid", b"[" * 70000), greeting),
    ("an empty packet", BOUNDS, refused("", b""), greeting),
    ("lists nested 30000 deep", SHAPE, refused("invalid", b"[" * 30000), greeting),
    ("bytes that are no JSON", SHAPE, refused("invalid", bytes(range(256))), greeting),
    ("a key twice", SHAPE, refused("invalid", b'{"v":1,"ask":"list","ask":"list","what":"images"}'), greeting),
    ("descriptors with each packet", "gate: takes no descriptors", hands_over_descriptors, greeting),
    ("two hundred connections that stall", "gate: connections of a uid", floods, greeting),
    ("a client that says nothing", "gate: time of a connection", stalls, greeting),
]]
