"""Migrations without files and without a server: a history with two branches, and a service that knows what would happen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from console.data.migrations import confirmation, graph
from console.errors import DbconsoleError
from console.models.migrations import (
    Direction,
    Drift,
    Hazard,
    InvalidIndex,
    LedgerEntry,
    LockHolder,
    Loss,
    LossKind,
    MigrationStatus,
    Plan,
    PlannedStep,
    Revision,
    RevisionState,
    RunningStatement,
    RunProgress,
    RunState,
    Source,
    SourceKind,
    Statement,
    Step,
    TableWeight,
    TimedStatement,
)
from console.models.operation import Operation, Outcome

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
MONOTONIC = 1000.0
DIRECTORY = Path("/srv/shop/migrations")
SOURCE = Source(
    SourceKind.ALEMBIC, DIRECTORY, Path("/srv/shop/alembic.ini"), (DIRECTORY / "versions",), "public"
)


def revision(
    id_: str, message: str, *down: str, label: str = "", needs: tuple[str, ...] = (), days: int = 1
) -> Revision:
    """A revision of the shop, written so many days ago."""
    return Revision(
        id_,
        down,
        needs,
        (label,) if label else (),
        message,
        (NOW - timedelta(days=days)).replace(tzinfo=None),
        DIRECTORY / "versions" / f"{id_}_{message.split()[0].lower()}.py",
        None,
        id_.ljust(8, "0") * 8,
    )


def entry(id_: str, days: float, **changes: Any) -> LedgerEntry:
    """A run of a revision so many days ago, as the ledger has it."""
    done = LedgerEntry(
        id=1,
        revision=id_,
        direction="upgrade",
        done=True,
        previous=(),
        checksum=id_.ljust(8, "0") * 8,
        started_at=NOW - timedelta(days=days),
        seconds=0.31,
        role="deploy",
        person="deploy@ci-7",
    )
    return replace(done, **changes)


def step(
    what: Revision,
    state: RevisionState,
    branch: str = "core",
    *,
    entry: LedgerEntry | None = None,
    is_current: bool = False,
    is_head: bool = False,
) -> Step:
    """A row of the screen."""
    return Step(what, state, branch, is_current, is_head, entry)


STEPS = (
    step(
        revision("9f3c2a1be07d", "Add the density pyramid", "2c8e51f00a9b", needs=("77ab04d3c1ee",)),
        RevisionState.PENDING,
        "cad",
        is_head=True,
    ),
    step(
        revision("77ab04d3c1ee", "API keys: replaced_by", "51d0aa19f3b2", days=2),
        RevisionState.PENDING,
        is_head=True,
    ),
    step(
        revision("2c8e51f00a9b", "Objects of a building", "0b1d6a0e77c4", days=6),
        RevisionState.APPLIED,
        "cad",
        entry=entry("2c8e51f00a9b", 4, seconds=48.2),
        is_current=True,
    ),
    step(
        revision(
            "51d0aa19f3b2", "Audit chain [red]not red[/] \x1b[31m", "3e20c9d4b8a1", "e1a7705bd6f3", days=8
        ),
        RevisionState.APPLIED,
        entry=entry("51d0aa19f3b2", 4.2),
        is_current=True,
    ),
    step(
        revision("e1a7705bd6f3", "Sessions", "00014be1ac97", days=20),
        RevisionState.EDITED,
        entry=entry("e1a7705bd6f3", 18, checksum="0" * 64),
    ),
    step(
        revision("3e20c9d4b8a1", "Users: 商品 names", "00014be1ac97", days=24),
        RevisionState.APPLIED,
        entry=entry("3e20c9d4b8a1", 18.1),
    ),
    step(
        revision("0b1d6a0e77c4", "CAD base", label="cad", needs=("00014be1ac97",), days=30),
        RevisionState.APPLIED,
        "cad",
        entry=entry("0b1d6a0e77c4", 28),
    ),
    step(revision("00014be1ac97", "Base", label="core", days=41), RevisionState.APPLIED),
)


def migration_status(steps: Sequence[Step] = STEPS, **changes: Any) -> MigrationStatus:
    """Where the shop stands; `changes` are other fields of `MigrationStatus`."""
    status = MigrationStatus(
        at=NOW,
        server_ms=0.8,
        source=SOURCE,
        problem=None,
        steps=tuple(steps),
        current=tuple(one.revision.id for one in steps if one.is_current),
        heads=tuple(one.revision.id for one in steps if one.is_head),
        lock=None,
        invalid_indexes=(),
        ledger_problem=None,
    )
    return replace(status, **changes)


NO_SOURCE = migration_status(
    (),
    source=None,
    problem="There are no migrations in /srv/shop: no alembic.ini, no pyproject.toml that names a script_location, "
    "no SQL files. Name them with --migrations PATH.",
)

LOCK = LockHolder(4711, "deploy", "10.0.0.3", "dbconsole", NOW - timedelta(minutes=2))

INVALID_INDEX = InvalidIndex(
    "public",
    "orders_customer_idx",
    "public.orders",
    41 << 20,
    is_transient=False,
    in_progress=False,
)

TROUBLED = migration_status(
    (
        step(
            revision("c0ffee00aa11", "Totals", "51d0aa19f3b2"),
            RevisionState.FAILED,
            is_head=True,
            entry=entry(
                "c0ffee00aa11",
                0.1,
                done=False,
                problem='column "total" of relation "orders" already exists (42701)',
            ),
        ),
        step(
            revision("beef00aa1122", "Slipped in", "51d0aa19f3b2"), RevisionState.OUT_OF_ORDER, is_head=True
        ),
        step(
            Revision("dead00beef33"),
            RevisionState.MISSING,
            "",
            is_current=True,
        ),
        *STEPS[3:4],
        *STEPS[7:],
    ),
    lock=LOCK,
    invalid_indexes=(INVALID_INDEX,),
    ledger_problem="GRANT SELECT ON public.dbconsole_migrations TO dba shows it.",
)

_UP = {
    "77ab04d3c1ee": (
        "ALTER TABLE arxos_core.api_keys ADD COLUMN replaced_by uuid REFERENCES arxos_core.api_keys (id)",
        "UPDATE public.alembic_version SET version_num='77ab04d3c1ee'\n"
        " WHERE public.alembic_version.version_num = '51d0aa19f3b2'",
    ),
    "9f3c2a1be07d": (
        "CREATE TABLE arxos_cad.density (\n    level smallint NOT NULL, -- 0 is the whole world\n"
        "    cell bigint NOT NULL,\n    objects integer DEFAULT 0 NOT NULL,\n"
        "    note text DEFAULT 'it''s new',\n    PRIMARY KEY (level, cell)\n)",
        "CREATE INDEX objects_place_idx ON arxos_cad.objects USING gist (place)",
        "COMMIT",
    ),
}

HAZARDS = (
    Hazard(
        "9f3c2a1be07d",
        1,
        "require-concurrent-index-creation",
        "During a normal index creation, table updates are blocked, but reads are still allowed.",
        "Use CONCURRENTLY to avoid blocking writes.",
        "Share",
        TableWeight("arxos_cad.objects", 10_204_113, 1_825_361_101, 3),
    ),
    Hazard(
        "77ab04d3c1ee",
        0,
        "adding-foreign-key-constraint",
        "Requires a table scan of the table you're altering.",
        None,
        "AccessExclusive",
        TableWeight("arxos_core.api_keys", 3_204, 1_204_000, 0),
    ),
)

LOSSES = (
    Loss("51d0aa19f3b2", LossKind.TABLE, "arxos_core.audit_logs", 1_204_332, True, 432_013_312),
    Loss("51d0aa19f3b2", LossKind.COLUMN, "arxos_core.users.last_audit", 412, True, None),
    Loss("51d0aa19f3b2", LossKind.INDEX, "arxos_core.audit_logs_at_idx", None, True, 26_214_400),
)


def planned(what: Revision, direction: Direction) -> PlannedStep:
    """What a revision would run."""
    if direction is Direction.DOWNGRADE:
        texts: tuple[str, ...] = (
            "DROP TABLE arxos_core.audit_logs",
            "ALTER TABLE arxos_core.users DROP COLUMN last_audit",
        )
        return PlannedStep(what, tuple(Statement(text, 1) for text in texts), is_atomic=True)
    texts = _UP.get(what.id, ("SELECT 1",))
    is_last = what.id == "9f3c2a1be07d"
    return PlannedStep(
        what,
        tuple(Statement(text, 1) for text in texts),
        is_atomic=not is_last,
        no_way_back="its downgrade raises: the pyramid cannot be taken apart" if is_last else None,
    )


class FakeRun:
    """A run that stands where a test has put it."""

    def __init__(self, progress: RunProgress) -> None:
        self.progress = progress
        self.cancelled = 0
        """How often somebody wanted it to end."""
        self._listeners: list[Callable[[], None]] = []
        self._over = asyncio.Event()

    def give(self, **changes: Any) -> None:
        """Goes on: these fields are others now."""
        self.progress = replace(self.progress, **changes)
        for listener in list(self._listeners):
            listener()
        if self.progress.is_over:
            self._over.set()

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def wait(self) -> RunProgress:
        await self._over.wait()
        return self.progress

    async def cancel(self) -> None:
        self.cancelled += 1
        self.give(state=RunState.CANCELLING)
        await self._over.wait()


class FakeMigrations:
    """Plans by the real graph, with statements that it knows by heart; runs nothing."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        """What was wanted, in order: the name of the method and what it was about."""
        self.problems: dict[str, DbconsoleError] = {}
        """What a method raises, by its name."""
        self.drifts: tuple[Drift, ...] = ()
        self.plan_steps: tuple[PlannedStep, ...] | None = None
        """What every plan has instead of what it would have."""
        self.runs: list[FakeRun] = []
        self.may_weigh = asyncio.Event()
        """Until it is set nobody hears of hazards."""
        self.may_weigh.set()
        self.first_progress = RunProgress(RunState.STARTING, 2, 0, MONOTONIC - 12)

    def _ask(self, name: str, *about: Any) -> None:
        self.asked.append((name, *about))
        if name in self.problems:
            raise self.problems[name]

    async def plan(self, status: MigrationStatus, goal: str, direction: Direction | None = None) -> Plan:
        self._ask("plan", goal, direction)
        revisions = [one.revision for one in status.steps]
        way = direction or graph.direction_of(revisions, status.current, goal)
        path = graph.upgrade_path if way is Direction.UPGRADE else graph.downgrade_path
        return self._plan(status, goal, way, path(revisions, status.current, goal))

    async def plan_of(self, status: MigrationStatus, revision: str) -> Plan:
        self._ask("plan_of", revision)
        (found,) = [one for one in status.steps if one.revision.id == revision]
        revisions = [one.revision for one in status.steps]
        if not found.is_applied:
            path = graph.upgrade_path(revisions, status.current, revision)
            return self._plan(status, revision, Direction.UPGRADE, path)
        undone = graph.undo(revisions, status.current, revision)
        return self._plan(status, revision, Direction.DOWNGRADE, undone)

    def _plan(
        self, status: MigrationStatus, goal: str, direction: Direction, path: Sequence[Revision]
    ) -> Plan:
        steps = tuple(planned(one, direction) for one in path)
        return Plan(SOURCE, direction, goal, status.current, self.plan_steps or steps)

    async def hazards(self, plan: Plan) -> tuple[Hazard, ...]:
        self._ask("hazards")
        await self.may_weigh.wait()
        return HAZARDS if plan.direction is Direction.UPGRADE else ()

    async def losses(self, plan: Plan) -> tuple[Loss, ...]:
        self._ask("losses")
        return LOSSES if plan.direction is Direction.DOWNGRADE else ()

    def operation(
        self, plan: Plan, hazards: Sequence[Hazard], losses: Sequence[Loss], *, rehearse: bool = False
    ) -> Operation:
        self._ask("operation", rehearse)
        return confirmation.of_plan(plan, hazards, losses, rehearse=rehearse)

    def run(self, operation: Operation, plan: Plan, *, rehearse: bool = False) -> FakeRun:
        self._ask("run", tuple(one.revision.id for one in plan.steps), rehearse)
        return self._begin()

    def repair_operation(self, index: InvalidIndex, *, drop: bool = False) -> Operation:
        statement = f"{'DROP' if drop else 'REINDEX'} INDEX CONCURRENTLY {index.schema}.{index.name}"
        return confirmation.of_repair(index, statement, drop=drop)

    def repair(self, operation: Operation, index: InvalidIndex, *, drop: bool = False) -> FakeRun:
        self._ask("drop" if drop else "repair", index.name)
        return self._begin()

    def _begin(self) -> FakeRun:
        self.runs.append(FakeRun(self.first_progress))
        return self.runs[-1]

    def stamp_operation(self, status: MigrationStatus, goal: str) -> Operation:
        self._ask("stamp_operation", goal)
        statement = f"UPDATE public.alembic_version SET version_num = '{goal}'"  # noqa: S608
        return confirmation.of_stamp(status.current, (goal,), (statement,))

    async def stamp(self, operation: Operation, status: MigrationStatus, goal: str) -> Outcome:
        self._ask("stamp", goal)
        return Outcome(goal, True, f"The database stands at {goal}.")

    async def create(
        self, message: str, *, autogenerate: bool = False, branch: str | None = None
    ) -> tuple[Path, ...]:
        self._ask("create", message, autogenerate, branch)
        return (DIRECTORY / "versions" / "abc123_new.py",)

    async def verify(self) -> tuple[Drift, ...]:
        self._ask("verify")
        return self.drifts


RUNNING = RunProgress(
    RunState.RUNNING,
    total=2,
    finished=1,
    began=MONOTONIC - 151,
    revision="9f3c2a1be07d",
    statement=RunningStatement(_UP["9f3c2a1be07d"][1], MONOTONIC - 131),
    timings=(
        TimedStatement("77ab04d3c1ee", _UP["77ab04d3c1ee"][0], 1.9),
        TimedStatement("77ab04d3c1ee", _UP["77ab04d3c1ee"][1], 0.0031),
        TimedStatement("9f3c2a1be07d", _UP["9f3c2a1be07d"][0], 0.212),
    ),
    pid=4712,
    work="CREATE INDEX on arxos_cad.objects: building index: scanning table, 41%",
)
