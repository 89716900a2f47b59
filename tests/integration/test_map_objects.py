"""Objects of layers asked for on real servers: by place, name and key, compared with arithmetic of our own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import hypot
from random import Random
from typing import Any

import pytest

from console.data.spatial.constraints import Constraints
from console.data.spatial.context import SpatialContext
from console.data.spatial.detail import LONGEST_GEOMETRY, Details
from console.data.spatial.objects import Objects
from console.errors import BadInput, ObjectMissing, OperationRefused, QueryTimedOut
from console.models.layers import GeometryKind, LayerFilter, RelationKind
from console.models.map_objects import Count, MapObject
from console.models.map_view import Envelope
from tests.map_layers import layer_of
from tests.maps import gis_database, metres, spatial_context
from tests.postgres import PostgresCluster

HOSTILE = "[/foo][@click=app.bell]'\"; DROP TABLE places; -- 100%_\\ \x1b]0;t\x07 $1 :x"

PLACES = ("id integer", "name text", "kind text", "properties jsonb")


def objects_of(context: SpatialContext) -> Objects:
    return Objects(context, Details(context, Constraints(context)))


def ids(found: Sequence[MapObject]) -> list[int]:
    return [int(one.key[0]) for one in found]


async def test_the_nearest_are_found_on_globe_and_plane_whatever_lies_between(
    postgis: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the antimeridian, beside the pole where degrees mislead, on planes, among several SRIDs."""
    random = Random(6)
    places = [(random.uniform(160, 200), random.uniform(40, 89.9)) for _ in range(600)]
    places = [(x - 360 if x > 180 else x, y) for x, y in places]
    rows = ", ".join(f"({number}, {x!r}, {y!r})" for number, (x, y) in enumerate(places))
    script = f"""
    CREATE TABLE p (id integer PRIMARY KEY, g geometry(Point,4326), geo geography(Point,4326), flat geometry(Point),
                    mixed geometry, world geometry(Point,3857));
    INSERT INTO p SELECT id, ST_SetSRID(ST_MakePoint(x, y), 4326), ST_MakePoint(x, y)::geography, ST_MakePoint(x, y),
                         ST_SetSRID(ST_MakePoint(x, y), CASE WHEN id % 2 = 0 THEN 4326 ELSE 0 END),
                         ST_Transform(ST_SetSRID(ST_MakePoint(x, least(y, 85)), 4326), 3857)
    FROM (VALUES {rows}) AS v (id, x, y);
    INSERT INTO p (id, g, geo, flat, mixed)
    VALUES (9001, NULL, NULL, NULL, NULL), (9002, 'SRID=4326;POINT EMPTY', 'POINT EMPTY', 'POINT EMPTY', 'POINT EMPTY');
    INSERT INTO p (id, g, flat, mixed)
    SELECT 9003 + number, ST_SetSRID(place, 4326), place, place
    FROM unnest(ARRAY[ST_MakePoint('NaN', 60), ST_MakePoint('Infinity', 60), ST_MakePoint(170, '-Infinity')])
         WITH ORDINALITY AS n (place, number);
    CREATE INDEX ON p USING gist (g); CREATE INDEX ON p USING gist (geo); CREATE INDEX ON p USING gist (flat);
    CREATE INDEX ON p USING gist (mixed); CREATE INDEX ON p USING gist (world);
    CREATE TABLE lines (id integer PRIMARY KEY, g geometry(LineString,32636));
    INSERT INTO lines SELECT n, ST_SetSRID(ST_MakeLine(ST_MakePoint(0, n * 10), ST_MakePoint(1000, n * 10)), 32636)
    FROM generate_series(1, 50) AS n;
    CREATE INDEX ON lines USING gist (g);
    CREATE TABLE many (id integer PRIMARY KEY, g geometry(Point,4326));
    INSERT INTO many SELECT n, ST_SetSRID(ST_MakePoint(n % 360 - 180, n % 181 - 90), 4326) FROM generate_series(1, 50000) AS n;
    CREATE INDEX ON many USING gist (g); ANALYZE many;
    """  # noqa: S608
    lines = layer_of("public.lines.g", "id integer", shape="LINESTRING", srid=32636)
    globe = layer_of("public.p.g", "id integer")
    geography = layer_of("public.p.geo", "id integer", kind=GeometryKind.GEOGRAPHY)
    flat = layer_of("public.p.flat", "id integer", srid=None)
    mixed = layer_of("public.p.mixed", "id integer", srid=None, shape="GEOMETRY")
    mercator = layer_of("public.p.world", "id integer", srid=3857)
    async with gis_database(postgis, script) as made, spatial_context(made) as context:
        objects = objects_of(context)
        for origin in [(179.99, 55.0), (-179.9, 70.0), (165.0, 89.0), (-20.0, 89.5), (0.0, 0.0)]:
            expected = sorted((metres(origin, place), number) for number, place in enumerate(places))[:7]
            for layer in (globe, geography):
                found = await objects.nearest(layer, 4326, *origin, limit=7)
                assert [one.distance for one in found] == pytest.approx([d for d, _ in expected], rel=0.006)
                assert len(set(ids(found))) == 7
                assert [one.distance for one in found] == sorted(one.distance or 0.0 for one in found)
            by_plane = sorted(
                (hypot(x - origin[0], y - origin[1]), number) for number, (x, y) in enumerate(places)
            )[:7]
            for layer in (flat, mixed):
                found = await objects.nearest(layer, None, *origin, limit=7)
                assert ids(found) == [number for _, number in by_plane]
                assert [one.distance for one in found] == pytest.approx([d for d, _ in by_plane])
        assert len(await objects.nearest(globe, 4326, 0, 0, limit=1000)) == 600, "only what is somewhere"
        assert len(await objects.nearest(geography, 4326, 0, 0, limit=1000)) == 600
        near = sorted(places, key=lambda place: metres(place, (170, 60)))[0]
        for layer in (globe, mercator):  # of the view's SRID, and of another
            [one] = await objects.nearest(layer, 4326, 170, 60, limit=1)
            assert (one.x, one.y) == pytest.approx(near)
        assert await objects.nearest(globe, 4326, 0, 0, limit=3, within=1.0) == ()
        few = await objects.nearest(globe, 4326, *near, limit=600, within=0.5)
        inside = [n for n, (x, y) in enumerate(places) if abs(x - near[0]) <= 0.5 and abs(y - near[1]) <= 0.5]
        assert sorted(ids(few)) == inside
        found = await objects.nearest(lines, 32636, 1200, 147, limit=3)
        assert ids(found) == [15, 14, 16]
        assert [one.distance for one in found] == pytest.approx(
            [hypot(200, 3), hypot(200, 7), hypot(200, 13)]
        )
        with pytest.raises(
            OperationRefused, match=r"CREATE INDEX CONCURRENTLY ON public\.p USING gist \(g\);$"
        ):
            await objects.nearest(replace(globe, has_index=False, size=2**30), 4326, 0, 0, limit=1)

        asked = []
        fetch = context.line.fetch

        async def recorded(statement: str, *arguments: Any, limit: float | None = None) -> Any:
            asked.append((statement, arguments))
            return await fetch(statement, *arguments, limit=limit)

        monkeypatch.setattr(context.line, "fetch", recorded)
        await objects.nearest(layer_of("public.many.g", "id integer"), 4326, 10, 50, limit=20)
        for statement, arguments in asked:
            plan = "\n".join(row[0] for row in await fetch(f"EXPLAIN {statement}", *arguments))
            assert "Seq Scan on many" not in plan, plan


async def test_objects_are_chosen_counted_and_found_as_they_are(
    postgis: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"""
    CREATE TABLE places (id integer PRIMARY KEY, name text, kind text, properties jsonb, g geometry(Geometry,4326));
    INSERT INTO places
    SELECT n, 'Door ' || n, CASE WHEN n % 10 = 0 THEN 'wall' ELSE 'door' END, jsonb_build_object('floor', n % 7),
           ST_SetSRID(ST_MakePoint(n % 100, n / 100), 4326)
    FROM generate_series(0, 999) AS n;
    INSERT INTO places VALUES (2000, $h${HOSTILE}$h$, '[red]', '{{"floor": "x"}}', 'SRID=4326;LINESTRING(50 60,60 50)'),
                              (2001, NULL, NULL, '[1]', 'SRID=4326;POLYGON((50 40,50 60,60 60,60 40,50 40))'),
                              (2002, '', 'door', '{{}}', NULL), (2003, '500', 'door', '{{}}', 'SRID=4326;POINT EMPTY');
    CREATE INDEX ON places USING gist (g); ANALYZE places;
    CREATE DOMAIN code AS text; CREATE TABLE own_type (floor code, n date, g geometry, PRIMARY KEY (floor, n));
    INSERT INTO own_type VALUES ('a', '2026-03-01', 'POINT(1 1)'), ('a', '2026-03-02', 'POINT(2 2)');
    CREATE VIEW seen AS SELECT g, name FROM places; CREATE TABLE keyless AS SELECT name, g FROM places;
    """  # noqa: S608
    layer = layer_of("public.places.g", *PLACES, shape="GEOMETRY")
    async with gis_database(postgis, script) as made, spatial_context(made) as context:
        objects = objects_of(context)
        corner = Envelope(50.5, 40.0, 54.0, 54.0)  # within the bounds of the line, which passes it by
        assert ids(await objects.inside(layer, 4326, corner, limit=10)) == [2001]
        assert await objects.count(layer, 4326, corner) == Count(1, is_exact=True)
        some = Envelope(10.0, 2.0, 19.0, 4.5)
        assert str(await objects.count(layer, 4326, some)) == "30"
        walls = await objects.inside(
            layer, 4326, some, limit=10, only=LayerFilter(equal={"kind": "wall"}), colour_by="kind"
        )
        assert sorted((one.label, one.category, one.x, one.y) for one in walls) == [
            ("Door 210", "wall", 10.0, 2.0),
            ("Door 310", "wall", 10.0, 3.0),
            ("Door 410", "wall", 10.0, 4.0),
        ]
        assert len(await objects.inside(layer, 4326, some, limit=4)) == 4
        [moved] = await objects.inside(
            layer, 3857, Envelope(5.5e6, 4.9e6, 6.6e6, 8.3e6), limit=9, only=LayerFilter(equal={"id": "2001"})
        )
        assert moved.x == pytest.approx(6122571.99, abs=0.1), "55 degrees in metres of the view"
        assert await objects.count(layer, 4326) == Count(1004, is_exact=True)
        guess = await objects.count(replace(layer, has_index=False, size=2**30), 4326, some)
        assert str(guess).startswith("about ")
        assert 3 < guess.number < 300
        with monkeypatch.context() as patched:
            fetch = context.line.fetch

            async def slow(statement: str, *arguments: Any, limit: float | None = None) -> Any:
                if "count(*)" in statement:
                    raise QueryTimedOut
                return await fetch(statement, *arguments, limit=limit)

            patched.setattr(context.line, "fetch", slow)
            assert await objects.count(layer, 4326, some) == guess

        for text, expected in [
            ("", 1004),
            ("door 99", 11),
            ("100%_", 1),
            ("kind=door floor", 0),
            ("$.floor ? (@ == 3)", 143),
            ("$.floor > 5 && $.floor < 100", 142),
            ("strict $.floor == 3", 143),
            ('kind=wall $.floor == "x"', 0),
            ("kind=[red]", 1),
            ("$.floor", 1001),
            ("$.floor + 1", 1000),
        ]:
            only = await objects.filter(layer, text)
            assert (await objects.count(layer, 4326, only=only)).number == expected, text
        with pytest.raises(
            BadInput, match=r"^\$\.floor \? \(@ >\) is no SQL/JSON path such as .* The server says: syntax"
        ):
            await objects.filter(layer, "door $.floor ? (@ >)")
        with pytest.raises(BadInput, match="has no column colour; it has id, name, kind, properties"):
            await objects.filter(layer, "colour=red")
        with pytest.raises(BadInput, match="has no column flavour"):
            await objects.inside(layer, 4326, some, limit=1, colour_by="flavour")

        assert [one.key[0] for one in await objects.find(layer, "500", 4326, limit=9)] == ["500", "2003"]
        [hostile] = await objects.find(layer, "DROP TABLE", 4326, limit=9)
        assert (hostile.label, hostile.x, hostile.y) == (HOSTILE, 55.0, 55.0)
        assert await objects.find(layer, "nowhere", 4326, limit=9) == ()
        nameless = layer_of("public.places.g", "id integer", shape="GEOMETRY")
        assert [one.label for one in await objects.find(nameless, "7", 4326, limit=9)] == ["7"]
        with pytest.raises(BadInput, match="no column with text"):
            await objects.find(nameless, "door", 4326, limit=9)
        assert await objects.values(layer, "kind", limit=2) == ("door", "wall")
        view = layer_of(
            "public.seen.g",
            "name text",
            relation=RelationKind.VIEW,
            key=(),
            shape="GEOMETRY",
            has_index=False,
        )
        assert len(await objects.values(view, "name", limit=5)) == 5
        assert len(await objects.find(view, "door 99", 4326, limit=9)) == 9
        first = (await objects.nearest(view, 4326, 3, 3, limit=1))[0]
        assert (first.label, first.key) == ("Door 303", ())
        with pytest.raises(
            OperationRefused, match=r"^The rows of public\.seen, a view, cannot be told apart"
        ):
            await objects.detail(view, first.key, 4326)
        keyless = layer_of("public.keyless.g", "name text", key=("ctid",), shape="GEOMETRY")
        [by_place] = await objects.nearest(keyless, 4326, 3, 3, limit=1)
        assert (await objects.detail(keyless, by_place.key, 4326)).label == "Door 303"

        own_type = layer_of("public.own_type.g", "floor code", "n date", key=("floor", "n"), srid=None)
        second = await objects.detail(own_type, ("a", "2026-03-02"), None)
        assert (second.label, second.geometry) == ("a, 2026-03-02", "POINT(2 2)")
        assert [one.key for one in second.neighbours] == [("a", "2026-03-01")]

        await made.run("ALTER TABLE places DROP COLUMN kind")
        for asking in [
            objects.inside(layer, 4326, some, limit=1, colour_by="kind"),
            objects.detail(layer, ("1",), 4326),
            objects.count(layer, 4326, only=LayerFilter(equal={"kind": "door"})),
        ]:
            with pytest.raises(ObjectMissing, match="kind does not exist"):
                await asking
        await made.run("DROP TABLE places CASCADE")
        with pytest.raises(ObjectMissing):
            await objects.nearest(layer, 4326, 0, 0, limit=1)


async def test_an_object_is_told_in_full_however_odd_or_large_it_is(postgis: PostgresCluster) -> None:
    script = f"""
    CREATE TABLE odd (id integer PRIMARY KEY, name text, properties jsonb, list integer[], price numeric, made timestamptz,
                      is_open boolean, other geometry, note text, g geometry);
    INSERT INTO odd (id, name, properties, list, price, made, is_open, other, note, g) VALUES
    (1, $h${HOSTILE}$h$, '{{"a": [1, {{"b": null}}]}}', '{{1,NULL}}', 1.10, '2026-03-01 03:00:00.5+00', true,
     ST_MakePoint(1, 2), repeat('x', 20000), 'SRID=4326;LINESTRING(0 0,0 1,1 1)'),
    (2, NULL, '[]', NULL, 'NaN', 'infinity', NULL, NULL, NULL, NULL),
    (3, 'empty', '1', '{{}}', NULL, '0044-03-15 00:00:00+00 BC', false, NULL, NULL, 'SRID=4326;POLYGON EMPTY'),
    (4, 'nan', NULL, NULL, NULL, NULL, NULL, NULL, NULL, ST_SetSRID(ST_MakePoint('NaN', 'Infinity'), 4326)),
    (5, 'curve', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'SRID=4326;CURVEPOLYGON(CIRCULARSTRING(0 0,4 0,4 4,0 4,0 0))'),
    (6, 'square', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'SRID=4326;POLYGON((10 0,10 1,11 1,11 0,10 0))');
    CREATE INDEX ON odd USING gist (g);
    CREATE TABLE coasts (id integer PRIMARY KEY, g geometry(Polygon,4326));
    INSERT INTO coasts SELECT 7, ST_SetSRID(ST_MakePolygon(ST_MakeLine(array_agg(ST_MakePoint(
        10 + cos(2 * pi() * (n % 500000) / 500000), 50 + sin(2 * pi() * (n % 500000) / 500000)) ORDER BY n))), 4326)
    FROM generate_series(0, 500000) AS n;
    """  # noqa: S608
    layer = layer_of(
        "public.odd.g",
        *("id integer", "name text", "properties jsonb", "list integer[]", "price numeric"),
        *("made timestamp with time zone", "is_open boolean", "other geometry", "note text"),
        shape="GEOMETRY",
    )
    async with gis_database(postgis, script) as made, spatial_context(made) as context:
        objects = objects_of(context)
        line = await objects.detail(layer, ("1",), 4326)
        assert (line.label, line.geometry) == (HOSTILE, "LINESTRING(0 0,0 1,1 1)")
        assert line.attributes["properties"] == {"a": [1, {"b": None}]}
        assert (line.attributes["list"], line.attributes["price"], line.attributes["is_open"]) == (
            [1, None],
            "1.10",
            True,
        )
        assert line.attributes["made"] == datetime(2026, 3, 1, 3, 0, 0, 500_000, tzinfo=UTC)
        assert line.attributes["note"] == "x" * 10_000 + "…"
        assert "g" not in line.attributes
        assert (line.shape, line.vertices, line.area) == (
            "LINESTRING",
            3,
            None,
        )
        assert line.length == pytest.approx(metres((0, 0), (0, 1)) + metres((0, 1), (1, 1)), rel=0.006)
        assert line.extent == Envelope(0.0, 0.0, 1.0, 1.0)
        assert [one.label for one in line.neighbours] == ["curve", "square"]
        assert line.neighbours[1].distance == pytest.approx(metres((1, 1), (10, 1)), rel=0.006)
        assert line.notes == ()

        nothing = await objects.detail(layer, ("2",), 4326)
        assert (nothing.label, nothing.geometry, nothing.extent, nothing.neighbours) == ("2", None, None, ())
        assert (nothing.attributes["made"], nothing.attributes["price"]) == ("infinity", "NaN")
        empty = await objects.detail(layer, ("3",), 4326)
        assert (empty.geometry, empty.extent, empty.attributes["list"]) == ("POLYGON EMPTY", None, [])
        assert empty.attributes["made"] == "0044-03-15 00:00:00+00 BC"
        nan = await objects.detail(layer, ("4",), 4326)
        assert (nan.geometry, nan.extent, nan.neighbours) == ("POINT(NaN Infinity)", None, ())
        curve = await objects.detail(layer, ("5",), 4326)
        assert curve.area == pytest.approx(
            metres((0, 0), (4, 0)) * metres((0, 0), (0, 4)) * 3.1416 / 2, rel=0.02
        )
        square = await objects.detail(layer, ("6",), 4326)
        assert square.area == pytest.approx(metres((10, 0), (11, 0)) * metres((10, 0), (10, 1)), rel=0.01)

        coasts = layer_of("public.coasts.g", "id integer", shape="POLYGON")
        coast = await objects.detail(coasts, ("7",), 3857)
        assert (coast.vertices, len(coast.geometry or "")) == (500_001, LONGEST_GEOMETRY + 1)
        assert coast.area is not None or coast.notes == ("It has too many vertices to measure it in time.",)
        assert coast.extent is not None
        assert coast.extent.west == pytest.approx(9 * 111319.49, rel=1e-5)
        with pytest.raises(ObjectMissing, match=r"^odd 99 is not there any more\.$"):
            await objects.detail(layer, ("99",), 4326)
