"""Failed connections a minute, from whatever of the server counts them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from console.data.failures import EVERY, WINDOW, FailureWatch
from console.data.queries import OLDEST_MAJOR
from console.data.server import Server
from console.models.server import LinkState
from console.settings import Settings
from console.targets import resolve
from tests.live import SteppedClock, connected, until
from tests.postgres import Clusters, PostgresCluster, versions


@pytest.fixture(scope="module", params=versions())
def keeping_a_log(request: pytest.FixtureRequest, clusters: Clusters) -> Iterator[PostgresCluster]:
    """A server that keeps a log of its own, as most do outside of containers."""
    with clusters.make(request.param, settings={"logging_collector": "on"}) as cluster:
        yield cluster


async def log_in(cluster: PostgresCluster, kind: type[Exception], **where: str) -> None:
    """A login that the server refuses."""
    with pytest.raises(kind):
        await asyncpg.connect(cluster.url(**where))


async def figures(failures: FailureWatch, clock: SteppedClock) -> float | None:
    """The figure after a look at the server that is due by now."""
    clock.seconds += EVERY
    return await failures.per_minute()


@pytest.mark.parametrize("log_format", ["stderr", "csvlog", "jsonlog"])
async def test_refused_logins_are_counted_in_the_log(keeping_a_log: PostgresCluster, log_format: str) -> None:
    cluster = keeping_a_log
    reader = await cluster.connect()
    await reader.execute(f"ALTER SYSTEM SET log_destination = '{log_format}'")
    await reader.execute("SELECT pg_reload_conf()")

    async def log_is_there() -> bool:
        return bool(await reader.fetchval("SELECT pg_current_logfile($1) = pg_current_logfile()", log_format))

    async def lines() -> int:
        log = await reader.fetchval("SELECT pg_read_file(pg_current_logfile())")
        return int(log.count("FATAL"))

    async def logged(number: int) -> None:
        async def they_are() -> bool:
            return await lines() >= number

        await until(they_are)  # the process that writes the log may be late

    await until(log_is_there)
    await log_in(cluster, asyncpg.InvalidCatalogNameError, database="earlier")
    await logged(1)
    clock = SteppedClock()
    async with connected(cluster.url(), clock=clock) as server:
        failures = FailureWatch(server, clock)
        assert await failures.per_minute() == 0, "what the log had before may be of last year"
        before = await lines()

        await log_in(cluster, asyncpg.InvalidCatalogNameError, database="nowhere")
        await log_in(cluster, asyncpg.InvalidPasswordError, user="plain", password="wrong")
        await logged(before + 2)
        assert await figures(failures, clock) == 2

        ended = await cluster.connect("plain")
        await reader.execute("SELECT pg_terminate_backend($1)", ended.get_server_pid())
        await until(ended.is_closed)
        await log_in(cluster, asyncpg.InvalidCatalogNameError, database="nowhere")
        await logged(before + 4)
        assert await figures(failures, clock) == 3, "whom an administrator ends was not refused"

        clock.seconds += WINDOW - EVERY - 1
        assert await failures.per_minute() == 3
        clock.seconds += 1
        assert await failures.per_minute() == 1, "the first two were more than a minute ago"
    await reader.close()


async def test_the_server_is_looked_at_now_and_then(
    postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The figure is asked for with every sample."""
    clock = SteppedClock()
    asked: list[str] = []
    async with connected(postgres.url(), clock=clock) as server:
        fetch = server.fetch

        async def counted(name: str, *arguments: Any) -> Any:
            asked.append(name)
            return await fetch(name, *arguments)

        monkeypatch.setattr(server, "fetch", counted)
        failures = FailureWatch(server, clock)
        for _ in range(5):
            await failures.per_minute()
            clock.seconds += EVERY / 4
    assert asked == ["failed_sessions", "failed_sessions"]


@pytest.mark.parametrize("role", ["monitor", "plain"])
async def test_sessions_that_failed_are_counted_without_the_log(
    every_postgres: PostgresCluster, role: str
) -> None:
    clock = SteppedClock()
    async with connected(every_postgres.url(role), clock=clock) as server:
        assert server.capabilities is not None
        assert not server.capabilities.may_read_log
        failures = FailureWatch(server, clock)
        assert await failures.per_minute() == 0

        well = await every_postgres.connect()
        vanished = await every_postgres.connect()
        tired = await every_postgres.connect()
        await tired.execute("SET idle_in_transaction_session_timeout = 50; BEGIN")
        pids = [connection.get_server_pid() for connection in (well, vanished, tired)]
        await well.close()
        vanished._transport.abort()  # without the word of good-bye that terminate() sends
        await until(tired.is_closed)

        async def nobody_is_left() -> bool:
            left = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = ANY ($1::int[]))"
            return bool((await every_postgres.run(left, pids))[0][0])

        await until(nobody_is_left)
        assert await figures(failures, clock) == 2


async def test_the_oldest_servers_count_nothing_for_a_plain_role(postgres: PostgresCluster) -> None:
    """PostgreSQL 13 counts no failed sessions, and its log is not for everybody."""
    clock = SteppedClock()
    async with connected(postgres.url("plain"), clock=clock) as server:
        assert server.capabilities is not None
        server.capabilities = replace(server.capabilities, version_number=OLDEST_MAJOR * 10_000)
        failures = FailureWatch(server, clock)
        assert await failures.per_minute() is None
        assert await figures(failures, clock) is None


async def test_the_consoles_own_vain_tries_are_counted(clusters: Clusters) -> None:
    with clusters.make() as cluster:
        clock = SteppedClock()
        server = Server(resolve(cluster.url(), {}), Settings(), clock)
        failures = FailureWatch(server, clock)
        keeping = asyncio.create_task(server.keep_connected())
        try:
            await until(lambda: server.link.state is LinkState.LIVE)
            assert await failures.per_minute() == 0
            cluster.stop()
            await until(lambda: server.link.attempts == 1)
            server.try_now()
            await until(lambda: server.link.attempts == 2)
            cluster.start()
            server.try_now()
            await until(lambda: server.link.state is LinkState.LIVE)
            assert await failures.per_minute() == 2
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
            await server.close()
