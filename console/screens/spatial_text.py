"""What the screen Spatial says of objects, constraints, findings and measures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from textual.content import Content

from console.models.map_objects import Constraint, Finding, MapObject, Measure, ObjectDetail
from console.screens.spatial_columns import distance_in_words
from console.terminal.safe_text import visible
from console.units import UNKNOWN, count, in_figures
from console.widgets.detail import Section

MOST_VALUES = 200
"""Lines of a document that are shown."""


def detail_sections(detail: ObjectDetail, unit: str) -> Sequence[Section]:
    """An object in full. `unit` is that of lengths: `m`, else nothing."""
    plain: list[tuple[str, str | Content]] = [("project", detail.project)] if detail.project else []
    documents: list[Section] = []
    for name, value in detail.attributes.items():
        if isinstance(value, Mapping | list):
            documents.append(Section(name, (("", Content("\n".join(_cut(tree(value))))),)))
        else:
            plain.append((name, UNKNOWN if value is None else _scalar(value)))
    constraints = [(one.constraint_id, _constraint_line(one)) for one in detail.constraints]
    return (
        Section("", tuple(plain)),
        *documents,
        Section("geometry", tuple(_geometry(detail, unit))),
        *([Section("constraints that mention it", tuple(constraints))] if constraints else []),
        *([Section("what is not known", tuple(("", note) for note in detail.notes))] if detail.notes else []),
    )


def _scalar(value: Any) -> str:
    return value.isoformat(" ", "seconds") if isinstance(value, datetime) else str(value)


def _geometry(detail: ObjectDetail, unit: str) -> Iterator[tuple[str, str | Content]]:
    yield "shape", detail.shape or UNKNOWN
    if detail.vertices is not None and detail.vertices > 1:
        yield "vertices", count(detail.vertices)
    if detail.length:
        yield "length", distance_in_words(detail.length, unit)
    if detail.area:
        yield "area", area_in_words(detail.area, unit)
    yield "WKT", detail.geometry or UNKNOWN


def area_in_words(area: float, unit: str) -> str:
    """`120 m²`, `3.4 km²`, `8.1` where the unit is not known."""
    if unit != "m":
        return in_figures(area, 4)
    return f"{in_figures(area, 4)} m²" if area < 100_000 else f"{in_figures(area / 1_000_000, 4)} km²"


def _constraint_line(one: Constraint) -> str:
    problems = f" · {' '.join(one.problems)}" if one.problems else ""
    return f"{one.constraint_type}, {one.status}, ties {count(len(one.object_ids))}{problems}"


def constraint_sections(one: Constraint, unit: str) -> Sequence[Section]:
    """A constraint in full."""
    lines: list[tuple[str, str | Content]] = [
        ("type", one.constraint_type),
        ("status", one.status),
        ("project", one.project or UNKNOWN),
        ("span", distance_in_words(one.span, unit) or UNKNOWN),
        ("objects", ", ".join(one.object_ids)),
    ]
    if one.parameters:
        lines.append(("parameters", Content("\n".join(_cut(tree(one.parameters))))))
    problems = tuple(("", Content(f"▲ {visible(problem)}")) for problem in one.problems)
    return (*([Section("what is wrong", problems)] if problems else []), Section("", tuple(lines)))


def finding_sections(one: Finding) -> Sequence[Section]:
    """What a check found, and what mends it."""
    examples = tuple(("", f"{example.label}") for example in one.examples)
    return (
        Section("", (("", one.sentence),)),
        *([Section("examples, which enter leads to", examples)] if examples else []),
        *([Section("what mends it", (("", one.remedy),))] if one.remedy else []),
    )


def measure_in_words(measure: Measure | None, unit: str, corners: int) -> str:
    """`measuring · 12.4 km · 3.1 km² within · geodesic`."""
    if measure is None or corners < 2:
        return "measuring: enter sets a point, esc ends"
    parts = ["measuring", distance_in_words(measure.distance, unit)]
    if measure.area is not None:
        parts.append(f"{area_in_words(measure.area, unit)} within")
    parts.append("on the spheroid" if measure.is_geodesic else "on the plane")
    return " · ".join(parts)


def tree(value: Any, indent: str = "") -> Iterator[str]:
    """A document as the lines of a tree; its texts are made visible."""
    entries: list[tuple[str, Any]]
    if isinstance(value, Mapping):
        entries = [(str(name), one) for name, one in value.items()]
    else:
        entries = [(str(index), one) for index, one in enumerate(value)]
    if not entries:
        yield f"{indent}{json.dumps(value)}"
    for number, (name, one) in enumerate(entries, 1):
        is_last = number == len(entries)
        branch, below = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
        if isinstance(one, Mapping | list) and one:
            yield f"{indent}{branch}{visible(name)}"
            yield from tree(one, indent + below)
        else:
            text = one if isinstance(one, str) else json.dumps(one, ensure_ascii=False, default=str)
            yield f"{indent}{branch}{visible(name)}: {visible(text)}"


def _cut(lines: Iterator[str]) -> list[str]:
    shown: list[str] = []
    for line in lines:
        if len(shown) == MOST_VALUES:
            shown.append("…")
            break
        shown.append(line)
    return shown


def named_in_words(one: MapObject, unit: str) -> str:
    """What the cursor is at: `door D-17 · door · 3.2 m`."""
    parts = [one.label, one.category if one.category != one.label else None]
    return " · ".join(
        [part for part in parts if part] + ([away] if (away := distance_in_words(one.distance, unit)) else [])
    )
