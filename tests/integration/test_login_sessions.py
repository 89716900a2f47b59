"""Login sessions on real servers: who is logged in from where, and ending that."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from console.data.accounts.sessions import LoginSessions
from console.errors import BadInput, OperationRefused, OutcomeUnknown, QueryDenied
from console.models.accounts import LoginSession, Page
from tests.accounts import (
    CLOUD_ASSIST,
    GAIA,
    accounts_of,
    installed,
    platform_of,
    recorded,
    run_script,
    text_of,
    trail,
)
from tests.audit_trail import broken_rows
from tests.live import PATIENT
from tests.lossy_proxy import lossy_proxy
from tests.platform_schema import Database
from tests.postgres import Clusters, PostgresCluster

TOKEN = "s3cr3t-token-that-nobody-may-see"

LOGINS = f"""
INSERT INTO {{schema}}.users (email, username, password_hash) VALUES ('ada@example.com', 'ada', ''), ('bob@c.org', 'bob', '');
INSERT INTO {{schema}}.sessions (user_id, session_token, expires_at, ip_address, user_agent, is_active)
    SELECT u.id, '{TOKEN}' || i || u.username, now() + make_interval(hours => i), ('10.0.' || abs(i) || '.7')::inet,
           'Firefox [/foo]', i <> 3
    FROM {{schema}}.users u, generate_series(-1, 3) AS i WHERE i <> 0;
INSERT INTO {{schema}}.sessions (user_id, session_token, expires_at, ip_address)
    SELECT id, '{TOKEN}6', now() + interval '9 hours', '2001:db8::7' FROM {{schema}}.users WHERE username = 'bob';
"""  # noqa: S608
"""Of each user one that has expired, two that are open, one that was ended; and of Bob one over IPv6."""


@pytest.fixture
async def platform(postgres: PostgresCluster) -> AsyncIterator[Database]:
    async with platform_of(postgres) as found:
        await run_script(found, LOGINS.format(schema="arxos_core"))
        yield found


@pytest.fixture(params=["platform", "cloud-assist"])
async def either(request: pytest.FixtureRequest, postgres: PostgresCluster) -> AsyncIterator[Database]:
    """The platform's schema, then cloud-assist's tables."""
    is_platform = request.param == "platform"
    made = platform_of(postgres) if is_platform else installed(postgres, CLOUD_ASSIST)
    async with made as found:
        await run_script(found, LOGINS.format(schema="arxos_core" if is_platform else "public"))
        yield found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The local audit file."""
    return tmp_path / "audit.jsonl"


@asynccontextmanager
async def sessions_of(database: Database, file: Path, **options: Any) -> AsyncIterator[LoginSessions]:
    async with accounts_of(database, file, **options) as accounts:
        yield accounts.sessions


async def open_in(database: Database) -> list[str]:
    """Whose sessions are open, as the table says."""
    schema = (
        "arxos_core"
        if await database.run("SELECT FROM pg_namespace WHERE nspname = 'arxos_core'")
        else "public"
    )
    rows = await database.run(
        f"SELECT username FROM {schema}.sessions s JOIN {schema}.users u ON u.id = user_id"  # noqa: S608
        " WHERE s.is_active AND expires_at > now() ORDER BY username"
    )
    return [row["username"] for row in rows]


def owners(page: Page[LoginSession]) -> list[str]:
    return [session.user.partition("@")[0] for session in page.rows]


async def test_open_sessions_are_listed_by_how_long_they_last(either: Database, file: Path) -> None:
    async with sessions_of(either, file) as sessions:
        page = await sessions.page()
        assert owners(page)[0] == "bob"
        assert sorted(owners(page)) == ["ada", "ada", "bob", "bob", "bob"]
        ends = [session.expires_at for session in page.rows if session.expires_at]
        assert ends == sorted(ends, reverse=True)
        everything = await sessions.page(open_only=False)
        assert len(everything.rows) == 9
        one_by_one = await sessions.page(open_only=False, size=1)
        seen = list(one_by_one.rows)
        while one_by_one.after is not None:
            one_by_one = await sessions.page(open_only=False, after=one_by_one.after, size=1)
            seen += one_by_one.rows
        assert seen == list(everything.rows)
        back = await sessions.page(open_only=False, before=one_by_one.before, size=5)
        assert back.rows == everything.rows[3:8]


async def test_of_a_token_nothing_but_the_beginning_is_read(either: Database, file: Path) -> None:
    async with sessions_of(either, file) as sessions:
        page = await sessions.page(open_only=False)
        assert {session.token_beginning for session in page.rows} == {TOKEN[:6]}
        operation = await sessions.revoke_operation(page.rows[0])
        await sessions.revoke(operation, page.rows[0])
    assert TOKEN[:7] not in str(page) + str(operation) + text_of(file)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"address": "10.0.1.7"}, ["ada", "bob"]),
        ({"address": "10.0."}, ["ada", "ada", "bob", "bob"]),
        ({"address": "10.0.1.0/24"}, ["ada", "bob"]),
        ({"address": "10.0.0.1/8"}, ["ada", "ada", "bob", "bob"]),
        ({"address": "2001:DB8:"}, ["bob"]),
        ({"address": "2001:db8::/32"}, ["bob"]),
        ({"address": "192.168.0.0/16"}, []),
        ({"search": "10.0.2."}, ["ada", "bob"]),
        ({"search": "EXAMPLE"}, ["ada", "ada"]),
        ({"search": "c.o"}, ["bob", "bob", "bob"]),
        ({"search": "bo"}, ["bob", "bob", "bob"]),
        ({"search": "nobody"}, []),
        ({"search": "a%a"}, []),
    ],
)
async def test_sessions_are_found_by_user_and_address(
    platform: Database, file: Path, wanted: dict[str, str], found: list[str]
) -> None:
    async with sessions_of(platform, file) as sessions:
        assert sorted(owners(await sessions.page(**wanted))) == found  # type: ignore[arg-type]


@pytest.mark.parametrize("address", ["ada", "10.0.0.0/33", "1::2::3/64", "10.0.0.1' OR 1=1", "x" * 10_000])
async def test_what_is_no_address_is_one_sentence(platform: Database, file: Path, address: str) -> None:
    async with sessions_of(platform, file) as sessions:
        with pytest.raises(BadInput, match=r"^[^\n]{1,160} is no (address|network), such as [^\n]*\.$"):
            await sessions.page(address=address)


async def test_one_session_is_ended_with_a_row_in_the_trail(either: Database, file: Path) -> None:
    async with sessions_of(either, file) as sessions:
        session = (await sessions.page()).rows[0]
        operation = await sessions.revoke_operation(session)
        assert len(await open_in(either)) == 5, "nothing is done before it is confirmed"
        outcome = await sessions.revoke(operation, session)
        assert (outcome.done, outcome.sentence) == (True, "The session of bob@c.org is ended.")
        with pytest.raises(OperationRefused, match="has ended meanwhile"):
            await sessions.revoke(operation, session)
        ended = next(row for row in (await sessions.page(open_only=False)).rows if row.id == session.id)
        with pytest.raises(OperationRefused, match="has ended already"):
            await sessions.revoke_operation(ended)
    assert await open_in(either) == ["ada", "ada", "bob", "bob"]
    assert operation.statements[0].startswith("UPDATE ")
    assert str(session.id) in operation.statements[0]
    table = "arxos_core.audit_logs" if "arxos_core" in operation.statements[0] else "audit_logs"
    [(action, details)] = await trail(either, table)
    assert (action, details["before"], details["after"]) == (
        "session.revoke",
        {"is_active": True},
        {"is_active": False},
    )
    assert [line["done"] for line in recorded(file)] == [True, False]


async def test_all_sessions_of_a_user_are_ended_and_nobody_elses(platform: Database, file: Path) -> None:
    async with sessions_of(platform, file) as sessions:
        user_id = (await sessions.page()).rows[0].user_id
        assert user_id is not None
        assert sorted(owners(await sessions.page(user_id=user_id))) == ["bob"] * 3
        operation = await sessions.revoke_all_operation(user_id)
        assert operation.object_name == "bob@c.org"
        assert operation.consequences[0].startswith("bob@c.org is logged in 3 times")
        outcome = await sessions.revoke_all(operation, user_id)
        assert outcome.sentence == "3 sessions of bob@c.org ended."
        with pytest.raises(OperationRefused, match=r"^bob@c.org has no open session\.$"):
            await sessions.revoke_all_operation(user_id)
        with pytest.raises(OperationRefused, match="has no open session any more"):
            await sessions.revoke_all(operation, user_id)
    assert await open_in(platform) == ["ada", "ada"]
    [row] = await platform.run("SELECT resource_id, details FROM arxos_core.audit_logs")
    assert row["resource_id"] == user_id
    assert len(json.loads(row["details"])["sessions"]) == 3
    assert not await broken_rows(platform.url)


async def test_without_a_word_for_ended_the_row_is_deleted_and_that_is_said(
    platform: Database, file: Path
) -> None:
    await platform.run("ALTER TABLE arxos_core.sessions DROP is_active")
    async with sessions_of(platform, file) as sessions:
        session = (await sessions.page()).rows[0]
        operation = await sessions.revoke_operation(session)
        assert operation.statements[0].startswith("DELETE FROM arxos_core.sessions")
        assert "the row is deleted" in operation.consequences[-1]
        await sessions.revoke(operation, session)
    assert not await platform.run("SELECT FROM arxos_core.sessions WHERE id = $1", session.id)
    assert [details["after"] for _, details in await trail(platform)] == [{"deleted": True}]


async def test_of_two_that_end_a_session_at_once_one_is_told(platform: Database, tmp_path: Path) -> None:
    async def end(number: int) -> bool:
        async with sessions_of(platform, tmp_path / f"{number}.jsonl", timeouts=PATIENT) as sessions:
            try:
                return (await sessions.revoke(operation, session)).done
            except OperationRefused as refusal:
                return "has ended meanwhile" not in refusal.sentence

    async with sessions_of(platform, tmp_path / "audit.jsonl") as sessions:
        session = (await sessions.page()).rows[0]
        operation = await sessions.revoke_operation(session)
    assert sorted(await asyncio.gather(*map(end, range(3)))) == [False, False, True]
    assert len(await trail(platform)) == 1


# What goes wrong ------------------------------------------------------------------------------------------------------


async def test_an_installation_without_sessions_says_what_brings_them(
    postgres: PostgresCluster, file: Path
) -> None:
    async with installed(postgres, GAIA) as gaia, sessions_of(gaia, file) as sessions:
        for asked in (sessions.page(), sessions.revoke_all_operation(UUID(int=1))):
            with pytest.raises(
                OperationRefused,
                match="There is no table sessions in arxos_core or public; the migration core_0001",
            ):
                await asked


async def test_the_answer_to_the_commit_is_lost(platform: Database, file: Path) -> None:
    async with lossy_proxy(platform.cluster) as proxy:
        url = platform.url.replace(str(platform.cluster.port), str(proxy.port))
        async with sessions_of(platform, file, url=url) as sessions:
            session = (await sessions.page()).rows[0]
            operation = await sessions.revoke_operation(session)
            proxy.lose_the_answer_to(b"COMMIT")
            with pytest.raises(OutcomeUnknown, match="Look whether it is"):
                await sessions.revoke(operation, session)
            proxy.lose_the_answer_to(None)
            assert session.id not in [row.id for row in (await sessions.page()).rows], "looking tells"


async def test_whoever_may_not_is_told_why(platform: Database, file: Path) -> None:
    async with sessions_of(platform, file) as sessions:
        session = (await sessions.page()).rows[0]
        operation = await sessions.revoke_operation(session)
    async with sessions_of(platform, file, read_only=True) as sessions:
        with pytest.raises(OperationRefused, match="is read-only, by --read-only"):
            await sessions.revoke_operation(session)
        with pytest.raises(OperationRefused, match="is read-only, by --read-only"):
            await sessions.revoke(operation, session)
    await platform.run("GRANT USAGE ON SCHEMA arxos_core TO plain")
    async with sessions_of(platform, file, user="plain") as sessions:
        with pytest.raises(QueryDenied, match=r"denied for table \w+\. Its owner allows it with: GRANT "):
            await sessions.page()
        with pytest.raises(
            QueryDenied, match=r"denied for table sessions\. .*GRANT UPDATE ON arxos_core\.sessions"
        ):
            await sessions.revoke(operation, session)
    assert len(await open_in(platform)) == 5


async def test_a_standby_ends_no_session(clusters: Clusters, file: Path) -> None:
    with clusters.make() as cluster:
        made = Database(cluster, "postgres", "postgres")
        await made.upgrade("core@head")
        await run_script(made, LOGINS.format(schema="arxos_core"))
        cluster.stop()
        (cluster.data / "standby.signal").touch()
        cluster.start()
        async with sessions_of(made, file) as sessions:
            [session, *_] = (await sessions.page()).rows
            with pytest.raises(OperationRefused, match="is a standby and takes no changes"):
                await sessions.revoke_operation(session)
