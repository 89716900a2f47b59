"""The columns of the lists beside the map: layers, objects, constraints, what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from console.models.layers import LayerName
from console.models.map_objects import Constraint, Finding, MapObject
from console.screens.spatial_layers import ShownLayer, shape_in_words
from console.units import compact, count, in_figures
from console.widgets.columns import Cell, Column
from console.widgets.tones import Tone

_PLAIN_SCHEMAS = ("public", "arxos_cad")


def _state(one: ShownLayer) -> Cell:
    if not one.layer.may_read:
        return "denied", "warning"
    if not one.is_visible:
        return "hidden", "muted"
    if one.problem:
        return "problem", "warning"
    if one.picture is None or not one.is_complete:
        return "…", "muted"
    return one.picture.source.value, "muted"


def _sign(one: ShownLayer) -> str:
    return one.glyph if one.is_visible else " "


def short_names(layers: Sequence[ShownLayer]) -> dict[LayerName, str]:
    """What each layer is called in a narrow list: with its column only where the table has several."""
    tables = Counter((one.name.schema, one.name.table) for one in layers)
    found = {}
    for name in (one.name for one in layers):
        plain = name.table if name.schema in _PLAIN_SCHEMAS else f"{name.schema}.{name.table}"
        found[name] = plain if tables[name.schema, name.table] == 1 else f"{plain}.{name.column}"
    return found


def layer_columns(active: LayerName | None, names: Mapping[LayerName, str]) -> Sequence[Column[ShownLayer]]:
    """`active` is the name of the layer that keys are about, `names` are those of `short_names`."""
    return (
        Column("active", "", lambda one: "▸" if one.name == active else " ", 1, priority=9),
        Column("sign", "", _sign, 1, priority=9),
        Column("name", "layer", lambda one: names.get(one.name, str(one.name)), 14, 12, flexible=True, priority=8, exact=lambda one: str(one.name)),
        Column("rows", "rows", lambda one: compact(one.layer.rows), 6, align="right", priority=6, exact=lambda one: str(one.layer.rows or "")),
        Column("state", "shown", _state, 10, 6, priority=5),
        Column("shape", "shape", lambda one: (shape_in_words(one.layer), "muted"), 8, 6, priority=2),
        Column("srid", "SRID", lambda one: (str(one.layer.srid or "none"), "muted"), 6, priority=1),
    )  # fmt: skip


def distance_in_words(distance: float | None, unit: str) -> str:
    """`3.2 m`, `12.4 km`, `8.1` where the unit is not known; empty for none."""
    if distance is None:
        return ""
    if unit != "m":
        return in_figures(distance, 4)
    if distance < 1:
        return f"{in_figures(distance * 100, 3)} cm"
    return f"{in_figures(distance, 3)} m" if distance < 999.5 else f"{in_figures(distance / 1000, 4)} km"


def object_columns(unit: str) -> Sequence[Column[MapObject]]:
    """`unit` is that of distances: `m`, else nothing."""
    return (
        Column("label", "object", lambda one: one.label, 12, 8, flexible=True, sort=lambda one: one.label, priority=9),
        Column("category", "type", lambda one: (one.category or "", "muted"), 10, 5, sort=lambda one: one.category or "", priority=4),
        Column(
            "distance", "away", lambda one: distance_in_words(one.distance, unit), 9, 7, align="right", priority=6,
            sort=lambda one: one.distance if one.distance is not None else -1.0,
            exact=lambda one: "" if one.distance is None else repr(one.distance),
        ),
    )  # fmt: skip


def _is_valid(one: Constraint) -> Cell:
    return ("▲ " + one.problems[0], "warning") if one.problems else ("valid", "muted")


CONSTRAINT_COLUMNS: Sequence[Column[Constraint]] = (
    Column("id", "constraint", lambda one: one.constraint_id, 8, flexible=True, share=0.3, sort=lambda one: one.constraint_id, priority=9),
    Column("type", "type", lambda one: one.constraint_type, 10, 5, sort=lambda one: one.constraint_type, priority=5),
    Column("status", "status", lambda one: one.status, 8, 6, sort=lambda one: one.status, priority=6),
    Column("objects", "ties", lambda one: count(len(one.object_ids)), 4, align="right", sort=lambda one: len(one.object_ids), priority=4),
    Column("problems", "validity", _is_valid, 24, 8, sort=lambda one: len(one.problems), descending_first=True, priority=7),
)  # fmt: skip


def constraint_tone(one: Constraint) -> Tone | None:
    """Whether something is wrong with it."""
    return "warning" if one.problems else None


def _found(one: Finding) -> Cell:
    number = f"{count(one.count)}{'+' if one.is_more else ''}"
    return (number, "warning") if one.count else (number, "muted")


FINDING_COLUMNS: Sequence[Column[Finding]] = (
    Column("flaw", "what is wrong", lambda one: one.flaw.value, 20, 10, flexible=True, priority=8),
    Column("count", "found", _found, 8, 5, align="right", priority=9),
)
