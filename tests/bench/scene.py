"""What both programs look at: a server with traffic, idle sessions, and one that keeps four others waiting."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import asyncpg

from console.demo.programs import own_account
from tests.postgres import Clusters

RATE = 200
"""Transactions a second that pgbench makes."""
CLIENTS = 4
SCALE = 4
IDLE, MANY_IDLE = 180, 500
WAITERS = 4

_SETTINGS: dict[str, str | int] = {"max_connections": 600, "shared_buffers": "64MB"}

_PREPARE = (
    "CREATE EXTENSION pg_stat_statements",
    "CREATE TABLE queue_position (id int PRIMARY KEY, position int)",
    "INSERT INTO queue_position VALUES (1, 0)",
)
_ROLE = "CREATE ROLE {role} LOGIN PASSWORD '{password}' IN ROLE pg_monitor, pg_signal_backend"
_BLOCK = "UPDATE queue_position SET position = position + 1 WHERE id = 1"
_SPENT = """
SELECT coalesce(sum(calls), 0) AS calls, coalesce(sum(total_exec_time), 0) AS milliseconds
  FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid
 WHERE r.rolname = $1 AND toplevel
"""
_WAITING = "SELECT pid FROM pg_stat_activity WHERE application_name = 'checkout' AND wait_event_type = 'Lock'"
_BACKENDS = "SELECT pid FROM pg_stat_activity WHERE usename = $1"


@dataclass(frozen=True, slots=True)
class ServerCost:
    """What a role's sessions have cost the server so far."""

    connections: int
    calls: int
    milliseconds: float
    """Execution time, as pg_stat_statements counts it; planning is not in it."""
    cpu_seconds: float
    """CPU time of the backends that are there now, in all."""


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far.

    From its CPU clock (clock_getcpuclockid(3), whose number is made of the pid as in the kernel's posix-timers.h),
    which counts nanoseconds: /proc and psutil count hundredths of a second, as much as a few refreshes cost.
    """
    return time.clock_gettime((~pid << 3) | 2)


class Scene:
    """The server and its load, on PostgreSQL 18; all of it ends with the block."""

    def __init__(self, roles: Iterable[str]) -> None:
        self._roles = list(roles)
        self._ends = ExitStack()
        self._idle: list[asyncpg.Connection[Any]] = []
        self.waiter_pid = 0
        """A session that is running, and waits, all the time."""

    def __enter__(self) -> Self:
        with ExitStack() as ends:
            clusters = Clusters()
            ends.callback(clusters.close)
            self.home = clusters.directory / "home"
            self.home.mkdir()
            self._cluster = clusters.make(18, settings=_SETTINGS)
            ends.enter_context(self._cluster)
            self._runner = ends.enter_context(asyncio.Runner())
            self._run(self._prepare())
            self._start_pgbench(ends)
            ends.callback(self._leave)
            self._run(self._block())
            while len(self._run(self._cluster.run(_WAITING))) < WAITERS:
                time.sleep(0.01)
            self.fill(IDLE)
            self._ends = ends.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    def url(self, role: str) -> str:
        """The address over TCP."""
        return self._cluster.url(role)

    def fill(self, count: int) -> None:
        """Opens idle sessions until there are so many."""

        async def open_them() -> None:
            while len(self._idle) < count:
                self._idle.append(await self._connect("worker"))

        self._run(open_them())

    def forget_statements(self) -> None:
        """Begins the statistics of statements anew."""
        self._run(self._cluster.run("SELECT pg_stat_statements_reset()"))

    def cost(self, role: str) -> ServerCost:
        """What the sessions of `role` cost since `forget_statements`, and their CPU time since they began."""
        spent = self._run(self._cluster.run(_SPENT, role))[0]
        backends = [row["pid"] for row in self._run(self._cluster.run(_BACKENDS, role))]
        cpu = sum(map(cpu_seconds, backends))
        return ServerCost(len(backends), int(spent["calls"]), spent["milliseconds"], cpu)

    async def _prepare(self) -> None:
        for statement in _PREPARE:
            await self._cluster.run(statement)
        for role in self._roles:
            await self._cluster.run(_ROLE.format(role=role, password=self._cluster.password))

    def _start_pgbench(self, ends: ExitStack) -> None:
        made = self._cluster.programs.run(*self._pgbench("-i", "-q", "-s", str(SCALE)), account=own_account())
        if made.returncode != 0:
            raise RuntimeError(f"pgbench -i failed: {made.stderr}")
        name, *words = self._pgbench("-n", "-R", str(RATE), "-c", str(CLIENTS), "-T", "86400")
        traffic = subprocess.Popen(
            [self._cluster.programs.directory / name, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        ends.callback(traffic.wait)
        ends.callback(traffic.kill)

    def _pgbench(self, *words: str) -> tuple[str, ...]:
        server = ("-h", str(self._cluster.directory), "-p", str(self._cluster.port), "-U", "postgres")
        return ("pgbench", *server, *words, "postgres")

    async def _block(self) -> None:
        self._blocker = await self._connect("importer")
        await self._blocker.execute("BEGIN")
        await self._blocker.execute(_BLOCK)
        self._waiters = [await self._connect("checkout") for _ in range(WAITERS)]
        self._waiting = [asyncio.create_task(waiter.execute(_BLOCK)) for waiter in self._waiters]
        self.waiter_pid = self._waiters[0].get_server_pid()

    def _leave(self) -> None:
        async def leave() -> None:
            await self._blocker.execute("ROLLBACK")
            await asyncio.gather(*self._waiting)
            for connection in (self._blocker, *self._waiters, *self._idle):
                connection.terminate()

        self._run(leave())

    async def _connect(self, application: str) -> asyncpg.Connection[Any]:
        return await asyncpg.connect(
            self._cluster.socket_url(), server_settings={"application_name": application}
        )

    def _run(self, work: Any) -> Any:
        return self._runner.run(work)
