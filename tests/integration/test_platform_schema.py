"""The migrations of the platform schema: they build what is declared, and undo all that they did and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text

from console.data.schema import metadata
from console.data.schema.types import Embedding, Geometry, is_compared, needs_trigrams, types_differ
from tests.platform_schema import DECLARED, Database, config, database, script
from tests.postgres import PostgresCluster

SCRIPTS = ScriptDirectory.from_config(config())
OLDEST_FIRST = list(reversed(list(SCRIPTS.walk_revisions())))
BRANCHES = {
    "core": "arxos_core",
    "gus": "arxos_gus",
    "cad": "arxos_cad",
    "sync": "arxos_sync",
    "gaia": "gaia",
    "collex": "collex",
    "assist": "assist",
    "commerce": "commerce",
    "ai": "ai",
    "blockchain": "blockchain",
    "analytics": "analytics",
}
"""Each branch and its schema."""

COLUMN_TYPES = {"postgis": "geometry", "vector": "vector", "pg_trgm": "gtrgm"}
"""The extensions that the schema uses where it can, and a type of each."""


@pytest.fixture
async def empty(postgres: PostgresCluster) -> AsyncIterator[Database]:
    """A database with nothing in it, on the newest server: pgvector, no PostGIS."""
    async with database(postgres) as made:
        yield made


@pytest.fixture
async def plain(postgres: PostgresCluster) -> AsyncIterator[Database]:
    """A database that belongs to a role that may do nothing else."""
    async with database(postgres, "plain") as made:
        yield made


@pytest.fixture(params=["postgis", "postgres"])
async def either(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """An empty database where PostGIS is, then one where pgvector is."""
    async with database(request.getfixturevalue(request.param)) as made:
        yield made


async def available(database: Database) -> set[str]:
    """Which of the extensions that the schema uses this server has."""
    rows = await database.run(
        "SELECT name FROM pg_available_extensions WHERE name = ANY($1)", list(COLUMN_TYPES)
    )
    assert rows
    return {row["name"] for row in rows}


def tables(schema: str) -> set[str]:
    return {table.name for table in metadata.tables.values() if table.schema == schema}


def differences(connection: Connection) -> list[Any]:
    """What Alembic finds between the database and the declared tables, apart from what is not ours."""
    context = MigrationContext.configure(
        connection,
        opts={
            "include_schemas": True,
            "include_name": lambda name, kind, _parents: kind != "schema" or name in BRANCHES.values(),
            "include_object": is_compared,
            "compare_type": types_differ,
            "compare_server_default": True,
        },
    )
    found: list[Any] = compare_metadata(context, metadata)
    return found


def declared(extensions: set[str]) -> MetaData:
    """The declared tables as a server that has these extensions would get them."""
    copy = MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        for column in table.to_metadata(copy).columns:
            if isinstance(column.type, Geometry | Embedding) and column.type.extension not in extensions:
                column.type = column.type.substitute
        if "pg_trgm" not in extensions:
            made = copy.tables[table.key].indexes
            made -= {index for index in made if needs_trigrams(index)}
    return copy


async def test_up_down_and_up_again_leaves_no_trace(either: Database) -> None:
    await either.ensure_version()
    before, rows_before = await either.catalogue(), await either.counts()
    await either.upgrade()
    built = await either.catalogue()
    await either.downgrade()
    assert await either.catalogue() == before
    assert await either.counts() == rows_before
    await either.upgrade()
    assert await either.catalogue() == built


async def test_a_role_that_only_owns_its_database_needs_nobody(plain: Database) -> None:
    await plain.ensure_version()
    before, rows_before = await plain.catalogue(), await plain.counts()
    await plain.upgrade()
    assert len(await plain.run("TABLE arxos_core.users")) == 0
    await plain.downgrade()
    assert await plain.catalogue() == before
    assert await plain.counts() == rows_before


async def test_a_role_that_may_not_create_an_extension_does_without(postgis: PostgresCluster) -> None:
    async with database(postgis, "plain") as made:
        await made.upgrade("cad@head")
        assert await type_of(made, "arxos_cad.objects", "geometry") == "point"


async def test_a_run_inside_a_transaction_can_be_rolled_back(empty: Database) -> None:
    before, rows_before = await empty.catalogue(), await empty.counts()

    def rehearse(connection: Connection) -> None:
        with connection.begin() as transaction:
            command.upgrade(config(connection=connection), "heads")
            assert connection.scalar(text("SELECT count(*) FROM arxos_core.users")) == 0
            transaction.rollback()

    await empty.within(rehearse)
    assert await empty.catalogue() == before
    assert await empty.counts() == rows_before


async def test_what_was_there_before_stays(either: Database) -> None:
    """Extensions, schemas of the same names with tables of others, and their rows."""
    await either.ensure_version()
    for extension in await available(either):
        await either.run(f"CREATE EXTENSION {extension}")
    await either.run("CREATE SCHEMA gaia")
    await either.run("CREATE SCHEMA analytics")
    await either.run("COMMENT ON SCHEMA analytics IS 'ours since 2019'")
    await either.run("CREATE TABLE gaia.planets (name text PRIMARY KEY)")
    await either.run("INSERT INTO gaia.planets VALUES ('Earth'), ('Mars')")
    await either.run("CREATE TABLE public.users (id int PRIMARY KEY)")
    before, rows_before = await either.catalogue(), await either.counts()
    await either.upgrade()
    await either.downgrade()
    assert await either.catalogue() == before
    assert await either.counts() == rows_before
    assert [row["name"] for row in await either.run("TABLE gaia.planets")] == ["Earth", "Mars"]


async def test_what_others_put_there_since_stays(either: Database) -> None:
    """A downgrade drops no schema and no extension that others have come to use, and none of their tables."""
    extensions = await available(either)
    await either.upgrade()
    columns = ", ".join(f"{name} {COLUMN_TYPES[name]}" for name in extensions)
    await either.run(f"CREATE TABLE ai.theirs ({columns})")
    await either.run("INSERT INTO ai.theirs DEFAULT VALUES")
    await either.downgrade()
    assert len(await either.run("TABLE ai.theirs")) == 1
    catalogue = await either.catalogue("schemas")
    assert {row.split(",")[0] for row in catalogue["schemas"]} == {"(public", "(ai"}
    kept = await either.run(
        "SELECT name, obj_description(e.oid, 'pg_extension') = comment AS as_ever"
        " FROM pg_extension e JOIN pg_available_extensions ON name = extname WHERE extname <> 'plpgsql'"
    )
    assert {tuple(row) for row in kept} == {(name, True) for name in extensions}


async def test_a_downgrade_refuses_to_break_what_others_built_on_it(empty: Database) -> None:
    await empty.upgrade("core@head")
    await empty.run("CREATE VIEW public.people AS SELECT id, email FROM arxos_core.users")
    with pytest.raises(Exception, match=r"cannot drop table arxos_core\.users"):
        await empty.downgrade("core@core_0002", "core@base")
    assert await empty.run("SELECT version_num FROM alembic_version") == [("core_0001",)]
    assert await empty.run("TABLE public.people") == []


async def test_every_revision_can_be_taken_back_by_itself(empty: Database) -> None:
    await empty.ensure_version()
    after = await empty.catalogue()
    for revision in OLDEST_FIRST:
        before = after
        [branch] = revision.branch_labels
        await empty.upgrade(revision.revision)
        after = await empty.catalogue()
        assert after != before
        await empty.downgrade(f"{branch}@{revision.down_revision or 'base'}")
        assert await empty.catalogue() == before, revision.revision
        await empty.upgrade(revision.revision)
        assert await empty.catalogue() == after, revision.revision


async def test_every_branch_can_be_had_alone(empty: Database) -> None:
    for branch, schema in BRANCHES.items():
        await empty.upgrade(f"{branch}@head")
        rows = await empty.run(
            "SELECT schemaname, array_agg(tablename::text) AS tables FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'public') GROUP BY 1"
        )
        found = {row["schemaname"]: set(row["tables"]) for row in rows}
        assert found == {name: tables(name) for name in {"arxos_core", schema}}
        await empty.downgrade()


async def test_the_script_does_what_the_run_does(either: Database) -> None:
    """In both directions, on a server with the extensions that the script was written for."""
    extensions = await available(either)
    async with database(either.cluster) as scripted:
        await either.upgrade(extensions=extensions)
        psql(scripted, script("upgrade", [], "heads", extensions))
        assert await scripted.catalogue() == await either.catalogue()
        stands = [
            row["version_num"]
            for row in await scripted.run("SELECT version_num FROM alembic_version ORDER BY 1")
        ]
        assert stands == [
            row["version_num"]
            for row in await either.run("SELECT version_num FROM alembic_version ORDER BY 1")
        ]
        await either.downgrade()
        psql(scripted, script("downgrade", stands, "base", extensions))
        assert await scripted.catalogue() == await either.catalogue()
        assert await scripted.run("TABLE alembic_version") == []


@pytest.mark.parametrize("extensions", [set(), {"vector"}])
async def test_the_extensions_that_are_given_decide(empty: Database, extensions: set[str]) -> None:
    await empty.upgrade(extensions=extensions)
    assert await type_of(empty, "arxos_cad.objects", "geometry") == "point"
    expected = "vector(1536)" if extensions else "real[]"
    assert await type_of(empty, "arxos_gus.knowledge_base", "embedding_vector") == expected
    assert await empty.within(differences) == []


async def test_the_server_decides_when_nothing_is_given(either: Database) -> None:
    await either.upgrade("cad@head", "gus@head")
    extensions = await available(either)
    geometry = await type_of(either, "arxos_cad.objects", "geometry")
    embedding = await type_of(either, "arxos_gus.knowledge_base", "embedding_vector")
    assert geometry == ("geometry(Point,4326)" if "postgis" in extensions else "point")
    assert embedding == ("vector(1536)" if "vector" in extensions else "real[]")


async def test_the_declared_tables_are_those_that_were_migrated(either: Database) -> None:
    extensions = await available(either)
    await either.upgrade(extensions=extensions)
    assert await either.within(differences) == []
    async with database(either.cluster) as created:
        for schema in BRANCHES.values():
            await created.run(f"CREATE SCHEMA {schema}")
        for extension in extensions:
            await created.run(f"CREATE EXTENSION {extension}")

        def create(connection: Connection) -> None:
            declared(extensions).create_all(connection)
            connection.commit()

        await created.within(create)
        # What no table declares.
        await either.run("DROP MATERIALIZED VIEW analytics.daily_stats")
        await either.run("DROP TABLE alembic_version")
        assert await either.catalogue(*DECLARED) == await created.catalogue(*DECLARED)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE arxos_gus.knowledge_base ALTER embedding_vector TYPE text",
        "ALTER TABLE arxos_core.users ALTER status SET DEFAULT 'new'",
        "ALTER TABLE arxos_core.api_keys DROP replaced_by",
        "DROP INDEX arxos_core.idx_users_email",
        "DROP INDEX arxos_core.idx_users_listed",
        "CREATE TABLE ai.more (id int)",
    ],
)
async def test_a_difference_is_found(empty: Database, change: str) -> None:
    await empty.upgrade()
    assert await empty.within(differences) == []
    await empty.run(change)
    assert await empty.within(differences) != []


async def test_documents_foreign_keys_and_update_times_are_looked_after(empty: Database) -> None:
    """GIN behind what is searched, an index behind every reference, a trigger behind every `updated_at`."""
    await empty.upgrade()
    without_index = await empty.run(
        "SELECT conrelid::regclass::text AS name, conkey FROM pg_constraint k"
        " WHERE contype = 'f' AND NOT EXISTS (SELECT FROM pg_index i"
        " WHERE i.indrelid = k.conrelid AND i.indkey[0] = k.conkey[1] AND i.indpred IS NULL)"
    )
    assert without_index == []
    without_trigger = await empty.run(
        "SELECT attrelid::regclass::text AS name FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
        " WHERE attname = 'updated_at' AND relkind = 'r' AND NOT EXISTS (SELECT FROM pg_trigger t"
        " WHERE t.tgrelid = attrelid AND t.tgfoid = 'arxos_core.touch_updated_at()'::regprocedure)"
    )
    assert without_trigger == []
    without_gin = await empty.run(
        "SELECT attrelid::regclass::text || '.' || attname AS name"
        " FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid"
        " WHERE atttypid = 'jsonb'::regtype AND relkind = 'r' AND relnamespace >= 16384"
        " AND NOT EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = indexrelid"
        " JOIN pg_am m ON m.oid = x.relam WHERE indrelid = attrelid AND indkey[0] = attnum AND amname = 'gin')"
    )
    assert {row["name"] for row in without_gin} == {
        # Read as a whole by those who know the row, never searched.
        "arxos_gus.sessions.conversation_history",
        "arxos_sync.sessions.changes",
        "arxos_sync.conflicts.resolution",
        "assist.agent_states.state_data",
    }
    without_zone = await empty.run(
        "SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
        " WHERE atttypid = 'timestamp'::regtype AND relkind = 'r' AND relnamespace >= 16384"
    )
    assert without_zone == []


async def test_a_change_touches_updated_at(empty: Database) -> None:
    await empty.upgrade("core@head")
    await empty.run(
        "INSERT INTO arxos_core.users (email, updated_at) VALUES ('ann@example.org', '2020-01-01')"
    )
    await empty.run("UPDATE arxos_core.users SET name = 'Ann', updated_at = '2020-01-02'")
    touched = await empty.run(
        "SELECT updated_at > now() - interval '1 minute' AS recent FROM arxos_core.users"
    )
    assert [row["recent"] for row in touched] == [True]


async def test_an_identity_is_unique_whatever_its_case_until_it_is_deleted(empty: Database) -> None:
    await empty.upgrade("core@head")
    insert = "INSERT INTO arxos_core.users (email, username) VALUES ($1, $2)"
    await empty.run(insert, "ann@example.org", "ann")
    with pytest.raises(asyncpg.UniqueViolationError, match="idx_users_email"):
        await empty.run(insert, "Ann@Example.org", "another")
    with pytest.raises(asyncpg.UniqueViolationError, match="idx_users_username"):
        await empty.run(insert, "another@example.org", "ANN")
    await empty.run("UPDATE arxos_core.users SET deleted_at = now()")
    await empty.run(insert, "Ann@Example.org", "ANN")
    with pytest.raises(asyncpg.CheckViolationError, match="users_reachable_check"):
        await empty.run(insert, None, "nobody")


async def test_a_key_is_kept_as_the_hash_of_it(empty: Database) -> None:
    await empty.upgrade("core@head")
    await empty.run("INSERT INTO arxos_core.users (email) VALUES ('ann@example.org')")
    insert = "INSERT INTO arxos_core.api_keys (user_id, key_hash) SELECT id, {} FROM arxos_core.users"
    await empty.run(insert.format("encode(sha256('a-key'), 'hex')"))
    with pytest.raises(asyncpg.CheckViolationError, match="api_keys_key_hash_check"):
        await empty.run(insert.format("'a-key'"))


async def test_what_has_expired_is_cleaned_up(empty: Database) -> None:
    await empty.upgrade("ai@head")
    await empty.run(
        "INSERT INTO ai.cache_entries (key, response, expires_at)"
        " SELECT 'entry ' || hour, '', now() + make_interval(hours => hour) FROM generate_series(-3, 2) AS hour"
    )
    removed = await empty.run("SELECT ai.cleanup_expired_cache() AS count")
    assert [row["count"] for row in removed] == [4]
    assert len(await empty.run("TABLE ai.cache_entries")) == 2


async def test_the_figures_of_a_day_are_refreshed(plain: Database) -> None:
    await plain.upgrade("analytics@head")
    await plain.run(
        "INSERT INTO analytics.metrics (name, value, recorded_at)"
        " SELECT 'latency', value, '2026-03-01 23:30+00' FROM generate_series(1, 100) AS value"
    )
    await plain.run(
        "INSERT INTO analytics.metrics VALUES (DEFAULT, 'latency', 7, DEFAULT, '2026-03-02 00:30+00')"
    )
    for _ in range(2):
        await plain.run("SELECT analytics.refresh_daily_stats()")
    days = await plain.run(
        "SELECT day::text, name, samples, total, average, minimum, maximum, p95"
        " FROM analytics.daily_stats ORDER BY day"
    )
    assert [tuple(day) for day in days] == [
        ("2026-03-01", "latency", 100, 5050.0, 50.5, 1.0, 100.0, pytest.approx(95.05)),
        ("2026-03-02", "latency", 1, 7.0, 7.0, 7.0, 7.0, 7.0),
    ]


async def test_the_alembic_command_runs_in_a_checkout(plain: Database) -> None:
    """It finds the migrations by pyproject.toml and the database by DATABASE_URL, as URLs are often written."""
    url = plain.url.replace("postgresql://", "postgres://") + "?sslmode=prefer"
    run_alembic("upgrade", "heads", url=url)
    run_alembic("check", url=url)
    run_alembic("-x", f"url={plain.url}", "downgrade", "base", url="postgresql://nobody@localhost:1/")
    assert await plain.run("TABLE alembic_version") == []


def run_alembic(*arguments: str, url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


async def type_of(database: Database, table: str, column: str) -> str:
    rows = await database.run(
        "SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute"
        " WHERE attrelid = $1::text::regclass AND attname = $2",
        table,
        column,
    )
    return str(rows[0]["type"])


def psql(database: Database, statements: str) -> None:
    """Runs a script as a person would."""
    cluster = database.cluster
    done = cluster.programs.run(
        *("psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--command", statements),
        cluster.socket_url(database.user, database.name),
    )
    assert done.returncode == 0, done.stderr
