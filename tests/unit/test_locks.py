"""Which tables a statement names, however it is written. What it does to them is held against real servers."""

from __future__ import annotations

import pytest

from console.data.migrations.ddl import Name, Names
from console.data.migrations.locks import lock_of


def names(text: str) -> list[str]:
    return [str(lock.table) for lock in lock_of(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ALTER TABLE Orders ADD x int", ["orders"]),
        ('alter table if exists only "Orders" * add x int', ['"Orders"']),
        ('ALTER TABLE "a.b"."say ""hi""" ADD x int', ['"a.b"."say ""hi"""']),
        ("ALTER TABLE shop . orders ADD x int", ["shop.orders"]),
        ("ALTER TABLE here.shop.orders ADD x int", ["shop.orders"]),
        ("-- why\nALTER /* not TABLE x /* nested */ */ TABLE a -- more\n ADD x int", ["a"]),
        ("ALTER TABLE Größe ADD x int", ['"größe"']),
        ("DROP TABLE IF EXISTS a, b.c CASCADE", ["a", "b.c"]),
        ("TRUNCATE TABLE ONLY a, b *, c RESTART IDENTITY", ["a", "b", "c"]),
        ("CREATE INDEX ON a (lower('on b'))", ["a"]),
        ('CREATE INDEX CONCURRENTLY IF NOT EXISTS "on" ON ONLY a.b USING gin (x)', ["a.b"]),
        (
            "CREATE TABLE n (x int DEFAULT f(',('), y int REFERENCES b.c (id), z int REFERENCES d)",
            ["b.c", "d"],
        ),
        ("CREATE TABLE n (x text DEFAULT 'references b')", []),
        ("CREATE TABLE n (x text DEFAULT $q$references b$q$)", []),
        ("COMMENT ON COLUMN a.b.c IS 'x'", ["a.b"]),
        ("VACUUM (FULL off) a, b (x, y)", ["a", "b"]),
        ("ALTER TABLE ALL IN TABLESPACE t SET TABLESPACE u", []),
        ("DO $$BEGIN DROP TABLE a; END$$", []),
        ("SELECT 1", []),
        ("", []),
    ],
)
def test_the_tables_that_a_statement_locks(text: str, expected: list[str]) -> None:
    assert names(text) == expected


def test_the_strongest_lock_of_several_subcommands() -> None:
    (lock,) = lock_of(
        "ALTER TABLE a VALIDATE CONSTRAINT c, ADD CHECK (x IN (1, 2)), ALTER y SET STATISTICS 5"
    )
    assert (lock.mode, lock.work.value) == ("AccessExclusive", "scan")


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("VACUUM (FULL off) a", "ShareUpdateExclusive"),
        ("LOCK a IN ACCESS SHARE MODE NOWAIT", "AccessShare"),
        ("ALTER TABLE a SET (fillfactor = 90, user_catalog_table = true)", "AccessExclusive"),
        ("ALTER TABLE a DETACH PARTITION b CONCURRENTLY", "ShareUpdateExclusive"),
        ("DROP INDEX CONCURRENTLY IF EXISTS a", "ShareUpdateExclusive"),
    ],
)
def test_words_that_weaken_or_strengthen_a_lock(text: str, mode: str) -> None:
    assert lock_of(text)[0].mode == mode


@pytest.mark.parametrize(
    "text",
    ["ALTER TABLE", "ALTER TABLE a ADD", "DROP", "CREATE INDEX ON", "LOCK a IN", "VACUUM (", "'", '"', "/* /*", "$a$", "ALTER TABLE a ADD CHECK ((", "\0"],
)  # fmt: skip
def test_nonsense_takes_no_lock_and_raises_nothing(text: str) -> None:
    assert set(names(text)) <= {"a"}


def test_names_that_the_plan_makes_or_changes() -> None:
    known = Names()
    for text in (
        "ALTER TABLE shop.old RENAME TO middle",
        "ALTER TABLE IF EXISTS shop.middle SET SCHEMA store",
        "CREATE TABLE IF NOT EXISTS maybe (x int)",
        "CREATE UNLOGGED TABLE fresh (x int)",
        "ALTER TABLE fresh RENAME TO fresher",
    ):
        known.read(text)
    assert known.before(Name("store", "middle")) == Name("shop", "old")
    assert known.before(Name(None, "maybe")) == Name(None, "maybe")
    assert known.before(Name(None, "fresher")) is None
    assert known.before(Name(None, "other")) == Name(None, "other")
