"""The worker's connections: what they are told, and how they are opened and closed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from console.data.driver import DRIVER_ERRORS, application_name, connect, connection_arguments
from console.data.migrations.worker.protocol import Request

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
    """A connection, closed at the end, politely if the server still listens. Raises what the driver raises."""
    connection = await connect(**arguments)
    try:
        yield connection
    finally:
        try:
            await connection.close(timeout=2)
        except DRIVER_ERRORS:
            connection.terminate()
