"""`dbconsole migrate` on real servers: the program as a pipeline would call it."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.live import until
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster
from tests.program import dbconsole

PROGRAM = "from console.cli import main; main()"

FIRST = "CREATE TABLE note (id int PRIMARY KEY, body text);"
SECOND = "CREATE INDEX note_body ON note (body);"
"""Blocks writes while it builds the index."""


@pytest.fixture
async def empty(postgres: PostgresCluster) -> AsyncIterator[Database]:
    async with database(postgres) as found:
        yield found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two SQL pairs, the second without its way back."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "001_notes.sql").write_text(FIRST)
    (folder / "001_rollback.sql").write_text("DROP TABLE note;")
    (folder / "002_index.sql").write_text(SECOND)
    (folder / "002_rollback.sql").write_text("DROP INDEX note_body;")
    return folder


def migrate(*arguments: str | Path, home: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """`dbconsole migrate …` with nothing of ours in its environment but `environ`."""
    return dbconsole("migrate", *arguments, environment={"HOME": str(home), **environ}, cwd=home)


async def test_the_whole_way_up_and_down(empty: Database, project: Path, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        done = migrate(*arguments, "--migrations", project, home=tmp_path)
        assert "Traceback" not in done.stderr
        return done

    pending = run("status", empty.url, "--check")
    assert pending.returncode == 1
    assert "pending  2" in pending.stdout
    refused = run("upgrade", "heads", empty.url)
    assert refused.returncode == 1
    assert FIRST in refused.stdout, "what would run is shown to who is not there to be asked, too"
    assert "--yes" in refused.stderr
    assert "pending  2" in run("status", empty.url).stdout

    done = run("upgrade", "heads", empty.url, "--yes")
    assert done.returncode == 0, done.stderr
    assert run("status", empty.url, "--check").returncode == 0
    steps: list[dict[str, Any]] = json.loads(run("history", empty.url, "--json").stdout)
    assert [(step["revision"]["id"], step["state"]) for step in steps] == [
        ("002", "applied"),
        ("001", "applied"),
    ]
    assert all(step["entry"]["seconds"] > 0 and step["entry"]["role"] == "postgres" for step in steps)

    assert "DROP INDEX note_body" in run("sql", "001", empty.url).stdout
    down = run("downgrade", "base", empty.url, "--yes")
    assert down.returncode == 0, down.stderr
    assert not await empty.run("SELECT FROM pg_class WHERE relname = 'note'")
    assert run("upgrade", "heads", empty.url, "--yes").returncode == 0


async def test_production_is_not_changed_by_yes(empty: Database, project: Path, tmp_path: Path) -> None:
    arguments = ("upgrade", "heads", empty.url, "--migrations", project, "-e", "production")
    refused = migrate(*arguments, "--yes", home=tmp_path)
    assert refused.returncode == 1
    assert "--confirm 002" in refused.stderr
    wrong = migrate(*arguments, "--confirm", "001", home=tmp_path)
    assert wrong.returncode == 1
    assert not await empty.run("SELECT FROM pg_class WHERE relname = 'note'")
    done = migrate(*arguments, "--confirm", "002", home=tmp_path)
    assert done.returncode == 0, done.stderr


async def test_read_only_changes_nothing(empty: Database, project: Path, tmp_path: Path) -> None:
    for arguments in (("upgrade", "heads"), ("stamp", "heads")):
        done = migrate(*arguments, empty.url, "--migrations", project, "--read-only", "--yes", home=tmp_path)
        assert done.returncode == 1
        assert "--read-only" in done.stderr
    assert not await empty.run("SELECT FROM pg_class WHERE relname ~ 'note|dbconsole'")


async def test_a_person_is_asked(empty: Database, project: Path, tmp_path: Path) -> None:
    answered = await asyncio.to_thread(_answered_on_a_terminal, empty.url, project, tmp_path)
    assert answered.returncode == 0, answered.stderr
    assert FIRST in answered.stdout
    assert await empty.run("SELECT FROM pg_class WHERE relname = 'note'")


def _answered_on_a_terminal(url: str, project: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """An upgrade whose question is answered with yes."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, b"yes\n")
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, "migrate", "upgrade", "001", url, "--migrations", project],
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=home,
            env={"PATH": "/usr/bin:/bin", "HOME": str(home)},
        )
    finally:
        os.close(theirs)
        os.close(ours)


async def test_one_ctrl_c_leaves_the_question(empty: Database, project: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    program = await _started(
        "upgrade", "001", empty.url, "--migrations", project, home=tmp_path, stdin=theirs
    )
    assert program.stdout is not None
    await asyncio.wait_for(program.stdout.readuntil(b"to go on: "), 60)
    await until(lambda: psutil.Process(program.pid).status() == psutil.STATUS_SLEEPING)
    program.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(program.wait(), 30) == 130
    os.close(theirs)
    os.close(ours)
    assert not await empty.run("SELECT FROM pg_class WHERE relname = 'note'")


async def _started(
    *arguments: str | Path, home: Path, stdin: int = subprocess.DEVNULL
) -> asyncio.subprocess.Process:
    """`dbconsole migrate …` that goes on; its output is to be read."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, "migrate", *map(str, arguments)),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=home,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home)},
    )


def _recorded(home: Path) -> dict[str, Any]:
    """The last line of the audit file."""
    lines = (home / ".local/state/dbconsole/audit.jsonl").read_text().splitlines()
    entry: dict[str, Any] = json.loads(lines[-1])
    return entry


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_cancels_and_that_is_recorded(
    empty: Database, project: Path, tmp_path: Path, number: signal.Signals
) -> None:
    (project / "002_index.sql").write_text("SELECT pg_sleep(100)")
    program = await _started("upgrade", "heads", empty.url, "--migrations", project, "--yes", home=tmp_path)
    assert program.stdout is not None
    await asyncio.wait_for(program.stdout.readuntil(b"upgrade 002"), 60)
    program.send_signal(number)
    _, complaint = await asyncio.wait_for(program.communicate(), 30)
    assert program.returncode == 1
    assert b"was rolled back." in complaint or b"Cancelled" in complaint
    assert b"Traceback" not in complaint
    assert _recorded(tmp_path)["done"] is False
    assert await empty.run("SELECT FROM pg_class WHERE relname = 'note'"), "what was committed stays"


async def test_a_reader_that_goes_away_does_not_break_the_migration_off(
    empty: Database, project: Path, tmp_path: Path
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, "migrate", "upgrade", "heads", empty.url),
        *("--migrations", str(project), "--yes"),
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    os.close(writing)
    _, complaint = await asyncio.wait_for(program.communicate(), 60)
    assert (program.returncode, complaint) == (0, b"")
    assert await empty.run("SELECT FROM pg_class WHERE relname = 'note_body'")
    assert _recorded(tmp_path)["done"] is True


async def test_goals_that_begin_with_a_dash(empty: Database, project: Path, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return migrate(*arguments, "--migrations", project, home=tmp_path)

    assert run("upgrade", "+2", empty.url, "--yes").returncode == 0
    assert run("sql", "-1", empty.url).stdout.startswith("-- downgrade 002")
    assert run("downgrade", "--yes", "-1", empty.url).returncode == 0
    assert not await empty.run("SELECT FROM pg_class WHERE relname = 'note_body'")
    for wrong in (("-1x", empty.url), ("--yess", empty.url), ("base", "--yess"), ("base", "-1")):
        done = run("downgrade", *wrong)
        assert done.returncode == 2
        assert "No such option" in done.stderr
    assert await empty.run("SELECT FROM pg_class WHERE relname = 'note'")


async def test_a_rollback_leaves_out_what_slipped_in_and_never_ran(
    empty: Database, project: Path, tmp_path: Path
) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return migrate(*arguments, empty.url, "--migrations", project, home=tmp_path)

    (project / "003_more.sql").write_text("CREATE TABLE more ();")
    (project / "003_rollback.sql").write_text("DROP TABLE more;")
    later = [(path, path.read_text()) for path in (project / "002_index.sql", project / "002_rollback.sql")]
    for path, _ in later:
        path.unlink()
    assert run("upgrade", "heads", "--yes").returncode == 0
    for path, text in later:
        path.write_text(text)
    assert "out of order 002" in run("status").stdout

    titles = [line for line in run("sql", "base").stdout.splitlines() if line.startswith("--")]
    assert titles == ["-- downgrade 003: more", "-- downgrade 001: notes"]
    assert run("downgrade", "base", "--yes").returncode == 0
    assert not await empty.run("SELECT FROM pg_class WHERE relname IN ('note', 'more')")


async def test_lint_fails_where_it_would_hurt(empty: Database, project: Path, tmp_path: Path) -> None:
    def lint() -> subprocess.CompletedProcess[str]:
        return migrate("lint", "heads", empty.url, "--migrations", project, home=tmp_path)

    migrate("upgrade", "001", empty.url, "--migrations", project, "--yes", home=tmp_path)
    assert lint().returncode == 0, "nobody notices it on an empty table"
    await empty.run("INSERT INTO note SELECT n, n::text FROM generate_series(1, 20000) n")
    await empty.run("ANALYZE note")
    found = lint()
    assert found.returncode == 1, found.stdout
    assert "20.0 k rows" in found.stdout


async def test_a_failure_says_what_failed_and_changes_nothing(
    empty: Database, project: Path, tmp_path: Path
) -> None:
    (project / "002_index.sql").write_text(
        "CREATE TABLE half (id int); CREATE INDEX broken ON note (missing);"
    )
    done = migrate("upgrade", "heads", empty.url, "--migrations", project, "--yes", home=tmp_path)
    assert done.returncode == 1
    assert 'column "missing" does not exist' in done.stderr
    assert "CREATE INDEX broken" in done.stderr
    assert not await empty.run("SELECT FROM pg_class WHERE relname = 'half'")
    assert "failed" in migrate("status", empty.url, "--migrations", project, home=tmp_path).stdout


async def test_a_rehearsal_leaves_nothing_and_gives_the_times(
    empty: Database, project: Path, tmp_path: Path
) -> None:
    done = migrate(
        "upgrade", "heads", empty.url, "--migrations", project, "--rehearse", "--yes", home=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "CREATE INDEX note_body" in done.stdout
    assert not await empty.run("SELECT FROM pg_class WHERE relname = 'note'")


async def test_stamp_create_and_verify(empty: Database, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return migrate(*arguments, "--migrations", "platform", home=tmp_path)

    assert run("upgrade", "cad@head", empty.url, "--yes").returncode == 0
    differs = run("verify", empty.url)
    assert differs.returncode == 1
    assert "gaia.assets" in differs.stdout
    refused = run("stamp", "heads", empty.url, "--yes")
    assert refused.returncode == 1
    assert "--confirm" in refused.stderr
    assert run("upgrade", "heads", empty.url, "--yes").returncode == 0
    same = run("verify", empty.url)
    assert (same.returncode, same.stdout) == (0, "The database is as the metadata says.\n")


def test_create_writes_the_next_pair(project: Path, tmp_path: Path, postgres: PostgresCluster) -> None:
    done = migrate("create", "Add tags", postgres.url(), "--migrations", project, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [Path(line).name for line in done.stdout.splitlines()] == ["003_add_tags.sql", "003_rollback.sql"]
    assert (project / "003_add_tags.sql").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--migrations", "/nowhere"), "/nowhere"),
        ((), "--migrations"),
    ],
)
def test_without_migrations_it_says_how_to_name_them(
    postgres: PostgresCluster, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = migrate("status", postgres.url(), *arguments, home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_goal_that_means_nothing(postgres: PostgresCluster, project: Path, tmp_path: Path) -> None:
    done = migrate("upgrade", "nonsense", postgres.url(), "--migrations", project, "--yes", home=tmp_path)
    assert done.returncode == 2
    assert "nonsense" in done.stderr


async def test_what_was_slipped_in_runs_when_it_is_named(
    empty: Database, project: Path, tmp_path: Path
) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return migrate(*arguments, "--migrations", project, home=tmp_path)

    for kind in ("index", "rollback"):
        (project / f"002_{kind}.sql").rename(project / f"003_{kind}.sql")
    assert run("upgrade", "heads", empty.url, "--yes").returncode == 0
    (project / "002_late.sql").write_text("CREATE TABLE late (id int);")
    assert "out of order 002" in run("status", empty.url).stdout
    done = run("upgrade", "002", empty.url, "--yes")
    assert done.returncode == 0, done.stderr
    assert await empty.run("SELECT FROM pg_class WHERE relname = 'late'")
    assert run("status", empty.url, "--check").returncode == 0


def test_a_target_in_the_goals_place_is_refused(tmp_path: Path) -> None:
    done = migrate("lint", "postgresql://ada:secret@nowhere/shop", home=tmp_path)
    assert done.returncode == 2
    assert "GOAL comes first" in done.stderr
    assert "secret" not in done.stderr


def test_a_word_too_many_shows_no_password(tmp_path: Path) -> None:
    done = migrate("status", "shop", "postgresql://ada:secret@nowhere/shop", home=tmp_path)
    assert done.returncode == 2
    assert "postgresql://ada:…@nowhere/shop" in done.stderr
    assert "secret" not in done.stderr
