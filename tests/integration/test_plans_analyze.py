"""Plans of statements that were run: what may be run, what is written down, and that nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.errors import OperationRefused, QueryTimedOut
from console.models.plans import PlanKind, PlanRequest, Remark
from tests.live import until
from tests.plan_shop import ORDERS, Shop, audited, plans_of, shop_in
from tests.postgres import PostgresCluster


@pytest.fixture(scope="module")
def shop(every_postgres: PostgresCluster) -> Iterator[Shop]:
    with shop_in(every_postgres) as shop:
        yield shop


async def test_a_statement_is_run_for_its_plan(shop: Shop, tmp_path: Path) -> None:
    text = "SELECT state, count(*) FROM orders WHERE amount < 3 GROUP BY state"
    request = PlanRequest(text, shop.database, shop.role, seconds_per_call=1.5)
    async with plans_of(shop, tmp_path) as (service, _):
        plan = await service.plan(service.explaining(request))
        operation = await service.analyze_operation(plan, request)
        analyzed = await service.analyze(operation, plan, request)
    said = " ".join(operation.consequences)
    assert "really runs" in said
    assert "30 s" in said
    assert "on average it takes 1.5 s" in said
    assert "MiB through the server's buffers: orders" in said
    assert "EXPLAIN (ANALYZE, BUFFERS" in operation.statements[-2]
    assert f'SET LOCAL ROLE "{shop.role}"' in operation.statements
    assert "SET LOCAL statement_timeout = '30000ms'" in operation.statements
    assert operation.statements[-1] == "ROLLBACK"
    assert (analyzed.kind, analyzed.database, analyzed.role) == (PlanKind.ANALYZED, shop.database, shop.role)
    assert analyzed.execution_time is not None
    scan = next(node for node in analyzed.nodes if node.relation == "orders")
    assert scan.actual is not None
    assert scan.actual.rows == ORDERS * 3 / 500
    assert scan.actual.rows + scan.actual.rows_removed == ORDERS
    assert scan.actual.shared_hit + scan.actual.shared_read > 0
    assert {mark.remark for mark in scan.marks} >= {Remark.BIG_SCAN, Remark.FILTERED}
    assert sum(node.share for node in analyzed.nodes) == pytest.approx(1)
    assert analyzed.root.actual is not None
    assert sum(node.actual.own_time for node in analyzed.nodes if node.actual) == pytest.approx(
        analyzed.root.actual.time, rel=0.2
    )
    assert "actual time=" in analyzed.text
    assert "Buffers: shared " in analyzed.text
    assert analyzed.text.splitlines()[-1].startswith("Execution Time: ")
    (entry,) = audited(tmp_path)
    assert (entry["done"], entry["object"]) == (True, shop.database)
    assert text in entry["statement"]


async def test_values_are_given_for_parameters(shop: Shop, tmp_path: Path) -> None:
    text = 'SELECT * FROM orders WHERE state = $1 AND placed_at < $2 AND "Note" IS DISTINCT FROM $3'
    request = shop.request(text)
    async with plans_of(shop, tmp_path) as (service, _):
        plan = await service.plan(service.explaining(request))
        with pytest.raises(OperationRefused, match=r"needs values for \$1 text, \$2 timestamptz, \$3 text"):
            await service.analyze_operation(plan, request)
        with pytest.raises(OperationRefused, match=r"takes 3 values .* and 1 were given"):
            await service.analyze_operation(plan, request, ["open"])
        found = {}
        for state in ("open", "it's \\ none"):
            values = [state, "2024-01-02", None]
            operation = await service.analyze_operation(plan, request, values)
            analyzed = await service.analyze(operation, plan, request, values)
            scan = next(node for node in analyzed.nodes if node.relation == "orders")
            assert scan.actual is not None
            found[state] = scan.actual.rows
        bad = ["open", "yesterdayish", None]
        with pytest.raises(OperationRefused, match=r"The value of \$2 does not fit: .*yesterdayish"):
            await service.analyze_operation(plan, request, bad)
    assert 0 < found["open"] < ORDERS / 100
    assert found["it's \\ none"] == 0
    assert [entry["done"] for entry in audited(tmp_path)] == [True, True]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("UPDATE orders SET state = 'x'", "this one writes"),
        ("WITH d AS (DELETE FROM tiny RETURNING *) SELECT * FROM d", "this one writes"),
        ("SELECT * INTO copied FROM tiny", "this one writes"),
        ("SELECT * FROM orders WHERE id = 1 FOR SHARE", "this one locks rows"),
        ("SELECT sales.touch(id) FROM tiny", r"it calls sales\.touch\(\)"),
        ("SELECT touch(id) FROM tiny", r"it calls sales\.touch\(\)"),
        ('SELECT * FROM tiny WHERE id = (SELECT "touch"(1))', r"it calls sales\.touch\(\)"),
        ("SELECT * FROM touching", r"it calls sales\.touch\(\)"),
        ("SELECT pg_advisory_lock(1)", r"it calls pg_catalog\.pg_advisory_lock\(\)"),
        ("SELECT set_config('x.y', 'z', false)", r"it calls pg_catalog\.set_config\(\)"),
    ],
)
async def test_what_is_not_run(shop: Shop, tmp_path: Path, text: str, why: str) -> None:
    await shop.cluster.run(
        "CREATE OR REPLACE VIEW sales.touching AS SELECT sales.touch(id) FROM sales.tiny",
        database=shop.database,
    )
    await shop.cluster.run(f'GRANT SELECT ON sales.touching TO "{shop.role}"', database=shop.database)
    request = shop.request(text)
    async with plans_of(shop, tmp_path) as (service, _):
        plan = await service.plan(service.explaining(request))
        with pytest.raises(OperationRefused, match=why):
            await service.analyze_operation(plan, request)
        with pytest.raises(OperationRefused, match=why):
            await service.check_running(plan, request)


async def test_values_are_not_asked_for_in_vain(shop: Shop, tmp_path: Path) -> None:
    request = shop.request("UPDATE orders SET state = $1")
    async with plans_of(shop, tmp_path) as (service, _):
        with pytest.raises(OperationRefused, match="this one writes"):
            service.refuse_running(request)
        plan = await shop.plan(service, "SELECT touch(id) FROM tiny WHERE id = $1")
        with pytest.raises(OperationRefused, match="it calls"):
            await service.check_running(plan, shop.request(plan.statement))


async def test_harmless_functions_do_not_stand_in_the_way(shop: Shop, tmp_path: Path) -> None:
    request = shop.request("SELECT random(), clock_timestamp(), lower('A'), pg_sleep(0) FROM tiny")
    async with plans_of(shop, tmp_path) as (service, _):
        plan = await service.plan(service.explaining(request))
        operation = await service.analyze_operation(plan, request)
        assert (await service.analyze(operation, plan, request)).kind is PlanKind.ANALYZED


async def test_it_is_given_up_at_its_limit_and_written_down(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = shop.request("SELECT pg_sleep(60)")
    async with plans_of(shop, tmp_path) as (service, server):
        plan = await service.plan(service.explaining(request))
        operation = await service.analyze_operation(plan, request)
        monkeypatch.setattr(type(service), "longest_analysis", 0.05)
        with pytest.raises(QueryTimedOut, match="statement timeout"):
            await service.analyze(operation, plan, request)
        assert server.pool.open_connections == 1
    (entry,) = audited(tmp_path)
    assert (entry["done"], "statement timeout" in entry["outcome"]) == (False, True)


async def test_one_that_is_cancelled_ends_on_the_server_too(shop: Shop, tmp_path: Path) -> None:
    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'EXPLAIN (ANALYZE%pg_sleep(61)%' AND state = 'active'"
    request = shop.request("SELECT pg_sleep(61)")

    async def runs() -> int:
        return int((await shop.cluster.run(running))[0][0])

    async def has_begun() -> bool:
        return await runs() == 1

    async def has_ended() -> bool:
        return await runs() == 0

    async with plans_of(shop, tmp_path) as (service, server):
        plan = await service.plan(service.explaining(request))
        operation = await service.analyze_operation(plan, request)
        task = asyncio.create_task(service.analyze(operation, plan, request))
        await until(has_begun)
        assert server.cost.connections == 2
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(has_ended)
        assert server.cost.connections == 1
    (entry,) = audited(tmp_path)
    assert (entry["done"], entry["outcome"]) == (False, "Cancelled before its end.")


async def test_what_cannot_be_recorded_is_not_run(shop: Shop, tmp_path: Path) -> None:
    request = shop.request("SELECT 1 FROM tiny")
    async with plans_of(shop, tmp_path) as (service, _):
        plan = await service.plan(service.explaining(request))
        operation = await service.analyze_operation(plan, request)
        (tmp_path / "audit.jsonl").mkdir()
        with pytest.raises(OperationRefused, match="could not be recorded"):
            await service.analyze(operation, plan, request)


async def test_a_spill_and_a_wrong_estimate_are_marked(shop: Shop, tmp_path: Path) -> None:
    """A comparison of two columns is estimated at a two-hundredth; this one is always true."""
    request = shop.request('SELECT * FROM orders WHERE id + 0 = id ORDER BY "Note", state, id + 1')
    async with plans_of(shop, tmp_path) as (service, _):
        plan = await service.plan(service.explaining(request))
        analyzed = await service.analyze(await service.analyze_operation(plan, request), plan, request)
    scan = next(node for node in analyzed.nodes if node.relation == "orders")
    sort = next(node for node in analyzed.nodes if node.title == "Sort")
    assert [mark.text for mark in scan.marks if mark.remark is Remark.MISESTIMATE] == ["200 × more rows"]
    assert any(mark.text.endswith("MiB on disk") for mark in sort.marks if mark.remark is Remark.SPILL)
