"""Texts of pg_stat_statements, made into what the server's parser takes."""

from __future__ import annotations

import pytest

from console.data.plans.rewriting import (
    as_text,
    for_the_parser,
    unknown_word,
    with_one_number_for_one_value,
    without_gaps,
)


@pytest.mark.parametrize(
    ("text", "better"),
    [
        ("x > now() - interval $1", "x > now() - CAST($1 AS interval)"),
        ("INTERVAL $1 DAY", "CAST($1 AS INTERVAL DAY)"),
        ("interval $1 day to second (3) * 2", "CAST($1 AS interval day to second (3)) * 2"),
        ("interval(3) $1", "CAST($1 AS interval(3))"),
        ("timestamp(3) with time zone $1", "CAST($1 AS timestamp(3) with time zone)"),
        ("time without time zone $1", "CAST($1 AS time without time zone)"),
        ("numeric(10, 2) $1", "CAST($1 AS numeric(10, 2))"),
        ("double precision $1", "CAST($1 AS double precision)"),
        ("character varying(3) $1", "CAST($1 AS character varying(3))"),
        ("pg_catalog.date $1", "CAST($1 AS pg_catalog.date)"),
        ("date/* x */$1", "CAST($1 AS date)"),
        ("EXTRACT($1 FROM x) = $2", 'pg_catalog."extract"(CAST($1 AS text), x) = $2'),
        ("extract( $1 from date $2 )", 'pg_catalog."extract"( CAST($1 AS text), CAST($2 AS date) )'),
    ],
)
def test_a_parameter_where_the_grammar_wants_a_constant(text: str, better: str) -> None:
    found = for_the_parser(f"SELECT {text}", 18)
    assert found.text == f"SELECT {better}"
    assert len(found.notes) == text.count("$") - text.count("= $2")


@pytest.mark.parametrize(
    "text",
    [
        "x AT TIME ZONE $1",
        "SELECT date, $1 FROM t WHERE date = $2 AND date IN ($3) LIMIT $4",
        "my.date $1",
        "SELECT 'interval $1', \"date $1\", $$date $1$$ -- date $1\n/* date $1 */",
        "position($1 IN x), substring(x FROM $2 FOR $3)",
        "date(3 + 4) , $1",
    ],
)
def test_what_is_left_alone(text: str) -> None:
    assert for_the_parser(text, 18) == (text, ())


def test_before_version_14_extract_was_another_function() -> None:
    assert "pg_catalog.date_part(" in for_the_parser("SELECT EXTRACT($1 FROM x)", 13).text


def test_a_type_that_nobody_knew_of() -> None:
    text = "SELECT geo.shape $1, $2"
    found = unknown_word(text, text.index("$1") + 1)
    assert found is not None
    assert found.text == "SELECT CAST($1 AS geo.shape), $2"
    assert unknown_word(text, text.index("$2") + 1) is None, "a comma is no type"
    assert unknown_word(text, 1) is None


def test_a_parameter_of_unknown_type() -> None:
    found = as_text("SELECT $1, $10, '$1', $1", 1)
    assert found is not None
    assert found.text == "SELECT CAST($1 AS text), $10, '$1', CAST($1 AS text)"
    assert as_text("SELECT $2", 1) is None


def test_numbers_that_are_missing() -> None:
    found = without_gaps("SELECT $7, $3, $7, '$2'")
    assert found is not None
    assert found.text == "SELECT $2, $1, $2, '$2'"
    assert without_gaps("SELECT $1, $2") is None


def test_calls_that_differ_in_the_numbers_only_are_the_same_call() -> None:
    text = "SELECT f($1, f2($2, x)), $3 FROM t WHERE y = $4 GROUP BY f($5, f2($6, x))"
    found = with_one_number_for_one_value(text)
    assert found is not None
    assert found.text == "SELECT f($1, f2($2, x)), $3 FROM t WHERE y = $4 GROUP BY f($1, f2($2, x))"
    assert "$5 for $1, $6 for $2" in found.notes[0]
    assert with_one_number_for_one_value("SELECT f($1) GROUP BY g($2)") is None
