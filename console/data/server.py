"""One PostgreSQL endpoint: its monitor connection, its engine, its life."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Protocol

import asyncpg

from console.clock import SYSTEM_CLOCK, Clock
from console.credentials.passwords import Passwords
from console.data.capabilities import capabilities_of
from console.data.driver import (
    DRIVER_ERRORS,
    cannot_connect,
    connect,
    connect_timeout,
    connection_arguments,
    hang_up,
    query_error,
)
from console.data.engine import Engine
from console.data.identifiers import in_quotes, quoted
from console.data.queries import OLDEST_MAJOR, query
from console.data.reaching import reach
from console.data.spending import Spending
from console.errors import (
    CannotConnect,
    ConnectionLost,
    DatabaseNotFound,
    OperationRefused,
    QueryDenied,
    ServerTooOld,
)
from console.models.pools import ConsolePool
from console.models.server import Capabilities, Cost, Link, LinkState
from console.models.target import Target
from console.settings import Settings

FIRST_RETRY = 0.5
"""Seconds before the first new try after a loss; each further one waits twice as long, up to `LAST_RETRY`."""
LAST_RETRY = 15.0


class Worker(Protocol):
    """Work on a server in a process of its own."""

    @property
    def connections(self) -> int:
        """How many it holds now."""

    async def cancel(self) -> None:
        """Returns when it is over."""


class Server:
    """The way to one server. All sampling goes over one connection that is opened first and kept.

    In an incident the console must not need a new connection slot, nor wait for a pool of its own. Losing the
    connection is a state (`link`), not an error: `keep_connected` brings it back.
    """

    def __init__(
        self,
        target: Target,
        settings: Settings,
        clock: Clock = SYSTEM_CLOCK,
        passwords: Passwords | None = None,
    ) -> None:
        """`passwords` has those that the target does not; without it there are no others."""
        self.passwords = passwords or Passwords()
        self._target = target
        self.capabilities: Capabilities | None = None
        self.engine = Engine(target, settings, clock, self.passwords, lambda: 1 + self._count_passing())
        self.workers: set[Worker] = set()
        """Processes of the console's own that work on this server, each from its beginning to its end."""
        self._named = target
        self._settings = settings
        self._clock = clock
        self._monitor: asyncpg.Connection[Any] | None = None
        self._turn = asyncio.Lock()
        self._spending = Spending(clock)
        self._denied: dict[str, QueryDenied] = {}
        self._link = Link(LinkState.CONNECTING, clock.now())
        self._listeners: list[Callable[[], None]] = []
        self._lost = asyncio.Event()
        self._try_now = asyncio.Event()
        self._wait_count = 0
        self._wait_seconds = 0.0
        self._visits = 0

    @property
    def target(self) -> Target:
        """Where the monitor connection is, or was last; every place that was named until it was connected once.

        With the password that was right there last.
        """
        return self.passwords.known(self._target)

    @property
    def environment(self) -> str | None:
        """What the server is for, where the person has said it: "production"."""
        return self._settings.environment

    # The link ---------------------------------------------------------------------------------------------------

    @property
    def link(self) -> Link:
        """How things stand now."""
        return self._link

    def on_link_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Has `listener` called at every change of the link; what is returned ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def keep_connected(self) -> None:
        """Connects, and connects again whenever the connection is lost, until it is cancelled.

        Tries with growing, jittered pauses, so that many consoles do not fall upon a server that comes back. Where
        trying again would not help (a wrong password), it waits for `try_now`.
        """
        while True:
            try:
                await self.connect()
            except CannotConnect as problem:
                await self._pause_before_retry(problem)
            else:
                await self._lost.wait()

    def try_now(self) -> None:
        """Ends the pause before the next try, in which every password may be tried again and asked for."""
        self.passwords.start_over()
        self._try_now.set()

    async def connect(self) -> None:
        """Opens the monitor connection, to the first place that serves, and asks what the server can do.

        Raises `CannotConnect`, which says why in a sentence. Without it the link is live.
        """
        connection, target = await reach(self._named, self._settings, self.passwords)
        timeout = connect_timeout(target, self._settings)
        try:
            major = connection.get_server_version().major
            if "bouncer" in connection.get_settings().server_version:
                raise DatabaseNotFound(
                    f"The database {target.database!r} at {target.address} is PgBouncer's own console; name one that "
                    "is behind it."
                )
            if major < OLDEST_MAJOR:
                raise ServerTooOld(
                    f"{target.address} runs PostgreSQL {major}; dbconsole needs {OLDEST_MAJOR} or newer."
                )
            capabilities = await capabilities_of(connection, timeout)
        except BaseException as error:
            connection.terminate()
            if isinstance(error, DRIVER_ERRORS):
                raise cannot_connect(error, target, timeout) from error
            raise
        self._named = replace(self._named, is_pooled=capabilities.is_pooled)
        if capabilities.is_pooled and not target.is_pooled:
            # A pooler that took all settings, and does with them what it likes.
            await hang_up(connection)
            await self.connect()
            return
        self._target = replace(target, is_pooled=capabilities.is_pooled)
        self.capabilities = capabilities
        self._monitor = connection
        self._spending.begin()
        self._denied.clear()
        self._lost.clear()
        connection.add_termination_listener(self._terminated)
        self._set_link(Link(LinkState.LIVE, self._clock.now()))
        await self.engine.move(self.target)

    async def close(self) -> None:
        """Lets go of every connection. What still runs is cancelled on the server first, and written down."""
        for worker in list(self.workers):
            await worker.cancel()
        monitor, self._monitor = self._monitor, None
        if monitor is not None and not monitor.is_closed():
            monitor.remove_termination_listener(self._terminated)
            await hang_up(monitor)
        await self.engine.close()

    async def _pause_before_retry(self, problem: CannotConnect) -> None:
        before = self._link
        since = self._clock.now() if before.state is LinkState.LIVE else before.since
        attempts = before.attempts + 1
        self._try_now.clear()
        if not problem.transient:
            self._set_link(Link(LinkState.REFUSED, since, problem.sentence, attempts=attempts))
            await self._try_now.wait()
            return
        pause = retry_pause(attempts)
        retry_at = self._clock.monotonic() + pause
        self._set_link(Link(LinkState.LOST, since, problem.sentence, retry_at, attempts))
        try:
            async with asyncio.timeout(pause):
                await self._try_now.wait()
        except TimeoutError:
            pass

    def _terminated(self, connection: asyncpg.Connection[Any]) -> None:
        """The connection ended. Whoever was asking something is heard first, being told why."""
        asyncio.get_running_loop().call_soon(self._lose_unasked, connection)

    def _lose_unasked(self, connection: asyncpg.Connection[Any]) -> None:
        if connection is self._monitor:
            self._lose(ConnectionLost("The server closed the connection."))

    def _lose(self, problem: ConnectionLost) -> None:
        monitor, self._monitor = self._monitor, None
        if monitor is None:
            return
        monitor.terminate()
        self._set_link(Link(LinkState.LOST, self._clock.now(), problem.sentence, self._clock.monotonic()))
        self._lost.set()

    def _set_link(self, link: Link) -> None:
        self._link = link
        for listener in list(self._listeners):
            listener()

    # Asking -----------------------------------------------------------------------------------------------------

    async def fetch(
        self, name: str, *arguments: Any, identifiers: Mapping[str, str] | None = None
    ) -> list[asyncpg.Record]:
        """The rows of a named query, as `ask` gives them.

        What was denied for lack of a privilege is not asked again on this connection, to keep the server's log clean.

        Raises `ConnectionLost`, `QueryDenied`, `QueryTimedOut`, `ObjectMissing` or `QueryFailed`.
        """
        if name in self._denied:
            raise self._denied[name]
        try:
            return await self.ask(name, *arguments, identifiers=identifiers)
        except QueryDenied as problem:
            self._denied[name] = problem
            raise

    async def ask(
        self, name: str, *arguments: Any, identifiers: Mapping[str, str] | None = None
    ) -> list[asyncpg.Record]:
        """The rows of a named query, asked over the monitor connection whatever became of it before.

        What stands as `:"name"` in the query, as in psql, is put in from `identifiers`, quoted.

        For a query whose arguments decide whether it is allowed: whose session is to be ended. Where the rows have a
        column `server_ms`, its largest value is what the statement cost the server.

        Raises `ConnectionLost`, `QueryDenied`, `QueryTimedOut`, `ObjectMissing` or `QueryFailed`.
        """
        limit = self._settings.timeouts.statement + self._settings.timeouts.connect
        waited = self._turn.locked()
        asked = time.perf_counter()
        async with self._turn:
            if waited:
                self._wait_count += 1
                self._wait_seconds += time.perf_counter() - asked
            monitor, capabilities = self._monitor, self.capabilities
            if monitor is None or capabilities is None:
                raise ConnectionLost(self._link.problem)
            began = time.perf_counter()
            try:
                rows: list[asyncpg.Record] = await monitor.fetch(
                    with_identifiers(query(name, capabilities.major), identifiers or {}),
                    *arguments,
                    timeout=limit,
                )
            except DRIVER_ERRORS as error:
                problem = query_error(error, limit)
                if isinstance(problem, ConnectionLost):
                    self._lose(problem)
                raise problem from error
        took = time.perf_counter() - began
        self._spending.add(name, took, rows, is_pooled=self.target.is_pooled)
        return rows

    @asynccontextmanager
    async def visit(self, database: str | None = None) -> AsyncIterator[asyncpg.Connection[Any]]:
        """A connection for one errand, to this database or another one, with the limits of the monitor's.

        It is closed at the end, and what it still does then is cancelled. What goes wrong on it comes out as the
        console's own errors.

        Raises `OperationRefused` where the console has no connection left, `CannotConnect`, or what `ask` raises.
        """
        await self._make_room()
        target = replace(self.target, database=database or self.target.database)
        arguments = connection_arguments(target, self._settings)
        del arguments["server_settings"]["jit"]
        self._visits += 1
        try:
            try:
                connection = await connect(**arguments, passwords=self.passwords, statement_cache_size=0)
            except DRIVER_ERRORS as error:
                raise cannot_connect(error, target, connect_timeout(target, self._settings)) from error
            try:
                yield connection
            except (
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                asyncpg.InternalClientError,
                ConnectionError,
                TimeoutError,
            ) as error:
                raise query_error(error, self._settings.timeouts.statement) from error
            finally:
                await hang_up(connection)
        finally:
            self._visits -= 1

    async def _make_room(self) -> None:
        if self.pool.open_connections < self._settings.pool.max_open:
            return
        if self.engine.pool.idle and not self.engine.pool.in_use:
            await self.engine.close()
        if self.pool.open_connections >= self._settings.pool.max_open:
            raise OperationRefused(
                f"This needs a connection of its own, and the console holds the {self._settings.pool.max_open} that "
                "pool.max_open allows it; try again when a migration or another plan is done, or set it to 2 or 3."
            )

    @property
    def missing_right(self) -> str:
        """What would let this role see all sessions, as a sentence with the statement."""
        role = self.capabilities.role if self.capabilities else self.target.user
        return f"GRANT pg_monitor TO {quoted(role)} shows it."

    # What it costs ----------------------------------------------------------------------------------------------

    @property
    def cost(self) -> Cost:
        """What the console costs this server."""
        return Cost(self.pool.open_connections, self._spending.server_ms_per_minute)

    @property
    def seconds_on_the_way(self) -> float:
        """How long all questions and answers were under way so far, apart from the work of the server."""
        return self._spending.on_the_way

    @property
    def pool(self) -> ConsolePool:
        """The console's own connections: the monitor and visits, always in use, those of the engine and of its workers."""
        engine = self.engine.pool
        others = int(self._monitor is not None) + self._count_passing()
        return replace(
            engine,
            max_open_connections=engine.max_open_connections + 1,
            open_connections=engine.open_connections + others,
            in_use=engine.in_use + others,
            wait_count=engine.wait_count + self._wait_count,
            wait_duration=engine.wait_duration + self._wait_seconds,
        )

    def _count_passing(self) -> int:
        """Connections of visits and of workers."""
        return self._visits + sum(worker.connections for worker in self.workers)


def retry_pause(attempts: int) -> float:
    """Seconds before the next try after so many that failed: doubled each time, with a quarter of jitter."""
    pause = min(LAST_RETRY, FIRST_RETRY * 2.0 ** min(attempts - 1, 10))
    return pause * random.uniform(0.75, 1.25)


def with_identifiers(text: str, identifiers: Mapping[str, str]) -> str:
    """A query with its `:"name"` put in; in quotes always, for it may be a word of SQL's own."""
    return re.sub(r':"(\w+)"', lambda match: in_quotes(identifiers[match[1]]), text)
