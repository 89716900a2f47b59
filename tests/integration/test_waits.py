"""What active sessions wait for on real servers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import asyncpg
import pytest

from console.data.loads import Tally
from console.data.queries import OLDEST_MAJOR, query
from console.data.server import Server
from console.data.waits import QUERY_BEGINNING, WaitsService, without_literals
from console.models.waits import ActiveQuery, Activity, WaitEvent, WaitsSnapshot
from tests.crowd import Crowd, Member
from tests.live import connected, until
from tests.postgres import PostgresCluster

NAMED = "SET application_name = 'shop'"
SLEEP = "SELECT pg_sleep(60.5), 'for a minute'"
BUSY = "DO $$ BEGIN LOOP END LOOP; END $$"


async def active(crowd: Crowd, statement: str, *before: str, role: str = "postgres") -> Member:
    """A session of the application shop that has begun with this."""
    member = await crowd.session(NAMED, *before, role=role)
    crowd.begin(member, statement)
    await crowd.until(
        f"EXISTS (SELECT FROM pg_stat_activity WHERE pid = {member.pid} AND state = 'active' "
        f"AND query NOT LIKE 'SET %' AND (query LIKE 'DO %' OR wait_event IS NOT NULL))"
    )
    return member


def seen(snapshot: WaitsSnapshot) -> list[Activity]:
    """What the newest sample has of the application shop: sessions of earlier tests may still be ending."""
    return [activity for activity in snapshot.samples[-1].activities if activity.application == "shop"]


def as_oldest(server: Server) -> None:
    """From now on the server is asked as if it were of the oldest version."""
    assert server.capabilities is not None
    server.capabilities = replace(server.capabilities, version_number=OLDEST_MAJOR * 10_000)


async def query_ids(cluster: PostgresCluster, *members: Member) -> list[int | None]:
    if (await cluster.run("SHOW server_version_num"))[0][0] < "140000":
        return [None for _ in members]
    rows = await cluster.run("SELECT pid, query_id FROM pg_stat_activity")
    found = {row["pid"]: row["query_id"] for row in rows}
    return [found[member.pid] for member in members]


@pytest.mark.parametrize("asked_as_oldest", [False, True])
async def test_sessions_that_wait_for_a_lock_that_sleep_and_that_run(
    every_postgres: PostgresCluster, asked_as_oldest: bool
) -> None:
    lock, locked = "SELECT pg_advisory_lock(71)", WaitEvent("Lock", "advisory")
    async with Crowd(every_postgres) as crowd, connected(every_postgres.url()) as server:
        if asked_as_oldest:
            as_oldest(server)
        service = WaitsService(server, 900)
        await crowd.session(NAMED, lock)
        members = [
            await active(crowd, lock),
            await active(crowd, lock),
            await active(crowd, SLEEP),
            await active(crowd, BUSY),
        ]
        ids = await query_ids(every_postgres, *members)
        await service.sample()
        snapshot = await service.sample()

    assert snapshot.server_ms > 0
    assert snapshot.hidden_sessions == 0
    assert len(snapshot.samples) == 2
    assert snapshot.samples[0].at < snapshot.samples[1].at == snapshot.at
    texts = (lock, SLEEP, BUSY)
    if asked_as_oldest or ids[0] is None:
        queries = [ActiveQuery(None, without_literals(text)) for text in texts]
    else:
        queries = [ActiveQuery(number, "") for number in (ids[0], *ids[2:])]
    assert [snapshot.queries[query].text for query in queries] == list(texts)
    asleep, running = WaitEvent("Timeout", "PgSleep"), WaitEvent("running", "")
    who = ("postgres", "postgres", "shop")
    assert sorted(seen(snapshot), key=str) == sorted(
        (
            Activity(queries[0], locked, *who, 2),
            Activity(queries[1], asleep, *who, 1),
            Activity(queries[2], running, *who, 1),
        ),
        key=str,
    )
    first = Tally(2, tuple(seen(snapshot))).queries(snapshot.queries)[0]
    assert (first.query, first.facts.user, first.facts.application) == (queries[0], "postgres", "shop")


async def test_parallel_workers_belong_to_the_statement_of_their_leader(
    every_postgres: PostgresCluster,
) -> None:
    async with Crowd(every_postgres) as crowd, connected(every_postgres.url()) as server:
        assert server.capabilities is not None
        parallel = (
            "debug_parallel_query" if server.capabilities.version_number >= 160000 else "force_parallel_mode"
        )
        service = WaitsService(server, 900)
        leader = await active(crowd, SLEEP, f"SET {parallel} = on")
        await crowd.until(
            f"EXISTS (SELECT FROM pg_stat_activity WHERE leader_pid = {leader.pid} AND wait_event = 'PgSleep')"
        )
        (number,) = await query_ids(every_postgres, leader)
        activities = seen(await service.sample())
    assert {activity.event.name for activity in activities} == {"PgSleep", "ExecuteGather"}
    assert {activity.query.query_id for activity in activities} == {number}


@pytest.mark.parametrize("asked_as_oldest", [False, True])
async def test_statements_that_differ_in_their_values_are_one(
    every_postgres: PostgresCluster, asked_as_oldest: bool
) -> None:
    async with Crowd(every_postgres) as crowd, connected(every_postgres.url()) as server:
        if asked_as_oldest:
            as_oldest(server)
        service = WaitsService(server, 900)
        for number in (60, 61):
            await active(crowd, f"SELECT pg_sleep({number}), 'x{number}'")
        snapshot = await service.sample()
    assert len({activity.query for activity in seen(snapshot)}) == 1
    assert sum(activity.sessions for activity in seen(snapshot)) == 2


async def test_a_plain_role_sees_its_own_sessions_and_how_many_are_hidden(
    every_postgres: PostgresCluster,
) -> None:
    async with Crowd(every_postgres) as crowd, connected(every_postgres.url("plain")) as server:
        service = WaitsService(server, 900)
        before = (await service.sample()).hidden_sessions
        await active(crowd, SLEEP)
        await active(crowd, SLEEP, role="plain")

        async def one_more_is_hidden() -> bool:  # sessions of earlier tests may still be ending
            return (await service.sample()).hidden_sessions <= before + 1

        await until(one_more_is_hidden)
        snapshot = await service.sample()
    assert snapshot.hidden_sessions >= 1
    (activity,) = seen(snapshot)
    assert (activity.user, activity.sessions) == ("plain", 1)


async def test_a_quiet_server_gives_empty_samples_and_consoles_are_left_out(
    every_postgres: PostgresCluster,
) -> None:
    async with Crowd(every_postgres) as crowd, connected(every_postgres.url()) as server:
        service = WaitsService(server, 900)
        for name in ("dbconsole", "dbconsole (nightly)"):
            console = await crowd.session(f"SET application_name = '{name}'")
            crowd.begin(console, SLEEP)
            await crowd.until(
                f"EXISTS (SELECT FROM pg_stat_activity WHERE pid = {console.pid} AND wait_event = 'PgSleep')"
            )

        async def nobody_is_active() -> bool:
            return not (await service.sample()).samples[-1].activities

        await until(nobody_is_active)


async def test_what_goes_beyond_the_limit_is_counted_by_event(every_postgres: PostgresCluster) -> None:
    """With a limit of one group instead of 300, in one transaction, which sees the same sessions twice."""
    async with Crowd(every_postgres) as crowd:
        for number in range(3):
            await active(crowd, f"SELECT pg_sleep(60){', 1' * number}")
        await active(crowd, BUSY)
        asking = await crowd.session()
        text = query("active_sessions", asking.connection.get_server_version().major)
        async with asking.connection.transaction():
            whole = await asking.connection.fetch(text, QUERY_BEGINNING)
            limited = await asking.connection.fetch(text.replace("300", "1"), QUERY_BEGINNING)

    def by_event(rows: list[asyncpg.Record]) -> Counter[str | None]:
        sums: Counter[str | None] = Counter()
        for row in rows[:-1]:
            sums[row["wait_event"]] += row["sessions"]
        return sums

    assert len(limited) < len(whole)
    assert by_event(limited) == by_event(whole)
    assert [row["query"] is None for row in limited[:-1]] == [False, *[True] * (len(limited) - 2)]
