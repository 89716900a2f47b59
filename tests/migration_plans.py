"""Plans as a dry run would give them, and a database of their own to try them on."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from console.data.server import Server
from console.models.migrations import Direction, Plan, PlannedStep, Revision, Source, SourceKind, Statement
from console.settings import Settings
from tests.live import connected
from tests.postgres import PostgresCluster


def plan_of(
    *steps: tuple[str, ...], direction: Direction = Direction.UPGRADE, is_atomic: bool = True
) -> Plan:
    """A plan whose steps, revisions `r0`, `r1` …, run these statements."""
    planned = tuple(
        PlannedStep(
            Revision(f"r{number}"), tuple(Statement(text, 1) for text in statements), is_atomic=is_atomic
        )
        for number, statements in enumerate(steps)
    )
    return Plan(Source(SourceKind.ALEMBIC, Path("/nowhere")), direction, "head", (), planned)


@asynccontextmanager
async def database(cluster: PostgresCluster, schema: str = "SELECT") -> AsyncIterator[str]:
    """The name of a database of its own in which `schema` was run; it is dropped afterwards."""
    name = f"migrated_{secrets.token_hex(4)}"
    await cluster.run(f"CREATE DATABASE {name}")
    try:
        connection = await cluster.connect(database=name)
        try:
            await connection.execute(schema)
        finally:
            await connection.close()
        yield name
    finally:
        await cluster.run(f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def served(
    cluster: PostgresCluster, schema: str, settings: Settings | None = None, role: str = "postgres"
) -> AsyncIterator[tuple[Server, asyncpg.Connection]]:
    """The console's server and another session, both in a database of their own."""
    async with database(cluster, schema) as name, connected(cluster.url(role, name), settings) as server:
        other = await cluster.connect(database=name)
        try:
            yield server, other
        finally:
            await other.close()
