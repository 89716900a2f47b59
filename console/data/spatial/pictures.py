"""Pictures of layers, each better than the one before, until there is no better one that costs what a picture may cost.

What a pyramid knows is shown at once and is enough. Without one the planner's statistics come first, then some of the
rows, then the count of all in each dot, or the objects themselves where they are few.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

from console.data.identifiers import quoted
from console.data.spatial.context import SpatialContext
from console.data.spatial.layers import Layers
from console.data.spatial.objects import Objects
from console.data.spatial.picture_shelf import PictureShelf
from console.data.spatial.picture_steps import MOST_CATEGORIES, MOST_LOOKED_AT, PictureSteps
from console.data.spatial.pyramids import Pyramids
from console.data.spatial.rows import STORED, index_statement, is_scanned
from console.errors import ObjectMissing, QueryDenied, QueryFailed, QueryTimedOut
from console.models.layers import EVERYTHING, GeometryKind, Layer, LayerFilter, LayerName
from console.models.map_view import Envelope, Frame
from console.models.pictures import Density, Picture, Source

MOST_OBJECTS = 5_000
"""So many are shown one by one; more would be a cloud of dots anyway."""
FIRST_SAMPLE, LARGER_SAMPLE = 15_000, 150_000
"""Rows of a sample: what some 30 ms and 300 ms are enough for."""
WORTH_A_SAMPLE = 120_000
"""Objects in a frame from which on counting them all takes so long that a sample comes first."""
MOST_COUNTED = 2_000_000
"""Objects in a frame that are counted without being asked to: up to five seconds."""


class Pictures:
    """Pictures of one database's layers."""

    def __init__(self, context: SpatialContext, layers: Layers, objects: Objects, pyramids: Pyramids) -> None:
        self._context = context
        self._layers = layers
        self._objects = objects
        self._pyramids = pyramids
        self._shelf = PictureShelf(context.clock)
        self._categories: dict[tuple[LayerName, str], tuple[str, ...]] = {}
        self._extents: dict[tuple[LayerName, int | None], Envelope | None] = {}

    async def of(
        self, layer: Layer, frame: Frame, *, only: LayerFilter = EVERYTHING, colour_by: str | None = None
    ) -> AsyncGenerator[Picture, None]:
        """Pictures of a layer in a frame, each better than the one before; the last one `is_final`.

        Whoever stops listening, or is cancelled, has the statement under way cancelled on the server.
        Raises `QueryDenied` with the GRANT that is missing, `BadInput` for a filter or a column that there is none for,
        `OperationRefused` where layer and view cannot be brought together, and as `MapLine.fetch`.
        """
        key = (layer.name, only, colour_by)
        if (kept := self._shelf.find(key, frame)) is not None:
            yield kept
            return
        steps = await self._steps(layer, frame, only, colour_by)
        best: Picture | None = None
        try:
            async for picture in self._all(layer, frame, only, steps):
                best = picture
                yield picture
        except QueryTimedOut as problem:
            if best is None:
                raise
            yield replace(
                best, is_final=True, notes=(*best.notes, f"There is no better picture: {problem.sentence}")
            )
        else:
            if best is not None and best.source is Source.EXACT:
                self._shelf.put(key, best)

    async def fetch_around(
        self, layer: Layer, frame: Frame, *, only: LayerFilter = EVERYTHING, colour_by: str | None = None
    ) -> None:
        """Fetches one ring of surroundings, half a frame on each side, so that moving there asks for nothing.

        Raises as `of`. Where that would cost more than the frame itself was worth, nothing is fetched.
        """
        key = (layer.name, only, colour_by)
        around = frame.view.frame(frame.columns * 2, frame.rows * 2)
        if self._shelf.find(key, around) is not None:
            return
        if only.is_empty and await self._pyramids.fetch(layer, around):
            return
        shown = self._shelf.find(key, frame)
        if shown is None or shown.count is None:
            return
        steps = await self._steps(layer, around, only, colour_by)
        if shown.density is not None:
            if shown.count <= WORTH_A_SAMPLE:
                density, count = await steps.counts()
                self._shelf.put(key, Picture(layer.name, around, Source.EXACT, count, True, True, density))
        elif (wider := await self._one_by_one(layer, around, steps, MOST_OBJECTS * 4)) is not None:
            self._shelf.put(key, wider)

    def forget(self, name: LayerName) -> None:
        """The layer is not as it was."""
        self._shelf.forget(name)
        self._extents = {key: extent for key, extent in self._extents.items() if key[0] != name}

    async def _steps(
        self, layer: Layer, frame: Frame, only: LayerFilter, colour_by: str | None
    ) -> PictureSteps:
        categories: tuple[str, ...] = ()
        if colour_by:
            if (layer.name, colour_by) not in self._categories:
                found = await self._objects.values(layer, colour_by, limit=MOST_CATEGORIES)
                self._categories[layer.name, colour_by] = found
            categories = self._categories[layer.name, colour_by]
        extent = None
        # A frame of half the world has no corners in many a projection: what is asked for is where the layer is.
        if layer.kind is not GeometryKind.POINT and frame.view.srid not in (None, layer.srid):
            extent = await self._extent(layer, frame.view.srid)
        return PictureSteps(
            self._context.line, layer, frame, only, colour_by=colour_by, categories=categories, extent=extent
        )

    async def _extent(self, layer: Layer, srid: int | None) -> Envelope | None:
        key = (layer.name, srid)
        if key not in self._extents:
            found = await self._layers.extent(layer, srid)
            self._extents[key] = found.grown(0.5) if found is not None else None
        return self._extents[key]

    # From the roughest to the truth -----------------------------------------------------------------------------

    async def _all(
        self, layer: Layer, frame: Frame, only: LayerFilter, steps: PictureSteps
    ) -> AsyncGenerator[Picture, None]:
        known = await self._pyramids.density(layer, frame) if only.is_empty else None
        if known is not None:
            is_enough = known.count > MOST_OBJECTS and (known.is_sharp or known.count > MOST_COUNTED)
            is_final = is_enough or is_scanned(layer) or layer.relation not in STORED
            yield Picture(
                layer.name, frame, Source.PYRAMID, known.count, False, is_final,
                density=Density(known.counts), as_of=known.as_of,
            )  # fmt: skip
            if is_final:
                return
            expected: int | None = known.count
        else:
            if only.is_empty and (guess := await self._guessed(layer, frame, steps)) is not None:
                yield guess
            _check_readable(layer, self._context)
            expected = await steps.estimate()
        if is_scanned(layer):
            yield await self._without_index(layer, frame, steps)
            return
        if layer.relation not in STORED:
            async for picture in self._of_a_view(layer, frame, steps):
                yield picture
            return
        if expected is not None:
            may_be_few = expected <= 4 * MOST_OBJECTS
        else:  # with a filter there is no quicker way to know than to look
            may_be_few = not only.is_empty or await steps.are_at_most(MOST_OBJECTS)
        if may_be_few and (exact := await self._one_by_one(layer, frame, steps, MOST_OBJECTS)) is not None:
            yield exact
            return
        async for picture in self._counted(layer, frame, steps, expected, is_first=known is None):
            yield picture

    async def _guessed(self, layer: Layer, frame: Frame, steps: PictureSteps) -> Picture | None:
        try:
            found = await steps.statistics()
        except (ObjectMissing, QueryDenied, QueryFailed):
            return None  # it is PostGIS's own, and may be another one in another version
        if found is None:
            return None
        density, count, at = found
        return Picture(layer.name, frame, Source.STATISTICS, count, False, False, density=density, as_of=at)

    async def _one_by_one(self, layer: Layer, frame: Frame, steps: PictureSteps, most: int) -> Picture | None:
        found = await steps.objects(most)
        if found is None:
            return None
        points, outlines, categories, count = found
        return Picture(
            layer.name, frame, Source.EXACT, count, True, True,
            points=points, outlines=outlines, categories=categories,
        )  # fmt: skip

    async def _counted(
        self, layer: Layer, frame: Frame, steps: PictureSteps, expected: int | None, *, is_first: bool
    ) -> AsyncGenerator[Picture, None]:
        """The count of all in each dot, after a sample where nothing is shown yet; where that would take too long, a larger one."""
        is_long = (layer.rows or 0) > WORTH_A_SAMPLE and (expected is None or expected > WORTH_A_SAMPLE)
        if is_long and is_first:
            sample = await self._sampled(layer, frame, steps, FIRST_SAMPLE)
            yield sample
            expected = expected if expected is not None else sample.count
        if expected is not None and expected > MOST_COUNTED:
            best = await self._sampled(layer, frame, steps, LARGER_SAMPLE)
            note = "There are too many to count them all each time; a pyramid counts them once."
            yield replace(best, is_final=True, notes=(*best.notes, note))
            return
        density, count = await steps.counts()
        yield Picture(layer.name, frame, Source.EXACT, count, True, True, density=density)

    async def _sampled(self, layer: Layer, frame: Frame, steps: PictureSteps, wanted: int) -> Picture:
        density, count, rows = await steps.sample(wanted)
        note = f"It is taken from {rows:,} rows in the frame."
        known = count if layer.rows is not None else None
        return Picture(layer.name, frame, Source.SAMPLE, known, False, False, density=density, notes=(note,))

    async def _without_index(self, layer: Layer, frame: Frame, steps: PictureSteps) -> Picture:
        best = await self._sampled(layer, frame, steps, LARGER_SAMPLE)
        note = f"Without an index nothing more exact is asked; this makes one: {index_statement(layer)};"
        return replace(best, is_final=True, notes=(*best.notes, note))

    async def _of_a_view(
        self, layer: Layer, frame: Frame, steps: PictureSteps
    ) -> AsyncGenerator[Picture, None]:
        """Of a view or a foreign table nobody knows what it costs: the server's time limit is what holds."""
        note = f"Only the first {MOST_LOOKED_AT:,} rows of this {layer.relation.value} are looked at."
        density, _ = await steps.counts(most=MOST_LOOKED_AT)
        first = Picture(layer.name, frame, Source.SAMPLE, None, False, False, density=density, notes=(note,))
        yield first
        exact = await self._one_by_one(layer, frame, steps, MOST_OBJECTS)
        yield exact if exact is not None else replace(first, is_final=True)


def _check_readable(layer: Layer, context: SpatialContext) -> None:
    """Raises `QueryDenied` where the role may not read the layer's table."""
    if layer.may_read:
        return
    server = context.server
    role = server.capabilities.role if server.capabilities is not None else server.target.user
    name = layer.name
    raise QueryDenied(
        f"{role} may not read {name.schema}.{name.table}: "
        f"GRANT SELECT ON {quoted(name.schema)}.{quoted(name.table)} TO {quoted(role)};"
    )
