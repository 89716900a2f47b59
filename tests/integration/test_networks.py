"""Servers that are far away, and networks that fall silent: how long the first data takes, and what comes back."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import asyncpg
import pytest
from sqlalchemy import text

from console.data import server as server_module
from console.data.services import services_for
from console.errors import ConnectionLost
from console.models.pools import PoolsSnapshot
from console.models.reading import Reading
from console.models.server import LinkState
from console.settings import Settings, Timeouts
from console.targets import resolve
from tests.live import until
from tests.lossy_proxy import lossy_proxy
from tests.postgres import PostgresCluster

BRISK = Settings(timeouts=Timeouts(connect=0.5, statement=0.5), refresh=0.5)


async def test_the_first_data_is_three_round_trips_behind_the_connection(postgres: PostgresCluster) -> None:
    async with lossy_proxy(postgres) as proxy:
        other = await asyncpg.connect(proxy.address)
        of_connecting = proxy.round_trips
        await other.close()
        services = services_for(resolve(proxy.address, {}), Settings())
        proxy.round_trips = 0
        asked: list[int] = []
        services.pools_feed.watch(
            lambda reading: asked.append(proxy.round_trips) if reading.snapshot else None
        )
        await services.server.connect()
        await until(lambda: len(asked) > 1)
        await services.close()
        assert asked[0] == of_connecting + 3
        assert proxy.connections == 2


async def test_a_network_that_was_silently_gone(
    postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told that the connections are dead; all of them are found out, and replaced by themselves."""
    monkeypatch.setattr(server_module, "FIRST_RETRY", 0.02)
    monkeypatch.setattr(server_module, "LAST_RETRY", 0.1)
    async with lossy_proxy(postgres) as proxy:
        services = services_for(resolve(proxy.address, {}), BRISK)
        server = services.server
        keeping = asyncio.create_task(server.keep_connected())
        shown: list[Reading[PoolsSnapshot]] = []
        services.pools_feed.watch(shown.append)
        await until(lambda: bool(shown) and shown[-1].is_live)

        async def asked_of_engine() -> int:
            async with server.engine.connection() as connection:
                return int(await connection.scalar(text("SELECT pg_backend_pid()")))

        before = await asked_of_engine()
        await services.map_line.fetch("SELECT 1")
        assert server.pool.open_connections == 3
        for connection in (server._monitor, services.map_line._connection):
            peer = connection._transport.get_extra_info("socket")  # type: ignore[union-attr]
            options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
            limits = [peer.getsockopt(socket.IPPROTO_TCP, option) for option in options]
            assert limits == [15, 5, 3, 30_000], "where nothing is asked, the system finds it out"

        proxy.stall()
        with pytest.raises(ConnectionLost, match=r"did not answer within"):
            await services.map_line.fetch("SELECT 1")
        await until(lambda: server.link.attempts >= 2)
        assert server.link.state is LinkState.LOST
        assert server.link.problem == f"127.0.0.1:{proxy.port} did not answer within 0.5 s."
        assert not shown[-1].is_live
        assert shown[-1].snapshot is not None, "the last data stays"
        proxy.flow()

        await until(lambda: server.link.state is LinkState.LIVE and shown[-1].is_live)
        assert await asked_of_engine() != before
        assert await services.map_line.fetch("SELECT 1")
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        await services.close()
