"""The network outside: a second network namespace, and a listener that may stand on either side."""

import contextlib
import ctypes
import os
import socket
import subprocess
import threading

from stack import eventually

HOST, OUTSIDE = "198.51.100.1", "198.51.100.2"  # RFC 5737: nobody's


class Listener:
    """Greets whoever connects, by TCP and by UDP on one port, in the namespace of its maker."""

    def __init__(self, address="0.0.0.0", port=0):
        self.tcp = socket.create_server((address, port))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, self.port))
        for serve in (self.serve_tcp, self.serve_udp):
            threading.Thread(target=serve, daemon=True).start()

    def serve_tcp(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.tcp.accept()
                with peer:
                    peer.sendall(b"greetings\n")

    def serve_udp(self):
        with contextlib.suppress(OSError):
            while True:
                _, sender = self.udp.recvfrom(100)
                self.udp.sendto(b"greetings\n", sender)

    def close(self):
        for end in (self.tcp, self.udp):
            end.close()


class Outside:
    """A network namespace beyond an interface of the host's, with a listener in it."""

    def __init__(self):
        self.keeper = subprocess.Popen(["unshare", "--net", "sleep", "600"])
        mine = os.readlink("/proc/self/ns/net")
        eventually(lambda: os.readlink(f"/proc/{self.keeper.pid}/ns/net") != mine, 5, "the namespace")
        self.ip("link", "add", "outer", "type", "veth", "peer", "name", "inner", "netns", str(self.keeper.pid))
        self.ip("address", "add", f"{HOST}/24", "dev", "outer")
        self.ip("link", "set", "outer", "up")
        for command in ("link set lo up", f"address add {OUTSIDE}/24 dev inner", "link set inner up"):
            subprocess.run([*self.enter(), "ip", *command.split()], check=True)
        self.listener = self.listen()

    @staticmethod
    def ip(*words):
        subprocess.run(["ip", *words], check=True)

    def enter(self):
        return ["nsenter", "--target", str(self.keeper.pid), "--net"]

    def listen(self):
        """Sockets belong to the namespace they were made in: setns(2), make them, and go back."""
        with open("/proc/self/ns/net", encoding="ascii") as here, \
                open(f"/proc/{self.keeper.pid}/ns/net", encoding="ascii") as there:
            made = []

            def make():
                setns(there.fileno())
                made.append(Listener(OUTSIDE))
                setns(here.fileno())

            thread = threading.Thread(target=make)
            thread.start()
            thread.join()
            return made[0]

    def greeted(self, address, port):
        """What somebody outside is told there; "" where nobody answers."""
        return subprocess.run([*self.enter(), "bash", "-c", read_tcp(address, port)],
                              capture_output=True, text=True, check=False).stdout

    def close(self):
        """The namespace itself lives for as long as a thread waits in it."""
        self.ip("link", "delete", "outer")
        self.listener.close()
        self.keeper.kill()
        self.keeper.wait()


def setns(descriptor):
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.setns(descriptor, 0) == 0, os.strerror(ctypes.get_errno())


def read_tcp(address, port):
    return f"exec 3<>/dev/tcp/{address}/{port} && timeout 3 head -n 1 <&3"
