"""Sessions for tests of what the data layer sees of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import asyncpg

from console.data.activity import ActivityService
from console.data.audit import AuditFile
from console.data.failures import FailureWatch
from console.data.server import Server
from console.models.activity import ActivitySnapshot, Session
from tests.live import connected, until
from tests.postgres import PostgresCluster


@dataclass(frozen=True)
class Member:
    """One session. Its pid is kept for when it has gone."""

    connection: asyncpg.Connection
    pid: int


class Crowd:
    """Sessions of a test; leaving the block ends them, whatever they wait for."""

    def __init__(self, cluster: PostgresCluster) -> None:
        self._cluster = cluster
        self._members: list[Member] = []
        self._statements: list[asyncio.Task[str]] = []

    async def __aenter__(self) -> Crowd:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A server that works for a client that has gone notices it late.
        pids = ", ".join(str(member.pid) for member in self._members)
        members = f"FROM pg_stat_activity WHERE pid = ANY ('{{{pids}}}')"
        await self._cluster.run(f"SELECT pg_terminate_backend(pid) {members}")
        await self.until(f"NOT EXISTS (SELECT {members})")
        await asyncio.gather(*self._statements, return_exceptions=True)
        for member in self._members:
            member.connection.terminate()

    async def session(self, *statements: str, role: str = "postgres", database: str = "postgres") -> Member:
        """A new session that has run these."""
        connection = await self._cluster.connect(role, database)
        member = Member(connection, connection.get_server_pid())
        self._members.append(member)
        for statement in statements:
            await connection.execute(statement)
        return member

    async def waiter(self, *statements: str, database: str = "postgres") -> Member:
        """A new session that is held up by another one in the last of these."""
        member = await self.session(*statements[:-1], database=database)
        self.begin(member, statements[-1])
        await self.until(f"cardinality(pg_blocking_pids({member.pid})) > 0")
        return member

    async def runner(self, statement: str, role: str = "postgres") -> Member:
        """A new session that is busy with this."""
        member = await self.session(role=role)
        self.begin(member, statement)
        await self.until(
            f"EXISTS (SELECT FROM pg_stat_activity WHERE pid = {member.pid}"
            " AND state = 'active' AND wait_event IS NOT NULL)"
        )
        return member

    def begin(self, member: Member, statement: str) -> asyncio.Task[str]:
        """Has a session begin with this, without waiting for it."""
        task = asyncio.create_task(member.connection.execute(statement))
        self._statements.append(task)
        return task

    async def until(self, condition: str) -> None:
        """Returns when the SQL condition is true."""

        async def holds() -> bool:
            return bool((await self._cluster.run(f"SELECT {condition}"))[0][0])

        await until(holds)


def shown(snapshot: ActivitySnapshot, member: Member) -> Session:
    """What the snapshot has of that session."""
    return next(session for session in snapshot.sessions if session.pid == member.pid)


@asynccontextmanager
async def activity_of(
    cluster: PostgresCluster, tmp_path: Path, role: str = "postgres"
) -> AsyncIterator[tuple[ActivityService, Server]]:
    """The service on its own connection, with an audit file of the test's own: `audit.jsonl`."""
    async with connected(cluster.url(role)) as server:
        yield ActivityService(server, FailureWatch(server), AuditFile(tmp_path / "audit.jsonl")), server
