"""The SQLAlchemy engine of accounts, spatial and migrations, made at first need, with a true count of its pool."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from console.clock import Clock
from console.credentials.passwords import Passwords
from console.data.driver import (
    DRIVER_ERRORS,
    cannot_connect,
    connect,
    connect_timeout,
    connection_arguments,
    query_error,
)
from console.errors import DbconsoleError, OperationRefused, QueryTimedOut
from console.models.pools import ConsolePool
from console.models.target import Target
from console.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_PATIENCE = 30.0
"""Seconds that a connection is waited for."""
_TOO_LONG = "Every connection of the console was in use for too long."
_LOOK_AGAIN = 0.02
"""Seconds after which it is looked whether one of the others has ended: they tell nobody."""


class Engine:
    """A pool that never holds more than the console's limit less its other connections.

    Importing SQLAlchemy takes a fifth of a second, which watching must not pay: nothing of it is imported before
    the first `connection()`, and then in a thread.
    """

    def __init__(
        self,
        target: Target,
        settings: Settings,
        clock: Clock,
        passwords: Passwords,
        count_others: Callable[[], int],
    ) -> None:
        """`count_others` says how many connections the console has besides these, the monitor always among them."""
        self._count_others = count_others
        self._target = target
        self._settings = settings
        self._clock = clock
        self._passwords = passwords
        self._engine: AsyncEngine | None = None
        self._making = asyncio.Lock()
        self._waits = 0
        self._waited = 0.0
        self._closed_as_spare = 0
        self._closed_as_idle = 0
        self._closed_as_old = 0
        self._closing_idle = False
        self._last_use = clock.monotonic()
        self._janitor: asyncio.Task[None] | None = None

    @property
    def is_made(self) -> bool:
        """Whether anything has needed the engine yet."""
        return self._engine is not None

    @property
    def size(self) -> int:
        """Connections that it may hold while there is none but the monitor besides."""
        return self._settings.pool.max_open - 1

    @property
    def pool(self) -> ConsolePool:
        """The nine figures, counted from the pool's events and from the times of `connection()`."""
        idle = in_use = 0
        if self._engine is not None:
            pool: Any = self._engine.pool
            idle, in_use = pool.checkedin(), pool.checkedout()
        return ConsolePool(
            max_open_connections=self.size,
            open_connections=idle + in_use,
            in_use=in_use,
            idle=idle,
            wait_count=self._waits,
            wait_duration=self._waited,
            max_idle_closed=self._closed_as_spare,
            max_idle_time_closed=self._closed_as_idle,
            max_lifetime_closed=self._closed_as_old,
        )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """A connection from the pool, given back at the end. Waits while all are in use, and counts that.

        What goes wrong on it comes out as the console's own errors: `CannotConnect`, `ConnectionLost`,
        `QueryDenied`, `QueryTimedOut`, `ObjectMissing` or another `QueryFailed`.
        Raises `OperationRefused` where the settings leave no connection beside the monitor.
        """
        if self.size < 1:
            raise OperationRefused("This needs a second connection; set pool.max_open to 2 or 3.")
        await self._made()
        must_wait = self.pool.in_use >= self.size or not self._has_room
        asked = time.perf_counter()
        await self._wait_for_room()
        engine = await self._made()  # the server may be at another place by now
        async with AsyncExitStack() as giving_back:
            with self._own_errors(connecting=True):
                connection = await giving_back.enter_async_context(engine.connect())
            if must_wait:
                self._waits += 1
                self._waited += time.perf_counter() - asked
            try:
                with self._own_errors(connecting=False):
                    yield connection
            finally:
                self._last_use = self._clock.monotonic()

    @property
    def _has_room(self) -> bool:
        """Whether taking a connection makes none too many in all. What waits for its own pool makes none either."""
        pool = self.pool
        makes_none = pool.idle > 0 or pool.in_use >= self.size
        return makes_none or pool.open_connections + self._count_others() < self._settings.pool.max_open

    async def _wait_for_room(self) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                while not self._has_room:  # noqa: ASYNC110 (whoever goes tells nobody)
                    await asyncio.sleep(_LOOK_AGAIN)
        except TimeoutError as error:
            raise QueryTimedOut(_TOO_LONG) from error

    @contextmanager
    def _own_errors(self, *, connecting: bool) -> Iterator[None]:
        """Makes the console's errors of the driver's and of SQLAlchemy's; this module is where both are known."""
        from sqlalchemy.exc import DBAPIError
        from sqlalchemy.exc import TimeoutError as PoolTimeout

        try:
            yield
        except PoolTimeout as error:
            raise QueryTimedOut(_TOO_LONG) from error
        except DBAPIError as error:
            raise self._said(error.driver_exception, connecting) from error
        except DRIVER_ERRORS as error:
            # What a caller's own file or socket raises is not the server's doing.
            if isinstance(error, OSError | EOFError) and not (
                connecting or isinstance(error, ConnectionError)
            ):
                raise
            raise self._said(error, connecting) from error

    def _said(self, error: BaseException, connecting: bool) -> DbconsoleError:
        if connecting:
            return cannot_connect(error, self._target, connect_timeout(self._target, self._settings))
        return query_error(error, self._settings.timeouts.statement)

    async def move(self, target: Target) -> None:
        """Goes on at this place, with new connections: the old ones are to another, or as lost as the monitor's was."""
        self._target = target
        await self.close()

    async def close(self) -> None:
        """Closes every connection that is not in use, and makes the engine forget the others."""
        async with self._making:  # what is being made leads to where the console was before
            engine, self._engine = self._engine, None
        if self._janitor is not None:
            self._janitor.cancel()
        if engine is not None:
            await engine.dispose()

    async def close_idle(self) -> None:
        """Closes the connections when nothing has used any of them for `max_idle_time`."""
        limit = self._settings.pool.max_idle_time
        pool = self.pool
        unused = self._clock.monotonic() - self._last_use
        if self._engine is not None and limit and unused >= limit and pool.idle and not pool.in_use:
            self._closing_idle = True
            try:
                await self._engine.dispose()
            finally:
                self._closing_idle = False

    async def _made(self) -> AsyncEngine:
        async with self._making:
            if self._engine is None:
                self._engine = await asyncio.to_thread(self._make)
                self._janitor = asyncio.create_task(self._keep_tidy(), name="engine janitor")
            return self._engine

    async def _keep_tidy(self) -> None:
        while True:
            await asyncio.sleep(max(1.0, self._settings.pool.max_idle_time / 4))
            await self.close_idle()

    def _make(self) -> AsyncEngine:
        from sqlalchemy import event
        from sqlalchemy.engine import URL
        from sqlalchemy.ext.asyncio import create_async_engine

        arguments = connection_arguments(self._target, self._settings)
        if not self._settings.read_only:
            arguments["server_settings"].pop("default_transaction_read_only")
        # A plan that was made without knowing what is searched for reads a whole table for it.
        arguments["server_settings"]["plan_cache_mode"] = "force_custom_plan"
        limits = self._settings.pool
        kept = max(1, min(self.size, limits.max_idle))

        def creator() -> Any:
            # Behind a pooler no statement has a name, so that none is there a second time.
            size = 0 if self._target.is_pooled else 100
            dbapi = engine.dialect.loaded_dbapi
            return dbapi.connect(
                async_creator_fn=partial(connect, **arguments, passwords=self._passwords),
                prepared_statement_cache_size=size,
            )

        engine = create_async_engine(
            URL.create("postgresql+asyncpg"),
            creator=creator,
            pool_size=kept,
            max_overflow=self.size - kept,
            pool_pre_ping=True,
            pool_recycle=limits.max_lifetime or -1,
            hide_parameters=True,
        )

        @event.listens_for(engine.sync_engine, "connect")
        def opened(_connection: Any, record: Any) -> None:
            record.info["opened"] = self._clock.monotonic()

        @event.listens_for(engine.sync_engine, "invalidate")
        def broken(_connection: Any, record: Any, _error: Any) -> None:
            record.info["broken"] = True

        @event.listens_for(engine.sync_engine, "close")
        def closed(_connection: Any, record: Any) -> None:
            self._count_closed(record.info, engine.pool)

        return engine

    def _count_closed(self, about: dict[Any, Any], pool: Any) -> None:
        """Tells why a connection was closed, as Go's pool does: idle too long, too old, or one more than may idle."""
        lifetime = self._settings.pool.max_lifetime
        if about.get("broken") or "opened" not in about:
            return
        if self._closing_idle:
            self._closed_as_idle += 1
        elif lifetime and self._clock.monotonic() - about["opened"] > lifetime:
            self._closed_as_old += 1
        elif pool.checkedin() >= pool.size():
            self._closed_as_spare += 1
