"""Runs the revisions of an Alembic directory, one at a time, through the project's own `env.py`."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.util import to_list
from sqlalchemy import insert
from sqlalchemy.util import greenlet_spawn

from console.data.driver import DRIVER_ERRORS
from console.data.identifiers import quoted
from console.data.migrations import ledger
from console.data.migrations.worker import alembic_metadata, alembic_plan, ledger_table
from console.data.migrations.worker.engine import Order, Report
from console.data.migrations.worker.environment import ConsoleEnvironment, open_directory
from console.data.migrations.worker.lending import OWN, LendingEngine, run_in_this_loop
from console.data.migrations.worker.protocol import NewRevision
from console.data.migrations.worker.session import opened
from console.data.migrations.worker.words import failure, python_words
from console.errors import BadMigrations, MigrationFailed, OperationRefused
from console.models.migrations import Direction, Drift, PlannedStep, Revision

_SCHEMA = """
SELECT coalesce(
    (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)),
    current_schema()
)
"""
"""Where a table is on the search path, or would be created."""

_TRANSACTION = "SELECT pg_current_xact_id_if_assigned()::text"

StepsFunction = Callable[[Any, MigrationContext], Iterable[Any]]


class AlembicEngine:
    """A `MigrationEngine`.

    Every step runs `env.py` anew, as `alembic upgrade +1` would: what it does before and after (a `SET`, a
    transaction of its own) surrounds each revision, and what it commits is that revision.
    """

    def __init__(self, order: Order, report: Report) -> None:
        """Raises `BadMigrations` where the directory cannot be opened."""
        self.order = order
        self._report = report
        with self._understood():
            self.config, self.script = open_directory(order.source)
            self.config.attributes["extensions"] = order.extensions
        self._connection: asyncpg.Connection[Any] | None = None
        self._rehearsed_in: str | None = None
        self._entry_id: int | None = None
        """What was written last, and is committed if it can be seen from outside."""
        self._finish: Callable[[MigrationContext], None] = _nothing_more
        self._lending = LendingEngine(None, report)
        self._lending.install()
        run_in_this_loop()

    @property
    def folder(self) -> Path:
        """The folder whose files are named when they raise something."""
        return self.order.source.directory.parent

    async def plan(self) -> tuple[Sequence[PlannedStep], str | None]:
        """What each revision would run, and a remark. Raises `BadMigrations`."""
        with self._understood():
            return await greenlet_spawn(
                alembic_plan.plan, self.order, self.config, self.script, self._lending.engine.sync_engine
            )

    @asynccontextmanager
    async def connected(self, arguments: dict[str, Any]) -> AsyncIterator[int]:
        """The connection that every engine of the project gets for its own. Raises what the driver raises."""
        async with opened(arguments) as self._connection:
            self._lending = LendingEngine(self._connection, self._report)
            self._lending.install()
            yield self._connection.get_server_pid()

    async def current(self) -> tuple[str, ...]:
        """What the version table names.

        Raises `BadMigrations` where `env.py` cannot be run, or has another version table than the console looks at.
        """
        found: list[tuple[str, ...]] = []

        def look(heads: Any, _context: MigrationContext) -> tuple[()]:
            found.append(tuple(heads))
            return ()

        source = self.order.source
        ours = await self._version_table(source.version_schema, source.version_table)
        with self._understood():
            environment = await greenlet_spawn(self.run_environment, look, dont_mutate=True)
        if len(found) != 1:
            raise BadMigrations(
                "env.py runs migrations "
                + ("for several databases or schemas, one after the other" if found else "not at all")
                + ", which the console cannot do; use the project's own command."
            )
        configured = environment.configured
        assert configured is not None, "env.py has run"
        theirs = await self._version_table(configured.version_schema, configured.version_table)
        if theirs != ours:
            # Whoever ran revisions there would see them pending here for ever.
            raise BadMigrations(
                f"env.py keeps the version in {theirs}, but does not say so plainly, and the console looks at {ours}: "
                "write version_table and version_table_schema as texts into env.py."
            )
        return found[0]

    async def _version_table(self, schema: str | None, name: str) -> str:
        """The table that is meant at this moment, with its schema; or that would be created."""
        schema = schema or await self._raw.fetchval(_SCHEMA, quoted(name))
        return f"{schema}.{name}"

    async def prepare(self) -> None:
        """Creates the version table and the ledger where they are missing.

        Raises `OperationRefused` where a file is not what it was when the plan was made, or the role may not write into
        the ledger, `MigrationFailed`.
        """
        for revision in self.order.revisions:
            _check_file(revision)
        await self._spawn(_nothing)
        await ledger_table.provide(self._raw, ledger.table_of(self.order.source), self.folder)

    @asynccontextmanager
    async def rehearsal(self) -> AsyncIterator[None]:
        """A transaction around all; those of the revisions are savepoints in it."""
        transaction = self._raw.transaction()
        await transaction.start()
        self._rehearsed_in = await self._raw.fetchval("SELECT pg_current_xact_id()::text")
        self._lending.is_rehearsal = True
        try:
            yield
        finally:
            self._lending.is_rehearsal = False
            if not self._raw.is_closed():
                await transaction.rollback()

    async def _has_escaped(self) -> bool:
        """Whether a rehearsal is no longer in the transaction in which it began."""
        if not self._lending.is_rehearsal:
            return False
        try:
            return bool(await self._raw.fetchval(_TRANSACTION) != self._rehearsed_in)
        except DRIVER_ERRORS:
            return False  # a transaction that failed answers nothing, but it is there

    async def apply(self, revision: Revision) -> None:
        """Runs one revision. Raises `MigrationFailed`."""

        def steps(_heads: Any, _context: MigrationContext) -> Iterator[MigrationStep]:
            script = self.script.get_revision(revision.id)
            step = (
                MigrationStep.upgrade_from_script
                if self.order.direction is Direction.UPGRADE
                else MigrationStep.downgrade_from_script
            )(self.script.revision_map, script)
            self._lending.is_in_step = True

            self._finish = partial(self._finished, revision, time.perf_counter())
            yield step

        self._lending.has_committed = False
        self._entry_id = None
        try:
            await self._spawn(steps)
        finally:
            if await self._has_escaped():
                raise MigrationFailed(
                    "It ended the rehearsal's transaction behind SQLAlchemy's back.", is_atomic=False
                )
        if not await self._raw.fetchval(self._has_entry, self._entry_id):
            raise MigrationFailed("env.py did not commit what the revision did.")

    def _finished(self, revision: Revision, began: float, context: MigrationContext) -> None:
        """The revision's code has run and the version is changed; both are about to be committed."""
        self._lending.is_in_step = False
        self._write(context, revision, self.order.direction.value, time.perf_counter() - began)

    async def write_failure(self, revision: Revision, problem: str, seconds: float) -> None:
        """Writes that a run failed. Raises what the driver raises."""
        await self._raw.execute(
            self._insert,
            *ledger.entry(self.order.source, revision, self.order.direction.value, seconds, problem),
        )

    async def stamp(self, revisions: Sequence[Revision]) -> None:
        """Puts these revisions into the version table instead of what it has, in one transaction."""

        def stamp(_heads: Any, context: MigrationContext) -> tuple[()]:
            connection = context.connection
            assert connection is not None, "a stamp is made online"
            table = context._version  # what HeadMaintainer writes, which knows no way to go anywhere
            with context.begin_transaction(_per_migration=True):
                connection.execute(table.delete())
                for revision in revisions:
                    connection.execute(insert(table).values(version_num=revision.id))
                    if revision.id not in self.order.current:  # nobody stamps where it stood before
                        self._write(context, revision, "stamp", 0.0)
            return ()

        await self._spawn(stamp)

    # Metadata ---------------------------------------------------------------------------------------------------

    async def verify(self) -> tuple[Drift, ...]:
        """How the database differs from the metadata. Raises `BadMigrations` where there is none to compare with."""
        found: list[Drift] = []

        def compare(_heads: Any, context: MigrationContext) -> tuple[()]:
            metadata = context.opts.get("target_metadata")
            if metadata is None:
                raise BadMigrations("env.py has no target_metadata to compare the database with.")
            found.extend(alembic_metadata.drifts(context, metadata))
            return ()

        with self._understood():
            await greenlet_spawn(self.run_environment, compare, dont_mutate=True)
        return tuple(found)

    async def create(self, new: NewRevision) -> tuple[Path, ...]:
        """Writes a new revision's file, by the project's own template. Raises `BadMigrations`."""
        with self._understood():
            return await greenlet_spawn(self._create, new)

    def _create(self, new: NewRevision) -> tuple[Path, ...]:
        engine = self._lending.engine.sync_engine
        with engine.connect() as connection:
            self.config.attributes["connection"] = connection
            # The command makes an environment of its own.
            vars(command)["EnvironmentContext"] = partial(
                ConsoleEnvironment, engine=engine, connection=connection, dont_mutate=True
            )
            made = command.revision(
                self.config,
                new.message,
                autogenerate=new.autogenerate,
                head=f"{new.branch}@head" if new.branch else "head",
            )
        return tuple(Path(script.path) for script in to_list(made, []) if script is not None)

    # The environment --------------------------------------------------------------------------------------------

    def run_environment(self, steps: StepsFunction, **options: Any) -> ConsoleEnvironment:
        """Runs `env.py` with these steps, in a greenlet, and returns what it set up. Raises whatever that raises."""
        engine = self._lending.engine.sync_engine
        try:
            connection = self.config.attributes["connection"] = engine.connect()
            with ConsoleEnvironment(
                self.config,
                self.script,
                engine=engine,
                connection=connection,
                on_version_apply=lambda ctx, **_: self._finish(ctx),
                fn=steps,
                **options,
            ) as environment:
                self.script.run_env()
            connection.commit()
        finally:
            self._lending.take_back()
        return environment

    async def _spawn(self, steps: StepsFunction) -> None:
        """Runs `env.py` with these steps. Raises `MigrationFailed`."""
        self._lending.statement = None
        try:
            await greenlet_spawn(self.run_environment, steps)
        except (Exception, SystemExit) as error:
            problem = failure(error, self._lending.statement, self.folder)
            problem.is_atomic = not self._lending.has_committed
            raise problem from error
        finally:
            self._lending.is_in_step = False

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """Whatever a project's files raise becomes `BadMigrations` with their words and the place."""
        try:
            yield
        except BadMigrations:
            raise
        except (Exception, SystemExit) as error:
            raise BadMigrations(
                f"The migrations cannot be run: {python_words(error, self.folder)}."
            ) from error

    # The ledger -------------------------------------------------------------------------------------------------

    @property
    def _raw(self) -> asyncpg.Connection[Any]:
        assert self._connection is not None, "connected() comes first"
        return self._connection

    @property
    def _has_entry(self) -> str:
        table = ledger.table_of(self.order.source)
        return f"SELECT EXISTS (SELECT FROM {table} WHERE id = $1)"  # noqa: S608 (the name is quoted)

    @property
    def _insert(self) -> str:
        return ledger.INSERT.format(table=ledger.table_of(self.order.source))

    def _write(self, context: MigrationContext, revision: Revision, direction: str, seconds: float) -> None:
        """Into the transaction that changes the version."""
        assert context.connection is not None, "a revision is run online"
        entry = ledger.entry(self.order.source, revision, direction, seconds)
        written = context.connection.exec_driver_sql(
            f"{self._insert} RETURNING id", entry, execution_options=OWN
        )
        self._entry_id = written.scalar_one()


def _check_file(revision: Revision) -> None:
    """What was looked at is what runs. A stamp may name a revision without a file."""
    if revision.path is not None and revision.checksum:
        content = revision.path.read_bytes() if revision.path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != revision.checksum:
            raise OperationRefused(
                f"The file of {revision.id} was changed meanwhile; look at the plan again."
            )


def _nothing(_heads: Any, _context: MigrationContext) -> tuple[()]:
    """No steps: `env.py` alone."""
    return ()


def _nothing_more(_context: MigrationContext) -> None:
    """What there is to do after a revision before the first one."""
