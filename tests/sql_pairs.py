"""What tests of SQL pairs share: pairs on disk, a database to run them in, what the engine told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console.data.migrations import sql_files
from console.data.migrations.worker.engine import Order
from console.data.migrations.worker.sql_pairs import SqlPairsEngine
from console.models.migrations import Direction, Revision, Source, SourceKind
from console.targets import resolve
from tests.alembic_projects import database
from tests.postgres import PostgresCluster

COLLEX, GOLANG = SourceKind.SQL_PAIRS, SourceKind.GOLANG_MIGRATE
UP, DOWN = Direction.UPGRADE, Direction.DOWNGRADE

USERS = ("CREATE TABLE users (id int PRIMARY KEY);\nINSERT INTO users VALUES (1), (2);", "DROP TABLE users;")
NOTES = ("CREATE TABLE notes (id int REFERENCES users);", "DROP TABLE notes;")
INDEX = ("CREATE INDEX CONCURRENTLY by_id ON notes (id);", "DROP INDEX CONCURRENTLY by_id;")


@dataclass
class Told:
    """A report that remembers the statements."""

    statements: list[str] = field(default_factory=list)

    @contextmanager
    def statement(self, text: str) -> Iterator[None]:
        """Remembers it."""
        self.statements.append(text)
        yield


@dataclass
class Pairs:
    """A directory of pairs, and a database of its own to run them in."""

    source: Source
    cluster: PostgresCluster
    database: str
    user: str = "postgres"

    @property
    def revisions(self) -> tuple[Revision, ...]:
        """As the files are now, oldest first."""
        return sql_files.read(self.source)

    def engine(
        self,
        direction: Direction = UP,
        revisions: Sequence[Revision] | None = None,
        current: Sequence[str] = (),
    ) -> SqlPairsEngine:
        """An engine for these revisions, or for all of them in the direction's order."""
        if revisions is None:
            revisions = self.revisions if direction is UP else self.revisions[::-1]
        order = Order(self.source, direction, tuple(revisions), tuple(current), frozenset())
        return SqlPairsEngine(order, Told())

    @property
    def arguments(self) -> dict[str, Any]:
        """What the engine is connected with, as the worker does it."""
        return {
            "target": resolve(self.cluster.url(self.user, self.database), {}),
            "limit": 10.0,
            "server_settings": {"lock_timeout": "3s"},
        }

    @asynccontextmanager
    async def opened(self, engine: SqlPairsEngine) -> AsyncIterator[int]:
        """The engine connected and prepared, as the worker does it."""
        async with engine.connected(self.arguments) as pid:
            await engine.prepare()
            yield pid

    async def run(
        self, direction: Direction = UP, revisions: Sequence[Revision] | None = None, **options: Any
    ) -> tuple[str, ...]:
        """Applies them one by one and returns the current revision afterwards."""
        engine = self.engine(direction, revisions, **options)
        async with self.opened(engine):
            for revision in engine.order.revisions:
                await engine.apply(revision)
            return await engine.current()

    async def stamp(self, *revisions: Revision) -> tuple[str, ...]:
        """Stamps and returns the current revision afterwards."""
        engine = self.engine()
        async with self.opened(engine):
            await engine.stamp(revisions)
            return await engine.current()

    async def rows(self, statement: str, *arguments: object) -> list[tuple[object, ...]]:
        """What a statement returns in the database."""
        return [tuple(row) for row in await self.cluster.run(statement, *arguments, database=self.database)]

    async def ledger(self) -> list[tuple[object, ...]]:
        """Revision, direction and done of each entry, oldest first."""
        return await self.rows("SELECT revision, direction, done FROM dbconsole_migrations ORDER BY id")


def write(directory: Path, kind: SourceKind, *pairs: tuple[str, str | None]) -> Source:
    """Writes pairs as the convention has them, numbered from 001."""
    for number, (up, down) in enumerate(pairs, 1):
        names = (
            (f"{number:03}_change.sql", f"{number:03}_rollback.sql")
            if kind is COLLEX
            else (f"{number:03}_change.up.sql", f"{number:03}_change.down.sql")
        )
        for name, text in zip(names, (up, down), strict=True):
            if text is not None:
                (directory / name).write_text(text)
    return Source(kind, directory, version_table="schema_migrations")


@asynccontextmanager
async def pairs_of(
    cluster: PostgresCluster, directory: Path, kind: SourceKind, *pairs: tuple[str, str | None]
) -> AsyncIterator[Pairs]:
    """Pairs on disk and a database for them."""
    async with database(cluster) as name:
        yield Pairs(write(directory, kind, *pairs), cluster, name)
