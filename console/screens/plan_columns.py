"""How a plan is drawn in tables: its nodes, the tables behind it, the indexes that might help."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from math import log

from console.models.plans import IndexCandidate, Plan, PlanKind, PlanNode, PlanTable
from console.units import UNKNOWN, bytes_binary, compact, duration, latency, percent
from console.widgets.bars import share_bar
from console.widgets.columns import Cell, Column
from console.widgets.tones import GLYPHS, Tone

BAR = 8
"""Cells of a bar that is full."""

ROWS_BAR = 5
"""Cells of the longest bar of rows: they are not what should be seen first."""

NARROWEST_NODE = 34
"""Cells of a node with its branch: what is scanned stands at the end of it."""

LITTLE = 0.01
"""Part of a plan below which a node steps back."""

WIDEST_BRANCH = 24
"""Cells of a branch; of a deeper one only the end is drawn."""

DEAD, CHANGED, SOME = 0.2, 0.1, 50
"""Dead rows, and changed ones, for each row there is, and so many more: autovacuum, unless told otherwise, cleans up from
the one on and analyzes from the other on."""


# Nodes --------------------------------------------------------------------------------------------------------------


def node_columns(plan: Plan) -> tuple[Column[PlanNode], ...]:
    """The columns of the tree. Bars are drawn against the whole plan."""
    indent = _indent(max(node.depth for node in plan.nodes))
    widest = plan.widest
    most = max((node_rows(node) or 0.0 for node in plan.nodes), default=0.0)
    is_run = plan.kind is PlanKind.ANALYZED

    def title(node: PlanNode) -> Cell:
        text = f"{branch(node, indent)}{node.title}"
        return (text, "strong") if node is widest else text

    def bar(node: PlanNode) -> Cell:
        return (share_bar(node.share, BAR), "danger" if node is widest else "accent")

    columns = [
        Column[PlanNode](
            "node", "node", title, NARROWEST_NODE, flexible=True, share=0.45, priority=12,
            exact=lambda n: f"{n.branch}{n.title}",
        ),
        Column[PlanNode]("bar", "time" if is_run else "cost", bar, BAR, priority=11),
        Column[PlanNode](
            "share", "", lambda n: (percent(n.share, 0), "strong") if n is widest else percent(n.share, 0), 5,
            align="right", priority=10, exact=lambda n: f"{n.share:.4f}",
        ),
        Column[PlanNode](
            "own", "own", own, 7, 6, align="right", priority=8 if is_run else 5,
            exact=lambda n: f"{n.own_cost}" if n.actual is None else f"{n.actual.own_time:.6f}",
        ),
        Column[PlanNode](
            "total", "total", total, 7, 6, align="right", priority=3,
            exact=lambda n: f"{n.total_cost}" if n.actual is None else f"{n.actual.time:.6f}",
        ),
        _number("rows", "rows", node_rows, 7),
    ]  # fmt: skip
    if is_run:
        columns += [
            _number("estimated", "planned", expected_rows, 6),
            _number("loops", "loops", lambda n: n.actual.loops if n.actual else None, 2),
        ]
    return (
        *columns,
        Column[PlanNode](
            "rows_bar", "rows ▇", lambda n: (share_bar(log_share(node_rows(n), most), ROWS_BAR), "muted"), BAR,
            priority=4,
        ),
        Column[PlanNode](
            "marks", "stands out", marks, 36, 14, priority=9, exact=lambda n: "; ".join(m.text for m in n.marks)
        ),
    )  # fmt: skip


def _number(
    key: str, title: str, value: Callable[[PlanNode], float | None], priority: int
) -> Column[PlanNode]:
    return Column(
        key,
        title,
        lambda node: compact(value(node)),
        7,
        align="right",
        priority=priority,
        exact=lambda node: "" if (number := value(node)) is None else f"{number:.0f}",
    )


def node_tone(node: PlanNode) -> Tone | None:
    """What a node's row should say at a glance."""
    if node.marks:
        return "warning"
    return "muted" if node.share < LITTLE else None


def node_rows(node: PlanNode) -> float | None:
    """The rows that it gave where it was run, those expected of it elsewhere."""
    return node.rows if node.actual is None else node.actual.rows


def expected_rows(node: PlanNode) -> float:
    """What was expected, of all loops together."""
    return node.rows if node.actual is None else node.rows * max(1.0, node.actual.loops)


def own(node: PlanNode) -> str:
    """What it takes without the nodes below it: time where it was run, else cost."""
    return compact(node.own_cost) if node.actual is None else latency(node.actual.own_time)


def total(node: PlanNode) -> str:
    """What it takes with them."""
    return compact(node.total_cost) if node.actual is None else latency(node.actual.time)


def marks(node: PlanNode) -> Cell:
    """What stands out, with the sign for it."""
    if not node.marks:
        return ""
    return (f"{GLYPHS['warning']} {', '.join(mark.text for mark in node.marks)}", "warning")


def log_share(value: float | None, most: float) -> float:
    """A part of the most, 0 to 1, on a scale on which ten times more is a step: rows differ by millions."""
    if value is None or value <= 0 or most <= 0:
        return 0.0
    return log(1 + value) / log(1 + most)


def branch(node: PlanNode, indent: int) -> str:
    """What is drawn before a node's title, `indent` cells for each level."""
    drawn = "".join(node.branch[at : at + indent] for at in range(0, len(node.branch), 3))
    if indent == 1 and drawn:
        drawn += " "
    return drawn if len(drawn) <= WIDEST_BRANCH else f"…{drawn[1 - WIDEST_BRANCH :]}"


def _indent(deepest: int) -> int:
    """Cells for each level, so that the titles of a deep plan are still seen in a narrow terminal."""
    return 3 if deepest <= 3 else 2 if deepest <= 6 else 1


# Tables -------------------------------------------------------------------------------------------------------------


def table_columns(now: Callable[[], datetime]) -> tuple[Column[PlanTable], ...]:
    """The columns of the tables behind a plan; ages are counted from `now`."""

    def age(table: PlanTable, at: datetime | None) -> str:
        if at is not None:
            return duration((now() - at).total_seconds())
        return UNKNOWN if table.sequential_scans is None else "never"

    def analyzed(table: PlanTable) -> Cell:
        text = age(table, table.last_analyze)
        return (text, "warning") if is_stale(table) else text

    return (
        Column[PlanTable]("table", "table", lambda t: f"{t.schema}.{t.name}", 24, 20, flexible=True, share=0.25, priority=12),
        Column[PlanTable]("size", "size", lambda t: bytes_binary(t.size), 8, align="right", priority=11, exact=lambda t: _exact(t.size)),
        Column[PlanTable]("rows", "rows", lambda t: compact(t.rows), 6, align="right", priority=10, exact=lambda t: _exact(t.rows)),
        Column[PlanTable]("dead", "dead", _dead, 6, align="right", priority=9, exact=lambda t: _exact(t.dead_rows)),
        Column[PlanTable]("vacuum", "vacuumed", lambda t: age(t, t.last_vacuum), 8, align="right", priority=8, exact=lambda t: _time(t.last_vacuum)),
        Column[PlanTable]("analyze", "analyzed", analyzed, 8, align="right", priority=7, exact=lambda t: _time(t.last_analyze)),
        Column[PlanTable]("modified", "changed", lambda t: compact(t.modified_since_analyze), 7, align="right", priority=4, exact=lambda t: _exact(t.modified_since_analyze)),
        Column[PlanTable]("sequential", "seq scans", lambda t: compact(t.sequential_scans), 9, align="right", priority=6, exact=lambda t: _exact(t.sequential_scans)),
        Column[PlanTable]("index", "idx scans", lambda t: compact(t.index_scans), 9, align="right", priority=5, exact=lambda t: _exact(t.index_scans)),
        Column[PlanTable]("heap", "without idx", lambda t: bytes_binary(t.table_size), 11, align="right", priority=2, exact=lambda t: _exact(t.table_size)),
        Column[PlanTable]("kind", "kind", lambda t: t.kind, 17, 6, priority=1),
    )  # fmt: skip


def table_tone(table: PlanTable) -> Tone | None:
    """Tables that vacuum or analyze should have been at."""
    return "warning" if is_stale(table) or _is_dead(table) else None


def is_stale(table: PlanTable) -> bool:
    """Whether so much has changed since it was analyzed that estimates may be wrong."""
    return table.rows is not None and (table.modified_since_analyze or 0) > SOME + CHANGED * table.rows


def _is_dead(table: PlanTable) -> bool:
    return (table.dead_rows or 0) > SOME + DEAD * (table.rows or 0.0)


def _dead(table: PlanTable) -> Cell:
    text = compact(table.dead_rows)
    return (text, "warning") if _is_dead(table) else text


def _exact(number: float | None) -> str:
    return "" if number is None else f"{number:.0f}"


def _time(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="seconds")


# Indexes ------------------------------------------------------------------------------------------------------------


NOT_TRIED = "not tried"


def _gain(candidate: IndexCandidate) -> Cell:
    if not candidate.is_tried:
        return (NOT_TRIED, "muted")
    if candidate.is_used is False:
        return ("not used", "muted")
    return (share_bar(candidate.gain, BAR), "success")


def _cost(candidate: IndexCandidate) -> str:
    if candidate.cost_before is None or candidate.cost_after is None:
        return ""
    return f"{compact(candidate.cost_before)} → {compact(candidate.cost_after)}"


def _index(candidate: IndexCandidate) -> str:
    condition = f" WHERE {candidate.condition}" if candidate.condition else ""
    return f"{candidate.table} ({', '.join(candidate.columns)}){condition}"


CANDIDATE_COLUMNS: tuple[Column[IndexCandidate], ...] = (
    Column[IndexCandidate]("gain", "saves", _gain, len(NOT_TRIED), priority=11),
    Column[IndexCandidate]("percent", "", lambda c: percent(c.gain, 0) if c.is_used else "", 5, align="right", priority=10),
    Column[IndexCandidate]("cost", "cost of the plan", _cost, 17, 15, priority=8, exact=lambda c: "" if c.cost_before is None else f"{c.cost_before} → {c.cost_after}"),
    Column[IndexCandidate]("size", "size", lambda c: bytes_binary(c.size) if c.size is not None else "", 8, align="right", priority=7, exact=lambda c: _exact(c.size)),
    Column[IndexCandidate]("index", "index on", _index, 80, 24, flexible=True, share=0.3, priority=12),
    Column[IndexCandidate]("reason", "because of", lambda c: c.reason, 44, 20, priority=5),
)  # fmt: skip


def candidate_tone(candidate: IndexCandidate) -> Tone | None:
    """Those that help nothing step back."""
    return None if candidate.is_used and candidate.gain else "muted"
