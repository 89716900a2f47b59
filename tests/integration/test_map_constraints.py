"""Constraints between CAD objects, with PostGIS and without, and measures along what a person sets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from math import hypot

import pytest

from console.data.spatial.constraints import Constraints
from console.data.spatial.detail import Details
from console.data.spatial.measuring import Measuring
from console.data.spatial.objects import Objects
from console.errors import ObjectMissing, QueryDenied
from console.models.layers import GeometryKind, Layer, LayerFilter
from console.models.map_objects import Measure
from console.models.map_view import Envelope, MapView
from tests.accounts import run_script
from tests.map_layers import CAD
from tests.maps import gis_database, metres, spatial_context
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster

HOSTILE = 'D,"7"{} [/foo]\\ \x1b[31m'

OBJECTS = """
INSERT INTO arxos_core.users (email) VALUES ('ada@example.com');
INSERT INTO arxos_core.projects (owner_id, name) SELECT id, project FROM arxos_core.users, unnest(ARRAY['Tower B', 'Annex']) AS project;
INSERT INTO arxos_cad.objects (object_id, object_type, name, geometry, properties, project_id)
SELECT 'D-' || n, 'door', 'Door ' || n, {place}, jsonb_build_object('floor', n),
       (SELECT id FROM arxos_core.projects WHERE name = CASE WHEN n = 6 THEN 'Annex' ELSE 'Tower B' END)
FROM generate_series(1, 6) AS n;
UPDATE arxos_cad.objects SET object_id = $h${hostile}$h$, project_id = NULL WHERE object_id = 'D-5';
UPDATE arxos_cad.objects SET geometry = NULL WHERE object_id = 'D-4';
INSERT INTO arxos_cad.constraints (constraint_id, constraint_type, object_ids, parameters, project_id, status) VALUES
('C-1', 'distance', '{{D-1,D-2}}', '{{"max": 5}}', (SELECT id FROM arxos_core.projects WHERE name = 'Tower B'), 'active'),
('C-2', 'aligned', '{{D-1,D-9,D-3,D-8,D-6}}', '{{}}', (SELECT id FROM arxos_core.projects WHERE name = 'Tower B'), 'active'),
('C-3', 'fixed', '{{}}', '{{}}', NULL, 'suspended'),
('C-4', 'fixed', ARRAY['D-4', $h${hostile}$h$, 'D-6', NULL], '[1]', NULL, 'active'),
('C-5', 'fixed', '{{D-4}}', '{{}}', NULL, 'active');
CREATE ROLE drawer_{name} LOGIN PASSWORD '{password}';
GRANT USAGE ON SCHEMA arxos_cad TO drawer_{name};
GRANT SELECT ON arxos_cad.objects TO drawer_{name};
"""
STEP = 0.0005
"""Between doors: about 28 metres of longitude there, and the third stands 3 kilometres away."""


@pytest.fixture(params=["postgis", "core"])
async def doors(
    request: pytest.FixtureRequest, postgis: PostgresCluster, postgres: PostgresCluster
) -> AsyncIterator[tuple[Database, Layer, str]]:
    """Six doors with constraints as PostGIS's geometry, then as PostgreSQL's own points; and a role that sees only them."""
    cluster, layer = (postgis, CAD)
    x = f"30 + {STEP} * n + CASE WHEN n = 3 THEN 0.05 ELSE 0 END"
    place = f"ST_SetSRID(ST_MakePoint({x}, 59.9), 4326)"
    if request.param == "core":
        cluster = postgres
        layer = replace(CAD, kind=GeometryKind.POINT, srid=None, is_geographic=False)
        place = f"point({x}, 59.9)"
    async with database(cluster) as made:
        await made.upgrade("core@head", "cad@head")
        await run_script(
            made, OBJECTS.format(place=place, hostile=HOSTILE, name=made.name, password=cluster.password)
        )
        try:
            yield made, layer, f"drawer_{made.name}"
        finally:
            await run_script(made, f"DROP OWNED BY drawer_{made.name}; DROP ROLE drawer_{made.name};")


async def test_constraints_are_judged_by_the_objects_that_they_name(
    doors: tuple[Database, Layer, str],
) -> None:
    made, layer, drawer = doors
    apart = [metres((0, 59.9), (STEP, 59.9)), metres((0, 59.9), (0.05 + 2 * STEP, 59.9))]
    if layer.kind is GeometryKind.POINT:
        apart = [STEP, 0.05 + 2 * STEP]
    async with spatial_context(made) as context:
        constraints = Constraints(context, far=1000.0 if layer.is_geographic else 0.02)
        objects = Objects(context, Details(context, constraints))
        good, bad, empty, odd, unplaced = await constraints.page(layer, layer.srid)
        assert (good.constraint_id, good.problems, good.project, good.status) == (
            "C-1",
            (),
            "Tower B",
            "active",
        )
        assert (good.parameters, good.object_ids) == ({"max": 5}, ("D-1", "D-2"))
        assert good.span == pytest.approx(apart[0], rel=0.006)
        assert good.extent is not None
        assert (good.extent.west, good.extent.north) == pytest.approx((30 + STEP, 59.9))
        assert (good.extent.east, good.extent.south) == pytest.approx((30 + 2 * STEP, 59.9))
        assert (bad.missing, bad.foreign) == (("D-9", "D-8"), ("D-6",))
        assert bad.span == pytest.approx(apart[1], rel=0.006)
        assert bad.problems[:2] == ("2 objects do not exist: D-9, D-8.", "D-6 belongs to another project.")
        far = "m apart." if layer.is_geographic else "units apart."
        assert bad.problems[2].startswith("Its objects are up to ")
        assert bad.problems[2].endswith(far)
        assert (empty.problems, empty.extent, empty.span) == (("It names no object.",), None, None)
        assert (odd.object_ids, odd.missing, odd.problems) == (("D-4", HOSTILE, "D-6"), (), ())
        assert odd.extent is not None, "of those that are somewhere"
        assert (unplaced.extent, unplaced.span, unplaced.problems) == (None, None, ())
        after = await constraints.page(layer, layer.srid, after="C-2", status="active", limit=1)
        assert [one.constraint_id for one in after] == ["C-4"]

        [found] = await objects.find(layer, HOSTILE, layer.srid, limit=3)
        detail = await objects.detail(layer, found.key, layer.srid)
        assert (detail.project, detail.attributes["properties"]) == (None, {"floor": 5})
        assert [one.constraint_id for one in detail.constraints] == ["C-4"]
        [door] = await objects.find(layer, "D-1", layer.srid, limit=1)
        detail = await objects.detail(layer, door.key, layer.srid)
        assert (detail.project, [one.constraint_id for one in detail.constraints]) == (
            "Tower B",
            ["C-1", "C-2"],
        )
        assert [one.label for one in detail.neighbours[:2]] == ["Door 2", "Door 5"]
        assert detail.neighbours[0].distance == pytest.approx(apart[0], rel=0.006)
        assert (detail.shape, detail.area, detail.notes) == ("POINT", None, ())
        around = Envelope(29.0, 59.0, 31.0, 60.0)
        annex = LayerFilter(equal={"project": "Annex"})
        [only] = await objects.inside(layer, layer.srid, around, limit=9, only=annex)
        assert (only.label, only.key) == ("Door 6", ("6",))
        assert (only.x, only.y) == pytest.approx((30 + 6 * STEP, 59.9))
        high = await objects.filter(layer, "door $.floor > 4")
        assert (await objects.count(layer, layer.srid, around, only=high)).number == 2
        reach = await objects.nearest(
            layer, layer.srid, 30.0, 59.9, limit=9, within=STEP * 1.5, only=EVERY_DOOR
        )
        assert [one.label for one in reach] == ["Door 1"]

    async with spatial_context(made, user=drawer) as context:
        constraints = Constraints(context)
        with pytest.raises(QueryDenied, match="constraints"):
            await constraints.page(layer, layer.srid)
        detail = await Details(context, constraints).of(layer, door.key, layer.srid)
        assert (detail.label, detail.project, detail.constraints) == ("Door 1", None, ())
        assert [note.partition(" here. ")[0].partition(". ")[0] for note in detail.notes] == [
            "Its project has no name",
            "Its constraints are not known",
        ]
    await made.run("DROP TABLE arxos_cad.constraints")
    async with spatial_context(made) as context:
        with pytest.raises(ObjectMissing, match="This database has no constraints"):
            await Constraints(context).page(layer, layer.srid)


EVERY_DOOR = LayerFilter(equal={"object_type": "door"})


async def test_measures_are_those_of_the_spheroid_or_of_the_plane(postgis: PostgresCluster) -> None:
    globe = MapView(0, 0, 1, 4326, is_geographic=True)
    async with gis_database(postgis, "") as made, spatial_context(made) as context:
        measuring = Measuring(context)
        # Over the antimeridian, the shorter way.
        points = [(179.5, 10.0), (-179.5, 10.0), (-179.5, 11.0)]
        across = await measuring.measure(points, globe)
        assert across.is_geodesic
        assert across.distance == pytest.approx(
            metres(points[0], points[1]) + metres(points[1], points[2]), rel=0.006
        )
        assert across.area == pytest.approx(
            metres(points[0], points[1]) * metres(points[1], points[2]) / 2, rel=0.02
        )
        # A degree of latitude at the equator and at the pole, as published for WGS 84.
        for south, length in [(0.0, 110_574.4), (89.0, 111_693.9)]:
            degree = await measuring.measure([(7.0, south), (7.0, south + 1)], globe)
            assert degree.distance == pytest.approx(length, abs=0.5)
        assert await measuring.measure([(1.0, 2.0)], globe) == Measure(0.0, None, is_geodesic=False)
        same = await measuring.measure([(1.0, 2.0)] * 3, globe)
        assert (same.distance, same.area) == (0.0, 0.0)
        await context.line.close()
        plane = [(5e6 + x, 6e6 + y) for x, y in [(0, 0), (3, 0), (3, 4), (0, 4)]]
        for view in (MapView(0, 0, 1, 32636), MapView(0, 0, 1, None)):
            assert await measuring.measure(plane, view) == Measure(10.0, 12.0, is_geodesic=False)
        bent = await measuring.measure([(0, 0), (1, 1), (2, 5)], MapView(0, 0, 1, None))
        assert bent.distance == pytest.approx(hypot(1, 1) + hypot(1, 4))
