"""The worker's connections: what they are told, and how they are opened and closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from console.data.driver import DRIVER_ERRORS, application_name, connect, connection_arguments, hang_up
from console.data.migrations.worker.protocol import Request
from console.data.pooled import PooledConnection, as_pooled, keeps_sessions
from console.errors import OperationRefused

APPLICATION_NAME = "dbconsole migrate"

_IDLE_LIMIT = 600_000
"""Milliseconds that a revision's own code may think in the middle of its transaction."""

_NEWER_SETTINGS = {"client_connection_check_interval": "2s", "idle_session_timeout": "0"}
"""So that a statement does not outlive the worker for long, and that the lock's connection may be idle.

From PostgreSQL 14 on, and the first of them not on every system.
"""


def session_arguments(request: Request, name: str) -> dict[str, Any]:
    """What `connect` is told for a connection that may write, under the limits of the migrations' settings."""
    arguments = connection_arguments(request.database, request.settings)
    settings = arguments["server_settings"]
    del settings["default_transaction_read_only"], settings["jit"]
    settings |= {
        "application_name": application_name(request.database, name),
        "lock_timeout": f"{request.limits.lock_timeout * 1000:.0f}",
        "statement_timeout": f"{request.limits.statement_timeout * 1000:.0f}",
        "idle_in_transaction_session_timeout": str(_IDLE_LIMIT),
    }
    return arguments


WAIT_LONG = """SELECT set_config('dbconsole.lock_timeout', current_setting('lock_timeout'), false),
                      set_config('lock_timeout', '0', false)"""
WAIT_AS_BEFORE = "SELECT set_config('lock_timeout', current_setting('dbconsole.lock_timeout'), false)"
"""For a statement that must not be broken off while it waits for a lock. RESET would forget what came after the start."""


async def newer_settings(connection: asyncpg.Connection[Any]) -> dict[str, str]:
    """Those of the newer settings that this server knows; the connection has them from now on."""
    known = {}
    for name, value in _NEWER_SETTINGS.items():
        with suppress(asyncpg.PostgresError):
            await connection.execute(f"SET {name} = '{value}'")
            known[name] = value
    return known


@asynccontextmanager
async def opened(arguments: dict[str, Any]) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection, closed at the end, politely if the server still listens.

    Raises what the driver raises, and `OperationRefused` behind a pooler that keeps no sessions.
    """
    connection = await connect(**arguments)
    try:
        if pooled := as_pooled(connection):
            await _hold(pooled, arguments)
        yield connection
    finally:
        try:
            await connection.close(timeout=2)
        except DRIVER_ERRORS:
            connection.terminate()


async def _hold(connection: PooledConnection, arguments: dict[str, Any]) -> None:
    target = arguments["target"]
    other = await connect(**arguments)
    try:
        async with asyncio.timeout(arguments["limit"]):
            is_session = await keeps_sessions(connection, other)
    except TimeoutError as error:
        raise OperationRefused(
            f"The pooler at {target.address} had no free session within {arguments['limit']:g} s, and migrations need "
            "three; name the server itself as the target."
        ) from error
    finally:
        await hang_up(other)
    if not is_session:
        raise OperationRefused(
            f"The pooler at {target.address} gives every transaction another session, and migrations need one of their "
            "own: their lock would keep nobody out; name the server itself as the target."
        )
    await connection.hold()


async def keep_limits(connection: asyncpg.Connection[Any]) -> None:
    """Sets a session's limits again where RESET ALL has taken them: behind a pooler they are not those of its start."""
    if pooled := as_pooled(connection):
        await pooled.hold()
