"""Databases with API keys in them, and the keys' service on one."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from console.clock import SYSTEM_CLOCK, Clock
from console.data.accounts.context import AccountsContext
from console.data.accounts.keys import Keys
from console.data.audit import AuditFile
from console.data.keys import hash_of
from console.settings import Settings
from tests.live import connected
from tests.platform_schema import Database

OLD_INSTALLATION = """
CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email varchar(255) UNIQUE NOT NULL,
    name varchar(255),
    is_active boolean DEFAULT true
);
CREATE TABLE api_keys (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key_hash varchar(64) UNIQUE NOT NULL,
    name varchar(255),
    permissions jsonb DEFAULT '{}',
    is_active boolean DEFAULT true,
    expires_at timestamp,
    last_used_at timestamp,
    created_at timestamp DEFAULT current_timestamp,
    updated_at timestamp DEFAULT current_timestamp
);
"""
"""The tables of an installation that came before the platform, in `public`."""


@asynccontextmanager
async def keys_of(
    database: Database,
    home: Path,
    settings: Settings | None = None,
    *,
    user: str | None = None,
    url: str | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> AsyncIterator[Keys]:
    """The keys' service of a database, for its owner or another role, or by another way; its audit file is `home/audit.jsonl`."""
    url = url or database.cluster.url(user or database.user, database.name)
    settings = settings or Settings()
    async with connected(url, settings) as server:
        yield Keys(AccountsContext(server, settings, AuditFile(home / "audit.jsonl"), clock))


async def add_user(database: Database, email: str, schema: str = "arxos_core", **columns: Any) -> UUID:
    """A user's id."""
    return await _insert(database, f"{schema}.users", {"email": email, **columns})


async def add_key(database: Database, owner: UUID, schema: str = "arxos_core", **columns: Any) -> UUID:
    """A key's id. `permissions` is JSON; a string that begins with "now" is SQL."""
    given = {"user_id": owner, "key_hash": hash_of(secrets.token_hex()), **columns}
    return await _insert(database, f"{schema}.api_keys", given)


async def _insert(database: Database, table: str, columns: dict[str, Any]) -> UUID:
    values, arguments = [], []
    for value in columns.values():
        if isinstance(value, str) and value.startswith("now"):
            values.append(value)
        else:
            arguments.append(value)
            values.append(f"${len(arguments)}")
    [row] = await database.run(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(values)}) RETURNING id",  # noqa: S608
        *arguments,
    )
    found: UUID = row["id"]
    return found
