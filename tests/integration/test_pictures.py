"""Pictures of layers on real servers: what comes first, what comes last, and what is said where it cannot be better."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from console.data.spatial import pictures as pictures_module
from console.data.spatial.context import SpatialContext
from console.data.spatial.service import SpatialService
from console.errors import ObjectMissing, OperationRefused, QueryDenied, QueryFailed
from console.models.layers import GeometryKind, Layer, LayerFilter, RelationKind
from console.models.map_view import Envelope, Frame, MapView
from console.models.pictures import Picture, Source
from tests.map_layers import layer_of
from tests.maps import gis_database, spatial_context
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster

SPREAD = """
CREATE TABLE spread (id integer PRIMARY KEY, kind text, properties jsonb, g geometry(Point,4326));
INSERT INTO spread SELECT n, CASE WHEN n % 10 = 0 THEN 'wall' ELSE 'door' END, jsonb_build_object('floor', n % 7),
       ST_SetSRID(ST_MakePoint(10 + (n % 400) / 400.0, 50 + (n / 400) / 200.0), 4326) FROM generate_series(0, 79999) AS n;
CREATE INDEX ON spread USING gist (g); ANALYZE spread;
"""
WHOLE = Envelope(10, 50, 11, 51)


def spread(size: int) -> Layer:
    """80,000 points in a square degree."""
    return layer_of("public.spread.g", "id integer", "kind text", "properties jsonb", rows=80_000, size=size)


def frame_of(envelope: Envelope, srid: int | None = 4326, columns: int = 160, rows: int = 160) -> Frame:
    return MapView(0, 0, 1, srid, srid == 4326).fitted(envelope, columns, rows).frame(columns, rows)


async def all_of(service: SpatialService, layer: Layer, frame: Frame, **more: Any) -> list[Picture]:
    async with aclosing(service.pictures.of(layer, frame, **more)) as steps:
        return [picture async for picture in steps]


async def size_of(made: Database, table: str) -> int:
    return int((await made.run("SELECT pg_relation_size($1::text::regclass)", table))[0][0])


async def test_a_large_layer_comes_in_steps_and_a_small_piece_of_it_one_by_one(
    postgis: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures_module, "WORTH_A_SAMPLE", 50_000)
    async with gis_database(postgis, SPREAD) as made, spatial_context(made) as context:
        service, layer = SpatialService(context), spread(await size_of(made, "spread"))
        statistics, sample, exact = await all_of(service, layer, frame_of(WHOLE))
        assert [one.source for one in (statistics, sample, exact)] == [
            Source.STATISTICS,
            Source.SAMPLE,
            Source.EXACT,
        ]
        assert [one.is_final for one in (statistics, sample, exact)] == [False, False, True]
        assert statistics.as_of is not None
        for guess in (statistics, sample):
            assert guess.count == pytest.approx(80_000, rel=0.1)
            assert not guess.count_is_exact
            assert guess.density is not None
            # Which quarter has how much is right, whatever the order of the table.
            rows, columns = (size // 2 for size in guess.density.counts.shape)
            quarters = [
                guess.density.counts[y : y + rows, x : x + columns].sum()
                for y in (0, rows)
                for x in (0, columns)
            ]
            assert quarters == pytest.approx([20_000] * 4, rel=0.25)
        assert (exact.count, exact.count_is_exact) == (80_000, True)
        assert exact.density is not None
        assert exact.density.counts.sum() == 80_000

        near = Envelope(10.2, 50.2, 10.25, 50.25)
        last = (await all_of(service, layer, frame_of(near), colour_by="kind"))[-1]
        assert (last.source, last.is_final, last.categories) == (Source.EXACT, True, ("door", "wall"))
        assert last.points is not None
        assert last.points.category is not None
        shown = {int(key[0]): (x, y, kind) for key, x, y, kind in zip(
            last.points.keys, last.points.x, last.points.y, last.points.category, strict=True)}  # fmt: skip
        frame = frame_of(near).envelope
        wanted = await made.run(
            "SELECT id, kind FROM spread WHERE ST_X(g) BETWEEN $1 AND $2 AND ST_Y(g) BETWEEN $3 AND $4",
            frame.west, frame.east, frame.south, frame.north,
        )  # fmt: skip
        assert last.count == len(wanted)
        assert len(wanted) > 100
        assert {row["id"]: row["kind"] for row in wanted} == {
            number: last.categories[kind] for number, (_, _, kind) in shown.items()
        }

        few = LayerFilter(equal={"kind": "wall"}, json_path="$.floor ? (@ > 5)")
        [*_, filtered] = await all_of(service, layer, frame_of(WHOLE), only=few)
        [[number]] = await made.run("SELECT count(*) FROM spread WHERE id % 10 = 0 AND id % 7 = 6")
        assert (filtered.count, filtered.source) == (number, Source.EXACT)


async def test_what_was_fetched_is_not_asked_again(
    postgis: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gis_database(postgis, SPREAD) as made, spatial_context(made) as context:
        service, layer = SpatialService(context), spread(await size_of(made, "spread"))
        for around in (Envelope(10.4, 50.4, 10.45, 50.45), Envelope(10.3, 50.3, 10.6, 50.6)):
            frame = frame_of(around)
            await all_of(service, layer, frame)
            await service.pictures.fetch_around(layer, frame)
            aside = frame.view.panned(40, -16).frame(frame.columns, frame.rows)
            with monkeypatch.context() as silent:
                silent.setattr(context.line, "fetch", None)
                [picture] = await all_of(service, layer, aside)
            service.pictures.forget(layer.name)
            [*_, asked] = await all_of(service, layer, aside)
            assert picture.count == asked.count
            if picture.density is not None and asked.density is not None:
                # What lies between two dots may be in either.
                assert np.abs(picture.density.counts - asked.density.counts).sum() < 0.05 * (asked.count or 0)
        await made.run("DELETE FROM spread")
        service.pictures.forget(layer.name)
        assert (await all_of(service, layer, frame_of(WHOLE)))[-1].count == 0


async def test_odd_geometry_breaks_no_picture(postgis: PostgresCluster) -> None:
    script = """
    CREATE TABLE odd (id integer PRIMARY KEY, g geometry, p geometry(Point), geo geography(Point,4326),
                      utm geometry(Geometry,32633));
    INSERT INTO odd VALUES
    (1, 'SRID=4326;POINT(10 50)', 'POINT(10 50)', 'POINT(10 50)', 'SRID=32633;POINT(500000 5500000)'),
    (2, 'SRID=3857;POINT(20 60)', 'POINT(20 60)', 'POINT(20 60)', 'SRID=32633;LINESTRING(500000 5500000,600000 5600000)'),
    (3, NULL, NULL, NULL, NULL), (4, 'POINT EMPTY', 'POINT EMPTY', 'POINT EMPTY', 'SRID=32633;POLYGON EMPTY'),
    (6, 'LINESTRING(179 10,-179 10)', NULL, 'POINT(179.9 -10)', 'SRID=32633;CURVEPOLYGON(CIRCULARSTRING(4e5 5e6,5e5 6e6,4e5 5e6))'),
    (7, 'GEOMETRYCOLLECTION(POINT(1 1),POLYGON((0 0,0 40,40 40,40 0,0 0)))', NULL, NULL, NULL),
    (8, 'POLYGON((0 0,40 40,40 0,0 40,0 0))', NULL, NULL, NULL);
    INSERT INTO odd (id, g, p) SELECT 90 + n, place, place
    FROM unnest(ARRAY[ST_MakePoint('NaN', 5), ST_MakePoint(5, 'Infinity')]) WITH ORDINALITY AS bad (place, n);
    INSERT INTO odd (id, g) SELECT 99, ST_MakePolygon(ST_MakeLine(array_agg(ST_MakePoint(
        10 + cos(2 * pi() * (n % 500000) / 500000), 50 + sin(2 * pi() * (n % 500000) / 500000)) ORDER BY n)))
    FROM generate_series(0, 500000) AS n;
    CREATE INDEX ON odd USING gist (g); CREATE INDEX ON odd USING gist (p); CREATE INDEX ON odd USING gist (geo);
    CREATE INDEX ON odd USING gist (utm); ANALYZE odd;
    CREATE VIEW seen AS SELECT id, p FROM odd;
    CREATE TABLE same (id integer PRIMARY KEY, g geometry(Point,4326)); INSERT INTO same SELECT n, 'SRID=4326;POINT(1 2)'
    FROM generate_series(1, 60000) AS n; CREATE INDEX ON same USING gist (g); ANALYZE same;
    CREATE TABLE one (id integer PRIMARY KEY, g geometry(Point,4326)); INSERT INTO one VALUES (1, 'SRID=4326;POINT(1 2)');
    CREATE INDEX ON one USING gist (g); ANALYZE one;
    """
    world = Envelope(-180, -90, 180, 90)
    async with gis_database(postgis, script) as made, spatial_context(made) as context:
        service = SpatialService(context)
        mixed = layer_of("public.odd.g", "id integer", shape="GEOMETRY", srid=None, is_geographic=False)
        last = (await all_of(service, mixed, frame_of(world, None)))[-1]
        assert last.outlines is not None
        assert last.points is not None
        drawn = {last.outlines.keys[owner][0] for owner in last.outlines.owner} | {
            key[0] for key in last.points.keys
        }
        assert drawn >= {"1", "2", "6", "7", "8", "99"}
        assert not drawn & {"3", "4"}

        last = (await all_of(service, mixed, frame_of(Envelope(8, 48, 12, 52), None)))[-1]
        assert last.outlines is not None
        circle = last.outlines.owner == [key[0] for key in last.outlines.keys].index("99")
        assert 100 < np.diff([*last.outlines.starts, len(last.outlines.vertices)])[circle].sum() < 2000

        plain = layer_of("public.odd.p", "id integer", srid=None, is_geographic=False)
        points = (await all_of(service, plain, frame_of(world, None)))[-1].points
        assert points is not None
        assert sorted(points.keys) == [("1",), ("2",)]
        globe = layer_of("public.odd.geo", "id integer", kind=GeometryKind.GEOGRAPHY)
        for around, wanted in ((world, 3), (Envelope(5, 45, 15, 55), 1), (Envelope(170, -20, 190, 0), 1)):
            assert (await all_of(service, globe, frame_of(around)))[-1].count == wanted
        projected = layer_of(
            "public.odd.utm", "id integer", shape="GEOMETRY", srid=32633, is_geographic=False
        )
        assert (await all_of(service, projected, frame_of(world)))[-1].count == 3
        with pytest.raises(OperationRefused, match="no SRID"):
            await all_of(service, plain, frame_of(world))

        view = replace(
            plain, name=replace(plain.name, table="seen"), relation=RelationKind.VIEW, key=(), has_index=False
        )
        first, last = await all_of(service, view, frame_of(world, None))
        assert "rows of this view" in first.notes[0]
        assert (last.count, last.is_final) == (2, True)

        same = layer_of("public.same.g", "id integer", rows=60_000, size=await size_of(made, "same"))
        place = Envelope(1, 2, 1, 2)
        last = (await all_of(service, same, frame_of(place)))[-1]
        assert last.density is not None
        assert last.count == 60_000
        assert np.count_nonzero(last.density.counts) == 1
        one = layer_of("public.one.g", "id integer", rows=1)
        assert (await all_of(service, one, frame_of(place)))[-1].count == 1


async def test_what_cannot_be_asked_is_said(
    postgis: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gis_database(postgis, SPREAD) as made:
        size = await size_of(made, "spread")
        async with spatial_context(made, user="plain") as context:
            service, layer = SpatialService(context), replace(spread(size), may_read=False)
            steps = service.pictures.of(layer, frame_of(WHOLE))
            assert (await anext(steps)).source is Source.STATISTICS, (
                "which PostGIS tells without the right to read"
            )
            with pytest.raises(QueryDenied, match=r"GRANT SELECT ON public\.spread TO plain"):
                await anext(steps)
        async with spatial_context(made) as context:
            service, layer = SpatialService(context), spread(size)
            # A table that large has to be read as a whole without an index.
            bare = replace(layer, has_index=False, size=100 * 2**20)
            last = (await all_of(service, bare, frame_of(WHOLE)))[-1]
            assert (last.source, last.is_final) == (Source.SAMPLE, True)
            assert "CREATE INDEX CONCURRENTLY ON public.spread USING gist (g);" in last.notes[-1]
            monkeypatch.setattr(pictures_module, "MOST_COUNTED", 1000)
            last = (await all_of(service, layer, frame_of(WHOLE)))[-1]
            assert (last.source, last.is_final) == (Source.SAMPLE, True)
            assert "pyramid" in last.notes[-1]
            monkeypatch.undo()

            await _limited(context, 0.001)
            with pytest.raises(QueryFailed):
                await all_of(service, layer, frame_of(WHOLE))
            await _limited(context, 5.0)

            await made.run("ALTER TABLE spread DROP COLUMN g")
            with pytest.raises(ObjectMissing, match="does not exist"):
                await all_of(service, layer, frame_of(WHOLE))


async def test_who_looks_elsewhere_has_the_statement_cancelled(postgis: PostgresCluster) -> None:
    async with gis_database(postgis, SPREAD) as made, spatial_context(made) as context:
        service = SpatialService(context)
        running = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND query LIKE '%pg_sleep%' AND state = 'active' AND pid <> pg_backend_pid()"
        sleeping = asyncio.create_task(context.line.fetch("SELECT pg_sleep(60)", limit=90))
        async with asyncio.timeout(20):
            while not (await made.run(running, made.name))[0][0]:
                pass
            sleeping.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sleeping
            while (await made.run(running, made.name))[0][0]:
                pass
        assert (await all_of(service, spread(await size_of(made, "spread")), frame_of(WHOLE)))[
            -1
        ].count == 80_000


async def test_core_points_are_shown_as_well(
    postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures_module, "WORTH_A_SAMPLE", 50_000)
    async with database(postgres) as made:
        for statement in (
            "CREATE TABLE spots (id integer PRIMARY KEY, p point)",
            "INSERT INTO spots SELECT n, point(n % 300, n / 300) FROM generate_series(0, 89999) AS n",
            "INSERT INTO spots VALUES (-1, NULL), (-2, point('Infinity', 1))",
            "CREATE INDEX ON spots USING gist (p)",
            "ANALYZE spots",
        ):
            await made.run(statement)
        async with spatial_context(made) as context:
            layer = layer_of(
                "public.spots.p", "id integer", kind=GeometryKind.POINT, srid=None, is_geographic=False,
                rows=90_002, size=await size_of(made, "spots"),
            )  # fmt: skip
            service = SpatialService(context)
            sample, exact = await all_of(service, layer, frame_of(Envelope(0, 0, 300, 300), None))
            assert (sample.source, exact.source) == (Source.SAMPLE, Source.EXACT)
            assert sample.count == pytest.approx(90_000, rel=0.1)
            assert exact.count == 90_000
            [few] = await all_of(service, layer, frame_of(Envelope(10, 10, 20, 20), None))
            assert few.points is not None
            inside = few.frame.envelope
            assert inside.contains(
                Envelope(few.points.x.min(), few.points.y.min(), few.points.x.max(), few.points.y.max())
            )
            assert few.count == len(few.points.x) >= 121


async def _limited(context: SpatialContext, seconds: float) -> None:
    """Gives every statement of the map so many seconds at most."""
    fetch = type(context.line).fetch

    async def limited(statement: str, *arguments: Any, limit: float | None = None) -> Any:
        return await fetch(context.line, statement, *arguments, limit=seconds)

    context.line.fetch = limited  # type: ignore[method-assign]
