"""Through a real PgBouncer: what is asked is right whoever's session it gets, and nothing stays behind in one."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from console.data import server as server_module
from console.data.audit import AuditFile
from console.data.migrations.runner import MigrationRun
from console.data.migrations.worker.engine import Order
from console.data.migrations.worker.protocol import Request, Work
from console.data.plans.service import PlansService
from console.data.queries import query
from console.data.server import Server
from console.data.spatial.line import MapLine
from console.errors import (
    CannotConnect,
    ConnectionLost,
    DatabaseNotFound,
    PasswordRefused,
    QueryFailed,
    QueryTimedOut,
)
from console.models.migrations import Direction, RunState
from console.models.plans import PlanRequest
from console.models.server import LinkState
from console.settings import Migrations, Settings, Timeouts
from console.targets import resolve
from tests import alembic_projects, sql_pairs
from tests.accounts import accounts_of, created, platform_of, trail
from tests.live import connected, until
from tests.pgbouncer import PgBouncer, pgbouncer
from tests.postgres import Clusters, PostgresCluster

SESSIONS = 3
"""How many a pool has; in turns, so that one transaction after the other gets another one."""

SETTINGS = Settings(timeouts=Timeouts(statement=4.5, lock=0.25))
LIMITS = {
    "transaction_read_only": "on",
    "statement_timeout": "4500",
    "lock_timeout": "250",
    "idle_in_transaction_session_timeout": "60000",
}
_LEFT = """
SELECT 'setting ' || name FROM pg_settings WHERE source = 'session' AND setting IS DISTINCT FROM reset_val
 -- these PgBouncer follows by itself
 AND name NOT IN ('application_name', 'client_encoding', 'DateStyle', 'TimeZone', 'standard_conforming_strings')
UNION ALL SELECT 'statement ' || name FROM pg_prepared_statements
UNION ALL SELECT 'lock ' || locktype FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
"""


@pytest.fixture(autouse=True)
def _named_after_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets tests ask any statement: what is no query's name is the statement itself."""
    monkeypatch.setattr(
        server_module, "query", lambda name, major: name if " " in name else query(name, major)
    )


@pytest.fixture(scope="module")
def pooler(clusters: Clusters, postgres: PostgresCluster) -> Iterator[PgBouncer]:
    """In transaction mode, before the shared cluster of the newest version."""
    with pgbouncer(
        clusters, postgres, "transaction", default_pool_size=SESSIONS, server_round_robin=1
    ) as running:
        yield running


@asynccontextmanager
async def nothing_left(
    pooler: PgBouncer, user: str = "postgres", database: str = "postgres"
) -> AsyncIterator[None]:
    """Opens every session of the pool before, and looks into every one of them afterwards."""

    async def found() -> list[str]:
        url = pooler.url(user, database)
        clients = [await asyncpg.connect(url, statement_cache_size=0) for _ in range(SESSIONS)]
        left = []
        for client in clients:
            await client.execute("BEGIN")
            left += [row[0] for row in await client.fetch(_LEFT)]
        for client in clients:
            await client.execute("ROLLBACK")
            await client.close()
        return left

    assert await found() == []
    yield
    assert await found() == []


async def test_watching_asks_any_session_and_leaves_nothing_in_it(pooler: PgBouncer) -> None:
    async with nothing_left(pooler, "monitor"), connected(pooler.url("monitor"), SETTINGS) as server:
        assert server.capabilities is not None
        assert (server.capabilities.is_pooled, server.capabilities.role) == (True, "monitor")
        asked = [await server.fetch("SELECT pg_backend_pid() AS pid") for _ in range(2 * SESSIONS)]
        assert len({row["pid"] for (row,) in asked}) == SESSIONS
        rows = await server.fetch("SELECT name, setting FROM pg_settings WHERE name = ANY($1)", [*LIMITS])
        assert {row["name"]: row["setting"] for row in rows} == LIMITS

        for _ in range(SESSIONS):
            *others, own = await server.fetch("sessions", 10, True)
            assert (own["application_name"], own["state"]) == ("dbconsole", "active")
            assert own["server_ms"] is not None
            assert own["pid"] not in {other["pid"] for other in others}

        with pytest.raises(QueryFailed, match="read-only transaction"):
            await server.fetch("COMMENT ON DATABASE postgres IS 'written'")
        with pytest.raises(QueryFailed, match="division by zero"):
            await server.fetch("SELECT 1 / 0")
        asking = asyncio.create_task(server.fetch("SELECT pg_sleep(4) /* let go of */"))
        running = "SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%let go of%' AND pid <> pg_backend_pid()"

        async def is_asked() -> bool:
            return bool(await pooler.cluster.run(running))

        await until(is_asked)
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        assert not await is_asked(), "it is cancelled on the server"
        assert await server.fetch("SELECT 1 AS one")
        assert server.link.state is LinkState.LIVE

        line = MapLine(server, SETTINGS)
        assert {(await line.fetch("SHOW statement_timeout"))[0][0] for _ in range(SESSIONS)} == {"4500ms"}
        await line.close()
    async with connected(pooler.url("monitor"), Settings(timeouts=Timeouts(statement=0.1))) as server:
        with pytest.raises(QueryTimedOut, match="statement timeout"):
            await server.fetch("SELECT pg_sleep(60)")
        assert await server.fetch("SELECT 1 AS one")


async def test_changes_and_their_trail_are_made_in_any_session(
    pooler: PgBouncer, postgres: PostgresCluster, tmp_path: Path
) -> None:
    async with platform_of(postgres) as platform, nothing_left(pooler, database=platform.name):
        url = pooler.url(database=platform.name)
        async with accounts_of(platform, tmp_path / "audit.jsonl", url=url) as accounts:
            users = [
                await created(accounts.users, email=f"{i}@example.com", username=f"u{i}") for i in range(4)
            ]
            assert [await accounts.users.get(user.id) for user in users] == users
        assert [action for action, _ in await trail(platform)] == ["user.create"] * 4

        async with connected(url, SETTINGS) as server:
            found = set()
            for _ in range(2 * SESSIONS):
                async with server.engine.connection() as connection:
                    statement = "SELECT pg_backend_pid(), current_setting('lock_timeout'), current_setting('transaction_read_only')"
                    found.add(tuple((await connection.execute(text(statement))).one()))
            assert len(found) == SESSIONS
            assert {limits[1:] for limits in found} == {("250ms", "off")}


async def test_plans_forget_what_they_prepared(
    clusters: Clusters, postgis: PostgresCluster, tmp_path: Path
) -> None:
    """PostgreSQL 15 plans for parameters without values only by a statement that is prepared for a session."""
    with pgbouncer(clusters, postgis, "transaction", default_pool_size=1) as pooler:
        async with connected(pooler.url(), SETTINGS) as server:
            service = PlansService(server, SETTINGS, AuditFile(tmp_path / "audit.jsonl"))
            request = PlanRequest("SELECT relname FROM pg_class WHERE oid = $1", "postgres", "monitor")
            for _ in range(2):
                plan = await service.plan(service.explaining(request))
                operation = await service.analyze_operation(plan, request, ["1259"])
                ran = await service.analyze(operation, plan, request, ["1259"])
                assert ran.root.rows == 1
                rows = await server.fetch("SELECT name FROM pg_prepared_statements WHERE name <> ''")
                assert rows == []


READ_LIMITS = """CREATE TABLE seen_{number} AS
SELECT current_setting('lock_timeout') || ' ' || current_setting('statement_timeout') AS seen;"""


async def test_migrations_need_a_session_and_take_one_where_a_pooler_keeps_them(
    clusters: Clusters, postgres: PostgresCluster, pooler: PgBouncer, tmp_path: Path
) -> None:
    limits = SETTINGS.model_copy(update={"migrations": Migrations(lock_timeout=7, statement_timeout=77)})
    pairs = [(READ_LIMITS.format(number=number), "SELECT 1;") for number in range(3)]
    pairs.insert(1, ("CREATE INDEX CONCURRENTLY by_what ON seen_0 (seen);", "DROP INDEX by_what;"))
    project = alembic_projects.write_project(
        tmp_path / "alembic", *map(alembic_projects.table, ("one", "two"))
    )
    async with sql_pairs.pairs_of(postgres, tmp_path, sql_pairs.GOLANG, *pairs) as made:

        async def ran(order: Order, through: PgBouncer) -> tuple[RunState, str | None]:
            async with connected(through.url(database=made.database), limits) as server:
                progress = await MigrationRun(server, limits, Request(Work.RUN, order)).wait()
            return progress.state, progress.sentence

        order = Order(made.source, Direction.UPGRADE, made.revisions, (), frozenset())
        async with nothing_left(pooler, database=made.database):
            state, sentence = await ran(order, pooler)
        assert state is RunState.FAILED
        assert sentence is not None
        assert "gives every transaction another session, and migrations need one of their own" in sentence
        assert sentence.endswith("name the server itself as the target.")

        with pgbouncer(clusters, postgres, "session") as session_pooler:
            assert (await ran(order, session_pooler))[0] is RunState.DONE
            seen = await made.rows("TABLE seen_0 UNION ALL TABLE seen_1 UNION ALL TABLE seen_2")
            assert seen == [("7s 77s",)] * 3, "also after what a script has set is reset"
            assert (await ran(project.order(), session_pooler))[0] is RunState.DONE


async def test_a_pooler_that_takes_every_setting_and_does_nothing_with_it_is_found_out(
    clusters: Clusters, postgres: PostgresCluster
) -> None:
    ignored = (
        "default_transaction_read_only,statement_timeout,lock_timeout,idle_in_transaction_session_timeout,jit"
    )
    with pgbouncer(
        clusters,
        postgres,
        "transaction",
        ignore_startup_parameters=ignored,
        default_pool_size=SESSIONS,
    ) as pooler:
        async with nothing_left(pooler), connected(pooler.url(), SETTINGS) as server:
            assert server.target.is_pooled
            rows = await server.fetch("SELECT name, setting FROM pg_settings WHERE name = ANY($1)", [*LIMITS])
            assert {row["name"]: row["setting"] for row in rows} == LIMITS


async def test_its_refusals_are_those_of_a_server_and_one_that_comes_back_behind_it_is_found(
    clusters: Clusters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "FIRST_RETRY", 0.02)
    monkeypatch.setattr(server_module, "LAST_RETRY", 0.1)
    with (
        clusters.make(17) as cluster,
        pgbouncer(clusters, cluster, "transaction", admin_users="postgres") as pooler,
    ):
        refusals = {
            pooler.url().replace(cluster.password, "wrong"): (PasswordRefused, "refused the password"),
            pooler.url(database="nowhere"): (DatabaseNotFound, "has no database 'nowhere'"),
            pooler.url(database="pgbouncer"): (DatabaseNotFound, "is PgBouncer's own console; name one that"),
            f"{pooler.url()}?options=-cwork_mem%3D7MB": (
                CannotConnect,
                "takes no options .+ leave out PGOPTIONS",
            ),
        }
        for url, (kind, words) in refusals.items():
            with pytest.raises(kind, match=words):
                await Server(resolve(url, {}), SETTINGS).connect()

        server = Server(resolve(pooler.url(), {}), SETTINGS)
        keeping = asyncio.create_task(server.keep_connected())
        await until(lambda: server.link.state is LinkState.LIVE)
        await asyncio.to_thread(cluster.stop, signal.SIGQUIT)
        with pytest.raises(ConnectionLost):
            await server.fetch("SELECT 1 AS one")
        await until(lambda: "server login has been failing" in (server.link.problem or ""))
        await asyncio.to_thread(cluster.start)
        await until(lambda: server.link.state is LinkState.LIVE)
        assert await server.fetch("SELECT 1 AS one")
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        await server.close()
