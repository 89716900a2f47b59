"""Maps of 10,000,000 points, of 100,000 lines and polygons, and of 1,000,000 points without PostGIS.

Alone: `python -m tests.bench.spatial`; `--scale 0.1` makes everything a tenth as large.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from console.data.audit import AuditFile
from console.data.spatial.context import SpatialContext
from console.data.spatial.line import MapLine
from console.data.spatial.service import SpatialService
from console.models.layers import Layer
from console.models.map_view import Envelope, MapView
from console.models.pictures import Source
from console.settings import Settings
from tests.bench.figures import Figure, table
from tests.bench.spatial_scene import (
    CORE_POINTS,
    POINTS,
    SHAPE_LAYERS,
    SHAPES,
    with_core_points,
    with_postgis,
)
from tests.bench.spatial_terminal import on_screen
from tests.bench.terminal import precise_threads
from tests.live import connected
from tests.postgres import Clusters, PostgresCluster

MOST_UNTIL_FIRST = 150.0
"""Milliseconds from opening a layer to its first picture."""
MOST_WITH_PYRAMID = 50.0
"""Milliseconds from a move to the finished picture, median."""
MOST_WITHOUT = 100.0
"""Milliseconds from a move to a picture where there is no pyramid."""
MOST_OF_SHAPES = 150.0
MOST_OF_DIRECT = 2.0
"""Per cent of the time of direct aggregation."""
COLUMNS, ROWS = 240, 144
"""Dots of a map in a terminal of 120×40."""

_SHARES = {1.0: "full extent", 0.01: "1 %", 0.0001: "0.01 %"}
_MOVES = 12
"""Views of each size, each of them moved and zoomed."""
_WORLD = Envelope(-180, -90, 180, 90)
_DIRECT = "SELECT floor({x} / $1), floor({y} / $1), count(*) FROM public.sensors GROUP BY 1, 2"


@dataclass(frozen=True, slots=True)
class _Taken:
    """One view: milliseconds to the first picture and to the last one, and what they were."""

    first: float
    last: float
    first_source: Source
    last_source: Source


def spatial(scale: float = 1.0) -> list[Figure]:
    """Milliseconds from asking the data layer, and from a key in a terminal."""
    clusters = Clusters()
    try:
        return asyncio.run(_measure(clusters, scale))
    finally:
        clusters.close()


async def _measure(clusters: Clusters, scale: float) -> list[Figure]:
    figures = []
    with tempfile.TemporaryDirectory() as home:
        async with with_postgis(clusters, scale) as cluster:
            figures += await _points(cluster, Path(home), f"{POINTS * scale:,.0f} points")
            figures += await _shapes(cluster, Path(home), f"{SHAPES * scale:,.0f}")
        async with with_core_points(clusters, scale) as cluster:
            figures += await _points(cluster, Path(home), f"{CORE_POINTS * scale:,.0f} core points")
    return figures


@asynccontextmanager
async def _maps(cluster: PostgresCluster, home: Path, database: str = "postgres") -> AsyncIterator[_Maps]:
    settings = Settings()
    async with connected(cluster.url(database=database), settings) as server:
        line = MapLine(server, settings)
        yield _Maps(SpatialService(SpatialContext(server, settings, AuditFile(home / "audit.jsonl"), line)))
        await line.close()


class _Maps:
    """The pictures of one server, and how long they take."""

    def __init__(self, service: SpatialService) -> None:
        self.service = service
        self._chance = random.Random(1)

    async def layer(self, table: str) -> Layer:
        """The layer of that table."""
        snapshot = await self.service.sample()
        return next(layer for layer in snapshot.layers if layer.name.table == table)

    async def take(self, layer: Layer, view: MapView) -> _Taken:
        """Looks at one view until there is nothing better to come."""
        self.service.pictures.forget(layer.name)
        began = time.perf_counter()
        times, sources = [], []
        async with aclosing(self.service.pictures.of(layer, view.frame(COLUMNS, ROWS))) as pictures:
            async for picture in pictures:
                times.append((time.perf_counter() - began) * 1000)
                sources.append(picture.source)
        return _Taken(times[0], times[-1], sources[0], sources[-1])

    def views(self, layer: Layer, share: float) -> Sequence[MapView]:
        """Views of that share of the world: at places chosen by chance, moved, and looked at more closely."""
        whole = MapView(0, 0, 1, layer.srid, layer.is_geographic).fitted(_WORLD, COLUMNS, ROWS)
        found = []
        for _ in range(_MOVES):
            x, y = (self._chance.uniform(-140, 140), self._chance.uniform(-70, 70)) if share < 1 else (0, 0)
            view = MapView(x, y, whole.scale * share**0.5, layer.srid, layer.is_geographic)
            found += [view, view.panned(COLUMNS / 8, 0), view.zoomed(1.25)]
        return found

    async def moves(self, layer: Layer, share: float) -> list[_Taken]:
        """Looks at all of those."""
        return [await self.take(layer, view) for view in self.views(layer, share)]

    async def direct(self, layer: Layer) -> float:
        """Milliseconds to count all points for each dot of the full extent by asking for just that."""
        column = layer.name.column
        x, y = (f"ST_X({column})", f"ST_Y({column})") if layer.srid else (f"{column}[0]", f"{column}[1]")
        statement = _DIRECT.format(x=x, y=y)
        return min([await timed(self.service.context.line.fetch(statement, 1.5, limit=60)) for _ in range(2)])


async def _points(cluster: PostgresCluster, home: Path, name: str) -> list[Figure]:
    async with _maps(cluster, home) as maps:
        layer = await maps.layer("sensors")
        figures = await _opening(maps, layer, name)
        direct = await maps.direct(layer)
        figures.append(Figure(f"{name}: direct aggregation, full extent", "ms", direct))
        for share, where in _SHARES.items():
            figures += _without(f"{name}, {where}", await maps.moves(layer, share))
        pyramids = maps.service.pyramids
        plan = await pyramids.building(layer)
        figures.append(Figure(f"{name}: building the pyramid", "s", await timed(pyramids.build(plan)) / 1000))
        state = await pyramids.state(layer)
        assert state.pyramid is not None, "it was built"
        figures.append(Figure(f"{name}: size of the pyramid", "MiB", state.pyramid.size / 2**20))
        stored = f"{name}, pyramid in the database"
        figures += await _with_pyramid(maps, layer, stored, direct)
        figures += await asyncio.to_thread(on_screen, cluster.url(), home, stored, MOST_WITH_PYRAMID)
        await pyramids.drop(await pyramids.dropping(layer))
        counting = await timed(pyramids.build_here(layer)) / 1000
        figures.append(Figure(f"{name}: counting in the console", "s", counting))
        here = f"{name}, pyramid in the console"
        figures += await _with_pyramid(maps, layer, here, direct)
    counting_first = partial(on_screen, cluster.url(), home, here, MOST_WITH_PYRAMID, counting=True)
    return [*figures, *await asyncio.to_thread(counting_first)]


async def _opening(maps: _Maps, layer: Layer, name: str) -> list[Figure]:
    """From nothing known to the first picture of everything."""
    began = time.perf_counter()
    layer = await maps.layer(layer.name.table)
    extent = await maps.service.layers.extent(layer, layer.srid)
    assert extent is not None, "there are points"
    view = MapView(0, 0, 1, layer.srid, layer.is_geographic).fitted(extent, COLUMNS, ROWS)
    found = (time.perf_counter() - began) * 1000
    taken = await maps.take(layer, view)
    return [
        Figure(
            f"{name}: opening → first picture ({taken.first_source.value})",
            "ms",
            found + taken.first,
            limit=MOST_UNTIL_FIRST,
        ),
        Figure(f"{name}: opening → final picture ({taken.last_source.value})", "ms", found + taken.last),
    ]


def _without(name: str, taken: Sequence[_Taken]) -> list[Figure]:
    first, last = [one.first for one in taken], [one.last for one in taken]
    sources = "/".join(sorted({one.last_source.value for one in taken}))
    return [
        Figure(f"{name}, no pyramid → first picture, median", "ms", statistics.median(first), limit=MOST_WITHOUT),
        Figure(f"{name}, no pyramid → first picture, 95th percentile", "ms", _p95(first)),
        Figure(f"{name}, no pyramid → final picture ({sources}), median", "ms", statistics.median(last)),
    ]  # fmt: skip


async def _with_pyramid(maps: _Maps, layer: Layer, name: str, direct: float) -> list[Figure]:
    figures = []
    for share, where in _SHARES.items():
        taken = await maps.moves(layer, share)
        last = [one.last for one in taken]
        median = statistics.median(last)
        sources = "/".join(sorted({one.last_source.value for one in taken}))
        figures += [
            Figure(f"{name}, {where} ({sources}), median", "ms", median, limit=MOST_WITH_PYRAMID),
            Figure(f"{name}, {where}, 95th percentile", "ms", _p95(last)),
        ]
        if share == 1:
            figures.append(Figure(f"{name}, {where}: share of direct", "%", 100 * median / direct, limit=MOST_OF_DIRECT))  # fmt: skip
    return figures


async def _shapes(cluster: PostgresCluster, home: Path, number: str) -> list[Figure]:
    figures = []
    for what in SHAPE_LAYERS:
        async with _maps(cluster, home, what) as maps:
            layer = await maps.layer("shapes")
            for share, where in _SHARES.items():
                taken = await maps.moves(layer, share)
                first, last = [one.first for one in taken], [one.last for one in taken]
                name = f"{number} {what}, {where}"
                figures += [
                    Figure(f"{name} → first picture, median", "ms", statistics.median(first), limit=MOST_OF_SHAPES),
                    Figure(f"{name} → final picture, median", "ms", statistics.median(last), limit=MOST_OF_SHAPES),
                ]  # fmt: skip
        url = cluster.url(database=what)
        figures += await asyncio.to_thread(on_screen, url, home, f"{number} {what}", MOST_OF_SHAPES)
    return figures


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1) + 0.5)]


async def timed(work: Awaitable[object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    await work
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Measures, and prints the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.spatial", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="0.1 is a tenth of everything")
    print(table(spatial(parser.parse_args().scale)))


if __name__ == "__main__":
    precise_threads()
    main()
