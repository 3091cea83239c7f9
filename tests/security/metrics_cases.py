"""Where Prometheus asks: anybody who is logged in to the server can, and reads nothing of anybody there."""

import contextlib
import json
import socket

from case import Case

BOUNDS = "metrics: a process that has the counters and nothing else"
LABELS = "metrics: labels of our own tables"


def page(world, request=b"GET /metrics HTTP/1.0\r\n\r\n"):
    with socket.create_connection(("127.0.0.1", world.stack.metrics_port), timeout=20) as client:
        with contextlib.suppress(OSError):  # it may have closed already
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(65536), b"")).decode()
    return ""


def scrape(world):
    assert "\ndcm_broker_up 1\n" in page(world)


def sent(request):
    """No answer but a refusal, from a process that goes on."""
    def hostile(world):
        tellers = world.stack.worker.children("metrics")
        assert " 200 " not in page(world, request)[:20]
        assert world.stack.worker.children("metrics") == tellers
    return hostile


def tells_no_words(world):
    """Of users, containers, images and publishers, whatever has become of their requests."""
    assert world.ask("container.create", image="nosuch")["state"] == "refused"
    world.publish(json.dumps(world.message("container.stop", container='x"} 1\ndcm_engine_up 0')))
    world.next_message()
    told = page(world)
    for word in ("alice", "bob", "secret", "full", "debian-ssh", "nosuch", "slurm", 'x"}', world.stack.server):
        assert word not in told, word
    assert "\ndcm_engine_up 1\n" in told


CASES = [
    Case("metrics", "a path upwards", BOUNDS, sent(b"GET /metrics/../../etc/shadow HTTP/1.0\r\n\r\n"), scrape),
    Case("metrics", "a method that changes", BOUNDS, sent(b"PUT /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"), scrape),
    Case("metrics", "a head of a megabyte", BOUNDS, sent(b"GET /metrics HTTP/1.1\r\nX: " + b"y" * (1 << 20)), scrape),
    Case("metrics", "a body of a length that overflows", BOUNDS,
         sent(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551617\r\n\r\nx"), scrape),
    Case("metrics", "no HTTP", BOUNDS, sent(b"\x16\x03\x01\xff\xff\r\n\r\n\0\0%s%n" * 100), scrape),
    Case("metrics", "names of users and containers", LABELS, tells_no_words, scrape),
]
