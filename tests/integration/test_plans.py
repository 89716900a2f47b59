"""Plans of statements that are not run, on every version."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from console.data.plans.explain import Explainer
from console.data.server import Server
from console.errors import OperationRefused, QueryDenied
from console.models.plans import PlanKind, PlanRequest, Remark
from tests.plan_shop import ORDERS, Shop, audited, plans_of, shop_in
from tests.postgres import PostgresCluster

JOINED = """
    SELECT o.id, c.email FROM orders o JOIN customers c ON c.id = o.customer_id
    WHERE o.state = $1 AND o.amount > $2 ORDER BY o.amount LIMIT $3
"""


def _major(server: Server) -> int:
    assert server.capabilities is not None
    return server.capabilities.version_number // 10_000


@pytest.fixture(scope="module")
def shop(every_postgres: PostgresCluster) -> Iterator[Shop]:
    with shop_in(every_postgres) as shop:
        yield shop


async def test_a_statement_with_parameters_gets_its_generic_plan(shop: Shop, tmp_path: Path) -> None:
    async with plans_of(shop, tmp_path) as (service, _):
        plan = await shop.plan(service, JOINED)
    assert (plan.kind, plan.parameters) == (PlanKind.GENERIC, ("text", "numeric", "int8"))
    assert plan.root.title == "Limit"
    scan = next(node for node in plan.nodes if node.relation == "orders")
    assert scan.title.removeprefix("Parallel ") == "Seq Scan on orders o"
    assert "$1" in dict(scan.details)["Filter"], "planned for any value, not for NULL"
    assert scan.rows > 1
    assert [mark.remark for mark in scan.marks] == [Remark.BIG_SCAN]
    assert scan.marks[0].text == "120 k rows"
    assert sum(node.share for node in plan.nodes) == pytest.approx(1)
    assert all(node.own_cost >= 0 for node in plan.nodes)
    assert all(node.actual is None for node in plan.nodes)
    assert plan.planning_time is not None
    assert plan.execution_time is None
    assert plan.text.startswith("Limit  (cost=")
    assert "Seq Scan on sales.orders o" in plan.text
    assert json.loads(plan.json)[0]["Plan"]["Node Type"] == "Limit"
    assert plan.notes == ()


async def test_it_is_planned_as_who_ran_it_where_it_ran(shop: Shop, tmp_path: Path) -> None:
    """As another role, in another database than the console's, with the search path that the role has there."""
    async with plans_of(shop, tmp_path) as (service, _):
        plan = await shop.plan(service, "SELECT state, count(*), current_user FROM orders GROUP BY state")
    assert (plan.role, plan.database, plan.search_path) == (shop.role, shop.database, "sales, public")
    assert plan.settings == {"enable_hashagg": "off"}, "of that role"
    assert not any("HashAggregate" in node.title for node in plan.nodes)


async def test_a_role_that_cannot_be_taken_on_is_said(shop: Shop, tmp_path: Path) -> None:
    catalog = "SELECT relname FROM pg_class WHERE oid = $1"
    async with plans_of(shop, tmp_path, role="plain") as (service, _):
        plan = await shop.plan(service, catalog)
        with pytest.raises(QueryDenied) as refused:
            await shop.plan(service, JOINED)
        gone = await service.plan(service.explaining(PlanRequest(catalog, shop.database, "nobody")))
    (note,) = plan.notes
    assert (plan.role, plan.search_path) == ("plain", "sales, public")
    assert f'GRANT "{shop.role}" TO plain' in note
    assert "orders" in refused.value.sentence
    assert note in refused.value.sentence
    assert gone.notes == ("Planned as plain: the role that ran the statement is not there.",)


async def test_nobody_is_told_to_become_a_superuser(shop: Shop, tmp_path: Path) -> None:
    catalog = PlanRequest("SELECT relname FROM pg_class WHERE oid = $1", shop.database, "postgres")
    async with plans_of(shop, tmp_path, role="monitor") as (service, _):
        plan = await service.plan(service.explaining(catalog))
    assert plan.role == "monitor"
    (note,) = plan.notes
    assert note.startswith("Planned as monitor")
    assert "GRANT" not in note


@pytest.mark.parametrize("right", ["createrole", "bypassrls", "pg_execute_server_program", "group"])
async def test_nor_a_role_that_can_give_itself_more(shop: Shop, tmp_path: Path, right: str) -> None:
    name = f"{shop.database} mighty"
    cluster = shop.cluster
    await cluster.run(f'CREATE ROLE "{name}" {right if right in ("createrole", "bypassrls") else ""}')
    try:
        if right == "group":
            await cluster.run(f'GRANT postgres TO "{name}"')
        elif right.startswith("pg_"):
            await cluster.run(f'GRANT {right} TO "{name}"')
        async with plans_of(shop, tmp_path, role="monitor") as (service, _):
            plan = await service.plan(service.explaining(PlanRequest("SELECT 1", shop.database, name)))
    finally:
        await cluster.run(f'DROP ROLE "{name}"')
    assert "GRANT" not in plan.notes[0]


async def test_the_least_right_that_is_missing_is_told(shop: Shop, tmp_path: Path) -> None:
    cluster = shop.cluster
    await cluster.run("CREATE TABLE IF NOT EXISTS public.big (id int)", database=shop.database)

    def request(text: str) -> PlanRequest:
        return PlanRequest(text, shop.database, "postgres")

    async with plans_of(shop, tmp_path, role="monitor") as (service, server):
        for name in ("big", "public.big"):
            for text in (f"TABLE {name}", f"SELECT FROM {name} WHERE id = $1"):
                with pytest.raises(QueryDenied) as refused:
                    await service.plan(service.explaining(request(text)))
                said = refused.value.sentence
                assert (
                    "permission denied for table big. It was planned as monitor, because monitor may not"
                    in said
                )
                assert f"GRANT SELECT ON {name} TO monitor" in said
                assert ("GRANT pg_read_all_data TO monitor" in said) == (_major(server) >= 14)
                assert "GRANT postgres" not in said
        with pytest.raises(QueryDenied) as refused:
            await service.plan(service.explaining(request("SELECT * FROM sales.tiny")))
        assert "GRANT USAGE ON SCHEMA sales TO monitor" in refused.value.sentence
        with pytest.raises(QueryDenied) as refused:
            await service.plan(service.explaining(request("UPDATE big SET id = 1")))
        assert "planned as monitor" in refused.value.sentence
        assert "GRANT" not in refused.value.sentence


async def test_a_statement_with_its_values_gets_its_own_plan(shop: Shop, tmp_path: Path) -> None:
    async with plans_of(shop, tmp_path) as (service, _):
        plan = await shop.plan(service, "SELECT * FROM orders WHERE id = 4711 -- by id")
    assert (plan.kind, plan.parameters) == (PlanKind.EXACT, ())
    assert plan.root.title == "Index Scan using orders_pkey on orders"
    assert (plan.root.index, plan.root.schema, plan.root.rows) == ("orders_pkey", "sales", 1)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("SELECT * FROM orders WHERE placed_at > now() - interval $1", "interval $1 is read as a cast"),
        ("SELECT date $1, timestamp(3) with time zone $2, interval $3 day to second(2)", "date $1 is read"),
        ("SELECT EXTRACT($1 FROM placed_at), placed_at AT TIME ZONE $2 FROM orders", "EXTRACT($1 FROM …)"),
        ("SELECT inet $1, sales.orders $2 FROM orders", "sales.orders $2 is read as a cast"),
        ("SELECT $1 IS NULL FROM orders", "The type of $1 cannot be told"),
        ("SELECT * FROM orders WHERE id = $2", "Parameters are numbered anew"),
        ("SELECT * FROM orders WHERE id IN ($1 /*, ... */)", "Lists of constants were shortened"),
        (
            "SELECT date_trunc($1, placed_at), count(*) FROM orders GROUP BY date_trunc($2, placed_at)",
            "taken for the same value are $2 for $1",
        ),
        ("DECLARE c CURSOR FOR SELECT * FROM orders WHERE id > $1", "the query of the cursor"),
        ("COPY (SELECT * FROM orders) TO STDOUT", "whose rows are copied"),
        ("CREATE TABLE x AS SELECT * FROM orders WHERE id > $1 WITH NO DATA", "fills the new table"),
    ],
)
async def test_what_the_server_made_of_a_text_is_undone_and_said(
    shop: Shop, tmp_path: Path, text: str, note: str
) -> None:
    async with plans_of(shop, tmp_path) as (service, _):
        plan = await shop.plan(service, text)
    assert any(note in said for said in plan.notes), plan.notes


async def test_the_tables_behind_a_plan(shop: Shop, tmp_path: Path) -> None:
    async with plans_of(shop, tmp_path) as (service, _):
        plan = await shop.plan(service, JOINED)
    orders, customers = plan.tables
    assert (orders.schema, orders.name, orders.kind) == ("sales", "orders", "table")
    assert orders.rows == ORDERS
    assert orders.size is not None
    assert orders.table_size is not None
    assert orders.size > orders.table_size > 1_000_000, "with its index"
    assert orders.last_analyze is not None
    assert orders.modified_since_analyze is not None
    assert orders.index_scans is not None
    assert customers.name == "customers"


async def test_a_table_that_was_never_analyzed(shop: Shop, tmp_path: Path) -> None:
    await shop.cluster.run("CREATE TABLE fresh AS SELECT 1 AS id", database=shop.database)
    await shop.cluster.run(f'GRANT SELECT ON fresh TO "{shop.role}"', database=shop.database)
    async with plans_of(shop, tmp_path) as (service, _):
        plan = await shop.plan(service, "SELECT 1 FROM public.fresh JOIN pg_class ON true")
    fresh = next(table for table in plan.tables if table.name == "fresh")
    assert (fresh.rows, fresh.last_analyze) == (None, None)


async def test_a_generic_plan_needs_no_plpgsql(shop: Shop, tmp_path: Path) -> None:
    async with plans_of(shop, tmp_path) as (service, _):
        usual = await shop.plan(service, JOINED)
        await shop.cluster.run("REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC", database=shop.database)
        try:
            without = await shop.plan(service, JOINED)
        finally:
            await shop.cluster.run("GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC", database=shop.database)
    assert without.nodes == usual.nodes


@pytest.mark.parametrize(
    ("text", "is_said"),
    [
        ("SELECT * FROM events WHERE at = $1 AND kind = $2", True),
        ("SELECT * FROM events WHERE at >= $1 AND at < $1 + interval '1 day' ORDER BY at LIMIT 5", True),
        ("SELECT * FROM events WHERE id = $1", False),
        ("SELECT * FROM events WHERE kind = $1 ORDER BY at LIMIT 5", False),
        ("SELECT id FROM events WHERE id = $1 UNION ALL SELECT id FROM orders WHERE id = $1", False),
    ],
)
async def test_partitions_are_in_the_plan_for_any_value(
    shop: Shop, tmp_path: Path, text: str, is_said: bool
) -> None:
    """Before PostgreSQL 16 a plan is shown for NULL, which is in no partition."""
    async with plans_of(shop, tmp_path) as (service, _):
        plan = await shop.plan(service, text)
    assert {node.relation for node in plan.nodes if node.relation} >= {"events_1", "events_2"}
    assert plan.settings == {"enable_hashagg": "off"}, "nothing of the console's own"
    assert ("plan_cache_mode" in plan.json, "plan_cache_mode" in plan.text) == (False, False)
    assert [note for note in plan.notes if "partition key is compared" in note] == list(plan.notes)
    assert len(plan.notes) == is_said


async def test_subplans_and_common_table_expressions(shop: Shop, tmp_path: Path) -> None:
    text = """
        WITH recent AS MATERIALIZED (SELECT * FROM orders WHERE placed_at > $1)
        SELECT c.id, (SELECT max(amount) FROM recent r WHERE r.customer_id = c.id) FROM customers c
        WHERE c.id < (SELECT avg(id) FROM recent)
    """
    async with plans_of(shop, tmp_path) as (service, _):
        plan = await shop.plan(service, text)
    titles = [node.title for node in plan.nodes]
    assert titles[0] == "Seq Scan on customers c" or titles[0].startswith(("Index Scan", "Bitmap"))
    assert any(title.startswith("CTE recent: ") for title in titles)
    assert any(title.startswith("SubPlan 2: Aggregate") for title in titles)
    assert any("CTE Scan on recent r" in title for title in titles)
    assert sum(node.share for node in plan.nodes) == pytest.approx(1)
    assert max(plan.nodes, key=lambda node: node.share).title == "CTE Scan on recent r", (
        "it runs for each customer"
    )
    drawn = [f"{node.branch}{node.title}" for node in plan.nodes]
    assert drawn[0] == titles[0]
    assert all(line.startswith(("├─ ", "│  ", "└─ ", "   ")) for line in drawn[1:])


async def test_what_a_statement_gives_is_held_against_its_estimate(shop: Shop, tmp_path: Path) -> None:
    async with plans_of(shop, tmp_path) as (service, _):
        marks = {}
        for rows in (20, 20_000):
            request = shop.request("SELECT * FROM orders WHERE amount > $1", rows_per_call=rows)
            marks[rows] = (await service.plan(service.explaining(request))).root.marks
    assert [mark.text for mark in marks[20] if mark.remark is Remark.MISESTIMATE] == ["gives 20 a call"]
    assert [mark for mark in marks[20_000] if mark.remark is Remark.MISESTIMATE] == []


async def test_what_a_limit_gives_is_not_held_against_what_it_is_taken_for(
    shop: Shop, tmp_path: Path
) -> None:
    found = {}
    async with plans_of(shop, tmp_path) as (service, _):
        for count in ("$1", "4000"):
            request = shop.request(f"SELECT * FROM orders LIMIT {count}", rows_per_call=20)  # noqa: S608
            found[count] = (await service.plan(service.explaining(request))).root
    assert [node.title for node in found.values()] == ["Limit", "Limit"]
    assert [mark.text for mark in found["4000"].marks] == ["gives 20 a call"]
    assert found["$1"].marks == ()


TEXTS = [
    "SELECT o.id, c.email FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.amount > 490 ORDER BY 1 LIMIT 3",
    "WITH r AS MATERIALIZED (SELECT * FROM orders) SELECT c.id, (SELECT max(amount) FROM r WHERE r.customer_id = c.id) "
    "FROM customers c WHERE c.id < (SELECT avg(id) FROM r)",
    "SELECT state, count(*) FROM orders WHERE id IN (SELECT order_id FROM lines) GROUP BY state",
    "SELECT * FROM events WHERE at > '2024-02-03' UNION ALL SELECT n, now(), 'x' FROM generate_series(1, 9) AS g (n)",
    "SELECT sum(amount) OVER (PARTITION BY state) FROM orders o WHERE id < 100",
]


@pytest.mark.parametrize("text", TEXTS)
async def test_the_text_is_as_the_server_would_write_it(shop: Shop, tmp_path: Path, text: str) -> None:
    async with plans_of(shop, tmp_path) as (service, server):
        plan = await shop.plan(service, text)
        async with server.visit(shop.database) as connection, Explainer.on(connection, shop.role):
            rows = await connection.fetch(f"EXPLAIN (VERBOSE, SETTINGS) {text}")
    written = [row[0] for row in rows]
    time, lines = (
        [line for line in plan.text.splitlines() if line.startswith("Planning Time") is is_time]
        for is_time in (True, False)
    )
    # Of windows and of single keys the two formats differ in words.
    assert [line for line in lines if "Window: " not in line] == [
        line for line in written if "Window: " not in line
    ]
    assert plan.planning_time is not None
    assert time == [f"Planning Time: {plan.planning_time * 1000:.3f} ms"]


# Locks --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "locks"),
    [
        (JOINED, {"AccessShareLock"}),
        ("SELECT * FROM orders FOR UPDATE", {"AccessShareLock", "RowShareLock"}),
        ("UPDATE orders SET state = $1", {"AccessShareLock", "RowExclusiveLock"}),
    ],
)
async def test_planning_takes_the_locks_that_are_said(
    shop: Shop, tmp_path: Path, text: str, locks: set[str]
) -> None:
    held = "SELECT DISTINCT mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype <> 'virtualxid'"
    async with (
        plans_of(shop, tmp_path) as (service, server),
        server.visit(shop.database) as connection,
        Explainer.on(connection, shop.role) as explainer,
    ):
        explaining = service.explaining(shop.request(text))
        await explainer.explain(await explainer.prepare(text))
        assert {row["mode"] for row in await connection.fetch(held)} == locks
    assert explaining.reads_only == (locks == {"AccessShareLock"})
    if explaining.operation is None:
        assert explaining.reads_only
    else:
        assert any(
            lock in " ".join(explaining.operation.consequences) for lock in locks - {"AccessShareLock"}
        )


async def test_what_is_shown_is_what_runs_and_what_psql_takes(shop: Shop, tmp_path: Path) -> None:
    text = "UPDATE orders SET state = $1 WHERE id = $2"
    async with plans_of(shop, tmp_path) as (service, server):
        explaining = await service.looked_at(service.explaining(shop.request(text)))
        plan = await service.plan(explaining)
    operation = explaining.operation
    assert operation is not None
    shown = [" ".join(statement.replace("/* dbconsole */", "").split()) for statement in operation.statements]
    assert shown[:4] == [
        "BEGIN READ ONLY",
        "SET LOCAL enable_hashagg = 'off'",
        "SET LOCAL search_path = sales, public",
        f'SET LOCAL ROLE "{shop.role}"',
    ]
    options = "VERBOSE, SETTINGS, SUMMARY, FORMAT JSON"
    if _major(server) >= 16:
        assert shown[4:] == [f"EXPLAIN (GENERIC_PLAN, {options}) {text}", "ROLLBACK"]
    else:
        assert shown[4:] == [
            "SET LOCAL plan_cache_mode = force_generic_plan",
            f"PREPARE dbconsole_plan AS {text}",
            f"EXPLAIN ({options}) EXECUTE dbconsole_plan(NULL, NULL)",
            "ROLLBACK",
        ]
    connection = await shop.cluster.connect(database=shop.database)
    await connection.execute(";\n".join(operation.statements))
    await connection.close()
    assert f"planned as {shop.role}" in " ".join(operation.consequences)
    assert audited(tmp_path)[0]["statement"] == ";\n".join(operation.statements)
    assert plan.root.title == "Update on orders"


async def test_looking_takes_no_lock_on_what_is_named(shop: Shop, tmp_path: Path) -> None:
    holder = await shop.cluster.connect(database=shop.database)
    try:
        await holder.execute("BEGIN; LOCK TABLE sales.orders")
        async with plans_of(shop, tmp_path) as (service, _):
            explaining = service.explaining(shop.request("UPDATE orders SET state = $1"))
            assert (await service.looked_at(explaining)).operation is not None
    finally:
        await holder.close()


async def test_a_statement_that_writes_is_planned_once_confirmed_and_changes_nothing(
    shop: Shop, tmp_path: Path
) -> None:
    async with plans_of(shop, tmp_path) as (service, _):
        explaining = service.explaining(shop.request("UPDATE orders SET state = $1 WHERE id = $2"))
        plan = await service.plan(explaining)
        refused = service.explaining(shop.request("DELETE FROM nowhere"))
        with pytest.raises(Exception, match="nowhere"):
            await service.plan(refused)
    assert explaining.operation is not None
    assert explaining.operation.object_name == "orders"
    assert plan.root.title == "Update on orders"
    changed = await shop.cluster.run(
        "SELECT count(*) FROM sales.orders WHERE state NOT IN ('open', 'done')", database=shop.database
    )
    assert changed[0][0] == 0
    first, second = audited(tmp_path)
    assert (first["object"], first["done"]) == ("orders", True)
    assert "UPDATE orders SET state" in first["statement"]
    assert (second["object"], second["done"]) == ("nowhere", False)


async def test_reading_is_not_written_down(shop: Shop, tmp_path: Path) -> None:
    async with plans_of(shop, tmp_path) as (service, _):
        await shop.plan(service, JOINED)
    assert not (tmp_path / "audit.jsonl").exists()


async def test_a_standby_plans_nothing_that_locks(shop: Shop, tmp_path: Path) -> None:
    async with plans_of(shop, tmp_path) as (service, server):
        assert server.capabilities is not None
        server.capabilities = replace(server.capabilities, in_recovery=True)
        with pytest.raises(OperationRefused, match="standby"):
            service.explaining(shop.request("UPDATE orders SET state = 'x'"))
