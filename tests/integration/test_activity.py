"""Sessions on real servers: what they do, and who is in whose way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from console.data.activity import QUERY_BEGINNING, ActivityService
from console.data.queries import OLDEST_MAJOR
from console.errors import OperationRefused
from console.models.activity import ActivitySnapshot, SessionState
from tests.crowd import Crowd, activity_of, shown
from tests.live import until
from tests.postgres import Clusters, PostgresCluster


@pytest.fixture(scope="module")
def roomy(clusters: Clusters) -> Iterator[PostgresCluster]:
    """A server that keeps long queries' texts, and on which a transaction can be prepared."""
    settings = {"max_prepared_transactions": 5, "track_activity_query_size": 8192}
    with clusters.make(settings=settings) as cluster:
        yield cluster


async def test_what_sessions_do(every_postgres: PostgresCluster, tmp_path: Path) -> None:
    async with Crowd(every_postgres) as crowd, activity_of(every_postgres, tmp_path) as (activity, _):
        in_transaction = await crowd.session("BEGIN", "SELECT 'the last thing'")
        aborted = await crowd.session("BEGIN")
        with pytest.raises(asyncpg.DivisionByZeroError):
            await aborted.connection.execute("SELECT 1/0")
        running = await crowd.runner("SELECT pg_sleep(60)")
        snapshot = await activity.sample()

    session = shown(snapshot, in_transaction)
    assert (session.state, session.in_transaction) == (SessionState.IDLE_IN_TRANSACTION, True)
    assert (session.query, session.wait) == ("SELECT 'the last thing'", "Client:ClientRead")
    assert (session.user, session.database, session.client) == ("postgres", "postgres", "127.0.0.1")
    assert session.connection_age is not None
    assert session.transaction_age is not None
    assert session.query_age is not None
    assert session.connection_age > session.transaction_age > session.query_age > 0

    assert shown(snapshot, aborted).state is SessionState.IDLE_IN_ABORTED_TRANSACTION

    session = shown(snapshot, running)
    assert (session.state, session.is_running, session.wait) == (
        SessionState.ACTIVE,
        True,
        "Timeout:PgSleep",
    )
    assert not session.is_waiting, "it waits for nobody"
    assert snapshot.vitals.longest_query_pid == running.pid
    assert snapshot.vitals.longest_query == session.query_age
    assert any(s.backend_type == "checkpointer" and not s.is_client for s in snapshot.sessions)


async def test_the_consoles_own_session_is_counted_but_not_shown(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    counted = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    async with activity_of(postgres, tmp_path) as (activity, server):
        activity.with_idle = True
        other = await postgres.connect()

        async def counts_agree() -> bool:  # sessions of other tests may still be ending
            snapshot = await activity.sample()
            assert server.capabilities is not None
            assert server.capabilities.backend_pid not in {s.pid for s in snapshot.sessions}
            return bool(snapshot.vitals.connections == await other.fetchval(counted))

        await until(counts_agree)
        await other.close()


async def both_ways(activity: ActivityService) -> tuple[ActivitySnapshot, ActivitySnapshot]:
    """Samples without and with idle clients, at a moment when they count the same.

    Sessions of earlier tests may end in between.
    """
    samples: list[ActivitySnapshot] = []

    async def counts_agree() -> bool:
        samples.clear()
        for activity.with_idle in (False, True):
            samples.append(await activity.sample())
        few, everybody = samples
        return (few.counts, few.vitals.connections) == (everybody.counts, everybody.vitals.connections)

    await until(counts_agree)
    return samples[0], samples[1]


async def test_idle_sessions_are_only_counted_unless_asked_for(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    async with Crowd(postgres) as crowd, activity_of(postgres, tmp_path) as (activity, _):
        idle = {(await crowd.session()).pid for _ in range(3)}
        few, everybody = await both_ways(activity)
    assert not idle & {session.pid for session in few.sessions}
    assert idle <= {session.pid for session in everybody.sessions}
    assert few.counts.idle >= 3


@pytest.mark.parametrize("asked_as_oldest", [False, True])
async def test_an_idle_session_that_somebody_waits_for_is_shown(
    postgres: PostgresCluster, tmp_path: Path, asked_as_oldest: bool
) -> None:
    async with Crowd(postgres) as crowd, activity_of(postgres, tmp_path) as (activity, server):
        if asked_as_oldest:
            assert server.capabilities is not None
            server.capabilities = replace(server.capabilities, version_number=OLDEST_MAJOR * 10_000)
        holder = await crowd.session("SELECT pg_advisory_lock(815)")
        waiter = await crowd.waiter("SELECT pg_advisory_lock(815)")
        snapshot, _ = await both_ways(activity)

    session = shown(snapshot, holder)
    assert (session.state, session.blocks) == (SessionState.IDLE, 1)
    assert shown(snapshot, waiter).wait == "Lock:advisory"
    assert snapshot.blocking[0].session == session


@pytest.mark.parametrize("asked_as_oldest", [False, True])
async def test_who_waits_for_whom(
    every_postgres: PostgresCluster, tmp_path: Path, asked_as_oldest: bool
) -> None:
    async with Crowd(every_postgres) as crowd, activity_of(every_postgres, tmp_path) as (activity, server):
        if asked_as_oldest:
            assert server.capabilities is not None
            server.capabilities = replace(server.capabilities, version_number=OLDEST_MAJOR * 10_000)
        blocker = await crowd.session("BEGIN", "SELECT pg_advisory_xact_lock(1)")
        first = await crowd.waiter(
            "BEGIN", "SELECT pg_advisory_xact_lock(2)", "SELECT pg_advisory_lock_shared(1)"
        )
        others = [await crowd.waiter("SELECT pg_advisory_lock_shared(1)") for _ in range(2)]
        behind = await crowd.waiter("SELECT pg_advisory_lock(2)")
        snapshot = await activity.sample()

    (root,) = snapshot.blocking
    assert (root.pid, root.wait_age, root.waiting) == (blocker.pid, None, 4)
    assert root.session == shown(snapshot, blocker)
    assert [node.pid for node in root.waiters] == [first.pid, *(other.pid for other in others)], (
        "who has waiters, then by wait"
    )
    assert [node.pid for node in root.waiters[0].waiters] == [behind.pid]
    assert shown(snapshot, blocker).blocks == 3
    assert shown(snapshot, first).blocked_by == (blocker.pid,)
    assert shown(snapshot, behind).blocked_by == (first.pid,)
    waits = [shown(snapshot, connection) for connection in (first, *others, behind)]
    assert all(session.is_waiting for session in waits)
    ages = [session.wait_age or 0.0 for session in waits]
    assert ages == sorted(ages, reverse=True)
    assert ages[-1] > 0
    assert snapshot.counts.waiting == 4
    summary = snapshot.vitals.blocking
    assert summary is not None
    assert (summary.blockers, summary.waiting, summary.pid) == (1, 4, blocker.pid)
    assert summary.longest_wait == ages[0]


async def test_a_queue_at_one_table_has_a_line_for_each_who_waits(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    """In such a queue everybody waits for everybody ahead: 780 pairs."""
    async with Crowd(postgres) as crowd, activity_of(postgres, tmp_path) as (activity, _):
        lock = "LOCK TABLE queue"
        blocker = await crowd.session("CREATE TABLE queue ()", "BEGIN", lock)
        try:
            waiters = await asyncio.gather(*(crowd.waiter("BEGIN", lock) for _ in range(40)))
            snapshot = await activity.sample()
        finally:
            await blocker.connection.execute("DROP TABLE queue; COMMIT")
    (root,) = snapshot.blocking
    lines = [node.pid for _, node in root.walk()]
    assert lines[0] == blocker.pid
    assert sorted(lines[1:]) == sorted(waiter.pid for waiter in waiters)


async def test_a_prepared_transaction_that_blocks(roomy: PostgresCluster, tmp_path: Path) -> None:
    async with Crowd(roomy) as crowd, activity_of(roomy, tmp_path) as (activity, _):
        await crowd.session("BEGIN", "SELECT pg_advisory_xact_lock(3)", "PREPARE TRANSACTION 'forgotten'")
        waiter = await crowd.waiter("SELECT pg_advisory_lock(3)")
        snapshot = await activity.sample()
        await roomy.run("ROLLBACK PREPARED 'forgotten'")
    (root,) = snapshot.blocking
    assert (root.pid, root.session, root.waiting) == (0, None, 1)
    assert shown(snapshot, waiter).blocked_by == (0,)


async def test_a_session_in_full(roomy: PostgresCluster, tmp_path: Path) -> None:
    long_query = f"SELECT '{'x' * 4000}'"
    async with Crowd(roomy) as crowd, activity_of(roomy, tmp_path) as (activity, _):
        holder = await crowd.session(
            'CREATE SCHEMA "My Shop"',
            'CREATE TABLE "My Shop".orders ()',
            "BEGIN",
            'LOCK TABLE "My Shop".orders IN SHARE MODE',
            long_query,
        )
        waiter = await crowd.waiter('DROP SCHEMA "My Shop" CASCADE')
        snapshot = await activity.sample()
        session = shown(snapshot, holder)
        detail = await activity.detail(session, snapshot)
        waits = await activity.detail(shown(snapshot, waiter), snapshot)
        holder.connection.terminate()
        await crowd.until(f"NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {session.pid})")
        assert await activity.detail(session, snapshot) is None, "it has gone"

    assert session.query == long_query[:QUERY_BEGINNING]
    assert detail is not None
    assert detail.query == long_query
    assert detail.waiters == (waiter.pid,)
    held = {(lock.mode, lock.object, lock.granted) for lock in detail.locks if lock.kind == "relation"}
    assert held == {("ShareLock", '"My Shop".orders', True)}
    assert waits is not None
    wanted = waits.locks[0]
    assert (wanted.mode, wanted.object, wanted.granted) == ("AccessExclusiveLock", '"My Shop".orders', False)


async def test_locks_in_another_database_are_named_by_their_numbers(
    roomy: PostgresCluster, tmp_path: Path
) -> None:
    await roomy.run("CREATE DATABASE elsewhere")
    async with Crowd(roomy) as crowd, activity_of(roomy, tmp_path) as (activity, _):
        holder = await crowd.session("CREATE TABLE there ()", database="elsewhere")
        number = await holder.connection.fetchval("SELECT 'there'::regclass::oid")
        await holder.connection.execute("BEGIN; LOCK TABLE there")
        snapshot = await activity.sample()
        detail = await activity.detail(shown(snapshot, holder), snapshot)
    assert detail is not None
    assert f"elsewhere: relation {number}" in {lock.object for lock in detail.locks}


async def test_sessions_that_the_role_may_not_see(every_postgres: PostgresCluster, tmp_path: Path) -> None:
    async with (
        Crowd(every_postgres) as crowd,
        activity_of(every_postgres, tmp_path, "plain") as (activity, _),
    ):
        hidden = await crowd.runner("SELECT pg_sleep(60) /* secret */")
        own = await crowd.runner("SELECT pg_sleep(60)", role="plain")
        snapshot = await activity.sample()
        session = shown(snapshot, hidden)
        detail = await activity.detail(session, snapshot)
        with pytest.raises(OperationRefused) as refused:
            await activity.stop_operation([session], snapshot, terminate=True)

    assert (session.is_hidden, session.query, session.state) == (True, "", SessionState.UNKNOWN)
    assert session.is_client
    assert detail is None
    assert (shown(snapshot, own).is_hidden, shown(snapshot, own).state) == (False, SessionState.ACTIVE)
    clients = [s for s in snapshot.sessions if s.is_client]
    assert snapshot.counts.other == sum(s.is_hidden for s in clients) >= 1
    assert "GRANT pg_read_all_stats, pg_signal_backend" in refused.value.sentence
    assert str(session.pid) in refused.value.sentence


@pytest.mark.parametrize("asked_as_oldest", [False, True])
async def test_a_query_that_the_server_cut_off(
    every_postgres: PostgresCluster, tmp_path: Path, asked_as_oldest: bool
) -> None:
    """It cuts between characters, so that what is kept may be some bytes short of the limit."""
    async with Crowd(every_postgres) as crowd, activity_of(every_postgres, tmp_path) as (activity, server):
        if asked_as_oldest:
            assert server.capabilities is not None
            server.capabilities = replace(server.capabilities, version_number=OLDEST_MAJOR * 10_000)
        whole = await crowd.session("BEGIN", f"SELECT '{'x' * 900}'")
        cut = await crowd.session("BEGIN", f"SELECT '{'漢' * 900}'")
        snapshot = await activity.sample()
        found = [await activity.detail(shown(snapshot, one), snapshot) for one in (whole, cut)]
    assert [detail.is_cut for detail in found if detail is not None] == [False, True]
