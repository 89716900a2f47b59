"""Statements on real servers: every version of pg_stat_statements, what happens between two samples, what is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from console.data.audit import AuditFile
from console.data.queries import query, variants
from console.data.server import with_identifiers
from console.data.statements.extension import READ_AS
from console.data.statements.service import StatementsService
from console.errors import BadInput, ObjectMissing
from console.models.statements import (
    ExtensionState,
    Figures,
    Scope,
    Statement,
    StatementKind,
    StatementsSnapshot,
    StatementsView,
)
from tests.live import connected
from tests.postgres import Clusters, PostgresCluster, versions

EVERYTHING = StatementsView(min_mean=0.0)


@pytest.fixture(scope="module", params=versions())
def counting(request: pytest.FixtureRequest, clusters: Clusters) -> Iterator[PostgresCluster]:
    """A server of each version that counts nobody's statements but these tests'."""
    with clusters.make(
        request.param, settings={"pg_stat_statements.max": 200, "pg_stat_statements.track_planning": "on"}
    ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def counting_18(clusters: Clusters) -> Iterator[PostgresCluster]:
    with clusters.make(18, settings={"pg_stat_statements.max": 100}) as cluster:
        yield cluster


@asynccontextmanager
async def database(
    cluster: PostgresCluster, name: str, version: str | None = None, schema: str | None = None
) -> AsyncIterator[asyncpg.Connection]:
    """A database with the extension, and a session in it; both end with the block."""
    await cluster.run(f"CREATE DATABASE {name}")
    connection = await cluster.connect(database=name)
    try:
        if schema:
            await connection.execute(f'CREATE SCHEMA "{schema}"')
        within = f' SCHEMA "{schema}"' if schema else ""
        which = f" VERSION '{version}'" if version else ""
        await connection.execute(f"CREATE EXTENSION pg_stat_statements{within}{which}")
        yield connection
    finally:
        await connection.close()
        await cluster.run(f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def service_of(
    cluster: PostgresCluster, name: str, audit: Path, role: str = "postgres"
) -> AsyncIterator[StatementsService]:
    async with connected(cluster.url(role, name)) as server:
        service = StatementsService(server, AuditFile(audit / "audit.jsonl"))
        service.view = EVERYTHING
        yield service


async def sampled(service: StatementsService) -> StatementsSnapshot:
    """A sample with every text, however short a while ago texts were asked for."""
    service.look_at(service.view)
    return await service.sample()


def row(service: StatementsService, snapshot: StatementsSnapshot, words: str) -> Statement | None:
    """The one row whose text has these words; what ran in databases that are gone by now is another test's."""
    rows = [s for s in service.select(snapshot).statements if not s.database.startswith("database ")]
    found = [s for s in rows if words in (s.text or "")]
    assert len(found) <= 1, found
    return found[0] if found else None


def there(service: StatementsService, snapshot: StatementsSnapshot, words: str) -> Statement:
    found = row(service, snapshot, words)
    assert found is not None, [s.text for s in service.select(snapshot).statements]
    return found


@pytest.mark.parametrize("version", [".".join(map(str, number)) for number in READ_AS])
async def test_every_version_of_the_extension(
    counting: PostgresCluster, version: str, tmp_path: Path
) -> None:
    number = tuple(map(int, version.split(".")))
    async with database(counting, "counted", None) as session:
        newest = await session.fetchval(
            "SELECT extversion FROM pg_extension WHERE extname = 'pg_stat_statements'"
        )
        if number > tuple(map(int, newest.split("."))):
            with pytest.raises(asyncpg.PostgresError):
                await session.execute(f"ALTER EXTENSION pg_stat_statements UPDATE TO '{version}'")
            return
        await session.execute("DROP EXTENSION pg_stat_statements")
        await session.execute(f"CREATE EXTENSION pg_stat_statements VERSION '{version}'")
        async with service_of(counting, "counted", tmp_path) as service:
            await session.execute(
                "CREATE TABLE lamps AS SELECT n AS id, 'lamp ' || n AS name FROM generate_series(1, 500) n"
            )
            await sampled(service)
            for _ in range(3):
                await session.fetch("SELECT name FROM lamps WHERE id > $1", 100)
            snapshot = await sampled(service)

            assert snapshot.extension.version == version
            assert (snapshot.extension.problem == "") == (version == newest)
            lamps = there(service, snapshot, "SELECT name FROM lamps")
            figures = lamps.figures
            assert (figures.calls, figures.rows, lamps.kind) == (3, 1200, StatementKind.SELECT)
            assert figures.total > 0
            assert figures.least is not None
            assert figures.most is not None
            assert 0 < figures.least <= figures.mean <= figures.most
            assert figures.mean == pytest.approx(figures.total / 3)
            assert figures.shared_hit
            assert (lamps.user, lamps.database) == ("postgres", "counted")
            assert (figures.wal_bytes is None, figures.plans is None) == (number < (1, 8), number < (1, 8))
            assert (snapshot.reset_at is None, snapshot.evictions is None) == (number < (1, 9),) * 2
            assert (figures.jit_time is None, figures.temp_read_time is None) == (number < (1, 10),) * 2
            assert (snapshot.entries[lamps.key].since is None) == (number < (1, 11))
            assert (figures.workers_planned is None) == (number < (1, 12))
            assert figures.io_time is not None

            service.view = replace(EVERYTHING, scope=Scope.INTERVAL)
            assert there(service, snapshot, "SELECT name FROM lamps").figures.calls == 3
            await session.fetch("SELECT name FROM lamps WHERE id > $1", 100)
            snapshot = await sampled(service)
            once = there(service, snapshot, "SELECT name FROM lamps")
            assert (once.figures.calls, once.figures.rows) == (1, 400)
            assert once.calls_per_second is not None
            assert once.trend[-1] > 0
            assert row(service, await sampled(service), "SELECT name FROM lamps") is None, "nobody called it"
            service.view = replace(EVERYTHING, scope=Scope.OPENED)
            assert there(service, snapshot, "SELECT name FROM lamps").figures.calls == 4


async def test_every_query_only_reads(counting: PostgresCluster) -> None:
    """A lock stronger than AccessShare, or a transaction id, would be in pg_locks until the transaction ends."""
    given: dict[str, tuple[object, ...]] = {
        "statements_texts": (["1", "2"], 100),
        "statements_by_id": (1,),
        "statements_reset": (1, 1, 1),
    }
    names = {name for name in variants() if name.startswith("statements_")} - {"statements_extension"}
    async with database(counting, "locked") as session:
        version = await session.fetchval(
            "SELECT extversion FROM pg_extension WHERE extname = 'pg_stat_statements'"
        )
        newest = "statements_" + version.replace(".", "_")
        readable = [name for name in READ_AS.values() if name == newest]
        for name in sorted(names - set(READ_AS.values()) - {"statements_hidden_1_7"}) + readable:
            text = with_identifiers(query(name, session.get_server_version().major), {"schema": "public"})
            async with session.transaction(readonly=True):
                await session.fetch(text, *given.get(name, ([],) if name == newest else ()))
                locks = await session.fetch(
                    "SELECT locktype, mode FROM pg_locks"
                    " WHERE pid = pg_backend_pid() AND locktype <> 'virtualxid'"
                )
            assert {tuple(lock) for lock in locks} <= {("relation", "AccessShareLock")}, name


async def test_only_what_was_called_comes_again(counting_18: PostgresCluster, tmp_path: Path) -> None:
    async with (
        database(counting_18, "often") as session,
        connected(counting_18.url(database="often")) as server,
    ):
        service = StatementsService(server, AuditFile(tmp_path / "audit.jsonl"))
        service.view = EVERYTHING
        await session.fetch("SELECT 1 AS once")
        first = await sampled(service)
        schema = {"schema": "public"}
        rows = await server.fetch("statements_1_12", service._book.states, identifiers=schema)
        assert sum(r["query_id"] is not None for r in rows) < len(first.entries)
        once = there(service, first, "SELECT $1 AS once")
        again = await sampled(service)
        assert again.entries[once.key] is first.entries[once.key], (
            "an entry that nobody called is not made anew"
        )


async def test_what_is_reset_or_evicted_between_two_samples(
    counting_18: PostgresCluster, tmp_path: Path
) -> None:
    async with (
        database(counting_18, "restarted") as session,
        service_of(counting_18, "restarted", tmp_path) as service,
    ):
        await session.execute("CREATE TABLE lamps (id int)")
        for _ in range(5):
            await session.fetch("SELECT id FROM lamps")
        await sampled(service)
        for _ in range(4):
            await session.fetch("SELECT id FROM lamps")
        await sampled(service)

        # Reset, and then called more often than before: no counter is seen to go backwards.
        await session.fetch("SELECT pg_stat_statements_reset()")
        for _ in range(12):
            await session.fetch("SELECT id FROM lamps")
        snapshot = await sampled(service)
        calls = {}
        for scope in Scope:
            service.view = replace(EVERYTHING, scope=scope)
            calls[scope] = there(service, snapshot, "SELECT id FROM lamps").figures.calls
        assert calls == {Scope.RESET: 12, Scope.OPENED: 16, Scope.INTERVAL: 12}

        # Evicted by many others, which are called twice so that it is the least.
        names = [f"c{n}" for n in range(130)]
        await session.execute(f"CREATE TABLE many ({', '.join(f'{name} int' for name in names)})")
        before = snapshot.evictions
        for name in names:
            for _ in range(20):
                await session.execute(f"TABLE many ORDER BY {name}")
        snapshot = await sampled(service)
        assert snapshot.evictions is not None
        assert before is not None
        assert snapshot.evictions > before
        service.view = EVERYTHING
        if row(service, snapshot, "SELECT id FROM lamps") is None:
            service.view = replace(EVERYTHING, scope=Scope.OPENED)
            assert there(service, snapshot, "SELECT id FROM lamps").figures.calls == 16, "it still counts"
        present = await session.fetchval("SELECT count(*) FROM pg_stat_statements")
        assert abs(sum(not entry.is_gone for entry in snapshot.entries.values()) - present) <= 2

        # It comes back.
        await session.fetch("SELECT id FROM lamps")
        service.view = replace(EVERYTHING, scope=Scope.OPENED)
        assert there(service, await sampled(service), "SELECT id FROM lamps").figures.calls == 17


async def test_a_role_that_does_not_see_others(counting: PostgresCluster, tmp_path: Path) -> None:
    async with database(counting, "shared") as session:
        await session.execute("CREATE TABLE secrets AS SELECT 'hush' AS word")
        await session.fetch("SELECT word FROM secrets")
        plain = await counting.connect("plain", "shared")
        try:
            await plain.fetch("SELECT 1 AS mine")
        finally:
            await plain.close()
        async with service_of(counting, "shared", tmp_path, "plain") as service:
            await sampled(service)
            await session.fetch("SELECT word FROM secrets")
            snapshot = await sampled(service)
            rows = service.select(snapshot).statements
            assert there(service, snapshot, "AS mine").user == "plain"
            assert not any("secrets" in (s.text or "") for s in rows)
            others = [s for s in rows if s.is_hidden and s.user == "postgres" and s.database == "shared"]
            assert [s.text for s in others] == ["<insufficient privilege>"]
            assert others[0].figures.calls >= 3
            assert (await service.detail(others[0], snapshot)).text is None
            service.view = replace(EVERYTHING, scope=Scope.INTERVAL)
            hidden = next(
                s for s in service.select(snapshot).statements if s.is_hidden and s.database == "shared"
            )
            assert 1 <= hidden.figures.calls < others[0].figures.calls


async def test_the_consoles_own_statements_are_hidden(counting: PostgresCluster, tmp_path: Path) -> None:
    async with database(counting, "own"), service_of(counting, "own", tmp_path) as service:
        await sampled(service)
        snapshot = await sampled(service)
        selection = service.select(snapshot)
        assert selection.own_left_out >= 2
        assert not any("dbconsole" in (s.text or "") for s in selection.statements)
        service.look_at(replace(EVERYTHING, with_own=True))
        assert any(s.is_own for s in service.select(snapshot).statements)


async def test_missing_then_created_in_a_schema_of_its_own(counting: PostgresCluster, tmp_path: Path) -> None:
    await counting.run("CREATE DATABASE late")
    try:
        async with service_of(counting, "late", tmp_path) as service:
            snapshot = await sampled(service)
            assert snapshot.extension.state is ExtensionState.NOT_INSTALLED
            assert snapshot.extension.remedy == ("CREATE EXTENSION pg_stat_statements",), "it is loaded"
            with pytest.raises(ObjectMissing, match="cannot show it"):
                await service.find(1)
            await counting.run('CREATE SCHEMA "Odd ""one"""', database="late")
            await counting.run('CREATE EXTENSION pg_stat_statements SCHEMA "Odd ""one"""', database="late")
            await counting.run("SELECT 1 AS found", database="late")
            snapshot = await sampled(service)
            assert snapshot.extension.state is ExtensionState.READY
            assert there(service, snapshot, "AS found").figures.calls == 1
            await counting.run("DROP EXTENSION pg_stat_statements", database="late")
            snapshot = await sampled(service)
            assert (snapshot.extension.state, snapshot.entries) == (ExtensionState.NOT_INSTALLED, {})
    finally:
        await counting.run("DROP DATABASE late WITH (FORCE)")


async def test_a_schema_that_is_not_for_this_role(counting: PostgresCluster, tmp_path: Path) -> None:
    async with (
        database(counting, "closed", schema="private"),
        service_of(counting, "closed", tmp_path, "plain") as service,
    ):
        extension = (await sampled(service)).extension
        assert extension.state is ExtensionState.DENIED
        assert extension.remedy == ("GRANT USAGE ON SCHEMA private TO plain",)


async def test_installed_but_not_preloaded(clusters: Clusters, tmp_path: Path) -> None:
    with clusters.make(settings={"shared_preload_libraries": "auto_explain"}) as cluster:
        async with service_of(cluster, "postgres", tmp_path) as service:
            assert (await sampled(service)).extension.remedy == (
                "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'pg_stat_statements'",
                "CREATE EXTENSION pg_stat_statements",
            )
            await cluster.run("CREATE EXTENSION pg_stat_statements")
            extension = (await sampled(service)).extension
            assert extension.state is ExtensionState.NOT_PRELOADED
            assert extension.remedy == (
                "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'pg_stat_statements'",
            )
            await cluster.run(extension.remedy[0])
        async with service_of(cluster, "postgres", tmp_path, "plain") as service:
            assert (await sampled(service)).extension.remedy == (
                "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements' -- and what is in it already",
            )
        cluster.restart()
        async with service_of(cluster, "postgres", tmp_path) as service:
            assert (await sampled(service)).extension.state is ExtensionState.READY


async def test_long_texts_are_whole_in_the_detail(counting: PostgresCluster, tmp_path: Path) -> None:
    """A text of a megabyte is not what every sample brings."""
    async with database(counting, "long") as session, service_of(counting, "long", tmp_path) as service:
        words = " ".join(f"word {n:06}" for n in range(100_000))
        await session.execute(f"SELECT 1 AS long /* {words} */")
        snapshot = await sampled(service)
        long = there(service, snapshot, "AS long")
        assert long.text is not None
        assert len(long.text) == 1000
        detail = await service.detail(long, snapshot)
        assert detail.text is not None
        assert len(detail.text) > 1_000_000
        requests = await service.find(long.key.query_id)
        assert (requests[0].text, requests[0].database) == (detail.text, "long")
        with pytest.raises(BadInput, match="no statement 1;"):
            await service.find(1)


async def test_resetting_one_and_all(counting: PostgresCluster, tmp_path: Path) -> None:
    async with (
        database(counting, "forgotten") as session,
        service_of(counting, "forgotten", tmp_path) as service,
    ):
        for _ in range(2):
            await session.fetch("SELECT 1 AS one")
            await session.fetch("SELECT 1 AS one, 2 AS two")
        snapshot = await sampled(service)
        one = next(s for s in service.select(snapshot).statements if (s.text or "").endswith("AS one"))
        operation = service.reset_operation(one, snapshot)
        assert operation.object_name == f"statement {one.key.query_id}"
        assert "2 calls" in operation.consequences[0]
        outcome = await service.reset(operation, one, snapshot)
        assert outcome.done
        snapshot = await sampled(service)
        left = [s.text for s in service.select(snapshot).statements if s.database == "forgotten"]
        assert not any((text or "").endswith("AS one") for text in left)
        assert any("AS two" in (text or "") for text in left)
        outcome = await service.reset(service.reset_operation(None, snapshot), None, snapshot)
        snapshot = await sampled(service)
        assert not any("AS two" in (s.text or "") for s in service.select(snapshot).statements)
        lines = (tmp_path / "audit.jsonl").read_text().splitlines()
        assert len(lines) == 2
        assert "pg_stat_statements_reset(0, 0, 0)" in lines[1]


async def test_resetting_is_not_for_everybody(counting: PostgresCluster, tmp_path: Path) -> None:
    async with database(counting, "kept"), service_of(counting, "kept", tmp_path, "plain") as service:
        snapshot = await sampled(service)
        outcome = await service.reset(service.reset_operation(None, snapshot), None, snapshot)
        assert not outcome.done
        assert "permission denied" in outcome.sentence


def test_figures_are_in_the_order_of_every_query() -> None:
    for name in READ_AS.values():
        text = query(name, 18)
        places = [text.index(f" AS {field}") for field in Figures._fields]
        assert places == sorted(places), name


async def test_passwords_are_not_shown(counting: PostgresCluster, tmp_path: Path) -> None:
    """PostgreSQL keeps utility statements as they came."""
    async with database(counting, "hush") as session, service_of(counting, "hush", tmp_path) as service:
        await session.execute("ALTER ROLE plain VALID UNTIL 'infinity' PASSWORD 'it''s s3cret'")
        try:
            snapshot = await sampled(service)
            shown = there(service, snapshot, "VALID UNTIL")
            assert shown.text == "ALTER ROLE plain VALID UNTIL 'infinity' PASSWORD '********'"
            detail = await service.detail(shown, snapshot)
            requests = await service.find(shown.key.query_id)
            assert "s3cret" not in f"{detail}{requests}"
        finally:
            await session.execute(f"ALTER ROLE plain PASSWORD '{counting.password}'")


async def test_what_nobody_counts_is_not_shown_as_nothing(
    counting_18: PostgresCluster, tmp_path: Path
) -> None:
    async with database(counting_18, "uncounted") as session:
        await session.execute("ALTER DATABASE uncounted SET track_io_timing = off")
        async with service_of(counting_18, "uncounted", tmp_path) as service:
            await session.fetch("SELECT 1 AS counted")
            snapshot = await sampled(service)
            assert (snapshot.track_io_timing, snapshot.track_planning) == (False, False)
            figures = there(service, snapshot, "AS counted").figures
            assert (figures.plans, figures.planning, figures.io_time) == (None, None, None)


async def test_the_driver_asks_nothing_of_its_own(counting: PostgresCluster, tmp_path: Path) -> None:
    """What asyncpg asks about types is nobody's statement that a person would look for."""
    async with database(counting, "quiet"), service_of(counting, "quiet", tmp_path) as service:
        for _ in range(3):
            snapshot = await sampled(service)
        texts = [s.text or "" for s in service.select(snapshot).statements if s.database == "quiet"]
        assert not [text for text in texts if "typeinfo" in text or "set_config" in text]


async def test_what_is_hidden_is_shown_however_fast_it_is(counting: PostgresCluster, tmp_path: Path) -> None:
    """Of many statements that are one row the mean says nothing."""
    async with database(counting, "merged") as session:
        for _ in range(3):
            await session.fetch("SELECT 1 AS fast")
        async with service_of(counting, "merged", tmp_path, "plain") as service:
            service.view = StatementsView(min_mean=3600.0, kind=StatementKind.DELETE)
            rows = service.select(await sampled(service)).statements
            assert {(s.user, s.is_hidden) for s in rows if s.database == "merged"} == {("postgres", True)}
