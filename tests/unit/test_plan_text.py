"""What is told of a statement by its text, before a server is asked."""

from __future__ import annotations

import time

import pytest

from console.data.plans.statement_text import Effect, has_open_limit, read
from console.data.plans.tokens import Kind, tokens_of
from console.errors import OperationRefused


def test_tokens_keep_their_places_and_quotations_are_one() -> None:
    text = "SELECT \"a\"\"b\", $x$ it's $$ $x$, E'a\\'b', 'it''s' -- $1\n, $2, a$1 /* /* $3 */ */ 1.5e3"
    found = tokens_of(text).tokens
    assert [text[token.start : token.end] for token in found if token.kind is Kind.STRING] == [
        "$x$ it's $$ $x$",
        "E'a\\'b'",
        "'it''s'",
    ]
    assert [token.text for token in found if token.kind is Kind.PARAMETER] == ["$2"]
    assert [token.identifier for token in found if token.is_name] == ["select", 'a"b', "a$1"]


@pytest.mark.parametrize(
    "text", ["SELECT 'a", 'SELECT "a', "SELECT /* /* */", "SELECT $a$ $b$", "SELECT E'a\\'"]
)
def test_what_ends_within_a_quotation_is_cut(text: str) -> None:
    assert tokens_of(text).is_cut
    assert not tokens_of("SELECT 1").is_cut


def test_a_long_list_of_constants_is_read_fast() -> None:
    text = f"SELECT * FROM t WHERE id IN ({', '.join(map(str, range(150_000)))}) FOR UPDATE"  # noqa: S608
    began = time.perf_counter()
    assert read(text).effect is Effect.LOCKS_ROWS, "told also behind what is read closely"
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    ("text", "effect", "target"),
    [
        ("SELECT * FROM orders", Effect.READS, None),
        ("(SELECT 1) UNION (SELECT 2)", Effect.READS, None),
        ("TABLE orders", Effect.READS, None),
        ("SELECT 'update orders set x' -- for update", Effect.READS, None),
        ('SELECT "update", t.update, substring(a FOR 2) FROM "delete"', Effect.READS, None),
        ("SELECT * FROM orders FOR NO KEY UPDATE", Effect.LOCKS_ROWS, None),
        ("SELECT * FROM (SELECT * FROM orders FOR SHARE) x", Effect.LOCKS_ROWS, None),
        ("UPDATE ONLY shop.orders SET state = 'x'", Effect.WRITES, "shop.orders"),
        ('/* x */ INSERT INTO "My Orders" VALUES (1)', Effect.WRITES, '"My Orders"'),
        ("DELETE FROM orders", Effect.WRITES, "orders"),
        ("MERGE INTO orders o USING x ON true WHEN MATCHED THEN DELETE", Effect.WRITES, "orders"),
        ("WITH d AS (DELETE FROM orders RETURNING *) SELECT * FROM d", Effect.WRITES, "orders"),
        ("SELECT * INTO copy FROM orders", Effect.MAKES_TABLE, None),
        ("CREATE TABLE copy AS SELECT * FROM orders", Effect.MAKES_TABLE, None),
    ],
)
def test_what_a_statement_does(text: str, effect: Effect, target: str | None) -> None:
    found = read(text)
    assert (found.effect, found.target) == (effect, target)
    assert found.effect.reads_only == (effect is Effect.READS)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT 1 FOR UPDATE", "SELECT 1 FOR UPDATE"),
        ("COPY (SELECT 1 -- (\n) TO STDOUT", "SELECT 1"),
        ("EXPLAIN (ANALYZE, FORMAT JSON) (SELECT 1)", "(SELECT 1)"),
        ("EXPLAIN ANALYZE VERBOSE SELECT 1", "SELECT 1"),
        ("EXPLAIN (SELECT 1)", "(SELECT 1)"),
        ("PREPARE p (int) AS SELECT $1", "SELECT $1"),
        ("CREATE TABLE x (a) AS (SELECT 1) WITH NO DATA;", "(SELECT 1)"),
        ("CREATE MATERIALIZED VIEW x AS SELECT 1 WITH DATA", "SELECT 1"),
        ("CREATE UNLOGGED TABLE x AS SELECT 1 AS data", "SELECT 1 AS data"),
        ("SELECT 1 ; -- end", "SELECT 1 ; -- end"),
    ],
)
def test_the_query_within_a_statement(text: str, query: str) -> None:
    assert read(text).query == query


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE x (a int)",
        "CREATE TABLE x AS EXECUTE p",
        "CREATE VIEW v AS SELECT 1",
        "COPY x TO STDOUT",
        "$1",
        "DECLARE c CURSOR FOR",
        "PREPARE p AS",
        "EXPLAIN",
    ],
)
def test_what_has_no_query(text: str) -> None:
    with pytest.raises(OperationRefused, match="EXPLAIN does not take"):
        read(text)


def test_a_semicolon_within_quotes_ends_nothing() -> None:
    assert read("SELECT ';', $$;$$, \";\" /* ; */").effect is Effect.READS
    with pytest.raises(OperationRefused, match="more than one"):
        read("SELECT 1; ;")


@pytest.mark.parametrize("end", ["LIMIT $2", "LIMIT ($2)", "OFFSET $1 LIMIT 5", "FETCH FIRST $2 ROWS ONLY"])
def test_a_limit_may_be_a_parameter(end: str) -> None:
    assert has_open_limit(f"SELECT a FROM t ORDER BY b {end}")  # noqa: S608
    assert not has_open_limit('SELECT $1, "limit" FROM t WHERE a = $2 LIMIT 20')
