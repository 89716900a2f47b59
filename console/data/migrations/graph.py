"""What a goal means: the revisions on the way to it, in either direction.

A goal is written as for Alembic: `head`, `heads`, `base`, a revision or how it begins, `label@head`, `label@base`,
`label@revision`, and steps from where the database is or from a revision: `+2`, `-1`, `label@+1`, `4f2a-1`.

Revisions are given newest first, as `MigrationStatus` has them; what is returned is in the order in which it runs.
Every function raises `BadMigrations` where the goal means nothing, or more than one thing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from console.data.migrations.history import History
from console.data.migrations.lanes import lanes as lanes
from console.errors import BadMigrations
from console.models.migrations import Direction, Revision

_RELATIVE = re.compile(r"(?:(?P<label>.+?)@)?(?P<name>\w+)?(?P<steps>[+-]\d+)")


def upgrade_path(revisions: Sequence[Revision], current: Sequence[str], goal: str) -> tuple[Revision, ...]:
    """What is missing for the goal to be applied, oldest first; empty where nothing is."""
    history = History(revisions)
    applied = _applied(history, current)
    needed = history.union(_upgrade_targets(history, current, goal), history.ancestors)
    return tuple(history.by_id[id_] for id_ in reversed(history.members(needed & ~applied)))


def downgrade_path(revisions: Sequence[Revision], current: Sequence[str], goal: str) -> tuple[Revision, ...]:
    """What has to be undone for the database to stand at the goal, newest first.

    That is what follows the goal, on all branches unless a label says which, and what depends on that.
    """
    history = History(revisions)
    applied = _applied(history, current)
    label, target = _downgrade_target(history, current, goal)
    roots = history.bases if target is None else history.next[target]
    if label is not None and len(roots) > 1:
        branch = _named(history, label)
        roots = [id_ for id_ in roots if history.bit(id_) & history.followed[branch]] or [
            id_ for id_ in roots if history.bit(id_) & history.lineage[branch]
        ]
        if not roots:
            raise BadMigrations(f"Nothing of the branch {label!r} comes after {goal!r}.")
    undone = history.union(roots, history.descendants) & applied
    if target is not None and not history.bit(target) & applied:
        raise BadMigrations(f"{target} is not applied: there is nothing above it to undo.")
    return _undone(history, undone)


def undo(revisions: Sequence[Revision], current: Sequence[str], revision: str) -> tuple[Revision, ...]:
    """A revision with all that is applied and stands on it, newest first; empty where it is not applied."""
    history = History(revisions)
    applied = _applied(history, current)
    return _undone(history, history.descendants[revision] & applied)


def stamped(revisions: Sequence[Revision], current: Sequence[str], goal: str) -> tuple[Revision, ...]:
    """What the version table names when the database is said to stand at the goal.

    Branches that have nothing to do with the goal stay where they are; what no file describes is forgotten.
    """
    history = History(revisions)
    known = [id_ for id_ in dict.fromkeys(current) if id_ in history.by_id and history.by_id[id_].path]
    match = _RELATIVE.fullmatch(goal)
    if match is not None and int(match["steps"]) < 0:
        _, target = _downgrade_target(history, known, goal)
        targets = [] if target is None else [target]
    else:
        targets = _upgrade_targets(history, known, goal)
    if targets:
        related = history.union(targets, history.ancestors) | history.union(targets, history.descendants)
    else:
        label = goal.rpartition("@")[0]
        related = history.lineage[_named(history, label)] if label else -1
    kept = [id_ for id_ in known if not history.bit(id_) & related]
    return tuple(history.by_id[id_] for id_ in dict.fromkeys([*kept, *targets]))


def direction_of(revisions: Sequence[Revision], current: Sequence[str], goal: str) -> Direction:
    """In which direction a goal lies: what is applied lies below, what is not above."""
    history = History(revisions)
    if (match := _RELATIVE.fullmatch(goal)) and not match["name"]:
        return Direction.DOWNGRADE if match["steps"].startswith("-") else Direction.UPGRADE
    if goal.endswith(("heads", "head")):
        return Direction.UPGRADE
    targets = history.union(_upgrade_targets(history, current, goal))
    return Direction.UPGRADE if targets & ~_applied(history, current) else Direction.DOWNGRADE


def _applied(history: History, current: Sequence[str]) -> int:
    for id_ in current:
        if id_ not in history.by_id or history.by_id[id_].path is None:
            raise BadMigrations(
                f"The database stands at {id_}, which no file describes: bring its file back, or stamp the database."
            )
    return history.union(current, history.ancestors)


def _undone(history: History, bits: int) -> tuple[Revision, ...]:
    path = tuple(history.by_id[id_] for id_ in history.members(bits))
    for revision in path:
        if revision.path is None:
            raise BadMigrations(f"{revision.id} cannot be undone: no file describes it.")
    return path


# Names --------------------------------------------------------------------------------------------------------------


def _upgrade_targets(history: History, current: Sequence[str], goal: str) -> list[str]:
    match = _RELATIVE.fullmatch(goal)
    if match is None:
        return _all(history, goal)
    label, name, steps = match["label"], match["name"], int(match["steps"])
    if name is not None:
        start = _one(history, name if steps > 0 or label is None else f"{label}@{name}")
    elif steps <= 0:
        raise BadMigrations(f"{goal!r} is no goal of an upgrade: it leads down.")
    else:
        start = _start(history, current, goal, label)
    target = _walk(history, start, steps, label)
    return [] if target is None else [target]


def _downgrade_target(history: History, current: Sequence[str], goal: str) -> tuple[str | None, str | None]:
    """A label that says which branch, and the revision to stay; None is the base."""
    match = _RELATIVE.fullmatch(goal)
    if match is None:
        return goal.rpartition("@")[0] or None, _one(history, goal)
    label, name, steps = match["label"], match["name"], int(match["steps"])
    if name is not None:
        start = _one(history, name if steps > 0 or label is None else f"{label}@{name}")
    elif steps >= 0:
        raise BadMigrations(f"{goal!r} is no goal of a downgrade: it leads up.")
    else:
        start = _start(history, current, goal, label)
        if start is None:
            raise BadMigrations(f"{goal!r} leads nowhere: nothing of it is applied.")
        label = label or start
    return label, _walk(history, start, steps, label)


def _start(history: History, current: Sequence[str], goal: str, label: str | None) -> str | None:
    """Where steps are counted from: the one place where the database is, on that branch if there is a label."""
    places = list(dict.fromkeys(current))
    if label is not None:
        lineage = history.lineage[_named(history, label)]
        applied = history.union(current, history.ancestors)
        on_branch = history.union(places) & lineage or _tips(history, applied & lineage)
        places = history.members(on_branch)
    if len(places) > 1:
        raise BadMigrations(
            f"{goal!r} could begin at {', '.join(places)}: say on which branch (label@{goal}), or name a revision."
            if label is None
            else f"{goal!r} could begin at {', '.join(places)}: name a revision."
        )
    return places[0] if places else None


def _tips(history: History, bits: int) -> int:
    """Those of a set that no other of it stands on."""
    return history.union(id_ for id_ in history.members(bits) if not history.union(history.above[id_]) & bits)


def _walk(history: History, start: str | None, steps: int, label: str | None) -> str | None:
    """The revision so many steps up or down; None is the base."""
    here = start
    lineage = history.lineage[_named(history, label)] if label is not None and steps > 0 else -1
    for _ in range(abs(steps)):
        if steps > 0:
            ways: list[str | None] = [
                id_
                for id_ in (history.bases if here is None else history.next[here])
                if history.bit(id_) & lineage
            ]
        else:
            ways = [] if here is None else [*history.down[here]] or [None]
        if not ways:
            raise BadMigrations(
                f"There are not {abs(steps)} revisions from {start or 'base'} in that direction."
            )
        if len(ways) > 1:
            names = ", ".join(str(way) for way in ways)
            raise BadMigrations(f"From {here or 'base'} there are several ways ({names}): name a revision.")
        here = ways[0]
    return here


def _one(history: History, goal: str) -> str | None:
    """The revision that an absolute goal names; None is the base."""
    found = _all(history, goal)
    if len(found) > 1:
        raise BadMigrations(_several_heads(history, found))
    return found[0] if found else None


def _all(history: History, goal: str) -> list[str]:
    """The revisions that an absolute goal names; none for the base."""
    label, _, name = goal.rpartition("@")
    lineage = history.lineage[_named(history, label)] if label else -1
    match name:
        case "base":
            return []
        case "heads" if not label:
            return history.effective_heads
        case "head" | "heads":
            heads = [id_ for id_ in history.heads if history.bit(id_) & lineage]
            if name == "head" and len(heads) > 1:
                raise BadMigrations(_several_heads(history, heads))
            return heads
        case _:
            return [_named(history, name, lineage)]


def _named(history: History, name: str, lineage: int = -1) -> str:
    """The revision that is called so, that has the label, or whose id is the only one to begin so."""
    if (found := history.named(name)) is not None:
        if not history.bit(found) & lineage:
            raise BadMigrations(f"{name} is not on that branch.")
        return found
    names = [*history.by_id, *history.labelled]
    beginnings = [
        full
        for full in names
        if name
        and len(full) > 3
        and full.startswith(name)
        and history.bit(history.labelled.get(full, full)) & lineage
    ]
    if not beginnings:
        raise BadMigrations(f"No revision and no branch is called {name!r}.")
    if len(beginnings) > 1:
        raise BadMigrations(f"{name!r} could be any of {', '.join(beginnings[:5])}.")
    return history.labelled.get(beginnings[0], beginnings[0])


def _several_heads(history: History, heads: Sequence[str]) -> str:
    """Says which heads there are, and how to name one: by its branch where that tells it from the others."""
    first = history.branches[heads[0]]
    labels = [label for label in first if all(label not in history.branches[id_] for id_ in heads[1:])]
    one = f"{labels[0]}@head" if labels else heads[0]
    shown = ", ".join(heads[:12]) + (" …" if len(heads) > 12 else "")
    return f"There are {len(heads)} heads ({shown}): say heads for all of them, or {one} for one."
