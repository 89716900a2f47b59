"""What a plan takes away, held against real servers."""

from __future__ import annotations

import time
from typing import Any

import pytest
from alembic.script import ScriptDirectory

from console.data.migrations import losses as module
from console.data.migrations.hazards import hazards
from console.data.migrations.losses import losses, widens
from console.data.migrations.script import split
from console.data.server import Server
from console.models.migrations import Direction, Loss, LossKind, Plan
from tests.live import connected
from tests.migration_plans import plan_of, served
from tests.platform_schema import config, database, script
from tests.postgres import PostgresCluster

SCHEMA = """
CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('good', 'bad');
CREATE TABLE shop.orders (
    id serial PRIMARY KEY, note varchar(20), mood shop.mood, code text UNIQUE, amount numeric(10, 2)
);
INSERT INTO shop.orders (note) SELECT CASE WHEN n % 4 > 0 THEN 'x' END FROM generate_series(1, 1000) n;
CREATE INDEX orders_note ON shop.orders (note);
CREATE TABLE "Items" (id int, "order" int CONSTRAINT items_order REFERENCES shop.orders (id));
INSERT INTO "Items" SELECT n, n FROM generate_series(1, 7) n;
CREATE VIEW notes AS SELECT note FROM shop.orders;
CREATE MATERIALIZED VIEW note_counts AS SELECT note, count(*) FROM notes GROUP BY 1;
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON "Items" FOR EACH ROW EXECUTE FUNCTION shop.touch();
CREATE TABLE days (day date) PARTITION BY RANGE (day);
CREATE TABLE day_1 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2026-01-02');
INSERT INTO days SELECT '2026-01-01' FROM generate_series(1, 30);
CREATE TABLE alembic_version (version_num text);
CREATE SEQUENCE numbers;
GRANT SELECT ON days TO plain;
DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = shop, public', current_database()); END$$
"""


def down(*steps: tuple[str, ...]) -> Plan:
    return plan_of(*steps, direction=Direction.DOWNGRADE)


def told(found: tuple[Loss, ...]) -> list[tuple[str, str, int | None]]:
    return [(loss.kind.value, loss.name, loss.rows) for loss in found]


async def test_what_a_downgrade_names_is_counted(every_postgres: PostgresCluster) -> None:
    plan = down(
        ("DROP INDEX shop.orders_note", "ALTER TABLE orders DROP COLUMN note, DROP COLUMN IF EXISTS mood"),
        ('DROP TABLE "Items"', "DROP TABLE IF EXISTS days, nothing", "DELETE FROM alembic_version"),
        ("DROP TYPE shop.mood", "DROP FUNCTION touch()", "DROP SEQUENCE numbers"),
        ("DROP SCHEMA shop",),
    )
    async with served(every_postgres, SCHEMA) as (server, other):
        found = await losses(plan, server)
        sizes = [
            await other.fetchval(f"SELECT pg_total_relation_size('{name}')")
            for name in ("shop.orders_note", '"Items"', "day_1")
        ]
    assert told(found) == [
        ("index", "shop.orders_note", None),
        ("column", "shop.orders.note", 750),
        ("column", "shop.orders.mood", 0),
        ("table", 'public."Items"', 7),
        ("table", "public.days", 30),
        ("type", "shop.mood", None),
        ("function", "shop.touch()", None),
        ("other", "the sequence public.numbers is dropped", None),
        ("schema", "shop", None),
    ]
    assert [found[index].bytes for index in (0, 3, 4)] == sizes
    assert [loss.is_exact for loss in found[:5]] == [False, True, True, True, True]
    assert [loss.revision for loss in found] == ["r0", "r0", "r0", "r1", "r1", "r2", "r2", "r2", "r3"]


async def really_gone(server: PostgresCluster, statement: str) -> tuple[tuple[Loss, ...], set[str]]:
    """What is said of a statement, and which tables, views and foreign keys are gone when it has run."""
    listing = (
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'v', 'm', 'p') AND NOT relispartition"
        " AND relnamespace IN ('public'::regnamespace, to_regnamespace('shop'))"
        " UNION SELECT conname FROM pg_constraint WHERE contype = 'f'"
    )
    async with served(server, SCHEMA) as (console, other):
        found = await losses(down((statement,)), console)
        before = {row[0] for row in await other.fetch(listing)}
        await other.execute(statement)
        after = {row[0] for row in await other.fetch(listing)}
    return found, before - after


async def test_what_falls_with_cascade(every_postgres: PostgresCluster) -> None:
    found, gone = await really_gone(every_postgres, "DROP TABLE orders CASCADE")
    assert gone == {"orders", "notes", "note_counts", "items_order"}
    assert told(found) == [
        ("other", 'the foreign key items_order on public."Items" is dropped', None),
        ("table", "shop.orders", 1000),
        ("view", "public.note_counts", 2),
        ("view", "public.notes", None),
    ]


async def test_a_schema_with_all_that_is_in_it(every_postgres: PostgresCluster) -> None:
    found, gone = await really_gone(every_postgres, "DROP SCHEMA IF EXISTS shop CASCADE")
    assert gone == {"orders", "notes", "note_counts", "items_order"}
    assert told(found) == [
        ("other", 'the foreign key items_order on public."Items" is dropped', None),
        ("function", "shop.touch()", None),
        ("schema", "shop", None),
        ("table", "shop.orders", 1000),
        ("other", 'the trigger touched on public."Items" is dropped', None),
        ("type", "shop.mood", None),
        ("view", "public.note_counts", 2),
        ("view", "public.notes", None),
    ]


async def test_what_falls_with_a_column_and_with_a_type(postgres: PostgresCluster) -> None:
    plan = down(("ALTER TABLE orders DROP COLUMN note CASCADE",), ("DROP TYPE mood CASCADE",))
    async with served(postgres, SCHEMA) as (server, _):
        found = await losses(plan, server)
    assert told(found) == [
        ("column", "shop.orders.note", 750),
        ("index", "shop.orders_note", None),
        ("view", "public.note_counts", 2),
        ("view", "public.notes", None),
        ("column", "shop.orders.mood", 0),
        ("type", "shop.mood", None),
    ]


async def test_constraints_and_types_of_columns(postgres: PostgresCluster) -> None:
    plan = down(
        (
            'ALTER TABLE "Items" DROP CONSTRAINT items_order',
            "ALTER TABLE orders DROP CONSTRAINT orders_code_key",
            "ALTER TABLE orders ALTER note TYPE varchar(10) USING left(note, 10)",
            "ALTER TABLE orders ALTER COLUMN note SET DATA TYPE text, ALTER id TYPE bigint",
            'DROP TRIGGER touched ON "Items"',
        ),
    )
    async with served(postgres, SCHEMA) as (server, _):
        found = await losses(plan, server)
    assert [(loss.kind.value, loss.name) for loss in found] == [
        ("other", 'the foreign key items_order on public."Items" is dropped'),
        ("index", "shop.orders_code_key"),
        (
            "other",
            "the column shop.orders.note changes from character varying(20) to varchar(10):"
            " values may be cut or refused",
        ),
        ("other", 'the trigger touched on public."Items" is dropped'),
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("integer", "int8", True),
        ("bigint", "integer", False),
        ("character varying(20)", "character varying(20)", True),
        ("character varying(20)", "varchar", True),
        ("character varying", "varchar(5)", False),
        ("text", "varchar", True),
        ("character(3)", "char", False),
        ("numeric(10,2)", "numeric(12,2)", True),
        ("numeric(10,2)", "numeric(10, 4)", False),
        ("jsonb", "json", False),
    ],
)
def test_whether_a_type_keeps_every_value(old: str, new: str, expected: bool) -> None:
    assert widens(old, new) is expected


async def test_rows_that_are_deleted(postgres: PostgresCluster) -> None:
    plan = down(
        ("TRUNCATE orders CASCADE", 'DELETE FROM "Items"', "DELETE FROM days WHERE day < now()"),
        ("DELETE FROM ONLY public.days",),
    )
    async with served(postgres, SCHEMA) as (server, _):
        found = await losses(plan, server)
    assert {loss.kind for loss in found} == {LossKind.ROWS}
    assert [(loss.name, loss.rows) for loss in found] == [
        ('public."Items"', 7),
        ("shop.orders", 1000),
        ("public.days (those that its WHERE selects)", None),
        ("public.days", 30),
    ]


async def test_what_the_plan_made_itself_is_no_loss_and_what_it_renamed_is(postgres: PostgresCluster) -> None:
    plan = plan_of(
        ("CREATE TABLE made (x int)", "INSERT INTO made VALUES (1)", "DROP TABLE made"),
        ("ALTER TABLE orders RENAME COLUMN note TO remark", "ALTER TABLE orders DROP COLUMN remark"),
        ("ALTER TABLE shop.orders RENAME TO bills", "DROP TABLE shop.bills"),
    )
    async with served(postgres, SCHEMA) as (server, _):
        found = await losses(plan, server)
    assert told(found) == [("column", "shop.orders.note", 750), ("table", "shop.orders", 1000)]


async def test_code_that_cannot_be_read_is_said_once_for_each_revision(postgres: PostgresCluster) -> None:
    block = "DO LANGUAGE plpgsql $$BEGIN DROP TABLE orders; END$$"
    plan = down((block, block, "DO $$BEGIN RAISE NOTICE 'hello'; END$$"), ("CALL cleanup()",))
    async with served(postgres, SCHEMA) as (server, _):
        found = await losses(plan, server)
    assert [(loss.revision, loss.kind, loss.name.split(" cannot")[0]) for loss in found] == [
        ("r0", LossKind.OTHER, "what its DO runs"),
        ("r1", LossKind.OTHER, "what its CALL runs"),
    ]


async def test_a_large_table_is_estimated(postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUICK_ROWS", 10)
    monkeypatch.setattr(module, "QUICK_BYTES", 10)
    plan = down(("ALTER TABLE orders DROP COLUMN note", 'DROP TABLE "Items"', "DROP TABLE orders"))
    async with served(postgres, SCHEMA) as (server, other):
        never_analysed = await losses(plan, server)
        await other.execute("ANALYZE shop.orders")
        estimated = await losses(plan, server)
    assert [loss.rows for loss in never_analysed] == [None, None, 1000], "creating an index counts the rows"
    assert [(loss.rows, loss.is_exact) for loss in estimated] == [(750, False), (None, False), (1000, False)]
    assert all(loss.bytes for loss in estimated[1:])


async def test_what_may_not_be_read_is_estimated(postgres: PostgresCluster) -> None:
    """One table that is denied keeps no other from being counted."""
    plan = down(("DROP TABLE shop.orders", "DROP TABLE days"))
    async with served(postgres, SCHEMA, role="plain") as (server, other):
        await other.execute("ANALYZE shop.orders")
        await other.execute("CREATE POLICY none ON days; ALTER TABLE day_1 ENABLE ROW LEVEL SECURITY")
        found = await losses(plan, server)
        await other.execute("ALTER TABLE days ENABLE ROW LEVEL SECURITY")
        under_policy = await losses(plan, server)
    assert [(loss.name, loss.rows, loss.is_exact) for loss in found] == [
        ("shop.orders", 1000, False),
        ("public.days", 30, True),
    ]
    assert (under_policy[1].rows, under_policy[1].is_exact) == (None, False), "it would count what it may see"


async def test_a_table_that_somebody_keeps_to_himself_is_not_waited_for(postgres: PostgresCluster) -> None:
    plan = down(("DROP INDEX orders_note", "DROP TABLE orders CASCADE"), ('DROP TABLE "Items"',))
    async with served(postgres, SCHEMA) as (server, other), other.transaction():
        await other.execute("LOCK TABLE shop.orders")
        before = time.perf_counter()
        found = await losses(plan, server)
        took = time.perf_counter() - before
    rows = {loss.name: (loss.rows, loss.is_exact) for loss in found}
    assert rows["shop.orders"] == (1000, False)
    assert rows['public."Items"'] == (7, True)
    assert took < 1


async def test_a_whole_schema_takes_two_questions_and_a_count_of_each_table(
    postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = """
    DO $$BEGIN FOR n IN 0..39 LOOP
        EXECUTE format('CREATE TABLE t%s AS SELECT g AS b FROM generate_series(1, 2000) g', n);
        EXECUTE format('CREATE INDEX i%s ON t%s (b)', n, n);
    END LOOP; END$$
    """
    plan = down(*((f"DROP INDEX i{n}", f"DROP TABLE t{n}") for n in reversed(range(40))))
    asked = []
    ask = Server.ask

    async def counted(server: Server, name: str, *arguments: object, **options: Any) -> object:
        asked.append(name)
        return await ask(server, name, *arguments, **options)

    monkeypatch.setattr(Server, "ask", counted)
    async with served(postgres, many) as (server, _):
        before = time.perf_counter()
        found = await losses(plan, server)
        took = time.perf_counter() - before
    assert asked == ["loss_objects", "loss_figures", *["count_rows"] * 40]
    assert [loss.rows for loss in found if loss.kind is LossKind.TABLE] == [2000] * 40
    assert sum(loss.kind is LossKind.INDEX for loss in found) == 40
    assert took < 1


async def test_the_platform_schema_from_nothing_and_back(postgres: PostgresCluster) -> None:
    """Real migrations: building them endangers nobody, taking them back names every table."""
    async with database(postgres) as platform:
        await platform.upgrade(extensions=())
        heads = ScriptDirectory.from_config(config()).get_heads()
        up = [statement.text for statement in split(script("upgrade", (), "heads", ()))]
        back = [statement.text for statement in split(script("downgrade", heads, "base", ()))]
        tables = await platform.run(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'p')"
            " AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)"
        )
        async with connected(platform.url) as server:
            before = time.perf_counter()
            lost = await losses(down(tuple(back)), server)
            dangers = await hazards(down(tuple(back)), server)
            took = time.perf_counter() - before
            lost_by_upgrade = await losses(plan_of(tuple(up)), server)
        async with connected(postgres.url()) as elsewhere:
            endangered = await hazards(plan_of(tuple(up)), elsewhere)
    named = {loss.name for loss in lost if loss.kind is LossKind.TABLE}
    assert named == {row[0] for row in tables} - {"alembic_version"}
    assert {danger.weight.table for danger in dangers if danger.weight} >= named
    assert lost_by_upgrade == ()
    assert endangered == ()
    assert took < 1
