"""Files of objects brought into real layers: as they were, whole or not at all, and with what is wrong said."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from console.data.audit import AuditFile
from console.data.spatial.context import SpatialContext
from console.data.spatial.exports import Exports
from console.data.spatial.imports import ImportRefused, Imports
from console.data.spatial.imports_looking import CoordinatesDoubted
from console.data.spatial.line import MapLine
from console.errors import BadInput, DbconsoleError, OperationRefused
from console.models.accounts import BulkProgress
from console.models.layers import Attribute, GeometryKind, Layer, LayerName, RelationKind
from console.models.map_files import Extract, FileFormat, ImportChoices
from console.models.map_view import Envelope
from console.settings import Settings
from tests.accounts import recorded, run_script, trail
from tests.fake_map_edits import CAD_LAYER
from tests.live import connected, until
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster

HOSTILE = "=1+1 [/foo] \"é😀\n\x1b]0;t\x07'; DROP TABLE x; -- \\ ' 100%_"
AS_SAID = ImportChoices()
PLACES = """
CREATE SCHEMA gis; GRANT USAGE ON SCHEMA gis TO public; CREATE EXTENSION postgis SCHEMA gis;
CREATE TYPE mood AS ENUM ('calm', 'wild');
CREATE TABLE {name} (
    id serial PRIMARY KEY, "a ""%s $1"" name" text UNIQUE, price numeric, tags text[], more jsonb NOT NULL DEFAULT '{{}}',
    at timestamptz, feeling mood, twice numeric GENERATED ALWAYS AS (price * 2) STORED, geom gis.geometry({type}));
"""
ATTRIBUTES = tuple(
    Attribute(*one)
    for one in (
        ("id", "integer"), ('a "%s $1" name', "text"), ("price", "numeric"), ("tags", "text[]"), ("more", "jsonb"),
        ("at", "timestamp with time zone"), ("feeling", "mood"), ("twice", "numeric"),
    )
)  # fmt: skip


def layer(table: str, shape: str, srid: int | None, **more: Any) -> Layer:
    name = LayerName("public", table, "geom")
    return replace(
        CAD_LAYER, name=name, kind=GeometryKind.GEOMETRY, shape=shape, srid=srid, key=("id",), attributes=ATTRIBUTES,
        is_geographic=srid == 4326, relation=RelationKind.TABLE, **more,
    )  # fmt: skip


@asynccontextmanager
async def files_of(
    made: Database,
    file: Path,
    *,
    user: str | None = None,
    extent: Envelope | None = None,
    **chosen: Any,
) -> AsyncIterator[tuple[Exports, Imports]]:
    """What reads and writes files on that database; `file` is the local audit file."""
    settings = Settings(**chosen)

    async def extent_of(_layer: Layer, _srid: int | None) -> Envelope | None:
        return extent

    async with connected(made.cluster.url(user or made.user, made.name), settings) as server:
        line = MapLine(server, settings)
        context = SpatialContext(server, settings, AuditFile(file), line)
        yield Exports(context), Imports(context, extent_of)
        await line.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def feature(number: int, geometry: Any, **properties: Any) -> str:
    return json.dumps(
        {"type": "Feature", "geometry": geometry, "properties": {"price": number, **properties}}
    )


def point(x: float, y: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [x, y]}


def collection(features: Sequence[str], **members: Any) -> str:
    said = "".join(f', "{name}": {json.dumps(value)}' for name, value in members.items())
    return f'{{"type": "FeatureCollection", "features": [{", ".join(features)}]{said}}}'


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


async def test_what_was_written_comes_back_as_it_was(
    postgis: PostgresCluster, tmp_path: Path, file: Path
) -> None:
    source = layer("source", "GEOMETRY", None)
    async with database(postgis) as made:
        await run_script(made, PLACES.format(name="source", type="Geometry"))
        await run_script(made, "CREATE TABLE copy (LIKE source INCLUDING ALL); CREATE SEQUENCE own; "
            "ALTER TABLE copy ALTER id SET DEFAULT nextval('own')")  # fmt: skip
        for place in (
            "SRID=4326;POINT(10.75 59.9142857142857142)",
            "SRID=4326;POLYGON((0 0,2 0,2 2,0 0),(1 0.5,1.5 1,1.5 0.5,1 0.5))",
            "SRID=4326;LINESTRING(0 0,0.1 -0.3333333333333333)",
            "SRID=4326;MULTIPOINT(1 1,2 2)",
            "SRID=4326;GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))",
        ):
            await made.run(
                'INSERT INTO source ("a ""%s $1"" name", price, tags, more, at, feeling, geom) VALUES '
                "($1 || $2::text, 1.10, $3, $4, '2026-01-02 03:04:05.678901+00', 'wild', $2::text::gis.geometry)",
                HOSTILE, place, ["a,b", '"', ""], '{"big": 12345678901234567890.5, "n": null, "t": "\\u00e9"}',
            )  # fmt: skip
        before = await made.run("SELECT (to_jsonb(s) - 'geom')::text, geom FROM source AS s ORDER BY id")
        async with files_of(made, file) as (exports, imports):
            for format_ in (FileFormat.GEOJSON, FileFormat.CSV):
                path = tmp_path / f"x{format_.suffix}"
                await exports.write(Extract(source), format_, path)
                target = replace(source, name=replace(source.name, table="copy"))
                plan = await imports.plan(target, path, ImportChoices(srid=4326))
                assert await made.run("SELECT FROM copy") == [], "nothing is done before it is confirmed"
                assert plan.operation.object_name == "public.copy"
                assert "The server gives id, twice new values of its own." in plan.operation.consequences
                told: list[BulkProgress] = []
                done = await imports.make(plan, told.append)
                assert (done.rows, done.refusals.count) == (5, 0)
                assert [(one.done, one.total) for one in told] == [(4, 5), (5, 5)]
                after = await made.run("SELECT (to_jsonb(s) - 'geom')::text, geom FROM copy AS s ORDER BY id")
                assert after == before
                await run_script(made, "TRUNCATE copy; ALTER SEQUENCE own RESTART")
        assert [line["outcome"] for line in recorded(file)] == ["5 objects imported."] * 2


async def test_features_one_after_another_are_transformed_and_refused_one_by_one(
    postgis: PostgresCluster, tmp_path: Path, file: Path
) -> None:
    areas = layer("areas", "MULTIPOLYGON", 3857)
    square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    lines = [
        feature(1, square, feeling="calm"),
        feature(2, point(1, 1)),
        feature(3, square, feeling="angry"),
        '{"type": "Feature", "geometry": null, "properties": [1]}',
        feature(5, square, at="no time", unknown={"x": 1}),
        feature(6, {"type": "Polygon", "coordinates": [[["a", 0], [1, 0], [1, 1], ["a", 0]]]}),
        feature(7, square, **{'a "%s $1" name': "twin"}),
        feature(8, square, **{'a "%s $1" name': "twin"}),
        feature(9, None, tags=["x", "y"], more="text"),
        feature(10, {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0]]]}),
        feature(11, square, **{'a "%s $1" name': "zero \x00"}),
    ]
    path = written(tmp_path / "areas.ndjson", "\x1e" + "\n\x1e".join(lines) + "\n")
    async with database(postgis) as made, files_of(made, file) as (_, imports):
        await run_script(made, PLACES.format(name="areas", type="MultiPolygon, 3857"))
        plan = await imports.plan(areas, path, AS_SAID)
        assert plan.rows == 7
        assert [one.number for one in plan.refusals.first] == [2, 4, 6, 10]
        assert "Coordinates are transformed from EPSG:4326 to EPSG:3857." in plan.operation.consequences
        assert "The table has no such column, so this is left out: unknown." in plan.operation.consequences
        with pytest.raises(ImportRefused, match="4 rows refused: feature 2: a point does not fit"):
            await imports.make(plan)
        assert await made.run("SELECT FROM areas") == []

        done = await imports.make(await imports.plan(areas, path, ImportChoices(skip_refused=True)))
        reasons = {one.number: one.reason for one in done.refusals.first}
        assert list(reasons) == [2, 3, 4, 5, 6, 8, 10, 11]
        assert 'invalid input value for enum mood: "angry"' in reasons[3]
        assert "(twin) already exists" in reasons[8]
        assert "fewer than four positions" in reasons[10]
        found = await made.run(
            "SELECT price::int, tags, more, gis.ST_AsText(geom, 0) AS place FROM areas ORDER BY price"
        )
        moved = "MULTIPOLYGON(((0 0,111319 0,111319 111325,0 0)))"
        assert [tuple(row) for row in found] == [
            (1, None, "{}", moved), (7, None, "{}", moved), (9, ["x", "y"], '"text"', None)
        ]  # fmt: skip
        # What the server alone can refuse keeps everything out too.
        only = written(
            tmp_path / "two.geojson", collection([feature(1, square), feature(2, square, feeling="angry")])
        )
        with pytest.raises(ImportRefused, match="feature 2: invalid input value for enum"):
            await imports.make(await imports.plan(areas, only, AS_SAID))
        assert len(await made.run("SELECT FROM areas")) == 3


async def test_a_file_that_is_not_what_it_should_be_is_refused_before_anything_is_sent(
    postgis: PostgresCluster, tmp_path: Path, file: Path
) -> None:
    pins = layer("pins", "POINT", 4326)
    whole = collection([feature(1, point(10.7, 59.9)), feature(2, point(10.8, 59.8))])
    table = "price,lon,lat\n1,10.7,59.9\n2,10.8,59.8\n"
    faults: list[tuple[str, str | bytes, str]] = [
        ("a.geojson", b"\x89PNG\r\n\x1a\n\x00\x00", "is a PNG picture"),
        ("a.csv", b"PK\x03\x04\x00", "is a ZIP archive"),
        ("a.geojson", b"<?xml version='1.0'?><kml/>", "is XML or HTML"),
        ("a.csv", b"\x00\x01\x02\x03", "is no text"),
        ("a.geojson", table, "is called GeoJSON, and is text without JSON"),
        ("a.csv", whole, "is called CSV, and is JSON"),
        ("a.geojson", "", "is empty"),
        ("a.geojson", whole[: len(whole) // 2 + 60], "behind feature 1, in line 1: the file ends there"),
        ("a.geojson", whole[:-2], "the file ends there"),
        ("a.geojson", whole.replace("59.9", "NaN"), "NaN is no number of JSON"),
        ("a.geojson", whole.replace('"price": 2', '"price": 2,,'), "behind feature 1, in line 1"),
        ("a.geojson", whole + whole, "something behind the collection"),
        ("a.geojson", f"[{whole}]", "is a list"),
        ("a.geojson", '{"type": "Topology"}', "Nothing of a.geojson can be imported: feature 1: it is no Feature but Topology"),
        ("a.geojson", collection([feature(1, point(1, 2))], crs={"name": "x"}), "not understood; give its SRID"),
        ("a.geojson", "[" * 100_000, "is a list"),
        ("a.geojson", '{"a": ' + "[" * 100_000, "nested too deeply"),
        ("a.csv", table[:-10] , "ends in the middle of line 3"),
        ("a.csv", table.replace("2,10", '"2,10'), "inside quotes; it was cut off"),
        ("a.csv", table.encode() + b"3,10,\xe9\n", "is not UTF-8"),
        ("a.csv", "price,name\n1,x\n", "no column that says where things are"),
        ("a.csv", "price,price,geom\n1,2,POINT(1 2)\n", "two columns of one name"),
        ("a.csv", "price;lon;lat\n1;10,7;59,9\n", "10,7 is no number; a point is what stands before decimals"),
        ("a.csv", "price,geom\n1,POINT(1\n", "is no WKT"),
        ("a.csv", "geom\nPOINT(NaN 2)\n", "no finite number"),
        ("a.geojson", collection([feature(1, point(59.9, 120.5)), feature(2, point(59, 121))]), "wrong way round: 2 objects"),
        ("a.geojson", collection([feature(1, point(600000, 6640000))]), "no longitude and latitude; give the SRID"),
        ("a.geojson", collection([feature(1, point(59.9, 10.7))]), "exchanged it is among them"),
    ]  # fmt: skip
    async with (
        database(postgis) as made,
        files_of(made, file, extent=Envelope(10, 59, 11, 60)) as (_, imports),
    ):
        await run_script(made, PLACES.format(name="pins", type="Point, 4326"))
        for name, content, said in faults:
            with pytest.raises(BadInput) as refused:
                await imports.plan(pins, written(tmp_path / name, content), AS_SAID)
            assert said in refused.value.sentence, refused.value.sentence
        with pytest.raises(BadInput, match="No such file"):
            await imports.plan(pins, tmp_path / "none.csv", AS_SAID)
        # Whoever knows better says so.
        doubted = written(tmp_path / "doubted.geojson", collection([feature(1, point(59.9, 10.7))]))
        with pytest.raises(CoordinatesDoubted):
            await imports.plan(pins, doubted, AS_SAID)
        await imports.make(await imports.plan(pins, doubted, ImportChoices(flip=True)))
        named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}
        metres = collection([feature(2, point(1200000, 8384000))], crs=named)
        await imports.make(await imports.plan(pins, written(tmp_path / "m.json", metres), AS_SAID))
        await imports.make(
            await imports.plan(pins, written(tmp_path / "utf16.csv", table.encode("utf-16")), AS_SAID)
        )
        found = await made.run("SELECT gis.ST_AsText(geom, 1) AS place FROM pins ORDER BY id")
        assert [row["place"] for row in found] == ["POINT(10.7 59.9)", "POINT(10.8 59.9)", "POINT(10.7 59.9)", "POINT(10.8 59.8)"]  # fmt: skip
        # The file is another one by the time that it is confirmed.
        plan = await imports.plan(pins, written(tmp_path / "later.csv", table), AS_SAID)
        written(plan.path, table + "3,10.5,59.5\n")
        with pytest.raises(OperationRefused, match="changed meanwhile"):
            await imports.make(plan)
        with pytest.raises(OperationRefused, match="is a view"):
            await imports.plan(replace(pins, relation=RelationKind.VIEW), plan.path, AS_SAID)


async def test_cad_objects_as_core_points_are_imported_with_their_trail(
    postgres: PostgresCluster, tmp_path: Path, file: Path
) -> None:
    core = replace(CAD_LAYER, kind=GeometryKind.POINT, srid=None, is_geographic=False)
    async with database(postgres) as made:
        await made.upgrade("core@head", "cad@head")
        async with files_of(made, file) as (_, imports):
            table = 'object_id,object_type,name,geometry\nD-1,door,\'=1+1,POINT(1 2)\nD-2,door,,\nD-3,door,x,"LINESTRING(1 2,3 4)"\n'
            path = written(tmp_path / "doors.csv", table)
            plan = await imports.plan(core, path, ImportChoices(skip_refused=True))
            done = await imports.make(plan)
            assert done.sentence == "2 objects imported, 1 row refused."
            assert "is no point in WKT" in done.refusals.first[0].reason
            objects = collection(
                [feature(0, point(5, 6), object_id="D-4", object_type="door", properties={"floor": 12})]
            )
            await imports.make(await imports.plan(core, written(tmp_path / "d.json", objects), AS_SAID))
            with pytest.raises(BadInput, match="needs a value of object_type"):
                await imports.plan(core, written(tmp_path / "d.csv", "object_id,x,y\nD-5,1,2\n"), AS_SAID)
            again = await imports.plan(
                core, written(tmp_path / "d.csv", "object_id,object_type,x,y\nD-4,a,1,2\n"), AS_SAID
            )
            with pytest.raises(ImportRefused, match=r"line 2: .*\(object_id\)=\(D-4\) already exists"):
                await imports.make(again)
        found = await made.run(
            "SELECT object_id, name, geometry::text, properties FROM arxos_cad.objects ORDER BY id"
        )
        assert [tuple(row) for row in found] == [
            ("D-1", "=1+1", "(1,2)", "{}"), ("D-2", None, None, "{}"), ("D-4", None, "(5,6)", '{"floor": 12}')
        ]  # fmt: skip
        assert [action for action, _ in await trail(made)] == ["cad_object.import"] * 2

        # Cancelling leaves nothing; whoever may not write is told what would let them.
        await run_script(made, "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(20); RETURN new; END'; "
            "CREATE TRIGGER wait BEFORE INSERT ON arxos_cad.objects FOR EACH ROW EXECUTE FUNCTION wait()")  # fmt: skip
        rows = "".join(f"N-{number},door,{number},1\n" for number in range(20_000))
        path = written(tmp_path / "n.csv", f"object_id,object_type,x,y\n{rows}")
        async with files_of(made, file) as (_, imports):
            importing = asyncio.create_task(imports.make(await imports.plan(core, path, AS_SAID)))

            async def is_waiting() -> bool:
                return bool(await made.run("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))

            await until(is_waiting)
            importing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await importing

            async def is_over() -> bool:
                return not await is_waiting()

            await until(is_over, 5)
        assert len(await made.run("SELECT FROM arxos_cad.objects")) == 3
        await run_script(made, "GRANT USAGE ON SCHEMA arxos_cad TO plain")
        async with files_of(made, file, user="plain") as (_, imports):
            with pytest.raises(DbconsoleError, match=r"GRANT INSERT ON arxos_cad\.objects TO plain"):
                await imports.plan(core, path, AS_SAID)


WITHOUT_ROOM = """
CREATE SCHEMA theirs;
CREATE TABLE theirs.audit_logs (id uuid PRIMARY KEY, action text, timestamp timestamptz, details jsonb);
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN IF new.price = 2 THEN RAISE EXCEPTION 'no room' USING ERRCODE = tg_argv[0]; END IF; RETURN new; END$$;
"""


async def test_what_no_row_is_to_blame_for_refuses_all_of_them(
    postgis: PostgresCluster, tmp_path: Path, file: Path
) -> None:
    pins = layer("pins", "POINT", 4326)
    # A name of a file that is no text, which the trail is to keep all the same.
    path = written(tmp_path / os.fsdecode(b"\xe9.csv"), "price,lon,lat\n1,10.7,59.9\n2,10.8,59.8")
    async with (
        database(postgis) as made,
        files_of(made, file, accounts={"schema_name": "theirs"}) as (_, imports),
    ):
        await run_script(made, PLACES.format(name="pins", type="Point, 4326"))
        await run_script(made, WITHOUT_ROOM)
        plan = await imports.plan(pins, path, ImportChoices(skip_refused=True))
        assert any("does not end with a line break" in said for said in plan.operation.consequences)
        for code in ("disk_full", "deadlock_detected", "io_error"):
            on = f"BEFORE INSERT ON pins FOR EACH ROW EXECUTE FUNCTION no_room('{code}')"
            await run_script(made, f"CREATE TRIGGER no_room {on}")
            with pytest.raises(DbconsoleError, match="The server says: no room"):
                await imports.make(plan)
            await run_script(made, "DROP TRIGGER no_room ON pins")
        assert await made.run("SELECT FROM pins") == []
        await imports.make(plan)
        [row] = await made.run("SELECT action, details ->> 'file' AS file FROM theirs.audit_logs")
        assert tuple(row) == ("map_object.import", "\\xe9.csv")
