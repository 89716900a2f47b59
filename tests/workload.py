"""Sessions on a server for tests that are not async: those that watch a terminal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import Any, Self, TypeVar

import asyncpg

from tests.postgres import PostgresCluster

T = TypeVar("T")
TIMEOUT = 20.0
"""Seconds that a statement may take, and a condition to come true."""


class Session:
    """One session; statements run one after the other."""

    def __init__(self, workload: Workload, connection: asyncpg.Connection) -> None:
        self._workload = workload
        self.connection = connection
        self.pid: int = connection.get_server_pid()
        self.statement: Future[str] | None = None
        """What was started last, with its end or its error."""

    def run(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Runs a statement to its end."""
        rows: list[asyncpg.Record] = self._workload.wait(
            self.connection.fetch(statement, *arguments, timeout=TIMEOUT)
        )
        return rows

    def start(self, statement: str) -> None:
        """Starts a statement and does not wait for its end."""
        self.statement = self._workload.begin(self.connection.execute(statement))

    def error(self) -> BaseException | None:
        """How the statement that was started ended; None when it went well."""
        assert self.statement is not None, "nothing was started"
        return self.statement.exception(TIMEOUT)


class Workload:
    """Sessions on one server, on an event loop in a thread of their own. Leaving the block ends them all."""

    def __init__(self, cluster: PostgresCluster) -> None:
        self._cluster = cluster
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="workload")
        self._sessions: list[Session] = []
        self._observer: Session | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):  # the test may have stopped it
            self.end_sessions()
        self.wait(self._terminate())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _terminate(self) -> None:
        for session in self._sessions:
            session.connection.terminate()
            if session.statement is not None:
                await asyncio.gather(asyncio.wrap_future(session.statement), return_exceptions=True)
        await asyncio.sleep(0)  # the transports close in the loop's next round

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Starts something on the loop of the sessions."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Waits for something on the loop of the sessions."""
        return self.begin(work).result(TIMEOUT)

    def session(
        self, application: str = "test", user: str = "postgres", database: str = "postgres"
    ) -> Session:
        """A new session."""
        settings = {"application_name": application}
        connection = self.wait(self._cluster.connect(user, database, server_settings=settings))
        session = Session(self, connection)
        self._sessions.append(session)
        return session

    def ask(self, question: str, *arguments: object) -> Any:
        """The first value of the answer."""
        if self._observer is None or self._observer.connection.is_closed():
            self._observer = self.session("observer")
        return self._observer.run(question, *arguments)[0][0]

    def end_sessions(self) -> None:
        """Ends every session but the one that asks, and waits until the server has forgotten them."""
        pids = [session.pid for session in self._sessions if session is not self._observer]
        self.ask("SELECT count(pg_terminate_backend(pid, 10000)) FROM unnest($1::int[]) AS pid", pids)

    def until(self, condition: str) -> None:
        """Returns when the SQL condition is true."""
        deadline = time.monotonic() + TIMEOUT
        while not self.ask(f"SELECT {condition}"):
            assert time.monotonic() < deadline, f"not so within {TIMEOUT} s: {condition}"

    def until_gone(self, pid: int) -> None:
        """Returns when no session has this pid."""
        self.until(f"NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {pid})")

    def until_waiting(self, *sessions: Session) -> None:
        """Returns when every one of the sessions waits for a lock."""
        for session in sessions:
            self.until(f"cardinality(pg_blocking_pids({session.pid})) > 0")
