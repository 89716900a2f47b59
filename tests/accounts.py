"""What tests of accounts share: the service on a database, the tables of installations that came before the platform."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from console.clock import SYSTEM_CLOCK, Clock
from console.data.accounts.service import AccountsService
from console.data.accounts.users import Users
from console.data.audit import AuditFile
from console.models.accounts import User, UserDraft
from console.settings import Settings
from tests.live import connected
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster

GAIA = """
CREATE TABLE public.users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email varchar(255) UNIQUE NOT NULL,
    name varchar(255),
    created_at timestamp DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE public.api_keys (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES public.users (id) ON DELETE CASCADE,
    key_hash varchar(64) UNIQUE NOT NULL,
    name varchar(255),
    permissions jsonb DEFAULT '{}',
    is_active boolean DEFAULT true,
    expires_at timestamp,
    last_used_at timestamp,
    created_at timestamp DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp DEFAULT CURRENT_TIMESTAMP
);
"""
"""Keys without most of what the platform knows of them, no trail, times without a zone."""

CLOUD_ASSIST = """
CREATE TABLE public.users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    username varchar(255) UNIQUE NOT NULL,
    email varchar(255) UNIQUE NOT NULL,
    password_hash varchar(255) NOT NULL,
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    last_login timestamptz,
    is_active boolean DEFAULT true,
    preferences jsonb DEFAULT '{}'
);
CREATE TABLE public.sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid REFERENCES public.users (id) ON DELETE CASCADE,
    session_token varchar(512) UNIQUE NOT NULL,
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    expires_at timestamptz NOT NULL,
    last_activity timestamptz DEFAULT CURRENT_TIMESTAMP,
    ip_address inet,
    user_agent text,
    is_active boolean DEFAULT true
);
CREATE TABLE public.audit_logs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid REFERENCES public.users (id) ON DELETE SET NULL,
    session_id uuid REFERENCES public.sessions (id) ON DELETE SET NULL,
    action varchar(100) NOT NULL,
    resource_type varchar(100),
    resource_id uuid,
    details jsonb DEFAULT '{}',
    ip_address inet,
    user_agent text,
    timestamp timestamptz DEFAULT CURRENT_TIMESTAMP
);
"""
"""Logins and a trail that is no chain, and no keys."""


PASSWORD = SecretStr("correct horse battery staple")


@asynccontextmanager
async def platform_of(cluster: PostgresCluster) -> AsyncIterator[Database]:
    """A database with the platform's accounts and nothing in them."""
    async with database(cluster) as made:
        await made.upgrade("core@head")
        yield made


@asynccontextmanager
async def installed(cluster: PostgresCluster, tables: str) -> AsyncIterator[Database]:
    """A database with the tables of an older installation and nothing in them."""
    async with database(cluster) as made:
        await run_script(made, tables)
        yield made


async def run_script(database: Database, statements: str) -> None:
    """Runs statements without arguments, that semicolons are between."""
    connection = await database.cluster.connect(database.user, database.name)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


@asynccontextmanager
async def accounts_of(
    database: Database,
    file: Path,
    *,
    user: str | None = None,
    url: str | None = None,
    clock: Clock = SYSTEM_CLOCK,
    **settings: Any,
) -> AsyncIterator[AccountsService]:
    """The service as the screen has it; `file` is the local audit file."""
    made = Settings(**settings)
    address = url or database.cluster.url(user or database.user, database.name)
    async with connected(address, made, clock) as server:
        yield AccountsService(server, made, AuditFile(file, clock), clock=clock)


@asynccontextmanager
async def users_of(database: Database, file: Path, **options: Any) -> AsyncIterator[Users]:
    """The users of `accounts_of`."""
    async with accounts_of(database, file, **options) as accounts:
        yield accounts.users


async def created(users: Users, **fields: str) -> User:
    """A user that somebody has created with the console."""
    draft = UserDraft(**fields)
    return await users.create(await users.create_operation(draft), draft)


async def edited(users: Users, user: User, **fields: str) -> User:
    """The user after somebody has changed it with the console."""
    draft = UserDraft(**fields)
    return await users.edit(await users.edit_operation(user, draft), user, draft)


async def with_password(users: Users, user: User, password: SecretStr = PASSWORD) -> User:
    """The user after somebody has set a password with the console."""
    return await users.set_password(await users.set_password_operation(user), user, password)


async def hash_of(database: Database, user: User, table: str = "arxos_core.users") -> str:
    """What is kept of the user's password."""
    [row] = await database.run(f"SELECT password_hash FROM {table} WHERE id = $1", user.id)  # noqa: S608
    return str(row["password_hash"])


async def trail(database: Database, table: str = "arxos_core.audit_logs") -> list[tuple[str, dict[str, Any]]]:
    """The action and the details of each row of the trail, the oldest first."""
    rows = await database.run(f"SELECT action, details FROM {table} ORDER BY timestamp")  # noqa: S608
    return [(row["action"], json.loads(row["details"])) for row in rows]


def recorded(file: Path) -> list[dict[str, Any]]:
    """The lines of the local audit file."""
    return [json.loads(line) for line in text_of(file).splitlines()]


def text_of(file: Path) -> str:
    """All that is in a file, if it is there."""
    return file.read_text() if file.exists() else ""
