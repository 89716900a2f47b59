"""A way to a server on which answers get lost, late or stuck: what a network does at the worst moment."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager, suppress

from tests.postgres import PostgresCluster


class LossyProxy:
    """Passes everything on, until a client sends what must not be answered.

    That reaches the server, which does it and answers; the answer is kept, and the connection ends.
    """

    def __init__(self, cluster: PostgresCluster) -> None:
        self._cluster = cluster
        self._loop = asyncio.get_running_loop()
        self._fatal: bytes | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.port = 0
        self.delay = 0.0
        """Seconds that everything is on its way, in either direction."""
        self.connections = 0
        """How many were opened."""
        self.round_trips = 0
        """How often a client has begun to speak: at first, and after the server has."""
        self._serving: set[asyncio.Task[None]] = set()
        self._ways: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """The way through it to the cluster, as the superuser; without the question whether there is TLS."""
        return self._cluster.url().replace(f":{self._cluster.port}/", f":{self.port}/") + "?sslmode=disable"

    def lose_the_answer_to(self, sent: bytes | None) -> None:
        """From now on whoever sends this gets no answer."""
        self._fatal = sent

    def stall(self) -> None:
        """From now on nothing arrives anywhere, and nobody is told."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def flow(self) -> None:
        """What was sent meanwhile arrives, and all that follows."""
        self._loop.call_soon_threadsafe(self._flowing.set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None, "a server serves in tasks"
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        from_server, to_server = await asyncio.open_connection(self._cluster.host, self._cluster.port)
        lost = asyncio.Event()
        is_clients_turn = True

        def up(data: bytes) -> bool:
            nonlocal is_clients_turn
            self.round_trips += is_clients_turn
            is_clients_turn = False
            if self._fatal is not None and self._fatal in data:
                lost.set()
            return True

        def down(_data: bytes) -> bool:
            nonlocal is_clients_turn
            is_clients_turn = True
            return not lost.is_set()

        ways = {
            asyncio.create_task(self._carry(reader, to_server, up)),
            asyncio.create_task(self._carry(from_server, writer, down)),
        }
        self._ways |= ways
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        self._ways -= ways
        for end in (writer, to_server):
            end.close()
            with suppress(ConnectionError):
                await end.wait_closed()

    async def end(self) -> None:
        """Ends every connection."""
        for way in self._ways:
            way.cancel()
        await asyncio.gather(*self._serving)

    async def _carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, may_pass: Callable[[bytes], bool]
    ) -> None:
        loop = asyncio.get_running_loop()
        while data := await source.read(65536):
            await self._flowing.wait()
            if not may_pass(data):
                return
            if self.delay:
                loop.call_later(self.delay, sink.write, data)
            else:
                sink.write(data)
        await asyncio.sleep(self.delay)  # the end arrives after what came before it


@asynccontextmanager
async def lossy_proxy(cluster: PostgresCluster) -> AsyncIterator[LossyProxy]:
    """A proxy before a cluster, on a free port of 127.0.0.1."""
    proxy = LossyProxy(cluster)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.end()


@contextmanager
def lossy_proxy_aside(cluster: PostgresCluster) -> Iterator[LossyProxy]:
    """The same in a thread of its own, for a test that does not run in a loop."""
    begun: Future[LossyProxy] = Future()
    over = Future[None]()

    async def run() -> None:
        async with lossy_proxy(cluster) as proxy:
            begun.set_result(proxy)
            await asyncio.wrap_future(over)

    thread = threading.Thread(target=asyncio.run, args=[run()], name="lossy proxy")
    thread.start()
    try:
        yield begun.result(10)
    finally:
        over.set_result(None)
        thread.join()
