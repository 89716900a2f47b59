"""What EXPLAIN refuses, texts that were cut off, and plans and statements that are very large."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.errors import DbconsoleError, ObjectMissing, OperationRefused, QueryFailed, QueryTimedOut
from console.models.plans import PlanRequest
from console.settings import Pool, Settings, Timeouts
from tests.plan_shop import Shop, plans_of, shop_in
from tests.postgres import PostgresCluster


@pytest.fixture(scope="module")
def shop(every_postgres: PostgresCluster) -> Iterator[Shop]:
    with shop_in(every_postgres) as shop:
        yield shop


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("VACUUM orders", "EXPLAIN does not take VACUUM: it plans SELECT"),
        ("CREATE INDEX ON orders (state)", "EXPLAIN does not take CREATE INDEX"),
        ("ALTER TABLE orders ADD x int", "EXPLAIN does not take ALTER TABLE"),
        ("BEGIN", "EXPLAIN does not take BEGIN"),
        ("EXECUTE find(1)", "EXPLAIN does not take EXECUTE"),
        ("", "no text"),
        (" -- nothing\n/* at all */", "nothing but comments"),
        ("<insufficient privilege>", "hidden from the role; GRANT pg_read_all_stats"),
        ("SELECT 1; SELECT 2", "more than one statement"),
        ("SELECT 'abc", "ends in the middle"),
        ("SELECT * FROM orders WHERE id IN (1, 2", "ends in the middle"),
        ("SELECT 1 /* half", "ends in the middle"),
        ("SELECT * FROM orders WHERE", r"ends in the middle.*track_activity_query_size \(1,024 bytes\)"),
    ],
)
async def test_what_explain_refuses_is_said_in_a_sentence(
    shop: Shop, tmp_path: Path, text: str, why: str
) -> None:
    async with plans_of(shop, tmp_path) as (service, _):
        with pytest.raises(OperationRefused, match=why):
            await service.plan(service.explaining(shop.request(text)))


async def test_a_text_that_is_known_to_be_cut(shop: Shop, tmp_path: Path) -> None:
    async with plans_of(shop, tmp_path) as (service, _):
        with pytest.raises(OperationRefused, match="ends in the middle"):
            service.explaining(PlanRequest("SELECT 1", shop.database, shop.role, is_cut=True))


async def test_a_text_that_may_have_been_cut_where_it_still_is_sql(shop: Shop, tmp_path: Path) -> None:
    """It is planned, and doubted."""
    whole = "SELECT id FROM orders WHERE id = 1 OR id = 2 /* "
    text = f"{whole}{'x' * (1023 - len(whole) - 3)}*/ "
    async with plans_of(shop, tmp_path) as (service, _):
        doubted = await shop.plan(service, text)
        shorter = await shop.plan(service, text.replace("xxxxxxxx", "", 1))
        with pytest.raises(OperationRefused, match="ends in the middle"):
            await shop.plan(service, f"{text[:-6]}*/ AN")
    (note,) = doubted.notes
    assert "its end may be missing" in note
    assert shorter.notes == ()


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("SELECT * FROM nowhere", ObjectMissing, 'relation "nowhere" does not exist'),
        ("SELECT * FORM orders", QueryFailed, "syntax error"),
        ("SELECT mood $1", ObjectMissing, 'type "mood" does not exist'),
        ("SELECT $1 + $2", OperationRefused, "."),
        ("SELECT state FROM orders GROUP BY id % $1", QueryFailed, "must appear in the GROUP BY clause"),
    ],
)
async def test_the_servers_own_words(
    shop: Shop, tmp_path: Path, text: str, kind: type[DbconsoleError], said: str
) -> None:
    async with plans_of(shop, tmp_path) as (service, server):
        with pytest.raises(DbconsoleError, match=said):
            await shop.plan(service, text)
        assert server.pool.open_connections == 1


async def test_a_database_that_is_gone(shop: Shop, tmp_path: Path) -> None:
    async with plans_of(shop, tmp_path) as (service, server):
        with pytest.raises(DbconsoleError, match="has no database 'gone'"):
            await service.plan(service.explaining(PlanRequest("SELECT 1", "gone", "postgres")))
        assert server.pool.open_connections == 1


@pytest.mark.parametrize("where", ["elsewhere", "here"])
async def test_a_table_that_is_locked_is_not_waited_for(shop: Shop, tmp_path: Path, where: str) -> None:
    """It is said who holds it, whether or not the console's own connection is to the same database."""
    database = shop.database if where == "here" else None
    holder = await shop.cluster.connect(database=shop.database)
    try:
        await holder.execute("SET application_name = nightly; BEGIN; LOCK TABLE sales.orders")
        async with plans_of(shop, tmp_path, database=database) as (service, server):
            with pytest.raises(QueryTimedOut) as refused:
                await shop.plan(service, "SELECT * FROM orders")
            assert server.pool.open_connections == 1
    finally:
        await holder.close()
    assert refused.value.sentence == (
        f"sales.orders is locked by pid {holder.get_server_pid()} (nightly, idle in transaction); waited 500 ms."
    )


async def test_functions_that_the_parameters_do_not_tell_apart(shop: Shop, tmp_path: Path) -> None:
    for type_ in ("date", "int"):
        await shop.cluster.run(
            f"CREATE OR REPLACE FUNCTION sales.twice({type_}) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            database=shop.database,
        )
    async with plans_of(shop, tmp_path) as (service, _):
        with pytest.raises(
            OperationRefused, match=r"^Several functions fit.* casts \(\$1::date\)\.$"
        ) as refused:
            await shop.plan(service, "SELECT twice($1)")
    assert "HINT" not in refused.value.sentence


async def test_nothing_runs_beside_the_text(shop: Shop, tmp_path: Path) -> None:
    """What is planned is one statement, however its text is made up."""
    async with plans_of(shop, tmp_path) as (service, _):
        for text in (
            "SELECT 1; DROP TABLE tiny",
            "SELECT 1 /* */; DROP TABLE tiny",
            "SELECT $1 $$; DROP TABLE tiny; $$",
            "SELECT 'x\\'; DROP TABLE tiny; --'",
            "(SELECT 1); DROP TABLE tiny; (SELECT 1)",
        ):
            with pytest.raises(DbconsoleError):
                await shop.plan(service, text)
    assert await shop.cluster.run("SELECT FROM sales.tiny", database=shop.database)


# Size ---------------------------------------------------------------------------------------------------------------


async def test_a_plan_of_a_thousand_nodes_beside_each_other(shop: Shop, tmp_path: Path) -> None:
    text = " UNION ALL ".join(["SELECT id FROM orders"] * 1000)
    async with plans_of(shop, tmp_path) as (service, _):
        began = time.perf_counter()
        plan = await shop.plan(service, text)
        seconds = time.perf_counter() - began
    assert len(plan.nodes) >= 1001
    assert plan.nodes[-1].branch.endswith("└─ ")
    assert [node.branch[-3:] for node in plan.nodes].count("├─ ") == 999
    assert sum(node.share for node in plan.nodes) == pytest.approx(1)
    assert seconds < 10


async def test_a_plan_of_a_thousand_nodes_below_each_other(shop: Shop, tmp_path: Path) -> None:
    """Twice as deep as Python's own reader of JSON goes."""
    depth = 1000
    text = "".join(["SELECT * FROM (" * depth, "SELECT id FROM orders", " LIMIT 1000000) AS x" * depth])
    patient = Settings(timeouts=Timeouts(statement=60))  # EXPLAIN's JSON is 28 MB of spaces
    async with plans_of(shop, tmp_path, settings=patient) as (service, _):
        began = time.perf_counter()
        plan = await shop.plan(service, text)
        seconds = time.perf_counter() - began
    assert plan.nodes[-1].depth == depth
    assert plan.nodes[-1].relation == "orders"
    assert plan.nodes[-1].branch == "   " * (depth - 1) + "└─ "
    assert sum(node.share for node in plan.nodes) == pytest.approx(1)
    assert seconds < 60


async def test_a_statement_of_a_megabyte(shop: Shop, tmp_path: Path) -> None:
    numbers = ", ".join(map(str, range(150_000)))
    text = f"SELECT * FROM orders WHERE id IN ({numbers}) AND state = $1"  # noqa: S608
    assert len(text) > 1_000_000
    async with plans_of(shop, tmp_path) as (service, _):
        began = time.perf_counter()
        explaining = service.explaining(shop.request(text))
        assert time.perf_counter() - began < 1, "it holds the console up"
        plan = await service.plan(explaining)
        advice = await service.advise(plan, explaining.request)
        seconds = time.perf_counter() - began
    assert plan.parameters == ("text",)
    assert plan.statement == text
    assert advice.sentence
    assert seconds < 20


async def test_the_console_stays_awake_meanwhile(shop: Shop, tmp_path: Path) -> None:
    text = " UNION ALL ".join(["SELECT id FROM orders"] * 1000)
    longest = 0.0  # seconds of work, whatever else the machine does

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - before)

    async with plans_of(shop, tmp_path) as (service, _):
        watching = asyncio.create_task(watch())
        await shop.plan(service, text)
        watching.cancel()
    assert longest < 0.5


# Connections --------------------------------------------------------------------------------------------------------


async def test_no_more_connections_than_are_allowed(shop: Shop, tmp_path: Path) -> None:
    settings = Settings(pool=Pool(max_open=1))
    async with plans_of(shop, tmp_path, settings=settings) as (service, _):
        with pytest.raises(OperationRefused, match=r"pool\.max_open"):
            await shop.plan(service, "SELECT 1")


async def test_an_idle_connection_of_the_engine_makes_room(shop: Shop, tmp_path: Path) -> None:
    settings = Settings(pool=Pool(max_open=2))
    async with plans_of(shop, tmp_path, settings=settings) as (service, server):
        async with server.engine.connection():
            with pytest.raises(OperationRefused, match=r"pool\.max_open"):
                await shop.plan(service, "SELECT 1")
        assert server.pool.open_connections == 2
        await shop.plan(service, "SELECT 1")
        assert server.pool.open_connections == 1
