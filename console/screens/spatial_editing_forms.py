"""What a person types for a change of objects."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TypeAlias

from console.data.spatial.edits_properties import json_object
from console.data.spatial.edits_words import place_of
from console.dialogs.form import Check, Field
from console.dialogs.values import NULL
from console.errors import BadInput
from console.models.map_edits import TieFate

Values: TypeAlias = Mapping[str, str]

FATES = {
    TieFate.DELETE: "the constraints go too",
    TieFate.TAKE_OUT: "they go on between the others; one without others is deleted",
    TieFate.LEAVE: "they are broken",
}
"""What else there is to know of what becomes of constraints."""

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_PLACE = re.compile(rf"({_NUMBER})(?:\s*[,;]\s*|\s+)({_NUMBER})")


def draft_fields(typed: Values, *, x: float, y: float, projects: Sequence[str]) -> list[Field]:
    """The boxes for a new CAD object, which begins at a place; `typed` is what was typed before."""
    return [
        Field("object_id", "id", typed.get("object_id", ""), "D-17", _is_given("An object needs an id.")),
        Field("object_type", "type", typed.get("object_type", ""), "door", _is_given("An object needs a type.")),
        Field("name", "name", typed.get("name", "")),
        Field("place", "x, y", typed.get("place", place_of(x, y)), check=_check_place),
        Field("properties", "properties: a JSON object", typed.get("properties", ""), '{"floor": 12}', check_properties),
        Field("project", "project: its name or id", typed.get("project", ""), suggestions=[name for name in projects if name.isprintable()]),
    ]  # fmt: skip


def place_fields(typed: Values, *, start: str) -> list[Field]:
    """The box for a place."""
    return [Field("place", "to x, y", typed.get("place", start), check=_check_place)]


def distance_fields(typed: Values) -> list[Field]:
    """The box for a distance."""
    return [
        Field(
            "distance",
            "by so much in x, y, in the units of the map",
            typed.get("distance", ""),
            "10, -2.5",
            check=_check_place,
        )
    ]


def value_fields(typed: Values, *, column: str, before: str | None) -> list[Field]:
    """The box for another value of a column; what cannot be typed does not stand in it to begin with."""
    start = NULL if before is None else before
    label = column if start.isprintable() else f"{column}; it has characters now that cannot be shown"
    return [Field("value", label, typed.get("value", start if start.isprintable() else ""))]


def read_place(text: str) -> tuple[float, float]:
    """Two numbers, with a comma, a semicolon or a space between. Raises `BadInput`."""
    match = _PLACE.fullmatch(text.strip())
    x, y = (float(number) for number in match.groups()) if match else (float("nan"),) * 2
    if not (isfinite(x) and isfinite(y)):
        raise BadInput("Give two numbers: 30.12345, 59.91234")
    return x, y


def check_properties(text: str) -> str | None:
    """For the box of a form that takes a JSON object or nothing."""
    try:
        json_object(text or "{}")
    except BadInput as problem:
        return problem.sentence
    return None


def _check_place(text: str) -> str | None:
    try:
        read_place(text)
    except BadInput as problem:
        return problem.sentence
    return None


def _is_given(sentence: str) -> Check:
    return lambda text: None if text else sentence
