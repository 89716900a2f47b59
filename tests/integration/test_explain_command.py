"""`dbconsole explain` on real servers: the program as a script would call it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.postgres import PostgresCluster
from tests.program import dbconsole

DATABASE = "explained"
FIND = "SELECT id FROM orders WHERE state = $1 ORDER BY id LIMIT 3"


class Shell:
    """Calls the program on one database, nothing of ours in its environment."""

    def __init__(self, cluster: PostgresCluster, state: Path) -> None:
        self.cluster = cluster
        self.url = cluster.url(database=DATABASE)
        self._state = state

    def __call__(
        self, *arguments: str, statement: str = "", url: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        words = ["-"] if statement else []
        return dbconsole(
            *("explain", *words, url or self.url, *arguments),
            environment={"HOME": "/nonexistent", "XDG_STATE_HOME": str(self._state)},
            given=statement,
        )

    async def query_id(self) -> int:
        """That of the statement that was run, as pg_stat_statements has it."""
        (row,) = await self.cluster.run(
            "SELECT DISTINCT s.queryid FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid "
            "WHERE d.datname = current_database() AND s.query LIKE 'SELECT id FROM orders%'",
            database=DATABASE,
        )
        return int(row["queryid"])


@pytest.fixture
async def explain(every_postgres: PostgresCluster, tmp_path: Path) -> AsyncIterator[Shell]:
    cluster = every_postgres
    await cluster.run(f"CREATE DATABASE {DATABASE}")
    connection = await cluster.connect(database=DATABASE)
    try:
        await connection.execute("CREATE EXTENSION pg_stat_statements")
        await connection.execute(
            "CREATE TABLE orders AS SELECT n AS id, CASE WHEN n % 100 = 0 THEN 'open' ELSE 'done' END AS state "
            "FROM generate_series(1, 20000) n"
        )
        await connection.execute("ANALYZE orders")
        await connection.execute("GRANT SELECT ON orders TO plain")
        await connection.fetch(FIND, "open")
        yield Shell(cluster, tmp_path)
    finally:
        await connection.close()
        await cluster.run(f"DROP DATABASE {DATABASE} WITH (FORCE)")


async def test_a_statement_is_explained_by_its_identifier(explain: Shell) -> None:
    query_id = str(await explain.query_id())
    done = explain("--query-id", query_id)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Limit  (cost=")
    assert "Seq Scan on public.orders" in done.stdout
    assert "state = $1" in done.stdout

    as_json = explain("--query-id", query_id, "--json")
    assert json.loads(as_json.stdout)[0]["Plan"]["Node Type"] == "Limit"


async def test_a_statement_of_several_users_is_that_of_the_one_who_is_named(explain: Shell) -> None:
    connection = await explain.cluster.connect("plain", DATABASE)
    await connection.fetch(FIND, "open")
    await connection.close()
    query_id = str(await explain.query_id())

    both = explain("--query-id", query_id)
    assert both.returncode == 0
    assert both.stderr.startswith("! It runs as ")
    assert f"plain in {DATABASE}" in both.stderr
    assert f"postgres in {DATABASE}" in both.stderr

    one = explain("--query-id", query_id, "--user", "plain")
    assert (one.returncode, one.stderr) == (0, "")

    nobody = explain("--query-id", query_id, "--user", "monitor")
    assert (nobody.returncode, nobody.stdout) == (2, "")
    assert "runs as " in nobody.stderr
    assert "not as --user and --database say" in nobody.stderr


async def test_an_identifier_that_is_not_there(explain: Shell) -> None:
    done = explain("--query-id", "-4711")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "dbconsole: pg_stat_statements has no statement -4711; dbconsole slow lists those that it has.\n"
    )


async def test_a_statement_on_standard_input(explain: Shell) -> None:
    done = explain(statement="SELECT count(*)\n  FROM orders")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Aggregate  (cost=")


async def test_indexes_of_partitions_stand_below_the_table(explain: Shell) -> None:
    await explain.cluster.run("CREATE TABLE log (at int, who int) PARTITION BY RANGE (at)", database=DATABASE)
    await explain.cluster.run(
        "CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (90000)", database=DATABASE
    )
    await explain.cluster.run(
        "INSERT INTO log SELECT n, n FROM generate_series(1, 30000) n", database=DATABASE
    )
    await explain.cluster.run("ANALYZE log", database=DATABASE)
    done = explain("--indexes", statement="SELECT * FROM log WHERE who = 7")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "CREATE INDEX log_who_idx ON ONLY public.log (who); …" in lines[1]
    assert lines[2:6] == [
        "",
        "CREATE INDEX log_who_idx ON ONLY public.log (who);",
        "CREATE INDEX CONCURRENTLY log_1_who_idx ON public.log_1 (who);",
        "ALTER INDEX public.log_who_idx ATTACH PARTITION public.log_1_who_idx;",
    ]


async def test_what_must_not_run_is_refused_before_anything_is_asked(explain: Shell) -> None:
    done = explain("--analyze", statement="UPDATE orders SET state = $1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "dbconsole: Only a statement that reads is run for its plan, and this one writes.\n"


async def test_what_cannot_be_explained_is_one_sentence(explain: Shell) -> None:
    refused = explain(statement="VACUUM orders")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("dbconsole: EXPLAIN does not take VACUUM")
    missing = explain(statement="SELECT * FROM nowhere")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert len(missing.stderr.splitlines()) == 1
    assert "nowhere" in missing.stderr


async def test_planning_what_writes_asks_first(explain: Shell) -> None:
    statement = "UPDATE orders SET state = 'done'"
    asked = explain(statement=statement)
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "RowExclusiveLock" in asked.stderr
    assert asked.stderr.endswith("nobody is there to be asked; give --yes.\n")

    planned = explain("--yes", statement=statement)
    assert (planned.returncode, planned.stderr) == (0, "")
    assert planned.stdout.startswith("Update on public.orders")


async def test_a_statement_is_run_for_real_only_when_that_is_confirmed(explain: Shell) -> None:
    arguments = ("--query-id", str(await explain.query_id()), "--analyze")
    without_values = explain(*arguments, "--yes")
    assert (without_values.returncode, without_values.stdout) == (1, "")
    assert "needs values for $1 text" in without_values.stderr
    assert "--value" in without_values.stderr
    bad_value = explain(*arguments, "--value", "open", "--value", "abc", "--yes")
    assert bad_value.stderr.startswith("dbconsole: The value of $2 does not fit: ")
    assert '"abc"' in bad_value.stderr

    values = ("--value", "open", "--value", "3")
    asked = explain(*arguments, *values)
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "really runs" in asked.stderr
    in_production = explain(*arguments, *values, "--yes", "-e", "production")
    assert in_production.stderr.endswith(f"give --confirm {DATABASE}.\n")
    read_only = explain(*arguments, *values, "--yes", "--read-only")
    assert (read_only.returncode, read_only.stdout) == (1, "")
    assert "--read-only" in read_only.stderr

    ran = explain(*arguments, *values, "--confirm", DATABASE, "-e", "production")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "(actual time=" in ran.stdout
    assert "Execution Time:" in ran.stdout


async def test_indexes_that_might_help(explain: Shell) -> None:
    done = explain("--indexes", statement="SELECT * FROM orders WHERE state = 'open'")
    assert (done.returncode, done.stderr) == (0, "")
    heading, candidate, blank, *sentence = done.stdout.splitlines()
    assert heading.split() == ["saves", "cost", "with", "it", "size", "statement", "because", "of"]
    assert "CREATE INDEX CONCURRENTLY ON public.orders (state);" in candidate
    assert blank == ""
    assert "hypopg" in " ".join(sentence)

    as_json = explain("--indexes", "--json", statement="SELECT * FROM orders WHERE state = 'open'")
    (found,) = json.loads(as_json.stdout)["candidates"]
    assert found["columns"] == ["state"]
