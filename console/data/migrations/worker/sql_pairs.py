"""Runs SQL pairs on one connection: each in a transaction, with its version and its entry in the ledger.

What a file sets for its session ends with it, as if psql had run it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cached_property
from typing import Any

import asyncpg

from console.clock import SYSTEM_CLOCK
from console.data.driver import DRIVER_ERRORS
from console.data.migrations import ledger, sql_files
from console.data.migrations.script import line_at
from console.data.migrations.worker import ledger_table
from console.data.migrations.worker.engine import Order, Report
from console.data.migrations.worker.pair_script import PairScript, read_script
from console.data.migrations.worker.session import WAIT_AS_BEFORE, WAIT_LONG, keep_limits, opened
from console.data.migrations.worker.version_table import VersionTable
from console.data.migrations.worker.words import failure
from console.errors import BadMigrations, MigrationFailed, OperationRefused
from console.models.migrations import Direction, PlannedStep, Revision, SourceKind, Statement

_APPLIED = """
SELECT revision FROM (
    SELECT DISTINCT ON (revision) revision, direction
    FROM {table}
    WHERE history = $1 AND done
    ORDER BY revision, id DESC
) AS last
WHERE direction <> 'downgrade'
"""

_RESET = "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL"


class SqlPairsEngine:
    """A `MigrationEngine`. Pairs of golang-migrate have a version table, those of Collex the ledger alone."""

    def __init__(self, order: Order, report: Report) -> None:
        self.order = order
        self._report = report
        self._table = VersionTable(order.source) if order.source.kind is SourceKind.GOLANG_MIGRATE else None
        self._ledger = ledger.table_of(order.source)
        self._open: asyncpg.Connection[Any] | None = None
        self._is_rehearsal = False
        self._running: Statement | None = None
        """The statement of a script that the server has in hand."""

    # Plan ---------------------------------------------------------------------------------------------------------

    async def plan(self) -> tuple[Sequence[PlannedStep], str | None]:
        """What each revision would run, and a remark. Raises `BadMigrations` where a file cannot be read."""
        steps: list[PlannedStep] = []
        has_row = bool(self.order.current)
        for revision in self.order.revisions:
            script = self._scripts[revision.id]
            statements = script.statements
            if self._table is not None:
                version = self._version_after(revision)
                statements += (Statement(self._table.change(version, has_row=has_row), line=0),)
                has_row = version is not None
            steps.append(
                PlannedStep(
                    revision,
                    statements,
                    is_atomic=script.is_atomic,
                    problem=script.problem,
                    is_possible=script.problem is None,
                    no_way_back=self._no_way_back(revision),
                )
            )
        remarks = [script.remark for script in self._scripts.values() if script.remark]
        return steps, " ".join(remarks) or None

    def _no_way_back(self, revision: Revision) -> str | None:
        if self.order.direction is Direction.DOWNGRADE:
            return None
        back = read_script(revision, Direction.DOWNGRADE)
        return back.problem or (None if back.statements else back.remark)

    @cached_property
    def _scripts(self) -> Mapping[str, PairScript]:
        return {revision.id: read_script(revision, self.order.direction) for revision in self.order.revisions}

    # The connection -----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def connected(self, arguments: dict[str, Any]) -> AsyncIterator[int]:
        """The connection that all runs on. Raises what the driver raises."""
        async with opened(arguments) as self._open:
            yield self._open.get_server_pid()

    @property
    def _connection(self) -> asyncpg.Connection[Any]:
        assert self._open is not None, "connected() comes first"
        return self._open

    async def current(self) -> tuple[str, ...]:
        """The revision that the version table names, or the newest one that the ledger has; none at the bottom.

        Raises `MigrationFailed` where they cannot be read.
        """
        with self._explaining():
            if self._table is None:
                applied = await self._applied()
                return (max(applied, key=_rank),) if applied else ()
            version, _ = await self._table.read(self._connection)
            known = [*self.order.current, *(revision.id for revision in self._files)]
            return () if version is None else (sql_files.id_of(version, known),)

    async def prepare(self) -> None:
        """Creates the ledger and golang-migrate's table where they are missing.

        Raises `MigrationFailed`, and `OperationRefused` where the role may not write into the ledger.
        """
        await ledger_table.provide(self._connection, self._ledger, self.order.source.directory)
        if self._table is not None:
            with self._explaining(self._table.creation):
                # A role that may not create anything may still use what is there.
                if await self._connection.fetchval("SELECT to_regclass($1)", self._table.name) is None:
                    await self._connection.execute(self._table.creation)

    @asynccontextmanager
    async def rehearsal(self) -> AsyncIterator[None]:
        """A transaction around all; those of the revisions are savepoints in it."""
        transaction = self._connection.transaction()
        await transaction.start()
        self._is_rehearsal = True
        try:
            yield
        finally:
            self._is_rehearsal = False
            if not self._connection.is_closed():
                await transaction.rollback()

    @contextmanager
    def _explaining(self, statement: str | None = None) -> Iterator[None]:
        """What the driver raises becomes `MigrationFailed`."""
        try:
            yield
        except DRIVER_ERRORS as error:
            raise failure(error, statement, self.order.source.directory) from error

    # Revisions ----------------------------------------------------------------------------------------------------

    async def apply(self, revision: Revision) -> None:
        """Runs one revision. Raises `MigrationFailed`, or another `DbconsoleError` where nothing was begun."""
        with self._explaining():
            await self._check(revision)
        script = self._scripts[revision.id]
        try:
            await (self._run_atomic if script.is_atomic else self._run_alone)(revision, script)
        except DRIVER_ERRORS as error:
            raise self._explained(error, script) from error
        finally:
            self._running = None

    async def _check(self, revision: Revision) -> None:
        """Looks at the whole order, so that nothing of it runs when a part of it cannot."""
        for name, script in self._scripts.items():
            if script.problem is not None:
                raise BadMigrations(script.problem)
            if self._is_rehearsal and not script.is_atomic:
                raise OperationRefused(f"{name} cannot run in a transaction, so it cannot be rehearsed.")
        if sql_files.checksum(revision) != revision.checksum:
            raise OperationRefused(
                f"The files of {revision.id} were changed meanwhile; look at the plan again."
            )
        if self._table is not None:
            version, is_dirty = await self._table.read(self._connection)
            if is_dirty:
                raise OperationRefused(
                    f"{self._table.name} is dirty at {'base' if version is None else version}: a migration broke off "
                    "there. See what it left, mend that, then stamp the version at which the database stands."
                )

    async def _run_atomic(self, revision: Revision, script: PairScript) -> None:
        began = SYSTEM_CLOCK.monotonic()
        async with self._transaction():
            for statement in script.statements:
                await self._run(statement)
            await self._connection.execute(_RESET)
            await keep_limits(self._connection)
            await self._finish(revision, began)

    async def _run_alone(self, revision: Revision, script: PairScript) -> None:
        """Outside a transaction. golang-migrate's table is dirty meanwhile, and stays so when it fails.

        It waits for locks as long as it takes: breaking it off would leave an index half built.
        """
        began = SYSTEM_CLOCK.monotonic()
        if self._table is not None:
            version = self._version_after(revision)
            await self._table.write(self._connection, self._report, version, is_dirty=True)
        await self._connection.execute(WAIT_LONG)
        try:
            await self._run(script.statements[0])
        finally:
            with suppress(*DRIVER_ERRORS):
                await self._connection.execute(WAIT_AS_BEFORE)
        async with self._transaction():
            await self._finish(revision, began)

    async def _finish(self, revision: Revision, began: float) -> None:
        """Writes down that a revision is done, in the transaction that is open."""
        if self._table is not None:
            await self._table.write(self._connection, self._report, self._version_after(revision))
        await self._write(revision, self.order.direction.value, SYSTEM_CLOCK.monotonic() - began)

    async def _run(self, statement: Statement) -> None:
        self._running = statement
        with self._report.statement(statement.text):
            await self._connection.execute(statement.text)
        self._running = None

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        """A transaction, or a savepoint within one. What the block raises is not hidden by a failing rollback."""
        transaction = self._connection.transaction()
        await transaction.start()
        try:
            yield
        except BaseException:
            with suppress(*DRIVER_ERRORS):
                await transaction.rollback()
            raise
        await transaction.commit()

    def _explained(self, error: BaseException, script: PairScript) -> MigrationFailed:
        """The server's words, and the line of the file that they are about."""
        running = self._running
        problem = failure(error, running.text if running else None, self.order.source.directory)
        sentence = problem.sentence
        if running is not None and script.path is not None:
            position = error.position if isinstance(error, asyncpg.PostgresError) else None
            line = line_at(running, int(position)) if position else running.line
            sentence = f"{script.path.name}, line {line}: {sentence}"
        if self._table is not None and not script.is_atomic:
            sentence += f" {self._table.name} is dirty until it is stamped."
        return MigrationFailed(
            sentence, statement=problem.statement, sqlstate=problem.sqlstate, is_atomic=script.is_atomic
        )

    # The version --------------------------------------------------------------------------------------------------

    async def stamp(self, revisions: Sequence[Revision]) -> None:
        """Says that the database stands at the last of these revisions, or at the bottom where there are none.

        A dirty version is clean again. Raises `MigrationFailed`.
        """
        goal = revisions[-1] if revisions else None
        with self._explaining():
            async with self._transaction():
                if self._table is None:
                    await self._stamp_ledger(goal)
                    return
                version = None if goal is None else _rank(goal.id)[0]
                await self._table.write(self._connection, self._report, version)
                if goal is not None:
                    await self._write(goal, "stamp")

    async def _stamp_ledger(self, goal: Revision | None) -> None:
        """Every revision up to the goal is there from now on, and no later one."""
        applied = await self._applied()
        files = {revision.id: revision for revision in self._files}
        wanted: list[Revision] = []
        if goal is not None:
            wanted = [one for one in files.values() if _rank(one.id) < _rank(goal.id)] + [goal]
        for gone in sorted(set(applied) - {one.id for one in wanted}, key=_rank, reverse=True):
            await self._write(files.get(gone, Revision(gone)), Direction.DOWNGRADE.value)
        for revision in wanted:
            if revision is goal or revision.id not in applied:
                await self._write(revision, "stamp")

    async def _applied(self) -> list[str]:
        """The revisions that are there, as the ledger has it."""
        if await self._connection.fetchval("SELECT to_regclass($1)", self._ledger) is None:
            return []
        history = ledger.history_of(self.order.source)
        return [
            row["revision"]
            for row in await self._connection.fetch(_APPLIED.format(table=self._ledger), history)
        ]

    def _version_after(self, revision: Revision) -> int | None:
        """The number that golang-migrate's table has when a revision has run."""
        if self.order.direction is Direction.UPGRADE:
            return _rank(revision.id)[0]
        return _rank(revision.down[0])[0] if revision.down else None

    @cached_property
    def _files(self) -> tuple[Revision, ...]:
        return sql_files.read(self.order.source)

    # The ledger ---------------------------------------------------------------------------------------------------

    async def write_failure(self, revision: Revision, problem: str, seconds: float) -> None:
        """Writes that a run failed. Raises what the driver raises."""
        await self._write(revision, self.order.direction.value, seconds, problem)

    async def _write(
        self, revision: Revision, direction: str, seconds: float = 0.0, problem: str | None = None
    ) -> None:
        await self._connection.execute(
            ledger.INSERT.format(table=self._ledger),
            *ledger.entry(self.order.source, revision, direction, seconds, problem),
        )


def _rank(revision: str) -> tuple[int, str]:
    """The order of versions: by number. What is no number comes before all."""
    number = sql_files.number_of(revision)
    return (-1 if number is None else number, revision)
