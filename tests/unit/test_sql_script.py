"""Scripts are split where psql splits them, and a statement is known by its first words."""

from __future__ import annotations

import random
import time
from itertools import accumulate

import pytest

from console.data.migrations.script import (
    copies_with_client,
    is_transaction_control,
    line_at,
    needs_no_transaction,
    outline,
    psql_command,
    split,
)
from console.models.migrations import Statement

STATEMENTS = [
    "SELECT 1",
    "SELECT 'a;b', 'it''s; so', ''",
    r"SELECT 'a backslash ends nothing\'",
    r"SELECT E'it\'s; so', e'\\'",
    "SELECT E'one\\';'\n  -- goes on; really\n  '\\';two'",
    'SELECT 1 AS "a;""b"',
    """SELECT U&'\\0041;' , U&"\\0041;", n'x;', b'1', X'1F'""",
    "SELECT $$a;b$$, $tag$ $$; $other$; $tag$, $_1$;$_1$, $ä$;$ä$",
    "SELECT a$b$, c$b$ FROM (SELECT 1 AS a$b$, 2 AS c$b$) AS s",
    "SELECT $1 + $2",
    "SELECT 1 /* a; /* nested; */ still; */ + 2",
    "SELECT 2 /* ' */ - -1 -- ' ; \"\n + 3",
    "SELECT 1 +/* ; */- 1",
    "SELECT 5 --5;\n - 1",
    "CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT ')' ; SELECT 2)",
    "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END; $$",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT (CASE 1 WHEN 1 THEN 2 END); END",
    'create or replace procedure "p"(IN a int DEFAULT (1)) begin atomic select 1; select 2; end',
    "CREATE FUNCTION begin.atomic() RETURNS int LANGUAGE sql RETURN CASE WHEN true THEN 1 END",
    "CREATE TABLE begin (atomic int)",
    "BEGIN",
    "END",
    "SELECT ARRAY[1, 2][1], a[1:2], b::int, c->>'d', e @> f, :g, 10.5e3, 0x1F, 1_000",
    "INSERT INTO größe (straße) VALUES ('ß;')",
]

SEPARATORS = [";\n", " ; \t", ";", "\r\n;\r\n", ";;\n;", "; -- above; '\n", ";/* between; $$ */\n\n"]


def test_gives_back_the_statements_that_a_script_is_made_of() -> None:
    chance = random.Random(3)
    for _ in range(300):
        wanted = chance.choices(STATEMENTS, k=chance.randint(1, 12))
        separators = chance.choices(SEPARATORS, k=len(wanted))
        script = "".join(map("".join, zip(wanted, separators, strict=True)))
        found = split(script)
        assert [statement.text.removeprefix("/* between; $$ */").lstrip() for statement in found] == wanted
        starts = accumulate(
            (len(a + b) for a, b in zip(wanted, separators, strict=True)),
            initial=0,
        )
        assert [statement.line for statement in found] == [
            script.count("\n", 0, start) + 1 for start, _ in zip(starts, wanted, strict=False)
        ]


def test_a_statement_has_the_comments_above_it_and_none_below() -> None:
    script = """\
-- The tables.

/* First;
   one. */ CREATE TABLE a (b int) -- no end yet
; -- of a
-- Second one.
CREATE TABLE c (d int) -- the last
-- That is all; really.
"""
    assert split(script) == (
        Statement("-- The tables.\n\n/* First;\n   one. */ CREATE TABLE a (b int)", 4),
        Statement("-- Second one.\nCREATE TABLE c (d int)", 7),
    )


@pytest.mark.parametrize(
    "script", ["", " \n\t", ";", ";;\n;", "-- nothing", "/* nothing; */ ; -- at all", "/* no end"]
)
def test_comments_alone_are_no_statement(script: str) -> None:
    assert split(script) == ()


@pytest.mark.parametrize(
    "script",
    [
        "SELECT 'no end; really",
        'SELECT "no end; really',
        "SELECT E'no end\\'; really\\",
        "SELECT $x$ no end; really $$ $y$",
        "SELECT (no end; really",
        "CREATE PROCEDURE p() BEGIN ATOMIC SELECT 1; SELECT CASE; END;",
    ],
)
def test_what_has_no_end_is_one_statement(script: str) -> None:
    assert [statement.text for statement in split(script)] == [script.removesuffix(";")] or script.endswith(
        ";"
    )
    assert len(split(script)) == 1


def test_takes_any_text() -> None:
    chance = random.Random(4)
    pieces = [
        "'",
        '"',
        "$",
        "$a$",
        "$$",
        "E'",
        "\\",
        "/*",
        "*/",
        "--",
        "\n",
        ";",
        "(",
        ")",
        "x",
        "é",
        " ",
        "\0",
        "U&'",
    ]
    pieces += ["CREATE FUNCTION f BEGIN ATOMIC ", "CASE ", "END"]
    for _ in range(3000):
        script = "".join(chance.choices(pieces, k=chance.randint(0, 30)))
        found = split(script)
        place = 0
        for statement in found:
            place = script.index(statement.text, place) + len(statement.text)
            assert 1 <= statement.line <= script.count("\n") + 1
        outline(script), psql_command(script), is_transaction_control(script)


@pytest.mark.parametrize(
    "script",
    [
        "INSERT INTO a VALUES (1, 'x''y', $q$ ab;c $q$, 12.5); -- hello\n" * 16_000,
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC "
        + "SELECT a, b FROM c WHERE d = 1;\n" * 32_000
        + "END",
        "$a$ $b" * 160_000,
        "/*" * 500_000,
        "(" * 1_000_000,
        "E'\\" * 330_000,
        "E''" + "\n" * 1_000_000,
    ],
    ids=["rows", "body", "tags", "comments", "parentheses", "escapes", "lines"],
)
def test_a_megabyte_is_split_at_once(script: str) -> None:
    began = time.process_time()
    split(script)
    assert time.process_time() - began < 3


def test_a_position_of_the_server_is_a_line_of_the_script() -> None:
    _, statement = split("SELECT 1;\n\n-- Two\n\nSELECT 2,\n  oops;\n")
    assert statement == Statement("-- Two\n\nSELECT 2,\n  oops", 5)
    assert line_at(statement, statement.text.index("oops") + 1) == 6
    assert line_at(statement, statement.text.index("SELECT") + 1) == 5
    assert line_at(statement, 1) == 3


def test_an_outline_has_no_comments_and_no_contents() -> None:
    text = "/* x */ create -- y\n unique index \"CONCURRENTLY\" on t (lower('VACUUM'), $$x$$)"
    assert outline(text) == 'CREATE UNIQUE INDEX "" ON T LOWER "" ""'


@pytest.mark.parametrize(
    "text",
    [
        "BEGIN",
        "/* a */ begin isolation level serializable",
        "START TRANSACTION",
        "COMMIT AND CHAIN",
        "END WORK",
        "ABORT",
        "ROLLBACK",
        "ROLLBACK WORK",
        "PREPARE TRANSACTION 'x'",
        "COMMIT PREPARED 'x'",
    ],
)
def test_knows_what_begins_or_ends_a_transaction(text: str) -> None:
    assert is_transaction_control(text)


@pytest.mark.parametrize(
    "text",
    [
        "SAVEPOINT a",
        "ROLLBACK TO a",
        "ROLLBACK WORK TO SAVEPOINT a",
        "RELEASE a",
        "PREPARE commit AS SELECT 1",
        "SET TRANSACTION READ ONLY",
        "SELECT 'COMMIT'",
        "DO $$ BEGIN COMMIT; END $$",
        "begins",
    ],
)
def test_savepoints_neither_begin_nor_end_a_transaction(text: str) -> None:
    assert not is_transaction_control(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("COPY t FROM stdin", True),
        ("copy a.b (c, d) from STDIN WITH (FORMAT csv)", True),
        ("COPY (SELECT 1) TO STDOUT", True),
        ("COPY t FROM '/tmp/stdin'", False),
        ("COPY t FROM PROGRAM 'cat'", False),
        ("SELECT 'COPY t FROM stdin'", False),
    ],
)
def test_knows_a_copy_whose_rows_are_the_clients(text: str, wanted: bool) -> None:
    assert copies_with_client(text) is wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("\\connect other\nSELECT 1", "\\connect"),
        ("SELECT 1 \\gexec", "\\gexec"),
        ("SELECT '\\d', E'\\'\\d', $$\\d$$, \"\\d\" -- \\d\n /* \\d */", None),
        ("\\", "\\"),
    ],
)
def test_finds_the_commands_of_psql(text: str, wanted: str | None) -> None:
    assert psql_command(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'CREATE INDEX CONCURRENTLY'",
        "CREATE INDEX concurrently_made ON t (a)",
        'CREATE INDEX "concurrently" ON t (a)',
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
        "REINDEX TABLE t",
        "CLUSTER t USING i",
        "ALTER TABLE t DETACH PARTITION p",
        "ALTER TYPE t ADD VALUE 'x'",
        "CREATE SCHEMA vacuum",
        "ALTER DATABASE d SET work_mem = '8MB'",
    ],
)
def test_most_statements_can_be_in_a_transaction(text: str) -> None:
    assert not needs_no_transaction(text)
