"""Slow queries on a terminal: the statements, what they wait for, a plan, a reset, and what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import Clusters, PostgresCluster
from tests.terminal.console_session import ENTER, ESCAPE, TAB, Console
from tests.workload import Workload

pytestmark = pytest.mark.xdist_group("console-slow")

SLOW = "SELECT count(*) FROM lamps a, lamps b WHERE a.id <> b.id AND a.name <> {}"


@pytest.fixture(scope="module")
def counting(clusters: Clusters) -> Iterator[PostgresCluster]:
    """A server with statistics of its own, on which one statement is slow."""
    with clusters.make() as cluster, Workload(cluster) as workload:
        session = workload.session("shop-web")
        session.run("CREATE EXTENSION pg_stat_statements")
        session.run(
            "CREATE TABLE lamps AS SELECT n AS id, 'lamp ' || n AS name FROM generate_series(1, 1500) n"
        )
        session.run("ANALYZE lamps")
        session.run("SELECT pg_stat_statements_reset()")
        session.run(SLOW.format("'lamp 7'"))
        yield cluster


@pytest.fixture
def console(counting: PostgresCluster, home: Path) -> Iterator[Console]:
    options = ("--refresh", "0.5", "--screen", "slow")
    with Console(home, counting.url(), *options, environment={"DBCONSOLE_SLOW__MIN_MEAN": "20ms"}) as console:
        console.wait_live()
        yield console


def test_from_the_slowest_statement_to_its_plan(console: Console) -> None:
    console.wait_seen("since reset", "min 20 ms", "SELECT count(*) FROM lamps")
    console.send(ENTER)
    console.wait_seen("WHERE a.id <> b.id", "of all time, 1 call", "rows")
    console.send("x")
    console.wait_seen("Nested Loop", "Seq Scan on lamps a", "generic plan, not run")
    console.send("f")
    console.wait_seen("->  Seq Scan on")
    console.send(ESCAPE)
    console.wait_seen("stands out")
    console.send(ESCAPE)
    console.wait_gone("generic plan, not run")
    console.wait_seen("of all time")
    console.send(ESCAPE)
    console.wait_gone("of all time")
    console.quit()


def test_the_views_by_their_keys(console: Console) -> None:
    console.wait_seen("SELECT count(*) FROM lamps")
    console.send("o")
    console.wait_seen("since opened")
    console.send("o")
    console.wait_seen("last interval")
    console.send("oc")
    console.wait_seen("since reset", "buffers", "cache hit")
    console.send("k")
    console.wait_seen("· select ·")
    console.send("mmmm")
    console.wait_seen("no minimum")
    console.send("w")
    console.wait_seen("active sessions")
    console.quit()


def test_what_a_session_waits_for(console: Console, counting: PostgresCluster) -> None:
    with Workload(counting) as workload:
        sleeper = workload.session("sleeper")
        sleeper.start("SELECT pg_sleep(60) AS nap")
        console.send("w")
        console.wait_seen("Timeout:PgSleep", "AS nap")
        console.quit()


def test_the_figures_are_forgotten_and_it_is_recorded(clusters: Clusters, home: Path) -> None:
    with clusters.make() as cluster, Workload(cluster) as workload:
        session = workload.session("shop-web")
        session.run("CREATE EXTENSION pg_stat_statements")
        session.run("SELECT pg_sleep(0.15) AS slowly")
        with Console(home, cluster.url(), "--refresh", "0.5", "--screen", "slow") as console:
            console.wait_live()
            console.wait_seen("AS slowly")
            console.send("Z")
            console.wait_seen("pg_stat_statements_reset(0, 0, 0)", "are lost")
            console.send(TAB)
            console.send(ENTER)
            console.wait_seen("counted anew")
            console.wait_seen("m shows faster ones")
            console.quit()
            entry = json.loads(console.audit_file.read_text())
            assert (entry["object"], entry["done"]) == ("all statements", True)


def test_without_the_extension_the_waits_are_there(postgres: PostgresCluster, home: Path) -> None:
    with Console(home, postgres.url(), "--refresh", "0.5", "--screen", "slow") as console:
        console.wait_live()
        console.wait_seen("CREATE EXTENSION pg_stat_statements;", "active sessions")
        console.send("o")
        console.quit()


def test_a_plan_of_what_a_session_runs(console: Console, counting: PostgresCluster) -> None:
    with Workload(counting) as workload:
        runner = workload.session("planner")
        runner.start("SELECT pg_sleep(60), count(*) FROM lamps WHERE id < 10")
        console.send("2")
        console.choose("planner")
        console.send("x")
        console.wait_seen("plan, not run", "Seq Scan on lamps")
        console.send(ESCAPE)
        console.wait_gone("plan, not run")
        console.quit()
