"""Users on real servers: their lists, searching them, one with all that hangs on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from console.data.accounts import user_queries
from console.errors import BadInput, OperationRefused
from console.models.accounts import UserState
from tests.accounts import (
    GAIA,
    created,
    edited,
    installed,
    platform_of,
    run_script,
    users_of,
)
from tests.live import until
from tests.platform_schema import Database
from tests.postgres import PostgresCluster


@pytest.fixture
async def platform(postgres: PostgresCluster) -> AsyncIterator[Database]:
    async with platform_of(postgres) as found:
        yield found


@pytest.fixture
async def gaia(postgres: PostgresCluster) -> AsyncIterator[Database]:
    async with installed(postgres, GAIA) as found:
        yield found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The local audit file."""
    return tmp_path / "audit.jsonl"


async def fill(database: Database, number: int, without_email: int = 0) -> None:
    await database.run(
        "INSERT INTO arxos_core.users (email, username, name, phone_number)"
        " SELECT CASE WHEN i > $2 THEN 'user' || i || '@example.com' END, 'Login_' || i, 'Name ' || i, '+49' || i"
        " FROM generate_series(1, $1::int) AS i",
        number,
        without_email,
    )


# Lists ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 4, 5, 20])
async def test_every_user_is_on_one_page_in_both_directions(
    platform: Database, file: Path, size: int
) -> None:
    await fill(platform, 12, without_email=5)
    wanted = [
        row["id"]
        for row in await platform.run("SELECT id FROM arxos_core.users ORDER BY email NULLS LAST, id")
    ]
    async with users_of(platform, file) as users:
        page = await users.page(size=size)
        assert page.before is None
        pages = [page]
        while page.after is not None:
            page = await users.page(after=page.after, size=size)
            pages.append(page)
        assert [user.id for page in pages for user in page.rows] == wanted
        assert all(len(page.rows) == size for page in pages[:-1])
        for earlier in reversed(pages[:-1]):
            page = await users.page(before=page.before, size=size)
            assert page == earlier
        assert page.before is None


async def test_the_first_page_is_full_when_it_is_come_back_to(platform: Database, file: Path) -> None:
    await fill(platform, 9)
    async with users_of(platform, file) as users:
        first = await users.page(size=4)
        second = await users.page(after=first.after, size=4)
        await platform.run("DELETE FROM arxos_core.users WHERE id = $1", first.rows[0].id)
        back = await users.page(before=second.before, size=4)
        assert len(back.rows) == 4
        assert back.before is None
        await platform.run("DELETE FROM arxos_core.users WHERE email > $1", second.rows[1].email)
        end = await users.page(after=(second.rows[1].email, second.rows[1].id), size=4)
        assert end.rows[-1] == second.rows[1], "after the end is the last page"
        assert end.after is None


async def test_how_many_there_are_is_the_planners_estimate(platform: Database, file: Path) -> None:
    await fill(platform, 40)
    await platform.run("ANALYZE arxos_core.users")
    async with users_of(platform, file) as users:
        assert (await users.page()).estimate == 40
        assert (await users.page("example")).estimate is None
        assert (await users.page(state=UserState.ACTIVE)).estimate is None


async def test_a_list_of_a_state(platform: Database, file: Path) -> None:
    await fill(platform, 6)
    await platform.run(
        "UPDATE arxos_core.users SET is_active = false WHERE email IN ('user1@example.com', 'user2@example.com')"
    )
    await platform.run(
        "UPDATE arxos_core.users SET deleted_at = now() WHERE email IN ('user2@example.com', 'user3@example.com')"
    )
    async with users_of(platform, file) as users:
        for state in UserState:
            page = await users.page(state=state)
            assert page.rows
            assert {user.state for user in page.rows} == {state}
        assert len((await users.page()).rows) == 6


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("ADA", {"ada"}),
        ("lovelace", {"ada"}),
        ("  Countess  ", {"ada"}),
        ("0%_", {"percent"}),
        ("%%%", set()),
        ("___", set()),
        ("\\\\\\", set()),
        ("a\\b", {"percent"}),
        ("ad", {"ada"}),
        ("g", {"percent"}),
        ("da", set()),
        ("", {"ada", "percent"}),
        ("zzz", set()),
        ("ada\0", set()),
        ("ada\ud800", set()),
        ("[/foo]", {"percent"}),
        ("'; --", set()),
        ("x" * 10_000, set()),
    ],
)
async def test_what_a_search_finds(platform: Database, file: Path, search: str, found: set[str]) -> None:
    """Three characters or more anywhere in e-mail, username and name, fewer at the beginning; what is typed is text."""
    await platform.run(
        "INSERT INTO arxos_core.users (email, username, name) VALUES ('Ada@Example.com', 'countess', 'Ada Lovelace'),"
        r" ('grace@navy.test', 'percent', '100%_ a\b [/foo]')"
    )
    names = {"Ada@Example.com": "ada", "grace@navy.test": "percent"}
    async with users_of(platform, file) as users:
        page = await users.page(search)
    assert {names[user.email or ""] for user in page.rows} == found


@pytest.mark.parametrize("few", [0, 11, 12, 2000])
async def test_a_search_is_paged_the_same_way_whether_few_or_many_are_found(
    platform: Database, file: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(user_queries, "_FEW_MATCHES", few)
    await fill(platform, 30, without_email=3)
    async with users_of(platform, file) as users:
        pages = [await users.page("name 1", size=4)]
        while pages[-1].after is not None:
            pages.append(await users.page("name 1", after=pages[-1].after, size=4))
        found = [user.email for page in pages for user in page.rows]
        assert found == [*(f"user{number}@example.com" for number in range(10, 20)), None]
        assert await users.page("name 1", before=pages[-1].before, size=4) == pages[-2]


async def test_a_search_that_nobody_waits_for_is_cancelled_on_the_server(
    platform: Database, file: Path
) -> None:
    """A slow search is made of a view that sleeps, in the place of the table."""
    await run_script(
        platform,
        "ALTER TABLE arxos_core.users RENAME TO people;"
        "CREATE TABLE arxos_core.users (LIKE arxos_core.people);"
        "INSERT INTO arxos_core.users (id, email, status, is_active, profile, subscription, preferences, created_at,"
        " updated_at) VALUES (gen_random_uuid(), 'a@b.org', '', true, '{}', '{}', '{}', now(), now());"
        "CREATE FUNCTION public.slow() RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT pg_sleep(60) IS NULL';"
        "ALTER TABLE arxos_core.users ENABLE ROW LEVEL SECURITY;"
        "ALTER TABLE arxos_core.users FORCE ROW LEVEL SECURITY;"
        "CREATE POLICY slow ON arxos_core.users USING (public.slow());"
        "GRANT USAGE ON SCHEMA arxos_core TO plain;"
        "GRANT SELECT ON arxos_core.users TO plain",
    )

    async def sleepers() -> int:
        rows = await platform.run(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
        )
        return len(rows)

    async def is_asleep() -> bool:
        return await sleepers() == 1

    async def is_over() -> bool:
        return await sleepers() == 0

    async with users_of(platform, file, user="plain", timeouts={"statement": 50}) as users:
        search = asyncio.create_task(users.page("b.o"))
        await until(is_asleep)
        search.cancel()
        with pytest.raises(asyncio.CancelledError):
            await search
        await until(is_over)


# One user -------------------------------------------------------------------------------------------------------------


async def test_a_user_is_found_by_what_it_is_called(platform: Database, file: Path) -> None:
    await fill(platform, 3)
    async with users_of(platform, file) as users:
        user = await users.find(" USER2@example.COM ")
        assert (await users.find("login_2")) == (await users.find(str(user.id))) == user
        assert await users.get(user.id) == user
        assert await users.get(uuid4()) is None
        for unknown in ("user2", "", "login%", "a\0", str(uuid4()), "x" * 10_000):
            with pytest.raises(BadInput, match=r"^There is no user with the id[^\n]*\.$"):
                await users.find(unknown)
        await users.delete(await users.delete_operation(user), user)
        assert (await users.find("login_2")).state is UserState.DELETED, "where there is no other"
        again = await created(users, email="user2@example.com")
        assert await users.find("user2@example.com") == again


async def test_two_that_one_name_fits_are_told_apart(gaia: Database, file: Path) -> None:
    await gaia.run("INSERT INTO users (email) VALUES ('ada@example.com'), ('ADA@example.com')")
    async with users_of(gaia, file) as users:
        assert (await users.find("ADA@example.com")).email == "ADA@example.com"
        with pytest.raises(BadInput, match=r"more than one user: .*ada@example.com.*; name one by its id"):
            await users.find("Ada@Example.Com")


async def test_the_detail_shows_what_hangs_on_a_user(platform: Database, file: Path) -> None:
    async with users_of(platform, file) as users:
        user = await created(users, email="ada@example.com")
        await platform.run(
            "INSERT INTO arxos_core.api_keys (user_id, key_hash, name, created_at) SELECT $1,"
            " encode(sha256(i::text::bytea), 'hex'), 'key ' || i, now() + make_interval(secs => i)"
            " FROM generate_series(1, 15) AS i",
            user.id,
        )
        await platform.run("INSERT INTO arxos_core.projects (owner_id, name) VALUES ($1, 'Tower B')", user.id)
        await platform.run(
            "INSERT INTO arxos_core.sessions (user_id, session_token, expires_at, ip_address)"
            " VALUES ($1, 'abcdefghijkl', now() + interval '1 day', '10.0.0.1')",
            user.id,
        )
        renamed = await edited(users, user, name="Ada")
        detail = await users.detail(user.id)
        assert detail.user == renamed
        assert [key.name for key in detail.keys] == [f"key {number}" for number in range(15, 5, -1)]
        assert detail.keys[0].owner == "ada@example.com"
        assert [project.name for project in detail.projects] == ["Tower B"]
        assert [(login.token_beginning, login.ip_address) for login in detail.sessions] == [
            ("abcdef", "10.0.0.1")
        ]
        assert [entry.action for entry in detail.actions] == ["user.update", "user.create"]
        with pytest.raises(OperationRefused, match=r"not there any more"):
            await users.detail(uuid4())
