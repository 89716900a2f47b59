"""The platform schema in a database of a test's own: migrated there, and described by its catalogues."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from io import StringIO
from typing import Any, Literal, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from console.resources import folder
from tests.postgres import PostgresCluster

T = TypeVar("T")

_OURS = "NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_|^information_schema$')"

CATALOGUES = {
    "schemas": """
        SELECT nspname, nspowner::regrole, nspacl, obj_description(oid, 'pg_namespace')
        FROM pg_namespace WHERE oid {ours}""",
    "relations": """
        SELECT oid::regclass, relkind, relowner::regrole, relacl, reloptions, obj_description(oid, 'pg_class')
        FROM pg_class WHERE relnamespace {ours}""",
    "columns": """
        SELECT attrelid::regclass, attnum, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
               pg_get_expr(adbin, adrelid), col_description(attrelid, attnum)
        FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relkind IN ('r', 'v', 'm') AND attnum > 0 AND NOT attisdropped AND relnamespace {ours}""",
    "constraints": """
        SELECT conrelid::regclass, conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE contype <> 'n' AND connamespace {ours}""",
    "indexes": """
        SELECT pg_get_indexdef(indexrelid)
        FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE relnamespace {ours}""",
    "views": """
        SELECT oid::regclass, pg_get_viewdef(oid)
        FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace {ours}""",
    "functions": """
        SELECT oid::regprocedure, prorettype::regtype, md5(prosrc), proowner::regrole, proacl,
               obj_description(oid, 'pg_proc')
        FROM pg_proc WHERE pronamespace {ours}""",
    "triggers": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "types": "SELECT oid::regtype, typtype FROM pg_type WHERE typnamespace {ours}",
    "extensions": "SELECT extname, extversion, obj_description(oid, 'pg_extension') FROM pg_extension",
}
"""What tells two databases apart, without the numbers that every object gets."""

DECLARED = ("columns", "constraints", "indexes")
"""The part that SQLAlchemy's tables declare."""

_COUNTED = """
SELECT relname FROM pg_class
WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' AND NOT relisshared
  AND relname NOT IN ('pg_statistic', 'pg_statistic_ext_data')
"""

Catalogue = dict[str, set[str]]


class Database:
    """A database of its own, whose owner is `user`."""

    def __init__(self, cluster: PostgresCluster, name: str, user: str) -> None:
        self.cluster = cluster
        self.name = name
        self.user = user

    @property
    def url(self) -> str:
        """Its address, for the owner."""
        return self.cluster.url(self.user, self.name)

    async def run(self, statement: str, *arguments: object, user: str | None = None) -> list[Any]:
        """Runs one statement on a connection of its own, and returns its rows."""
        return await self.cluster.run(statement, *arguments, user=user or self.user, database=self.name)

    async def within(self, work: Callable[[Connection], T]) -> T:
        """Does work that needs a connection of SQLAlchemy's; what it changes is committed by itself or not at all."""
        url = self.url.replace("postgresql://", "postgresql+asyncpg://")
        engine = create_async_engine(url, poolclass=NullPool)
        async with engine.connect() as connection:
            return await connection.run_sync(work)

    async def upgrade(self, *goals: str, extensions: Collection[str] | None = None) -> None:
        """Upgrades to each goal in turn."""
        await self._migrate(command.upgrade, goals or ("heads",), extensions)

    async def downgrade(self, *goals: str) -> None:
        """Downgrades to each goal in turn."""
        await self._migrate(command.downgrade, goals or ("base",), None)

    async def ensure_version(self) -> None:
        """Creates Alembic's own table, the only thing that a downgrade to base leaves."""

        def ensure(connection: Connection) -> None:
            command.ensure_version(config(connection=connection))
            connection.commit()

        await self.within(ensure)

    async def _migrate(
        self, go: Callable[[Config, str], None], goals: tuple[str, ...], extensions: Collection[str] | None
    ) -> None:
        def migrate(connection: Connection) -> None:
            for goal in goals:
                go(config(connection=connection, extensions=extensions), goal)

        await self.within(migrate)

    async def catalogue(self, *parts: str) -> Catalogue:
        """What is in the database, part by part."""
        found = {}
        connection = await self.cluster.connect(self.user, self.name)
        try:
            for part in parts or CATALOGUES:
                rows = await connection.fetch(
                    f"SELECT r::text AS row FROM ({CATALOGUES[part].format(ours=_OURS)}) AS r"  # noqa: S608
                )
                found[part] = {row["row"] for row in rows}
        finally:
            await connection.close()
        return found

    async def counts(self) -> dict[str, int]:
        """How many rows each system catalogue has that belongs to this database."""
        connection = await self.cluster.connect(self.user, self.name)
        try:
            names = [row["relname"] for row in await connection.fetch(_COUNTED)]
            # Not everybody may read all of them.
            return {
                name: await connection.fetchval(f"SELECT count(*) FROM pg_catalog.{name}")  # noqa: S608
                for name in names
                if await connection.fetchval("SELECT has_table_privilege($1, 'SELECT')", f"pg_catalog.{name}")
            }
        finally:
            await connection.close()


@asynccontextmanager
async def database(cluster: PostgresCluster, user: str = "postgres") -> AsyncIterator[Database]:
    """An empty database that `user` owns, dropped at the end."""
    name = f"platform_{secrets.token_hex(4)}"
    await cluster.run(f"CREATE DATABASE {name} OWNER {user} TEMPLATE template0")
    try:
        yield Database(cluster, name, user)
    finally:
        await cluster.run(f"DROP DATABASE {name} WITH (FORCE)")


def config(**attributes: object) -> Config:
    """Alembic's configuration for our migrations."""
    made = Config(output_buffer=StringIO(), stdout=StringIO())
    made.set_main_option("script_location", str(folder("migrations")))
    made.attributes.update(attributes)
    return made


def script(
    direction: Literal["upgrade", "downgrade"], start: Sequence[str], goal: str, extensions: Collection[str]
) -> str:
    """The SQL from where a database stands to a goal, written without a server.

    The `alembic` command has no words for a start with several heads.
    """
    made = config(extensions=extensions)
    scripts = ScriptDirectory.from_config(made)
    steps = scripts._upgrade_revs if direction == "upgrade" else scripts._downgrade_revs
    with EnvironmentContext(
        made,
        scripts,
        fn=lambda current, _context: steps(goal, current),
        as_sql=True,
        starting_rev=list(start),
        destination_rev=goal,
    ):
        scripts.run_env()
    assert isinstance(made.output_buffer, StringIO)
    return made.output_buffer.getvalue()
