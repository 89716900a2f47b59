"""What can go wrong while a migration runs, each on a real server: the database is at the old or the new revision."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from console.data.migrations import runner
from console.data.migrations.runner import MigrationRun
from console.data.migrations.worker.protocol import Request, Work, request_line
from console.models.migrations import RunProgress, RunState
from console.settings import Migrations, Settings
from console.targets import resolve
from tests.alembic_projects import (
    QUICK,
    Project,
    Written,
    database,
    ran,
    table,
    tables,
    versions,
    write_project,
)
from tests.live import connected, until
from tests.postgres import Clusters, PostgresCluster

SLEEPS = Written("sleeps", "op.execute('CREATE TABLE sleeps ()')\nop.execute('SELECT pg_sleep(60)')")
LOOPS = Written("loops", "op.execute('CREATE TABLE loops ()')\nwhile True:\n    time.sleep(0.1)")
SAVED = {"alembic_version", "dbconsole_migrations"}


async def sessions(cluster: PostgresCluster, name: str) -> list[asyncpg.Record]:
    """The worker's sessions in a database."""
    return await cluster.run(
        "SELECT pid, application_name, state, query FROM pg_stat_activity"
        " WHERE datname = $1 AND application_name LIKE 'dbconsole migrate%'",
        name,
    )


async def nobody_is_left(cluster: PostgresCluster, name: str) -> None:
    """Waits until no session and no lock of the worker is left."""

    async def gone() -> bool:
        locks = await cluster.run(
            "SELECT FROM pg_locks WHERE locktype IN ('advisory', 'relation')"
            " AND database = (SELECT oid FROM pg_database WHERE datname = $1) AND pid <> pg_backend_pid()",
            name,
        )
        return not await sessions(cluster, name) and not locks

    await until(gone)


@asynccontextmanager
async def running(
    cluster: PostgresCluster, name: str, project: Project, settings: Settings = QUICK
) -> AsyncIterator[MigrationRun]:
    """A run that has begun, and is over at the end."""
    async with connected(cluster.url(database=name), settings) as server:
        run = MigrationRun(server, settings, Request(Work.RUN, project.order()))
        try:
            yield run
        finally:
            await run.cancel()


async def test_a_revision_that_fails_halfway_changes_nothing(
    every_postgres: PostgresCluster, tmp_path: Path
) -> None:
    failing = Written(
        "two", "op.execute('CREATE TABLE half ()')\nop.execute('ALTER TABLE one ADD COLUMN id int')"
    )
    project = write_project(tmp_path, table("one"), failing, table("three"))
    async with database(every_postgres) as name:
        progress = await ran(every_postgres, name, project.order())

        assert (progress.state, progress.finished) == (RunState.FAILED, 1)
        assert progress.sentence == (
            'The server says: column "id" of relation "one" already exists. two was rolled back.'
        )
        assert progress.failed_statement == "ALTER TABLE one ADD COLUMN id int"
        assert await tables(every_postgres, name) == {"one", *SAVED}
        assert await versions(every_postgres, name) == {"one"}
        failed = await every_postgres.run(
            "SELECT revision, done, problem FROM dbconsole_migrations ORDER BY id DESC LIMIT 1", database=name
        )
        assert tuple(failed[0]) == (
            *("two", False),
            'The server says: column "id" of relation "one" already exists.',
        )
        await nobody_is_left(every_postgres, name)


async def test_what_was_committed_before_a_failure_is_said_to_stay(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    halfway = Written(
        "halfway",
        """
        op.execute("CREATE TABLE doubles AS SELECT 1 AS id FROM generate_series(1, 2)")
        with op.get_context().autocommit_block():
            op.execute("CREATE UNIQUE INDEX CONCURRENTLY doubles_id ON doubles (id)")
        """,
    )
    project = write_project(tmp_path, halfway)
    async with database(postgres) as name:
        progress = await ran(postgres, name, project.order())

        assert progress.state is RunState.FAILED
        assert progress.sentence == (
            'The server says: could not create unique index "doubles_id"; Key (id)=(1) is duplicated. '
            "What halfway had committed before stays."
        )
        assert await tables(postgres, name) == {"doubles", *SAVED}
        assert await versions(postgres, name) == set()
        failed = await postgres.run("SELECT revision, done FROM dbconsole_migrations", database=name)
        assert [tuple(row) for row in failed] == [("halfway", False)]


CONSOLE = """
import asyncio, os, sys
from console.data.migrations.runner import MigrationRun
from console.data.migrations.worker.protocol import read_request
from console.settings import Settings
from console.targets import resolve
from console.data.server import Server

async def main():
    server = Server(resolve(sys.argv[1], {}), Settings())
    await server.connect()
    await MigrationRun(server, Settings(), read_request(sys.stdin.buffer.readline())).wait()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("last", "words", "left"),
    [
        (SLEEPS, "pg_sleep", {"one"}),
        (LOOPS, "CREATE TABLE loops", {"one"}),
        (Written("idle", "time.sleep(60)"), "FROM alembic_version", {"one"}),
    ],
    ids=["within a statement", "within its own code", "before its first statement"],
)
async def test_a_killed_console_leaves_the_old_or_the_new_revision(
    postgres: PostgresCluster, tmp_path: Path, last: Written, words: str, left: set[str]
) -> None:
    project = write_project(tmp_path, table("one"), last)
    async with database(postgres) as name:
        console = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", CONSOLE, postgres.url(database=name)), stdin=asyncio.subprocess.PIPE
        )
        assert console.stdin is not None
        console.stdin.write(request_line(Request(Work.RUN, project.order())))
        await console.stdin.drain()

        async def is_there() -> bool:
            return "one" in await reached(postgres, name) and any(
                words in session["query"] for session in await sessions(postgres, name)
            )

        try:
            await until(is_there)
            (worker,) = workers_of(psutil.Process(console.pid))
        finally:
            console.send_signal(signal.SIGKILL)
            await console.wait()

        await nobody_is_left(postgres, name)
        await until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
        assert await tables(postgres, name) == {*left, *SAVED}
        assert await versions(postgres, name) == left


async def test_a_killed_worker_leaves_the_old_revision(postgres: PostgresCluster, tmp_path: Path) -> None:
    project = write_project(tmp_path, table("one"), SLEEPS)
    async with database(postgres) as name, running(postgres, name, project) as run:
        await until(lambda: run.progress.statement is not None and "pg_sleep" in run.progress.statement.text)
        workers_of(psutil.Process())[0].kill()
        progress = await run.wait()
        assert progress.state is RunState.FAILED
        assert progress.sentence is not None
        assert "ended (SIGKILL)" in progress.sentence
        await nobody_is_left(postgres, name)
        assert await versions(postgres, name) == {"one"}


def workers_of(console: psutil.Process) -> list[psutil.Process]:
    """The processes that run migrations for a console."""
    return [child for child in console.children() if "console.data.migrations.worker" in child.cmdline()]


async def reached(cluster: PostgresCluster, name: str) -> set[str]:
    """What the version table names, if it is there."""
    try:
        return await versions(cluster, name)
    except asyncpg.UndefinedTableError:
        return set()


async def test_a_connection_that_is_cut_leaves_the_old_revision(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    project = write_project(tmp_path, table("one"), SLEEPS)
    async with database(postgres) as name, running(postgres, name, project) as run:
        await until(lambda: run.progress.statement is not None and "pg_sleep" in run.progress.statement.text)
        await postgres.run("SELECT pg_terminate_backend($1)", run.progress.pid)
        progress = await run.wait()
        assert (progress.state, progress.finished) == (RunState.FAILED, 1)
        assert progress.failed_statement == "SELECT pg_sleep(60)"
        assert progress.sentence is not None
        assert "terminating connection due to administrator command" in progress.sentence
        await nobody_is_left(postgres, name)
        assert await tables(postgres, name) == {"one", *SAVED}
        assert await versions(postgres, name) == {"one"}


async def test_a_lock_that_is_held_is_tried_for_again_and_then_given_up(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    project = write_project(
        tmp_path, Written("one", "op.execute('CREATE TABLE x ()')\nop.execute('ALTER TABLE busy ADD y int')")
    )
    states = []
    async with database(postgres) as name:
        holder = await postgres.connect(database=name)
        try:
            await holder.execute("CREATE TABLE busy ()")
            await holder.execute("BEGIN; LOCK TABLE busy")
            async with running(postgres, name, project) as run:
                run.on_change(lambda: states.append((run.progress.state, run.progress.attempt)))
                progress = await run.wait()
            assert (RunState.PAUSING, 1) in states
            assert progress.state is RunState.FAILED
            assert progress.sentence == (
                "The server says: canceling statement due to lock timeout. This was attempt 2. one was rolled back."
            )
            assert progress.failed_statement == "ALTER TABLE busy ADD y int"
            assert await tables(postgres, name) == {"busy", "dbconsole_migrations"}
        finally:
            await holder.close()


async def test_who_is_in_the_way_is_shown_and_the_run_goes_on_when_they_are_gone(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    project = write_project(tmp_path, Written("one", "op.execute('ALTER TABLE busy ADD y int')"))
    patient = Settings(migrations=Migrations(lock_timeout=60))
    async with database(postgres) as name:
        holder = await postgres.connect(database=name)
        try:
            await holder.execute("CREATE TABLE busy ()")
            await holder.execute("BEGIN; LOCK TABLE busy")
            async with running(postgres, name, project, patient) as run:
                await until(lambda: bool(run.progress.blocked_by))
                (root,) = run.progress.blocked_by
                assert root.pid == holder.get_server_pid()
                assert root.session is not None
                assert root.session.query == "BEGIN; LOCK TABLE busy"
                assert [waiter.pid for waiter in root.waiters] == [run.progress.pid]
                await holder.execute("COMMIT")
                progress = await run.wait()
            assert (progress.state, progress.sentence) == (RunState.DONE, "1 revision done.")
        finally:
            await holder.close()


async def test_an_index_that_is_built_concurrently_waits_as_long_as_it_must(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    """A lock time-out would leave it INVALID, and while it waits it is in nobody's way."""
    built = Written(
        "built",
        "with op.get_context().autocommit_block():\n    op.execute('CREATE INDEX CONCURRENTLY busy_id ON busy (id)')",
    )
    project = write_project(tmp_path, built)
    async with database(postgres) as name:
        writer = await postgres.connect(database=name)
        try:
            await writer.execute("CREATE TABLE busy (id int)")
            await writer.execute("BEGIN; INSERT INTO busy VALUES (1)")
            async with running(postgres, name, project) as run:
                await until(lambda: run.progress.work is not None)
                assert run.progress.work == (
                    "CREATE INDEX CONCURRENTLY on busy: waiting for writers before build, 0%"
                )
                assert [root.pid for root in run.progress.blocked_by] == [writer.get_server_pid()]
                await writer.execute("COMMIT")
                progress = await run.wait()
            assert (progress.state, progress.sentence) == (RunState.DONE, "1 revision done.")
        finally:
            await writer.close()
        (index,) = await postgres.run(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = 'busy_id'::regclass", database=name
        )
        assert index["indisvalid"]


async def test_two_consoles_do_not_migrate_at_once(postgres: PostgresCluster, tmp_path: Path) -> None:
    project = write_project(tmp_path, SLEEPS)
    async with database(postgres) as name, running(postgres, name, project) as first:
        await until(lambda: first.progress.statement is not None)
        second = await ran(postgres, name, project.order())
        assert second.state is RunState.FAILED
        holder = next(s for s in await sessions(postgres, name) if s["application_name"].endswith("lock"))
        assert second.sentence is not None
        assert second.sentence.startswith(
            f"Another console is migrating this database (pid {holder['pid']}, role postgres, from 127.0.0.1, "
        )


@pytest.mark.parametrize(
    ("env", "words"),
    [
        (
            "import os\nurl = os.environ['NO_SUCH_VARIABLE']  # which is not set here",
            "KeyError: 'NO_SUCH_VARIABLE' (env.py:2)",
        ),
        (
            "raise SystemExit('not without my settings, please, I beg you')",
            "SystemExit: not without my settings, please, I beg you (env.py:1)",
        ),
    ],
)
async def test_an_env_that_raises_is_quoted(
    postgres: PostgresCluster, tmp_path: Path, env: str, words: str
) -> None:
    project = write_project(tmp_path, table("one"), env=env)
    async with database(postgres) as name:
        progress = await ran(postgres, name, project.order())
        assert (progress.state, progress.sentence) == (
            RunState.FAILED,
            f"The migrations cannot be run: {words}.",
        )
        assert await tables(postgres, name) == set()


async def test_a_role_that_may_not_create_is_told_so(postgres: PostgresCluster, tmp_path: Path) -> None:
    project = write_project(tmp_path, table("one"))
    async with database(postgres) as name:
        progress = await ran(postgres, name, project.order(), user="plain")
        assert progress.state is RunState.FAILED
        assert progress.sentence == "The server says: permission denied for schema public."
        assert await tables(postgres, name) == set()


async def test_a_standby_is_not_migrated(clusters: Clusters, tmp_path: Path) -> None:
    project = write_project(tmp_path, table("one"))
    with clusters.make() as standby:
        standby.stop()
        (standby.data / "standby.signal").touch()
        standby.start()
        progress = await ran(standby, "postgres", project.order())
        assert progress.state is RunState.FAILED
        assert progress.sentence == "This server is a standby and takes no changes; migrate on its primary."


async def test_a_long_statement_is_cancelled(postgres: PostgresCluster, tmp_path: Path) -> None:
    project = write_project(tmp_path, table("one"), SLEEPS)
    async with database(postgres) as name, running(postgres, name, project) as run:
        await until(lambda: run.progress.statement is not None and "pg_sleep" in run.progress.statement.text)
        await run.cancel()
        assert (run.progress.state, run.progress.finished) == (RunState.CANCELLED, 1)
        assert run.progress.sentence == "Cancelled. sleeps was rolled back."
        assert await versions(postgres, name) == {"one"}
        await nobody_is_left(postgres, name)


async def test_code_that_never_ends_is_killed(
    postgres: PostgresCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "KILL_AFTER", 0.5)
    project = write_project(tmp_path, table("one"), LOOPS)
    async with database(postgres) as name, running(postgres, name, project) as run:
        await until(lambda: any("CREATE TABLE loops" in timing.text for timing in run.progress.timings))
        await run.cancel()
        assert run.progress.state is RunState.CANCELLED
        assert run.progress.sentence is not None
        assert "SIGKILL" in run.progress.sentence
        await nobody_is_left(postgres, name)
        assert await tables(postgres, name) == {"one", *SAVED}


async def test_a_cancelled_pause_is_over_at_once(postgres: PostgresCluster, tmp_path: Path) -> None:
    project = write_project(tmp_path, Written("one", "op.execute('ALTER TABLE busy ADD y int')"))
    stubborn = Settings(migrations=Migrations(lock_timeout=0.05, lock_retries=1000))
    async with database(postgres) as name:
        holder = await postgres.connect(database=name)
        try:
            await holder.execute("CREATE TABLE busy ()")
            await holder.execute("BEGIN; LOCK TABLE busy")
            async with running(postgres, name, project, stubborn) as run:
                await until(lambda: run.progress.state is RunState.PAUSING)
                await run.cancel()
            assert run.progress.state is RunState.CANCELLED
            assert run.progress.sentence == "Cancelled; what was done before is done."
        finally:
            await holder.close()


async def test_statements_outside_a_transaction_repair(postgres: PostgresCluster, tmp_path: Path) -> None:
    project = write_project(tmp_path)
    async with database(postgres) as name:
        await postgres.run("CREATE TABLE a (id int)", database=name)
        statements = ("CREATE INDEX CONCURRENTLY a_id ON a (id)", "REINDEX INDEX CONCURRENTLY a_id")
        async with connected(postgres.url(database=name)) as server:
            request = Request(Work.STATEMENTS, project.order(), statements=statements)
            ended: list[RunProgress] = []
            progress = await MigrationRun(server, QUICK, request, ended.append).wait()
        assert (progress.state, progress.finished, progress.total) == (RunState.DONE, 2, 2)
        assert ended == [progress]
        assert [timing.text for timing in progress.timings] == list(statements)


async def test_no_password_is_in_an_argument_list_or_an_environment(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    project = write_project(tmp_path, SLEEPS)
    async with database(postgres) as name, running(postgres, name, project) as run:
        await until(lambda: run.progress.statement is not None)
        (worker,) = workers_of(psutil.Process())
        assert postgres.password not in " ".join([*worker.cmdline(), *worker.environ().values()])
        assert postgres.password not in repr(
            Request(Work.RUN, project.order()).on(resolve(postgres.url(), {}), QUICK)
        )
