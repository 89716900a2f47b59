"""The advisory lock that lets one console at a time migrate a database, and who holds it."""

from __future__ import annotations

from typing import Any

import asyncpg

from console.errors import OperationRefused

CLASS_ID, OBJECT_ID = 0x64626373, 0x6D696772
"""The lock's two int4 ("dbcs", "migr"): `pg_locks` has them as `classid` and `objid`, with `objsubid` 2."""

APPLICATION_NAME = "dbconsole migrate lock"

_HOLDER = """
SELECT l.pid, a.usename AS role, coalesce(host(a.client_addr), 'local') AS client,
       a.application_name AS application, to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS TZ') AS since
FROM pg_locks l
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.classid = $1::oid AND l.objid = $2::oid AND l.objsubid = 2 AND l.granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def take(connection: asyncpg.Connection[Any]) -> None:
    """Takes the lock of the connection's database, until the connection ends.

    It is one of its own: a transaction that held the lock would be in the way of `CREATE INDEX CONCURRENTLY`.
    Raises `OperationRefused`, which says who holds it.
    """
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", CLASS_ID, OBJECT_ID):
        holder = await connection.fetchrow(_HOLDER, CLASS_ID, OBJECT_ID)
        raise OperationRefused(_refusal(holder))


def _refusal(holder: asyncpg.Record | None) -> str:
    if holder is None:
        return "Another console was migrating this database a moment ago; try again."
    details = [f"pid {holder['pid']}"]
    if holder["role"]:
        details.append(f"role {holder['role']}")
    if holder["since"]:
        details.append(f"from {holder['client']}, {holder['application']}, since {holder['since']}")
    return f"Another console is migrating this database ({', '.join(details)}); wait for it to end."
