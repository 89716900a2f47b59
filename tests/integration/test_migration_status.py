"""Where a database stands, as the files, its version table and the console's ledger say it."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from console.data.migrations import ledger
from console.data.migrations.service import MigrationsService
from console.data.migrations.sources import find_source
from console.data.migrations.status import NO_SOURCE, StatusReader
from console.data.migrations.worker.lock import APPLICATION_NAME, CLASS_ID, OBJECT_ID
from console.data.queries import query
from console.data.server import with_identifiers
from console.errors import OperationRefused
from console.models.migrations import MigrationStatus, RevisionState, Source, SourceKind
from console.settings import Settings
from tests.live import connected, until
from tests.postgres import Clusters, PostgresCluster, versions

APPLIED, PENDING, MISSING = RevisionState.APPLIED, RevisionState.PENDING, RevisionState.MISSING
EDITED, OUT_OF_ORDER, FAILED = RevisionState.EDITED, RevisionState.OUT_OF_ORDER, RevisionState.FAILED

VERSION_TABLE = "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)"
GOLANG_TABLE = "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)"
TABLES = {
    "migration_alembic_version": "alembic_version",
    "migration_golang_version": "schema_migrations",
    "migration_ledger": ledger.TABLE,
}
"""The queries that need a table, and an example of it."""
ROLES = ("postgres", "plain")


@dataclass
class Database:
    """A database of the test's own."""

    cluster: PostgresCluster
    name: str

    async def run(self, *statements: str, user: str = "postgres") -> None:
        for statement in statements:
            await self.cluster.run(statement, user=user, database=self.name)

    async def write(
        self,
        source: Source,
        revision: str,
        direction: str = "upgrade",
        *,
        done: bool = True,
        previous: Sequence[str] = (),
        checksum: str = "",
    ) -> None:
        """Writes into the ledger as the engines do."""
        insert = ledger.INSERT.format(table=ledger.table_of(source))
        problem = None if done else "ERROR: no"
        values = (revision, direction, done, list(previous), checksum, 0.31, "me@here", problem)
        await self.cluster.run(insert, ledger.history_of(source), *values, database=self.name)

    @asynccontextmanager
    async def reader(self, folder: Path, role: str = "postgres") -> AsyncIterator[StatusReader]:
        async with connected(self.cluster.url(role, self.name)) as server:
            yield StatusReader(server, partial(find_source, None, folder))

    async def status(self, folder: Path, role: str = "postgres") -> MigrationStatus:
        async with self.reader(folder, role) as reader:
            return await reader.sample()


@asynccontextmanager
async def own_database(cluster: PostgresCluster) -> AsyncIterator[Database]:
    name = f"status_{secrets.token_hex(4)}"
    await cluster.run(f"CREATE DATABASE {name}")
    try:
        yield Database(cluster, name)
    finally:
        await cluster.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(postgres: PostgresCluster) -> AsyncIterator[Database]:
    async with own_database(postgres) as made:
        yield made


def alembic_file(id_: str, *down: str, rest: str = "") -> str:
    return f'"""Revision {id_}"""\nrevision = {id_!r}\ndown_revision = {down}\n{rest}\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """aaaa ← bbbb ← cccc, and a branch dddd of its own that depends on aaaa."""
    versions = tmp_path / "migrations/versions"
    versions.mkdir(parents=True)
    (tmp_path / "migrations/env.py").touch()
    (versions / "a.py").write_text(alembic_file("aaaa", rest='branch_labels = "core"'))
    (versions / "b.py").write_text(alembic_file("bbbb", "aaaa"))
    (versions / "c.py").write_text(alembic_file("cccc", "bbbb"))
    (versions / "d.py").write_text(alembic_file("dddd", rest='branch_labels = "cad"\ndepends_on = "aaaa"'))
    return tmp_path


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    folder.mkdir()
    for version in ("001", "002", "003", "004"):
        (folder / f"{version}_step.sql").write_text(f"SELECT {version}")
        (folder / f"{version}_rollback.sql").write_text(f"SELECT -{version}")
    return tmp_path


@pytest.fixture
def golang(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    folder.mkdir()
    for version in ("8", "9", "10"):
        (folder / f"{version}_step.up.sql").write_text("SELECT 1")
        (folder / f"{version}_step.down.sql").write_text("SELECT 1")
    return tmp_path


def source_of(folder: Path) -> Source:
    source = find_source(None, folder)
    assert source is not None
    return source


def states(status: MigrationStatus) -> dict[str, RevisionState]:
    return {step.revision.id: step.state for step in status.steps}


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("role", ROLES)
async def test_a_database_that_nobody_migrated_yet(
    every_postgres: PostgresCluster, project: Path, role: str
) -> None:
    async with own_database(every_postgres) as database:
        status = await database.status(project, role)
    assert set(states(status).values()) == {PENDING}
    assert [step.revision.id for step in status.steps] == ["cccc", "bbbb", "dddd", "aaaa"]
    assert [step.branch for step in status.steps] == ["core", "core", "cad", "core"]
    assert [step.is_head for step in status.steps] == [True, False, True, False]
    assert (status.current, status.heads, status.pending) == ((), ("cccc", "dddd"), 4)
    assert (status.problem, status.ledger_problem, status.lock, status.invalid_indexes) == (
        None,
        None,
        None,
        (),
    )


@pytest.mark.parametrize("role", ROLES)
async def test_a_database_on_its_way_with_a_ledger(
    every_postgres: PostgresCluster, project: Path, role: str
) -> None:
    source = source_of(project)
    async with own_database(every_postgres) as database:
        await database.run(
            VERSION_TABLE,
            "INSERT INTO alembic_version VALUES ('bbbb')",
            ledger.CREATE.format(table=ledger.table_of(source)),
            "GRANT SELECT ON alembic_version, dbconsole_migrations TO plain",
        )
        await database.write(source, "bbbb", done=False, previous=["aaaa"])
        await database.write(
            source, "bbbb", previous=["aaaa"], checksum=checksum(source.version_directories[0] / "b.py")
        )
        status = await database.status(project, role)
    assert states(status) == {"cccc": PENDING, "bbbb": APPLIED, "dddd": PENDING, "aaaa": APPLIED}
    bbbb = next(step for step in status.steps if step.revision.id == "bbbb")
    assert bbbb.is_current
    assert bbbb.entry is not None
    assert (bbbb.entry.role, bbbb.entry.person, bbbb.entry.seconds) == ("postgres", "me@here", 0.31)
    assert status.current == ("bbbb",)
    assert status.server_ms > 0


async def test_what_is_known_of_one_sample_is_not_asked_again(database: Database, project: Path) -> None:
    source = source_of(project)
    await database.run(
        VERSION_TABLE,
        "INSERT INTO alembic_version VALUES ('aaaa')",
        ledger.CREATE.format(table=ledger.table_of(source)),
    )
    await database.write(source, "aaaa")
    async with database.reader(project) as reader:
        first, second = await reader.sample(), await reader.sample()
        assert second.steps is first.steps
        await database.run("UPDATE alembic_version SET version_num = 'bbbb'")
        await database.write(source, "bbbb", previous=["aaaa"])
        third = await reader.sample()
        assert states(third)["bbbb"] is APPLIED
        assert [step.revision.id for step in third.steps if step.entry] == ["bbbb", "aaaa"]
        (source.version_directories[0] / "e.py").write_text(alembic_file("eeee", "cccc"))
        assert states(await reader.sample())["eeee"] is PENDING
        await database.run("DROP TABLE dbconsole_migrations")
        assert [step for step in (await reader.sample()).steps if step.entry] == []


async def test_edited_failed_and_rolled_back(database: Database, project: Path) -> None:
    source = source_of(project)
    await database.run(
        VERSION_TABLE,
        "INSERT INTO alembic_version VALUES ('aaaa')",
        ledger.CREATE.format(table=ledger.table_of(source)),
    )
    await database.write(source, "aaaa", checksum="before it was edited")
    await database.write(source, "bbbb", previous=["aaaa"])
    await database.write(source, "bbbb", "downgrade", previous=["aaaa"])
    await database.write(source, "dddd", done=False)
    status = await database.status(project)
    assert states(status) == {"cccc": PENDING, "bbbb": PENDING, "dddd": FAILED, "aaaa": EDITED}
    entries = {step.revision.id: step.entry for step in status.steps}
    assert (bbbb := entries["bbbb"]) is not None
    assert bbbb.direction == "downgrade"
    assert (dddd := entries["dddd"]) is not None
    assert dddd.problem == "ERROR: no"
    assert status.pending == 3


async def test_a_revision_that_slipped_in_below_what_the_database_has(
    database: Database, project: Path
) -> None:
    source = source_of(project)
    await database.run(
        VERSION_TABLE,
        "INSERT INTO alembic_version VALUES ('cccc')",
        ledger.CREATE.format(table=ledger.table_of(source)),
    )
    await database.write(source, "cccc", previous=["aaaa"])
    assert states(await database.status(project))["bbbb"] is OUT_OF_ORDER
    await database.write(source, "bbbb", "stamp", previous=["aaaa"])
    assert states(await database.status(project))["bbbb"] is APPLIED


async def test_a_revision_that_no_file_knows(database: Database, project: Path) -> None:
    await database.run(VERSION_TABLE, "INSERT INTO alembic_version VALUES ('f00d')")
    status = await database.status(project)
    assert (status.steps[0].revision.id, status.steps[0].state) == ("f00d", MISSING)
    assert status.steps[0].revision.path is None
    assert status.problem is not None
    assert status.problem.startswith("The database stands at f00d, which no file describes")


async def test_a_revision_without_file_that_the_ledger_knows(database: Database, project: Path) -> None:
    """The one that it followed is known from there, and so what is applied."""
    source = source_of(project)
    await database.run(
        VERSION_TABLE,
        "INSERT INTO alembic_version VALUES ('f00d')",
        ledger.CREATE.format(table=ledger.table_of(source)),
    )
    await database.write(source, "f00d", previous=["bbbb"])
    status = await database.status(project)
    assert states(status) == {
        "f00d": MISSING,
        "cccc": PENDING,
        "bbbb": APPLIED,
        "dddd": PENDING,
        "aaaa": APPLIED,
    }
    assert status.steps[0].revision.down == ("bbbb",)
    assert status.problem is None


async def test_a_version_table_in_a_schema_of_its_own(database: Database, project: Path) -> None:
    (project / "migrations/env.py").write_text('configure(version_table="v", version_table_schema="Ops")')
    await database.run('CREATE SCHEMA "Ops"', VERSION_TABLE.replace("alembic_version", '"Ops".v'))
    await database.run("INSERT INTO \"Ops\".v VALUES ('aaaa')")
    assert (await database.status(project)).current == ("aaaa",)
    denied = await database.status(project, "plain")
    assert denied.problem is not None
    assert denied.problem.endswith('GRANT USAGE ON SCHEMA "Ops" TO plain; GRANT SELECT ON "Ops".v TO plain;')


async def test_tables_that_may_not_be_read(database: Database, project: Path) -> None:
    source = source_of(project)
    await database.run(
        VERSION_TABLE,
        "INSERT INTO alembic_version VALUES ('aaaa')",
        ledger.CREATE.format(table=ledger.table_of(source)),
    )
    async with database.reader(project, "plain") as reader:
        denied = await reader.sample()
        assert denied.steps == ()
        for problem, table in (
            (denied.problem, "public.alembic_version"),
            (denied.ledger_problem, "public.dbconsole_migrations"),
        ):
            assert problem is not None
            assert problem.endswith(f"GRANT SELECT ON {table} TO plain;")
            await database.run(*re.findall(r"GRANT [^;]+", problem))
        status = await reader.sample()
        assert (status.problem, status.ledger_problem, status.current) == (None, None, ("aaaa",))


async def test_tables_of_somebody_elses_by_these_names(database: Database, project: Path) -> None:
    await database.run("CREATE TABLE alembic_version (x int)", "CREATE TABLE dbconsole_migrations (x int)")
    status = await database.status(project)
    assert status.problem is not None
    assert status.problem.startswith("alembic_version is no version table: The server says: ")
    assert status.ledger_problem is not None
    assert status.ledger_problem.startswith(
        "dbconsole_migrations is no ledger of the console: The server says: "
    )


async def test_directories_that_cannot_be_used(database: Database, project: Path, tmp_path: Path) -> None:
    nowhere = await database.status(tmp_path / "nowhere")
    assert (nowhere.source, nowhere.problem, nowhere.steps) == (None, NO_SOURCE, ())
    (project / "alembic.ini").write_text("[alembic]\nscript_location = elsewhere\n")
    assert "where there is no env.py" in str((await database.status(project)).problem)
    (project / "alembic.ini").unlink()
    (project / "migrations/versions/x.py").write_text(alembic_file("xxxx", "yyyy"))
    (project / "migrations/versions/y.py").write_text(alembic_file("yyyy", "xxxx"))
    circle = await database.status(project)
    assert circle.problem == "Some revisions stand on each other in a circle (among xxxx, yyyy)."
    (project / "migrations/versions/y.py").write_text("revision = what()\n")
    partly = await database.status(project)
    assert partly.problem is not None
    assert partly.problem.startswith("y.py, line 1: revision is no literal")
    assert len(partly.steps) == 5


# SQL pairs ----------------------------------------------------------------------------------------------------------


async def test_sql_pairs_by_their_ledger(database: Database, pairs: Path) -> None:
    source = source_of(pairs)
    assert source.kind is SourceKind.SQL_PAIRS
    assert set(states(await database.status(pairs)).values()) == {PENDING}
    await database.run(ledger.CREATE.format(table=ledger.table_of(source)))
    await database.write(source, "001")
    await database.write(source, "003", previous=["002"])
    await database.write(source, "004", done=False, previous=["003"])
    status = await database.status(pairs)
    assert states(status) == {"004": FAILED, "003": APPLIED, "002": OUT_OF_ORDER, "001": APPLIED}
    assert (status.current, status.pending) == (("003",), 2)
    (pairs / "migrations/003_step.sql").unlink()
    (pairs / "migrations/003_rollback.sql").unlink()
    assert states(await database.status(pairs))["003"] is MISSING
    denied = await database.status(pairs, "plain")
    assert denied.steps == ()
    assert "GRANT SELECT ON public.dbconsole_migrations TO plain;" in str(denied.problem)


async def test_golang_migrates_table(database: Database, golang: Path) -> None:
    await database.run(GOLANG_TABLE)
    async with database.reader(golang) as reader:
        assert set(states(await reader.sample()).values()) == {PENDING}
        await database.run("INSERT INTO schema_migrations VALUES (9, false)")
        status = await reader.sample()
        assert [(step.revision.id, step.state) for step in status.steps] == [
            ("10", PENDING),
            ("9", APPLIED),
            ("8", APPLIED),
        ]
        await database.run("UPDATE schema_migrations SET version = 10, dirty = true")
        assert states(await reader.sample()) == {"10": FAILED, "9": APPLIED, "8": APPLIED}
        await database.run("UPDATE schema_migrations SET version = 11, dirty = false")
        assert states(await reader.sample()) == {"11": MISSING, "10": APPLIED, "9": APPLIED, "8": APPLIED}


async def test_what_slipped_in_below_golangs_version_is_not_run(database: Database, golang: Path) -> None:
    source = source_of(golang)
    await database.run(
        GOLANG_TABLE,
        "INSERT INTO schema_migrations VALUES (10, false)",
        ledger.CREATE.format(table=ledger.table_of(source)),
    )
    await database.write(source, "8")
    await database.write(source, "10", previous=["8"])
    async with connected(database.cluster.url("postgres", database.name)) as server:
        service = MigrationsService(server, Settings(), directory=golang)
        status = await service.sample()
        assert states(status) == {"10": APPLIED, "9": OUT_OF_ORDER, "8": APPLIED}
        with pytest.raises(OperationRefused, match="takes 9 for applied"):
            await service.plan_of(status, "9")


# Who migrates, and what was left ------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
async def test_who_holds_the_lock(every_postgres: PostgresCluster, project: Path, role: str) -> None:
    async with own_database(every_postgres) as database:
        other = await asyncpg.connect(
            every_postgres.url(database="postgres"), server_settings={"application_name": APPLICATION_NAME}
        )
        holder = await asyncpg.connect(
            every_postgres.url(database=database.name), server_settings={"application_name": APPLICATION_NAME}
        )
        try:
            await other.execute("SELECT pg_advisory_lock($1, $2)", CLASS_ID, OBJECT_ID)
            async with database.reader(project, role) as reader:
                assert (await reader.sample()).lock is None, "that is another database's"
                await holder.execute("SELECT pg_advisory_lock($1, $2)", CLASS_ID, OBJECT_ID)
                lock = (await reader.sample()).lock
                assert lock is not None
                assert (lock.pid, lock.role) == (holder.get_server_pid(), "postgres")
                assert lock.application == APPLICATION_NAME
                assert (lock.client, lock.since is not None) == (
                    ("127.0.0.1", True) if role == "postgres" else ("", False)
                )
                await holder.close()

                async def is_free() -> bool:
                    return (await reader.sample()).lock is None

                await until(is_free)
        finally:
            await holder.close()
            await other.close()


async def test_an_index_that_a_failed_build_left(every_postgres: PostgresCluster, project: Path) -> None:
    async with own_database(every_postgres) as database:
        await database.run('CREATE TABLE "T" (x int)', 'INSERT INTO "T" VALUES (1), (1)')
        build = 'CREATE UNIQUE INDEX CONCURRENTLY twice ON "T" (x)'
        with pytest.raises(asyncpg.UniqueViolationError):
            await database.run(build)
        await database.run(
            'CREATE INDEX x_ccnew1 ON "T" (x)',
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'x_ccnew1'::regclass",
        )
        reindexed, index = (await database.status(project, "plain")).invalid_indexes
        assert (index.schema, index.name, index.table) == ("public", "twice", 'public."T"')
        assert not index.is_transient
        assert not index.in_progress
        assert (reindexed.name, reindexed.is_transient, reindexed.size > 0) == ("x_ccnew1", True, True)


async def test_an_index_that_a_failed_build_left_is_seen_while_a_migration_waits_for_its_table(
    database: Database, project: Path
) -> None:
    await database.run("CREATE TABLE t (x int)", "INSERT INTO t VALUES (1), (1)")
    with pytest.raises(asyncpg.UniqueViolationError):
        await database.run("CREATE UNIQUE INDEX CONCURRENTLY twice ON t (x)")
    reading = await asyncpg.connect(database.cluster.url(database=database.name))
    altering = await asyncpg.connect(database.cluster.url(database=database.name))
    try:
        await reading.execute("BEGIN; SELECT x FROM t")
        alter = asyncio.create_task(altering.execute("ALTER TABLE t ADD COLUMN y int"))

        async def waits() -> bool:
            seen = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE pid = $1 AND NOT granted)"
            return bool(await reading.fetchval(seen, altering.get_server_pid()))

        await until(waits)
        async with asyncio.timeout(5):
            (index,) = (await database.status(project)).invalid_indexes
        assert index.name == "twice"
        assert not alter.done()
        await reading.execute("ROLLBACK")
        await alter
    finally:
        await reading.close()
        await altering.close()


async def test_an_index_that_is_being_built_is_not_called_left_behind(
    postgres: PostgresCluster, project: Path
) -> None:
    async with own_database(postgres) as database:
        await database.run("CREATE TABLE t (x int)")
        blocker = await asyncpg.connect(postgres.url(database=database.name))
        builder = await asyncpg.connect(postgres.url(database=database.name))
        try:
            await blocker.execute("BEGIN; INSERT INTO t VALUES (1)")
            build = asyncio.create_task(builder.execute("CREATE INDEX CONCURRENTLY slow ON t (x)"))
            for role in ROLES:
                async with database.reader(project, role) as reader:

                    async def is_seen(reader: StatusReader = reader) -> bool:
                        found = (await reader.sample()).invalid_indexes
                        return [(index.name, index.in_progress) for index in found] == [("slow", True)]

                    await until(is_seen)
            await blocker.execute("ROLLBACK")
            await build
            assert (await database.status(project)).invalid_indexes == ()
        finally:
            await blocker.close()
            await builder.close()


async def test_sampling_takes_no_lock_that_hurts(database: Database, project: Path) -> None:
    """What a person runs at that moment, even a DROP of the version table that waits, does not wait for the console."""
    source = source_of(project)
    await database.run(VERSION_TABLE, GOLANG_TABLE, ledger.CREATE.format(table=ledger.table_of(source)))
    asking = await asyncpg.connect(database.cluster.url(database=database.name))
    try:
        for name, table in TABLES.items():
            arguments = ("", 0) if table == ledger.TABLE else ()
            async with asking.transaction(readonly=True):
                text = with_identifiers(query(name, 18), {"schema": "public", "table": table})
                await asking.fetch(text, *arguments)
                locks = await asking.fetch(
                    "SELECT DISTINCT mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'"
                )
            assert [lock["mode"] for lock in locks] == ["AccessShareLock"], name
    finally:
        await asking.close()


async def test_a_standby_tells_where_it_stands(clusters: Clusters, project: Path) -> None:
    cluster = clusters.make(max(versions()))
    with cluster:
        await cluster.run(VERSION_TABLE)
        await cluster.run("INSERT INTO alembic_version VALUES ('aaaa')")
        cluster.stop()
        (cluster.data / "standby.signal").touch()
        cluster.start()
        async with connected(cluster.url()) as server:
            assert server.capabilities is not None
            assert server.capabilities.in_recovery
            status = await StatusReader(server, partial(find_source, None, project)).sample()
    assert (status.problem, status.current, status.pending) == (None, ("aaaa",), 3)
