"""What is found to be wrong with API keys, on real servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.data.accounts import key_audit
from console.data.keys import hash_of
from console.errors import OperationRefused
from console.models.api_keys import KeyFindingKind
from console.settings import Accounts, Settings
from tests.key_store import OLD_INSTALLATION, add_key, add_user, keys_of
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster

ADMIN = '{"admin": true}'
SOON = "now() + interval '10 days'"
LONG_AGO = "now() - interval '91 days'"


async def found(
    platform: Database, home: Path, settings: Settings | None = None
) -> list[tuple[str, str | None]]:
    async with keys_of(platform, home, settings) as keys:
        return [(finding.kind.name, finding.key.name) for finding in (await keys.audit()).rows]


async def test_what_is_wrong_with_keys(every_postgres: PostgresCluster, tmp_path: Path) -> None:
    async with database(every_postgres) as platform:
        await platform.upgrade("core@head")
        owner = await add_user(platform, "ops@example.com")
        off = await add_user(platform, "off@example.com", is_active=False)
        gone = await add_user(platform, "gone@example.com", deleted_at="now()")
        await add_key(platform, owner, name="good", permissions='{"scopes": ["read"]}', last_used_at="now()")
        await add_key(platform, owner, name="new")
        await add_key(platform, owner, name="admin that ends", permissions=ADMIN, expires_at=SOON)
        assert await found(platform, tmp_path) == []

        await add_key(platform, owner, name="twice")
        first = await add_key(platform, owner, name="twice")
        await add_key(platform, off, name="twice")
        await add_key(platform, owner, name="stale", last_used_at=LONG_AGO)
        await add_key(platform, owner, name="never", created_at=LONG_AGO)
        await add_key(platform, gone, name="gone's")
        await add_key(platform, owner, name="admin", permissions='["*"]')
        guess = await add_key(
            platform, owner, name="Admin Key", key_hash=hash_of("admin-key-dev"), expires_at=SOON
        )
        assert sorted(await found(platform, tmp_path)) == sorted(
            [
                ("PREDICTABLE", "Admin Key"),
                ("ADMIN_WITHOUT_EXPIRY", "admin"),
                ("OWNER_INACTIVE", "twice"),
                ("OWNER_INACTIVE", "gone's"),
                ("STALE", "stale"),
                ("STALE", "never"),
                ("DUPLICATE", "twice"),
                ("DUPLICATE", "twice"),
            ]
        )
        kinds = [kind for kind, _ in await found(platform, tmp_path)]
        order = [kind.name for kind in KeyFindingKind]
        assert kinds == sorted(kinds, key=order.index), "the most severe first"

        # What opens nothing is no danger; and a key that lives on for its grace period is nobody's duplicate.
        await platform.run("UPDATE arxos_core.api_keys SET revoked_at = now() WHERE id = $1", guess)
        await platform.run("UPDATE arxos_core.api_keys SET replaced_by = $1 WHERE id = $1", first)
        await platform.run(
            "UPDATE arxos_core.api_keys SET expires_at = now() WHERE name IN ('stale', 'admin')"
        )
        remaining = await found(platform, tmp_path, Settings(accounts=Accounts(stale_days=100)))
        assert sorted(remaining) == [("OWNER_INACTIVE", "gone's"), ("OWNER_INACTIVE", "twice")]


async def test_a_finding_is_told_in_one_sentence(postgres: PostgresCluster, tmp_path: Path) -> None:
    async with database(postgres) as platform:
        await platform.upgrade("core@head")
        owner = await add_user(platform, "ops@example.com")
        await add_key(platform, owner, name="ci", key_prefix="dbc_live_abc", created_at=LONG_AGO)
        await add_key(platform, owner, name="[/foo]\x1b" + "x" * 240, permissions=ADMIN)
        async with keys_of(platform, tmp_path) as keys:
            admin, stale = (await keys.audit()).rows
    assert stale.sentence.startswith("dbc_live_abc… 'ci' of ops@example.com was never used, and made 20")
    assert "has the scope admin (everything) and never ends" in admin.sentence
    assert "\x1b" not in admin.sentence
    assert len(admin.sentence) < 300


async def test_no_more_is_told_than_one_can_read(
    postgres: PostgresCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_audit, "MOST_FINDINGS", 3)
    monkeypatch.setattr(key_audit, "MOST_COUNTED", 5)
    async with database(postgres) as platform:
        await platform.upgrade("core@head")
        owner = await add_user(platform, "ops@example.com")
        for number in range(6):
            await add_key(platform, owner, permissions=ADMIN)
            await add_key(platform, owner, name=f"twice {number % 2}")
        for _ in range(5):
            await add_key(platform, owner, created_at=LONG_AGO)
        off = await add_user(platform, "off@example.com", is_active=False)
        for _ in range(3):
            await add_key(platform, off)
        async with keys_of(platform, tmp_path) as keys:
            audited = await keys.audit()
    kinds = [finding.kind.name for finding in audited.rows]
    assert kinds == [
        *["ADMIN_WITHOUT_EXPIRY"] * 3,
        *["OWNER_INACTIVE"] * 3,
        *["STALE"] * 3,
        *["DUPLICATE"] * 3,
    ], "many of one kind hide none of another"
    assert [cut.sentence for cut in audited.cut] == [
        "admin, never expires: the first 3 of at least 5",
        "long unused: the first 3 of 5",
        "same name and owner: the first 3 of at least 5",
    ]


async def test_an_installation_that_came_before(postgres: PostgresCluster, tmp_path: Path) -> None:
    async with database(postgres) as old:
        async with keys_of(old, tmp_path) as keys:
            with pytest.raises(OperationRefused, match="There is no table api_keys"):
                await keys.audit()
        for statement in OLD_INSTALLATION.split(";\n"):
            if statement.strip():
                await old.run(statement)
        owner = await add_user(old, "ops@example.com", "public")
        off = await add_user(old, "off@example.com", "public", is_active=False)
        await old.run(
            "INSERT INTO api_keys (user_id, key_hash, name) VALUES ($1, sha256('admin-key-prod')::varchar(64), 'x')",
            owner,
        )
        await add_key(old, owner, "public", name="x")
        await add_key(old, off, "public", name="y", created_at=LONG_AGO)
        assert sorted(await found(old, tmp_path)) == [
            ("DUPLICATE", "x"),
            ("DUPLICATE", "x"),
            ("OWNER_INACTIVE", "y"),
            ("PREDICTABLE", "x"),
            ("STALE", "y"),
        ]
