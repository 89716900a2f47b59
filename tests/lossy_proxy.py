"""A way to a server on which answers get lost: what a network does at the worst moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.postgres import PostgresCluster


class LossyProxy:
    """Passes everything on, until a client sends what must not be answered.

    That reaches the server, which does it and answers; the answer is kept, and the connection ends.
    """

    def __init__(self, cluster: PostgresCluster) -> None:
        self._cluster = cluster
        self._fatal: bytes | None = None
        self.port = 0

    def lose_the_answer_to(self, sent: bytes | None) -> None:
        """From now on whoever sends this gets no answer."""
        self._fatal = sent

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        from_server, to_server = await asyncio.open_connection(self._cluster.host, self._cluster.port)
        lost = asyncio.Event()

        async def up() -> None:
            while data := await reader.read(65536):
                if self._fatal is not None and self._fatal in data:
                    lost.set()
                to_server.write(data)
                await to_server.drain()

        async def down() -> None:
            while data := await from_server.read(65536):
                if lost.is_set():
                    return
                writer.write(data)
                await writer.drain()

        ways = [asyncio.create_task(up()), asyncio.create_task(down())]
        with suppress(ConnectionError):
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for end in (writer, to_server):
            end.close()
            with suppress(ConnectionError):
                await end.wait_closed()


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
