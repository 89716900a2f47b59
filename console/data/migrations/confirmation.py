"""A plan in the words in which a person is asked about it."""

from __future__ import annotations

from collections.abc import Sequence

from console.models.migrations import Direction, Hazard, InvalidIndex, Loss, LossKind, Plan
from console.models.operation import Danger, Operation
from console.units import bytes_binary, compact, count

_ALREADY_THERE = (
    "A revision that was to create it and failed stays pending. Run again, it finds the index already there: stamp it "
    "instead, or drop the index first."
)


def of_plan(plan: Plan, hazards: Sequence[Hazard], losses: Sequence[Loss], *, rehearse: bool) -> Operation:
    """What upgrading, rolling back or rehearsing means."""
    upgrade = plan.direction is Direction.UPGRADE
    last = plan.steps[-1].revision.id
    number = f"{len(plan.steps)} revision{'s' if len(plan.steps) > 1 else ''}"
    if rehearse:
        title = f"Rehearse the {plan.direction.value} of {number}, {'up' if upgrade else 'down'} to {last}"
    elif upgrade:
        title = f"Upgrade by {number}, to {last}"
    else:
        title = f"Roll back {number}, down to and with {last}"
    destructive = not upgrade or bool(losses) or any(step.no_way_back for step in plan.steps)
    return Operation(
        title=title,
        action="Rehearse" if rehearse else "Upgrade" if upgrade else "Roll back",
        object_name=last,
        statements=_statements(plan),
        consequences=(
            *_rehearsal(rehearse),
            *([plan.remark] if plan.remark else []),
            *(loss_sentence(loss) for loss in losses),
            *_points_of_no_return(plan),
            *(hazard_sentence(hazard) for hazard in hazards),
        ),
        danger=Danger.DESTRUCTIVE if destructive and not rehearse else Danger.NOTICEABLE,
    )


def of_stamp(plan_from: Sequence[str], to: Sequence[str], statements: Sequence[str]) -> Operation:
    """What it means to say that the database stands elsewhere."""
    where = ", ".join(to) or "base"
    return Operation(
        title=f"Stamp the database with {where}",
        action="Stamp",
        object_name=where,
        statements=tuple(statements),
        consequences=(
            f"No revision runs: the version table will say {where} instead of {', '.join(plan_from) or 'base'}, "
            "whatever the schema looks like.",
        ),
        danger=Danger.DESTRUCTIVE,
    )


def of_repair(index: InvalidIndex, statement: str, *, drop: bool) -> Operation:
    """What it means to build an invalid index again, or to drop it or what is left of one."""
    drops = drop or index.is_transient
    if index.is_transient:
        said = f"{index.name} was left behind by REINDEX CONCURRENTLY: it is dropped, the index itself stays."
    elif drop:
        said = (
            f"{index.name} on {index.table} is dropped: it serves no read as it is. The revision that was to make it "
            "can then run again."
        )
    else:
        said = f"{index.name} on {index.table} is built again while reads and writes go on ({bytes_binary(index.size)} now)."
    return Operation(
        title=f"{'Drop' if drop else 'Repair'} the index {index.schema}.{index.name}",
        action="Drop" if drops else "Build again",
        object_name=index.name,
        statements=(statement,),
        consequences=(
            said,
            "It waits for every transaction that is older than itself, and runs outside a transaction: "
            "if it is cancelled, the index stays invalid.",
            *([] if drops else [_ALREADY_THERE]),
        ),
        danger=Danger.NOTICEABLE,
    )


def loss_sentence(loss: Loss) -> str:
    """What is taken away, with what is in it now."""
    figures = []
    if loss.rows is not None:
        unit = "values" if loss.kind is LossKind.COLUMN else "rows"
        figures.append(f"{'' if loss.is_exact else 'about '}{count(loss.rows)} {unit}")
    if loss.bytes is not None:
        figures.append(bytes_binary(loss.bytes))
    inside = f" ({', '.join(figures)})" if figures else ""
    if loss.kind is LossKind.OTHER:
        return f"{loss.revision}: {loss.name}"
    return f"{loss.revision} loses {loss.kind.value} {loss.name}{inside}"


def hazard_sentence(hazard: Hazard) -> str:
    """What a statement does to others, and to how many."""
    lock = ""
    if hazard.lock is not None and hazard.weight is not None:
        weight = hazard.weight
        rows = f"{compact(weight.rows)} rows, " if weight.rows is not None else ""
        sessions = f"{weight.sessions} session{'s' if weight.sessions != 1 else ''} on it"
        lock = f" takes {hazard.lock} on {weight.table} ({rows}{bytes_binary(weight.bytes)}, {sessions})"
    return f"{hazard.revision}{lock}: {hazard.rule}: {hazard.message}"


def _statements(plan: Plan) -> tuple[str, ...]:
    found = []
    for step in plan.steps:
        title = f"-- {plan.direction.value} {step.revision.id} {step.revision.message}".rstrip()
        texts = [statement.text for statement in step.statements]
        if not texts:
            found.append(f"{title}\n-- nothing that is known beforehand")
        else:
            found += [f"{title}\n{texts[0]}", *texts[1:]]
    return tuple(found)


def _rehearsal(rehearse: bool) -> tuple[str, ...]:
    if not rehearse:
        return ()
    return (
        "All of it runs in one transaction that is rolled back: nothing stays. Until then it holds the same locks "
        "as the real run.",
    )


def _points_of_no_return(plan: Plan) -> list[str]:
    said = []
    for step in plan.steps:
        if not step.is_atomic:
            said.append(
                f"{step.revision.id} does not run in one transaction: what it has done before a failure or a cancel stays."
            )
        if step.no_way_back:
            said.append(f"{step.revision.id} cannot be undone afterwards: {step.no_way_back}")
        if step.problem:
            said.append(f"{step.revision.id}: {step.problem}")
    return said
