"""SQL pairs run on real servers: all of a file or nothing, with its version and its entry in the ledger."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from console.data.audit import person
from console.data.migrations import ledger, runner, sql_files
from console.data.migrations.worker.engine import Order
from console.data.migrations.worker.protocol import Work
from console.data.migrations.worker.sql_pairs import SqlPairsEngine
from console.errors import BadMigrations, MigrationFailed, OperationRefused
from console.models.migrations import RunState, SourceKind
from tests.alembic_projects import ran, tables
from tests.live import until
from tests.postgres import PostgresCluster
from tests.sql_pairs import COLLEX, DOWN, GOLANG, INDEX, NOTES, UP, USERS, Told, pairs_of, write

# Up and down ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [COLLEX, GOLANG])
async def test_goes_up_down_and_up_again(
    every_postgres: PostgresCluster, tmp_path: Path, kind: SourceKind
) -> None:
    async with pairs_of(every_postgres, tmp_path, kind, USERS, NOTES, INDEX) as pairs:
        own = {ledger.TABLE} | ({"schema_migrations"} if kind is GOLANG else set())
        assert await pairs.run() == ("003",)
        assert await tables(every_postgres, pairs.database) == {"users", "notes"} | own
        assert await pairs.run(DOWN, pairs.revisions[:0:-1], current=["003"]) == ("001",)
        assert await tables(every_postgres, pairs.database) == {"users"} | own
        assert await pairs.run(DOWN, pairs.revisions[:1], current=["001"]) == ()
        assert await tables(every_postgres, pairs.database) == own
        assert await pairs.run() == ("003",)
        assert [entry[:2] for entry in await pairs.ledger()] == [
            *((version, "upgrade") for version in ("001", "002", "003")),
            *((version, "downgrade") for version in ("003", "002", "001")),
            *((version, "upgrade") for version in ("001", "002", "003")),
        ]


async def test_the_ledger_says_who_ran_what_from_which_file(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    async with pairs_of(postgres, tmp_path, COLLEX, USERS, ("SELECT pg_sleep(0.05);", None)) as pairs:
        await pairs.run()
        rows = await pairs.cluster.run(
            "SELECT * FROM dbconsole_migrations ORDER BY id", database=pairs.database
        )
        first, second = pairs.revisions
        assert [(row["revision"], row["previous"], row["checksum"]) for row in rows] == [
            ("001", [], first.checksum),
            ("002", ["001"], second.checksum),
        ]
        for row in rows:
            assert (row["history"], row["done"], row["problem"]) == ("sql pairs", True, None)
            assert (row["role"], row["person"]) == ("postgres", person())
        assert 0.05 <= rows[1]["seconds"] < 20
        assert rows[1]["started_at"] >= rows[0]["started_at"]


async def test_each_statement_is_told_of_and_they_are_those_of_the_plan(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    async with pairs_of(postgres, tmp_path, GOLANG, USERS, NOTES) as pairs:
        for direction, current in ((UP, []), (DOWN, ["002"])):
            engine = pairs.engine(direction, current=current)
            steps, remark = await engine.plan()
            assert remark is None
            assert all(step.is_atomic and step.is_possible and step.no_way_back is None for step in steps)
            told = Told()
            engine = SqlPairsEngine(engine.order, told)
            async with pairs.opened(engine):
                for step in steps:
                    await engine.apply(step.revision)
            assert told.statements == [statement.text for step in steps for statement in step.statements]
        assert told.statements == [
            "DROP TABLE notes",
            "UPDATE schema_migrations SET version = 1, dirty = false",
            "DROP TABLE users",
            "DELETE FROM schema_migrations",
        ]


async def test_a_file_s_settings_end_with_it(postgres: PostgresCluster, tmp_path: Path) -> None:
    role = "SET ROLE pg_monitor; SET search_path = pg_catalog; SET lock_timeout = '7min';"
    look = "CREATE TABLE seen AS SELECT current_user AS who, current_setting('lock_timeout') AS lock_timeout;"
    async with pairs_of(postgres, tmp_path, COLLEX, (role, None), (look, None)) as pairs:
        assert await pairs.run() == ("002",)
        assert await pairs.rows("SELECT * FROM public.seen") == [("postgres", "3s")]
        assert await pairs.rows("SELECT DISTINCT role FROM dbconsole_migrations") == [("postgres",)]


async def test_a_file_s_own_begin_and_commit_are_left_out(postgres: PostgresCluster, tmp_path: Path) -> None:
    wrapped = "BEGIN;\nCREATE TABLE a ();\nCOMMIT;\nbegin transaction; SELECT 1/0; end;"
    async with pairs_of(
        postgres, tmp_path, COLLEX, (wrapped, "START TRANSACTION; DROP TABLE a; COMMIT WORK;")
    ) as pairs:
        steps, remark = await pairs.engine().plan()
        assert [statement.text for statement in steps[0].statements] == ["CREATE TABLE a ()", "SELECT 1/0"]
        assert remark is not None
        assert "001_change.sql has BEGIN or COMMIT of its own" in remark
        with pytest.raises(MigrationFailed):
            await pairs.run()
        assert await tables(postgres, pairs.database) == {ledger.TABLE}


# Failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [COLLEX, GOLANG])
async def test_a_failure_in_the_middle_leaves_nothing_of_the_file(
    postgres: PostgresCluster, tmp_path: Path, kind: SourceKind
) -> None:
    broken = "-- Adds notes.\nCREATE TABLE notes (id int);\n\nINSERT INTO users\nVALUES (3),\n  (1);\n"
    async with pairs_of(postgres, tmp_path, kind, USERS, (broken, None)) as pairs:
        engine = pairs.engine()
        async with pairs.opened(engine):
            first, second = engine.order.revisions
            await engine.apply(first)
            with pytest.raises(MigrationFailed) as failure:
                await engine.apply(second)
            name = "002_change.sql" if kind is COLLEX else "002_change.up.sql"
            assert failure.value.sentence == (
                f"{name}, line 4: The server says: duplicate key value violates unique constraint "
                '"users_pkey"; Key (id)=(1) already exists.'
            )
            assert failure.value.statement == "INSERT INTO users\nVALUES (3),\n  (1)"
            assert (failure.value.sqlstate, failure.value.is_atomic) == ("23505", True)
            await engine.write_failure(second, failure.value.sentence, 0.5)
            assert await engine.current() == ("001",)
        assert "notes" not in await tables(postgres, pairs.database)
        assert await pairs.rows("SELECT count(*) FROM users") == [(2,)]
        assert await pairs.ledger() == [("001", "upgrade", True), ("002", "upgrade", False)]
        assert await pairs.rows("SELECT seconds, problem FROM dbconsole_migrations WHERE NOT done") == [
            (0.5, failure.value.sentence)
        ]


async def test_the_line_is_that_of_the_server_s_position(postgres: PostgresCluster, tmp_path: Path) -> None:
    broken = "SELECT 1;\n-- größer\nSELECT 2,\n  oops;\n"
    async with pairs_of(postgres, tmp_path, COLLEX, (broken, None)) as pairs:
        with pytest.raises(MigrationFailed, match=r'001_change\.sql, line 4: .*column "oops" does not exist'):
            await pairs.run()


async def test_what_fails_at_the_commit_is_rolled_back(postgres: PostgresCluster, tmp_path: Path) -> None:
    late = "CREATE TABLE a (b int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO a VALUES (1), (1);"
    async with pairs_of(postgres, tmp_path, GOLANG, (late, None)) as pairs:
        with pytest.raises(MigrationFailed, match="duplicate key"):
            await pairs.run()
        assert await pairs.rows("SELECT * FROM schema_migrations") == []
        assert "a" not in await tables(postgres, pairs.database)


async def test_a_lost_connection_leaves_nothing_and_is_told_of(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    slow = "CREATE TABLE a (); SELECT pg_sleep(600);"
    async with pairs_of(postgres, tmp_path, COLLEX, (slow, None)) as pairs:
        engine = pairs.engine()
        async with pairs.opened(engine) as pid:
            running = asyncio.create_task(engine.apply(engine.order.revisions[0]))

            async def sleeps() -> bool:
                return await pairs.rows(
                    "SELECT wait_event FROM pg_stat_activity WHERE pid = $1 AND state = 'active'", pid
                ) == [("PgSleep",)]

            await until(sleeps)
            await pairs.rows("SELECT pg_terminate_backend($1)", pid)
            with pytest.raises(MigrationFailed, match=r"line 1: The server says: .*terminating connection"):
                await running
        assert await tables(postgres, pairs.database) == {ledger.TABLE}


async def test_a_lock_that_is_not_to_be_had_can_be_tried_again(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    async with pairs_of(
        postgres, tmp_path, COLLEX, USERS, ("SET lock_timeout = '10ms'; DROP TABLE users;", None)
    ) as pairs:
        engine = pairs.engine()
        async with pairs.opened(engine):
            first, second = engine.order.revisions
            await engine.apply(first)
            holder = await postgres.connect(database=pairs.database)
            try:
                async with holder.transaction():
                    await holder.execute("SELECT FROM users")
                    with pytest.raises(MigrationFailed) as failure:
                        await engine.apply(second)
                assert (failure.value.sqlstate, failure.value.is_atomic) == ("55P03", True)
                await engine.apply(second)
            finally:
                await holder.close()
        assert await tables(postgres, pairs.database) == {ledger.TABLE}


async def test_a_role_that_may_not_create_is_told_by_the_server(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    async with pairs_of(postgres, tmp_path, COLLEX, USERS) as pairs:
        pairs.user = "plain"
        with pytest.raises(MigrationFailed, match="permission denied for schema public"):
            await pairs.run()


# What cannot run --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "SELECT 1;\nCREATE INDEX CONCURRENTLY i ON users (id);",
            "002_change.sql, line 2: this statement cannot run in",
        ),
        ("COPY users FROM stdin;\n3\n\\.\n", "002_change.sql, line 1: COPY with rows of the client's own"),
        ("\\connect other\nSELECT 1;", "002_change.sql, line 1: \\connect is a command of psql"),
        ("SELECT 1;\nROLLBACK;", "002_change.sql, line 2: ROLLBACK cannot be left"),
        (
            "BEGIN ISOLATION LEVEL SERIALIZABLE;\nSELECT 1;\nCOMMIT;",
            "line 1: BEGIN ISOLATION LEVEL cannot be left",
        ),
    ],
)
async def test_a_file_that_cannot_run_stops_the_order_before_it_begins(
    postgres: PostgresCluster, tmp_path: Path, text: str, words: str
) -> None:
    async with pairs_of(postgres, tmp_path, COLLEX, USERS, (text, None)) as pairs:
        steps, _ = await pairs.engine().plan()
        assert [step.is_possible for step in steps] == [True, False]
        assert steps[1].problem is not None
        assert words in steps[1].problem
        with pytest.raises(BadMigrations, match=re.escape(words)):
            await pairs.run()
        assert await tables(postgres, pairs.database) == {ledger.TABLE}


async def test_a_pair_without_its_rollback_has_no_way_back(postgres: PostgresCluster, tmp_path: Path) -> None:
    async with pairs_of(postgres, tmp_path, GOLANG, USERS, ("CREATE TABLE notes ();", None)) as pairs:
        sentence = "002 has no rollback file."
        steps, _ = await pairs.engine().plan()
        assert [step.no_way_back for step in steps] == [None, sentence]
        await pairs.run()
        steps, _ = await pairs.engine(DOWN, current=["002"]).plan()
        assert [(step.is_possible, step.problem) for step in steps] == [(False, sentence), (True, None)]
        with pytest.raises(BadMigrations, match="no rollback file"):
            await pairs.run(DOWN, current=["002"])
        assert "notes" in await tables(postgres, pairs.database)


async def test_an_empty_file_is_remarked(tmp_path: Path) -> None:
    source = write(tmp_path, COLLEX, ("SELECT 1;", "-- to be written"))
    order = Order(source, UP, sql_files.read(source), (), frozenset())
    steps, remark = await SqlPairsEngine(order, Told()).plan()
    assert (steps[0].no_way_back, remark) == ("001_rollback.sql has no statement.", None)
    steps, remark = await SqlPairsEngine(replace(order, direction=DOWN), Told()).plan()
    assert (steps[0].statements, remark) == ((), "001_rollback.sql has no statement.")


async def test_files_that_were_changed_after_the_plan_do_not_run(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    async with pairs_of(postgres, tmp_path, COLLEX, USERS) as pairs:
        engine = pairs.engine()
        (tmp_path / "001_change.sql").write_text("DROP SCHEMA public CASCADE;")
        async with pairs.opened(engine):
            with pytest.raises(OperationRefused, match="changed meanwhile"):
                await engine.apply(engine.order.revisions[0])


# In the worker ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [COLLEX, GOLANG])
async def test_the_worker_runs_pairs_as_it_runs_alembic(
    postgres: PostgresCluster, tmp_path: Path, kind: SourceKind
) -> None:
    async with pairs_of(postgres, tmp_path, kind, USERS, INDEX, ("SELECT 1/0;", None)) as pairs:
        order = pairs.engine(revisions=pairs.revisions[:1]).order
        steps, _ = await runner.plan(order)
        assert tuple(step.revision for step in steps) == order.revisions
        rehearsed = await ran(postgres, pairs.database, order, Work.REHEARSE)
        assert rehearsed.state is RunState.DONE
        assert await tables(postgres, pairs.database) == set()
        done = await ran(postgres, pairs.database, order)
        assert (done.state, done.finished) == (RunState.DONE, 1)
        assert len(done.timings) == len(steps[0].statements)
        failed = await ran(
            postgres, pairs.database, pairs.engine(revisions=pairs.revisions[2:], current=["001"]).order
        )
        assert failed.state is RunState.FAILED
        assert failed.failed_statement == "SELECT 1/0"
        assert await pairs.ledger() == [("001", "upgrade", True), ("003", "upgrade", False)]
        stamped = await ran(
            postgres, pairs.database, pairs.engine(revisions=(), current=["001"]).order, Work.STAMP
        )
        assert stamped.state is RunState.DONE
        assert await pairs.run(revisions=()) == ()


# Rehearsal and stamp ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [COLLEX, GOLANG])
async def test_a_rehearsal_leaves_nothing(
    postgres: PostgresCluster, tmp_path: Path, kind: SourceKind
) -> None:
    async with pairs_of(postgres, tmp_path, kind, USERS, NOTES) as pairs:
        engine = pairs.engine()
        async with engine.connected(pairs.arguments):
            async with engine.rehearsal():
                await engine.prepare()
                for revision in engine.order.revisions:
                    await engine.apply(revision)
                assert await engine.current() == ("002",)
            assert await engine.current() == ()
        assert await tables(postgres, pairs.database) == set()


async def test_what_needs_no_transaction_is_not_rehearsed(postgres: PostgresCluster, tmp_path: Path) -> None:
    async with pairs_of(postgres, tmp_path, COLLEX, USERS, NOTES, INDEX) as pairs:
        engine = pairs.engine()
        async with pairs.opened(engine), engine.rehearsal():
            with pytest.raises(OperationRefused, match="003 cannot run in a transaction"):
                await engine.apply(engine.order.revisions[0])


async def test_the_ledger_s_stamp_counts_for_every_version_below(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    async with pairs_of(postgres, tmp_path, COLLEX, USERS, NOTES, INDEX) as pairs:
        first, second, third = pairs.revisions
        assert await pairs.stamp(second) == ("002",)
        assert await pairs.ledger() == [("001", "stamp", True), ("002", "stamp", True)]
        assert await pairs.stamp(third) == ("003",)
        assert await pairs.stamp(first) == ("001",)
        assert await pairs.stamp() == ()
        assert await tables(postgres, pairs.database) == {ledger.TABLE}
        assert await pairs.run(revisions=[first]) == ("001",)
