"""A proxy between the programs and broker or store, which can hold connections up, cut them, or swallow what passes."""

import asyncio
import threading

PIECE = 65536


class Proxy:
    """Listens on a port of its own on loopback, in a thread of its own."""

    def __init__(self, target):
        self.target, self.port = target, None
        self.delay, self.swallows, self.refuses = 0.0, False, False
        self.pairs = set()
        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(started,), daemon=True)
        self.thread.start()
        started.wait()

    def run(self, started):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self.loop.run_forever()
        server.close()
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self.loop.close()

    def in_loop(self, function, *args):
        """Run it where the connections are, and wait for it."""
        async def call():
            return function(*args)
        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(10)

    async def serve(self, reader, writer):
        if self.refuses:
            writer.transport.abort()
            return
        try:
            there = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer.transport, there[1].transport)
        self.pairs.add(pair)
        ways = [asyncio.ensure_future(self.pass_on(reader, there[1])),
                asyncio.ensure_future(self.pass_on(there[0], writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        self.abort(pair)

    async def pass_on(self, reader, writer):
        """Until either side ends. What was swallowed is gone for good, so its connection is too."""
        swallowed = False
        try:
            while True:
                piece = await reader.read(PIECE)
                if not piece:
                    return
                if self.delay:
                    await asyncio.sleep(self.delay)
                swallowed = swallowed or self.swallows
                if not swallowed:
                    writer.write(piece)
                    await writer.drain()
        except OSError:
            return

    def abort(self, pair):
        for transport in pair:
            transport.abort()
        self.pairs.discard(pair)

    def abort_all(self):
        for pair in list(self.pairs):
            self.abort(pair)

    # What a test does to whoever is connected.

    def cut(self):
        """Every connection ends at once, with what was on its way."""
        self.in_loop(self.abort_all)

    def hold_up(self, seconds):
        """Each piece takes so long, in either direction."""
        self.delay = seconds

    def swallow(self):
        """Connections stand, new ones too, but nothing comes through."""
        self.swallows = True

    def refuse(self):
        """None stands, and none can be made."""
        self.refuses = True
        self.cut()

    def heal(self):
        """What swallowed was ends now; TCP would have told its ends sooner or later."""
        swallowed = self.swallows
        self.delay, self.swallows, self.refuses = 0.0, False, False
        if swallowed:
            self.cut()

    def close(self):
        self.cut()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
