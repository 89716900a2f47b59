"""How Alembic reaches a database: on the connection that it is given, or on one of its own.

A program passes `config.attributes["connection"]` and, where it knows them, the names of the extensions that can
be used there as `config.attributes["extensions"]`. The `alembic` command takes its address from
`-x url=…`, `DATABASE_URL` or `sqlalchemy.url`, or from PGHOST and its like where there is none of these.
"""

from __future__ import annotations

import asyncio
import os
import re
from functools import partial
from pathlib import Path

import asyncpg
from alembic import context
from alembic.util import load_python_file
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from console.data.schema import metadata
from console.data.schema.types import is_compared, types_differ

load_python_file(str(Path(__file__).parent), "operations.py")

SCHEMAS = {table.schema for table in metadata.tables.values()}


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Whether a comparison with the tables that the code declares looks at this."""
    return kind != "schema" or name in SCHEMAS


configure = partial(
    context.configure,
    target_metadata=metadata,
    include_schemas=True,
    include_name=is_ours,
    include_object=is_compared,
    compare_type=types_differ,
    compare_server_default=True,
    transaction_per_migration=True,
)


def run_on(connection: Connection) -> None:
    """Runs what was asked for; where the connection is in a transaction already, within it."""
    configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


def address() -> str | None:
    """The address that asyncpg understands; None where only its own environment variables say it."""
    arguments = context.get_x_argument(as_dictionary=True)
    url = (
        arguments.get("url")
        or os.environ.get("DATABASE_URL")
        or context.config.get_main_option("sqlalchemy.url")
    )
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", url) if url else None


async def run_on_own_connection() -> None:
    """For the `alembic` command."""
    connect = partial(asyncpg.connect, address())
    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(run_on)


if context.is_offline_mode():
    configure(dialect_name="postgresql", literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
elif (given := context.config.attributes.get("connection")) is not None:
    run_on(given)
else:
    asyncio.run(run_on_own_connection())
