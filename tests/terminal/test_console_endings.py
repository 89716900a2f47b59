"""However the console ends, the terminal is usable and nothing of it is left on the server."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import PostgresCluster
from tests.terminal.console_session import Console, is_on_console
from tests.workload import Workload

pytestmark = pytest.mark.xdist_group("console-screens")

# A defect in what handles a message; a key triggers it.
CRASHING = """
import sys
from console import app
from console.cli import run

class Crashing(app.ConsoleApp):
    BINDINGS = [("x", "crash")]

    def action_crash(self):
        raise RuntimeError("a defect")

app.ConsoleApp = Crashing
sys.exit(run(sys.argv[1:]))
"""
OWN = "FROM pg_stat_activity WHERE application_name = 'dbconsole'"


@pytest.fixture
def console(postgres: PostgresCluster, workload: Workload, home: Path) -> Iterator[Console]:
    """The console with live data; afterwards its terminal is as before and its session has gone."""
    with Console(home, postgres.url(), "--refresh", "0.5", program=CRASHING) as console:
        before = console.settings()
        console.wait_live()
        assert is_on_console(console.screen)
        assert workload.ask(f"SELECT count(*) {OWN}") == 1
        yield console
        assert console.settings() == before
        workload.until(f"NOT EXISTS (SELECT {OWN})")


def test_quit(console: Console) -> None:
    console.quit()
    assert console.screen.text.strip() == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals(console: Console, number: signal.Signals) -> None:
    console.signal(number)
    assert console.wait_exit() == 128 + number
    console.assert_restored()
    assert console.screen.text.strip() == ""


def test_a_defect_is_one_sentence(console: Console) -> None:
    console.send("x")
    assert console.wait_exit() == 1
    console.assert_restored()
    said = console.screen.text.strip()
    assert said.startswith("dbconsole: internal error: RuntimeError: a defect")


def test_a_dropped_connection(postgres: PostgresCluster, workload: Workload, home: Path) -> None:
    with (
        (home / "errors").open("w") as errors,
        Console(home, postgres.url(), redirect={2: errors.fileno()}) as console,
    ):
        console.wait_live()
        console.hang_up()
        assert console.wait_exit() == 128 + signal.SIGHUP
        workload.until(f"NOT EXISTS (SELECT {OWN})")
    assert (home / "errors").read_text() == ""


def test_killed_while_a_statement_of_its_own_runs(
    postgres: PostgresCluster, workload: Workload, home: Path
) -> None:
    """Its statement cannot outlive it by more than its own time-outs, which the server enforces."""
    own = "FROM pg_stat_get_activity(NULL) WHERE application_name = 'dbconsole'"  # reads no table
    locker = workload.session("locker")
    with Console(home, postgres.url(), "--screen", "activity", "--refresh", "0.5") as console:
        console.wait_live()
        assert workload.ask(f"SELECT count(*) {own}") == 1
        locker.run("BEGIN")
        locker.run("LOCK TABLE pg_catalog.pg_database")
        workload.until(f"EXISTS (SELECT {own} AND wait_event_type = 'Lock')")
        console.signal(signal.SIGKILL)
        assert console.wait_exit() == -signal.SIGKILL
        workload.until(f"NOT EXISTS (SELECT {own})")
