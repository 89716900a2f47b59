"""The constraints between CAD objects, and what does not hold of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg
import numpy as np

from console.data.spatial.context import SpatialContext
from console.data.spatial.dialects import dialect
from console.data.spatial.rows import finite
from console.errors import ObjectMissing, QueryDenied
from console.models.layers import Layer
from console.models.map_objects import Constraint
from console.models.map_view import Envelope
from console.units import in_figures

FAR = 1000.0
"""Objects of one constraint that are farther from each other are hardly meant: metres, or units without an SRID."""
PAGE = 100
"""Constraints that are read at once."""
MOST_OF_ONE_OBJECT = 50
"""Constraints that are told of a single object."""
MOST_MEASURED = 300
"""Objects of a constraint between which the largest distance is looked for."""
LISTED = 5
"""Objects that a sentence names."""

_COLUMNS = """
SELECT c.constraint_id, c.constraint_type, c.status, c.object_ids::text[] AS object_ids, c.parameters::text AS parameters,
       c.project_id::text AS project_id
FROM arxos_cad.constraints AS c
"""
_PROJECTS = "SELECT id::text AS id, left(name, 200) AS name FROM arxos_core.projects WHERE id = ANY ($1::text[]::uuid[])"
_DISTANCES = """
SELECT ST_Distance(ST_SetSRID(ST_MakePoint(x1, y1), $5::int)::geography, ST_SetSRID(ST_MakePoint(x2, y2), $5::int)::geography)
       AS distance
FROM unnest($1::float8[], $2::float8[], $3::float8[], $4::float8[]) WITH ORDINALITY AS pair(x1, y1, x2, y2, number)
ORDER BY number
"""


class Constraints:
    """The rows of `arxos_cad.constraints`, judged by the objects that they name."""

    def __init__(self, context: SpatialContext, far: float = FAR) -> None:
        """`far` is in metres, and in the layer's units where its SRID is not geographic."""
        self._context = context
        self._far = far

    async def page(
        self,
        layer: Layer,
        view_srid: int | None,
        *,
        after: str = "",
        status: str | None = None,
        limit: int = PAGE,
    ) -> tuple[Constraint, ...]:
        """Constraints between objects of the platform's layer by their id, those behind the id `after`.

        `status` leaves out all others. Raises `ObjectMissing` where the database has no constraints, otherwise as
        `MapLine.fetch`.
        """
        return await self._read(
            layer,
            view_srid,
            f"WHERE c.constraint_id > $1::text AND ($2::text IS NULL OR c.status = $2) "
            f"ORDER BY c.constraint_id LIMIT {limit:d}",
            after,
            status,
        )

    async def of_object(self, layer: Layer, object_id: str, view_srid: int | None) -> tuple[Constraint, ...]:
        """The constraints that mention an object, 50 at most. Raises as `page`."""
        return await self._read(
            layer,
            view_srid,
            f"WHERE c.object_ids @> ARRAY[$1::text]::varchar[] ORDER BY c.constraint_id LIMIT {MOST_OF_ONE_OBJECT}",
            object_id,
        )

    async def _read(
        self, layer: Layer, view_srid: int | None, which: str, *arguments: str | None
    ) -> tuple[Constraint, ...]:
        try:
            rows = await self._context.line.fetch(f"{_COLUMNS} {which}", *arguments)
        except ObjectMissing as problem:
            raise ObjectMissing(
                "This database has no constraints between objects, as the platform schema's arxos_cad.constraints has them."
            ) from problem
        if not rows:
            return ()
        objects = await self._objects(
            layer, view_srid, {object_id for row in rows for object_id in _ids(row)}
        )
        projects = await self._projects({row["project_id"] for row in rows if row["project_id"]})
        spans = await self._spans(layer, [_placed(_ids(row), objects) for row in rows])
        return tuple(
            self._judged(layer, row, objects, projects, span) for row, span in zip(rows, spans, strict=True)
        )

    async def _objects(
        self, layer: Layer, view_srid: int | None, object_ids: Iterable[str]
    ) -> dict[str, _Named]:
        own, seen = dialect(layer, layer.srid), dialect(layer, view_srid)
        rows = await self._context.line.fetch(
            f"SELECT o.object_id, o.project_id::text AS project_id, {own.x} AS x, {own.y} AS y, "  # noqa: S608
            f"{seen.x} AS seen_x, {seen.y} AS seen_y "
            "FROM arxos_cad.objects AS o WHERE o.object_id = ANY ($1::varchar[])",
            sorted(object_ids),
        )
        return {
            row["object_id"]: _Named(
                row["project_id"], _place(row["x"], row["y"]), _place(row["seen_x"], row["seen_y"])
            )
            for row in rows
        }

    async def _projects(self, project_ids: Iterable[str]) -> dict[str, str]:
        """Their names; none where this role may not read them."""
        try:
            rows = await self._context.line.fetch(_PROJECTS, sorted(project_ids))
        except (QueryDenied, ObjectMissing):
            return {}
        return {row["id"]: row["name"] for row in rows}

    async def _spans(self, layer: Layer, places: Sequence[list[_Place]]) -> list[float | None]:
        """The largest distance between places of each list; None for fewer than two, and for too many."""
        pairs = [_farthest(place, layer.is_geographic) for place in places]
        if not layer.is_geographic:
            return [
                None if pair is None else float(np.hypot(pair[0] - pair[2], pair[1] - pair[3]))
                for pair in pairs
            ]
        known = [pair for pair in pairs if pair is not None]
        if not known:
            return [None] * len(pairs)
        columns = [list(column) for column in zip(*known, strict=True)]
        rows = iter(await self._context.line.fetch(_DISTANCES, *columns, layer.srid))
        return [None if pair is None else finite(next(rows)["distance"]) for pair in pairs]

    def _judged(
        self,
        layer: Layer,
        row: asyncpg.Record,
        objects: dict[str, _Named],
        projects: dict[str, str],
        span: float | None,
    ) -> Constraint:
        object_ids, project_id = _ids(row), row["project_id"]
        missing = tuple(one for one in dict.fromkeys(object_ids) if one not in objects)
        foreign = tuple(
            one
            for one in dict.fromkeys(object_ids)
            if project_id and one in objects and objects[one].project_id not in (None, project_id)
        )
        problems = []
        if not object_ids:
            problems.append("It names no object.")
        if missing:
            problems.append(_sentence(missing, "does not exist", "do not exist"))
        if foreign:
            problems.append(_sentence(foreign, "belongs to another project", "belong to other projects"))
        if span is not None and span > self._far:
            apart = f"{span:,.0f} m" if layer.is_geographic else f"{in_figures(span, 6)} units"
            problems.append(f"Its objects are up to {apart} apart.")
        return Constraint(
            constraint_id=row["constraint_id"],
            constraint_type=row["constraint_type"],
            status=row["status"],
            object_ids=object_ids,
            parameters=json.loads(row["parameters"]),
            project=projects.get(project_id, project_id),
            missing=missing,
            foreign=foreign,
            extent=_extent(object_ids, objects),
            span=span,
            problems=tuple(problems),
        )


_Place: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Named:
    """What a constraint has to do with an object that it names."""

    project_id: str | None
    place: _Place | None
    """In the units of the layer."""
    seen: _Place | None
    """In the units of the view."""


def _place(x: Any, y: Any) -> _Place | None:
    x, y = finite(x), finite(y)
    return None if x is None or y is None else (x, y)


def _ids(row: asyncpg.Record) -> tuple[str, ...]:
    return tuple(object_id for object_id in row["object_ids"] if object_id is not None)


def _placed(object_ids: Iterable[str], objects: dict[str, _Named]) -> list[_Place]:
    found = (objects[object_id].place for object_id in object_ids if object_id in objects)
    return [place for place in found if place is not None]


def _extent(object_ids: Iterable[str], objects: dict[str, _Named]) -> Envelope | None:
    found = (objects[object_id].seen for object_id in object_ids if object_id in objects)
    places = [place for place in found if place is not None]
    if not places:
        return None
    xs, ys = zip(*places, strict=True)
    return Envelope(min(xs), min(ys), max(xs), max(ys))


def _farthest(places: Sequence[_Place], is_geographic: bool) -> tuple[float, float, float, float] | None:
    """The two that are farthest from each other, as x1, y1, x2, y2."""
    if not 2 <= len(places) <= MOST_MEASURED:
        return None
    points = np.array(places)
    if is_geographic:  # through the globe, as the antimeridian and the poles are no borders there
        longitude, latitude = np.radians(points).T
        points = np.stack(
            (np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)),
            axis=1,
        )
    squares = ((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2)
    one, other = np.unravel_index(squares.argmax(), squares.shape)
    return (*places[one], *places[other])


def _sentence(object_ids: Sequence[str], singular: str, plural: str) -> str:
    if len(object_ids) == 1:
        return f"{object_ids[0]} {singular}."
    more = len(object_ids) - LISTED
    named = ", ".join(object_ids[:LISTED]) + (f" and {more:,} more" if more > 0 else "")
    return f"{len(object_ids):,} objects {plural}: {named}."
