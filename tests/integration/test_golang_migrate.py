"""The table of golang-migrate is left as the program leaves it, also when a migration breaks off."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from console.errors import MigrationFailed, OperationRefused
from console.models.migrations import SourceKind
from tests.live import until
from tests.postgres import PostgresCluster
from tests.sql_pairs import COLLEX, DOWN, GOLANG, INDEX, NOTES, USERS, pairs_of


async def golang_migrate(connection: asyncpg.Connection[Any], version: int, script: str) -> None:
    """What the program does for one migration: dirty, the script in one message, clean."""

    async def set_version(dirty: bool) -> None:
        async with connection.transaction():
            await connection.execute('TRUNCATE "public"."schema_migrations"')
            if version >= 0 or dirty:
                await connection.execute(
                    'INSERT INTO "public"."schema_migrations" (version, dirty) VALUES ($1, $2)',
                    version,
                    dirty,
                )

    await connection.execute(
        'CREATE TABLE IF NOT EXISTS "public"."schema_migrations" (version bigint not null primary key, dirty boolean not null)'
    )
    await set_version(dirty=True)
    await connection.execute(script)
    await set_version(dirty=False)


async def test_goes_on_where_golang_migrate_stopped_and_the_other_way_round(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    async with pairs_of(postgres, tmp_path, GOLANG, USERS, NOTES, INDEX) as pairs:
        program = await postgres.connect(database=pairs.database)
        try:
            await golang_migrate(program, 1, USERS[0])
            assert await pairs.run(revisions=pairs.revisions[1:2], current=["001"]) == ("002",)
            assert await pairs.rows("SELECT * FROM schema_migrations") == [(2, False)]
            await golang_migrate(program, 3, INDEX[0])
            assert await pairs.run(DOWN, pairs.revisions[2:], current=["003"]) == ("002",)
            await golang_migrate(program, 1, NOTES[1])
            assert await pairs.run(DOWN, pairs.revisions[:1], current=["001"]) == ()
            assert await pairs.rows("SELECT * FROM schema_migrations") == []
            with pytest.raises(asyncpg.PostgresError):
                await golang_migrate(program, 1, "SELECT 1/0")
            engine = pairs.engine()
            async with pairs.opened(engine):
                assert await engine.current() == ("001",)
                with pytest.raises(OperationRefused, match="dirty at 1"):
                    await engine.apply(engine.order.revisions[0])
            assert await pairs.stamp() == ()
            assert await pairs.run(revisions=pairs.revisions[:1]) == ("001",)
        finally:
            await program.close()


async def test_a_version_that_no_file_has_is_current_all_the_same(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    async with pairs_of(postgres, tmp_path, GOLANG, USERS) as pairs:
        await pairs.run()
        await pairs.rows("UPDATE schema_migrations SET version = 20240101120000")
        engine = pairs.engine()
        async with pairs.opened(engine):
            assert await engine.current() == ("20240101120000",)


async def test_tables_stand_in_the_schema_that_the_source_names(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    async with pairs_of(postgres, tmp_path, GOLANG, USERS) as pairs:
        await pairs.rows('CREATE SCHEMA "Own things"')
        pairs.source = replace(pairs.source, version_schema="Own things", version_table="My migrations")
        assert await pairs.run() == ("001",)
        assert await pairs.rows('SELECT version FROM "Own things"."My migrations"') == [(1,)]
        assert await pairs.rows('SELECT history FROM "Own things".dbconsole_migrations') == [
            ("golang-migrate My migrations",)
        ]


# Outside a transaction --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [COLLEX, GOLANG])
async def test_a_lone_concurrent_statement_may_fail_and_leave_something(
    postgres: PostgresCluster, tmp_path: Path, kind: SourceKind
) -> None:
    table = ("CREATE TABLE twice (id int); INSERT INTO twice VALUES (1), (1);", None)
    index = ("CREATE UNIQUE INDEX CONCURRENTLY one ON twice (id);", None)
    async with pairs_of(postgres, tmp_path, kind, table, index) as pairs:
        steps, _ = await pairs.engine().plan()
        assert [step.is_atomic for step in steps] == [True, False]
        with pytest.raises(MigrationFailed, match="could not create unique index") as failure:
            await pairs.run()
        assert not failure.value.is_atomic
        assert await pairs.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'one'::regclass") == [
            (False,)
        ]
        assert await pairs.ledger() == [("001", "upgrade", True)]
        if kind is COLLEX:
            return
        assert "schema_migrations is dirty until it is stamped." in failure.value.sentence
        assert await pairs.rows("SELECT * FROM schema_migrations") == [(2, True)]
        with pytest.raises(OperationRefused, match=r"schema_migrations is dirty at 2: .* stamp"):
            await pairs.run(revisions=pairs.revisions[1:], current=["002"])
        await pairs.rows("DROP INDEX one")
        await pairs.rows("DELETE FROM twice WHERE ctid = '(0,1)'")
        assert await pairs.stamp(pairs.revisions[0]) == ("001",)
        assert await pairs.run(revisions=pairs.revisions[1:], current=["001"]) == ("002",)
        assert await pairs.rows("SELECT * FROM schema_migrations") == [(2, False)]


async def test_a_lone_concurrent_statement_waits_longer_for_locks_than_others(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    async with pairs_of(
        postgres, tmp_path, COLLEX, USERS, ("CREATE INDEX CONCURRENTLY i ON users (id);", None)
    ) as pairs:
        engine = pairs.engine()
        arguments = {**pairs.arguments, "server_settings": {"lock_timeout": "10ms"}}
        holder = await postgres.connect(database=pairs.database)
        try:
            async with engine.connected(arguments) as pid:
                await engine.prepare()
                await engine.apply(engine.order.revisions[0])
                async with holder.transaction():
                    await holder.execute("LOCK TABLE users IN ROW EXCLUSIVE MODE")
                    running = asyncio.create_task(engine.apply(engine.order.revisions[1]))

                    async def has_waited() -> bool:
                        found = await pairs.rows(
                            "SELECT waitstart < clock_timestamp() - interval '50 ms' FROM pg_locks "
                            "WHERE pid = $1 AND NOT granted",
                            pid,
                        )
                        return found == [(True,)]

                    await until(has_waited)
                await running
                assert await engine.current() == ("002",)
        finally:
            await holder.close()


async def test_an_undoing_outside_a_transaction_is_dirty_at_the_version_below(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    only = ("CREATE TABLE a (b int);", "DROP INDEX CONCURRENTLY no_such_index;")
    async with pairs_of(postgres, tmp_path, GOLANG, only) as pairs:
        await pairs.run()
        with pytest.raises(MigrationFailed, match="no_such_index"):
            await pairs.run(DOWN, current=["001"])
        assert await pairs.rows("SELECT * FROM schema_migrations") == [(-1, True)]
        with pytest.raises(OperationRefused, match="dirty at base"):
            await pairs.run()
        assert await pairs.stamp() == ()
        assert await pairs.rows("SELECT * FROM schema_migrations") == []
