"""Cancelling and terminating sessions: nothing happens by accident, and what happens is written down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.postgres import PostgresCluster
from tests.terminal.conftest import Chain
from tests.terminal.console_session import ENTER, ESCAPE, TAB, Console, has_focus
from tests.workload import Session, Workload

pytestmark = pytest.mark.xdist_group("console-screens")

QUESTION = "This will run:"


@pytest.fixture
def activity(postgres: PostgresCluster, home: Path) -> list[str]:
    """The arguments that open the console on its second screen."""
    return [postgres.url(), "--screen", "activity", "--refresh", "0.5"]


def audited(console: Console) -> list[dict[str, Any]]:
    return [json.loads(line) for line in console.audit_file.read_text().splitlines()]


def is_there(workload: Workload, session: Session) -> bool:
    found: bool = workload.ask("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)", session.pid)
    return found


def test_enter_in_the_question_does_nothing(
    activity: list[str], chain: Chain, home: Path, workload: Workload
) -> None:
    with Console(home, *activity) as console:
        console.wait_live()
        console.choose("shop-hold")
        for answer in (ENTER, ESCAPE):
            console.send("k")
            console.wait_seen(QUESTION, f"Terminate session {chain.holder.pid}", "2 wait behind it")
            console.wait_seen("RowExclusiveLock on public.orders", "will be rolled back")
            console.wait_seen(f"WHERE pid = {chain.holder.pid} AND backend_start = '")
            console.wait_for(lambda screen: has_focus(screen, "Cancel"))
            console.send(answer)
            console.wait_gone(QUESTION)
        console.quit()
        assert not console.audit_file.exists()
    assert is_there(workload, chain.holder)
    assert is_there(workload, chain.first)


def test_terminate_ends_the_session_and_is_recorded(
    activity: list[str], chain: Chain, home: Path, workload: Workload
) -> None:
    with Console(home, *activity) as console:
        console.wait_live()
        console.choose("shop-hold")
        console.send("k")
        console.wait_seen(QUESTION)
        console.send(TAB)
        console.wait_for(lambda screen: has_focus(screen, "Terminate"))
        console.send(ENTER)
        console.wait_seen(f"pid {chain.holder.pid}: terminated.", "No client is running anything")
        workload.until_gone(chain.holder.pid)
        assert chain.first.error() is None, "who waited for it goes on"
        (entry,) = audited(console)
        assert console.audit_file.stat().st_mode & 0o077 == 0
        console.quit()
    assert entry["object"] == f"pid {chain.holder.pid}"
    assert (entry["operation"], entry["done"]) == (f"Terminate session {chain.holder.pid}", True)
    assert f"pid = {chain.holder.pid} AND backend_start = '" in entry["statement"]
    assert entry["server"].startswith("postgres@127.0.0.1:")


def test_cancel_stops_the_query_and_keeps_the_session(
    activity: list[str], chain: Chain, home: Path, workload: Workload
) -> None:
    with Console(home, *activity) as console:
        console.wait_live()
        console.choose("shop-first")
        console.send("c")
        console.wait_seen(QUESTION, "pg_cancel_backend", "Stop query")
        console.send(TAB)
        console.wait_for(lambda screen: has_focus(screen, "Stop query"))
        console.send(ENTER)
        console.wait_seen(f"pid {chain.first.pid}: query cancelled.")
        assert isinstance(chain.first.error(), asyncpg.QueryCanceledError)
        assert is_there(workload, chain.first)
        assert [entry["outcome"] for entry in audited(console)] == [
            f"pid {chain.first.pid}: query cancelled."
        ]
        console.quit()


def test_marked_sessions_are_terminated_together(
    activity: list[str], chain: Chain, home: Path, workload: Workload
) -> None:
    with Console(home, *activity) as console:
        console.wait_live()
        console.choose("shop !shop-hold")
        console.wait_seen("shop-first", "shop-next")
        console.send("m")
        console.wait_seen("1 marked")
        console.send("m")
        console.wait_seen("2 marked")
        console.send("k")
        console.wait_seen(QUESTION, "Terminate 2 sessions")
        console.send(TAB)
        console.wait_for(lambda screen: has_focus(screen, "Terminate"))
        console.send(ENTER)
        console.wait_seen(*(f"pid {session.pid}: terminated." for session in (chain.first, chain.second)))
        console.wait_gone("marked")
        workload.until_gone(chain.first.pid)
        workload.until_gone(chain.second.pid)
        assert is_there(workload, chain.holder)
        entries = audited(console)
        console.quit()
    assert {entry["object"] for entry in entries} == {f"pid {chain.first.pid}", f"pid {chain.second.pid}"}


def test_production_wants_the_name_typed(
    activity: list[str], chain: Chain, home: Path, workload: Workload
) -> None:
    with Console(home, *activity, "-e", "production", columns=80, lines=24) as console:
        console.wait_live()
        console.wait_seen(" PRODUCTION ")
        console.choose("shop-first")
        console.send("k")
        console.wait_seen(QUESTION, f"PRODUCTION. Type pid {chain.first.pid} to go on:")
        console.wait_for(lambda screen: has_focus(screen, "Cancel"))
        console.send(ENTER)
        console.wait_gone(QUESTION)
        console.send("k")
        console.wait_seen(QUESTION)
        console.wait_for(lambda screen: has_focus(screen, "Cancel"))
        console.send("\x1b[Z")  # shift+tab goes back to the line to type in
        console.wait_for(lambda screen: not has_focus(screen, "Cancel"))
        console.send(f"pid {chain.first.pid}9")
        console.wait_seen(f"pid {chain.first.pid}9")
        console.send(TAB)
        console.wait_for(lambda screen: has_focus(screen, "Cancel"))
        console.send(TAB)  # Terminate cannot be reached: beyond Cancel is the line again
        console.wait_for(lambda screen: not has_focus(screen, "Cancel"))
        assert not has_focus(console.screen, "Terminate")
        console.send("\x15")
        console.wait_gone(f"pid {chain.first.pid}9")
        console.send(f"pid {chain.first.pid}")
        for button in ("Cancel", "Terminate"):
            console.send(TAB)
            console.wait_for(lambda screen, button=button: has_focus(screen, button))  # type: ignore[misc]
        console.send(ENTER)
        console.wait_seen(f"pid {chain.first.pid}: terminated.")
        workload.until_gone(chain.first.pid)
        console.quit()


@pytest.mark.parametrize("key", ["c", "k"])
def test_read_only_says_why_it_does_nothing(
    activity: list[str], chain: Chain, home: Path, workload: Workload, key: str
) -> None:
    with Console(home, *activity, "--read-only") as console:
        console.wait_live()
        console.wait_seen("READ-ONLY")
        console.choose("shop-hold")
        console.send(key)
        console.wait_seen("The console is read-only", "--read-only or")
        console.quit()
        assert not console.audit_file.exists()
    assert is_there(workload, chain.holder)


def test_a_session_that_has_gone_meanwhile_is_left_alone(
    activity: list[str], chain: Chain, home: Path, workload: Workload
) -> None:
    """The question stands on the screen for as long as a person thinks; the pid may by then be somebody else's."""
    with Console(home, *activity) as console:
        console.wait_live()
        console.choose("shop-first")
        console.send("k")
        console.wait_seen(QUESTION)
        workload.ask("SELECT pg_terminate_backend($1, 10000)", chain.first.pid)
        console.send(TAB)
        console.wait_for(lambda screen: has_focus(screen, "Terminate"))
        console.send(ENTER)
        console.wait_seen(f"pid {chain.first.pid}: the session had already gone;")
        (entry,) = audited(console)
        assert entry["done"] is False
        console.quit()


def test_nothing_is_done_that_cannot_be_recorded(
    activity: list[str], chain: Chain, home: Path, workload: Workload
) -> None:
    (home / "state").write_text("a file where a directory should be")
    with Console(home, *activity) as console:
        console.wait_live()
        console.choose("shop-first")
        console.send("k")
        console.wait_seen(QUESTION)
        console.send(TAB)
        console.wait_for(lambda screen: has_focus(screen, "Terminate"))
        console.send(ENTER)
        console.wait_seen("Nothing was done, because it could")
        console.quit()
    assert is_there(workload, chain.first)
