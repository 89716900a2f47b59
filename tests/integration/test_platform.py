"""`dbconsole platform` on real servers: an administrator and a key, once, and the keys that anybody knows."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from console.data import audit_chain
from console.data.audit import AuditFile
from console.data.audit_chain import AuditEntry
from console.data.keys import is_well_formed
from console.data.platform import PlatformService, check_administrator
from console.errors import BadInput, OperationRefused
from console.settings import Settings
from tests.audit_trail import broken_rows
from tests.live import PATIENT, connected
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster
from tests.program import dbconsole

EMAIL = "Ada@Example.com"


@pytest.fixture
async def empty(postgres: PostgresCluster) -> AsyncIterator[Database]:
    async with database(postgres) as found:
        yield found


@pytest.fixture
async def platform(empty: Database) -> Database:
    """A database with the platform's schema and nothing in it."""
    await empty.upgrade("core@head")
    return empty


def run(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """`dbconsole platform …` with nothing of ours in its environment."""
    done = dbconsole("platform", *arguments, environment={"HOME": str(home)}, cwd=home)
    assert "Traceback" not in done.stderr
    return done


def init(database: Database, home: Path, *more: str, email: str = EMAIL) -> subprocess.CompletedProcess[str]:
    return run("init", database.url, "--admin-email", email, *more, home=home)


async def test_from_nothing_to_a_platform_with_an_administrator(empty: Database, tmp_path: Path) -> None:
    asked = init(empty, tmp_path)
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "CREATE TABLE arxos_core.users" in asked.stderr, "what would run is shown"
    assert "INSERT INTO arxos_core.api_keys" in asked.stderr
    assert "--yes" in asked.stderr
    assert not await empty.run("SELECT FROM pg_namespace WHERE nspname = 'arxos_core'")

    done = init(empty, tmp_path, "--admin-name", "Ada L.", "-e", "staging", "--yes")
    assert done.returncode == 0, done.stderr
    key = done.stdout.removesuffix("\n")
    assert is_well_formed(key), "the key, alone"
    assert key.startswith("dbc_staging_")
    assert key not in done.stderr
    [row] = await empty.run(
        "SELECT k.*, u.email, u.name AS owner, k.expires_at - k.created_at AS lasts"
        " FROM arxos_core.api_keys k JOIN arxos_core.users u ON u.id = k.user_id"
    )
    assert (row["email"], row["owner"], row["environment"]) == (EMAIL, "Ada L.", "staging")
    assert row["key_hash"] == hashlib.sha256(key.encode()).hexdigest()
    assert key.startswith(row["key_prefix"])
    assert json.loads(row["permissions"]) == {"admin": True}
    assert row["lasts"].days == 90
    assert row["created_by"]
    ledger = await empty.run("SELECT count(*) FROM dbconsole_migrations WHERE done")
    assert ledger[0][0] == (await empty.run("SELECT count(*) FROM dbconsole_migrations"))[0][0] > 20

    trail = await empty.run("SELECT action, details FROM arxos_core.audit_logs ORDER BY sequence")
    assert [entry["action"] for entry in trail] == ["user.create", "api_key.create"]
    assert not await broken_rows(empty.url)
    written = (tmp_path / ".local/state/dbconsole/audit.jsonl").read_text()
    assert "INSERT INTO arxos_core.users" in written
    assert key not in written + str(trail), "the key stands nowhere but on standard output"


async def test_done_again_it_changes_nothing(empty: Database, tmp_path: Path) -> None:
    first = init(empty, tmp_path, "--yes")
    assert first.returncode == 0, first.stderr
    counts = """
        SELECT (SELECT count(*) FROM arxos_core.users), (SELECT count(*) FROM arxos_core.api_keys),
               (SELECT count(*) FROM arxos_core.audit_logs), (SELECT count(*) FROM dbconsole_migrations)"""
    before = await empty.run(counts)
    again = init(empty, tmp_path, "--yes", email=EMAIL.lower())
    assert (again.returncode, again.stdout) == (0, "")
    assert "nothing to do" in again.stderr
    assert await empty.run(counts) == before

    new = init(empty, tmp_path, "--yes", "--new-key", email=EMAIL.upper())
    assert new.returncode == 0, new.stderr
    assert is_well_formed(new.stdout.strip())
    assert new.stdout != first.stdout
    assert [tuple(row)[:3] for row in await empty.run(counts)] == [(1, 2, 3)]
    assert not await broken_rows(empty.url)


@pytest.mark.parametrize(
    "email",
    ["", "ada", "@example.com", "ada@", "a b@example.com", "ada@a@b", "ada\n@b", "a" * 250 + "@b.org"],
)
def test_what_is_no_address(email: str) -> None:
    with pytest.raises(BadInput, match=r"^[^\n]* is not an e-mail address; [^\n]*$"):
        check_administrator(email, "Admin")


def test_a_bad_address_is_one_sentence(tmp_path: Path) -> None:
    done = run("init", "postgresql://nobody@/", "--admin-email", "ada", "--yes", home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("dbconsole: 'ada' is not an e-mail address")
    assert len(done.stderr.splitlines()) == 1


async def test_production_wants_the_databases_name(platform: Database, tmp_path: Path) -> None:
    await platform.upgrade()
    refused = init(platform, tmp_path, "-e", "production", "--yes")
    assert refused.returncode == 1
    assert f"--confirm {platform.name}" in refused.stderr
    assert not await platform.run("SELECT FROM arxos_core.users")
    done = init(platform, tmp_path, "-e", "production", "--confirm", platform.name)
    assert done.stdout.startswith("dbc_production_"), done.stderr
    assert init(platform, tmp_path, "--read-only", "--new-key", "--yes").returncode == 1
    assert (await platform.run("SELECT count(*) FROM arxos_core.api_keys"))[0][0] == 1


async def admin(
    database: Database, home: Path, *, new_key: bool = False, email: str = EMAIL
) -> tuple[bool, bool]:
    """Initialises a migrated database; whether a user and whether a key was made."""
    settings = Settings(timeouts=PATIENT)
    async with connected(database.url, settings) as server:
        service = PlatformService(server, settings, AuditFile(home / "audit.jsonl"))
        found = await service.administrator(email, "Admin", new_key=new_key)
        if not found.is_there:
            await service.initialise(service.operation(found), found)
    return found.is_new, found.key is not None


async def test_a_user_who_is_there_is_kept_and_gets_a_key(platform: Database, tmp_path: Path) -> None:
    await platform.run("INSERT INTO arxos_core.users (email, name) VALUES ('ADA@example.com', 'Ada')")
    assert await admin(platform, tmp_path) == (False, True)
    [user] = await platform.run("SELECT email, name FROM arxos_core.users")
    assert tuple(user) == ("ADA@example.com", "Ada")


async def test_a_deleted_user_is_nobody(platform: Database, tmp_path: Path) -> None:
    await platform.run("INSERT INTO arxos_core.users (email, deleted_at) VALUES ($1, now())", EMAIL)
    assert await admin(platform, tmp_path) == (True, True)


async def test_a_deactivated_user_gets_no_key(platform: Database, tmp_path: Path) -> None:
    await platform.run("INSERT INTO arxos_core.users (email, is_active) VALUES ($1, false)", EMAIL)
    with pytest.raises(OperationRefused, match="is deactivated"):
        await admin(platform, tmp_path)


@pytest.mark.parametrize(
    "spoilt",
    ["is_active = false", "revoked_at = now()", "expires_at = now()", "permissions = '{\"read\": true}'",
     "key_hash = encode(sha256('admin-key-staging'), 'hex')"],
)  # fmt: skip
async def test_a_key_that_is_no_use_does_not_count(platform: Database, tmp_path: Path, spoilt: str) -> None:
    await admin(platform, tmp_path)
    await platform.run(f"UPDATE arxos_core.api_keys SET {spoilt}")  # noqa: S608
    assert await admin(platform, tmp_path) == (False, True)
    assert await admin(platform, tmp_path) == (False, False)


async def test_two_at_once_make_one_user_and_one_key(platform: Database, tmp_path: Path) -> None:
    outcomes = await asyncio.gather(*(admin(platform, tmp_path) for _ in range(4)), return_exceptions=True)
    for outcome in outcomes:
        assert isinstance(outcome, tuple | OperationRefused), outcome
    [counts] = await platform.run(
        "SELECT (SELECT count(*) FROM arxos_core.users), (SELECT count(*) FROM arxos_core.api_keys)"
    )
    assert tuple(counts) == (1, 1)


async def test_a_failure_leaves_neither_user_nor_key_and_is_recorded(
    platform: Database, tmp_path: Path
) -> None:
    await platform.run("ALTER TABLE arxos_core.audit_logs ADD CHECK (action <> 'api_key.create')")
    with pytest.raises(Exception, match="violates check constraint"):
        await admin(platform, tmp_path)
    assert not await platform.run("SELECT FROM arxos_core.users")
    [line] = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert json.loads(line)["done"] is False


async def test_a_change_in_the_trail_shows(platform: Database) -> None:
    [user] = await platform.run("INSERT INTO arxos_core.users (email) VALUES ('a@b.org') RETURNING id")
    entries = [
        AuditEntry("a", user_id=user["id"], details={"ünï": ['\\"\n', 1.50, None]}, ip_address="10.0.0.1"),
        AuditEntry("b", resource_type="file", resource_id=user["id"], user_agent="x'y"),
        AuditEntry("c"),
    ]
    async with connected(platform.url) as server:
        async with server.engine.connection() as connection, connection.begin():
            await audit_chain.append(connection, *entries)
        async with server.engine.connection() as connection, connection.begin():
            await audit_chain.append(connection, AuditEntry("d"))
    assert not await broken_rows(platform.url)
    await platform.run("DELETE FROM arxos_core.users")
    assert not await broken_rows(platform.url), "that a user is deleted is no forgery"
    [first] = await platform.run("SELECT details FROM arxos_core.audit_logs WHERE sequence = 1")
    assert json.loads(first["details"])["user_id"] == str(user["id"]), "and who it was is still known"

    await platform.run(
        "UPDATE arxos_core.audit_logs SET timestamp = timestamp - interval '1 us' WHERE sequence = 3"
    )
    assert await broken_rows(platform.url) == [3]
    await platform.run("DELETE FROM arxos_core.audit_logs WHERE sequence = 2")
    assert await broken_rows(platform.url) == [3]


GAIA = """
CREATE TABLE api_keys (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    key_hash {type} NOT NULL,
    name varchar(255)
)
"""
"""What matters of the table that the old script filled."""


@pytest.mark.parametrize(
    ("type_", "stored"),
    [
        ("varchar(64)", "encode(sha256('admin-key-prod'), 'hex')"),
        ("varchar(64)", "sha256('admin-key-prod')::varchar(64)"),
        ("text", "sha256('admin-key-prod')"),
        ("bytea", "sha256('admin-key-prod')"),
    ],
)
async def test_the_old_scripts_keys_are_found_in_every_form(empty: Database, type_: str, stored: str) -> None:
    await empty.run(GAIA.format(type=type_))
    async with connected(empty.url) as server:
        service = PlatformService(server, Settings())
        assert await service.predictable_keys() == ()
        await empty.run(f"INSERT INTO api_keys (key_hash, name) VALUES ({stored}, 'Admin Key')")  # noqa: S608
        [key] = await service.predictable_keys()
    assert (key.table, key.key, key.name, key.user_id) == (
        "public.api_keys",
        "admin-key-prod",
        "Admin Key",
        None,
    )
    assert key.is_usable


async def test_check_looks_into_the_platforms_keys_and_init_warns(platform: Database, tmp_path: Path) -> None:
    nothing = run("check", platform.url, home=tmp_path)
    assert (nothing.returncode, nothing.stdout) == (0, "There is no API key that can be guessed.\n")
    await platform.run("INSERT INTO arxos_core.users (email) VALUES ('a@b.org')")
    await platform.run(
        "INSERT INTO arxos_core.api_keys (user_id, key_hash, name)"
        " SELECT id, encode(sha256('admin-key-dev'), 'hex'), 'Admin [red]Key' || chr(27) FROM arxos_core.users"
    )
    found = run("check", platform.url, home=tmp_path)
    assert found.returncode == 1
    assert "admin-key-dev  usable  arxos_core.api_keys  Admin [red]Key" in found.stdout
    assert "\x1b" not in found.stdout
    warned = init(platform, tmp_path)
    assert "Anybody can guess the key admin-key-dev" in warned.stderr
    await platform.run("UPDATE arxos_core.api_keys SET revoked_at = now()")
    revoked: list[dict[str, Any]] = json.loads(run("check", platform.url, "--json", home=tmp_path).stdout)
    assert [key["is_usable"] for key in revoked] == [False]
    assert run("check", platform.url, home=tmp_path).returncode == 0, "it opens nothing any more"
