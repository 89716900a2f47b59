"""Small Alembic projects for the tests, with the `env.py` that Alembic's own templates have, or another."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent
from uuid import uuid4

import alembic

from console.data.migrations.runner import MigrationRun
from console.data.migrations.worker.engine import Order
from console.data.migrations.worker.protocol import Request, Work
from console.models.migrations import Direction, Revision, RunProgress, Source, SourceKind
from console.settings import Migrations, Settings
from tests.live import connected
from tests.postgres import PostgresCluster

TEMPLATES = Path(alembic.__file__).parent / "templates"

_TEMPLATE_NAMES = {"generic", "async", "pyproject"}

SHARING_ENV = """
from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=None)
with context.begin_transaction():
    context.run_migrations()
"""
"""What Alembic's cookbook says about sharing a connection; it knows no offline mode."""

QUICK = Settings(migrations=Migrations(lock_timeout=0.1, lock_retries=1))
"""Gives up soon."""


@dataclass(frozen=True)
class Written:
    """A revision as it is to be written down."""

    id: str
    upgrade: str
    """The function's body."""
    downgrade: str = "pass"
    down: str | tuple[str, ...] | None = None


@dataclass(frozen=True)
class Project:
    """An Alembic project on disk."""

    source: Source
    revisions: tuple[Revision, ...]
    """Oldest first."""

    def order(
        self,
        direction: Direction = Direction.UPGRADE,
        revisions: Sequence[Revision] | None = None,
        current: Sequence[str] = (),
    ) -> Order:
        """All of the revisions upwards from nothing, or what is given."""
        chosen = self.revisions if revisions is None else revisions
        return Order(self.source, direction, tuple(chosen), tuple(current), frozenset())

    @property
    def back(self) -> Order:
        """All of the revisions downwards from the last one."""
        return self.order(Direction.DOWNGRADE, self.revisions[::-1], [self.revisions[-1].id])


def write_project(
    folder: Path, *revisions: Written, env: str = "generic", url: str = "driver://nobody@nowhere/nothing"
) -> Project:
    """A project with those revisions, one after the other. `env` is the name of a template of Alembic's, or a text."""
    directory = folder / "db"
    versions = directory / "versions"
    versions.mkdir(parents=True)
    template = TEMPLATES / env / "env.py"
    (directory / "env.py").write_text(template.read_text() if env in _TEMPLATE_NAMES else dedent(env))
    (directory / "script.py.mako").write_text((TEMPLATES / "generic" / "script.py.mako").read_text())
    config = folder / "alembic.ini"
    config.write_text(_INI.format(url=url.replace("%", "%%")))
    if env == "pyproject":
        config = folder / "pyproject.toml"
        config.write_text('[tool.alembic]\nscript_location = "%(here)s/db"\n')
    down = None
    known = []
    for written in revisions:
        path = versions / f"{written.id}.py"
        path.write_text(
            _REVISION.format(
                id=written.id,
                down=written.down or down,
                upgrade=indent(dedent(written.upgrade).strip(), "    "),
                downgrade=indent(dedent(written.downgrade).strip(), "    "),
            )
        )
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
        known.append(Revision(written.id, (down,) if down else (), path=path, checksum=checksum))
        down = written.id
    return Project(Source(SourceKind.ALEMBIC, directory, config, (versions,)), tuple(known))


def table(name: str, id_: str | None = None) -> Written:
    """A revision that creates a table."""
    columns = "sa.Column('id', sa.Integer, primary_key=True), sa.Column('note', sa.Text)"
    return Written(id_ or name, f"op.create_table('{name}', {columns})", f"op.drop_table('{name}')")


@asynccontextmanager
async def database(cluster: PostgresCluster) -> AsyncIterator[str]:
    """The name of a database of the test's own, dropped at the end."""
    name = f"migrated_{uuid4().hex[:12]}"
    await cluster.run(f"CREATE DATABASE {name}")
    try:
        yield name
    finally:
        await cluster.run(f"DROP DATABASE {name} WITH (FORCE)")


async def ran(
    cluster: PostgresCluster,
    name: str,
    order: Order,
    work: Work = Work.RUN,
    settings: Settings = QUICK,
    user: str = "postgres",
) -> RunProgress:
    """What became of a run."""
    async with connected(cluster.url(user, name), settings) as server:
        return await MigrationRun(server, settings, Request(work, order)).wait()


async def tables(cluster: PostgresCluster, name: str) -> set[str]:
    """The tables of a database's schema `public`."""
    rows = await cluster.run(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
        database=name,
    )
    return {row["relname"] for row in rows}


async def versions(cluster: PostgresCluster, name: str) -> set[str]:
    """What the version table names."""
    rows = await cluster.run("SELECT version_num FROM alembic_version", database=name)
    return {row["version_num"] for row in rows}


_INI = """
[alembic]
script_location = %(here)s/db
prepend_sys_path = .
path_separator = os
sqlalchemy.url = {url}

[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys = plain
[logger_root]
level = INFO
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stdout,)
formatter = plain
[formatter_plain]
format = %(levelname)s %(message)s
"""

_REVISION = '''"""Revision {id}"""

import time

import sqlalchemy as sa
from alembic import op

revision = {id!r}
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade():
{upgrade}


def downgrade():
{downgrade}
'''
