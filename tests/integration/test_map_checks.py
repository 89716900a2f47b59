"""Checks of layers on real servers: what is wrong is found, and what was looked at is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.data.spatial.checks import Checks
from console.data.spatial.context import SpatialContext
from console.errors import ObjectMissing, QueryDenied
from console.models.layers import GeometryKind, Layer, RelationKind
from console.models.map_objects import Finding, Flaw
from tests.accounts import run_script
from tests.map_layers import layer_of
from tests.maps import gis_database, spatial_context
from tests.platform_schema import database
from tests.postgres import PostgresCluster

WHOLE = "bounds of SRID 4326 (-180, -90 to 180, 90)"


async def findings(context: SpatialContext, layer: Layer) -> dict[Flaw, Finding]:
    found = [finding async for finding in Checks(context).run(layer, layer.srid)]
    assert len({one.flaw for one in found}) == len(found)
    return {one.flaw: one for one in found}


def labels(finding: Finding) -> list[str]:
    return sorted(one.label for one in finding.examples)


async def test_what_is_wrong_with_geometry_is_found_and_told(postgis: PostgresCluster) -> None:
    script = """
    CREATE TABLE shapes (id integer PRIMARY KEY, name text, g geometry(Geometry,4326));
    INSERT INTO shapes SELECT n, 'fine ' || n, ST_SetSRID(ST_MakePoint(n, n), 4326) FROM generate_series(1, 20) AS n;
    INSERT INTO shapes (id, name, g) VALUES
    (101, 'null', NULL), (102, 'empty', 'SRID=4326;LINESTRING EMPTY'),
    (103, 'bow [tie]', 'SRID=4326;POLYGON((30 0,31 1,30 1,31 0,30 0))'),
    (104, 'inner nan', ST_SetSRID(ST_MakeLine(ARRAY[ST_MakePoint(0, 0), ST_MakePoint('NaN', 3), ST_MakePoint(1, 1)]), 4326)),
    (105, 'nan', ST_SetSRID(ST_MakePoint(1, 'NaN'), 4326)), (106, 'inf', ST_SetSRID(ST_MakePoint('Infinity', 1), 4326)),
    (107, 'east', 'SRID=4326;POINT(180.001 0)'), (108, 'edge', 'SRID=4326;POINT(-180 -90)'),
    (109, 'swapped', 'SRID=4326;LINESTRING(10 89,10 91)'), (110, 'twin', 'SRID=4326;POINT(7 7)');
    CREATE TABLE spare (id integer PRIMARY KEY, "od""d" geometry);
    INSERT INTO spare VALUES (1, 'SRID=4326;POINT(1 1)'), (2, 'POINT(1 1)'), (3, 'SRID=4326;POINT(2 2)'), (4, NULL);
    CREATE TABLE plain_points (id integer PRIMARY KEY, geo geography(Point), utm geometry(Point,32636));
    INSERT INTO plain_points VALUES (1, 'POINT(1 1)', 'SRID=32636;POINT(500000 6000000)'),
                                    (2, 'POINT(1 1)', 'SRID=32636;POINT(30 59.9)');
    CREATE VIEW seen AS SELECT name, g FROM shapes WHERE id < 10;
    CREATE TABLE empty_one (id integer PRIMARY KEY, g geometry(Point,4326));
    """
    shapes = layer_of("public.shapes.g", "id integer", "name text", shape="GEOMETRY", rows=30)
    spare = layer_of(
        'public.spare.od"d', "id integer", srid=None, shape="GEOMETRY", has_index=False, is_analysed=False
    )
    async with gis_database(postgis, script) as made, spatial_context(made) as context:
        for layer in (replace(shapes, has_index=False), shapes):  # by reading it, then by its index
            found = await findings(context, layer)
            told = {flaw: (one.count, one.is_more, labels(one)) for flaw, one in found.items()}
            assert told == {
                Flaw.NO_INDEX: (int(not layer.has_index), False, []),
                Flaw.NOT_ANALYSED: (0, False, []),
                Flaw.NULL: (1, False, ["null"]),
                Flaw.EMPTY: (1, False, ["empty"]),
                Flaw.INVALID: (1, False, ["bow [tie]"]),
                Flaw.NOT_FINITE: (3, False, ["inf", "inner nan", "nan"]),
                Flaw.OUT_OF_BOUNDS: (2, False, ["east", "swapped"]),
                Flaw.DUPLICATE: (2, False, ["fine 7", "twin"]),
            }
            await made.run("CREATE INDEX IF NOT EXISTS shapes_place ON shapes USING gist (g)")
        assert found[Flaw.OUT_OF_BOUNDS].sentence == f"Objects outside the {WHOLE}: 2 in all of the layer."
        assert found[Flaw.INVALID].sentence == (
            "Objects that are invalid: 1 of all 30. bow [tie]: Self-intersection[30.5 0.5]."
        )
        [tie] = found[Flaw.INVALID].examples
        assert (tie.x, tie.y, tie.key) == (30.5, 0.5, ("103",))
        assert {one.x for one in found[Flaw.NOT_FINITE].examples} <= {None, 1.0}

        found = await findings(context, spare)
        assert (
            found[Flaw.MIXED_SRID].sentence
            == "Objects in other SRIDs than most (SRID 4326 (2), 0 (1)): 1 of all 4."
        )
        assert [one.key for one in found[Flaw.MIXED_SRID].examples] == [("2",)]
        assert (
            found[Flaw.NO_INDEX].remedy == 'CREATE INDEX CONCURRENTLY ON public.spare USING gist ("od""d");'
        )
        assert found[Flaw.NOT_ANALYSED].remedy == 'ANALYZE public.spare ("od""d");'
        for remedy in (found[Flaw.NO_INDEX].remedy, found[Flaw.NOT_ANALYSED].remedy):
            await made.run(remedy or "")
        geography = layer_of("public.plain_points.geo", "id integer", kind=GeometryKind.GEOGRAPHY)
        found = await findings(context, geography)
        assert (found[Flaw.DUPLICATE].count, Flaw.OUT_OF_BOUNDS in found) == (2, False)
        found = await findings(context, layer_of("public.plain_points.utm", "id integer", srid=32636))
        assert [one.key for one in found[Flaw.OUT_OF_BOUNDS].examples] == [("2",)], (
            "degrees where metres belong"
        )
        view = replace(
            shapes, name=layer_of("public.seen.g").name, relation=RelationKind.VIEW, key=(), rows=None
        )
        found = await findings(context, replace(view, attributes=shapes.attributes[1:], has_index=False))
        assert found[Flaw.NULL].sentence == "Objects without geometry: none of all 9."
        assert Flaw.NO_INDEX not in found
        found = await findings(
            context, layer_of("public.empty_one.g", "id integer", rows=None, has_index=False)
        )
        assert {one.count for one in found.values() if one.flaw is not Flaw.NO_INDEX} == {0}

        await run_script(made, "CREATE SCHEMA hidden; CREATE TABLE hidden.t (g geometry)")
        hidden = layer_of("hidden.t.gone", key=())
        with pytest.raises(ObjectMissing, match="gone does not exist"):
            await findings(context, hidden)
        async with spatial_context(made, user="plain") as theirs:
            with pytest.raises(QueryDenied, match="permission denied for schema hidden"):
                await findings(theirs, hidden)


async def test_a_large_layer_is_sampled_and_its_index_asked(postgres: PostgresCluster) -> None:
    """On PostgreSQL's own points: 300,000, a tenth of them at one place, and some that are nowhere."""
    script = """
    CREATE TABLE sensors (id integer PRIMARY KEY, place point);
    INSERT INTO sensors SELECT n, CASE WHEN n % 10 = 0 THEN point(5, 5) ELSE point(n, n / 1e9) END
    FROM generate_series(1, 300000) AS n;
    UPDATE sensors SET place = NULL WHERE id IN (17, 170002);
    CREATE INDEX ON sensors USING gist (place); VACUUM ANALYZE sensors;
    """
    layer = layer_of(
        "public.sensors.place",
        "id integer",
        kind=GeometryKind.POINT,
        srid=None,
        rows=300_000,
        size=20_000_000,
    )
    async with database(postgres) as made:
        for statement in script.split(";")[:-1]:
            await made.run(statement)
        async with spatial_context(made) as context:
            found = await findings(context, layer)
            assert set(found) == {
                Flaw.NO_INDEX,
                Flaw.NOT_ANALYSED,
                Flaw.NULL,
                Flaw.NOT_FINITE,
                Flaw.DUPLICATE,
            }
            assert (found[Flaw.NULL].count, found[Flaw.NULL].is_more) == (2, False), "the index knows"
            assert found[Flaw.NOT_FINITE].count == 0
            shared = found[Flaw.DUPLICATE]
            assert 100 < shared.count < 300, (
                "a tenth of two thousand: what is a millionth away is another place"
            )
            assert {(one.x, one.y) for one in shared.examples} == {(5.0, 5.0)}
            await made.run("UPDATE sensors SET place = point('NaN', 1) WHERE id % 100 = 1")
            nan = (await findings(context, layer))[Flaw.NOT_FINITE]
            assert 500 < nan.count < 1500, "of a third of all"
            assert nan.is_more
            assert " looked at, of about 300,000. PostgreSQL's index on points misses others" in nan.sentence
