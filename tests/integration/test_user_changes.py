"""Changes of users on real servers: each whole or not at all, with its row in the trail."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from pydantic import SecretStr

from console.data.accounts import user_writing
from console.data.accounts.user_drafts import refuse_taken
from console.data.passwords import needs_rehash, verify_password
from console.errors import BadInput, OperationRefused
from console.models.accounts import User, UserDraft, UserState
from tests.accounts import (
    GAIA,
    PASSWORD,
    created,
    edited,
    hash_of,
    installed,
    platform_of,
    recorded,
    text_of,
    trail,
    users_of,
    with_password,
)
from tests.audit_trail import broken_rows
from tests.live import PATIENT
from tests.platform_schema import Database, database
from tests.postgres import Clusters, PostgresCluster

HOSTILE = "[/foo][@click=app.bell]'\"; DROP TABLE users; -- 100%_\\"


@pytest.fixture
async def platform(postgres: PostgresCluster) -> AsyncIterator[Database]:
    async with platform_of(postgres) as found:
        yield found


@pytest.fixture
async def gaia(postgres: PostgresCluster) -> AsyncIterator[Database]:
    async with installed(postgres, GAIA) as found:
        yield found


@pytest.fixture(params=["platform", "gaia"])
async def either(request: pytest.FixtureRequest, postgres: PostgresCluster) -> AsyncIterator[Database]:
    """The platform's schema, then gaia's tables."""
    made = platform_of(postgres) if request.param == "platform" else installed(postgres, GAIA)
    async with made as found:
        yield found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The local audit file."""
    return tmp_path / "audit.jsonl"


# Creating and editing -------------------------------------------------------------------------------------------------


async def test_a_user_is_created_with_a_row_in_the_trail(platform: Database, file: Path) -> None:
    async with users_of(platform, file) as users:
        draft = UserDraft(email=" Ada@Example.com ", username="ada", name=HOSTILE, phone_number="+49 30 1234")
        operation = await users.create_operation(draft)
        assert not await platform.run("SELECT FROM arxos_core.users"), (
            "nothing is done before it is confirmed"
        )
        user = await users.create(operation, draft)
    assert (user.email, user.username, user.name) == ("Ada@Example.com", "ada", HOSTILE)
    assert (user.state, user.has_password, user.status) == (UserState.ACTIVE, False, "active")
    [statement] = operation.statements
    assert statement.startswith("INSERT INTO arxos_core.users ")
    [(action, details)] = await trail(platform)
    assert action == "user.create"
    assert details["after"]["name"] == HOSTILE
    assert details["by"]
    assert not await broken_rows(platform.url)
    [line] = recorded(file)
    assert line["done"] is True
    assert "INSERT INTO arxos_core.users" in line["statement"]


async def test_the_statement_that_is_shown_can_be_run_as_it_is(platform: Database, file: Path) -> None:
    async with users_of(platform, file) as users:
        operation = await users.create_operation(UserDraft(email="ada@example.com", name=HOSTILE))
        await platform.run(operation.statements[0])
        user = await users.find("ada@example.com")
        assert user.name == HOSTILE
        await platform.run(
            (await users.edit_operation(user, UserDraft(name="'100%' \\ O''Neil"))).statements[0]
        )
        assert (await users.find("ada@example.com")).name == "'100%' \\ O''Neil"
        await platform.run((await users.delete_operation(user)).statements[0])
        assert (await users.find("ada@example.com")).state is UserState.DELETED


async def test_every_version_does_all_of_it(every_postgres: PostgresCluster, file: Path) -> None:
    async with platform_of(every_postgres) as made, users_of(made, file) as users:
        user = await edited(users, await created(users, email="ada@example.com"), name="Ada")
        user = await with_password(users, user)
        assert (await users.page("ADA")).rows == (await users.page("a")).rows == (user,)
        user = await users.deactivate(await users.deactivate_operation(user), user)
        user = await users.delete(await users.delete_operation(user), user)
        assert (await users.page(state=UserState.DELETED)).rows == (user,)
        await users.restore(await users.restore_operation(user), user)
        assert len((await users.detail(user.id)).actions) == 6
        assert not await broken_rows(made.url)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "Nothing was typed"),
        ({"email": "ada"}, "ada is not an e-mail address"),
        ({"email": "ada@example.com\x1b[2J"}, "has control characters"),
        ({"email": "ada@" + "x" * 10_000}, "has 10,004 characters; it can have 255"),
        ({"email": "x" * 250 + "@b.org"}, "has 256 characters"),
        ({"email": '"><script>@example.com'}, "is not an e-mail address"),
        (
            {"email": "ada@example.com", "name": "x" * 10_000},
            "The name has 10,000 characters; it can have 255",
        ),
        ({"email": "ada@example.com", "name": "Ada\u202e"}, "The name has control characters"),
        ({"email": "ada@example.com", "name": "Ada\0"}, "The name has control characters"),
        ({"email": "ada@example.com", "name": "Ada\ud800"}, "The name has control characters"),
        ({"email": "ada@example.com", "username": "a\nb"}, "The username has control characters"),
        ({"email": "ada@example.com", "phone_number": "call me"}, "is not a telephone number"),
        ({"email": "ada@example.com", "phone_number": "0" * 21}, "has 21 characters; it can have 20"),
        ({"name": "Ada"}, "needs an e-mail address or a telephone number"),
    ],
)
async def test_what_no_user_can_have_is_refused_in_a_sentence(
    platform: Database, file: Path, fields: dict[str, str], reason: str
) -> None:
    async with users_of(platform, file) as users:
        with pytest.raises(BadInput, match=rf"^[^\n]*{reason}[^\n]*\.$"):
            await users.create_operation(UserDraft(**fields))
    assert not recorded(file)


async def test_names_of_all_the_world_are_kept_as_they_are(platform: Database, file: Path) -> None:
    names = ["علی\u200cرضا", "山田\u3000太郎", "👩\u200d🚀 Ada", 'O\'Neil "Bobby" <b>', "x" * 255]
    async with users_of(platform, file) as users:
        for number, name in enumerate(names):
            assert (await created(users, email=f"{number}@example.com", name=name)).name == name


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"email": "ADA@example.COM"},
            "The e-mail address ADA@example.COM is that of another user already: Ada@",
        ),
        (
            {"email": "b@c.org", "username": "LOVELACE"},
            "The username LOVELACE is that of another user already: Ada@",
        ),
        (
            {"phone_number": "+49 30 1"},
            r"The telephone number \+49 30 1 is that of another user already: Ada@",
        ),
    ],
)
async def test_what_is_somebody_elses_is_refused_whatever_its_case(
    platform: Database, file: Path, fields: dict[str, str], sentence: str
) -> None:
    async with users_of(platform, file) as users:
        ada = await created(users, email="Ada@Example.com", username="lovelace", phone_number="+49 30 1")
        bob = await created(users, email="bob@example.com")
        with pytest.raises(OperationRefused, match=sentence):
            await users.create_operation(UserDraft(**fields))
        with pytest.raises(OperationRefused, match=sentence):
            await users.edit_operation(bob, UserDraft(**fields))
        assert (await edited(users, ada, email="ADA@EXAMPLE.COM")).email == "ADA@EXAMPLE.COM", "it is its own"


async def test_an_older_table_tells_case_apart_and_the_console_does_not(gaia: Database, file: Path) -> None:
    async with users_of(gaia, file) as users:
        await created(users, email="ada@example.com")
        with pytest.raises(OperationRefused, match=r"is that of another user already: ada@example.com"):
            await created(users, email="Ada@example.com")


async def test_of_two_that_create_the_same_at_once_one_is_told(platform: Database, tmp_path: Path) -> None:
    async def one(number: int) -> User | Exception:
        async with users_of(platform, tmp_path / f"{number}.jsonl", timeouts=PATIENT) as users:
            draft = UserDraft(email=f"{'Ada' if number % 2 else 'ada'}@example.com")
            try:
                return await users.create(operations[number], draft)
            except OperationRefused as refusal:
                return refusal

    async with users_of(platform, tmp_path / "audit.jsonl") as users:
        operations = [await users.create_operation(UserDraft(email="ada@example.com")) for _ in range(4)]
    outcomes = await asyncio.gather(*map(one, range(4)))
    assert sum(isinstance(outcome, User) for outcome in outcomes) == 1
    assert [
        str(o) for o in outcomes if not isinstance(o, User) and "that of another user already" not in str(o)
    ] == []
    assert len(await platform.run("SELECT FROM arxos_core.users")) == 1


async def test_who_was_quicker_is_named_also_when_the_index_says_it(
    platform: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the writing somebody else writes."""
    async with users_of(platform, file) as users:
        draft = UserDraft(email="ada@example.com")
        operation = await users.create_operation(draft)
        looks = 0
        look = refuse_taken

        async def late(*arguments: Any) -> None:
            nonlocal looks
            looks += 1
            if looks == 1:
                await platform.run("INSERT INTO arxos_core.users (email) VALUES ('ADA@example.com')")
                return
            await look(*arguments)

        monkeypatch.setattr(user_writing, "refuse_taken", late)
        with pytest.raises(OperationRefused, match=r"is that of another user already: ADA@example.com"):
            await users.create(operation, draft)
    assert await trail(platform) == []


async def test_an_edit_changes_what_is_different_and_the_trail_says_what(
    platform: Database, file: Path
) -> None:
    async with users_of(platform, file) as users:
        user = await created(users, email="ada@example.com", name="Ada", phone_number="+49 1")
        changed = await edited(users, user, email="ada@example.com", name="Ada L.", phone_number="")
        assert (changed.email, changed.name, changed.phone_number) == ("ada@example.com", "Ada L.", None)
        assert changed.updated_at is not None
        assert user.updated_at is not None
        assert changed.updated_at > user.updated_at
        with pytest.raises(BadInput, match=r"Nothing was typed that would be different"):
            await users.edit_operation(changed, UserDraft(name="Ada L. "))
        with pytest.raises(BadInput, match=r"needs an e-mail address or a telephone number"):
            await users.edit_operation(changed, UserDraft(email=""))
        with pytest.raises(BadInput, match=r"status cannot be empty"):
            await users.edit_operation(changed, UserDraft(status=" "))
    action, details = (await trail(platform))[-1]
    assert (action, details["before"], details["after"]) == (
        "user.update",
        {"name": "Ada", "phone_number": "+49 1"},
        {"name": "Ada L.", "phone_number": None},
    )


async def test_edits_at_the_same_time_do_not_overwrite_each_other(either: Database, file: Path) -> None:
    """Also where no trigger keeps `updated_at`, and times have no zone."""
    async with users_of(either, file) as users:
        user = await created(users, email="ada@example.com", name="Ada")
        mine = UserDraft(name="Mine")
        operation = await users.edit_operation(user, mine)
        theirs = await edited(users, user, name="Theirs")
        with pytest.raises(
            OperationRefused,
            match=r"^Nothing was changed, for somebody changed ada@example.com meanwhile: the name is Theirs now; look again\.$",
        ):
            await users.edit(operation, user, mine)
        assert await users.get(user.id) == theirs
        assert (await edited(users, theirs, name="Mine")).name == "Mine", "having looked again"


async def test_what_changed_out_of_sight_counts_too(platform: Database, file: Path) -> None:
    async with users_of(platform, file) as users:
        user = await created(users, email="ada@example.com")
        operation = await users.edit_operation(user, UserDraft(name="Ada"))
        await platform.run("""UPDATE arxos_core.users SET profile = '{"a": 1}'""")
        with pytest.raises(OperationRefused, match=r"somebody changed ada@example.com meanwhile; look again"):
            await users.edit(operation, user, UserDraft(name="Ada"))
        await platform.run("DELETE FROM arxos_core.users")
        with pytest.raises(OperationRefused, match=r"ada@example.com is not there any more"):
            await users.edit(operation, user, UserDraft(name="Ada"))


# What becomes of a user -----------------------------------------------------------------------------------------------


async def test_a_user_is_switched_off_and_on_deleted_and_restored(platform: Database, file: Path) -> None:
    async with users_of(platform, file) as users:
        user = await created(users, email="ada@example.com")
        await platform.run(
            "INSERT INTO arxos_core.api_keys (user_id, key_hash) SELECT $1, encode(sha256(i::text::bytea), 'hex')"
            " FROM generate_series(1, 3) AS i",
            user.id,
        )
        await platform.run(
            "UPDATE arxos_core.api_keys SET expires_at = now() WHERE key_hash = encode(sha256('1'), 'hex')"
        )
        await platform.run("INSERT INTO arxos_core.projects (owner_id, name) VALUES ($1, 'Tower B')", user.id)
        operation = await users.deactivate_operation(user)
        assert (
            operation.consequences[0] == "What hangs on it stays as it is: 2 active API keys and 1 project."
        )
        off = await users.deactivate(operation, user)
        assert off.state is UserState.INACTIVE
        with pytest.raises(OperationRefused, match=r"^ada@example.com is deactivated already\.$"):
            await users.deactivate_operation(off)
        deletion = await users.delete_operation(off)
        gone = await users.delete(deletion, off)
        assert gone.state is UserState.DELETED
        with pytest.raises(OperationRefused, match=r"is deleted: restore it first"):
            await users.reactivate_operation(gone)
        back = await users.restore(await users.restore_operation(gone), gone)
        assert back.state is UserState.INACTIVE, "as it was"
        on = await users.reactivate(await users.reactivate_operation(back), back)
        assert on.state is UserState.ACTIVE
    rows = await trail(platform)
    assert [action for action, _ in rows[1:]] == [
        "user.deactivate",
        "user.delete",
        "user.restore",
        "user.reactivate",
    ]
    assert (rows[1][1]["before"], rows[1][1]["after"]) == ({"is_active": True}, {"is_active": False})
    assert rows[2][1]["before"] == {"deleted_at": None}
    assert rows[2][1]["after"]["deleted_at"]
    assert not await broken_rows(platform.url)


async def test_nobody_is_restored_whose_address_is_taken(platform: Database, file: Path) -> None:
    async with users_of(platform, file) as users:
        user = await created(users, email="ada@example.com")
        gone = await users.delete(await users.delete_operation(user), user)
        operation = await users.restore_operation(gone)
        await created(users, email="Ada@Example.com")
        with pytest.raises(OperationRefused, match=r"is that of another user already: Ada@Example.com"):
            await users.restore_operation(gone)
        with pytest.raises(OperationRefused, match=r"is that of another user already: Ada@Example.com"):
            await users.restore(operation, gone)


async def test_a_switch_that_somebody_else_made_meanwhile_is_told(platform: Database, file: Path) -> None:
    async with users_of(platform, file) as users:
        user = await created(users, email="ada@example.com")
        operation = await users.deactivate_operation(user)
        await platform.run("UPDATE arxos_core.users SET last_login_at = now()")
        assert not (await users.deactivate(operation, user)).is_active, "a login is no reason not to"
        with pytest.raises(
            OperationRefused, match=r"somebody changed ada@example.com meanwhile: it is deactivated now"
        ):
            await users.deactivate(operation, user)


# Passwords ------------------------------------------------------------------------------------------------------------


async def test_a_password_is_kept_as_argon2id(platform: Database, file: Path) -> None:
    async with users_of(platform, file) as users:
        user = await created(users, email="ada@example.com")
        operation = await users.set_password_operation(user)
        changed = await users.set_password(operation, user, PASSWORD)
        assert changed.has_password
        kept = await hash_of(platform, user)
        assert await verify_password(kept, PASSWORD)
        with pytest.raises(OperationRefused, match=r"it is the password of ada@example.com already"):
            await with_password(users, changed)
        again = await with_password(users, changed, SecretStr("another password"))
        assert await verify_password(await hash_of(platform, user), SecretStr("another password"))
        for weak in ("short", "ADA@example.com"):
            with pytest.raises(BadInput):
                await with_password(users, again, SecretStr(weak))
    said = str(await trail(platform)) + text_of(file) + str(operation)
    assert "user.set_password" in said
    assert "argon2id$…" in said
    for secret in (PASSWORD.get_secret_value(), kept, kept.split("$")[-1]):
        assert secret not in said


async def test_the_same_password_is_hashed_anew_when_the_parameters_are_others(
    platform: Database, file: Path
) -> None:
    async with users_of(platform, file) as users:
        user = await created(users, email="ada@example.com")
        older = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD.get_secret_value())
        await platform.run("UPDATE arxos_core.users SET password_hash = $1", older)
        seen = await users.get(user.id)
        assert seen is not None
        await with_password(users, seen)
        assert not needs_rehash(await hash_of(platform, user))
    assert (await trail(platform))[-1][0] == "user.rehash_password"


async def test_a_secret_is_in_no_error_and_no_log(clusters: Clusters, file: Path) -> None:
    """The server logs every statement, and refuses the row after the hash is in it."""
    with clusters.make(settings={"log_statement": "all", "log_min_error_statement": "debug5"}) as cluster:
        async with database(cluster) as made:
            await made.upgrade("core@head")
            async with users_of(made, file) as users:
                user = await created(users, email="ada@example.com")
                await made.run("ALTER TABLE arxos_core.users ADD CHECK (password_hash IS NULL)")
                with pytest.raises(OperationRefused, match=r"violates check constraint") as refused:
                    await with_password(users, user)
                assert await users.get(user.id) == user
        told = "".join(traceback.format_exception(refused.value)) + refused.value.sentence + text_of(file)
        assert "argon2id$v" not in told, "nor the hash, which the server shows with the row that it refuses"
        assert PASSWORD.get_secret_value() not in told + cluster.log
        assert "UPDATE arxos_core.users SET password_hash" in cluster.log
