"""What a server and the role on it can do."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import asyncpg

from console.data.queries import OWN_MARK, query
from console.models.server import Capabilities


async def capabilities_of(connection: asyncpg.Connection[Any], limit: float) -> Capabilities:
    """Asks for them, within `limit` seconds. Raises what the driver raises.

    It is a COPY: that takes one round trip, where a SELECT takes the driver two, and the first row waits for it.
    """
    question = query("capabilities", connection.get_server_version().major)
    written = bytearray()

    async def write(data: bytes) -> None:
        written.extend(data)

    # What the driver makes of a query for `copy_from_query` would not end with the console's mark.
    statement = f"COPY (SELECT row_to_json(c) FROM ({question}) AS c) TO STDOUT {OWN_MARK}"  # noqa: S608
    await connection._copy_out(statement, write, limit)
    # A backslash is two in COPY's text; nothing else of JSON is escaped there.
    row = json.loads(written.decode().replace("\\\\", "\\"))
    return Capabilities(
        version_number=row["version_number"],
        version=row["version"].split(" ")[0],
        role=row["role"],
        backend_pid=row["backend_pid"],
        is_superuser=row["is_superuser"],
        sees_all_sessions=row["sees_all_sessions"],
        may_signal=row["may_signal"],
        may_read_log=row["may_read_log"],
        extensions=frozenset(row["extensions"]),
        in_recovery=row["in_recovery"],
        max_connections=row["max_connections"],
        superuser_reserved=row["superuser_reserved"],
        reserved=row["reserved"],
        started_at=datetime.fromisoformat(row["started_at"]),
        is_pooled=row["backend_pid"] != connection.get_server_pid(),
    )
