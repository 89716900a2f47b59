"""Indexes that would help: tried with hypopg where it is, told untried where it is not, and never made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.models.plans import IndexAdvice, IndexCandidate
from tests.plan_shop import Shop, plans_of, shop_in
from tests.postgres import PostgresCluster

PARTITIONED = """\
CREATE INDEX events_kind_at_idx ON ONLY sales.events (kind, at);
CREATE INDEX CONCURRENTLY events_1_kind_at_idx ON sales.events_1 (kind, at);
ALTER INDEX sales.events_kind_at_idx ATTACH PARTITION sales.events_1_kind_at_idx;
CREATE INDEX CONCURRENTLY events_2_kind_at_idx ON sales.events_2 (kind, at);
ALTER INDEX sales.events_kind_at_idx ATTACH PARTITION sales.events_2_kind_at_idx;"""


@pytest.fixture(scope="module")
def tried(postgis: PostgresCluster) -> Iterator[Shop]:
    """A shop whose database has hypopg."""
    with shop_in(postgis, "hypopg") as shop:
        yield shop


@pytest.fixture(scope="module")
def untried(every_postgres: PostgresCluster) -> Iterator[Shop]:
    with shop_in(every_postgres) as shop:
        yield shop


async def advise(shop: Shop, tmp_path: Path, text: str, role: str = "postgres") -> IndexAdvice:
    """The advice on a statement; the database has no more and no fewer indexes after it."""
    indexes = "SELECT array_agg(indexrelid ORDER BY indexrelid) FROM pg_index"
    before = await shop.cluster.run(indexes, database=shop.database)
    async with plans_of(shop, tmp_path, role=role) as (service, server):
        request = shop.request(text)
        advice = await service.advise(await service.plan(service.explaining(request)), request)
        assert server.pool.open_connections == 1
    assert await shop.cluster.run(indexes, database=shop.database) == before
    return advice


def best(advice: IndexAdvice) -> IndexCandidate:
    """The first candidate: the one with the greatest gain."""
    return advice.candidates[0]


@pytest.mark.parametrize(
    ("text", "statement", "reason"),
    [
        (
            "SELECT * FROM orders WHERE customer_id = $1",
            "CREATE INDEX CONCURRENTLY ON sales.orders (customer_id);",
            "filter orders.customer_id",
        ),
        (
            "SELECT * FROM orders o WHERE amount > $2 AND customer_id = $1",
            "CREATE INDEX CONCURRENTLY ON sales.orders (customer_id, amount);",
            "filter o.customer_id, filter o.amount",
        ),
        (
            "SELECT l.* FROM customers c JOIN lines l ON l.order_id = c.id WHERE c.id = $1 AND l.product = $2",
            "CREATE INDEX CONCURRENTLY ON sales.lines (order_id, product);",
            "filter l.order_id, filter l.product",
        ),
        (
            "SELECT c.id, (SELECT sum(quantity) FROM lines l WHERE l.order_id = c.id AND l.product = $1) FROM customers c",
            "CREATE INDEX CONCURRENTLY ON sales.lines (product, order_id);",
            "filter l.product, join l.order_id",
        ),
        (
            "SELECT * FROM orders WHERE customer_id = $1 ORDER BY amount DESC LIMIT 10",
            "CREATE INDEX CONCURRENTLY ON sales.orders (customer_id, amount);",
            "filter orders.customer_id, sort orders.amount",
        ),
        (
            "SELECT * FROM orders ORDER BY state, amount DESC LIMIT 10",
            "CREATE INDEX CONCURRENTLY ON sales.orders (state, amount DESC);",
            "sort orders.state, sort orders.amount DESC",
        ),
        (
            "SELECT * FROM customers WHERE lower(email) = $1",
            "CREATE INDEX CONCURRENTLY ON sales.customers ((lower(CAST((email) AS text))));",
            "filter lower(CAST((email) AS text))",
        ),
        (
            "SELECT * FROM customers WHERE email = $1",
            "CREATE INDEX CONCURRENTLY ON sales.customers (email);",
            "filter customers.email",
        ),
        (
            'SELECT * FROM orders WHERE "Note" = $1 AND customer_id IS NULL',
            'CREATE INDEX CONCURRENTLY ON sales.orders ("Note") WHERE customer_id IS NULL;',
            'filter orders."Note", where customer_id IS NULL',
        ),
        (
            "SELECT * FROM events WHERE kind = $1 AND at > $2",
            PARTITIONED,
            "filter events.kind, filter events.at",
        ),
        (
            "SELECT * FROM events e WHERE kind = $1 AND at > '2024-02-10'",
            PARTITIONED,
            "filter e.kind, filter e.at",
        ),
    ],
)
async def test_what_helps_most(tried: Shop, tmp_path: Path, text: str, statement: str, reason: str) -> None:
    advice = await advise(tried, tmp_path, text)
    candidate = best(advice)
    assert (candidate.statement.lower(), candidate.reason.lower()) == (statement.lower(), reason.lower())
    assert candidate.is_tried
    assert candidate.is_used
    assert candidate.gain is not None
    assert candidate.gain > 0.3
    assert candidate.size
    assert "none was made" in advice.sentence
    gains = [candidate.gain or 0 for candidate in advice.candidates]
    assert gains == sorted(gains, reverse=True)
    assert len(gains) <= 8


async def test_of_a_partitioned_table_the_index_is_valid_and_new_partitions_get_it(
    tried: Shop, tmp_path: Path
) -> None:
    """Also where partitions have partitions, names are long, and one that would be given is taken."""
    long = "x" * 60
    connection = await tried.cluster.connect(database=tried.database)
    await connection.execute(
        f"""
        CREATE TABLE sales.log (at int, who int, note text) PARTITION BY RANGE (at);
        CREATE TABLE sales."{long}_1" PARTITION OF sales.log FOR VALUES FROM (0) TO (1000);
        CREATE TABLE sales."{long}_2" PARTITION OF sales.log FOR VALUES FROM (1000) TO (2000);
        CREATE TABLE sales.log_3 PARTITION OF sales.log FOR VALUES FROM (2000) TO (90000) PARTITION BY LIST (at);
        CREATE TABLE sales.log_3_rest PARTITION OF sales.log_3 DEFAULT;
        INSERT INTO sales.log SELECT i, i, repeat('x', 50) FROM generate_series(0, 30000) i;
        CREATE TABLE sales.log_who_idx ();
        GRANT SELECT ON sales.log TO "{tried.role}";
        ANALYZE sales.log;
        """  # noqa: S608
    )
    try:
        advice = await advise(tried, tmp_path, "SELECT * FROM sales.log WHERE who = $1")
        (candidate,) = advice.candidates
        assert (candidate.table, candidate.columns, candidate.is_used) == ("log", ("who",), True)
        for statement in candidate.statement.splitlines():
            await connection.execute(statement)
        invalid = await connection.fetchval("SELECT count(*) FROM pg_index WHERE NOT indisvalid")
        assert invalid == 0
        await connection.execute(
            "CREATE TABLE sales.log_4 PARTITION OF sales.log FOR VALUES FROM (90000) TO (91000)"
        )
        new = await connection.fetchval(
            "SELECT count(*) FROM pg_index WHERE indrelid = 'sales.log_4'::regclass"
        )
        assert new == 1
        assert (await advise(tried, tmp_path, "SELECT * FROM sales.log WHERE who = $1")).candidates == ()
    finally:
        await connection.execute("DROP TABLE sales.log, sales.log_who_idx")
        await connection.close()


async def test_the_index_that_is_advised_does_what_was_said(tried: Shop, tmp_path: Path) -> None:
    text = "SELECT * FROM orders WHERE amount = $1 AND customer_id = $2"
    advice = best(await advise(tried, tmp_path, text))
    async with plans_of(tried, tmp_path) as (service, _):
        before = await tried.plan(service, text)
        await tried.cluster.run(advice.statement, database=tried.database)
        try:
            after = await tried.plan(service, text)
            again = await service.advise(after, tried.request(text))
        finally:
            await tried.cluster.run("DROP INDEX sales.orders_amount_customer_id_idx", database=tried.database)
    assert advice.cost_before == pytest.approx(before.root.total_cost)
    assert advice.cost_after == pytest.approx(after.root.total_cost, rel=0.2)
    assert advice.statement not in [candidate.statement for candidate in again.candidates], "it is there"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM orders WHERE id = $1",
        "SELECT * FROM tiny WHERE id = $1",
        "SELECT * FROM orders WHERE state LIKE $1",
        "SELECT * FROM orders WHERE customer_id <> $1",
        "SELECT * FROM customers WHERE id = 1 OR country = 'de'",
        "SELECT 1",
    ],
)
async def test_where_there_is_nothing_to_advise(tried: Shop, tmp_path: Path, text: str) -> None:
    advice = await advise(tried, tmp_path, text)
    assert advice.candidates == ()
    assert advice.sentence.startswith("No filter, join or sort")


async def test_what_cannot_be_an_index_is_left_out_of_the_tried(tried: Shop, tmp_path: Path) -> None:
    """The function is not immutable."""
    advice = await advise(tried, tmp_path, "SELECT * FROM lines WHERE touch(quantity) = $1 AND product = $2")
    assert [candidate.statement for candidate in advice.candidates if candidate.is_tried] == [
        "CREATE INDEX CONCURRENTLY ON sales.lines (product);"
    ]


async def test_a_statement_that_writes_is_advised_on(tried: Shop, tmp_path: Path) -> None:
    advice = await advise(tried, tmp_path, "UPDATE orders SET state = 'done' WHERE customer_id = $1")
    assert best(advice).columns == ("customer_id",)
    assert best(advice).is_used


async def test_a_role_that_may_not_use_hypopg(tried: Shop, tmp_path: Path) -> None:
    connection = await tried.cluster.connect(database=tried.database)
    await connection.execute('CREATE SCHEMA "Tools"; ALTER EXTENSION hypopg SET SCHEMA "Tools"')
    text = "SELECT * FROM orders WHERE customer_id = $1"
    try:
        refused = await advise(tried, tmp_path, text)
        await connection.execute(f'GRANT USAGE ON SCHEMA "Tools" TO "{tried.role}"')
        granted = await advise(tried, tmp_path, text)
    finally:
        await connection.execute('ALTER EXTENSION hypopg SET SCHEMA public; DROP SCHEMA "Tools" CASCADE')
        await connection.close()
    assert f'GRANT USAGE ON SCHEMA "Tools" TO "{tried.role}"' in refused.sentence
    assert [candidate.is_tried for candidate in refused.candidates] == [False]
    assert best(granted).is_tried


async def test_without_hypopg_candidates_are_untried(untried: Shop, tmp_path: Path) -> None:
    advice = await advise(untried, tmp_path, "SELECT * FROM orders WHERE customer_id = $1 AND amount > $2")
    candidate = best(advice)
    assert candidate.statement == "CREATE INDEX CONCURRENTLY ON sales.orders (customer_id, amount);"
    assert (candidate.is_tried, candidate.gain, candidate.is_used, candidate.size) == (
        False,
        None,
        None,
        None,
    )
    assert f'CREATE EXTENSION hypopg in database "{untried.database}"' in advice.sentence
