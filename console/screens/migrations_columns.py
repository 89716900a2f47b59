"""How revisions are drawn: the columns of the Migrations screen, the graph, the glyphs of the states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from console.data.migrations.lanes import lanes
from console.models.migrations import Lane, LedgerEntry, RevisionState, Step
from console.units import UNKNOWN, duration, latency
from console.widgets.columns import Cell, Column
from console.widgets.tones import Tone

_LOOK: dict[RevisionState, tuple[str, Tone | None]] = {
    RevisionState.APPLIED: ("●", None),
    RevisionState.PENDING: ("○", "accent"),
    RevisionState.MISSING: ("?", "danger"),
    RevisionState.EDITED: ("▲", "warning"),
    RevisionState.OUT_OF_ORDER: ("▲", "warning"),
    RevisionState.FAILED: ("◆", "danger"),
}
"""A state's glyph, in the graph and before its word, and what it means."""

_LEAST_GRAPH = 5
_LONGEST_ID = 16


@dataclass(frozen=True, slots=True)
class StepRow:
    """A revision on the screen."""

    step: Step
    lanes: tuple[Lane, ...]
    """The graph beside it, right where the rows stand in their own order."""
    place: int
    """In that order, from 1 for the newest."""

    @property
    def id(self) -> str:
        """The revision's id."""
        return self.step.revision.id


def step_rows(steps: Sequence[Step]) -> list[StepRow]:
    """The rows, with the graph beside them."""
    graph = lanes([step.revision for step in steps])
    return [
        StepRow(step, beside, place) for place, (step, beside) in enumerate(zip(steps, graph, strict=True), 1)
    ]


def applied_by(step: Step) -> LedgerEntry | None:
    """The run that brought a revision where it stands; None for one that is not applied, or that nobody wrote down."""
    return step.entry if step.is_applied and step.entry is not None and step.entry.done else None


def local(at: datetime | None) -> str:
    """A time to the minute, as the clock on the wall has it; without a time zone it is taken as it is."""
    if at is None:
        return UNKNOWN
    return f"{at.astimezone() if at.tzinfo else at:%Y-%m-%d %H:%M}"


def _exact(at: datetime | None) -> str:
    if at is None:
        return ""
    return at.astimezone(UTC).isoformat() if at.tzinfo else at.isoformat()


def state_cell(row: StepRow) -> Cell:
    """The state's glyph and word; where the database stands is said too."""
    _, tone = _LOOK[row.step.state]
    return (_state_text(row), tone) if tone else _state_text(row)


def _state_text(row: StepRow) -> str:
    glyph, _ = _LOOK[row.step.state]
    return f"{glyph} {row.step.state.value}{' ◄' if row.step.is_current else ''}"


def graph_cell(row: StepRow, is_in_order: bool) -> Cell:
    """The graph beside a row; in another order of rows its lines would join the wrong ones."""
    glyph, _ = _LOOK[row.step.state]
    if not is_in_order:
        return glyph
    return "".join((glyph if lane.is_node else lane.line) + lane.link for lane in row.lanes)[:-1]


def _took(row: StepRow) -> float | None:
    entry = applied_by(row.step)
    return None if entry is None or entry.direction == "stamp" else entry.seconds


def _took_text(row: StepRow) -> str:
    if not row.step.is_applied:
        return ""
    seconds = _took(row)
    return latency(seconds) if seconds is None or seconds < 10 else duration(seconds)


def _applied_at(row: StepRow) -> datetime | None:
    entry = applied_by(row.step)
    return None if entry is None else entry.started_at


def _applied_text(row: StepRow) -> str:
    """Nothing for what is not applied, a dash where it is and nobody knows since when."""
    return local(_applied_at(row)) if row.step.is_applied else ""


def _by(row: StepRow) -> str:
    entry = applied_by(row.step)
    return "" if entry is None else entry.role


def step_columns(rows: Sequence[StepRow], is_in_order: Callable[[], bool]) -> tuple[Column[StepRow], ...]:
    """The columns for these rows. `is_in_order` tells, when a line is drawn, whether the graph belongs beside it."""
    lane_count = max((len(row.lanes) for row in rows), default=1)
    id_width = min(max((len(row.id) for row in rows), default=8), _LONGEST_ID)
    branch_width = max((len(row.step.branch) for row in rows), default=0)
    state_width = max((len(_state_text(row)) for row in rows), default=0)
    columns = (
        Column[StepRow](
            "graph",
            "graph",
            lambda row: graph_cell(row, is_in_order()),
            max(_LEAST_GRAPH, 2 * lane_count - 1),
            min(max(_LEAST_GRAPH, 2 * lane_count - 1), 15),
            sort=lambda row: row.place,
            priority=12,
            exact=lambda row: str(row.place),
        ),
        Column[StepRow](
            "revision",
            "revision",
            lambda row: (row.id, "strong") if row.step.is_current else row.id,
            max(8, id_width),
            max(8, min(_distinct_width(rows), id_width)),
            sort=lambda row: row.id,
            priority=11,
        ),
        Column[StepRow](
            "branch",
            "branch",
            lambda row: row.step.branch,
            max(6, min(branch_width, 16)),
            6,
            sort=lambda row: row.step.branch,
            priority=8,
        ),
        Column[StepRow](
            "message",
            "message",
            lambda row: row.step.revision.message,
            30,
            18,
            flexible=True,
            share=0.28,
            sort=lambda row: row.step.revision.message,
            priority=9,
        ),
        Column[StepRow](
            "state",
            "state",
            state_cell,
            max(11, state_width),
            sort=lambda row: row.step.state.value,
            priority=10,
            exact=lambda row: row.step.state.value,
        ),
        Column[StepRow](
            "applied",
            "applied at",
            _applied_text,
            16,
            sort=_applied_at,
            descending_first=True,
            priority=7,
            exact=lambda row: _exact(_applied_at(row)),
        ),
        Column[StepRow]("by", "by", _by, 12, 6, sort=_by, priority=4),
        Column[StepRow](
            "took",
            "took",
            _took_text,
            6,
            align="right",
            sort=_took,
            descending_first=True,
            priority=5,
            exact=lambda row: "" if (seconds := _took(row)) is None else f"{seconds:.3f}",
        ),
        Column[StepRow](
            "created",
            "created",
            lambda row: local(row.step.revision.created)[:10],
            10,
            sort=lambda row: _exact(row.step.revision.created) or None,
            descending_first=True,
            priority=3,
            exact=lambda row: _exact(row.step.revision.created),
        ),
    )
    return columns if branch_width else tuple(column for column in columns if column.key != "branch")


def _distinct_width(rows: Sequence[StepRow]) -> int:
    """How wide the ids have to be for no two of them to look the same, the ellipsis included."""
    ids = sorted(row.id for row in rows)
    return max((_common(*pair) + 2 for pair in pairwise(ids)), default=0)


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    differ = (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differ, min(len(one), len(other)))
