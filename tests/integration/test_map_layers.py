"""Layers of real databases: which there are, what is known of them, what would help them, and where they are."""

from __future__ import annotations

import pytest

from console.data.spatial.layers import KEPT_SECONDS, Layers
from console.errors import OperationRefused, QueryDenied
from console.models.layers import Attribute, GeometryKind, Layer, RelationKind, SpatialSnapshot
from console.models.map_view import Envelope
from tests.accounts import run_script
from tests.live import SteppedClock
from tests.maps import spatial_context
from tests.platform_schema import database
from tests.postgres import PostgresCluster

HOSTILE = "[/foo] Pl\"ace's; -- $1"
QUOTED = HOSTILE.replace('"', '""')

MANY_KINDS = f"""
CREATE SCHEMA "Gi s"; CREATE EXTENSION postgis SCHEMA "Gi s"; SET search_path = public, "Gi s";
CREATE TABLE points (id integer, part text, g geometry(Point,4326), PRIMARY KEY (part, id));
INSERT INTO points SELECT n, 'a', ST_SetSRID(ST_MakePoint(10 + n % 100 / 100.0, 60 + n / 10000.0), 4326) FROM generate_series(0, 9999) AS n;
CREATE INDEX ON points USING gist (g); ANALYZE points;
CREATE TABLE "{QUOTED}" ("ge om" geometry(MultiPolygonZ,25832), name text);
INSERT INTO "{QUOTED}" SELECT ST_SetSRID(ST_Multi(ST_Force3D(ST_MakeEnvelope(500000, 6600000, 500100, 6600100))), 25832);
ANALYZE "{QUOTED}";
CREATE INDEX ON "{QUOTED}" USING gist ("ge om") WHERE name IS NULL;
CREATE TABLE globe (id integer PRIMARY KEY, g geography(LineString));
INSERT INTO globe VALUES (1, 'LINESTRING(5 60, 6 61)'), (2, 'LINESTRING EMPTY'), (3, NULL);
CREATE TABLE checked (id integer PRIMARY KEY, g geometry);
ALTER TABLE checked ADD CHECK (st_srid(g) = 25832), ADD CHECK (geometrytype(g) = 'POLYGON'::text OR g IS NULL);
CREATE TABLE mixed (id integer PRIMARY KEY, g geometry);
INSERT INTO mixed VALUES (1, 'SRID=4326;POINT(1 2)'), (2, 'POINT(3 4)'), (3, ST_MakePoint('NaN', 4)), (4, ST_MakePoint('Infinity', 4));
ANALYZE mixed;
CREATE TABLE parts (id integer PRIMARY KEY, g geometry(Point,3857)) PARTITION BY RANGE (id);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (5); CREATE TABLE parts_high PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT n, ST_SetSRID(ST_MakePoint(n * 1000, 0), 3857) FROM generate_series(1, 9) AS n;
CREATE INDEX ON parts USING gist (g); ANALYZE parts;
CREATE TABLE loose (g geometry(Point,4326)) PARTITION BY HASH (g); CREATE TABLE nobody (id integer PRIMARY KEY, g point);
CREATE VIEW seen AS SELECT id, g FROM points WHERE id < 100;
CREATE MATERIALIZED VIEW kept AS SELECT id, g FROM points WHERE id >= 5000;
CREATE TABLE poles (id integer PRIMARY KEY, g geometry(Point,4326));
INSERT INTO poles VALUES (1, 'SRID=4326;POINT(0 90)'), (2, 'SRID=4326;POINT(20 0)');
CREATE SCHEMA "Secret"; CREATE TABLE "Secret".bunkers (id integer PRIMARY KEY, g geometry(Point,4326));
CREATE TABLE dropped (id integer PRIMARY KEY, g geometry(Point)); ALTER TABLE dropped DROP COLUMN g;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO plain; GRANT SELECT ON "Gi s".spatial_ref_sys TO plain;
REVOKE SELECT ON nobody FROM plain; GRANT SELECT (id) ON nobody TO plain; GRANT USAGE ON SCHEMA "Gi s" TO plain;
"""  # noqa: S608


def named(snapshot: SpatialSnapshot) -> dict[str, Layer]:
    return {layer.name.table: layer for layer in snapshot.layers}


def around(envelope: Envelope | None) -> tuple[float, ...]:
    assert envelope is not None
    return (envelope.west, envelope.south, envelope.east, envelope.north)


async def test_every_kind_of_layer_is_found_and_where_it_is(postgis: PostgresCluster) -> None:
    async with database(postgis) as made:
        await run_script(made, MANY_KINDS)
        async with spatial_context(made) as context:
            layers = Layers(context)
            snapshot = await layers.sample()
            found = named(snapshot)
            assert (snapshot.postgis_schema, (snapshot.postgis or "")[:2]) == ("Gi s", "3.")
            assert sorted(found) == sorted(
                [HOSTILE, "bunkers", "checked", "globe", "kept", "loose", "mixed", "nobody", "parts", "points", "poles", "seen"]
            )  # fmt: skip
            assert {
                name: (one.kind.value, one.shape, one.srid, one.is_geographic, one.relation, one.key)
                for name, one in found.items()
            } == {
                HOSTILE: ("geometry", "MULTIPOLYGON", 25832, False, RelationKind.TABLE, ("ctid",)),
                "bunkers": ("geometry", "POINT", 4326, True, RelationKind.TABLE, ("id",)),
                "checked": ("geometry", "POLYGON", 25832, False, RelationKind.TABLE, ("id",)),
                "globe": ("geography", "LINESTRING", 4326, True, RelationKind.TABLE, ("id",)),
                "kept": ("geometry", "POINT", 4326, True, RelationKind.MATERIALIZED_VIEW, ("ctid",)),
                "loose": ("geometry", "POINT", 4326, True, RelationKind.PARTITIONED, ()),
                "mixed": ("geometry", "GEOMETRY", None, False, RelationKind.TABLE, ("id",)),
                "nobody": ("point", "POINT", None, False, RelationKind.TABLE, ("id",)),
                "parts": ("geometry", "POINT", 3857, False, RelationKind.PARTITIONED, ("id",)),
                "points": ("geometry", "POINT", 4326, True, RelationKind.TABLE, ("part", "id")),
                "poles": ("geometry", "POINT", 4326, True, RelationKind.TABLE, ("id",)),
                "seen": ("geometry", "POINT", 4326, True, RelationKind.VIEW, ()),
            }
            assert {name for name, one in found.items() if one.has_index} == {"points", "parts"}, (
                "a partial index is none"
            )
            assert {name for name, one in found.items() if one.is_analysed} == {HOSTILE, "points", "parts", "mixed"}  # fmt: skip
            assert (found["points"].rows, found["parts"].rows, found["seen"].rows) == (10_000, 9, None)
            assert found["parts"].size == 2 * 8192
            assert found["points"].attributes == (Attribute("id", "integer"), Attribute("part", "text"))
            # Where they are: by statistics, by rows, in the SRID of a view.
            for name in ("points", "seen", "kept"):
                west, south, east, north = around(await layers.extent(found[name], 4326))
                assert (west, east) == pytest.approx((10, 10.99), abs=0.03), name
                assert 59.9 < south < north < 61.1, name
            assert around(await layers.extent(found[HOSTILE], 25832)) == pytest.approx(
                (499_998, 6_599_998, 500_102, 6_600_102), abs=1
            )
            [truth] = await context.line.fetch(
                "SELECT ST_XMin(g), ST_YMin(g), ST_XMax(g), ST_YMax(g) "  # noqa: S608
                f'FROM (SELECT ST_Transform("ge om", 4326) AS g FROM public."{QUOTED}") AS seen'
            )
            assert around(await layers.extent(found[HOSTILE], 4326)) == pytest.approx(tuple(truth), abs=1e-4)
            assert around(await layers.extent(found["parts"], None)) == pytest.approx(
                (840, 0, 9160, 0), abs=1
            )
            assert around(await layers.extent(found["globe"], 4326)) == pytest.approx((5, 60, 6, 61), abs=0.03)  # fmt: skip
            assert around(await layers.extent(found["mixed"], None)) == pytest.approx((1, 2, 3, 4), abs=0.05)
            north = around(await layers.extent(found["poles"], 3857))[3]
            assert 20_000_000 < north < 21_000_000, "the pole itself is nowhere on that map"
            assert await layers.extent(found["checked"], None) is None
            with pytest.raises(OperationRefused, match="has no SRID"):
                await layers.extent(found["mixed"], 4326)
            # A table that somebody keeps to himself keeps nobody waiting.
            keeper = await made.cluster.connect(made.user, made.name)
            async with keeper.transaction():
                await keeper.execute("LOCK TABLE points, checked IN ACCESS EXCLUSIVE MODE")
                assert set(named(await Layers(context).sample())) == set(found)
            await keeper.close()


async def test_who_may_not_read_is_told_what_would_let_him(postgis: PostgresCluster) -> None:
    async with database(postgis) as made:
        await run_script(made, MANY_KINDS)
        async with spatial_context(made, user="plain") as context:
            layers = Layers(context)
            snapshot = await layers.sample()
            found = named(snapshot)
            assert {name for name, one in found.items() if not one.may_read} == {"bunkers", "nobody"}
            assert not any(one.may_write for one in found.values())
            [note] = snapshot.notes
            assert note.endswith(
                'GRANT USAGE ON SCHEMA "Secret" TO plain; GRANT SELECT ON "Secret".bunkers TO plain;'
            )
            assert "Secret.bunkers.g and public.nobody.g" in note
            with pytest.raises(QueryDenied):
                await layers.extent(found["bunkers"], 4326)
            assert around(await layers.extent(found["points"], 4326))[0] == pytest.approx(10, abs=0.03)


async def test_points_of_postgresql_are_layers_without_postgis(postgres: PostgresCluster) -> None:
    """Their outermost are found by the index, however few of the rows are looked at."""
    async with database(postgres) as made:
        clock = SteppedClock()
        async with spatial_context(made) as context:
            context.clock = clock
            layers = Layers(context)
            snapshot = await layers.sample()
            assert (snapshot.layers, snapshot.postgis) == ((), None)
            assert [note.endswith("CREATE EXTENSION postgis;") for note in snapshot.notes] == [True]
            await run_script(
                made,
                """
                CREATE TABLE spots (id integer PRIMARY KEY, place point);
                INSERT INTO spots SELECT n, point(n % 1000 / 10.0, n / 1000.0) FROM generate_series(0, 59999) AS n;
                INSERT INTO spots VALUES (-1, '(-500,3)'), (-2, '(7,900)'), (-3, '(Infinity,3)'), (-4, NULL);
                CREATE TABLE bare AS SELECT id, place FROM spots WHERE id >= 0;
                CREATE TABLE bare_too AS SELECT id, place FROM spots; CREATE TABLE bare_three AS SELECT * FROM spots;
                CREATE INDEX ON spots USING gist (place); ANALYZE spots;
                CREATE TABLE one (place point); INSERT INTO one VALUES ('(3,4)');
                """,
            )
            assert (await layers.sample()).layers == (), "it is not asked again at every tick"
            clock.seconds += KEPT_SECONDS
            snapshot = await layers.sample()
            found = named(snapshot)
            assert {one.kind for one in found.values()} == {GeometryKind.POINT}
            assert [name for name, one in found.items() if one.has_index] == ["spots"]
            no_index, not_analysed = snapshot.notes
            assert "public.bare.place, public.bare_three.place and 1 more" in no_index
            assert "CREATE INDEX CONCURRENTLY ON public.bare USING gist (place);" in no_index
            assert not_analysed.endswith("ANALYZE public.bare;")
            await made.run("ANALYZE bare")
            west, south, east, north = around(await layers.extent(found["spots"], None))
            assert (west, south, east, north) == pytest.approx((-511.998, -18, 111.898, 918), abs=0.01)
            west, south, east, north = around(await layers.extent(found["bare"], None))
            assert (west, east) == pytest.approx((0, 99.9), abs=3)
            assert around(await layers.extent(found["one"], None)) == (3, 4, 3, 4)
