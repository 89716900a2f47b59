"""A map from memory, as it is at three in the morning."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import hypot
from typing import Any

import numpy as np

from console.errors import BadInput, DbconsoleError
from console.models.health import Vitals
from console.models.layers import (
    EVERYTHING,
    Attribute,
    GeometryKind,
    Layer,
    LayerFilter,
    LayerName,
    SpatialSnapshot,
)
from console.models.map_objects import (
    Constraint,
    Count,
    Finding,
    Flaw,
    MapObject,
    Measure,
    ObjectDetail,
    ObjectKey,
)
from console.models.map_view import Envelope, Frame, MapView
from console.models.operation import Danger, Operation
from console.models.pictures import Density, Outlines, Picture, Points, Source
from console.models.pyramids import Pyramid, PyramidPlace, PyramidPlan, PyramidProgress, PyramidState
from tests.fake_map_edits import CAD_LAYER, HOSTILE, FakeEdits
from tests.fake_map_files import FakeExports, FakeImports

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
ANALYSED = NOW - timedelta(days=2)
TYPES = ("door", "wall", "sensor")

CAD = replace(
    CAD_LAYER,
    rows=213,
    attributes=(
        Attribute("object_id", "character varying(255)"),
        Attribute("object_type", "character varying(100)"),
        Attribute("name", "character varying(255)"),
        Attribute("properties", "jsonb"),
    ),
)
ROOMS = replace(
    CAD,
    name=LayerName("public", "rooms", "geom"),
    shape="POLYGON",
    srid=25832,
    is_geographic=False,
    rows=24,
    attributes=(Attribute("name", "text"),),
)
SPOTS = replace(
    CAD,
    name=LayerName("public", "spots", "place"),
    kind=GeometryKind.POINT,
    srid=None,
    is_geographic=False,
    rows=None,
    attributes=(),
)
DENIED = replace(ROOMS, name=LayerName("secret", "bunkers", "geom"), may_read=False, rows=7)
NOTES = ("public.spots has no index on place: CREATE INDEX CONCURRENTLY ON public.spots USING gist (place);",)


def spatial_snapshot(vitals: Vitals | None = None) -> SpatialSnapshot:
    """Four layers: of points, of polygons in another SRID, without one, and one that may not be read."""
    return SpatialSnapshot(NOW, (CAD, ROOMS, SPOTS, DENIED), "3.3.2", "public", NOTES, vitals)


def _objects() -> tuple[MapObject, ...]:
    return tuple(
        MapObject(
            CAD.name,
            (str(number),),
            HOSTILE if number == 3 else f"{TYPES[number % 3].title()} {number}",
            TYPES[number % 3],
            10.70 + 0.1 * (number * 37 % 101) / 101,
            59.90 + 0.04 * (number * 59 % 97) / 97,
        )
        for number in range(213)
    )


class FakeMapLine:
    """No connection."""

    async def close(self) -> None:
        pass


class FakeLayers:
    """Knows where the layers are."""

    async def extent(self, layer: Layer, srid: int | None) -> Envelope | None:
        return None if layer == SPOTS else Envelope(10.70, 59.90, 10.80, 59.94)


class FakePictures:
    """A density at once, and the objects a step later, unless they are `held`."""

    def __init__(self, objects: Sequence[MapObject]) -> None:
        self._objects = objects
        self.asked: list[tuple[Layer, Frame, LayerFilter, str | None]] = []
        self.finished: list[Frame] = []
        self.forgotten: list[LayerName] = []
        self.held: asyncio.Event | None = None
        """Exact pictures come when this is set."""
        self.problem: DbconsoleError | None = None
        """Comes in place of exact pictures."""

    async def of(
        self, layer: Layer, frame: Frame, *, only: LayerFilter = EVERYTHING, colour_by: str | None = None
    ) -> AsyncIterator[Picture]:
        self.asked.append((layer, frame, only, colour_by))
        shown = [one for one in self._objects if only.words.casefold() in one.label.casefold()]
        x, y = (np.array([getattr(one, axis) for one in shown], np.float64) for axis in "xy")
        inside = frame.envelope
        seen = (x >= inside.west) & (x <= inside.east) & (y >= inside.south) & (y <= inside.north)
        rows, columns = max(1, frame.rows // 8), max(1, frame.columns // 8)
        places = [np.array(frame.dot(a, b)) for a, b in zip(x[seen], y[seen], strict=True)]
        counts = np.zeros((rows, columns), np.float32)
        for across, down in places:
            counts[min(rows - 1, int(down // 8)), min(columns - 1, int(across // 8))] += 1
        first = Picture(
            layer.name, frame, Source.STATISTICS, 210, False, False,
            density=Density(counts), as_of=ANALYSED,
        )  # fmt: skip
        yield first
        if self.held is not None:
            await self.held.wait()
        if self.problem is not None:
            raise self.problem
        exact = replace(first, source=Source.EXACT, is_final=True, as_of=None, density=None)
        if layer == ROOMS:
            yield replace(exact, count=24, count_is_exact=True, outlines=_rooms())
        else:
            category = np.array([TYPES.index(one.category or "") for one in shown], np.int8)[seen]
            points = Points(x[seen], y[seen], category=category if colour_by else None)
            categories = TYPES if colour_by else ()
            number = int(seen.sum())
            yield replace(exact, count=number, count_is_exact=True, points=points, categories=categories)
        self.finished.append(frame)

    async def fetch_around(self, layer: Layer, frame: Frame, **_: Any) -> None:
        pass

    def forget(self, name: LayerName) -> None:
        self.forgotten.append(name)


def _rooms() -> Outlines:
    """A row of rectangles."""
    corners = [
        (10.71 + number * 0.015 + dx, 59.905 + dy)
        for number in range(5)
        for dx, dy in ((0, 0), (0.01, 0), (0.01, 0.012), (0, 0.012), (0, 0))
    ]
    return Outlines(np.array(corners, np.float64), np.arange(0, 25, 5), np.arange(5))


class FakeObjects:
    """The objects of the first layer, whichever is asked for."""

    def __init__(self, objects: Sequence[MapObject]) -> None:
        self._objects = objects
        self.asked: list[str] = []

    async def nearest(
        self, layer: Layer, view_srid: int | None, x: float, y: float, *, limit: int,
        within: float | None = None, only: LayerFilter = EVERYTHING, colour_by: str | None = None,
    ) -> Sequence[MapObject]:  # fmt: skip
        def away(one: MapObject) -> float:
            assert one.x is not None
            assert one.y is not None
            return hypot(one.x - x, one.y - y)

        found = [one for one in sorted(self._objects, key=away) if within is None or away(one) <= within]
        return [replace(one, distance=away(one) * 60_000) for one in found[:limit]]

    async def inside(
        self, layer: Layer, view_srid: int | None, envelope: Envelope, *, limit: int, only: LayerFilter = EVERYTHING
    ) -> Sequence[MapObject]:  # fmt: skip
        def is_in(one: MapObject) -> bool:
            assert one.x is not None
            assert one.y is not None
            return envelope.contains(Envelope(one.x, one.y, one.x, one.y))

        return [one for one in self._objects if is_in(one)][:limit]

    async def detail(self, layer: Layer, key: ObjectKey, view_srid: int | None) -> ObjectDetail:
        one = next(one for one in self._objects if one.key == key)
        near = await self.nearest(layer, view_srid, one.x or 0, one.y or 0, limit=6)
        return ObjectDetail(
            layer=layer.name,
            key=key,
            label=one.label,
            attributes={
                "id": key[0],
                "object_id": f"O-{key[0]}",
                "object_type": one.category,
                "name": one.label,
                "properties": {"floor": 12, "fire": {"class": "EI 30", "doors": ["a", HOSTILE]}, "empty": {}},
                "created_at": NOW - timedelta(days=3),
            },
            geometry=f"POINT({one.x} {one.y})",
            shape="POINT",
            vertices=1,
            length=None,
            area=None,
            extent=Envelope(one.x or 0, one.y or 0, one.x or 0, one.y or 0),
            project="Tower B",
            constraints=(_constraint(1),),
            neighbours=tuple(near[1:]),
        )

    async def filter(self, layer: Layer, text: str) -> LayerFilter:
        if text.startswith("$"):
            raise BadInput(f"{text} is no SQL/JSON path.")
        return LayerFilter(words=text)

    async def count(
        self, layer: Layer, view_srid: int | None, envelope: Envelope, only: LayerFilter = EVERYTHING
    ) -> Count:
        return Count(len(await self.inside(layer, view_srid, envelope, limit=1000)), True)

    async def find(self, layer: Layer, words: str, view_srid: int | None, limit: int) -> Sequence[MapObject]:
        self.asked.append(words)
        return [one for one in self._objects if words.casefold() in one.label.casefold()][:limit]


def _constraint(number: int) -> Constraint:
    problems = ("The objects O-7777 do not exist.",) if number == 2 else ()
    return Constraint(
        constraint_id=f"C-{number}",
        constraint_type="distance",
        status="active",
        object_ids=("Door 3", "Wall 4"),
        parameters={"min": 0.9, "unit": "m"},
        project="Tower B",
        missing=("O-7777",) if problems else (),
        foreign=(),
        extent=Envelope(10.72, 59.91, 10.73, 59.92),
        span=812.5,
        problems=problems,
    )


class FakeConstraints:
    """Two of them, one of which does not hold."""

    async def page(self, layer: Layer, view_srid: int | None, *, limit: int) -> Sequence[Constraint]:
        return [_constraint(1), _constraint(2)]


class FakeChecks:
    """Finds something twice."""

    def __init__(self, objects: Sequence[MapObject]) -> None:
        self._objects = objects

    async def run(self, layer: Layer, view_srid: int | None) -> AsyncIterator[Finding]:
        yield Finding(Flaw.NULL, 0, False, "Every object has a geometry.")
        yield Finding(Flaw.DUPLICATE, 12, True, "12 places and more have several.", tuple(self._objects[:3]))
        yield Finding(
            Flaw.NO_INDEX, 1, False, "No index answers what is within an envelope.",
            remedy="CREATE INDEX CONCURRENTLY ON arxos_cad.objects USING gist (geometry)",
        )  # fmt: skip


class FakeMeasuring:
    """Measures on the plane, and calls it metres."""

    async def measure(self, places: Sequence[tuple[float, float]], view: MapView) -> Measure:
        steps = pairwise(places)
        away = sum(hypot(b[0] - a[0], b[1] - a[1]) for a, b in steps) * 60_000
        return Measure(away, 123_456.0 if len(places) > 2 else None, is_geodesic=True)


class FakePyramids:
    """Builds what it is told, as far as it is let."""

    def __init__(self) -> None:
        self.pyramid: Pyramid | None = None
        self.held: asyncio.Event | None = None
        """A pyramid that is being built is ready when this is set."""

    async def state(self, layer: Layer) -> PyramidState:
        return PyramidState(self.pyramid, None)

    async def building(self, layer: Layer) -> PyramidPlan:
        operation = Operation(
            title=f"Build the density pyramid of {layer.name}",
            action="Build",
            object_name="objects",
            statements=("CREATE SCHEMA dbconsole;",),
            consequences=("The whole table is read once.",),
            danger=Danger.NOTICEABLE,
        )
        return PyramidPlan(layer, operation, "tiles_1")

    async def build(self, plan: PyramidPlan, tell: Callable[[PyramidProgress], None]) -> str:
        return await self._built(plan.layer, PyramidPlace.DATABASE, tell)

    async def build_here(self, layer: Layer, tell: Callable[[PyramidProgress], None]) -> str:
        return await self._built(layer, PyramidPlace.HERE, tell)

    async def _built(self, layer: Layer, place: PyramidPlace, tell: Callable[[PyramidProgress], None]) -> str:
        tell(PyramidProgress(0.4, "reading the table"))
        if self.held is not None:
            await self.held.wait()
        self.pyramid = Pyramid(layer.name, place, NOW, 213, 0, None, 6, 488 * 1024, 17)
        return f"The pyramid of {layer.name} is built."


class FakeSpatial:
    """The service Spatial without a server."""

    def __init__(self) -> None:
        objects = _objects()
        self.edits = FakeEdits()
        self.exports = FakeExports()
        self.imports = FakeImports()
        self.layers = FakeLayers()
        self.pictures = FakePictures(objects)
        self.objects = FakeObjects(objects)
        self.constraints = FakeConstraints()
        self.checks = FakeChecks(objects)
        self.measuring = FakeMeasuring()
        self.pyramids = FakePyramids()
