"""Headless commands on real servers: the program as a script would call it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgres import PostgresCluster
from tests.program import dbconsole as run_program

PROGRAM = "from console.cli import main; main()"
IMPORTS = "import sys; from console.cli import run; run(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
PATIENCE = 20.0
"""Seconds to wait for a server to get to where a test wants it."""


def dbconsole(
    *arguments: str, program: str | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    """The program with nothing of ours in its environment but `environ`."""
    if program is None:
        return run_program(*arguments, environment={"HOME": "/nonexistent", **environ})
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environ},
    )


async def until(cluster: PostgresCluster, condition: str) -> None:
    """Returns when the SQL condition is true."""
    async with asyncio.timeout(PATIENCE):
        while not (await cluster.run(f"SELECT {condition} AS reached"))[0]["reached"]:
            pass


def test_pools_prints_json_and_nothing_else(every_postgres: PostgresCluster) -> None:
    done = dbconsole("pools", every_postgres.url(), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    snapshot = json.loads(done.stdout)
    assert snapshot["vitals"]["max_connections"] >= snapshot["vitals"]["connections"] >= 1
    assert snapshot["console_pool"]["open_connections"] == 1
    postgres = next(database for database in snapshot["databases"] if database["name"] == "postgres")
    assert postgres["commits"] is not None, "there are two samples, so there are rates"


def test_pools_prints_a_table(postgres: PostgresCluster) -> None:
    done = dbconsole("pools", postgres.url())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("connections ")
    assert any(line.startswith("postgres  ") for line in done.stdout.splitlines())


async def test_activity_shows_who_waits_for_whom(every_postgres: PostgresCluster) -> None:
    holder, waiter = await every_postgres.connect(), await every_postgres.connect()
    blocker, blocked = holder.get_server_pid(), waiter.get_server_pid()
    try:
        await holder.execute("SELECT pg_advisory_lock(4711)")
        waiting = asyncio.create_task(waiter.execute("SELECT pg_advisory_lock(4711)"))
        await until(every_postgres, f"EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid = {blocked})")
        as_json, as_text = await asyncio.gather(
            asyncio.to_thread(dbconsole, "activity", every_postgres.url(), "--json"),
            asyncio.to_thread(dbconsole, "activity", every_postgres.url()),
        )
        await holder.execute("SELECT pg_advisory_unlock(4711)")
        await waiting
    finally:
        await holder.close()
        await waiter.close()

    assert (as_json.returncode, as_json.stderr) == (0, "")
    snapshot = json.loads(as_json.stdout)
    session = next(session for session in snapshot["sessions"] if session["key"]["pid"] == blocked)
    assert session["blocked_by"] == [blocker]
    assert session["state"] == "active"
    assert (as_text.returncode, as_text.stderr) == (0, "")
    row = next(line.split() for line in as_text.stdout.splitlines() if line.split()[:1] == [str(blocked)])
    assert {"Lock:advisory", str(blocker)} <= set(row)


async def test_nothing_stays_connected(postgres: PostgresCluster) -> None:
    done = await asyncio.to_thread(dbconsole, "activity", postgres.url("monitor"), "--json")
    assert done.returncode == 0
    await until(
        postgres,
        "NOT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'monitor' AND application_name = 'dbconsole')",
    )


@pytest.mark.parametrize("command", ["pools", "activity"])
def test_a_command_imports_what_it_uses(command: str, postgres: PostgresCluster) -> None:
    done = dbconsole(command, postgres.url(), "--json", program=IMPORTS)
    packages = {name.partition(".")[0] for name in done.stderr.split()}
    assert "asyncpg" in packages
    assert not packages & {"alembic", "keyring", "plotext", "rich", "sqlalchemy", "textual"}


def test_the_password_file_is_used(postgres: PostgresCluster, tmp_path: Path) -> None:
    file = tmp_path / "pgpass"
    file.write_text(f"{postgres.host}:{postgres.port}:postgres:monitor:{postgres.password}\n")
    file.chmod(0o600)
    url = postgres.url("monitor", password="")
    assert dbconsole("activity", url, PGPASSFILE=str(file)).returncode == 0
    assert dbconsole("activity", url).returncode == 3


def test_a_server_that_is_not_there() -> None:
    done = dbconsole("pools", "postgresql://app:s3cret@127.0.0.1:1/shop", "--json")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("dbconsole: 127.0.0.1:1 ")
    assert done.stderr.count("\n") == 1
    assert "s3cret" not in done.stderr


def test_a_reader_that_has_gone_is_no_reason_to_complain(postgres: PostgresCluster) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "activity", postgres.url(), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, complaint = process.communicate(timeout=60)
    assert complaint == b""
