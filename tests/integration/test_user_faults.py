"""Users where things are not as they should be: older tables, lost connections, missing rights."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from console.data.accounts.users import Users
from console.data.passwords import verify_password
from console.errors import OperationRefused, OutcomeUnknown, QueryDenied, QueryFailed
from console.models.accounts import User, UserDraft, UserState
from console.models.operation import Operation
from tests.accounts import (
    CLOUD_ASSIST,
    GAIA,
    PASSWORD,
    created,
    edited,
    hash_of,
    installed,
    platform_of,
    recorded,
    trail,
    users_of,
    with_password,
)
from tests.lossy_proxy import lossy_proxy
from tests.platform_schema import Database, database
from tests.postgres import Clusters, PostgresCluster


@pytest.fixture
async def platform(postgres: PostgresCluster) -> AsyncIterator[Database]:
    async with platform_of(postgres) as found:
        yield found


@pytest.fixture
async def gaia(postgres: PostgresCluster) -> AsyncIterator[Database]:
    async with installed(postgres, GAIA) as found:
        yield found


@pytest.fixture
async def cloud_assist(postgres: PostgresCluster) -> AsyncIterator[Database]:
    async with installed(postgres, CLOUD_ASSIST) as found:
        yield found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The local audit file."""
    return tmp_path / "audit.jsonl"


# Installations that came before ---------------------------------------------------------------------------------------


async def test_gaia_has_users_without_most_columns(gaia: Database, file: Path) -> None:
    async with users_of(gaia, file) as users:
        user = await created(users, email="ada@example.com", name="Ada")
        assert user.created_at is not None
        assert user.created_at.tzinfo is not None
        assert user.state is UserState.ACTIVE
        assert (await users.page("ADA")).rows == (user,)
        assert (await users.page(state=UserState.ACTIVE)).rows == (user,)
        assert (await users.page(state=UserState.DELETED)).rows == ()
        await gaia.run("INSERT INTO api_keys (user_id, key_hash, name) VALUES ($1, 'x', 'ci')", user.id)
        detail = await users.detail(user.id)
        assert [key.name for key in detail.keys] == ["ci"]
        assert (detail.sessions, detail.projects, detail.actions) == ((), (), ())
        for refused in (users.deactivate_operation, users.delete_operation, users.set_password_operation):
            with pytest.raises(
                OperationRefused,
                match=r"public.users has no column \w+; the platform's migration core_0001 has",
            ):
                await refused(user)
        with pytest.raises(OperationRefused, match=r"has no column username"):
            await users.create_operation(UserDraft(email="b@c.org", username="bob"))
        with pytest.raises(OperationRefused, match=r"public.users takes no user without e-mail address"):
            await made_without_email(gaia, users)
    assert len(recorded(file)) == 2, "the local file is all the trail there is"


async def made_without_email(database: Database, users: Users) -> None:
    """Of a table where a telephone will do, too, but not without an e-mail address."""
    await database.run("ALTER TABLE users ADD phone_number varchar(20)")
    await users._context.place(again=True)
    await created(users, phone_number="+49 1")


async def test_cloud_assist_has_passwords_and_a_trail_without_chain(
    cloud_assist: Database, file: Path
) -> None:
    async with users_of(cloud_assist, file) as users:
        with pytest.raises(OperationRefused, match=r"public.users takes no user without username"):
            await created(users, email="ada@example.com")
        user = await created(users, email="ada@example.com", username="ada")
        assert not user.has_password, "what stands there opens nothing"
        changed = await with_password(users, user)
        assert await verify_password(await hash_of(cloud_assist, user, "users"), PASSWORD)
        off = await users.deactivate(await users.deactivate_operation(changed), changed)
        assert (await users.page(state=UserState.INACTIVE)).rows == (off,)
        assert len((await users.detail(user.id)).actions) == 3
    assert [action for action, _ in await trail(cloud_assist, "audit_logs")] == [
        "user.create",
        "user.set_password",
        "user.deactivate",
    ]


# What goes wrong ------------------------------------------------------------------------------------------------------


async def test_the_answer_to_the_commit_is_lost(platform: Database, file: Path) -> None:
    """It is done, and the console says that it does not know; looking tells."""
    async with lossy_proxy(platform.cluster) as proxy:
        url = platform.url.replace(str(platform.cluster.port), str(proxy.port))
        async with users_of(platform, file, url=url) as users:
            draft = UserDraft(email="ada@example.com")
            operation = await users.create_operation(draft)
            proxy.lose_the_answer_to(b"COMMIT")
            with pytest.raises(OutcomeUnknown, match=r"Create the user ada@example.com\. Look whether it is"):
                await users.create(operation, draft)
            proxy.lose_the_answer_to(None)
            assert (await users.find("ada@example.com")).email == "ada@example.com"
    assert [action for action, _ in await trail(platform)] == ["user.create"]
    assert [(line["done"], "before the server said" in line["outcome"]) for line in recorded(file)] == [
        (False, True)
    ]


async def test_the_connection_is_lost_before_the_commit(platform: Database, file: Path) -> None:
    """Nothing is done, and the console says so or that it does not know."""
    async with users_of(platform, file) as users:
        user = await created(users, email="ada@example.com")
        await platform.run(
            "CREATE FUNCTION public.die() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'"
        )
        await platform.run(
            "CREATE CONSTRAINT TRIGGER die AFTER UPDATE ON arxos_core.users DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION public.die()"
        )
        with pytest.raises(OutcomeUnknown):
            await edited(users, user, name="Ada")
        assert await users.get(user.id) == user
    assert [action for action, _ in await trail(platform)] == ["user.create"]


CHANGES = ("create", "edit", "deactivate", "delete", "set_password")


async def operation_of(users: Users, change: str, user: User) -> Operation:
    if change == "create":
        return await users.create_operation(UserDraft(email="b@c.org"))
    if change == "edit":
        return await users.edit_operation(user, UserDraft(name="Ada"))
    operation: Operation = await getattr(users, f"{change}_operation")(user)
    return operation


async def made(users: Users, change: str, operation: Operation, user: User) -> User:
    if change == "create":
        return await users.create(operation, UserDraft(email="b@c.org"))
    if change == "edit":
        return await users.edit(operation, user, UserDraft(name="Ada"))
    if change == "set_password":
        return await users.set_password(operation, user, PASSWORD)
    changed: User = await getattr(users, change)(operation, user)
    return changed


@pytest.mark.parametrize("change", CHANGES)
async def test_a_console_that_only_reads_changes_nothing(platform: Database, file: Path, change: str) -> None:
    async with users_of(platform, file) as users:
        user = await created(users, email="ada@example.com")
        operation = await operation_of(users, change, user)
    async with users_of(platform, file, read_only=True) as users:
        with pytest.raises(OperationRefused, match=r"is read-only, by --read-only"):
            await operation_of(users, change, user)
        with pytest.raises(OperationRefused, match=r"is read-only, by --read-only"):
            await made(users, change, operation, user)
        assert (await users.page()).rows == (user,)


def remedy_in(sentence: str) -> list[str]:
    """The statements that are said to help."""
    return sentence.partition(" allows it with: ")[2].removesuffix(";").split("; ")


@pytest.mark.parametrize("change", CHANGES)
async def test_a_role_without_rights_is_told_in_a_sentence(
    platform: Database, file: Path, change: str
) -> None:
    async with users_of(platform, file) as users:
        user = await created(users, email="ada@example.com")
        operation = await operation_of(users, change, user)
    async with users_of(platform, file, user="plain") as users:
        with pytest.raises(
            QueryDenied,
            match=r"^The server says: permission denied for schema arxos_core\. Its owner allows it with: ",
        ) as refused:
            await users.page()
        for statement in remedy_in(refused.value.sentence):
            await platform.run(statement)
        assert (await users.page()).rows == (user,)
        with pytest.raises(QueryDenied, match=r"^The server says: permission denied for table users\. "):
            await made(users, change, operation, user)
        await platform.run("GRANT INSERT, UPDATE ON arxos_core.users TO plain")
        with pytest.raises(
            QueryDenied, match=r"^The server says: permission denied for table audit_logs\. "
        ) as denied:
            await made(users, change, operation, user)
        assert [row["name"] for row in await platform.run("SELECT name FROM arxos_core.users")] == [None]
        assert [line["done"] for line in recorded(file)] == [True, False, False]
        for statement in remedy_in(denied.value.sentence):
            assert "ALL TABLES" not in statement or "UPDATE" not in statement, (
                "the trail is nobody's to change"
            )
            await platform.run(statement)
        await made(users, change, operation, user)


async def test_a_standby_is_only_looked_at(clusters: Clusters, file: Path) -> None:
    with clusters.make() as cluster:
        made = Database(cluster, "postgres", "postgres")
        await made.upgrade("core@head")
        await made.run("INSERT INTO arxos_core.users (email) VALUES ('ada@example.com')")
        cluster.stop()
        (cluster.data / "standby.signal").touch()
        cluster.start()
        async with users_of(made, file) as users:
            [user] = (await users.page()).rows
            with pytest.raises(OperationRefused, match=r"is a standby and takes no changes"):
                await users.deactivate_operation(user)


async def test_a_table_that_is_missing_is_named_with_what_brings_it(
    postgres: PostgresCluster, file: Path
) -> None:
    async with database(postgres) as empty, users_of(empty, file) as users:
        for asked in (
            users.page(),
            users.find("ada"),
            users.get(uuid4()),
            users.create_operation(UserDraft(email="a@b.org")),
        ):
            with pytest.raises(OperationRefused, match=r"There is no table users .* core_0001 brings it"):
                await asked


async def test_a_table_that_goes_meanwhile_is_one_sentence(platform: Database, file: Path) -> None:
    async with users_of(platform, file) as users:
        user = await created(users, email="ada@example.com")
        await platform.run("ALTER TABLE arxos_core.users RENAME TO people")
        with pytest.raises(
            QueryFailed, match=r'^The server says: relation "arxos_core.users" does not exist\.$'
        ):
            await users.page()
        operation = await users.deactivate_operation(user)
        with pytest.raises(QueryFailed, match=r'relation "arxos_core.users" does not exist\.$'):
            await users.deactivate(operation, user)
