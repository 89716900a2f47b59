"""A plan in words: what it is, a node in full, its statement, its files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from textual.content import Content

from console.errors import DbconsoleError
from console.models.plans import Plan, PlanKind, PlanNode
from console.screens.plan_columns import expected_rows
from console.terminal.safe_text import visible
from console.units import bytes_binary, count, duration, latency, percent
from console.widgets.detail import Section
from console.widgets.sql_view import Part, Sql, Words

OUTPUT = "Output"
"""EXPLAIN's word for the columns of a node."""

AROUND = 24
"""Characters of a statement that are shown on either side of a parameter."""

BLOCK = 8192
"""Bytes of a block, as servers are built as a rule."""


def words_of(problem: Exception) -> str:
    """What went wrong, as a person is told it; of a mistake of the console's own at least which one it is."""
    if isinstance(problem, DbconsoleError):
        return problem.sentence
    said = " ".join(str(problem).split())
    return f"The console failed: {type(problem).__name__}{': ' if said else ''}{said}; this is a defect of its own."


def head(plan: Plan, problem: str | None, running: float | None) -> Content:
    """What kind of plan it is and what it comes to; then as whom; then what else should be known, a line each.

    `problem` is what went wrong since; `running` the seconds for which it has been run for real.
    """
    lines = [_summary(plan), Content.styled(visible(_origin(plan)), "$text-muted")]
    if running is not None:
        lines.insert(
            0, Content.styled(f"● running it for real, {duration(running)}; esc stops it", "bold $accent")
        )
    if problem is not None:
        lines.insert(0, Content.styled(f"◆ {visible(problem)}", "$error"))
    return Content("\n").join([*lines, *(Content(f"▲ {visible(note)}") for note in plan.notes)])


def _summary(plan: Plan) -> Content:
    kind = Content.styled(plan.kind.value, "bold $warning" if plan.kind is PlanKind.ANALYZED else "bold")
    parts = [f"cost {count(plan.root.total_cost)}"]
    if plan.execution_time is not None:
        parts.insert(0, latency(plan.execution_time))
    if plan.planning_time is not None:
        parts.append(f"planned in {latency(plan.planning_time)}")
    parts.append("1 node" if len(plan.nodes) == 1 else f"{len(plan.nodes):,} nodes")
    return kind + f" · {' · '.join(parts)}"


def _origin(plan: Plan) -> str:
    """As whom, where, and under which settings."""
    settings = ", ".join(f"{name} = {value}" for name, value in plan.settings.items())
    return f"planned as {plan.role} in {plan.database}" + (f" · {settings}" if settings else "")


def node_sections(node: PlanNode) -> tuple[Section, ...]:
    """All that is known of a node: what stands out, EXPLAIN's own words, the figures; last what it hands on, which is long."""
    said = [(mark.remark.value, Content.styled(f"▲ {visible(mark.text)}", "$warning")) for mark in node.marks]
    words = [line for line in node.details if line[0] != OUTPUT]
    output = [line for line in node.details if line[0] == OUTPUT]
    sections = Section("", (*said, *words)), Section("", (*_actual(node), *_estimate(node), *output))
    return tuple(section for section in sections if section.lines)


def _actual(node: PlanNode) -> Iterator[tuple[str, str]]:
    actual = node.actual
    if actual is None:
        return
    share = f"{percent(node.share)} of the plan's"
    yield (
        "time",
        f"{latency(actual.own_time)} of its own ({share}), {latency(actual.time)} with what is below",
    )
    removed = f", {count(actual.rows_removed)} more were thrown away" if actual.rows_removed else ""
    loops = f" in {count(actual.loops)} loops" if actual.loops != 1 else ""
    yield "rows", f"{count(actual.rows)}{loops}, {count(expected_rows(node))} were expected{removed}"
    blocks = (
        (actual.shared_hit, "in the cache"),
        (actual.shared_read, "read"),
        (actual.temp_read, "temporary read"),
        (actual.temp_written, "temporary written"),
    )
    if buffers := ", ".join(f"{bytes_binary(number * BLOCK)} {where}" for number, where in blocks if number):
        yield "buffers", buffers


def _estimate(node: PlanNode) -> Iterator[tuple[str, str]]:
    share = f" ({percent(node.share)} of the plan's)" if node.actual is None else ""
    yield (
        "cost",
        f"{_cost(node.own_cost)} of its own{share}; {_cost(node.startup_cost)} to its first row, "
        f"{_cost(node.total_cost)} to its last" + (", a loop" if _is_repeated(node) else ""),
    )
    if node.actual is None:
        yield "rows", f"{count(node.rows)} expected, of {count(node.width)} bytes"
    if node.relation:
        name = f"{node.schema}.{node.relation}" if node.schema else node.relation
        yield "relation", name + (f" as {node.alias}" if node.alias not in (None, node.relation) else "")


def _is_repeated(node: PlanNode) -> bool:
    """Whether its cost counts more than once, as below a nested loop."""
    return node.own_cost > node.total_cost * 1.01


def _cost(cost: float) -> str:
    return f"{cost:,.2f}" if cost < 1000 else count(cost)


def statement_parts(statement: str, plan: Plan) -> tuple[Part, ...]:
    """The statement of a plan, below what is to be said of how it was planned."""
    return (*(Words(f"▲ {note}", "warning", 2) for note in plan.notes), Sql(statement))


def parameter_labels(plan: Plan) -> list[str]:
    """Each parameter with its type and where it stands: "$1 text  … WHERE o.state = $1 AND …"."""
    text = " ".join(plan.statement.split())
    around: dict[int, str] = {}
    for place in re.finditer(r"\$(\d+)", text):
        words = text[max(0, place.start() - AROUND) : place.end() + AROUND]
        around.setdefault(int(place[1]), f"  … {words} …")
    return [f"${number} {type_}{around.get(number, '')}" for number, type_ in enumerate(plan.parameters, 1)]


def write_plan(path: Path, plan: Plan) -> None:
    """Writes EXPLAIN's JSON or, unless the name ends in `.json`, its text. Raises `OSError`, also where there is such a file."""
    text = plan.json if path.suffix.lower() == ".json" else plan.text
    with path.open("x", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"{text}\n")
