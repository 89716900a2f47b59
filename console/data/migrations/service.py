"""Everything about migrations that a screen or a command asks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from console.clock import SYSTEM_CLOCK, Clock
from console.data.audit import AuditFile
from console.data.identifiers import quoted
from console.data.migrations import confirmation, graph, ledger, runner
from console.data.migrations.hazards import hazards
from console.data.migrations.losses import losses
from console.data.migrations.sources import find_source
from console.data.migrations.sql_files import new_files
from console.data.migrations.status import StatusReader
from console.data.migrations.worker.engine import Order
from console.data.migrations.worker.protocol import NewRevision, Request, Work
from console.data.server import Server
from console.data.vitals import VitalsReader
from console.errors import BadMigrations, OperationRefused
from console.models.migrations import (
    Direction,
    Drift,
    Hazard,
    InvalidIndex,
    Loss,
    MigrationStatus,
    Plan,
    Revision,
    RevisionState,
    RunProgress,
    RunState,
    Source,
    SourceKind,
    Step,
)
from console.models.operation import READ_ONLY, Operation, Outcome
from console.settings import Settings


class MigrationsService:
    """The migrations of one source on one server."""

    def __init__(
        self,
        server: Server,
        settings: Settings,
        audit: AuditFile | None = None,
        clock: Clock = SYSTEM_CLOCK,
        directory: Path | None = None,
        vitals: VitalsReader | None = None,
    ) -> None:
        """`directory` is where migrations are looked for when no setting names them: the working directory.

        With `vitals` every sample brings them along.
        """
        self._server = server
        self._settings = settings
        self._audit = audit or AuditFile(clock=clock)
        self._clock = clock
        self._find = partial(find_source, settings.migrations.path, directory or Path.cwd())
        self._status = StatusReader(server, self._find)
        self._vitals = vitals
        self._extensions: frozenset[str] | None = None

    async def sample(self) -> MigrationStatus:
        """Where the database stands. What is missing or may not be read is said in it.

        Raises `ConnectionLost`, `QueryTimedOut` or another `QueryFailed`.
        """
        status = await self._status.sample()
        return status if self._vitals is None else replace(status, vitals=await self._vitals.now())

    # What a step would do -----------------------------------------------------------------------------------------

    async def plan(self, status: MigrationStatus, goal: str, direction: Direction | None = None) -> Plan:
        """The way to a goal in Alembic's words; without a direction, that in which the goal lies.

        Raises `BadMigrations` where the goal means nothing, or the files cannot be used.
        """
        revisions = [step.revision for step in status.steps]
        slipped_in = {step.revision.id for step in status.steps if step.state is RevisionState.OUT_OF_ORDER}
        if goal in slipped_in and direction is not Direction.DOWNGRADE:
            return await self.plan_of(status, goal)
        if direction is None:
            direction = graph.direction_of(revisions, status.current, goal)
        path = graph.upgrade_path if direction is Direction.UPGRADE else graph.downgrade_path
        return await self._planned(status, goal, direction, path(revisions, status.current, goal))

    async def plan_of(self, status: MigrationStatus, revision: str) -> Plan:
        """What a row of the screen offers: the upgrade up to it, or its rollback with all that stands on it."""
        step = next(step for step in status.steps if step.revision.id == revision)
        if step.state is RevisionState.OUT_OF_ORDER:
            return await self._planned(status, revision, Direction.UPGRADE, [_slipped_in(status, step)])
        if not step.is_applied:
            return await self.plan(status, revision, Direction.UPGRADE)
        revisions = [step.revision for step in status.steps]
        undone = graph.undo(revisions, status.current, revision)
        return await self._planned(status, f"without {revision}", Direction.DOWNGRADE, undone)

    async def _planned(
        self, status: MigrationStatus, goal: str, direction: Direction, revisions: Sequence[Revision]
    ) -> Plan:
        assert status.source is not None, "without a source there are no revisions"
        if direction is Direction.DOWNGRADE and status.source.kind is SourceKind.SQL_PAIRS:
            # Here the ledger tells each one's story, and what slipped in below was never run.
            applied = {step.revision.id for step in status.steps if step.is_applied}
            revisions = [revision for revision in revisions if revision.id in applied]
        if not revisions:
            return Plan(status.source, direction, goal, status.current, ())
        extensions = await self._usable_extensions()
        order = Order(status.source, direction, tuple(revisions), status.current, extensions)
        steps, remark = await runner.plan(order)
        return Plan(status.source, direction, goal, status.current, steps, remark)

    async def hazards(self, plan: Plan) -> tuple[Hazard, ...]:
        """What the plan would do to those who use the database meanwhile, the heavy ones first.

        Raises `DbconsoleError` where the linter cannot be run, `ConnectionLost` or `QueryFailed`.
        """
        return await hazards(plan, self._server)

    async def losses(self, plan: Plan) -> tuple[Loss, ...]:
        """What the plan drops, with what is in it now. Raises `ConnectionLost` or `QueryFailed`."""
        return await losses(plan, self._server)

    def operation(
        self, plan: Plan, hazards: Sequence[Hazard], losses: Sequence[Loss], *, rehearse: bool = False
    ) -> Operation:
        """What running the plan means, for a person to confirm.

        Raises `OperationRefused` where there is nothing to run, no way, or nothing may be changed.
        """
        self._require_change()
        if not plan.steps:
            raise OperationRefused(f"There is nothing to do: the database is at {plan.goal} already.")
        for step in plan.steps:
            if not step.is_possible:
                raise OperationRefused(f"{step.revision.id} cannot be run: {step.problem}")
            if rehearse and not step.is_atomic:
                raise OperationRefused(
                    f"{step.revision.id} does not run in one transaction, so it cannot be rehearsed."
                )
        return confirmation.of_plan(plan, hazards, losses, rehearse=rehearse)

    # Running ------------------------------------------------------------------------------------------------------

    def run(self, operation: Operation, plan: Plan, *, rehearse: bool = False) -> runner.MigrationRun:
        """Begins to run a confirmed plan. Raises `OperationRefused` where nothing may be changed or recorded."""
        order = Order(
            plan.source,
            plan.direction,
            tuple(step.revision for step in plan.steps),
            plan.current,
            self._extensions or frozenset(),
        )
        return self._begin(operation, Request(Work.REHEARSE if rehearse else Work.RUN, order))

    def repair_operation(self, index: InvalidIndex, *, drop: bool = False) -> Operation:
        """What building an index again means, or dropping it. Raises `OperationRefused` while somebody is building it."""
        self._require_change()
        if index.in_progress:
            raise OperationRefused(f"{index.name} is being built at this moment: it is not valid yet.")
        return confirmation.of_repair(index, _repair(index, drop), drop=drop)

    def repair(self, operation: Operation, index: InvalidIndex, *, drop: bool = False) -> runner.MigrationRun:
        """Begins to build an index again, or to drop what is left of one. Raises as `run`."""
        nowhere = Source(SourceKind.SQL_PAIRS, Path())
        order = Order(nowhere, Direction.UPGRADE, (), (), frozenset())
        return self._begin(operation, Request(Work.STATEMENTS, order, statements=(_repair(index, drop),)))

    def _begin(self, operation: Operation, request: Request) -> runner.MigrationRun:
        self._require_change()
        recording = ExitStack()
        record = recording.enter_context(self._audit.recording(operation, self._server))

        def ended(progress: RunProgress) -> None:
            with recording:
                done = progress.state is RunState.DONE
                record(
                    ";\n".join(operation.statements),
                    Outcome(operation.object_name, done, progress.sentence or ""),
                )

        try:
            return runner.MigrationRun(self._server, self._settings, request, ended, self._clock)
        except BaseException:
            recording.close()
            raise

    # Stamping -----------------------------------------------------------------------------------------------------

    def stamp_operation(self, status: MigrationStatus, goal: str) -> Operation:
        """What it means to say that the database stands at a goal. Raises `BadMigrations` where that means nothing."""
        self._require_change()
        to = [revision.id for revision in self._stamped(status, goal)]
        return confirmation.of_stamp(status.current, to, _stamp_statements(status, to))

    async def stamp(self, operation: Operation, status: MigrationStatus, goal: str) -> Outcome:
        """Makes the version table say so. Raises `OperationRefused`, `CannotConnect` or `MigrationFailed`."""
        self._require_change()
        assert status.source is not None, "without a source there is nothing to stamp"
        with self._audit.recording(operation, self._server) as record:
            revisions = self._stamped(status, goal)
            sentence = await runner.stamp(
                status.source, revisions, status.current, self._server.target, self._settings
            )
            outcome = Outcome(operation.object_name, True, sentence)
            record(";\n".join(operation.statements), outcome)
        return outcome

    def _stamped(self, status: MigrationStatus, goal: str) -> Sequence[Revision]:
        return graph.stamped([step.revision for step in status.steps], status.current, goal)

    # The files ----------------------------------------------------------------------------------------------------

    async def create(
        self, message: str, *, autogenerate: bool = False, branch: str | None = None
    ) -> tuple[Path, ...]:
        """Writes a new revision, and returns its files.

        Raises `BadMigrations` where there is no directory for it, or no metadata to generate from, `CannotConnect`.
        """
        source = self._source()
        if source.kind is not SourceKind.ALEMBIC:
            return await asyncio.to_thread(new_files, source, message)
        new = NewRevision(message, autogenerate, branch)
        extensions = await self._usable_extensions()
        return await runner.create(source, new, self._server.target, self._settings, extensions)

    async def verify(self) -> tuple[Drift, ...]:
        """How the database differs from the metadata of `env.py`.

        Raises `BadMigrations` where there is no metadata, `CannotConnect` or `MigrationFailed`.
        """
        extensions = await self._usable_extensions()
        return await runner.verify(self._source(), self._server.target, self._settings, extensions)

    def _source(self) -> Source:
        source = self._find()
        if source is None:
            raise BadMigrations("There are no migrations here; name their folder with --migrations.")
        return source

    # What all of it needs -----------------------------------------------------------------------------------------

    def _require_change(self) -> None:
        if self._settings.read_only:
            raise OperationRefused(READ_ONLY)
        capabilities = self._server.capabilities
        if capabilities is not None and capabilities.in_recovery:
            raise OperationRefused("This server is a standby and takes no changes; migrate on its primary.")
        if self._settings.pool.max_open < 3:
            raise OperationRefused(
                "Migrating needs two connections beside the monitor; set pool.max_open to 3."
            )

    async def _usable_extensions(self) -> frozenset[str]:
        """Asked once: what the preview was made with is what runs."""
        if self._extensions is None:
            rows = await self._server.fetch("usable_extensions")
            self._extensions = frozenset(row["name"] for row in rows)
        return self._extensions


def _repair(index: InvalidIndex, drop: bool) -> str:
    verb = "DROP" if drop or index.is_transient else "REINDEX"
    return f"{verb} INDEX CONCURRENTLY {quoted(index.schema)}.{quoted(index.name)}"


def _slipped_in(status: MigrationStatus, step: Step) -> Revision:
    """The revision, where it can still be run. Raises `OperationRefused` where the version table is beyond it."""
    if status.source is not None and status.source.kind is not SourceKind.SQL_PAIRS:
        raise OperationRefused(
            f"The version table takes {step.revision.id} for applied, because what stands on it is: roll that back "
            "first, or run its SQL by hand."
        )
    return step.revision


def _stamp_statements(status: MigrationStatus, to: Sequence[str]) -> list[str]:
    """What a stamp runs, for a person to read."""
    source = status.source
    assert source is not None, "without a source there is nothing to stamp"
    if source.kind is SourceKind.SQL_PAIRS:
        applied = {step.revision.id for step in status.steps if step.is_applied}
        oldest_first = [step.revision.id for step in reversed(status.steps)]
        below = oldest_first[: oldest_first.index(to[-1]) + 1] if to else []
        entries = [
            (id_, "downgrade") for id_ in reversed(oldest_first) if id_ in applied and id_ not in below
        ]
        entries += [(id_, "stamp") for id_ in below if id_ not in applied or id_ == to[-1]]
        table = ledger.table_of(source)
        return [
            f"INSERT INTO {table} (revision, direction) VALUES ({_literal(id_)}, '{direction}')"  # noqa: S608
            for id_, direction in entries
        ]
    table = quoted(source.version_table)
    if source.version_schema:
        table = f"{quoted(source.version_schema)}.{table}"
    values = (
        [f"({id_.lstrip('0') or '0'}, false)" for id_ in to]
        if source.kind is SourceKind.GOLANG_MIGRATE
        else [f"({_literal(id_)})" for id_ in to]
    )
    return [f"DELETE FROM {table}", *(f"INSERT INTO {table} VALUES {value}" for value in values)]  # noqa: S608


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
