"""Connections and databases on real servers: where connections pile up, and what the databases did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

import asyncpg
import pytest

from console.data.failures import FailureWatch
from console.data.pools import SIZES_EVERY, PoolsService, activity
from console.data.server import Server
from console.models.pools import (
    ConnectionGroup,
    DatabaseActivity,
    DatabaseCounters,
    Grouping,
    PoolsSnapshot,
    Wait,
)
from tests.crowd import Crowd
from tests.live import SteppedClock, connected, until
from tests.postgres import PostgresCluster


@asynccontextmanager
async def pools_of(
    cluster: PostgresCluster, role: str = "postgres"
) -> AsyncIterator[tuple[PoolsService, Server, SteppedClock]]:
    """The service on its own connection."""
    clock = SteppedClock()
    async with connected(cluster.url(role), clock=clock) as server:
        yield PoolsService(server, FailureWatch(server, clock), clock), server, clock


@asynccontextmanager
async def database(cluster: PostgresCluster, name: str) -> AsyncIterator[str]:
    """A database whose figures nobody else changes."""
    await cluster.run(f"CREATE DATABASE {name}")
    try:
        yield name
    finally:
        await cluster.run(f"DROP DATABASE {name} WITH (FORCE)")


def group(snapshot: PoolsSnapshot, by: Grouping, name: str) -> ConnectionGroup:
    return next(group for group in snapshot.groups[by] if group.name == name)


def of(snapshot: PoolsSnapshot, name: str) -> DatabaseActivity:
    return next(database for database in snapshot.databases if database.name == name)


@dataclass
class Answers:
    """What a server is asked, and what it answers."""

    names: list[str] = field(default_factory=list)
    times: dict[str, list[datetime]] = field(default_factory=dict)
    """The server's time of each answer that has one."""


def listen(server: Server, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """All that the server is asked from now on."""
    answers = Answers()
    fetch = server.fetch

    async def fetch_and_note(name: str, *arguments: Any) -> Any:
        answers.names.append(name)
        rows = await fetch(name, *arguments)
        if rows and "at" in dict(rows[0]):
            answers.times.setdefault(name, []).append(rows[0]["at"])
        return rows

    monkeypatch.setattr(server, "fetch", fetch_and_note)
    return answers


async def test_every_way_to_group_the_connections_adds_up(every_postgres: PostgresCluster) -> None:
    async with (
        database(every_postgres, "grouped") as name,
        Crowd(every_postgres) as crowd,
        pools_of(every_postgres) as (pools, _, _),
    ):
        await crowd.session("SET application_name = 'shop'", database=name)
        await crowd.session("SET application_name = 'shop'", role="plain", database=name)
        blocker = await crowd.session(
            "SET application_name = 'shop'", "BEGIN", "SELECT pg_advisory_xact_lock(7)"
        )
        await crowd.session("SET application_name = 'till'", "BEGIN", role="plain", database=name)
        running = await crowd.runner("SELECT pg_sleep(60)")
        await crowd.waiter("SET application_name = 'till'", "SELECT pg_advisory_lock(7)")
        snapshot = await pools.sample()

    for groups in snapshot.groups.values():
        assert sum(group.counts.total for group in groups) == snapshot.counts.total
        assert [group.counts.total for group in groups] == sorted(
            (group.counts.total for group in groups), reverse=True
        )
    assert snapshot.vitals.connections == snapshot.counts.total + 1, "the console's own is counted too"
    counts = group(snapshot, Grouping.DATABASE, name).counts
    assert (counts.idle, counts.in_transaction, counts.waiting, counts.total) == (2, 1, 0, 3)
    shop = group(snapshot, Grouping.APPLICATION, "shop")
    assert (shop.counts.idle, shop.counts.in_transaction, shop.counts.total) == (2, 1, 3)
    assert shop.waits == (Wait("ClientRead", 3),)
    assert shop.oldest is not None
    assert shop.oldest_transaction is not None
    assert shop.oldest > shop.oldest_transaction > 0
    till = group(snapshot, Grouping.APPLICATION, "till")
    assert till.waits == (Wait("advisory", 1), Wait("ClientRead", 1)), "waits for clients last"
    assert group(snapshot, Grouping.USER, "plain").counts.total >= 2
    assert group(snapshot, Grouping.CLIENT, "127.0.0.1").counts.total == snapshot.counts.total
    assert snapshot.vitals.longest_query_pid == running.pid
    blocking = snapshot.vitals.blocking
    assert blocking is not None
    assert (blocking.blockers, blocking.waiting, blocking.pid) == (1, 1, blocker.pid)
    assert blocking.longest_wait > 0
    assert (snapshot.console_pool.open_connections, snapshot.console_pool.in_use) == (1, 1)


async def test_nobody_waits_so_nobody_is_asked_about(
    postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pools_of(postgres) as (pools, server, _):
        asked = listen(server, monkeypatch)
        snapshot = await pools.sample()
    assert snapshot.vitals.blocking is None
    assert "blocking" not in asked.names


async def test_what_the_role_may_not_see_is_still_counted(every_postgres: PostgresCluster) -> None:
    async with (
        database(every_postgres, "secretive") as name,
        Crowd(every_postgres) as crowd,
        pools_of(every_postgres, "plain") as (pools, _, _),
    ):
        for _ in range(3):
            await crowd.session("SET application_name = 'hidden'", "BEGIN", database=name)
        snapshot = await pools.sample()
    hidden = group(snapshot, Grouping.DATABASE, name)
    assert (hidden.counts.other, hidden.counts.total) == (3, 3)
    assert hidden.oldest is None
    assert snapshot.vitals.connections == snapshot.counts.total + 1


async def test_rates_are_by_the_servers_time(
    every_postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The console's own clock stands still here."""
    async with database(every_postgres, "busy") as name, pools_of(every_postgres) as (pools, server, _):
        await every_postgres.run("CREATE TABLE written (n int)", database=name)
        answers = listen(server, monkeypatch)
        assert of(await pools.sample(), name).commits is None, "one sample is no rate"
        connection = await every_postgres.connect(database=name)
        for _ in range(20):
            await connection.execute("INSERT INTO written VALUES (1), (2), (3)")
        await connection.close()  # from there on its figures are everybody's
        written = 0.0

        async def all_written() -> bool:
            nonlocal written
            rate = of(await pools.sample(), name).tuples_written
            before, now = answers.times["databases"][-2:]
            assert rate is not None
            written += rate * (now - before).total_seconds()
            return written > 59.9

        await until(all_written)
    assert written == pytest.approx(60)


async def test_counters_that_were_reset_give_no_rates(every_postgres: PostgresCluster) -> None:
    async with database(every_postgres, "reset") as name, pools_of(every_postgres) as (pools, _, _):
        for _ in range(10):
            await every_postgres.run("SELECT count(*) FROM pg_class", database=name)
        await pools.sample()
        assert of(await pools.sample(), name).commits is not None
        await every_postgres.run("SELECT pg_stat_reset()", database=name)
        reset = of(await pools.sample(), name)
        assert (reset.commits, reset.rollbacks, reset.tuples_read) == (None, None, None)
        again = of(await pools.sample(), name)
        assert again.commits is not None
        assert again.commits >= 0


async def test_trouble_in_a_database_shows(every_postgres: PostgresCluster) -> None:
    async with database(every_postgres, "troubled") as name, pools_of(every_postgres) as (pools, _, _):
        before = of(await pools.sample(), name)
        assert (before.temp_files, before.deadlocks) == (0, 0)
        one, two = [await every_postgres.connect(database=name) for _ in range(2)]
        await one.execute("SET work_mem = '64kB'")
        await one.execute("SELECT count(*) FROM (SELECT n FROM generate_series(1, 50000) n ORDER BY -n) s")
        for number, connection in enumerate((one, two)):
            await connection.execute("SET deadlock_timeout = '10ms'")
            await connection.execute("BEGIN")
            await connection.execute(f"SELECT pg_advisory_xact_lock({number})")
        ends = await asyncio.gather(
            one.execute("SELECT pg_advisory_xact_lock(1)"),
            two.execute("SELECT pg_advisory_xact_lock(0)"),
            return_exceptions=True,
        )
        assert any(isinstance(end, asyncpg.DeadlockDetectedError) for end in ends)
        for connection in (one, two):
            await connection.execute("ROLLBACK")
            await connection.close()
        seen: list[DatabaseActivity] = []

        async def all_of_it() -> bool:
            seen.append(of(await pools.sample(), name))
            return seen[-1].deadlocks == 1 and any(sample.rollbacks for sample in seen)

        await until(all_of_it)
    assert seen[-1].temp_files >= 1
    assert any(sample.temp_bytes for sample in seen)
    assert all(0 <= sample.hit_ratio <= 1 for sample in seen if sample.hit_ratio is not None)
    assert any(sample.hit_ratio is not None for sample in seen)


async def test_sizes_come_with_the_second_sample_and_are_not_asked_for_each_time(
    postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pools_of(postgres) as (pools, server, clock):
        asked = listen(server, monkeypatch)
        assert of(await pools.sample(), "postgres").size is None
        size = of(await pools.sample(), "postgres").size
        assert size == (await postgres.run("SELECT pg_database_size('postgres')"))[0][0]
        clock.seconds += SIZES_EVERY - 1
        assert of(await pools.sample(), "postgres").size == size
        assert asked.names.count("database_sizes") == 1
        clock.seconds += 1
        await pools.sample()
        assert asked.names.count("database_sizes") == 2


async def test_a_database_that_the_role_may_not_enter_has_no_size(postgres: PostgresCluster) -> None:
    async with database(postgres, "shut") as name:
        await postgres.run(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
        for role, known in (("plain", False), ("monitor", True)):
            async with pools_of(postgres, role) as (pools, _, _):
                await pools.sample()
                assert (of(await pools.sample(), name).size is not None) is known


def counters(**changes: int) -> DatabaseCounters:
    figures = dict.fromkeys(
        (figure.name for figure in fields(DatabaseCounters) if figure.name not in ("name", "size")), 100
    )
    return DatabaseCounters(name="shop", size=None, **{**figures, **changes})


def test_rates_are_a_second() -> None:
    now = counters(commits=150, rollbacks=110, temp_bytes=4196, blocks_hit=190, blocks_read=110)
    did = activity(now, counters(), 2.0)
    assert (did.commits, did.rollbacks, did.tuples_read, did.temp_bytes) == (25.0, 5.0, 0.0, 2048.0)
    assert did.hit_ratio == 0.9


def test_no_reads_are_no_hit_ratio() -> None:
    assert activity(counters(), counters(), 2.0).hit_ratio is None


def test_two_samples_at_one_moment_are_no_rate() -> None:
    assert activity(counters(commits=101), counters(), 0.0).commits is None


@pytest.mark.parametrize("figure", ["rollbacks", "tuples_returned", "tuples_written", "temp_bytes"])
def test_one_counter_that_went_back_has_no_rate(figure: str) -> None:
    did = activity(counters(**{figure: 5}), counters(), 2.0)
    shown = {"tuples_returned": "tuples_read"}.get(figure, figure)
    assert getattr(did, shown) is None
    assert did.commits == 0.0


@pytest.mark.parametrize("figure", ["commits", "blocks_hit"])
def test_a_database_that_was_reset_has_no_rates_at_all(figure: str) -> None:
    did = activity(counters(**{figure: 5}), counters(), 2.0)
    assert (did.commits, did.rollbacks, did.tuples_written) == (None, None, None)
    assert did.hit_ratio is not None, "since the reset"
