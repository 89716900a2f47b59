"""Objects of real layers in files, read back by others than wrote them."""

from __future__ import annotations

import asyncio
import csv
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import pytest
from ezdxf.filemanagement import readfile
from ezdxf.lldxf.encoding import decode_dxf_unicode

from console.data.audit import AuditFile
from console.data.spatial.context import SpatialContext
from console.data.spatial.exports import Exports
from console.data.spatial.line import MapLine
from console.errors import BadInput, DbconsoleError, OperationRefused, QueryDenied, QueryFailed
from console.models.accounts import BulkProgress
from console.models.layers import Attribute, GeometryKind, Layer, LayerFilter, LayerName, RelationKind
from console.models.map_files import Extract, FileFormat
from console.models.map_view import Envelope
from console.settings import Settings
from tests.accounts import run_script
from tests.live import connected, until
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster

HOSTILE = "=cmd|'/c calc'!A0 [/foo] \"é😀\n\x1b]0;t\x07 0\nEOF"
ODD = 'odd "place" [/b] 100%'

PLACES = """
CREATE SCHEMA gis; GRANT USAGE ON SCHEMA gis TO public; CREATE EXTENSION postgis SCHEMA gis;
CREATE TABLE "odd ""place"" [/b] 100%" (
    id int PRIMARY KEY, "a ""%s $1"" name" text, price numeric, tags text[], more jsonb, at timestamptz,
    geom gis.geometry CHECK (gis.ST_SRID(geom) = 3857));
"""

LAYER = Layer(
    name=LayerName("public", ODD, "geom"),
    kind=GeometryKind.GEOMETRY,
    shape="GEOMETRY",
    srid=3857,
    is_geographic=False,
    relation=RelationKind.TABLE,
    rows=None,
    size=0,
    has_index=False,
    is_analysed=False,
    may_read=True,
    may_write=True,
    key=("id",),
    attributes=tuple(
        Attribute(*one)
        for one in (
            ("id", "integer"), ('a "%s $1" name', "text"), ("price", "numeric"), ("tags", "text[]"), ("more", "jsonb"),
            ("at", "timestamp with time zone"),
        )
    ),
)  # fmt: skip
WHOLE = Extract(LAYER)


@asynccontextmanager
async def exports_of(made: Database, *, user: str | None = None) -> AsyncIterator[Exports]:
    settings = Settings()
    async with connected(made.cluster.url(user or made.user, made.name), settings) as server:
        line = MapLine(server, settings)
        yield Exports(SpatialContext(server, settings, AuditFile(Path("/dev/null")), line))
        await line.close()


@pytest.fixture
async def gis(postgis: PostgresCluster) -> AsyncIterator[Database]:
    """A polygon with a hole and its borders clockwise, a line with heights, an arc, a point, an empty, none, and NaN."""
    async with database(postgis) as made:
        await run_script(made, PLACES)
        for number, place in enumerate(
            (
                "ST_GeomFromText('POLYGON((0 0,0 100,100 100,100 0,0 0),(10 10,20 10,20 20,10 10))', 3857)",
                "ST_GeomFromText('LINESTRING Z (0 0 7,100 50.125 8)', 3857)",
                "ST_GeomFromText('CIRCULARSTRING(0 0,50 50,100 0)', 3857)",
                "ST_SetSRID(ST_MakePoint(111319.49079327358, 1.0/7), 3857)",
                "ST_GeomFromText('POINT EMPTY', 3857)",
                "NULL",
                "ST_SetSRID(ST_MakePoint('NaN', 1), 3857)",
            ),
            1,
        ):
            values = f"({number}, $${HOSTILE}$$, 1.10, '{{a,b}}', '{{\"floor\": [1, null]}}', '2026-01-01 02:00+02', {place})"
            insert = f'SET search_path = public, gis; INSERT INTO "odd ""place"" [/b] 100%" VALUES {values}'  # noqa: S608
            await run_script(made, insert)
        yield made


async def test_every_kind_of_geometry_is_read_back_by_others(gis: Database, tmp_path: Path) -> None:
    told: list[BulkProgress] = []
    async with exports_of(gis) as exports:
        geojson, text, drawing = (tmp_path / name for name in ("a.geojson", "a.csv", "a.dxf"))
        written = await exports.write(WHOLE, FileFormat.GEOJSON, geojson, progress=told.append)
        await exports.write(WHOLE, FileFormat.CSV, text)
        drawn = await exports.write(WHOLE, FileFormat.DXF, drawing)
        assert await gis.run("SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in%'") == []
    assert written.objects == 7
    assert written.notes[0].endswith("not of numbers: 2 objects.")
    assert told[-1].done == 7 < told[-1].total

    features = json.loads(geojson.read_bytes())["features"]
    assert [one["id"] for one in features] == [1, 2, 3, 4, 5, 6, 7]
    assert features[0]["properties"] == {
        "id": 1, 'a "%s $1" name': HOSTILE, "price": 1.10, "tags": ["a", "b"], "more": {"floor": [1, None]},
        "at": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    [outside, hole] = features[0]["geometry"]["coordinates"]
    assert (_turn(outside), _turn(hole)) == ("left", "right"), "the right-hand rule of RFC 7946"
    assert features[1]["geometry"]["coordinates"][1][2] == 8
    assert len(features[2]["geometry"]["coordinates"]) > 10, "an arc in pieces"
    assert features[3]["geometry"]["coordinates"] == pytest.approx([1.0, 1 / 7 / 111319.49079327358])
    assert [one["geometry"] for one in features[4:]] == [None, None, None]

    titles, *rows = csv.reader(text.read_bytes().decode().splitlines(keepends=True))
    assert titles == [one.name for one in LAYER.attributes] + ["geom"]
    assert rows[0][1] == f"'{HOSTILE}", "no formula for a spreadsheet"
    assert rows[0][2:6] == ["1.10", "{a,b}", '{"floor": [1, null]}', "2026-01-01 00:00:00+00"]
    assert rows[3][6] == "POINT(111319.49079327358 0.14285714285714285)"
    assert [row[6] for row in rows[4:]] == ["POINT EMPTY", "", "POINT(NaN 1)"]

    model = readfile(drawing).modelspace()
    kinds = [one.dxftype() for one in model]
    assert kinds.count("TEXT") == 4
    assert [kind for kind in kinds if kind != "TEXT"] == ["POLYLINE"] * 4 + ["POINT"]
    [point] = model.query("POINT")
    assert tuple(point.dxf.location) == (111319.49079327358, 1 / 7, 0)
    assert {one.dxf.layer for one in model} == {"odd__place____b__100_"}
    label = model.query("TEXT").first
    assert label is not None
    assert decode_dxf_unicode(label.dxf.text) == "=cmd|'/c calc'!A0 [/foo] \"é?  ]0;t  0 EOF"
    assert drawn.notes[0].endswith("drawn: 3 objects.")


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def full_disk() -> BinaryIO:
    return Path("/dev/full").open("wb", 0)


def _on_a_full_disk(_descriptor: int) -> None:
    with full_disk() as full:
        full.write(b"x")


def _turn(ring: list[list[float]]) -> str:
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))
    return "left" if area > 0 else "right"


async def test_the_view_the_selection_and_the_filter_say_what_is_written(
    gis: Database, tmp_path: Path
) -> None:
    async with exports_of(gis) as exports:

        async def ids(extract: Extract, srid: int | None = None) -> list[int]:
            file = tmp_path / "part.csv"
            await exports.write(replace(extract, srid=srid), FileFormat.CSV, file, overwrite=True)
            return [
                int(row["id"]) for row in csv.DictReader(file.read_bytes().decode().splitlines(keepends=True))
            ]

        assert await ids(replace(WHOLE, envelope=Envelope(0.5, -1, 1.5, 1), envelope_srid=4326)) == [4]
        assert await ids(replace(WHOLE, keys=(("2",), ("7",), ("99",)))) == [2, 7]
        assert await ids(replace(WHOLE, only=LayerFilter(equal={"id": "3"})), srid=4326) == [3]
        with pytest.raises(BadInput, match="no column"):
            await ids(replace(WHOLE, only=LayerFilter(equal={"x' OR 1=1 --": "3"})))
        with pytest.raises(OperationRefused, match="no primary key"):
            await ids(Extract(replace(LAYER, key=()), keys=(("2",),)))
        with pytest.raises(BadInput, match="EPSG:4326"):
            await exports.write(replace(WHOLE, srid=3857), FileFormat.GEOJSON, tmp_path / "no.geojson")
        with pytest.raises(QueryFailed):
            await ids(WHOLE, srid=999)
        # What is nowhere in one SRID is nowhere in any, and keeps nothing else from being written.
        assert await ids(replace(WHOLE, keys=(("4",), ("5",), ("6",), ("7",))), srid=25832) == [4, 5, 6, 7]
        degrees = replace(LAYER, name=LayerName("public", "degrees", "geom"), srid=25832, attributes=())
        await run_script(
            gis,
            "CREATE TABLE degrees (id int PRIMARY KEY, geom gis.geometry); INSERT INTO degrees "
            "VALUES (1, 'SRID=25832;POINT(500000 0)'), (2, gis.ST_SetSRID(gis.ST_MakePoint('NaN', 1), 25832)), "
            "(3, 'SRID=25832;POINT EMPTY'), (4, gis.ST_SetSRID(gis.ST_MakePoint('Infinity', 1), 25832))",
        )
        for layer in (degrees, replace(degrees, shape="POINT"), replace(degrees, srid=None)):
            file = tmp_path / "part.csv"
            written = await exports.write(Extract(layer), FileFormat.GEOJSON, file, overwrite=True)
            [first, *others] = [one["geometry"] for one in json.loads(file.read_bytes())["features"]]
            assert first["coordinates"] == pytest.approx([9, 0])
            assert (others, written.notes[-1][-10:]) == ([None] * 3, "3 objects.")
            if layer.srid:
                drawn = await exports.write(Extract(layer, srid=4326), FileFormat.DXF, file, overwrite=True)
                assert drawn.notes[-1].endswith("3 objects.")
                assert len(readfile(file).modelspace().query("POINT")) == 1
        # A table without a key is known by where its rows are.
        places = await gis.run(f'SELECT ctid::text FROM "{ODD.replace(chr(34), chr(34) * 2)}" WHERE id = 5')  # noqa: S608
        assert await ids(Extract(replace(LAYER, key=("ctid",)), keys=((places[0]["ctid"],),))) == [5]
    assert names(tmp_path) == ["part.csv"]


async def test_nothing_is_left_of_what_could_not_be_written(
    gis: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = f'"{ODD.replace(chr(34), chr(34) * 2)}"'
    view = f"CREATE VIEW slow AS TABLE {table} UNION ALL SELECT t.* FROM {table} AS t, pg_sleep(20)"  # noqa: S608
    await run_script(gis, view)
    slow = Extract(replace(LAYER, name=replace(LAYER.name, table="slow"), relation=RelationKind.VIEW))
    kept = tmp_path / "kept.csv"
    kept.write_text("mine")
    running = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    async with exports_of(gis) as exports:
        os.mkfifo(tmp_path / "pipe")
        for file, said in (
            (kept, "There is a file"),
            (tmp_path, "is a folder"),
            (tmp_path / "no" / "folder.csv", "No such file"),
            (kept / "a.csv", "Not a directory"),
            (tmp_path / ("x" * 300), "File name too long"),
        ):
            with pytest.raises(BadInput, match=said):
                await exports.write(WHOLE, FileFormat.CSV, file)
        with pytest.raises(BadInput, match="is a device or a pipe"):
            await exports.write(WHOLE, FileFormat.CSV, tmp_path / "pipe", overwrite=True)
        assert (tmp_path / "pipe").is_fifo()
        (tmp_path / "pipe").unlink()
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", _on_a_full_disk)
            with pytest.raises(DbconsoleError, match="could not be written: No space left"):
                await exports.write(WHOLE, FileFormat.CSV, tmp_path / "late.csv")
        with pytest.raises(DbconsoleError, match="could not be written: No space left"), full_disk() as full:
            await exports.write_to(WHOLE, FileFormat.CSV, full)
        exporting = asyncio.create_task(exports.write(slow, FileFormat.CSV, tmp_path / "slow.csv"))

        async def is_running() -> bool:
            return bool(await gis.run(running))

        await until(is_running)
        assert [name[-5:] for name in names(tmp_path)] == [".part", "t.csv"]
        exporting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await exporting

        async def is_over() -> bool:
            return not await is_running()

        await until(is_over, 5)
    async with exports_of(gis, user="plain") as exports:
        with pytest.raises(QueryDenied, match="permission denied"):
            await exports.write(WHOLE, FileFormat.CSV, tmp_path / "denied.csv")
    assert names(tmp_path) == ["kept.csv"]
    assert kept.read_text() == "mine"


async def test_core_points_and_what_has_no_srid(
    postgres: PostgresCluster, gis: Database, tmp_path: Path
) -> None:
    layer = replace(
        LAYER, name=LayerName("public", "pins", "at"), kind=GeometryKind.POINT, shape="POINT", srid=None, key=("ctid",),
        attributes=(),
    )  # fmt: skip
    async with database(postgres) as made, exports_of(made) as exports:
        await run_script(
            made, "CREATE TABLE pins (at point); INSERT INTO pins VALUES ('(0.1,-2)'), ('(NaN,1)'), (NULL)"
        )
        file = tmp_path / "pins"
        written = await exports.write(Extract(layer), FileFormat.GEOJSON, file)
        assert "no SRID" in written.notes[0]
        [one, *others] = json.loads(file.read_bytes())["features"]
        assert one == {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [0.1, -2]},
            "properties": {},
        }
        assert [other["geometry"] for other in others] == [None, None]
        box = Extract(layer, envelope=Envelope(0, -3, 1, 3))
        await exports.write(box, FileFormat.CSV, file, overwrite=True)
        assert file.read_text() == "at\nPOINT(0.1 -2)\n"
        await exports.write(box, FileFormat.DXF, file, overwrite=True)
        [point] = readfile(file).modelspace()
        assert tuple(point.dxf.location) == (0.1, -2, 0)
        with pytest.raises(OperationRefused, match=r"has no SRID, so that nothing can be written in 3857"):
            await exports.write(replace(box, srid=3857), FileFormat.CSV, file, overwrite=True)
    # Rows of several SRIDs in one column: each is transformed from its own.
    await run_script(
        gis,
        """
        CREATE TABLE mixed (id int PRIMARY KEY, place gis.geometry);
        INSERT INTO mixed VALUES (1, gis.ST_SetSRID(gis.ST_MakePoint(111319.49079327358, 0), 3857)),
            (2, gis.ST_SetSRID(gis.ST_MakePoint(2, 0), 4326)), (3, gis.ST_MakePoint(3, 0))""",
    )
    mixed = replace(
        LAYER, name=LayerName("public", "mixed", "place"), srid=None, attributes=(Attribute("id", "integer"),)
    )
    async with exports_of(gis) as exports:
        await exports.write(Extract(mixed), FileFormat.GEOJSON, file, overwrite=True)
        found = [one["geometry"]["coordinates"][0] for one in json.loads(file.read_bytes())["features"]]
        assert found == pytest.approx([1, 2, 3])
        await exports.write(Extract(mixed), FileFormat.CSV, file, overwrite=True)
        assert "2,SRID=4326;POINT(2 0)" in file.read_text()
