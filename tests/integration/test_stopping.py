"""Stopping sessions on real servers: what is said before, what becomes of them, and whom it must not hit."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from console.data.activity import ActivityService
from console.errors import OperationRefused
from console.models.operation import Outcome
from tests.crowd import Crowd, Member, activity_of, shown
from tests.live import until
from tests.postgres import PostgresCluster


async def stopped(
    activity: ActivityService, members: list[Member], *, terminate: bool
) -> tuple[Outcome, ...]:
    snapshot = await activity.sample()
    sessions = [shown(snapshot, member) for member in members]
    operation = await activity.stop_operation(sessions, snapshot, terminate=terminate)
    return await activity.stop(operation, sessions, terminate=terminate)


async def test_cancelling_ends_the_query_and_not_the_session(
    every_postgres: PostgresCluster, tmp_path: Path
) -> None:
    async with Crowd(every_postgres) as crowd, activity_of(every_postgres, tmp_path) as (activity, _):
        victim = await crowd.session()
        query = asyncio.create_task(victim.connection.execute("SELECT pg_sleep(60)"))
        await crowd.until(
            f"EXISTS (SELECT FROM pg_stat_activity WHERE pid = {victim.pid} AND wait_event = 'PgSleep')"
        )
        (outcome,) = await stopped(activity, [victim], terminate=False)
        with pytest.raises(asyncpg.QueryCanceledError, match="due to user request"):
            await query
        assert await victim.connection.fetchval("SELECT 1") == 1
    assert outcome == Outcome(f"pid {victim.pid}", True, f"pid {victim.pid}: query cancelled.")


async def test_terminating_ends_the_sessions_that_were_chosen(
    every_postgres: PostgresCluster, tmp_path: Path
) -> None:
    async with Crowd(every_postgres) as crowd, activity_of(every_postgres, tmp_path) as (activity, _):
        victims = [await crowd.session("BEGIN"), await crowd.session()]
        # An idle one is only shown when asked for.
        activity.with_idle = True
        bystander = await crowd.session("BEGIN")
        outcomes = await stopped(activity, victims, terminate=True)
        await until(lambda: all(victim.connection.is_closed() for victim in victims))
        assert await bystander.connection.fetchval("SELECT 1") == 1
    assert [(o.done, o.sentence) for o in outcomes] == [
        (True, f"pid {victim.pid}: terminated.") for victim in victims
    ]
    assert len((tmp_path / "audit.jsonl").read_text().splitlines()) == 2


async def test_what_is_said_before_a_session_is_stopped(postgres: PostgresCluster, tmp_path: Path) -> None:
    async with Crowd(postgres) as crowd, activity_of(postgres, tmp_path) as (activity, _):
        await crowd.session("CREATE TABLE till ()")
        try:
            holder = await crowd.session("BEGIN", "SET application_name = 'shop'", "LOCK TABLE till")
            await crowd.waiter("BEGIN", "LOCK TABLE till")
            snapshot = await activity.sample()
            session = shown(snapshot, holder)
            operation = await activity.stop_operation([session], snapshot, terminate=True)
        finally:
            await holder.connection.execute("DROP TABLE till; COMMIT")
    assert operation.object_name == f"pid {session.pid}"
    assert operation.statements == (
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity\n WHERE pid = {session.pid}"  # noqa: S608
        f" AND backend_start = '{session.key.backend_start}'",
    )
    lost, held, waiting = operation.consequences
    assert lost.startswith(f"pid {session.pid} (postgres, shop): its transaction, open for ")
    assert lost.endswith("will be rolled back.")
    assert "holds AccessExclusiveLock on public.till" in held
    assert "1 wait behind it" in waiting


async def test_a_session_that_took_over_the_pid_is_left_alone(
    every_postgres: PostgresCluster, tmp_path: Path
) -> None:
    """A made-up start stands for a session that has ended and whose pid is used again."""
    async with Crowd(every_postgres) as crowd, activity_of(every_postgres, tmp_path) as (activity, _):
        other = await crowd.runner("SELECT pg_sleep(60)")
        snapshot = await activity.sample()
        session = shown(snapshot, other)
        assert session.key.backend_start is not None
        earlier = session.key.backend_start.replace(year=2001)
        gone = replace(session, key=replace(session.key, backend_start=earlier))
        for terminate in (False, True):
            operation = await activity.stop_operation([gone], snapshot, terminate=terminate)
            (outcome,) = await activity.stop(operation, [gone], terminate=terminate)
            assert not outcome.done
            assert outcome.sentence.endswith("the session had already gone; nothing was done.")
        assert shown(await activity.sample(), other).wait == "Timeout:PgSleep", "it sleeps on"


async def test_what_one_session_is_denied_is_tried_with_the_next(
    every_postgres: PostgresCluster, tmp_path: Path
) -> None:
    """Only superusers may signal a superuser's session; others' are not spared because of that."""
    async with (
        Crowd(every_postgres) as crowd,
        activity_of(every_postgres, tmp_path, "monitor") as (activity, _),
    ):
        superuser = await crowd.session("BEGIN")
        plain = await crowd.session("BEGIN", role="plain")
        denied, done = await stopped(activity, [superuser, plain], terminate=True)
        await until(plain.connection.is_closed)
        assert await superuser.connection.fetchval("SELECT 1") == 1
    assert not denied.done
    assert denied.sentence.lower().startswith(f"pid {superuser.pid}: the server says: ")
    assert "superuser" in denied.sentence.lower()
    assert done.done


async def test_what_cannot_be_recorded_is_not_done(postgres: PostgresCluster, tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").mkdir()
    async with Crowd(postgres) as crowd, activity_of(postgres, tmp_path) as (activity, _):
        session = await crowd.session("BEGIN")
        with pytest.raises(OperationRefused, match="Nothing was done"):
            await stopped(activity, [session], terminate=True)
        assert await session.connection.fetchval("SELECT 1") == 1
