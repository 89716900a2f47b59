"""Anybody's Alembic project runs in the worker, on the database that the console looks at."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from console.data.migrations import ledger, runner, sql_files
from console.data.migrations.worker.engine import Order
from console.data.migrations.worker.protocol import NewRevision, Work
from console.errors import BadMigrations, OperationRefused
from console.models.migrations import Direction, Drift, RunState, Source, SourceKind
from console.targets import resolve
from tests.alembic_projects import (
    QUICK,
    SHARING_ENV,
    Written,
    database,
    ran,
    table,
    tables,
    versions,
    write_project,
)
from tests.postgres import PostgresCluster

OLD_ASYNC_ENV = """
import asyncio
from dataclasses import replace
from alembic import context
from sqlalchemy import engine_from_config
from sqlalchemy.ext.asyncio import AsyncEngine

def run(connection):
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()

async def run_async():
    engine = AsyncEngine(engine_from_config({"sqlalchemy.url": "postgresql+asyncpg://nowhere/x"}))
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()

asyncio.get_event_loop().run_until_complete(run_async())
"""

NOISY_ENV = """
import logging, os, sys
from alembic import context
from sqlalchemy import create_engine, text

logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
print("a word on standard output")
os.system("echo another one")
assert sys.stdin.readline() == ""
engine = create_engine(os.environ.get("NO_SUCH_VARIABLE", "postgresql+psycopg2://nowhere/x"), pool_size=5)

with engine.begin() as connection:
    connection.execute(text("SET LOCAL work_mem = '8MB'"))
    context.configure(connection=connection, version_table="noisy_version")
    context.run_migrations()
engine.dispose()
"""

METADATA_ENV = """
import sqlalchemy as sa
from alembic import context

metadata = sa.MetaData()
sa.Table("one", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("note", sa.String(20), nullable=False))
sa.Table("two", metadata, sa.Column("id", sa.Integer, primary_key=True))

if context.is_offline_mode():
    context.configure(dialect_name="postgresql", target_metadata=metadata)
else:
    context.configure(connection=sa.create_engine("postgresql://nowhere/x").connect(), target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
"""


@pytest.mark.parametrize("env", ["generic", "async", "pyproject", SHARING_ENV, OLD_ASYNC_ENV])
async def test_a_project_goes_up_and_back_wherever_its_own_files_point(
    postgres: PostgresCluster, tmp_path: Path, env: str
) -> None:
    async with database(postgres) as name, database(postgres) as elsewhere:
        url = postgres.url(database=elsewhere)
        project = write_project(tmp_path, table("one"), table("two"), env=env, url=url)

        up = await ran(postgres, name, project.order())

        assert (up.state, up.sentence, up.finished) == (RunState.DONE, "2 revisions done.", 2)
        assert [timing.revision for timing in up.timings] == ["one", "one", "two", "two"]
        assert "".join(up.timings[0].text.split()) == (
            "CREATETABLEone(idSERIALNOTNULL,noteTEXT,PRIMARYKEY(id))"
        )
        assert await tables(postgres, name) == {"one", "two", "alembic_version", "dbconsole_migrations"}
        assert await versions(postgres, name) == {"two"}

        down = await ran(postgres, name, project.back)

        assert (down.state, down.finished) == (RunState.DONE, 2)
        assert await tables(postgres, name) == {"alembic_version", "dbconsole_migrations"}
        assert await versions(postgres, name) == set()
        written = await postgres.run(
            "SELECT revision, direction, done, previous, checksum, role, seconds > 0 AS lasted"
            " FROM dbconsole_migrations ORDER BY id",
            database=name,
        )
        one, two = project.revisions
        assert [tuple(row) for row in written] == [
            ("one", "upgrade", True, [], one.checksum, "postgres", True),
            ("two", "upgrade", True, ["one"], two.checksum, "postgres", True),
            ("two", "downgrade", True, ["one"], two.checksum, "postgres", True),
            ("one", "downgrade", True, [], one.checksum, "postgres", True),
        ]
        assert await tables(postgres, elsewhere) == set()
        written_beside = await asyncio.to_thread(lambda: list(tmp_path.rglob("__pycache__")))
        assert written_beside == [], "the files are somebody's"


async def test_what_an_env_prints_reads_and_surrounds_its_revisions_with_does_no_harm(
    every_postgres: PostgresCluster, tmp_path: Path
) -> None:
    revision = Written(
        "one", "op.execute(\"CREATE TABLE one AS SELECT current_setting('work_mem') AS memory\")"
    )
    project = write_project(tmp_path, revision, env=NOISY_ENV)
    order = replace(project.order(), source=replace(project.source, version_table="noisy_version"))
    async with database(every_postgres) as name:
        progress = await ran(every_postgres, name, order)
        assert (progress.state, progress.sentence) == (RunState.DONE, "1 revision done.")
        assert (await every_postgres.run("SELECT memory FROM one", database=name))[0][0] == "8MB"
        (version,) = await every_postgres.run("SELECT version_num FROM noisy_version", database=name)
        assert version["version_num"] == "one"


async def test_what_an_env_does_not_commit_is_not_called_done(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    env = """
        from alembic import context
        from sqlalchemy import create_engine, text

        with create_engine("postgresql://nowhere/x").connect() as connection:
            connection.execute(text("SET search_path TO public"))
            context.configure(connection=connection)
            context.run_migrations()
    """
    project = write_project(tmp_path, table("one"), env=env)
    async with database(postgres) as name:
        progress = await ran(postgres, name, project.order())
        assert progress.state is RunState.FAILED
        assert progress.sentence == "env.py did not commit what the revision did. one was rolled back."
        assert "one" not in await tables(postgres, name)


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ("pass", "not at all"),
        (SHARING_ENV + "context.run_migrations()", "for several databases or schemas, one after the other"),
    ],
)
async def test_an_env_that_runs_migrations_never_or_twice_is_refused(
    postgres: PostgresCluster, tmp_path: Path, env: str, words: str
) -> None:
    project = write_project(tmp_path, table("one"), env=env)
    async with database(postgres) as name:
        progress = await ran(postgres, name, project.order())
        assert (progress.state, progress.sentence) == (
            RunState.FAILED,
            f"env.py runs migrations {words}, which the console cannot do; use the project's own command.",
        )
        assert await tables(postgres, name) == set()


async def test_scripts_that_were_written_for_psycopg_run(postgres: PostgresCluster, tmp_path: Path) -> None:
    revision = Written(
        "one",
        """
        op.execute("CREATE TABLE a (x text DEFAULT 'a;b'); INSERT INTO a VALUES ('axe'), ('bee');\\n"
                   "DELETE FROM a WHERE x LIKE 'a%';")
        bind = op.get_bind()
        assert bind.execute(sa.text("SELECT count(*) FROM a WHERE x LIKE 'b%'")).scalar() == 1
        bind.execute(sa.text("INSERT INTO a VALUES (:x)"), [dict(x="1"), dict(x="2")])
        op.bulk_insert(sa.table("a", sa.column("x")), [dict(x="3")])
        """,
    )
    project = write_project(tmp_path, revision)
    async with database(postgres) as name:
        progress = await ran(postgres, name, project.order())
        assert (progress.state, progress.sentence) == (RunState.DONE, "1 revision done.")
        assert [timing.text.split()[0] for timing in progress.timings] == [
            *("CREATE", "INSERT", "DELETE", "SELECT", "INSERT", "INSERT"),
            "INSERT",  # the version
        ]
        rows = await postgres.run("SELECT x FROM a ORDER BY x", database=name)
        assert [row[0] for row in rows] == ["1", "2", "3", "bee"]


async def test_a_rehearsal_runs_everything_and_leaves_nothing(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    project = write_project(tmp_path, table("one"), table("two"))
    async with database(postgres) as name:
        progress = await ran(postgres, name, project.order(), Work.REHEARSE)
        assert (progress.state, progress.finished) == (RunState.DONE, 2)
        assert progress.sentence == "2 revisions rehearsed; everything was rolled back."
        assert len(progress.timings) == 4
        assert await tables(postgres, name) == set()


async def test_not_even_what_an_env_does_stays_of_a_rehearsal(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    env = """
    import sqlalchemy as sa
    from alembic import context

    with sa.create_engine("postgresql://nowhere/x").connect() as connection:
        connection.execute(sa.text("CREATE TABLE IF NOT EXISTS of_the_env ()"))
        connection.commit()
        context.configure(connection=connection, target_metadata=None)
        with context.begin_transaction():
            context.run_migrations()
    """
    project = write_project(tmp_path, table("one"), env=env)
    async with database(postgres) as name:
        progress = await ran(postgres, name, project.order(), Work.REHEARSE)
        assert progress.state is RunState.DONE, progress.sentence
        assert await tables(postgres, name) == set()


async def test_what_escapes_a_rehearsal_is_told(postgres: PostgresCluster, tmp_path: Path) -> None:
    """On the driver's own cursor nobody can keep a revision from committing."""
    commit = "op.get_bind().connection.cursor().execute('COMMIT')"
    project = write_project(
        tmp_path, Written("sly", f"op.execute('CREATE TABLE sly ()')\n{commit}"), table("next")
    )
    async with database(postgres) as name:
        progress = await ran(postgres, name, project.order(), Work.REHEARSE)
        assert progress.state is RunState.FAILED
        assert progress.sentence == (
            "It ended the rehearsal's transaction behind SQLAlchemy's back. What sly had committed before stays."
        )
        assert "next" not in await tables(postgres, name), "nothing more was begun"


@pytest.mark.parametrize(
    "leaving",
    [
        "op.execute('COMMIT')",
        "with op.get_context().autocommit_block():\n    op.execute('CREATE TABLE outside ()')",
    ],
)
async def test_what_leaves_its_transaction_is_not_rehearsed(
    postgres: PostgresCluster, tmp_path: Path, leaving: str
) -> None:
    project = write_project(tmp_path, table("one"), Written("two", leaving))
    async with database(postgres) as name:
        progress = await ran(postgres, name, project.order(), Work.REHEARSE)
        assert progress.state is RunState.FAILED
        assert progress.sentence is not None
        assert progress.sentence.startswith("It leaves its transaction, so it cannot be rehearsed.")
        assert await tables(postgres, name) == set()


async def test_a_file_that_is_not_what_was_planned_is_not_run(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    project = write_project(tmp_path, table("one"))
    path = project.revisions[0].path
    assert path is not None
    path.write_text(path.read_text() + "\n# on second thoughts\n")
    async with database(postgres) as name:
        progress = await ran(postgres, name, project.order())
        assert progress.sentence == "The file of one was changed meanwhile; look at the plan again."
        assert await tables(postgres, name) == set()


async def test_a_stamp_changes_the_version_and_nothing_else(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    project = write_project(tmp_path, table("one"), table("two"))
    one, two = project.revisions
    async with database(postgres) as name:
        target = resolve(postgres.url(database=name), {})
        assert await runner.stamp(project.source, [two], [], target, QUICK) == "Stamped two."
        assert await tables(postgres, name) == {"alembic_version", "dbconsole_migrations"}
        with pytest.raises(OperationRefused, match=r"begins at base, but the database is at two by now"):
            await runner.stamp(project.source, [one], [], target, QUICK)
        await runner.stamp(project.source, [one], ["two"], target, QUICK)
        assert await versions(postgres, name) == {"one"}
        await runner.stamp(project.source, [], ["one"], target, QUICK)
        assert await versions(postgres, name) == set()


@pytest.mark.parametrize(
    ("surprise", "place"),
    [
        ("", "public.elsewhere"),
        ('connection.execute(text("SET search_path TO aside"))', "aside.elsewhere"),
    ],
)
async def test_a_version_table_that_the_console_does_not_look_at_is_refused(
    postgres: PostgresCluster, tmp_path: Path, surprise: str, place: str
) -> None:
    env = f"""
    from alembic import context
    from sqlalchemy import create_engine, text

    with create_engine("postgresql://nowhere/x").connect() as connection:
        {surprise}
        context.configure(connection=connection, version_table="else" + "where")
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    """
    project = write_project(tmp_path, table("one"), env=env)
    async with database(postgres) as name:
        await postgres.run("CREATE SCHEMA aside", database=name)
        progress = await ran(postgres, name, project.order())
        assert progress.state is RunState.FAILED
        assert progress.sentence is not None
        assert f"in {place}, but" in progress.sentence
        assert "looks at public.alembic_version" in progress.sentence
        assert await tables(postgres, name) == set()


async def test_a_project_without_a_config_file_may_be_in_a_folder_of_any_name(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    env = """
    from alembic import context
    from sqlalchemy import create_engine

    with create_engine("postgresql://nowhere/x").connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
    """
    project = write_project(tmp_path / "50% 'of' my: work", table("one"), env=env)
    order = replace(project.order(), source=replace(project.source, config_file=None))
    async with database(postgres) as name:
        progress = await ran(postgres, name, order)
        assert progress.state is RunState.DONE, progress.sentence


async def test_what_is_read_only_is_not_changed_by_an_env(postgres: PostgresCluster, tmp_path: Path) -> None:
    env = METADATA_ENV.replace(
        "else:\n",
        "else:\n    with sa.create_engine('x').begin() as c: c.execute(sa.text('CREATE TABLE by_env ()'))\n",
    )
    project = write_project(tmp_path, table("one"), env=env)
    async with database(postgres) as name:
        target = resolve(postgres.url(database=name), {})
        with pytest.raises(BadMigrations, match="read-only transaction"):
            await runner.verify(project.source, target, QUICK.model_copy(update={"read_only": True}))
        assert await tables(postgres, name) == set()
        assert await runner.verify(project.source, target, QUICK)


@pytest.mark.parametrize("kind", ["alembic", "pairs"])
async def test_a_role_that_may_not_write_the_ledger_is_told_what_it_lacks(
    postgres: PostgresCluster, tmp_path: Path, kind: str
) -> None:
    if kind == "alembic":
        order = write_project(tmp_path, table("one")).order()
    else:
        (tmp_path / "001_one.sql").write_text("CREATE TABLE one ()")
        source = Source(SourceKind.SQL_PAIRS, tmp_path)
        order = Order(source, Direction.UPGRADE, sql_files.read(source), (), frozenset())
    async with database(postgres) as name:
        await postgres.run("GRANT ALL ON SCHEMA public TO plain", database=name)
        await postgres.run(ledger.CREATE.format(table=ledger.TABLE), database=name)
        if kind == "pairs":  # its ledger is read first of all
            await postgres.run(f"GRANT SELECT ON {ledger.TABLE} TO plain", database=name)
        refused = await ran(postgres, name, order, user="plain")
        assert refused.sentence is not None
        assert refused.sentence.endswith("GRANT SELECT, INSERT ON dbconsole_migrations TO plain;")
        await postgres.run(f"GRANT SELECT, INSERT ON {ledger.TABLE} TO plain", database=name)
        assert (await ran(postgres, name, order, user="plain")).state is RunState.DONE


async def test_a_stamp_rewrites_no_other_branchs_story(postgres: PostgresCluster, tmp_path: Path) -> None:
    project = write_project(tmp_path, table("one"), table("two"))
    one, two = project.revisions
    async with database(postgres) as name:
        assert (await ran(postgres, name, project.order(revisions=[one]))).state is RunState.DONE
        target = resolve(postgres.url(database=name), {})
        await runner.stamp(project.source, [one, two], ["one"], target, QUICK)
        rows = await postgres.run(
            "SELECT revision, direction FROM dbconsole_migrations ORDER BY id", database=name
        )
        assert [tuple(row) for row in rows] == [("one", "upgrade"), ("two", "stamp")]


async def test_a_revision_is_generated_without_a_change_to_the_database(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    project = write_project(tmp_path, env=METADATA_ENV)
    async with database(postgres) as name:
        target = resolve(postgres.url(database=name), {})
        await runner.create(project.source, NewRevision("all of it", autogenerate=True), target, QUICK)
        assert await tables(postgres, name) == set()


async def test_metadata_and_database_are_compared_and_brought_together(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    project = write_project(tmp_path, table("one"), env=METADATA_ENV)
    async with database(postgres) as name:
        target = resolve(postgres.url(database=name), {})
        progress = await ran(postgres, name, project.order())
        assert (progress.state, progress.sentence) == (RunState.DONE, "1 revision done.")

        assert await runner.verify(project.source, target, QUICK) == (
            Drift("two", "missing in the database"),
            Drift("one.note", "type is TEXT in the database and VARCHAR(20) in the metadata"),
            Drift("one.note", "NOT NULL is missing in the database"),
        )
        new = NewRevision("bring together", autogenerate=True)
        (path,) = await runner.create(project.source, new, target, QUICK)

        text = path.read_text()
        assert "op.create_table('two'" in text
        assert "dbconsole_migrations" not in text, "the ledger is nobody's schema"
        assert path.parent == project.source.directory / "versions"


async def test_a_revision_is_created_empty_or_not_at_all(postgres: PostgresCluster, tmp_path: Path) -> None:
    project = write_project(tmp_path, table("one"))
    target = resolve(postgres.url(), {})
    (path,) = await runner.create(project.source, NewRevision("second step"), target, QUICK)
    assert path.name.endswith("_second_step.py")
    assert "down_revision: Union[str, Sequence[str], None] = 'one'" in path.read_text()
    with pytest.raises(BadMigrations, match=r"nowhere"):
        await runner.create(project.source, NewRevision("x", branch="nowhere"), target, QUICK)
    with pytest.raises(BadMigrations, match=r"has no target_metadata"):
        await runner.verify(project.source, target, QUICK)


async def test_sql_pairs_run_in_the_same_process(postgres: PostgresCluster, tmp_path: Path) -> None:
    up, down = tmp_path / "001_one.sql", tmp_path / "001_rollback.sql"
    up.write_text("CREATE TABLE one (); CREATE INDEX ON pg_class (oid);")
    down.write_text("DROP TABLE one;")
    source = Source(SourceKind.SQL_PAIRS, tmp_path)
    order = Order(source, Direction.UPGRADE, sql_files.read(source), (), frozenset())
    async with database(postgres) as name:
        steps, _ = await runner.plan(order)
        assert [statement.text for statement in steps[0].statements][:1] == ["CREATE TABLE one ()"]
        failed = await ran(postgres, name, order)
        assert failed.state is RunState.FAILED
        assert failed.failed_statement == "CREATE INDEX ON pg_class (oid)"
        assert await tables(postgres, name) == {"dbconsole_migrations"}
        up.write_text("CREATE TABLE one ();")
        done = await ran(postgres, name, replace(order, revisions=sql_files.read(source)))
        assert (done.state, done.sentence) == (RunState.DONE, "1 revision done.")
        assert await tables(postgres, name) == {"one", "dbconsole_migrations"}
        with pytest.raises(BadMigrations, match="sql pairs have no metadata"):
            await runner.verify(source, resolve(postgres.url(database=name), {}), QUICK)


async def test_what_does_nothing_need_not_be_undone(tmp_path: Path) -> None:
    project = write_project(
        tmp_path,
        Written("first", "pass"),
        table("left"),
        Written("right", "pass", down="first"),
        Written("both", "pass", down=("left", "right")),
    )
    revisions = tuple(
        replace(revision, down=down)
        for revision, down in zip(
            project.revisions, ((), ("first",), ("first",), ("left", "right")), strict=True
        )
    )
    steps, _ = await runner.plan(replace(project.order(), revisions=revisions))
    assert [step.revision.id for step in steps if len(step.statements) > 1] == ["first", "left", "both"]
    assert [step.no_way_back for step in steps] == [None] * 4


async def test_a_plan_shows_what_runs_and_what_cannot_be_known(tmp_path: Path) -> None:
    project = write_project(
        tmp_path,
        table("one"),
        Written("irreversible", "op.execute('SELECT 1; SELECT 2')", "raise NotImplementedError('never')"),
        Written("outside", "with op.get_context().autocommit_block():\n    op.execute('VACUUM one')"),
        Written(
            "curious",
            "op.execute('SELECT 3')\nop.get_bind().execute(sa.text('SELECT 4')).fetchall()\nop.execute('SELECT 5')",
            "sa.inspect(op.get_bind())",
        ),
    )
    steps, remark = await runner.plan(project.order())

    assert remark is None
    one, irreversible, outside, curious = steps
    assert [statement.text.split("(")[0].strip() for statement in one.statements] == [
        "CREATE TABLE alembic_version",
        "CREATE TABLE one",
        "INSERT INTO alembic_version",
    ]
    assert (one.is_atomic, one.problem, one.no_way_back) == (True, None, None)
    assert [statement.text for statement in irreversible.statements] == [
        *("SELECT 1", "SELECT 2"),
        "UPDATE alembic_version SET version_num='irreversible' WHERE alembic_version.version_num = 'one'",
    ]
    assert (
        irreversible.no_way_back
        == "Its downgrade() refuses: NotImplementedError: never (irreversible.py:19)."
    )
    assert [statement.text for statement in outside.statements[:3]] == ["COMMIT", "VACUUM one", "BEGIN"]
    assert not outside.is_atomic
    assert outside.no_way_back == "Its downgrade() does nothing."
    assert curious.problem is not None
    assert curious.problem.startswith("It reads the database; what it runs after that is not known")
    assert curious.is_possible
    assert [statement.text for statement in curious.statements[:2]] == ["SELECT 3", "SELECT 4"]

    back, _ = await runner.plan(project.back)

    assert [step.is_possible for step in back] == [True, True, False, True]
    assert back[2].problem is not None
    assert "NotImplementedError: never" in back[2].problem
    assert [statement.text for statement in back[3].statements] == [
        "DROP TABLE one",
        "DELETE FROM alembic_version WHERE alembic_version.version_num = 'one'",
    ]


async def test_a_plan_does_without_an_env_that_cannot_be_run(tmp_path: Path) -> None:
    project = write_project(tmp_path, table("one"), env="import no_such_application_of_anybody  # at all")
    steps, remark = await runner.plan(project.order())
    assert len(steps[0].statements) == 3
    assert remark == (
        "Made without env.py, which could not be run: ModuleNotFoundError: "
        "No module named 'no_such_application_of_anybody'; it has to be installed next to dbconsole (env.py:1)."
    )


async def test_a_revision_that_is_not_python_is_named(tmp_path: Path) -> None:
    project = write_project(tmp_path, table("one"), Written("two", "this is no Python"))
    with pytest.raises(BadMigrations, match=r"SyntaxError: .*\(two\.py:15\)"):
        await runner.plan(project.order())
