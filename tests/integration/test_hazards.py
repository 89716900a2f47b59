"""Hazards of a plan, weighed by the tables of a real server."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from console.data.migrations import squawk
from console.data.migrations.hazards import hazards
from console.errors import DbconsoleError
from tests.migration_plans import plan_of, served
from tests.postgres import PostgresCluster

SCHEMA = """
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id int PRIMARY KEY, note text);
INSERT INTO shop.orders SELECT n, 'x' FROM generate_series(1, 20000) n;
CREATE INDEX orders_note ON shop.orders (note);
CREATE TABLE shop.items (id int, "order" int CONSTRAINT items_order REFERENCES shop.orders);
CREATE TABLE "Small" (id int);
CREATE TABLE days (day date) PARTITION BY RANGE (day);
CREATE TABLE day_1 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2026-01-02');
INSERT INTO days SELECT '2026-01-01' FROM generate_series(1, 15000);
ANALYZE shop.orders, days, day_1;
DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = shop, public', current_database()); END$$
"""


async def test_a_hazard_carries_its_lock_and_what_the_table_weighs(every_postgres: PostgresCluster) -> None:
    plan = plan_of(
        ('CREATE INDEX ON "Small" (id)', "UPDATE alembic_version SET version_num = 'r0'"),
        ("-- it's about time\n/* ; */ CREATE INDEX i ON orders (id) -- now",),
    )
    async with served(every_postgres, SCHEMA) as (server, other):
        transaction = other.transaction()
        await transaction.start()
        await other.execute("UPDATE shop.orders SET note = 'y' WHERE id = 1")
        heavy, light = await hazards(plan, server)
        await transaction.rollback()
        size = await other.fetchval("SELECT pg_total_relation_size('shop.orders')")
    assert (heavy.revision, heavy.statement, heavy.rule, heavy.lock) == (
        "r1",
        0,
        "require-concurrent-index-creation",
        "Share",
    )
    assert heavy.weight is not None
    assert (heavy.weight.table, heavy.weight.rows, heavy.weight.bytes) == ("shop.orders", 20_000, size)
    assert heavy.weight.sessions == 1, "the other session, not the console's own"
    assert heavy.advice
    assert (light.revision, light.is_heavy, light.weight and light.weight.table) == (
        "r0",
        False,
        'public."Small"',
    )


async def test_what_the_plan_makes_itself_is_in_no_danger(postgres: PostgresCluster) -> None:
    plan = plan_of(
        (
            "CREATE TABLE shop.made (id int, o int)",
            "CREATE INDEX ON shop.made (id)",
            "ALTER TABLE shop.made ADD CHECK (id > 0)",
            "ALTER TABLE shop.made RENAME TO done",
            "ALTER TABLE shop.done DROP COLUMN id",
        ),
        ("CREATE INDEX ON shop.done (o)", "ALTER TABLE shop.orders RENAME TO bills", "DROP TABLE shop.bills"),
    )
    async with served(postgres, SCHEMA) as (server, _):
        found = await hazards(plan, server)
    assert [(hazard.rule, hazard.weight and hazard.weight.table) for hazard in found] == [
        ("renaming-table", "shop.orders"),
        ("ban-drop-table", "shop.orders"),
    ]


async def test_the_tables_that_foreign_keys_lead_to_are_locked_too(postgres: PostgresCluster) -> None:
    """Nothing in the statement says so, and the large table is the one that is noticed."""
    plan = plan_of(
        ("CREATE TABLE shop.more (o int REFERENCES shop.orders (id))",),
        ("ALTER TABLE shop.items DROP CONSTRAINT items_order",),
        ("DROP TABLE shop.items",),
    )
    async with served(postgres, SCHEMA) as (server, other):
        found = [hazard for hazard in await hazards(plan, server) if hazard.is_heavy]
        for hazard in found:
            statement = plan.steps[int(hazard.revision[1:])].statements[0].text
            transaction = other.transaction()
            await transaction.start()
            await other.execute(statement)
            held = await other.fetch(
                "SELECT mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'shop.orders'::regclass"
            )
            await transaction.rollback()
            assert f"{hazard.lock}Lock" in {row["mode"] for row in held}
    assert [hazard.revision for hazard in found] == ["r0", "r1", "r2"]
    assert {hazard.weight.table for hazard in found if hazard.weight} == {"shop.orders"}


async def test_a_strong_lock_for_which_squawk_has_no_rule(postgres: PostgresCluster) -> None:
    plan = plan_of(
        ("ALTER TABLE orders ALTER note SET STORAGE external", 'ALTER TABLE "Small" ALTER id SET DEFAULT 1'),
        ("COMMENT ON TABLE orders IS 'weak'", "ALTER TABLE days DROP COLUMN gone, ADD FOREIGN"),
    )
    async with served(postgres, SCHEMA) as (server, _):
        found = await hazards(plan, server)
    first = found[0]
    assert (first.rule, first.lock, first.statement) == ("lock", "AccessExclusive", 0)
    assert "shop.orders" in first.message
    assert not any(hazard.statement == 0 and hazard.revision == "r1" for hazard in found)


async def test_one_statement_that_cannot_be_read_hides_nothing(postgres: PostgresCluster) -> None:
    plan = plan_of(
        ("DROP INDEX shop.orders_note", "FROBNICATE TABLE orders", "TRUNCATE TABLE days CASCADE"),
    )
    async with served(postgres, SCHEMA) as (server, _):
        found = await hazards(plan, server)
    assert [(hazard.statement, hazard.rule) for hazard in found] == [
        (0, "require-concurrent-index-deletion"),
        (2, "ban-truncate-cascade"),
        (1, "syntax-error"),
    ]
    assert found[0].weight is not None
    assert found[0].weight.table == "shop.orders", "an index weighs what its table weighs"
    assert found[1].weight is not None
    assert found[1].weight.rows == 15_000, "a partitioned table weighs what its partitions weigh"


async def test_a_concurrent_index_is_a_hazard_only_inside_a_transaction(postgres: PostgresCluster) -> None:
    statements = ("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (note)",)
    async with served(postgres, SCHEMA) as (server, _):
        inside = await hazards(plan_of(statements), server)
        outside = await hazards(plan_of(statements, is_atomic=False), server)
    assert [hazard.rule for hazard in inside] == ["ban-concurrent-index-creation-in-transaction"]
    assert outside == ()


async def test_a_table_that_somebody_keeps_to_himself_is_weighed_without_waiting(
    postgres: PostgresCluster,
) -> None:
    async with served(postgres, SCHEMA) as (server, other), other.transaction():
        await other.execute("LOCK TABLE shop.orders")
        (found,) = await hazards(plan_of(("CREATE INDEX ON orders (id)",)), server)
    assert found.weight is not None
    assert found.weight.sessions == 1
    assert found.weight.bytes > 0


async def test_a_role_without_any_right_sees_the_weight(postgres: PostgresCluster) -> None:
    async with served(postgres, SCHEMA, role="plain") as (server, _):
        found = await hazards(plan_of(("CREATE INDEX ON days (day)", "DROP TABLE shop.orders")), server)
    assert [hazard.weight and hazard.weight.rows for hazard in found] == [15_000, 20_000]


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("#!/bin/sh\necho broken >&2; exit 2\n", "failed: broken"),
        ("#!/bin/sh\nexec sleep 60\n", "was ended after"),
        (None, "is not installed"),
    ],
)
async def test_a_linter_that_cannot_do_its_work_is_one_sentence(
    postgres: PostgresCluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str | None,
    sentence: str,
) -> None:
    if script is not None:
        (tmp_path / "squawk").write_text(script)
        (tmp_path / "squawk").chmod(0o755)
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(squawk, "TIME_LIMIT", 1.0)
    async with served(postgres, SCHEMA) as (server, _):
        with pytest.raises(DbconsoleError, match=sentence):
            await hazards(plan_of(("SELECT 1",)), server)
