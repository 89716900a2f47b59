"""Changing what an API key may do, on a real server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from console.data.accounts.keys import Keys
from console.errors import BadInput, OperationRefused
from tests.audit_trail import broken_rows
from tests.key_store import OLD_INSTALLATION, add_key, add_user, keys_of
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster

HOSTILE = "[/foo] 'quoted' \"too\"; -- % \\ \u202e"


@pytest.fixture
async def empty(postgres: PostgresCluster) -> AsyncIterator[Database]:
    async with database(postgres) as found:
        yield found


@pytest.fixture
async def platform(empty: Database) -> Database:
    await empty.upgrade("core@head")
    return empty


async def key_of(database: Database, schema: str = "arxos_core", **columns: Any) -> UUID:
    owner = await add_user(database, "ops@example.com", schema)
    return await add_key(database, owner, schema, name="ci", **columns)


async def kept(database: Database, schema: str = "arxos_core") -> Any:
    [row] = await database.run(f"SELECT permissions FROM {schema}.api_keys")  # noqa: S608
    return json.loads(row["permissions"])


async def change(keys: Keys, key_id: UUID, permissions: Any) -> str:
    key = await keys.get(key_id)
    operation = await keys.permissions_operation(key, permissions)
    return (await keys.set_permissions(operation, key, permissions)).sentence


async def test_it_is_changed_with_its_row_in_the_trail(platform: Database, tmp_path: Path) -> None:
    key_id = await key_of(platform, permissions='{"scopes": ["read", "deploy"]}')
    document = {"admin": True, "scopes": ["read"], "note": HOSTILE}
    async with keys_of(platform, tmp_path) as keys:
        operation = await keys.permissions_operation(await keys.get(key_id), document)
        assert operation.consequences == (
            "It loses deploy: what needs that is refused from then on.",
            "It gains admin.",
            "Its scopes are then: admin (everything).",
        )
        assert operation.statements[0].startswith("UPDATE arxos_core.api_keys SET permissions=")
        assert "has the scopes admin, read now." in await change(keys, key_id, document)
    assert await kept(platform) == document
    [row] = await platform.run("SELECT action, resource_id, details FROM arxos_core.audit_logs")
    details = json.loads(row["details"])
    assert (row["action"], row["resource_id"]) == ("api_key.permissions", key_id)
    assert details["before"]["permissions"] == {"scopes": ["read", "deploy"]}
    assert details["after"]["permissions"] == document
    assert not await broken_rows(platform.url)


async def test_what_somebody_else_has_changed_is_not_overwritten(platform: Database, tmp_path: Path) -> None:
    key_id = await key_of(platform, permissions='["read"]')
    async with keys_of(platform, tmp_path) as keys:
        shown = await keys.get(key_id)
        operation = await keys.permissions_operation(shown, ["write"])
        await change(keys, key_id, ["read", "deploy"])
        with pytest.raises(OperationRefused, match="was changed meanwhile"):
            await keys.set_permissions(operation, shown, ["write"])
    assert await kept(platform) == ["read", "deploy"]


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"scopes": "read"}, '"scopes" is to be a list'),
        ({"scopes": [7]}, "A scope is a word in quotes"),
        ("read", "Permissions are a JSON object"),
        (["read"], "may do just that already"),
    ],
)
async def test_what_cannot_be_kept_is_refused(
    platform: Database, tmp_path: Path, document: Any, sentence: str
) -> None:
    key_id = await key_of(platform, permissions='["read"]')
    async with keys_of(platform, tmp_path) as keys:
        with pytest.raises(BadInput, match=sentence):
            await change(keys, key_id, document)
    assert await kept(platform) == ["read"]


async def test_a_revoked_key_stays_as_it_is(platform: Database, tmp_path: Path) -> None:
    key_id = await key_of(platform, permissions='["read"]', revoked_at="now()", is_active=False)
    async with keys_of(platform, tmp_path) as keys:
        with pytest.raises(OperationRefused, match="makes no difference"):
            await change(keys, key_id, ["write"])


async def test_an_installation_that_came_before(empty: Database, tmp_path: Path) -> None:
    for statement in OLD_INSTALLATION.split(";\n"):
        if statement.strip():
            await empty.run(statement)
    key_id = await key_of(empty, "public", permissions='{"read": true}')
    async with keys_of(empty, tmp_path) as keys:
        await change(keys, key_id, {"write": True})
    assert await kept(empty, "public") == {"write": True}
