"""The console's second pool: made at need, never above its limit, and its nine figures true."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import base as sqlalchemy_pool

from console.data.engine import Engine
from console.data.server import Server
from console.errors import (
    ConnectionLost,
    DatabaseNotFound,
    DbconsoleError,
    ObjectMissing,
    OperationRefused,
    QueryFailed,
    QueryTimedOut,
)
from console.settings import Pool, Settings, Timeouts
from console.targets import resolve
from tests.live import SteppedClock, connected, until
from tests.postgres import PostgresCluster

WATCH = """
import asyncio, sys
from console.data.services import services_for
from console.settings import Settings
from console.targets import resolve

async def watch():
    services = services_for(resolve(sys.argv[1], {}), Settings())
    await services.server.connect()
    await services.pools.sample()
    await services.activity.sample()
    assert "sqlalchemy" not in sys.modules
    async with services.server.engine.connection():
        assert "sqlalchemy" in sys.modules
    await services.close()

asyncio.run(watch())
"""


@asynccontextmanager
async def engine(
    cluster: PostgresCluster, clock: SteppedClock | None = None, **pool: Any
) -> AsyncIterator[Engine]:
    """The engine of a server whose monitor connection is not made."""
    server = Server(resolve(cluster.url(), {}), Settings(pool=Pool(**pool)), clock or SteppedClock())
    try:
        yield server.engine
    finally:
        await server.close()


async def held(cluster: PostgresCluster) -> int:
    """How many connections of the console the server sees."""
    rows = await cluster.run("SELECT pid FROM pg_stat_activity WHERE application_name = 'dbconsole'")
    return len(rows)


async def one(connection: AsyncConnection) -> None:
    """Uses a connection."""
    assert await connection.scalar(text("SELECT 1")) == 1
    await connection.rollback()


def test_watching_imports_no_sqlalchemy(postgres: PostgresCluster) -> None:
    done = subprocess.run([sys.executable, "-c", WATCH, postgres.url()], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr.decode()) == (0, "")


async def test_nothing_is_open_before_the_first_use_nor_after_the_end(postgres: PostgresCluster) -> None:
    async with engine(postgres) as pool:
        assert not pool.is_made
        assert pool.pool.open_connections == 0
        async with pool.connection() as connection:
            await one(connection)
            figures = pool.pool
            assert (figures.open_connections, figures.in_use, figures.idle) == (1, 1, 0)
        figures = pool.pool
        assert (figures.open_connections, figures.in_use, figures.idle) == (1, 0, 1)
        assert await held(postgres) == 1

    async def let_go() -> bool:
        return await held(postgres) == 0

    await until(let_go)
    assert pool.pool.open_connections == 0


async def test_an_engine_may_write_and_has_the_consoles_limits(postgres: PostgresCluster) -> None:
    async with engine(postgres) as pool, pool.connection() as connection:
        for setting, value in (
            ("application_name", "dbconsole"),
            ("statement_timeout", "5s"),
            ("lock_timeout", "500ms"),
            ("transaction_read_only", "off"),
        ):
            assert await connection.scalar(text(f"SHOW {setting}")) == value


async def test_under_read_only_it_may_not_write(postgres: PostgresCluster) -> None:
    server = Server(resolve(postgres.url(), {}), Settings(read_only=True))
    try:
        async with server.engine.connection() as connection:
            read_only = await connection.scalar(text("SHOW default_transaction_read_only"))
        assert read_only == "on"
    finally:
        await server.close()


async def test_who_waits_for_a_connection_gets_one_to_where_the_console_has_moved(
    postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(resolve(postgres.url(), {}), Settings(pool=Pool(max_open=2)))
    await server.connect()
    making, may_go_on = threading.Event(), threading.Event()
    make = server.engine._make

    def slowly() -> Any:
        made = make()
        making.set()
        may_go_on.wait(20)
        return made

    async def database() -> Any:
        async with server.engine.connection() as connection:
            return await connection.scalar(text("SELECT current_database()"))

    try:
        async with server.visit():  # there is no room for another connection meanwhile
            asking = asyncio.create_task(database())
            await until(lambda: server.engine.is_made)
            await server.engine.move(replace(server.target, database="template1"))
        assert await asking == "template1"

        # Also where it was being made.
        await server.engine.move(replace(server.target, database="template1"))
        monkeypatch.setattr(server.engine, "_make", slowly)
        asking = asyncio.create_task(database())
        await until(making.is_set)
        moving = asyncio.create_task(server.engine.move(server.target))
        may_go_on.set()
        await moving
        assert await asking == await database() == "postgres"
    finally:
        await server.close()


async def test_a_third_task_waits_and_its_wait_is_counted(postgres: PostgresCluster) -> None:
    async with engine(postgres, max_open=3) as pool:
        have_it: asyncio.Queue[None] = asyncio.Queue()
        release = asyncio.Event()

        async def work() -> None:
            async with pool.connection() as connection:
                await one(connection)
                have_it.put_nowait(None)
                await release.wait()

        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            tasks.create_task(work())
            tasks.create_task(work())
            await have_it.get()
            await have_it.get()
            assert (pool.pool.in_use, pool.pool.wait_count) == (2, 0)
            third = asyncio.create_task(work())
            # A statement of our own, so that time has passed while it waits.
            await postgres.run("SELECT pg_sleep(0.1)")
            assert await held(postgres) == 2, "the limit is three with the monitor"
            assert (pool.pool.open_connections, pool.pool.in_use) == (2, 2)
            release.set()
            await third
        assert pool.pool.wait_count == 1
        assert 0.1 <= pool.pool.wait_duration < 10


async def test_beside_a_visit_the_engine_takes_one_less(postgres: PostgresCluster) -> None:
    async with connected(postgres.url()) as server, asyncio.timeout(20), AsyncExitStack() as visiting:
        await visiting.enter_async_context(server.visit())

        async def work() -> None:
            async with server.engine.connection() as second:
                await one(second)

        async with server.engine.connection() as first:
            await one(first)
            waiting = asyncio.create_task(work())
            # A statement of our own, so that time has passed while it waits.
            await postgres.run("SELECT pg_sleep(0.1)")
            assert (await held(postgres), server.pool.open_connections) == (3, 3)
            assert not waiting.done(), "it would be the fourth"
            await visiting.aclose()
            await waiting
            assert server.pool.open_connections == 3
        assert (server.pool.wait_count, server.pool.idle) == (1, 2)
        async with server.visit():
            assert await held(postgres) == server.pool.open_connections <= 3, "what is idle goes for a visit"


async def test_no_connection_is_left_beside_the_monitor(postgres: PostgresCluster) -> None:
    async with engine(postgres, max_open=1) as pool:
        with pytest.raises(OperationRefused, match=r"set pool\.max_open to 2 or 3"):
            async with pool.connection():
                pass
        assert not pool.is_made


async def test_the_monitor_is_part_of_the_figures(postgres: PostgresCluster) -> None:
    async with connected(postgres.url()) as server:
        figures = server.pool
        assert (figures.max_open_connections, figures.open_connections, figures.in_use) == (3, 1, 1)
        async with server.engine.connection() as connection:
            await one(connection)
            assert server.pool.in_use == 2
        figures = server.pool
        assert (figures.open_connections, figures.in_use, figures.idle) == (2, 1, 1)
        assert server.cost.connections == await held(postgres) == 2


async def test_a_spare_connection_is_closed_and_counted(postgres: PostgresCluster) -> None:
    async with engine(postgres, max_idle=1) as pool:
        async with pool.connection() as first, pool.connection() as second:
            await one(first)
            await one(second)
            assert pool.pool.open_connections == 2
        figures = pool.pool
        assert (figures.open_connections, figures.idle, figures.max_idle_closed) == (1, 1, 1)
        assert (figures.max_idle_time_closed, figures.max_lifetime_closed) == (0, 0)


async def test_idle_connections_are_closed_after_their_time(postgres: PostgresCluster) -> None:
    clock = SteppedClock()
    async with engine(postgres, clock, max_idle_time=60, max_lifetime=100) as pool:
        async with pool.connection() as connection:
            await one(connection)
            clock.seconds = 70
            await pool.close_idle()
            assert pool.pool.open_connections == 1, "it is in use, however long"
        clock.seconds = 129
        await pool.close_idle()
        assert pool.pool.idle == 1
        clock.seconds = 131
        await pool.close_idle()
        figures = pool.pool
        # It is also older than its lifetime by now: one connection, closed for one reason.
        assert (figures.max_idle_time_closed, figures.max_lifetime_closed, figures.max_idle_closed) == (
            1,
            0,
            0,
        )
        assert figures.open_connections == 0
        # What is opened afterwards is counted as before.
        async with pool.connection() as connection:
            await one(connection)
        clock.seconds = 300
        await pool.close_idle()
        assert pool.pool.max_idle_time_closed == 2


async def test_idle_for_ever_and_old_for_ever(postgres: PostgresCluster) -> None:
    clock = SteppedClock()
    async with engine(postgres, clock, max_idle_time=0, max_lifetime=0) as pool:
        async with pool.connection() as connection:
            await one(connection)
        clock.seconds = 1e9
        await pool.close_idle()
        async with pool.connection() as connection:
            await one(connection)
        figures = pool.pool
        assert (figures.open_connections, figures.max_idle_time_closed, figures.max_lifetime_closed) == (
            1,
            0,
            0,
        )


async def test_an_old_connection_is_replaced_at_its_next_use(
    postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SteppedClock()
    # SQLAlchemy tells a connection's age by the wall clock: it is to go with ours.
    monkeypatch.setattr(sqlalchemy_pool, "time", SimpleNamespace(time=lambda: clock.now().timestamp()))
    async with engine(postgres, clock, max_lifetime=600) as pool:

        async def backend() -> Any:
            async with pool.connection() as connection:
                return await connection.scalar(text("SELECT pg_backend_pid()"))

        first = await backend()
        clock.seconds = 599
        assert await backend() == first
        clock.seconds = 602
        assert await backend() != first
        figures = pool.pool
        assert (figures.open_connections, figures.max_lifetime_closed) == (1, 1)
        assert (figures.max_idle_closed, figures.max_idle_time_closed) == (0, 0)


async def test_a_connection_that_broke_is_replaced_and_counted_under_none(postgres: PostgresCluster) -> None:
    async with engine(postgres) as pool:
        async with pool.connection() as connection:
            first = await connection.scalar(text("SELECT pg_backend_pid()"))
        await postgres.run("SELECT pg_terminate_backend($1)", first)
        async with pool.connection() as connection:
            assert await connection.scalar(text("SELECT pg_backend_pid()")) != first
        figures = pool.pool
        assert figures.open_connections == 1
        assert (figures.max_idle_closed, figures.max_idle_time_closed, figures.max_lifetime_closed) == (
            0,
            0,
            0,
        )


@pytest.mark.parametrize(
    ("statement", "kind", "words"),
    [
        ("SELECT * FROM nowhere", ObjectMissing, 'relation "nowhere" does not exist'),
        ("SELECT 1/0", QueryFailed, "division by zero"),
        ("SELECT pg_sleep(20)", QueryTimedOut, "did not answer in time"),
        ("SELECT pg_terminate_backend(pg_backend_pid())", ConnectionLost, "terminating connection"),
    ],
)
async def test_what_goes_wrong_is_said_in_the_consoles_own_errors(
    postgres: PostgresCluster, statement: str, kind: type[DbconsoleError], words: str
) -> None:
    server = Server(resolve(postgres.url(), {}), Settings(timeouts=Timeouts(statement=0.2)))
    try:
        with pytest.raises(kind, match=words) as caught:
            async with server.engine.connection() as connection:
                await connection.execute(text(statement))
        assert "sqlalche.me" not in caught.value.sentence
        async with server.engine.connection() as connection:
            await one(connection)
    finally:
        await server.close()


async def test_an_engine_that_cannot_connect_says_why(postgres: PostgresCluster) -> None:
    async with engine(postgres) as pool:
        server = Server(resolve(postgres.url(database="no_such_database"), {}), Settings())
        with pytest.raises(DatabaseNotFound):
            async with server.engine.connection():
                pass
        await server.close()
        async with pool.connection() as connection:
            await one(connection)


async def test_a_callers_own_errors_stay_its_own(postgres: PostgresCluster, tmp_path: Path) -> None:
    async with engine(postgres) as pool:
        with pytest.raises(FileNotFoundError):
            async with pool.connection():
                (tmp_path / "missing").read_text()
        assert pool.pool.in_use == 0


async def test_closing_leaves_no_task(postgres: PostgresCluster) -> None:
    before = asyncio.all_tasks()
    async with engine(postgres) as pool, pool.connection() as connection:
        await one(connection)
    assert asyncio.all_tasks() <= before
