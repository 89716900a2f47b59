"""Directories of SQL pairs: which revisions their file names and headers make, and what is refused."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import pytest

from console.data.migrations import sql_files
from console.errors import BadMigrations
from console.models.migrations import Source, SourceKind
from tests.live import SteppedClock

COLLEX, GOLANG = SourceKind.SQL_PAIRS, SourceKind.GOLANG_MIGRATE

HEADER = """\
-- Migration: Add User Preferences
-- Version: 002
-- Description: Add user preferences table
-- Created: 2024-01-01T12:00:00Z

-- Description: of something else
CREATE TABLE user_preferences (id uuid);
-- Created: never
"""


def made(directory: Path, kind: SourceKind, *names: str) -> Source:
    """A directory with files of these names; each has a statement of its own."""
    for name in names:
        (directory / name).write_text(f"SELECT '{name}';\n")
    return Source(kind, directory)


def test_reads_the_pairs_of_collex(tmp_path: Path) -> None:
    source = made(
        tmp_path,
        COLLEX,
        "001_initial_schema.sql",
        "001_rollback.sql",
        "002_add_user_preferences.sql",
        "002_add_user_preferences_rollback.sql",
        "003_remember_each_rollback.sql",
        "README.md",
        "seed.sql",
    )
    (tmp_path / "002_add_user_preferences.sql").write_text(HEADER)
    assert sql_files.recognise(tmp_path) is COLLEX
    first, second, third = sql_files.read(source)
    assert (first.id, first.down, first.message) == ("001", (), "initial schema")
    assert first.rollback_path == tmp_path / "001_rollback.sql"
    assert (second.id, second.down, second.message) == ("002", ("001",), "Add user preferences table")
    assert second.created == datetime(2024, 1, 1, 12)
    assert second.rollback_path == tmp_path / "002_add_user_preferences_rollback.sql"
    assert (third.down, third.message) == (("002",), "remember each rollback")
    assert (third.created, third.rollback_path) == (None, None)


def test_reads_the_pairs_of_golang_migrate_by_number(tmp_path: Path) -> None:
    source = made(
        tmp_path,
        GOLANG,
        "10_ten.up.sql",
        "9_nine.up.sql",
        "9_other_words.down.sql",
        "20240101120000_dated.up.sql",
        "20240101120000_dated.down.sql",
    )
    assert sql_files.recognise(tmp_path) is GOLANG
    revisions = sql_files.read(source)
    assert [(revision.id, revision.down) for revision in revisions] == [
        ("9", ()),
        ("10", ("9",)),
        ("20240101120000", ("10",)),
    ]
    assert [revision.message for revision in revisions] == ["nine", "ten", "dated"]
    assert revisions[0].rollback_path == tmp_path / "9_other_words.down.sql"
    assert revisions[1].rollback_path is None


def test_the_checksum_is_that_of_both_files(tmp_path: Path) -> None:
    source = made(tmp_path, GOLANG, "1_a.up.sql", "1_a.down.sql")
    seen = {sql_files.read(source)[0].checksum}
    for name in ("1_a.up.sql", "1_a.down.sql"):
        with (tmp_path / name).open("a") as file:
            file.write("SELECT 1;\n")
        revision = sql_files.read(source)[0]
        assert sql_files.checksum(revision) == revision.checksum
        seen.add(revision.checksum)
    (tmp_path / "1_a.down.sql").unlink()
    seen.add(sql_files.read(source)[0].checksum)
    assert len(seen) == 4


def test_a_directory_without_pairs_is_not_recognised(tmp_path: Path) -> None:
    made(tmp_path, COLLEX, "schema.sql", "001.sql", "x_001.sql", "001_notes.txt")
    assert sql_files.recognise(tmp_path) is None
    assert sql_files.recognise(tmp_path / "missing") is None


@pytest.mark.parametrize(
    ("kind", "names", "words"),
    [
        (COLLEX, ["001_a.sql", "1_b.sql"], "Version 001 is there twice: 001_a.sql and 1_b.sql."),
        (COLLEX, ["001_a.sql", "001_rollback.sql", "001_a_rollback.sql"], "Version 001 is there twice"),
        (GOLANG, ["1_a.up.sql", "1_b.up.sql"], "Version 1 is there twice"),
        (COLLEX, ["001_a.sql", "002_rollback.sql"], "002_rollback.sql undoes a migration that is not there"),
        (GOLANG, ["1_a.up.sql", "2_b.down.sql"], "2_b.down.sql undoes a migration that is not there"),
        (GOLANG, ["1_a.up.sql", "002_b.sql"], "002_b.sql is neither"),
        (COLLEX, ["001_a.sql", "2_b.up.sql"], "another convention"),
    ],
)
def test_refuses_names_that_contradict_each_other(
    tmp_path: Path, kind: SourceKind, names: list[str], words: str
) -> None:
    source = made(tmp_path, kind, *names)
    with pytest.raises(BadMigrations) as refusal:
        sql_files.read(source)
    assert words in refusal.value.sentence


def test_says_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadMigrations, match="missing cannot be read: No such file or directory"):
        sql_files.read(Source(COLLEX, tmp_path / "missing"))
    (tmp_path / "001_a.sql").mkdir()
    with pytest.raises(BadMigrations, match=r"001_a\.sql cannot be read: Is a directory"):
        sql_files.read(Source(COLLEX, tmp_path))


def test_a_text_is_utf_8_without_nul(tmp_path: Path) -> None:
    path = tmp_path / "001_a.sql"
    path.write_bytes(b"\xef\xbb\xbf-- Description: \xc3\xa4ndern\nSELECT 1;")
    assert sql_files.text_of(path) == "-- Description: ändern\nSELECT 1;"
    assert sql_files.read(Source(COLLEX, tmp_path))[0].message == "ändern"
    path.write_bytes(b"SELECT '\xe4';")
    with pytest.raises(BadMigrations, match=r"001_a\.sql is not UTF-8: see byte 9"):
        sql_files.text_of(path)
    path.write_bytes(b"SELECT '\0';")
    with pytest.raises(BadMigrations, match="NUL"):
        sql_files.text_of(path)


def test_a_number_is_the_revision_of_that_number() -> None:
    assert sql_files.id_of(7, ["006", "007"]) == "007"
    assert sql_files.id_of(8, ["006", "007"]) == "8"
    assert sql_files.number_of("cad_1") is None


def test_a_thousand_pairs_are_read_quickly(tmp_path: Path) -> None:
    source = made(
        tmp_path,
        COLLEX,
        *(f"{n:04}_{name}.sql" for n in range(1, 501) for name in (f"change_{n}", f"change_{n}_rollback")),
    )
    sql_files.read(source)
    began = time.perf_counter()
    assert len(sql_files.read(source)) == 500
    assert time.perf_counter() - began < 0.5


# Creating ---------------------------------------------------------------------------------------------------------


def test_creates_the_next_pair_of_collex(tmp_path: Path) -> None:
    source = made(tmp_path, COLLEX, "009_a.sql", "009_rollback.sql")
    up, down = sql_files.new_files(source, "Add {user} preferences!", SteppedClock())
    assert (up.name, down.name) == ("010_add_user_preferences.sql", "010_rollback.sql")
    assert up.read_text() == (
        "-- Migration: Add {user} preferences!\n-- Version: 010\n-- Description: Add {user} preferences!\n"
        "-- Created: 2026-03-01T12:00:00Z\n\n"
    )
    assert down.read_text().startswith("-- Rollback Migration: Add {user} preferences!\n-- Version: 010\n")
    created = sql_files.read(source)[-1]
    assert (created.id, created.message, created.path) == ("010", "Add {user} preferences!", up)
    assert created.created == datetime(2026, 3, 1, 12)
    assert created.rollback_path == down


@pytest.mark.parametrize(
    ("names", "created"),
    [
        ([], "001_x.up.sql"),
        (["000009_a.up.sql"], "000010_x.up.sql"),
        (["999_a.up.sql"], "1000_x.up.sql"),
        (["20240101120000_a.up.sql"], "20260301120000_x.up.sql"),
        (["20270101120000_a.up.sql"], "20270101120001_x.up.sql"),
    ],
)
def test_the_next_version_is_written_like_the_last(tmp_path: Path, names: list[str], created: str) -> None:
    source = made(tmp_path, GOLANG, *names)
    up, down = sql_files.new_files(source, "x", SteppedClock())
    assert up.name == created
    assert down.name == created.replace(".up.", ".down.")


def test_creates_both_files_or_none_and_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = made(tmp_path, COLLEX, "001_a.sql")
    (tmp_path / "002_rollback.sql").write_text("SELECT 'theirs';")
    with monkeypatch.context() as patched:
        # Somebody is quicker: the listing does not have their file yet.
        patched.setattr("os.listdir", lambda _: ["001_a.sql"])
        with pytest.raises(BadMigrations, match="cannot be created: File exists"):
            sql_files.new_files(source, "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["001_a.sql", "002_rollback.sql"]
    assert (tmp_path / "002_rollback.sql").read_text() == "SELECT 'theirs';"


@pytest.mark.parametrize("message", ["", " \n", "…!", "Rollback"])
def test_a_message_that_makes_no_name_is_refused(tmp_path: Path, message: str) -> None:
    with pytest.raises(BadMigrations, match="makes no file name"):
        sql_files.new_files(Source(COLLEX, tmp_path), message)
    assert not list(tmp_path.iterdir())
