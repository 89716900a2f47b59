"""API keys on real servers: pages of them, one of them, and what is said of one that somebody has pasted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from console.data.accounts.keys import Keys
from console.data.keys import hash_of, make_key
from console.errors import BadInput, OperationRefused, QueryDenied
from console.models.api_keys import KeyFilter, KeyState
from tests.key_store import OLD_INSTALLATION, add_key, add_user, keys_of
from tests.live import until
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster

HOSTILE = "[/foo][@click=app.bell]x[/] '; DROP TABLE users; -- \x1b[31m\u202e % _ \\"


@pytest.fixture
async def empty(postgres: PostgresCluster) -> AsyncIterator[Database]:
    async with database(postgres) as found:
        yield found


@pytest.fixture
async def platform(empty: Database) -> Database:
    await empty.upgrade("core@head")
    return empty


@pytest.fixture
async def old(empty: Database) -> Database:
    """An installation that came before the platform."""
    for statement in OLD_INSTALLATION.split(";\n"):
        if statement.strip():
            await empty.run(statement)
    return empty


async def names(keys: Keys, size: int = 50, **wanted: Any) -> list[str | None]:
    return [key.name for key in (await keys.page(KeyFilter(**wanted), size=size)).rows]


STATES: dict[str, dict[str, Any]] = {
    "active": {"expires_at": "now() + interval '3 days'", "last_used_at": "now() - interval '1 day'"},
    "endless": {"last_used_at": "now() - interval '100 days'"},
    "expired": {"expires_at": "now() - interval '1 day'"},
    "revoked": {"revoked_at": "now()", "is_active": False},
    "off": {"is_active": False, "permissions": '{"scopes": ["*"]}'},
    "admin": {"permissions": '{"admin": true}', "expires_at": "now() + interval '100 days'"},
    "old": {"created_at": "now() - interval '200 days'"},
}


async def fill(database: Database, schema: str = "arxos_core", without: tuple[str, ...] = ()) -> UUID:
    """A key in each state, the last of them the oldest; gives the owner."""
    owner = await add_user(database, "ops@example.com", schema)
    for age, (name, columns) in enumerate(STATES.items()):
        made = {"name": name, "created_at": f"now() - interval '{age} minutes'"} | columns
        await add_key(
            database, owner, schema, **{key: value for key, value in made.items() if key not in without}
        )
    return owner


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["active", "endless", "expired", "revoked", "off", "admin", "old"]),
        ({"state": KeyState.ACTIVE}, ["active", "endless", "admin", "old"]),
        ({"state": KeyState.EXPIRED}, ["expired"]),
        ({"state": KeyState.REVOKED}, ["revoked"]),
        ({"state": KeyState.INACTIVE}, ["off"]),
        ({"expires_within": timedelta(days=7)}, ["active"]),
        ({"expires_within": timedelta(days=365)}, ["active", "admin"]),
        ({"never_used": True}, ["expired", "revoked", "off", "admin", "old"]),
        ({"unused_for": timedelta(days=90)}, ["endless", "old"]),
        ({"admin": True}, ["off", "admin"]),
        ({"admin": True, "state": KeyState.ACTIVE}, ["admin"]),
        ({"never_expires": True}, ["endless", "revoked", "off", "old"]),
        ({"user_id": UUID(int=0)}, []),
        ({"search": "OPS@example"}, list(STATES)),
        ({"search": "ndl"}, ["endless"]),
        ({"search": "en"}, []),
        ({"search": "%%%"}, []),
        ({"search": "end\0"}, []),
        ({"search": "end\ud800"}, []),
    ],
)
async def test_every_filter(
    platform: Database, tmp_path: Path, wanted: dict[str, Any], found: list[str]
) -> None:
    await fill(platform)
    async with keys_of(platform, tmp_path) as keys:
        assert await names(keys, **wanted) == found


async def test_filters_on_every_version(every_postgres: PostgresCluster, tmp_path: Path) -> None:
    async with database(every_postgres) as found:
        await found.upgrade("core@head")
        owner = await fill(found)
        async with keys_of(found, tmp_path) as keys:
            assert await names(keys, user_id=owner) == list(STATES)
            assert await names(keys, search="dless", state=KeyState.ACTIVE) == ["endless"]
            assert await names(keys, unused_for=timedelta(days=90)) == ["endless", "old"]
            assert await keys.known_scopes() == ("*", "admin")


async def test_pages_in_both_directions(platform: Database, tmp_path: Path) -> None:
    owner = await add_user(platform, "ops@example.com")
    await platform.run(
        "INSERT INTO arxos_core.api_keys (user_id, key_hash, name, created_at)"
        " SELECT $1, encode(sha256(n::text::bytea), 'hex'), 'key ' || n, now() - n / 3 * interval '1 hour'"
        " FROM generate_series(1, 25) AS n",
        owner,
    )
    async with keys_of(platform, tmp_path) as keys:
        pages = [await keys.page(KeyFilter(), size=10)]
        while pages[-1].after is not None:
            pages.append(await keys.page(KeyFilter(), after=pages[-1].after, size=10))
        assert [len(page.rows) for page in pages] == [10, 10, 5]
        seen = [key.id for page in pages for key in page.rows]
        assert len(set(seen)) == 25
        back = await keys.page(KeyFilter(), before=pages[2].before, size=10)
        assert back.rows == pages[1].rows
        assert (await keys.page(KeyFilter(), before=back.before, size=10)).rows == pages[0].rows
        await platform.run("ANALYZE arxos_core.api_keys")
        await keys._context.place(again=True)
        assert (await keys.page(KeyFilter())).estimate == 25
        assert (await keys.page(KeyFilter(never_used=True))).estimate is None


async def test_what_a_person_wrote_is_data(platform: Database, tmp_path: Path) -> None:
    owner = await add_user(platform, "ops@example.com", name=HOSTILE)
    await add_key(
        platform, owner, name=HOSTILE, permissions='{"scopes": ["[/x]", 7]}', revoke_reason="x" * 10_000
    )
    async with keys_of(platform, tmp_path) as keys:
        [key] = (await keys.page(KeyFilter(search="[/foo]"))).rows
        assert key.name == HOSTILE
        assert key.scopes == ("[/x]", "7")
        assert await names(keys, search="% _ \\") == [HOSTILE]
        assert await names(keys, search="%_%") == []
        assert len(key.revoke_reason or "") == 10_000


async def test_a_key_is_found_by_its_id_and_its_beginning(platform: Database, tmp_path: Path) -> None:
    owner = await add_user(platform, "ops@example.com")
    first = await add_key(platform, owner, key_prefix="dbc_live_AAAAAA")
    second = await add_key(platform, owner, key_prefix="dbc_live_AAAABB")
    async with keys_of(platform, tmp_path) as keys:
        assert (await keys.find(str(first))).id == first
        assert (await keys.find(" dbc_live_AAAAB… ")).id == second
        for text, said in (
            ("dbc_live_", "Several API keys begin with 'dbc_live_'"),
            ("dbc%", "There is no API key"),
            ("", "neither the id"),
            ("\ud800\x1b", r"neither the id|'\\ud800\\x1b'"),
            (str(uuid4()), "There is no API key with the id"),
            ("x" * 10_000, r"no API key with the id 'x{19}\.\.\.'"),
        ):
            with pytest.raises(BadInput, match=said):
                await keys.find(text)
        whole = make_key("live").key.get_secret_value()
        with pytest.raises(BadInput, match="a whole key") as caught:
            await keys.find(whole)
        assert whole not in caught.value.sentence


async def test_what_is_said_of_a_pasted_key(platform: Database, tmp_path: Path) -> None:
    owner = await add_user(platform, "ops@example.com")
    made = {state: make_key("live") for state in ("active", "expired", "revoked", "unknown")}
    common = {"permissions": '{"scopes": ["deploy", "read"]}'}
    for state, columns in (
        ("active", {"expires_at": "now() + interval '1 day'"}),
        ("expired", {"expires_at": "now() - interval '1 day'"}),
        ("revoked", {"revoked_at": "now()", "is_active": False}),
    ):
        new = made[state]
        await add_key(
            platform, owner, key_hash=new.key_hash, key_prefix=new.key_prefix, name="ci", **common, **columns
        )
    await add_key(platform, owner, key_hash=hash_of("admin-key-dev"), permissions='{"admin": true}')
    async with keys_of(platform, tmp_path) as keys:
        for state, new in made.items():
            verdict = await keys.verdict(SecretStr(f" {new.key.get_secret_value()}\n"))
            assert verdict.is_well_formed
            assert (verdict.state.value if verdict.state else "unknown") == state
            assert state in verdict.sentence
            if verdict.key is not None:
                assert verdict.key.owner == "ops@example.com"
                assert "; scopes: deploy, read" in verdict.sentence
        guess = await keys.verdict(SecretStr("admin-key-dev"))
        assert guess.key is not None
        assert guess.key.is_predictable
        assert "Anybody can guess it" in guess.sentence
        nothing = await keys.verdict(SecretStr("Hello\x1b\ud800\0"))
        assert (nothing.is_well_formed, nothing.key, nothing.state) == (False, None, None)
        assert "Hello" not in nothing.sentence


async def test_an_installation_that_came_before(old: Database, tmp_path: Path) -> None:
    """Without the optional columns, with times without a zone and hashes as its script wrote them."""
    owner = await fill(old, "public", without=("revoked_at", "key_prefix"))
    await old.run(
        "INSERT INTO api_keys (user_id, key_hash, name, permissions)"
        " VALUES ($1, sha256('admin-key-prod')::varchar(64), 'Admin Key', '{\"admin\": true}')",
        owner,
    )
    await old.run("UPDATE api_keys SET is_active = NULL WHERE name = 'off'")
    async with keys_of(old, tmp_path) as keys:
        assert set(await names(keys)) == {"Admin Key", *STATES}
        assert await names(keys, state=KeyState.EXPIRED) == ["expired"]
        assert await names(keys, state=KeyState.INACTIVE) == ["revoked", "off"]
        assert await names(keys, search="dless") == ["endless"]
        assert await names(keys, search="ops@", admin=True) == ["Admin Key", "off", "admin"]
        assert await names(keys, unused_for=timedelta(days=90)) == ["endless", "old"]
        page = await keys.page(KeyFilter(), size=3)
        rest = await keys.page(KeyFilter(), after=page.after, size=50)
        assert len({key.id for key in (*page.rows, *rest.rows)}) == 8
        assert all(key.created_at is not None and key.created_at.tzinfo is not None for key in rest.rows)
        with pytest.raises(
            OperationRefused, match="has no column revoked_at; the platform's migration core_0003"
        ):
            await names(keys, state=KeyState.REVOKED)
        with pytest.raises(BadInput, match="no column key_prefix"):
            await keys.find("dbc_live")
        verdict = await keys.verdict(SecretStr("admin-key-prod"))
        assert verdict.key is not None
        assert verdict.key.name == "Admin Key"


async def test_what_is_not_there_or_not_allowed(empty: Database, tmp_path: Path) -> None:
    async with keys_of(empty, tmp_path) as keys:
        with pytest.raises(OperationRefused, match=r"no table api_keys.*core_0003"):
            await keys.page(KeyFilter())
        with pytest.raises(OperationRefused, match="no table api_keys"):
            await keys.verdict(SecretStr("x"))
    await empty.upgrade("core@head")
    await empty.run("GRANT USAGE ON SCHEMA arxos_core TO plain")
    async with keys_of(empty, tmp_path, user="plain") as keys:
        with pytest.raises(QueryDenied, match="permission denied for table"):
            await keys.page(KeyFilter())


async def test_a_search_that_nobody_waits_for_is_cancelled_on_the_server(
    platform: Database, tmp_path: Path
) -> None:
    await fill(platform)
    connection = await platform.cluster.connect(platform.user, platform.name)
    running = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND application_name = 'dbconsole'"
        " AND state = 'active' AND wait_event_type = 'Lock'"
    )

    async def is_running() -> bool:
        return bool((await platform.cluster.run(running, platform.name))[0][0])

    async def is_over() -> bool:
        return not await is_running()

    try:
        async with keys_of(platform, tmp_path) as keys:
            await names(keys)
            async with keys._context.reading() as slow:
                await slow.exec_driver_sql("SET lock_timeout = 0")
                await slow.exec_driver_sql("SET statement_timeout = 0")
                await slow.commit()
            async with connection.transaction():
                await connection.execute("LOCK TABLE arxos_core.api_keys")
                task = asyncio.create_task(names(keys, search="endless"))
                await until(is_running)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                await until(is_over)
            assert await names(keys, search="dless") == ["endless"], "and the next one is answered"
    finally:
        await connection.close()
