"""A connection through a pooler, which may give every transaction another session of the server's.

PgBouncer in transaction mode does. So nothing stays behind in a session: whatever is asked is asked within a
transaction, which begins with the limits of the connection (`SET LOCAL`), and no statement has a name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import asyncpg

from console.data.identifiers import literal
from console.data.queries import OWN_MARK

T = TypeVar("T")

ROLLBACK_SECONDS = 5.0

_TRIALS = 3
"""So often is looked whether a pooler keeps sessions."""

_AT_STARTUP = ("application_name", "options")
"""What is said as a connection begins. PgBouncer follows the first by itself, and refuses most other settings."""

_LEFT_OUT = ("jit",)
"""The driver sets it for a session where it looks types up, and back to what it was within the transaction."""

_OF_A_TRANSACTION = {"default_transaction_read_only": "transaction_read_only"}
"""What a session's setting is called within a transaction, where that is something else."""


class PooledConnection(asyncpg.Connection):  # type: ignore[misc]
    """A connection that is no session."""

    limits: Mapping[str, str] = {}
    """Settings of the server that hold in every transaction."""

    _backend_pid: int | None = None

    async def hold(self) -> None:
        """Makes it a session with these limits, for a pooler that keeps one; again, where they were reset.

        See `keeps_sessions`. Raises what the driver raises.
        """
        await super().execute(setting("SET", self.limits))
        self._backend_pid = await super().fetchval(f"SELECT pg_catalog.pg_backend_pid() {OWN_MARK}")

    def get_server_pid(self) -> int:
        """The backend's where it is a session; else a number of the pooler's, by which that knows what to cancel."""
        pid: int = self._backend_pid or super().get_server_pid()
        return pid

    # The driver's own signatures, whose `timeout` is for one round trip.

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109
        """As of any connection. What is without arguments is one round trip, also what begins a transaction."""
        if not args and self._needs_limits:
            is_begin = query.startswith("BEGIN")
            query = f"{query} {self._set_limits}" if is_begin else f"{self._set_limits} {query}"
        status: str = await super().execute(query, *args, timeout=timeout)
        return status

    async def _execute(self, query: str, args: Any, limit: int, timeout: float | None, **more: Any) -> Any:  # noqa: ASYNC109
        """What `fetch` and its like come to in the driver, and `execute` with arguments."""
        asking = partial(super()._execute, query, args, limit, timeout, **more)
        return await self._within_limits(asking, timeout)

    async def _copy_out(self, copy_stmt: str, output: Any, timeout: float | None) -> Any:  # noqa: ASYNC109
        return await self._within_limits(partial(super()._copy_out, copy_stmt, output, timeout), timeout)

    @property
    def _needs_limits(self) -> bool:
        return self._backend_pid is None and not self.is_in_transaction()

    @property
    def _set_limits(self) -> str:
        limits = {_OF_A_TRANSACTION.get(name, name): value for name, value in self.limits.items()}
        return setting("SET LOCAL", limits)

    async def _within_limits(self, ask: Callable[[], Awaitable[T]], seconds: float | None) -> T:
        """The answer, from a transaction of its own where it is in none."""
        if not self._needs_limits:
            return await ask()
        try:
            await self.execute("BEGIN;", timeout=seconds)
            answer = await ask()
            await self.execute("COMMIT", timeout=seconds)
        except TimeoutError:
            self.terminate()  # who did not answer will not hear that it is over
            raise
        except BaseException:
            await self._roll_back()
            raise
        return answer

    async def _roll_back(self) -> None:
        if self.is_closed():
            return
        try:
            # Without `execute` of its own: whether it is in a transaction is not known after a cancelled BEGIN.
            await super().execute("ROLLBACK", timeout=ROLLBACK_SECONDS)
        except BaseException as error:
            self.terminate()
            if not isinstance(error, Exception):
                raise


def as_pooled(connection: asyncpg.Connection[Any]) -> PooledConnection | None:
    """The same connection where it is one of these: of any of the driver's `isinstance` says that it is."""
    return connection if type(connection) is PooledConnection else None


def setting(how: str, settings: Mapping[str, str]) -> str:
    """The statements for settings of the server: SET or SET LOCAL. A search path is a list of names, quoted already."""
    values = {name: value if name == "search_path" else literal(value) for name, value in settings.items()}
    return " ".join(f"{how} {name} = {value} {OWN_MARK};" for name, value in values.items())


def split(settings: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The settings that a connection through a pooler begins with, and those that are its limits."""
    startup = {name: value for name, value in settings.items() if name in _AT_STARTUP}
    limits = {name: value for name, value in settings.items() if name not in (*_AT_STARTUP, *_LEFT_OUT)}
    return startup, limits


async def keeps_sessions(one: asyncpg.Connection[Any], other: asyncpg.Connection[Any]) -> bool:
    """Whether the pooler keeps a session for each of these connections, found out by trial.

    In transaction mode the session of one that is idle is given to the other; or, where many are at work, one of
    them has another session every time.
    """
    sessions: tuple[set[int], set[int]] = (set(), set())
    for _ in range(_TRIALS):
        async with other.transaction():
            for connection, seen in zip((other, one), sessions, strict=True):
                seen.add(await connection.fetchval(f"SELECT pg_catalog.pg_backend_pid() {OWN_MARK}"))
    return all(len(seen) == 1 for seen in sessions) and sessions[0].isdisjoint(sessions[1])
