"""The store does what it is asked, and the connection breaks before it says so: nothing is assumed, all is read again.

Each answer that is lost also costs the connection: the next one has to log in and choose its database anew.
"""

import asyncio
import re

import pytest

from checker.proxy import PIECE, Proxy
from kinds import KINDS, LIGHT, check_nothing_leaked, insist, is_told
from stack import eventually

DATABASE = 3  # not the one that a connection has without being asked


class Deaf(Proxy):
    """Passes everything on but the answer to the next call of one function."""

    function = None

    async def serve(self, reader, writer):
        there, deaf = await asyncio.open_connection("127.0.0.1", self.target), asyncio.Event()
        pair = (writer.transport, there[1].transport)
        self.pairs.add(pair)
        ways = [asyncio.ensure_future(self.ask(reader, there[1], deaf)),
                asyncio.ensure_future(self.answer(there[0], writer, deaf))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        self.abort(pair)

    async def ask(self, reader, writer, deaf):
        while piece := await reader.read(PIECE):
            if self.function and f"_{self.function}\r\n".encode() in piece:
                self.function = None
                deaf.set()
            writer.write(piece)
            await writer.drain()

    async def answer(self, reader, writer, deaf):
        """The connection ends when the store has answered, that is, when it is done."""
        while piece := await reader.read(PIECE):
            if deaf.is_set():
                return
            writer.write(piece)
            await writer.drain()


def reach(stack, daemon, port):
    """Have it reach the store by this port, and use another database there. What its settings were."""
    text = daemon.config.read_text()
    daemon.stop()
    daemon.config.write_text(re.sub(r"(store = redis://.*):\d+/\d+", rf"\1:{port}/{DATABASE}", text))
    daemon.start()
    return text


@pytest.fixture(scope="module")
def deaf(whole_stack):
    stack, admin = whole_stack, whole_stack.urls["REDIS_ADMIN_URL"]
    stack.plan.drop()
    stack.empty()
    port = int(re.search(r":(\d+)/", admin)[1])
    proxy = Deaf(port)
    stack.urls["REDIS_ADMIN_URL"] = re.sub(r"/\d+$", f"/{DATABASE}", admin)
    kept = {daemon: reach(stack, daemon, at) for daemon, at in ((stack.gate, port), (stack.worker, proxy.port))}
    eventually(lambda: stack.alice.submit("ping").returncode == 0, 30, "a ping by the other database")
    yield proxy
    stack.empty()
    for daemon, text in kept.items():
        daemon.stop()
        daemon.config.write_text(text)
        daemon.start()
    stack.urls["REDIS_ADMIN_URL"] = admin
    proxy.close()
    eventually(lambda: stack.alice.submit("ping").returncode == 0, 30, "a ping by the usual database")


CASES = [(name, function) for name, kind in KINDS.items()
         for function in (["end_unclaimed"] if kind.op in LIGHT else ["claim", *kind.tells, "end"])]


@pytest.mark.parametrize("name, function", CASES)
def test_it_is_asked_again_and_done_once(deaf, stack, alice, name, function):
    kind = KINDS[name]
    args = kind.ready(alice)
    before = stack.calls(kind.once)
    deaf.function = function
    result = insist(alice, *args)
    assert deaf.function is None
    check_nothing_leaked(stack)
    kind.effect(stack, alice)
    assert is_told(result) and alice.json("status", result["request"]) == result
    assert not kind.once or stack.calls(kind.once) - before == 1
