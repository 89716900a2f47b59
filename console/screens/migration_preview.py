"""A plan as it is read before it runs: its SQL, what it does to others, what it takes away, where there is no way back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from console.models.migrations import Direction, Hazard, Loss, LossKind, Plan, PlannedStep, TableWeight
from console.units import bytes_binary, compact, count
from console.widgets.sql_view import Part, Sql, Words


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan, with what is known of it by now."""

    plan: Plan
    hazards: tuple[Hazard, ...] | None = None
    """None while they are being looked for, or where they could not be found."""
    losses: tuple[Loss, ...] | None = None
    hazards_problem: str | None = None
    losses_problem: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether all is known that can be."""
        return (self.hazards is not None or self.hazards_problem is not None) and (
            self.losses is not None or self.losses_problem is not None
        )

    @property
    def unknown(self) -> tuple[str, ...]:
        """What could not be found out, a sentence each."""
        said = []
        if self.hazards_problem:
            said.append(f"What it does to others could not be found out: {self.hazards_problem}")
        if self.losses_problem:
            said.append(f"What it takes away could not be found out: {self.losses_problem}")
        return tuple(said)


def preview_title(plan: Plan) -> str:
    """Which way it goes, how far, and how much that is."""
    statements = sum(len(step.statements) for step in plan.steps)
    amount = f"{_number(len(plan.steps), 'revision')}, {_number(statements, 'statement')}"
    if not plan.steps:
        return f"{plan.direction.value} to {plan.goal}: nothing to do"
    last = plan.steps[-1].revision.id
    if plan.direction is Direction.UPGRADE:
        way = f"upgrade to {last}"
    else:
        way = f"rollback of {last}" if len(plan.steps) == 1 else f"rollback down to and with {last}"
    return f"{way}: {amount}"


def preview_parts(preview: Preview) -> tuple[Part, ...]:
    """The lines of the pane."""
    return tuple(_parts(preview))


def _parts(preview: Preview) -> Iterator[Part]:
    plan = preview.plan
    if not plan.steps:
        yield Words(
            "Nothing would run: in this direction nothing lies between the database and the goal.", "muted"
        )
        return
    if plan.remark:
        yield Words(f"▲ {plan.remark}", "warning", 2)
    for sentence in preview.unknown:
        yield Words(f"▲ {sentence}", "warning", 2)
    yield from _loss_parts(preview)
    hazards = _by_statement(preview.hazards or ())
    if preview.hazards:
        heavy = sum(hazard.is_heavy for hazard in preview.hazards)
        found = f"{_number(len(preview.hazards), 'hazard')}, {heavy} that people would notice"
        yield Words(f"{'▲' if heavy else '·'} {found}", "warning" if heavy else "muted", 2)
    elif preview.hazards is None and preview.hazards_problem is None:
        yield Words("… looking for what it does to others", "muted")
    for step in plan.steps:
        yield Words("")
        yield from _step_parts(plan.direction, step, hazards)


def _loss_parts(preview: Preview) -> Iterator[Part]:
    if preview.losses is None:
        if preview.losses_problem is None:
            yield Words("… counting what it takes away", "muted")
        return
    word = "would lose"
    for loss in preview.losses:
        yield Words(f"◆ {word}: {loss_text(loss)}", "danger", 2)
    if not preview.losses and preview.plan.direction is Direction.DOWNGRADE:
        yield Words("would lose nothing that is known", "muted")


def loss_text(loss: Loss) -> str:
    """An object that a plan drops, with what is in it: `table arxos_core.audit_logs (1,204,332 rows, 412 MiB)`."""
    figures = []
    if loss.rows is not None:
        unit = "value" if loss.kind is LossKind.COLUMN else "row"
        figures.append(
            f"{'' if loss.is_exact else 'about '}{count(loss.rows)} {unit}{'' if loss.rows == 1 else 's'}"
        )
    if loss.bytes is not None:
        figures.append(bytes_binary(loss.bytes))
    inside = f" ({', '.join(figures)})" if figures else ""
    return loss.name if loss.kind is LossKind.OTHER else f"{loss.kind.value} {loss.name}{inside}"


def _step_parts(
    direction: Direction, step: PlannedStep, hazards: dict[tuple[str, int], list[Hazard]]
) -> Iterator[Part]:
    revision = step.revision
    title = f"{direction.value} {revision.id}"
    yield Words(
        f"── {title}: {revision.message}" if revision.message else f"── {title}", "strong", wraps=False
    )
    if not step.is_possible:
        yield Words(f"◆ not possible: {step.problem or 'there is no way in this direction'}", "danger", 2)
    elif step.problem:
        yield Words(f"▲ {step.problem}", "warning", 2)
    if step.no_way_back:
        yield Words(f"▲ no way back: {step.no_way_back}", "warning", 2)
    if not step.is_atomic:
        yield Words("▲ not atomic: what it has done before a failure or a cancel stays", "warning", 2)
    for number, statement in enumerate(step.statements):
        found = hazards.get((revision.id, number), [])
        heavy = any(hazard.is_heavy for hazard in found)
        yield Sql(
            f"{statement.text};", "▲" if heavy else "·" if found else "", "warning" if heavy else "muted"
        )
        for hazard in found:
            yield _hazard_part(hazard)
    if not step.statements and step.is_possible and not step.problem:
        yield Words("  (no SQL)", "muted")


def _hazard_part(hazard: Hazard) -> Words:
    lock = f" {hazard.lock} lock on {weight_text(hazard.weight)}." if hazard.lock and hazard.weight else ""
    advice = f" {hazard.advice}" if hazard.advice else ""
    glyph = "▲" if hazard.is_heavy else "·"
    return Words(
        f"  {glyph} {hazard.rule}:{lock} {hazard.message}{advice}",
        "warning" if hazard.is_heavy else "muted",
        4,
    )


def weight_text(weight: TableWeight) -> str:
    """A table with what stands behind its name: `cad.objects (10.2 M rows, 1.7 GiB, 3 sessions)`."""
    rows = "rows unknown" if weight.rows is None else f"{compact(weight.rows)} rows"
    return f"{weight.table} ({rows}, {bytes_binary(weight.bytes)}, {_number(weight.sessions, 'session')})"


def _by_statement(hazards: Sequence[Hazard]) -> dict[tuple[str, int], list[Hazard]]:
    found: dict[tuple[str, int], list[Hazard]] = {}
    for hazard in hazards:
        found.setdefault((hazard.revision, hazard.statement), []).append(hazard)
    return found


def _number(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
