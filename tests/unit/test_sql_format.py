"""SQL laid out for reading keeps every word, and what cannot be laid out stays as it is."""

from __future__ import annotations

import time

import pytest

from console.widgets.sql_format import LONGEST, formatted


def test_a_statement_gets_a_line_for_each_clause() -> None:
    sql = "select o.id, o.total from orders o join items i on i.order_id = o.id where o.state = $1 and i.x > $2 limit 20"
    assert formatted(sql).splitlines() == [
        "select o.id, o.total",
        "from orders o",
        "join items i on i.order_id = o.id",
        "where o.state = $1",
        "  and i.x > $2",
        "limit 20",
    ]


@pytest.mark.parametrize(
    ("sql", "kept"),
    [
        ("Select 1 From t -- from  here, on\nWhere a = $1", "-- from  here, on\n"),
        ("SELECT /* two  lines,\n   of it */ 1 FROM t", "/* two  lines,\n   of it */"),
        ("DO $x$ BEGIN\n  PERFORM 1,  2;\nEND $x$", "$x$ BEGIN\n  PERFORM 1,  2;\nEND $x$"),
        ("SELECT 'a  b,\n c' FROM t", "'a  b,\n c'"),
        ('SELECT "Odd  Name" FROM "t"', '"Odd  Name"'),
        ("SELECT 名前 FROM 商品 WHERE 国 IN ('日本', '😀')", "'😀'"),
        ("SELECT e'\x1b[2J' FROM t", "'\x1b[2J'"),
    ],
)
def test_words_are_kept(sql: str, kept: str) -> None:
    shown = formatted(sql)
    assert kept in shown
    assert shown.split() == sql.split()
    assert "\n" in shown


@pytest.mark.parametrize("sql", ["SELECT " + "(" * 2000 + "1" + ")" * 2000, ""], ids=["deep", "empty"])
def test_what_cannot_be_laid_out_is_given_back_as_it_is(sql: str) -> None:
    assert formatted(sql) == sql


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT {'a, ' * (LONGEST // 3)}b FROM t",  # noqa: S608
        "SELECT " + ",".join("1" * 9000),
        "SELECT " + "a || " * 120 + "b FROM t",
        "INSERT INTO t VALUES (" + ", ".join(f"${n}" for n in range(1, 150)) + ")",  # noqa: S608
    ],
    ids=["long", "too many tokens", "no list", "values"],
)
def test_no_line_is_much_wider_than_a_terminal(sql: str) -> None:
    shown = formatted(sql)
    assert max(map(len, shown.splitlines())) < 120
    assert "".join(shown.split()) == "".join(sql.split())


def test_arguments_do_not_hang_below_the_function_that_takes_them() -> None:
    sql = (
        "SELECT count(*) FILTER (WHERE o.state = $4 AND o.placed_at > now() - interval '1 day'), "
        "coalesce(sum(o.amount) FILTER (WHERE o.state = $1), $2 /*, ... */), jsonb_build_object('state', o.state, "
        "'placed at', o.placed_at, 'amount', o.amount, 'customer', o.customer_id, 'note', o.note) FROM orders o"
    )
    shown = formatted(sql)
    assert len(shown.splitlines()) > 5
    assert max(len(line) - len(line.lstrip()) for line in shown.splitlines()) <= 14
    assert "$2 /*, ... */)" in shown


def test_what_the_formatter_takes_apart_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sql = "SELECT a FROM t WHERE a IN ($1 /*, ... */)"
    monkeypatch.setattr(
        "sqlparse.format", lambda text, **_: text.replace("/*, ...", "/*,\n ...").replace(" FROM", "\nFROM")
    )
    assert formatted(sql) == sql


def test_a_long_list_takes_few_lines() -> None:
    sql = "SELECT 1 FROM t WHERE x IN (" + ", ".join(f"${n}" for n in range(1, 101)) + ")"  # noqa: S608
    lines = formatted(sql).splitlines()
    assert 5 < len(lines) < 15
    assert max(map(len, lines)) < 100


def test_a_megabyte_is_given_back_at_once() -> None:
    sql = "INSERT INTO t VALUES " + "(1, 'abc'), " * 90_000
    began = time.perf_counter()
    assert formatted(sql) is sql
    assert time.perf_counter() - began < 0.01
