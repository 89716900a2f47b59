"""Who holds the lock that a plan waits for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from console.data.queries import OWN_MARK
from console.data.server import Server
from console.errors import DbconsoleError, QueryTimedOut
from console.units import latency

_LOOKS = 8
"""So often is looked at most: it is at its beginning that an errand waits for locks."""


@asynccontextmanager
async def watched(server: Server, pid: int, database: str, patience: float) -> AsyncIterator[None]:
    """Says who held the lock where one was not given to this backend in `patience` seconds.

    That is known while it waits only, so the monitor connection is asked then: half of the time-out after the errand
    began, which most have ended by then.

    Raises `QueryTimedOut` in the place of the driver's error.
    """
    found: list[asyncpg.Record] = []
    ended = asyncio.Event()
    looking = asyncio.create_task(_look(server, pid, ended, patience / 2, found))
    try:
        yield
    except asyncpg.LockNotAvailableError as problem:
        if not found:
            raise
        raise QueryTimedOut(await _sentence(server, database, found, patience)) from problem
    finally:
        ended.set()
        await looking


async def _look(
    server: Server, pid: int, ended: asyncio.Event, pause: float, found: list[asyncpg.Record]
) -> None:
    for _ in range(_LOOKS):
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), pause)
            return
        with suppress(DbconsoleError):
            if rows := await server.fetch("plan_blockers", pid):
                found[:] = rows


async def _sentence(server: Server, database: str, found: list[asyncpg.Record], patience: float) -> str:
    first = found[0]
    name = first["object"]
    if name is None and first["relation"] is not None:
        with suppress(DbconsoleError):
            async with server.visit(database) as connection:
                name = await connection.fetchval(
                    f"SELECT $1::oid::regclass::text {OWN_MARK}", first["relation"]
                )
    about = ", ".join(filter(None, (first["application_name"], first["state"])))
    holder = f"pid {first['pid']}" + (f" ({about})" if about else "")
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{name or 'What it needs'} is locked by {holder}{more}; waited {latency(patience)}."
