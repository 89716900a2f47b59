"""Changes of objects on real servers, with PostGIS and without: each whole or not at all, and taken back as it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest

from console.data.audit import AuditFile
from console.data.spatial.context import SpatialContext
from console.data.spatial.edits import MOST_UNDONE, Edits
from console.data.spatial.line import MapLine
from console.errors import BadInput, ObjectMissing, OperationRefused, QueryDenied, QueryFailed
from console.models.layers import GeometryKind, Layer, LayerName, RelationKind
from console.models.map_edits import EditedObject, ObjectDraft, TieFate
from console.models.operation import Danger
from console.settings import Settings
from tests.accounts import recorded, run_script, trail
from tests.audit_trail import broken_rows
from tests.live import connected, until
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster

HOSTILE = "[/foo][@click=app.bell]'\"; DROP TABLE objects; -- 100%_\\ \x1b]0;t\x07 $1 :x"

LAYER = Layer(
    name=LayerName("arxos_cad", "objects", "geometry"),
    kind=GeometryKind.GEOMETRY,
    shape="POINT",
    srid=4326,
    is_geographic=True,
    relation=RelationKind.TABLE,
    rows=4,
    size=8192,
    has_index=True,
    is_analysed=True,
    may_read=True,
    may_write=True,
    key=("id",),
    attributes=(),
)
CORE_LAYER = replace(LAYER, kind=GeometryKind.POINT, srid=None, is_geographic=False)

OBJECTS = """
INSERT INTO arxos_core.users (email) VALUES ('ada@example.com');
INSERT INTO arxos_core.projects (owner_id, name) SELECT id, 'Tower B' FROM arxos_core.users;
INSERT INTO arxos_cad.objects (object_id, object_type, name, geometry, properties, project_id, created_at, updated_at)
SELECT 'D-' || n, 'door', 'Door ' || n, {place}, '{{"floor": 12, "price": 1.10, "big": 12345678901234567890.5}}',
       (SELECT id FROM arxos_core.projects), '2026-01-01 03:04:05.678901+00', '2026-01-02 03:04:05+00'
FROM generate_series(1, 4) AS n;
INSERT INTO arxos_cad.constraints (constraint_id, constraint_type, object_ids, updated_at)
VALUES ('C-1', 'distance', '{{D-1,D-2,"D,\\"3"}}', '2026-01-02 03:04:05+00'), ('C-2', 'fixed', '{{D-1}}', '2026-01-02 03:04:05+00');
"""


@asynccontextmanager
async def platform(cluster: PostgresCluster, place: str) -> AsyncIterator[Database]:
    """A database with four doors, the first of them in two constraints."""
    async with database(cluster) as made:
        await made.upgrade("core@head", "cad@head")
        await run_script(made, OBJECTS.format(place=place))
        yield made


@pytest.fixture
async def gis(postgis: PostgresCluster) -> AsyncIterator[Database]:
    async with platform(postgis, "ST_SetSRID(ST_MakePoint(30 + n / 7.0, 59.9), 4326)") as made:
        yield made


@pytest.fixture(params=["postgis", "core"])
async def either(
    request: pytest.FixtureRequest, postgis: PostgresCluster, postgres: PostgresCluster
) -> AsyncIterator[tuple[Database, Layer]]:
    """Doors as PostGIS's geometry, then as PostgreSQL's own points."""
    if request.param == "postgis":
        async with platform(postgis, "ST_SetSRID(ST_MakePoint(30 + n / 7.0, 59.9), 4326)") as made:
            yield made, LAYER
    else:
        async with platform(postgres, "point(30 + n / 7.0, 59.9)") as made:
            yield made, CORE_LAYER


@asynccontextmanager
async def edits_of(
    made: Database, file: Path, *, user: str | None = None, **settings: Any
) -> AsyncIterator[Edits]:
    """The changes of a console on that database; `file` is the local audit file."""
    chosen = Settings(**settings)
    async with connected(made.cluster.url(user or made.user, made.name), chosen) as server:
        line = MapLine(server, chosen)
        yield Edits(SpatialContext(server, chosen, AuditFile(file), line))
        await line.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


async def rows(made: Database, table: str = "arxos_cad.objects", *, touched: bool = True) -> list[str]:
    """The rows of a table as text; without `touched` they say nothing of when they were changed."""
    row = "o::text" if touched else "(to_jsonb(o) - 'updated_at')::text"
    return [found["row"] for found in await made.run(f"SELECT {row} AS row FROM {table} AS o ORDER BY id")]  # noqa: S608


async def doors(edits: Edits, layer: Layer, *ids: int) -> tuple[EditedObject, ...]:
    return await edits.look(layer, [(str(id_),) for id_ in ids], layer.srid)


async def test_every_kind_of_change_is_made_whole_and_taken_back(
    either: tuple[Database, Layer], file: Path
) -> None:
    made, layer = either
    before, constraints = (
        await rows(made, touched=False),
        await rows(made, "arxos_cad.constraints", touched=False),
    )
    async with edits_of(made, file) as edits:
        [door] = await doors(edits, layer, 1)
        assert (door.label, door.shape) == ("door D-1", "POINT")
        assert door.x == pytest.approx(30 + 1 / 7)
        draft = ObjectDraft("S-1", "sensor", 30.25, 59.75, HOSTILE, '{"floor": 3, "a": ["x"]}', "Tower B")
        creation = await edits.creation(layer, draft, layer.srid)
        assert await rows(made, touched=False) == before, "nothing is done before it is confirmed"
        [key] = await edits.make(creation)
        [created] = await edits.look(layer, [key], layer.srid)
        assert (created.row["name"], created.x, created.y) == (HOSTILE, 30.25, 59.75)
        assert created.row["project_id"] == door.row["project_id"]

        await edits.make(await edits.setting([door], "name", HOSTILE))
        [door] = await doors(edits, layer, 1)
        await edits.make(await edits.moving_to(door, 30.5, 59.8125, layer.srid))
        two = await doors(edits, layer, 1, 2)
        assert (two[0].x, two[0].y) == (30.5, 59.8125)
        await edits.make(await edits.moving_by(two, 0.5, -0.25, layer.srid))
        two = await doors(edits, layer, 1, 2)
        assert (two[0].x, two[0].y) == (31.0, 59.5625)
        retyping = await edits.setting(two, "object_type", "gate")
        assert retyping.operation.object_name == "2 objects"
        await edits.make(retyping)
        [door] = await doors(edits, layer, 1)
        await edits.make(await edits.setting([door], "properties", '{"floor": 1.50}'))
        [door] = await doors(edits, layer, 1)
        assert door.row["properties"] == '{"floor": 1.50}'
        deletion = await edits.deletion(await doors(edits, layer, 1, 2), TieFate.TAKE_OUT)
        assert deletion.operation.danger is Danger.DESTRUCTIVE
        await edits.make(deletion)
        assert len(await rows(made)) == 3
        [left] = await made.run("SELECT object_ids FROM arxos_cad.constraints")
        assert left["object_ids"] == ['D,"3'], "the other constraint had nothing left"

        titles = []
        while edits.last is not None:
            titles.append((await edits.undoing()).operation.title)
            await edits.make(await edits.undoing())
        with pytest.raises(OperationRefused, match="nothing to take back"):
            await edits.undoing()
    assert titles[0] == "Undo: delete 2 CAD objects"
    assert titles[-1] == "Undo: create sensor S-1"
    assert await rows(made, touched=False) == before
    assert await rows(made, "arxos_cad.constraints", touched=False) == constraints
    written = await trail(made)
    assert [action for action, _ in written][:5] == [
        "cad_object.create", "cad_object.rename", "cad_object.move", "cad_object.move", "cad_object.move",
    ]  # fmt: skip
    renaming = written[1][1]
    assert (renaming["before"], renaming["after"]) == ({"name": "Door 1"}, {"name": HOSTILE})
    assert {action for action, _ in written} >= {
        "cad_object.delete",
        "cad_constraint.change",
        "cad_constraint.delete",
    }
    assert not await broken_rows(made.url)
    assert all(line["done"] for line in recorded(file))


async def test_what_is_deleted_comes_back_byte_by_byte(either: tuple[Database, Layer], file: Path) -> None:
    made, layer = either
    before, constraints = await rows(made), await rows(made, "arxos_cad.constraints")
    async with edits_of(made, file) as edits:
        for fate in (TieFate.DELETE, TieFate.LEAVE):
            door = await doors(edits, layer, 1)
            assert [tie.constraint_id for tie in await edits.ties(door)] == ["C-1", "C-2"]
            deletion = await edits.deletion(door, fate)
            said = " ".join(deletion.operation.consequences)
            assert 'C-1 (distance) ties it to D-2, D,"3' in said
            await edits.make(deletion)
            left = await made.run("SELECT FROM arxos_cad.constraints")
            assert len(left) == (0 if fate is TieFate.DELETE else 2)
            await edits.make(await edits.undoing())
            assert await rows(made) == before
            assert await rows(made, "arxos_cad.constraints") == constraints


async def test_the_statements_that_are_shown_can_be_run_as_they_are(
    either: tuple[Database, Layer], file: Path
) -> None:
    made, layer = either
    async with edits_of(made, file) as edits:
        draft = ObjectDraft("\\'100%", "sensor", -30.25, 1e-7, HOSTILE, '{"\\"": "\\\\"}')
        creation = await edits.creation(layer, draft, layer.srid)
        door = await doors(edits, layer, 1)
        planned = [
            creation,
            await edits.setting(door, "name", HOSTILE),
            await edits.moving_by(door, -0.5, 0.25, layer.srid),
            await edits.deletion(await doors(edits, layer, 2), TieFate.TAKE_OUT),
        ]
        for edit in planned:
            for statement in edit.operation.statements:
                await made.run(statement)
        [door1, created] = await doors(edits, layer, 1, 5)
    assert (door1.row["name"], door1.y) == (HOSTILE, 60.15)
    assert (created.row["object_id"], created.x, created.y) == ("\\'100%", -30.25, 1e-7)
    assert created.row["properties"] == '{"\\"": "\\\\"}'
    [left] = await made.run("SELECT object_ids FROM arxos_cad.constraints WHERE constraint_id = 'C-1'")
    assert left["object_ids"] == ["D-1", 'D,"3']
    text = "\n".join(statement for edit in planned for statement in edit.operation.statements)
    assert ("public.ST_MakePoint(-30.25, 1e-07)" if layer is LAYER else "point(-30.25, 1e-07)") in text


async def test_what_somebody_changed_meanwhile_is_left_alone(gis: Database, file: Path) -> None:
    async with edits_of(gis, file) as edits:
        door = await doors(edits, LAYER, 1)
        renaming = await edits.setting(door, "name", "mine")
        await gis.run("UPDATE arxos_cad.objects SET name = 'theirs' WHERE id = 1")
        with pytest.raises(
            OperationRefused, match=r"changed the row 1 of arxos_cad.objects meanwhile \(name, updated_at\)"
        ):
            await edits.make(renaming)
        assert edits.last is None

        # A constraint that came after the question what becomes of those that there are.
        deletion = await edits.deletion(await doors(edits, LAYER, 4), TieFate.DELETE)
        await gis.run(
            "INSERT INTO arxos_cad.constraints (constraint_id, constraint_type, object_ids) VALUES ('C-3', 'x', '{D-4}')"
        )
        with pytest.raises(OperationRefused, match="the constraint C-3 came or went meanwhile"):
            await edits.make(deletion)

        # What was changed since is not taken back; the change before it still is.
        await edits.make(await edits.setting(await doors(edits, LAYER, 2), "name", "first"))
        await edits.make(await edits.setting(await doors(edits, LAYER, 3), "name", "second"))
        draft = ObjectDraft("N-1", "node", 1, 1)
        [key] = await edits.make(await edits.creation(LAYER, draft, 4326))
        await gis.run("UPDATE arxos_cad.constraints SET object_ids = '{N-1}' WHERE constraint_id = 'C-3'")
        with pytest.raises(OperationRefused, match="the constraint C-3 came or went"):
            await edits.undoing()
        await gis.run("DELETE FROM arxos_cad.objects WHERE id = 3")
        with pytest.raises(OperationRefused, match=r"the row 3 of .* is not there any more"):
            await edits.undoing()
        undoing = await edits.undoing()
        assert (undoing.operation.action, undoing.operation.consequences) == (
            "Undo",
            ("name is Door 2 again.",),
        )
        await edits.make(undoing)
        assert (await doors(edits, LAYER, 2))[0].row["name"] == "Door 2"
        assert edits.last is None

        deletion = await edits.deletion(await doors(edits, LAYER, int(key[0])), TieFate.LEAVE)
        await edits.make(deletion)
        await gis.run(
            "INSERT INTO arxos_cad.objects (id, object_id, object_type) VALUES ($1, 'N-1', 'x')", int(key[0])
        )
        with pytest.raises(OperationRefused, match="is there again"):
            await edits.undoing()

        for number in range(MOST_UNDONE + 1):
            await edits.make(await edits.setting(await doors(edits, LAYER, 2), "name", f"name {number}"))
        for _ in range(MOST_UNDONE):
            await edits.make(await edits.undoing())
        assert edits.last is None
        assert (await doors(edits, LAYER, 2))[0].row["name"] == "name 0"
    [row] = await gis.run("SELECT name FROM arxos_cad.objects WHERE id = 1")
    assert row["name"] == "theirs"


KEEPS_DOORS = """
CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep BEFORE DELETE ON arxos_cad.objects FOR EACH ROW WHEN (OLD.id = 4) EXECUTE FUNCTION public.keep();
"""


async def test_what_cannot_be_is_refused_before_it_is_confirmed(gis: Database, file: Path) -> None:
    before = await rows(gis)
    async with edits_of(gis, file) as edits:
        [door] = await doors(edits, LAYER, 1)
        for x, y in ((nan, 1.0), (1.0, inf)):
            with pytest.raises(BadInput, match="two numbers"):
                await edits.moving_to(door, x, y, 4326)
        outside = await edits.moving_to(door, 200.0, 95.0, 4326)
        assert any("outside the bounds of SRID 4326" in said for said in outside.operation.consequences)
        with pytest.raises(BadInput, match="The server says"):
            await edits.moving_to(door, 1e30, 1e30, 32633)
        for column, value, words in (
            ("properties", "{", "no JSON"),
            ("properties", "[1]", "JSON object"),
            ("properties", '{"a": NaN}', "no number of JSON"),
            ("properties", '{"a": "\\u0000"}', "The server says"),
            ("properties", "{" * 100_000, "nested too deeply|no JSON"),
            ("properties", None, "cannot be NULL"),
            ("name", "x" * 256, "255 characters at most"),
            ("name", "\0", "does not keep"),
            ("name", "\ud800", "does not keep"),
            ("name", "Door 1", "Nothing would be different"),
            ("object_type", "", "needs an id and a type"),
            ("project_id", "Tower C", "no project Tower C"),
            ("created_at", "yesterday or so", "The server says: invalid input syntax"),
        ):
            with pytest.raises(BadInput, match=words):
                await edits.setting([door], column, value)
        with pytest.raises(OperationRefused, match="cannot be changed by itself"):
            await edits.setting([door], "id", "7")
        with pytest.raises(ObjectMissing, match="has no column colour"):
            await edits.setting([door], "colour", "red")
        with pytest.raises(BadInput, match="There is an object D-1 already"):
            await edits.creation(LAYER, ObjectDraft("D-1", "door", 1, 1), 4326)
        with pytest.raises(OperationRefused, match="The object 99 is not there any more"):
            await doors(edits, LAYER, 99)
        # What only the server's own rules refuse leaves nothing behind either.
        taken = await edits.setting([door], "object_id", "D-2")
        assert any("C-1, C-2" in said for said in taken.operation.consequences)
        with pytest.raises(QueryFailed, match="duplicate key"):
            await edits.make(taken)
        await run_script(gis, KEEPS_DOORS)
        with pytest.raises(OperationRefused, match="wrote 1 of 2 rows"):
            await edits.make(await edits.deletion(await doors(edits, LAYER, 1, 4), TieFate.DELETE))
        assert edits.last is None
        for layer, words in (
            (replace(LAYER, relation=RelationKind.VIEW), "is a view"),
            (replace(LAYER, key=("ctid",)), "no primary key"),
            (replace(LAYER, key=()), "no primary key"),
            (replace(LAYER, may_write=False), "GRANT INSERT, UPDATE, DELETE"),
        ):
            with pytest.raises(OperationRefused, match=words):
                await doors(edits, layer, 1)
        with pytest.raises(OperationRefused, match="500 can be changed at once"):
            await edits.look(LAYER, [("1",)] * 501, 4326)
    assert await rows(gis) == before
    assert not await trail(gis)
    async with edits_of(gis, file, read_only=True) as edits:
        with pytest.raises(OperationRefused, match="--read-only"):
            await doors(edits, LAYER, 1)
        for edit in (outside, taken):
            with pytest.raises(OperationRefused, match="--read-only"):
                await edits.make(edit)
    async with edits_of(gis, file) as edits:
        server = edits._context.server
        assert server.capabilities is not None
        server.capabilities = replace(server.capabilities, in_recovery=True)
        with pytest.raises(OperationRefused, match="standby"):
            await edits.make(outside)
    async with edits_of(gis, file, user="plain") as edits:
        with pytest.raises(QueryDenied):
            await edits.make(outside)
    assert await rows(gis) == before


COMMITS_SLOWLY = """
CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(20); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER wait AFTER UPDATE ON arxos_cad.objects DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION public.wait();
"""


async def test_a_change_that_was_given_up_at_its_end_is_in_the_audit_file(gis: Database, file: Path) -> None:
    async with edits_of(gis, file) as edits:
        renaming = await edits.setting(await doors(edits, LAYER, 1), "name", "mine")
        await run_script(gis, COMMITS_SLOWLY)
        making = asyncio.create_task(edits.make(renaming))

        async def is_committing() -> bool:
            return bool(await gis.run("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))

        await until(is_committing)
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making
        [line] = recorded(file)
        assert not line["done"]
        assert line["outcome"].startswith(
            "It was given up before the server said whether this is done: Rename door D-1."
        )
        assert edits.last is None
        await run_script(gis, "DROP TRIGGER wait ON arxos_cad.objects")
        await edits.make(renaming)
    [row] = await gis.run("SELECT name FROM arxos_cad.objects WHERE id = 1")
    assert row["name"] == "mine"


OTHER_LAYERS = """
CREATE SCHEMA gis;
CREATE EXTENSION postgis SCHEMA gis;
CREATE SCHEMA "My ""place"" here";
SET search_path = pg_catalog;
CREATE TABLE "My ""place"" here"."The areas" (
    "the key" uuid DEFAULT gen_random_uuid(), part text, "order" numeric(6,2), flags bit(3), code char(5),
    area gis.geometry(PolygonZ,3857), doubled numeric GENERATED ALWAYS AS ("order" * 2) STORED,
    number int GENERATED ALWAYS AS IDENTITY, PRIMARY KEY ("the key", part)
);
INSERT INTO "My ""place"" here"."The areas" ("the key", part, "order", flags, code, area)
VALUES ('00000000-0000-0000-0000-000000000001', 'a''b', 1.5, B'101', 'ab', 'SRID=3857;POLYGON Z ((0 0 1, 10 0 2, 10 10 3, 0 0 1))'),
       ('00000000-0000-0000-0000-000000000002', 'c', NULL, NULL, NULL, NULL);
CREATE TABLE public.seen (
    id bigint PRIMARY KEY, spot gis.geography(PointZ),
    "key" uuid, part text, FOREIGN KEY ("key", part) REFERENCES "My ""place"" here"."The areas" ON DELETE CASCADE
);
INSERT INTO public.seen (id, spot) VALUES (7, 'SRID=4326;POINT Z (30 60 5)');
CREATE TABLE public.mixed (id int PRIMARY KEY, spot gis.geometry);
INSERT INTO public.mixed VALUES (1, 'SRID=3857;POINT(1 2)'), (2, NULL), (3, 'SRID=4326;POINT EMPTY');
CREATE TABLE public.spots (id text PRIMARY KEY, spot point);
INSERT INTO public.spots VALUES ('a', NULL), ('b', '(0.1,0.2)');
"""


async def test_any_layer_with_a_key_is_changed_wherever_postgis_is(
    postgis: PostgresCluster, file: Path
) -> None:
    areas = replace(
        LAYER,
        name=LayerName('My "place" here', "The areas", "area"),
        shape="POLYGON",
        srid=3857,
        is_geographic=False,
        key=("the key", "part"),
    )
    seen = replace(LAYER, name=LayerName("public", "seen", "spot"), kind=GeometryKind.GEOGRAPHY)
    spots = replace(CORE_LAYER, name=LayerName("public", "spots", "spot"))
    mixed = replace(
        LAYER, name=LayerName("public", "mixed", "spot"), shape="GEOMETRY", srid=None, is_geographic=False
    )
    first = ("00000000-0000-0000-0000-000000000001", "a'b")
    table = '"My ""place"" here"."The areas"'

    async def all_rows(made: Database) -> list[list[Any]]:
        return [
            await made.run(f"SELECT o::text FROM {name} AS o ORDER BY 1")  # noqa: S608
            for name in (table, "public.seen", "public.spots", "public.mixed")
        ]

    async with database(postgis) as made, edits_of(made, file) as edits:
        await run_script(made, OTHER_LAYERS)
        before = await all_rows(made)
        [area] = await edits.look(areas, [first], 4326)
        assert (area.shape, area.is_flat) == ("POLYGON", False)
        assert area.x == pytest.approx(5 / 111319.49)
        # By ten metres, given in degrees; the heights stay.
        moving = await edits.moving_by([area], 10 / 111319.49079327358, 0.0, 4326)
        assert moving.operation.object_name == f"{first[0]},a'b"
        await edits.make(moving)
        [row] = await made.run(
            f"SELECT round(gis.ST_XMax(area)), gis.ST_ZMax(area), gis.ST_SRID(area) FROM {table} WHERE part <> 'c'"  # noqa: S608
        )
        assert tuple(row) == (20, 3, 3857)
        for column, value in (("order", "2.25"), ("flags", "111"), ("code", "xyz")):
            await edits.make(await edits.setting(await edits.look(areas, [first], None), column, value))
        [row] = await made.run(f"SELECT \"order\", doubled, flags::text, code FROM {table} WHERE part <> 'c'")  # noqa: S608
        assert [str(value) for value in row] == ["2.25", "4.50", "111", "xyz  "]
        [empty] = await edits.look(areas, [("00000000-0000-0000-0000-000000000002", "c")], None)
        with pytest.raises(OperationRefused, match="no geometry that could be moved"):
            await edits.moving_to(empty, 0, 0, None)
        deletion = await edits.deletion(await edits.look(areas, [first], None), TieFate.LEAVE)
        assert any("public.seen" in said and "no undo" in said for said in deletion.operation.consequences)
        await edits.make(deletion)

        [bird] = await edits.look(seen, [("7",)], 3857)
        await edits.make(await edits.moving_to(bird, 0.0, 0.0, 3857))
        [row] = await made.run("SELECT gis.ST_AsText(spot, 6) AS spot FROM public.seen")
        assert row["spot"] in ("POINT Z (0 0 5)", "POINT Z (-0 0 5)", "POINT Z (0 -0 5)", "POINT Z (-0 -0 5)")
        # Where the layer does not say which SRID it has, each row keeps its own.
        for one in await edits.look(mixed, [("1",), ("3",)], None):
            await edits.make(await edits.moving_to(one, 7.0, 8.0, None))
        [unknown] = await edits.look(mixed, [("2",)], None)
        with pytest.raises(OperationRefused, match="no geometry that could be moved"):
            await edits.moving_to(unknown, 7.0, 8.0, None)
        found = await made.run("SELECT gis.ST_AsEWKT(spot) AS spot FROM public.mixed ORDER BY id")
        assert [row["spot"] for row in found] == ["SRID=3857;POINT(7 8)", None, "SRID=4326;POINT(7 8)"]
        [nowhere, somewhere] = await edits.look(spots, [("a",), ("b",)], None)
        await edits.make(await edits.moving_to(nowhere, 0.1, 1 / 3, None))
        await edits.make(await edits.moving_by([somewhere], 0.1, 0.1, None))
        with pytest.raises(OperationRefused, match="has no SRID, and the map is in SRID 4326"):
            await edits.look(spots, [("a",)], 4326)

        while edits.last is not None:
            await edits.make(await edits.undoing())
        assert await all_rows(made) == before
    assert len(recorded(file)) == 20, "there is no trail in this database: the local file has all of it"
