"""Density pyramids on real servers: their counts against counting, and what becomes of them and of what goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from console.data.audit import AuditFile
from console.data.spatial import pyramids_building
from console.data.spatial.context import SpatialContext
from console.data.spatial.line import MapLine
from console.data.spatial.pyramids import Pyramids
from console.errors import OperationRefused
from console.models.layers import GeometryKind, Layer, LayerName, RelationKind
from console.models.map_view import Frame, MapView
from console.models.pyramids import PyramidPlace, PyramidProgress
from console.settings import Settings
from tests.accounts import recorded, run_script
from tests.live import connected, until
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster

LAYER = Layer(
    name=LayerName("public", 'Pla"ces', "where"),
    kind=GeometryKind.GEOMETRY,
    shape="POINT",
    srid=4326,
    is_geographic=True,
    relation=RelationKind.TABLE,
    rows=30_000,
    size=1 << 20,
    has_index=False,
    is_analysed=False,
    may_read=True,
    may_write=True,
    key=("ctid",),
    attributes=(),
)
CORE_LAYER = replace(LAYER, kind=GeometryKind.POINT, srid=None, is_geographic=False)
GIS_POINT = "ST_SetSRID(ST_MakePoint(x, y), 4326)"
CORE_POINT = "point(x, y)"

FILL = """
CREATE TABLE "Pla""ces" (id int, "where" {type});
SELECT setseed(0.5);
INSERT INTO "Pla""ces"
SELECT n, {point} FROM (
    SELECT n, CASE WHEN n % 2 = 0 THEN 360 * random() - 180 ELSE 10 + 1e-4 * random() END AS x,
              CASE WHEN n % 2 = 0 THEN 180 * random() - 90 ELSE 50 + 1e-4 * random() END AS y
      FROM generate_series(1, 30000) AS n) AS places;
INSERT INTO "Pla""ces" VALUES (0, NULL);
INSERT INTO "Pla""ces" SELECT 0, {point}
  FROM (VALUES ('NaN'::float8, 1::float8), (1, '-Infinity'), ('Infinity', 'NaN')) AS nowhere(x, y);
"""
"""Half of the places all over the world, half of them in one street; four rows have no place."""


@asynccontextmanager
async def pyramids_of(
    made: Database, file: Path, *, user: str | None = None, settings: Settings | None = None
) -> AsyncIterator[Pyramids]:
    """The pyramids of a console on that database."""
    chosen = settings or Settings()
    async with connected(made.cluster.url(user or made.user, made.name), chosen) as server:
        line = MapLine(server, chosen)
        yield Pyramids(SpatialContext(server, chosen, AuditFile(file), line))
        await line.close()


@asynccontextmanager
async def with_postgis(cluster: PostgresCluster) -> AsyncIterator[Database]:
    """The places in a database whose PostGIS is in a schema of its own."""
    async with database(cluster) as made:
        extension = "CREATE SCHEMA gis; CREATE EXTENSION postgis SCHEMA gis; SET search_path = public, gis;"
        await run_script(made, extension + FILL.format(type="geometry(Point,4326)", point=GIS_POINT))
        yield made


@pytest.fixture
async def gis(postgis: PostgresCluster) -> AsyncIterator[Database]:
    async with with_postgis(postgis) as made:
        yield made


@pytest.fixture(params=["postgis", "core"])
async def either(
    request: pytest.FixtureRequest, postgis: PostgresCluster, postgres: PostgresCluster
) -> AsyncIterator[tuple[Database, Layer]]:
    """The places as PostGIS's geometry, then as PostgreSQL's points."""
    if request.param == "core":
        async with database(postgres) as made:
            await run_script(made, FILL.format(type="point", point=CORE_POINT))
            yield made, CORE_LAYER
    else:
        async with with_postgis(postgis) as made:
            yield made, LAYER


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def frame(layer: Layer, x: float, y: float, scale: float) -> Frame:
    return MapView(x, y, scale, layer.srid, layer.is_geographic).frame(240, 160)


async def places(made: Database, layer: Layer) -> tuple[np.ndarray, np.ndarray]:
    """x and y of all that are somewhere."""
    x, y = ('gis.ST_X("where")', 'gis.ST_Y("where")') if layer is LAYER else ('"where"[0]', '"where"[1]')
    rows = await made.run(f'SELECT {x} AS x, {y} AS y FROM "Pla""ces" WHERE id > 0')  # noqa: S608
    return np.array([row["x"] for row in rows]), np.array([row["y"] for row in rows])


async def check(pyramids: Pyramids, layer: Layer, x: np.ndarray, y: np.ndarray) -> None:
    """What it says of frames at all scales is what counting says, but for what lies at their borders."""
    whole = await pyramids.density(layer, frame(layer, 0, 0, 1.5))
    assert whole is not None
    assert whole.count == whole.counts.sum() == len(x)
    assert whole.counts.shape == (160, 240)
    assert whole.is_sharp, "also what lies alone"
    for west, south, scale in ((0, 0, 0.4), (10, 50, 1e-2), (10, 50, 1e-5), (10.00005, 50.00005, 2e-7)):
        # The street is away from the borders of the parts that are compared.
        shown = frame(layer, west + 30 * scale, south + 20 * scale, scale)
        found = await pyramids.density(layer, shown)
        assert found is not None
        envelope = shown.envelope
        edges = (
            np.linspace(envelope.south, envelope.north, 5),
            np.linspace(envelope.west, envelope.east, 5),
        )
        truth = np.histogram2d(y, x, edges)[0][::-1]
        coarse = found.counts.reshape(4, 40, 4, 60).sum(axis=(1, 3))
        assert np.abs(coarse - truth).max() <= 3 + 0.1 * truth.max(), scale
    assert (await pyramids.density(layer, frame(layer, 1000, 1000, 1e-3))).count == 0  # type: ignore[union-attr]
    other = replace(layer, srid=3857)
    assert await pyramids.density(layer, frame(other, 0, 0, 1)) is None, "another SRID than the map's"


async def test_a_pyramid_counts_what_is_there_is_refreshed_and_dropped(
    either: tuple[Database, Layer], file: Path
) -> None:
    made, layer = either
    x, y = await places(made, layer)
    before = await made.catalogue()
    async with pyramids_of(made, file) as pyramids:
        assert await pyramids.density(layer, frame(layer, 0, 0, 1.5)) is None
        plan = await pyramids.building(layer)
        assert (plan.operation.action, plan.operation.object_name) == ("Build", str(layer.name))
        assert "CREATE SCHEMA dbconsole" in plan.operation.statements
        assert await made.catalogue() == before, "nothing is done before it is confirmed"
        told: list[PyramidProgress] = []
        sentence = await pyramids.build(plan, told.append)
        assert sentence.endswith("counts 30,000 objects (4 rows without a place are left out).")
        shares = [progress.share for progress in told]
        assert shares == sorted(shares)
        assert len(set(shares)) > 5
        await check(pyramids, layer, x, y)
        state = await pyramids.state(layer)
        assert state.progress is None
        assert (pyramid := state.pyramid) is not None
        assert (pyramid.place, pyramid.rows, pyramid.left_out) == (PyramidPlace.DATABASE, 30_000, 4)
        assert pyramid.extent is not None
        assert pyramid.extent.west == x.min()
        assert 0 < pyramid.size < 2 << 20
        assert not pyramid.is_stale

        await made.run('DELETE FROM "Pla""ces" WHERE id % 2 = 0')

        async def is_stale() -> bool:
            state = await pyramids.state(layer)
            return state.pyramid is not None and state.pyramid.is_stale

        await until(is_stale)
        async with pyramids_of(made, file) as others:
            assert (await others.density(layer, frame(layer, 0, 0, 1.5))).count == 30_000  # type: ignore[union-attr]
            refreshing = await pyramids.building(layer)
            assert refreshing.operation.action == "Refresh"
            await pyramids.build(refreshing)
            assert (await pyramids.density(layer, frame(layer, 0, 0, 1.5))).count == 15_000  # type: ignore[union-attr]
            # The other console's tiles are gone: it goes on with the new ones.
            assert (await others.density(layer, frame(layer, 10, 50, 1e-5))).count > 14_000  # type: ignore[union-attr]
        await pyramids.drop(await pyramids.dropping(layer))
        assert (await pyramids.state(layer)).pyramid is None
        assert await pyramids.density(layer, frame(layer, 0, 0, 1.5)) is None
    assert [row["relname"] for row in await made.run(
        "SELECT relname FROM pg_class WHERE relnamespace = 'dbconsole'::regnamespace AND relkind = 'r'"
    )] == ["pyramids"]  # fmt: skip
    assert [(line["operation"].split()[0], line["done"]) for line in recorded(file)] == [
        ("Build", True), ("Refresh", True), ("Drop", True),
    ]  # fmt: skip


async def test_the_console_counts_in_its_memory(either: tuple[Database, Layer], file: Path) -> None:
    made, layer = either
    x, y = await places(made, layer)
    before = await made.catalogue()
    async with pyramids_of(made, file, settings=Settings(read_only=True)) as pyramids:
        told: list[PyramidProgress] = []
        assert "30,000 objects" in await pyramids.build_here(layer, told.append)
        assert [progress.share for progress in told] == sorted(progress.share for progress in told)
        state = await pyramids.state(layer)
        assert state.pyramid is not None
        assert (state.pyramid.place, state.pyramid.left_out) == (PyramidPlace.HERE, 4)
        whole = await pyramids.density(layer, frame(layer, 0, 0, 1.5))
        assert whole is not None
        assert whole.count == 30_000
        shown = frame(layer, 10, 50, 1e-1)
        found = await pyramids.density(layer, shown)
        envelope = shown.envelope
        inside = (x > envelope.west) & (x < envelope.east) & (y > envelope.south) & (y < envelope.north)
        assert found is not None
        assert found.count == pytest.approx(inside.sum(), abs=20)
        pyramids.forget_here(layer)
        assert await pyramids.density(layer, shown) is None
        with pytest.raises(OperationRefused, match="--read-only"):
            await pyramids.building(layer)
    assert await made.catalogue() == before


async def test_shapes_are_counted_at_the_middle_of_their_bounds(gis: Database, file: Path) -> None:
    await run_script(gis, """
        CREATE TABLE areas (where_ gis.geography);
        INSERT INTO areas SELECT gis.ST_Buffer(gis.ST_SetSRID(gis.ST_MakePoint(n, n / 10), 4326)::gis.geography, 1000)
          FROM generate_series(1, 100) AS n;
        INSERT INTO areas VALUES ('LINESTRING EMPTY');
        CREATE VIEW large AS SELECT * FROM areas;
    """)  # fmt: skip
    for table, kind in (("areas", RelationKind.TABLE), ("large", RelationKind.VIEW)):
        name = LayerName("public", table, "where_")
        layer = replace(LAYER, name=name, kind=GeometryKind.GEOGRAPHY, shape="GEOMETRY", relation=kind)
        async with pyramids_of(gis, file) as pyramids:
            await pyramids.build(await pyramids.building(layer))
            state = await pyramids.state(layer)
            assert state.pyramid is not None
            assert (state.pyramid.rows, state.pyramid.left_out) == (100, 1)
            found = await pyramids.density(layer, frame(layer, 25.5, 2.5, 51 / 240))
            assert found is not None
            assert found.count == pytest.approx(50, abs=1)


async def test_all_at_one_place_and_none_at_all(
    gis: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What takes eight million objects otherwise: counts that need more than three bytes.
    monkeypatch.setattr(pyramids_building, "_MOST_IN_FOUR_BYTES", 1000)
    await run_script(gis, """
        CREATE TABLE spot ("where" gis.geometry(Point,4326)); CREATE TABLE nothing ("where" gis.geometry(Point,4326));
        INSERT INTO spot SELECT gis.ST_SetSRID(gis.ST_MakePoint(25, 60), 4326) FROM generate_series(1, 5000);
    """)  # fmt: skip
    async with pyramids_of(gis, file) as pyramids:
        for table, count in (("spot", 5000), ("nothing", 0)):
            layer = replace(LAYER, name=LayerName("public", table, "where"))
            for is_here in (False, True):
                if is_here:
                    await pyramids.build_here(layer)
                else:
                    await pyramids.build(await pyramids.building(layer))
                for scale in (1.5, 1e-9):
                    found = await pyramids.density(layer, frame(layer, 25, 60, scale))
                    assert found is not None
                    assert found.count == count, (table, is_here, scale)


async def test_cancelling_leaves_nothing_behind(gis: Database, file: Path) -> None:
    layer = replace(LAYER, relation=RelationKind.VIEW, name=LayerName("public", "slow", "where"))
    await run_script(gis, """CREATE VIEW slow AS SELECT "where" FROM "Pla""ces", pg_sleep(60)""")
    before = await gis.catalogue()
    async with pyramids_of(gis, file) as pyramids:
        plan = await pyramids.building(layer)
        for build in (pyramids.build(plan), pyramids.build_here(layer)):
            running = asyncio.create_task(build)
            await until(lambda: sleeps(gis))
            assert (await pyramids.state(layer)).progress is not None
            with pytest.raises(OperationRefused, match="being built already"):
                await pyramids.build(plan)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            await until(lambda: sleeps(gis, False))
            state = await pyramids.state(layer)
            assert (state.pyramid, state.progress) == (None, None)
    assert await gis.catalogue() == before


async def sleeps(made: Database, wanted: bool = True) -> bool:
    return bool(await made.run(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    )) is wanted  # fmt: skip


async def test_a_role_that_may_not_is_told_which_grants_it_needs(gis: Database, file: Path) -> None:
    await gis.run('GRANT SELECT ON "Pla""ces" TO plain')
    await gis.run("GRANT USAGE ON SCHEMA gis TO plain")
    async with pyramids_of(gis, file, user="plain") as pyramids:
        with pytest.raises(OperationRefused, match="which this role may not read"):
            await pyramids.building(replace(LAYER, may_read=False))
        with pytest.raises(OperationRefused, match=r"GRANT CREATE ON DATABASE .* TO plain"):
            await pyramids.building(LAYER)
        async with pyramids_of(gis, file) as owners:
            await owners.build(await owners.building(LAYER))
        assert (await pyramids.state(LAYER)).pyramid is None, "what was counted is not for everybody"
        for sentence in ("schema dbconsole belongs to postgres", "a pyramid of the role postgres"):
            with pytest.raises(OperationRefused, match=sentence) as refused:
                await pyramids.building(LAYER)
            for line in refused.value.sentence.splitlines()[1:]:
                await gis.run(line.strip().rstrip(";"))
        assert (await pyramids.state(LAYER)).pyramid is not None
        assert (await pyramids.density(LAYER, frame(LAYER, 0, 0, 1.5))) is not None
        with pytest.raises(OperationRefused, match="alone can refresh or drop it"):
            await pyramids.dropping(LAYER)
        own = replace(LAYER, name=LayerName("public", "own", "where"))
        assert (await pyramids.building(own)).makes == ()
        await gis.run("ALTER TABLE dbconsole.pyramids OWNER TO monitor")
        with pytest.raises(OperationRefused, match="belongs to monitor, and what that role has put there"):
            await pyramids.building(own)
