"""How changes of objects are told to a person."""

from __future__ import annotations

from collections.abc import Sequence

from console.models.map_edits import EditedObject, Tie, TieFate

LONGEST_NAME = 60
"""Characters of an object's id that somebody can be asked to type."""
LISTED = 8
"""Objects, constraints or tables that are named one by one."""


def named(objects: Sequence[EditedObject]) -> str:
    """One by its name, several by their number."""
    if len(objects) == 1:
        return objects[0].label
    layer = objects[0].layer
    return f"{len(objects):,} CAD objects" if layer.is_cad else f"{len(objects):,} rows of {layer.name.table}"


def each(objects: Sequence[EditedObject]) -> tuple[str, ...]:
    """Which ones they are, as a sentence where there are several."""
    return (f"They are {listed([one.label for one in objects])}.",) if len(objects) > 1 else ()


def object_name(objects: Sequence[EditedObject]) -> str:
    """What is typed in production: one object's own id, where somebody can type that."""
    if len(objects) > 1:
        return f"{len(objects)} objects"
    [one] = objects
    own = (one.row.get("object_id") or "") if one.layer.is_cad else ",".join(one.key)
    can_be_typed = own.isprintable() and own == own.strip() and 0 < len(own) <= LONGEST_NAME
    return own if can_be_typed else f"{one.layer.name.table} {','.join(one.key)}"


def tie_sentences(ties: Sequence[Tie], gone: set[str], fate: TieFate) -> list[str]:
    """What becomes of the constraints that mention objects which go."""
    sentences = [_tie_sentence(tie, gone, fate) for tie in ties[:LISTED]]
    if len(ties) > LISTED:
        sentences.append(f"Likewise of {len(ties) - LISTED:,} more constraints.")
    return sentences


def _tie_sentence(tie: Tie, gone: set[str], fate: TieFate) -> str:
    others = others_of(tie, gone)
    ties = f"ties it to {listed(others)}" if others else "is about nothing else"
    if fate is TieFate.LEAVE:
        becomes = "stays as it is, and is broken"
    elif others and fate is TieFate.TAKE_OUT:
        becomes = "goes on without it"
    else:
        becomes = "is deleted too"
    return f"The constraint {tie.constraint_id} ({tie.constraint_type}) {ties}; it {becomes}."


def others_of(tie: Tie, gone: set[str]) -> list[str]:
    """What it mentions beside the objects that go."""
    return [object_id for object_id in tie.object_ids if object_id not in gone]


def place_of(x: float | None, y: float | None) -> str:
    """A point, or that there is none."""
    return "nowhere" if x is None or y is None else f"{x:.10g}, {y:.10g}"


def value_of(text: str | None) -> str:
    """A value of a column in a sentence."""
    if text is None:
        return "NULL"
    return text if len(text) <= 200 else f"{text[:200]}…"


def listed(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more:,} more" if more > 0 else "")
