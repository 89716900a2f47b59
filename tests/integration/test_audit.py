"""What is written down when a person stops sessions, and that nothing is done that cannot be written down."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from console.data.activity import ActivityService
from console.data.audit import AuditFile, audit_path
from console.data.failures import FailureWatch
from console.data.server import Server
from console.errors import ConnectionLost, DbconsoleError, OperationRefused
from console.models.activity import Session, SessionKey, SessionState
from console.models.operation import Outcome
from console.settings import Settings
from tests.live import NOON, SteppedClock, connected, until
from tests.postgres import PostgresCluster

LONG = "SELECT pg_sleep(600)"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a person stops sessions."""

    server: Server
    activity: ActivityService
    file: Path

    async def stop(self, *sessions: Session, terminate: bool = False) -> tuple[Outcome, ...]:
        """Stops the sessions as the screen does, after the person has confirmed it."""
        snapshot = await self.activity.sample()
        operation = await self.activity.stop_operation(sessions, snapshot, terminate=terminate)
        return await self.activity.stop(operation, sessions, terminate=terminate)

    async def shown(self, *victims: asyncpg.Connection[Any]) -> list[Session]:
        """The sessions of these connections, as the screen has them."""
        self.activity.with_idle = True
        by_pid = {session.pid: session for session in (await self.activity.sample()).sessions}
        return [by_pid[victim.get_server_pid()] for victim in victims]

    async def running(self, victim: asyncpg.Connection[Any]) -> Session:
        """The connection's session, as soon as it runs a query."""

        async def runs() -> bool:
            return (await self.shown(victim))[0].state is SessionState.ACTIVE

        await until(runs)
        return (await self.shown(victim))[0]

    @property
    def entries(self) -> list[dict[str, Any]]:
        """What the file says."""
        return [json.loads(line) for line in self.file.read_text().splitlines()]


@asynccontextmanager
async def desk(postgres: PostgresCluster, file: Path, user: str = "postgres") -> AsyncIterator[Desk]:
    """A person's desk, connected as that role; at noon."""
    async with connected(postgres.url(user), Settings(environment="staging")) as server:
        activity = ActivityService(server, FailureWatch(server), AuditFile(file, SteppedClock()))
        yield Desk(server, activity, file)


@asynccontextmanager
async def victims(
    postgres: PostgresCluster, number: int = 1, user: str = "postgres"
) -> AsyncIterator[list[asyncpg.Connection[Any]]]:
    """So many sessions that somebody may want to stop."""
    async with AsyncExitStack() as stack:
        connections = []
        for _ in range(number):
            connection = await postgres.connect(user)
            stack.callback(connection.terminate)
            connections.append(connection)
        yield connections


async def test_an_entry_says_who_did_what_where_and_what_became_of_it(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    file = tmp_path / "state" / "dbconsole" / "audit.jsonl"
    async with desk(postgres, file) as at, victims(postgres) as (victim,):
        asleep = asyncio.create_task(victim.execute(LONG))
        session = await at.running(victim)
        (outcome,) = await at.stop(session)
        with pytest.raises(asyncpg.QueryCanceledError):
            await asleep
        pid, start = session.key.pid, session.key.backend_start
        assert at.entries == [
            {
                "at": NOON.isoformat(),
                "os_user": getpass.getuser(),
                "os_host": socket.gethostname(),
                "server": f"postgres@127.0.0.1:{postgres.port}/postgres",
                "environment": "staging",
                "operation": f"Cancel the query of session {pid}",
                "object": f"pid {pid}",
                "statement": (
                    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity\n"  # noqa: S608
                    f" WHERE pid = {pid} AND backend_start = '{start}'"
                ),
                "done": True,
                "outcome": outcome.sentence,
            }
        ]
        assert postgres.password not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o077 == 0


async def test_a_recorded_statement_can_be_run_again_as_it_stands(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    """The start is written with all its digits and its time zone, so the server finds that very session."""
    async with desk(postgres, tmp_path / "audit.jsonl") as at, victims(postgres) as (victim,):
        asleep = asyncio.create_task(victim.execute(LONG))
        session = await at.running(victim)
        await at.stop(session)
        with pytest.raises(asyncpg.QueryCanceledError):
            await asleep
        (entry,) = at.entries
        assert [tuple(row) for row in await postgres.run(entry["statement"])] == [(True,)]


async def test_every_session_has_a_line_of_its_own_whatever_became_of_it(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    async with desk(postgres, tmp_path / "audit.jsonl") as at, victims(postgres, 2) as (one, two):
        first, second = await at.shown(one, two)
        made_up = replace(second, key=SessionKey(second.pid, datetime(2001, 1, 1, tzinfo=UTC)))
        outcomes = await at.stop(first, made_up, terminate=True)
        assert [outcome.done for outcome in outcomes] == [True, False]
        assert [(entry["object"], entry["done"], entry["outcome"]) for entry in at.entries] == [
            (f"pid {first.pid}", True, f"pid {first.pid}: terminated."),
            (
                f"pid {second.pid}",
                False,
                f"pid {second.pid}: the session had already gone; nothing was done.",
            ),
        ]
        assert {entry["operation"] for entry in at.entries} == {"Terminate 2 sessions"}
        assert f"pid = {first.pid} AND" in at.entries[0]["statement"]
        assert f"pid = {second.pid} AND" in at.entries[1]["statement"]
        assert await two.fetchval("SELECT 1") == 1


async def test_what_the_server_refused_is_written_in_its_own_words(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    async with (
        desk(postgres, tmp_path / "audit.jsonl", "monitor") as at,
        victims(postgres) as (victim,),
    ):
        (session,) = await at.shown(victim)
        (outcome,) = await at.stop(session, terminate=True)
        assert not outcome.done
        (entry,) = at.entries
        assert entry["done"] is False
        assert entry["server"].startswith("monitor@")
        assert "permission denied" in entry["outcome"]
        assert await victim.fetchval("SELECT 1") == 1


async def test_the_loss_of_the_server_while_stopping_is_written(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    async with desk(postgres, tmp_path / "audit.jsonl") as at, victims(postgres) as (victim,):
        (session,) = await at.shown(victim)
        operation = await at.activity.stop_operation([session], await at.activity.sample(), terminate=True)
        await at.server.close()
        (outcome,) = await at.activity.stop(operation, [session], terminate=True)
        assert not outcome.done
        assert [entry["done"] for entry in at.entries] == [False]
        assert ConnectionLost().sentence in at.entries[0]["outcome"]


async def test_new_entries_come_after_old_ones(postgres: PostgresCluster, tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    for _ in range(2):
        async with desk(postgres, file) as at, victims(postgres) as (victim,):
            await at.stop(*await at.shown(victim), terminate=True)
    assert len(at.entries) == 2
    assert at.entries[0]["object"] != at.entries[1]["object"]


@pytest.mark.parametrize("obstacle", ["directory", "file above it"])
async def test_what_cannot_be_written_down_is_not_done(
    postgres: PostgresCluster, tmp_path: Path, obstacle: str
) -> None:
    # No permissions: whoever runs the tests as root may write anywhere.
    file = tmp_path / "state" / "audit.jsonl"
    if obstacle == "directory":
        file.mkdir(parents=True)
    else:
        file.parent.touch()
    async with desk(postgres, file) as at, victims(postgres) as (victim,):
        (session,) = await at.shown(victim)
        with pytest.raises(OperationRefused) as refused:
            await at.stop(session, terminate=True)
        assert refused.value.sentence.startswith("Nothing was done, because it could not be recorded: ")
        assert str(file) in refused.value.sentence
        assert await victim.fetchval("SELECT 1") == 1


async def test_on_a_full_disk_it_stops_after_the_first_and_says_so(postgres: PostgresCluster) -> None:
    async with desk(postgres, Path("/dev/full")) as at, victims(postgres, 2) as (one, two):
        with pytest.raises(DbconsoleError) as caught:
            await at.stop(*await at.shown(one, two), terminate=True)
        assert caught.value.sentence == (
            f"pid {one.get_server_pid()}: terminated. "
            "This could not be recorded: No space left on device (/dev/full)."
        )
        assert await two.fetchval("SELECT 1") == 1


async def test_an_account_without_a_name_is_written_as_its_number(
    postgres: PostgresCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_242_424)
    async with desk(postgres, tmp_path / "audit.jsonl") as at, victims(postgres) as (victim,):
        await at.stop(*await at.shown(victim), terminate=True)
        assert [entry["os_user"] for entry in at.entries] == ["uid 4242424"]


async def test_names_from_the_server_stay_one_line_each(postgres: PostgresCluster, tmp_path: Path) -> None:
    """A person's title may name what an attacker chose: a line break in it must not become an entry."""
    async with desk(postgres, tmp_path / "audit.jsonl") as at, victims(postgres) as (victim,):
        (session,) = await at.shown(victim)
        operation = await at.activity.stop_operation([session], await at.activity.sample(), terminate=True)
        forged = 'x"}\n{"done": true, "outcome": "\udc9b\x1b]0;y\x07'
        await at.activity.stop(replace(operation, title=forged), [session], terminate=True)
        (entry,) = at.entries
        assert entry["operation"].startswith('x"}\n{"done"')
        assert "\x1b" not in at.file.read_text()


def test_the_file_is_where_the_system_keeps_a_programs_state(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert audit_path() == tmp_path / "dbconsole" / "audit.jsonl"
    assert not os.listdir(tmp_path)
