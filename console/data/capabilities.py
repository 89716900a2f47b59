"""What a server and the role on it can do."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import asyncpg

from console.data.queries import query
from console.models.server import Capabilities

_CAPABILITIES = """
SELECT row_to_json(c),
       CASE WHEN c.may_check_client AND c.backend_pid = {pid}
            THEN set_config('client_connection_check_interval', '1000', false) END
FROM ({capabilities}) AS c
"""
"""The server is asked, too, to notice a client that is gone; but not where the backend is another one than that which
this connection was told of: there a pooler is in between, and what is set stays for others.
"""


async def capabilities_of(connection: asyncpg.Connection[Any], limit: float) -> Capabilities:
    """Asks for them, within `limit` seconds. Raises what the driver raises.

    It is a COPY: that takes one round trip, where a SELECT takes the driver two, and the first row waits for it.
    """
    pid, major = connection.get_server_pid(), connection.get_server_version().major
    written = bytearray()

    async def write(data: bytes) -> None:
        written.extend(data)

    statement = _CAPABILITIES.format(pid=pid, capabilities=query("capabilities", major))
    await connection.copy_from_query(statement, output=write, timeout=limit)
    # A backslash is two in COPY's text; nothing else of JSON is escaped there.
    row = json.loads(written.decode().partition("\t")[0].replace("\\\\", "\\"))
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
        is_pooled=row["backend_pid"] != pid,
    )
