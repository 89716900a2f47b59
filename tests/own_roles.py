"""PostgreSQL roles of a test's own, and the service that is asked about them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from console.data.audit import AuditFile
from console.data.roles.service import RolesService
from console.settings import Settings
from tests.live import connected
from tests.platform_schema import Database


@asynccontextmanager
async def roles_of(url: str, home: Path, settings: Settings | None = None) -> AsyncIterator[RolesService]:
    """The roles of a server, with the audit file in `home`."""
    settings = settings or Settings()
    async with connected(url, settings) as server:
        yield RolesService(server, settings, AuditFile(home / "audit.jsonl"))


@asynccontextmanager
async def own_name(database: Database) -> AsyncIterator[str]:
    """A name that needs quotes; roles whose names begin with it are dropped at the end."""
    name = f'R{secrets.token_hex(3)} "x"'
    try:
        yield name
    finally:
        rows = await database.run("SELECT rolname FROM pg_roles WHERE starts_with(rolname::text, $1)", name)
        roles = [q(row["rolname"]) for row in rows]
        for role in roles:
            await database.run(f"DROP OWNED BY {role} CASCADE")
        for role in roles:
            await database.run(f"DROP ROLE {role}")


def q(identifier: str) -> str:
    """It in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'
