"""What Alembic's revisions would run: a dry run that touches no database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import HeadMaintainer, MigrationContext, MigrationStep, RevisionStep
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionMap
from alembic.util import CommandError
from sqlalchemy import Engine
from sqlalchemy.exc import NoInspectionAvailable

from console.data.migrations.script import is_transaction_control, needs_no_transaction, split
from console.data.migrations.worker.engine import Order
from console.data.migrations.worker.environment import ConsoleEnvironment
from console.data.migrations.worker.words import python_words
from console.models.migrations import Direction, PlannedStep, Revision, Statement

_READS = (AttributeError, TypeError, NoInspectionAvailable, CommandError)
"""What a revision runs into when it asks a database that is not there: every answer is None."""


class _Writes(StringIO):
    """Takes each statement that Alembic writes for itself."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def write(self, text: str) -> int:
        self.texts.append(text)
        return len(text)

    def taken(self) -> tuple[Statement, ...]:
        """The statements since the last time, as lines of one script."""
        statements: list[Statement] = []
        line = 1
        for text in self.texts:
            statements += [Statement(piece.text, line + piece.line - 1) for piece in split(text)]
            line += text.count("\n")
        self.texts.clear()
        return tuple(statements)


@dataclass(frozen=True, slots=True)
class _DryRun:
    """What came of one function of a revision."""

    statements: tuple[Statement, ...]
    error: str | None = None
    """What it raised."""
    reads: bool = False
    """Whether that is because it asks the database."""
    writes: bool = False
    """Whether the function itself wrote anything, the version table aside."""

    @property
    def problem(self) -> str | None:
        """What is to be said of one that asks the database."""
        return (
            f"It reads the database; what it runs after that is not known ({self.error})."
            if self.error
            else None
        )


def plan(
    order: Order, config: Config, script: ScriptDirectory, engine: Engine
) -> tuple[tuple[PlannedStep, ...], str | None]:
    """The steps of an order, and a remark where the project's `env.py` had no part in it.

    Raises what Alembic raises where the revisions' files cannot be read.
    """
    script.get_heads()  # reads every file: what is wrong with one of them is not env.py's fault
    found: list[PlannedStep] = []
    writes = _Writes()

    def dry_run(_heads: Any, context: MigrationContext) -> tuple[()]:
        found[:] = _Planner(order, script, context, environment.run_arguments, writes).steps()
        return ()

    remark = None
    with ConsoleEnvironment(
        config, script, engine=engine, fn=dry_run, as_sql=True, output_buffer=writes
    ) as environment:
        try:
            script.run_env()
        except (Exception, SystemExit) as error:
            words = python_words(error, order.source.directory.parent)
            remark = f"Made without env.py, which could not be run: {words}."
        if not found:
            remark = remark or "Made without env.py, which runs nothing in offline mode."
            table, schema = order.source.version_table, order.source.version_schema
            environment.configure(version_table=table, version_table_schema=schema)
            environment.run_migrations()
    return tuple(found), remark


class _Planner:
    """Calls the functions of revisions in offline mode."""

    def __init__(
        self,
        order: Order,
        script: ScriptDirectory,
        context: MigrationContext,
        arguments: dict[str, Any],
        writes: _Writes,
    ) -> None:
        self._order = order
        self._script = script
        self._context = context
        self._arguments = arguments
        self._writes = writes
        self._heads = HeadMaintainer(context, order.current)

    def steps(self) -> list[PlannedStep]:
        """The steps in their order."""
        is_upgrade = self._order.direction is Direction.UPGRADE
        step = self._upgrade if is_upgrade else self._downgrade
        return [step(revision) for revision in self._order.revisions]

    def _upgrade(self, revision: Revision) -> PlannedStep:
        file = self._script.get_revision(revision.id)
        back = self._dry_run(MigrationStep.downgrade_from_script, file)
        run = self._dry_run(MigrationStep.upgrade_from_script, file, is_counted=True)
        problem = run.problem if run.reads or not run.error else f"It stops in a dry run: {run.error}."
        no_way_back = None
        if back.error and not back.reads:
            no_way_back = f"Its downgrade() refuses: {back.error}."
        elif not back.error and not back.statements and run.writes:
            no_way_back = "Its downgrade() does nothing."
        return PlannedStep(
            revision, run.statements, _is_atomic(run.statements), problem, no_way_back=no_way_back
        )

    def _downgrade(self, revision: Revision) -> PlannedStep:
        file = self._script.get_revision(revision.id)
        run = self._dry_run(MigrationStep.downgrade_from_script, file, is_counted=True)
        if run.error and not run.reads:
            problem = f"It cannot be undone: its downgrade() refuses ({run.error})."
            return PlannedStep(revision, (), True, problem, is_possible=False)
        return PlannedStep(revision, run.statements, _is_atomic(run.statements), run.problem)

    def _dry_run(
        self,
        make: Callable[[RevisionMap, Script], RevisionStep],
        file: Script,
        *,
        is_counted: bool = False,
    ) -> _DryRun:
        """What the function writes; where it counts, with what changes the version table."""
        self._writes.texts.clear()
        error: BaseException | None = None
        step: RevisionStep | None = None
        before = 0
        try:
            step = make(self._script.revision_map, file)
            if is_counted and step.is_upgrade and not self._heads.heads:
                self._create_version_table()
            before = len(self._writes.texts)
            step.migration_fn(**self._arguments)
        except (Exception, SystemExit) as raised:
            error = raised
        writes = len(self._writes.texts) > before
        if is_counted and step is not None:
            self._heads.update_to_step(step)
        words = python_words(error, self._order.source.directory.parent) if error else None
        return _DryRun(self._writes.taken(), words, isinstance(error, _READS), writes)

    def _create_version_table(self) -> None:
        assert self._context.connection is not None, "a dry run has a connection that only writes down"
        self._context._version.create(self._context.connection)


def _is_atomic(statements: tuple[Statement, ...]) -> bool:
    """Whether nothing commits in between, as `autocommit_block` does, and nothing runs outside a transaction."""
    return not any(
        is_transaction_control(statement.text) or needs_no_transaction(statement.text)
        for statement in statements
    )
