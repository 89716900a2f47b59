"""Making, rotating, extending and revoking API keys on real servers: what is done, what is told, what is refused."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from console.data.accounts import key_changes, key_rotation
from console.data.accounts.keys import Keys
from console.data.keys import NewKey, hash_of, is_well_formed, make_key
from console.errors import (
    BadInput,
    DbconsoleError,
    OperationRefused,
    OutcomeUnknown,
    QueryDenied,
    QueryFailed,
)
from console.models.accounts import BulkProgress
from console.models.api_keys import ApiKey, CreatedKey, KeyDraft, KeyFilter, KeyState
from console.settings import Settings
from tests.audit_trail import broken_rows
from tests.key_store import OLD_INSTALLATION, add_key, add_user, keys_of
from tests.live import PATIENT
from tests.platform_schema import Database, database
from tests.postgres import Clusters, PostgresCluster

DAY = timedelta(days=1)
HOSTILE = "[/foo][@click=app.bell]x[/] 'quoted' \"too\"; -- % \\ "


@pytest.fixture
async def platform(postgres: PostgresCluster) -> AsyncIterator[Database]:
    async with database(postgres) as found:
        await found.upgrade("core@head")
        yield found


def now() -> datetime:
    return datetime.now(UTC)


async def create(keys: Keys, draft: KeyDraft) -> CreatedKey:
    return await keys.create(await keys.create_operation(draft), draft)


async def rotate(keys: Keys, key: ApiKey, grace: timedelta) -> CreatedKey:
    return await keys.rotate(await keys.rotate_operation(key, grace), key, grace)


async def row_of(database: Database, key: UUID, schema: str = "arxos_core") -> dict[str, Any]:
    [row] = await database.run(f"SELECT * FROM {schema}.api_keys WHERE id = $1", key)  # noqa: S608
    return dict(row)


async def trail(database: Database) -> list[tuple[str, UUID, dict[str, Any]]]:
    rows = await database.run("SELECT * FROM arxos_core.audit_logs ORDER BY sequence")
    assert all(row["resource_type"] == "api_key" for row in rows)
    assert not await broken_rows(database.url)
    return [(row["action"], row["resource_id"], json.loads(row["details"])) for row in rows]


def recorded(home: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home / "audit.jsonl").read_text().splitlines()]


# Making ---------------------------------------------------------------------------------------------------------------


async def test_a_key_is_made_and_seen_once(platform: Database, tmp_path: Path) -> None:
    owner = await add_user(platform, "ops@example.com")
    draft = KeyDraft(owner, "ci-deploy", ("admin", "deploy", "deploy"), expires_at=now() + 90 * DAY)
    async with keys_of(platform, tmp_path, Settings(environment="staging")) as keys:
        operation = await keys.create_operation(draft)
        made = await keys.create(operation, draft)
    key = made.key.get_secret_value()
    assert is_well_formed(key)
    assert key.startswith("dbc_staging_")
    assert key not in repr(made)
    row = await row_of(platform, made.row.id)
    assert row["key_hash"] == hash_of(key)
    assert key.startswith(row["key_prefix"])
    assert json.loads(row["permissions"]) == {"admin": True, "scopes": ["deploy"]}
    assert (row["name"], row["environment"], row["user_id"]) == ("ci-deploy", "staging", owner)
    assert (row["expires_at"], row["is_active"]) == (draft.expires_at, True)
    assert row["created_by"]
    assert (made.row.owner, made.row.is_admin) == ("ops@example.com", True)

    assert operation.title == "Create the API key 'ci-deploy' of ops@example.com"
    assert operation.object_name == "ci-deploy"
    [statement] = operation.statements
    assert statement.startswith("INSERT INTO arxos_core.api_keys ")
    assert "(the SHA-256 of the new key)" in statement
    assert '"scopes": ["deploy"]' in statement
    assert "scopes: admin (everything); it" in operation.consequences[0]
    [(action, resource, details)] = await trail(platform)
    assert (action, resource) == ("api_key.create", made.row.id)
    assert details["after"]["permissions"] == {"admin": True, "scopes": ["deploy"]}
    assert details["role"] == "postgres"
    assert "@" in details["by"]
    [line] = recorded(tmp_path)
    assert (line["done"], line["outcome"]) == (
        True,
        f"The API key {made.row.prefix}… of ops@example.com was created.",
    )


async def test_whose_key_it_cannot_be(platform: Database, tmp_path: Path) -> None:
    gone = await add_user(platform, "gone@example.com", deleted_at="now()")
    off = await add_user(platform, "off@example.com", is_active=False)
    async with keys_of(platform, tmp_path) as keys:
        for owner, error, said in (
            (gone, OperationRefused, "gone@example.com is deactivated or deleted"),
            (off, OperationRefused, "off@example.com is deactivated or deleted"),
            (uuid4(), BadInput, "There is no user with the id"),
        ):
            with pytest.raises(error, match=said):
                await keys.create_operation(KeyDraft(owner, "x"))
        ada = await add_user(platform, "ada@example.com")
        draft = KeyDraft(ada, "x")
        operation = await keys.create_operation(draft)
        await platform.run("UPDATE arxos_core.users SET is_active = false")
        with pytest.raises(OperationRefused, match="is deactivated or deleted, and gets no key"):
            await keys.create(operation, draft)
    assert await platform.run("SELECT FROM arxos_core.api_keys") == []
    assert await trail(platform) == []
    assert [line["done"] for line in recorded(tmp_path)] == [False]


async def test_what_is_no_key(platform: Database, tmp_path: Path) -> None:
    owner = await add_user(platform, "ops@example.com")
    async with keys_of(platform, tmp_path) as keys:
        for draft, said in (
            (KeyDraft(owner, "x", expires_at=now() - DAY), "has passed"),
            (KeyDraft(owner, "x\x1b[31m"), r"'x\\x1b\[31m' is no name"),
            (KeyDraft(owner, "x" * 10_000), "1 to 255 printable characters"),
            (KeyDraft(owner, "x", permissions={"scopes": ["read", 7]}), "and 7 is none"),
            (KeyDraft(owner, "x", permissions='{"admin": true}'), "JSON object or a list"),
            (KeyDraft(owner, "x", ("re ad",)), "'re ad' is no scope"),
        ):
            with pytest.raises(BadInput, match=said):
                await keys.create_operation(draft)


async def test_names_and_json_are_data(platform: Database, tmp_path: Path) -> None:
    owner = await add_user(platform, "o'ps@example.com")
    document = {"scopes": ["a:b"], "note": f"{HOSTILE}\x1b\u202e", "deep": [{"x": None}]}
    draft = KeyDraft(owner, HOSTILE, permissions=document)
    async with keys_of(platform, tmp_path) as keys:
        made = await create(keys, draft)
        again = await rotate(keys, made.row, DAY)
        operation = await keys.revoke_operation([again.row], f"because {HOSTILE}")
        await keys.revoke(operation, [again.row], f"because {HOSTILE}")
    for key in (made, again):
        row = await row_of(platform, key.row.id)
        assert (row["name"], json.loads(row["permissions"])) == (HOSTILE.strip(), document)
    assert (await row_of(platform, again.row.id))["revoke_reason"] == f"because {HOSTILE.strip()}"
    assert len(await trail(platform)) == 4


# Nothing secret anywhere ----------------------------------------------------------------------------------------------


async def test_a_key_stands_nowhere_but_in_what_create_gives(
    clusters: Clusters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the server's log with every statement and parameter, nor in its statistics, the trail or a traceback."""
    made: list[NewKey] = []

    def remembered(environment: str | None) -> NewKey:
        made.append(make_key(environment))
        return made[-1]

    monkeypatch.setattr(key_changes, "make_key", remembered)
    monkeypatch.setattr(key_rotation, "make_key", remembered)
    settings: dict[str, str | int] = {
        "log_statement": "all",
        "log_min_duration_statement": 0,
        "log_parameter_max_length": -1,
        "log_parameter_max_length_on_error": -1,
        "log_error_verbosity": "verbose",
    }
    with clusters.make(settings=settings) as cluster:
        await cluster.run("CREATE EXTENSION pg_stat_statements")
        async with database(cluster) as platform:
            await platform.upgrade("core@head")
            owner = await add_user(platform, "ops@example.com")
            draft = KeyDraft(owner, "ci-deploy", ("deploy",))
            said: list[str] = []
            async with keys_of(platform, tmp_path) as keys:
                created = await create(keys, draft)
                rotated = await rotate(keys, created.row, DAY)
                verdict = await keys.verdict(created.key)
                assert verdict.state is KeyState.ACTIVE
                said += [repr(created), repr(rotated), str(verdict), str(created.key)]
                await platform.run(
                    "ALTER TABLE arxos_core.audit_logs ADD CHECK (action <> 'api_key.create') NOT VALID"
                )
                for attempt in (create(keys, draft), rotate(keys, rotated.row, DAY)):
                    with pytest.raises(QueryFailed) as caught:
                        await attempt
                    said.append(_with_variables(caught.value))
                await platform.run("ALTER TABLE arxos_core.api_keys RENAME TO elsewhere")
                with pytest.raises(QueryFailed) as caught:
                    await keys.verdict(created.key)
                said.append(_with_variables(caught.value))
                await platform.run("ALTER TABLE arxos_core.elsewhere RENAME TO api_keys")
            assert len(made) == 4
            assert "make_key" in said[-2] or "new = " in said[-2] or "NewKey" in said[-2], (
                "the variables are shown"
            )
            said.append(cluster.log)
            assert "ci-deploy" in cluster.log, "parameters are logged"
            said.append((tmp_path / "audit.jsonl").read_text())
            for table in ("arxos_core.audit_logs", "arxos_core.api_keys"):
                said += [str(row) for row in await platform.run(f"SELECT t::text FROM {table} t")]  # noqa: S608
            statistics = await cluster.run("SELECT query FROM pg_stat_statements")
            assert any("api_keys" in row["query"] for row in statistics)
            said += [row["query"] for row in statistics]
    for new in made:
        secret = new.key.get_secret_value().removeprefix(new.key_prefix)
        assert len(secret) == 30
        assert not any(secret in text for text in said)


def _with_variables(error: BaseException) -> str:
    """The traceback with all its causes and every function's variables, as Textual shows it."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


# Rotating -------------------------------------------------------------------------------------------------------------


async def test_rotating_with_a_grace_period(platform: Database, tmp_path: Path) -> None:
    owner = await add_user(platform, "ops@example.com")
    async with keys_of(platform, tmp_path) as keys:
        old = await create(
            keys, KeyDraft(owner, "ci", ("deploy",), expires_at=now() + 90 * DAY, environment="live")
        )
        operation = await keys.rotate_operation(old.row, 7 * DAY)
        new = await keys.rotate(operation, old.row, 7 * DAY)
    assert new.replaces is not None
    before, after = await row_of(platform, old.row.id), await row_of(platform, new.row.id)
    for name in ("user_id", "name", "permissions", "environment"):
        assert before[name] == after[name]
    assert before["key_hash"] != after["key_hash"] == hash_of(new.key.get_secret_value())
    assert before["replaced_by"] == new.row.id == new.replaces.replaced_by
    assert before["is_active"]
    assert abs(before["expires_at"] - (now() + 7 * DAY)) < timedelta(minutes=1)
    assert abs(after["expires_at"] - (now() + 90 * DAY)) < timedelta(minutes=1), "as long as the old one was"
    assert new.key.get_secret_value().startswith("dbc_live_")
    insert, update = operation.statements
    assert insert.startswith("INSERT INTO arxos_core.api_keys")
    assert "least(arxos_core.api_keys.expires_at, now() + " in update
    assert "(the id of the new key)" in update
    entries = [(action, resource) for action, resource, _ in await trail(platform)]
    assert entries == [
        ("api_key.create", old.row.id),
        ("api_key.create", new.row.id),
        ("api_key.rotate", old.row.id),
    ]


async def test_the_old_key_never_outlives_its_own_end(platform: Database, tmp_path: Path) -> None:
    owner = await add_user(platform, "ops@example.com")
    ending = await add_key(platform, owner, expires_at="now() + interval '1 hour'")
    endless = await add_key(platform, owner, permissions='{"admin": true}')
    async with keys_of(platform, tmp_path) as keys:
        key = await keys.get(ending)
        rotated = await rotate(keys, key, 7 * DAY)
        assert rotated.replaces is not None
        assert rotated.replaces.expires_at == key.expires_at
        rotated = await rotate(keys, await keys.get(endless), 7 * DAY)
        assert rotated.row.expires_at is None
        assert rotated.row.is_admin
        assert rotated.replaces is not None
        assert rotated.replaces.expires_at is not None


async def test_without_a_grace_period_the_old_key_ends_at_once(platform: Database, tmp_path: Path) -> None:
    owner = await add_user(platform, "ops@example.com")
    old = await add_key(platform, owner, name="ci")
    async with keys_of(platform, tmp_path) as keys:
        new = await rotate(keys, await keys.get(old), timedelta())
    row = await row_of(platform, old)
    assert (row["is_active"], row["revoke_reason"], row["replaced_by"]) == (False, "rotated", new.row.id)
    assert row["revoked_at"] is not None
    assert row["revoked_by"]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"expires_at": "now() - interval '1 s'"}, "is expired and cannot be rotated"),
        ({"is_active": False}, "is switched off and cannot be rotated"),
        ({"revoked_at": "now()"}, "is revoked and cannot be rotated"),
    ],
)
async def test_what_cannot_be_rotated(
    platform: Database, tmp_path: Path, columns: dict[str, Any], said: str
) -> None:
    owner = await add_user(platform, "ops@example.com")
    key_id = await add_key(platform, owner, **columns)
    async with keys_of(platform, tmp_path) as keys:
        key = await keys.get(key_id)
        with pytest.raises(OperationRefused, match=said):
            await keys.rotate_operation(key, DAY)
        for grace in (-DAY, 366 * DAY):
            with pytest.raises(BadInput, match="grace period"):
                await keys.rotate_operation(key, grace)
        other = await keys.get(await add_key(platform, owner))
        first = await rotate(keys, other, DAY)
        assert first.replaces is not None
        with pytest.raises(OperationRefused, match="was rotated already"):
            await keys.rotate_operation(first.replaces, DAY)
        with pytest.raises(OperationRefused, match="was rotated, and ends"):
            await keys.extend_operation(first.replaces, None)
        await platform.run("UPDATE arxos_core.users SET is_active = false")
        with pytest.raises(OperationRefused, match=r"owner of .* is deactivated"):
            await keys.rotate_operation(await keys.get(first.row.id), DAY)


@pytest.mark.parametrize("installation", ["platform", "old"])
async def test_two_rotate_at_once_and_one_wins(
    postgres: PostgresCluster, tmp_path: Path, installation: str
) -> None:
    schema = "arxos_core" if installation == "platform" else "public"
    async with database(postgres) as found:
        if installation == "platform":
            await found.upgrade("core@head")
        else:
            await _old_tables(found)
        owner = await add_user(found, "ops@example.com", schema)
        key_id = await add_key(found, owner, schema, name="ci", expires_at="now() + interval '1 hour'")
        patient = Settings(timeouts=PATIENT)
        async with keys_of(found, tmp_path, patient) as one, keys_of(found, tmp_path, patient) as other:
            key = await one.get(key_id)
            outcomes = await asyncio.gather(
                rotate(one, key, 7 * DAY), rotate(other, key, 7 * DAY), return_exceptions=True
            )
        [winner] = [outcome for outcome in outcomes if isinstance(outcome, CreatedKey)]
        [loser] = [outcome for outcome in outcomes if outcome is not winner]
        assert isinstance(loser, OperationRefused), loser
        assert "somebody else has just rotated" in loser.sentence or "was changed meanwhile" in loser.sentence
        assert len(await found.run(f"SELECT FROM {schema}.api_keys")) == 2


async def test_what_was_changed_meanwhile_is_left_alone(platform: Database, tmp_path: Path) -> None:
    owner = await add_user(platform, "ops@example.com")
    key_id = await add_key(platform, owner, expires_at="now() + interval '1 day'")
    async with keys_of(platform, tmp_path) as keys:
        key = await keys.get(key_id)
        for statement, said in (
            ("UPDATE arxos_core.api_keys SET permissions = '{\"admin\": true}'", "was changed meanwhile"),
            ("DELETE FROM arxos_core.api_keys", "is not there any more"),
        ):
            rotation = await keys.rotate_operation(key, DAY)
            extension = await keys.extend_operation(key, None)
            await platform.run(statement)
            with pytest.raises(OperationRefused, match=said):
                await keys.rotate(rotation, key, DAY)
            with pytest.raises(OperationRefused, match=said):
                await keys.extend(extension, key, None)
    assert await trail(platform) == []


async def test_that_a_key_was_used_meanwhile_is_no_change(platform: Database, tmp_path: Path) -> None:
    owner = await add_user(platform, "ops@example.com")
    key_id = await add_key(platform, owner)
    async with keys_of(platform, tmp_path) as keys:
        key = await keys.get(key_id)
        await platform.run("UPDATE arxos_core.api_keys SET last_used_at = now()")
        assert (await rotate(keys, key, DAY)).replaces is not None


# Extending ------------------------------------------------------------------------------------------------------------


async def test_extending(platform: Database, tmp_path: Path) -> None:
    owner = await add_user(platform, "ops@example.com")
    ended = await add_key(platform, owner, name="ci", expires_at="now() - interval '1 day'")
    later = now() + 30 * DAY
    async with keys_of(platform, tmp_path) as keys:
        key = await keys.get(ended)
        operation = await keys.extend_operation(key, later)
        assert operation.consequences[1] == "It has expired, and opens again what it opened."
        outcome = await keys.extend(operation, key, later)
        assert outcome.done
        key = await keys.get(ended)
        assert key.expires_at == later
        for wrong, error, said in (
            (now() - DAY, BadInput, "has passed"),
            (now() + DAY, BadInput, "is not earlier"),
            (datetime(2100, 1, 1), BadInput, "time zone"),
        ):
            with pytest.raises(error, match=said):
                await keys.extend_operation(key, wrong)
        await keys.extend(await keys.extend_operation(key, None), key, None)
        with pytest.raises(BadInput, match="never ends"):
            await keys.extend_operation(await keys.get(ended), later)
        revoked = await keys.get(await add_key(platform, owner, revoked_at="now()"))
        with pytest.raises(OperationRefused, match="is revoked and cannot be extended"):
            await keys.extend_operation(revoked, later)
    details = [details for _, _, details in await trail(platform)]
    assert details[0]["after"] == {"expires_at": later.isoformat()}
    assert details[1]["after"] == {"expires_at": None}


# Revoking -------------------------------------------------------------------------------------------------------------


async def test_revoking(platform: Database, tmp_path: Path) -> None:
    owner = await add_user(platform, "ops@example.com")
    ids = [await add_key(platform, owner, name=f"key {n}", key_prefix=f"dbc_x_{n}") for n in range(3)]
    async with keys_of(platform, tmp_path) as keys:
        several = [await keys.get(id_) for id_ in ids]
        one = await keys.revoke_operation(several[:1], "leaked")
        assert one.object_name == "dbc_x_0"
        assert one.consequences[-1] == "A revoked key cannot be brought back."
        assert one.consequences[0] == "dbc_x_0… 'key 0' of ops@example.com was never used."
        operation = await keys.revoke_operation(several, "leaked")
        assert operation.object_name == "3 keys"
        await keys.revoke(one, several[:1], "leaked")
        outcome = await keys.revoke(operation, several, "owner left")
        assert outcome.sentence == "2 API keys were revoked; 1 had been meanwhile."
        with pytest.raises(OperationRefused, match="revoked meanwhile"):
            await keys.revoke(operation, several, "owner left")
        with pytest.raises(OperationRefused, match="nothing to revoke"):
            await keys.revoke_operation([await keys.get(id_) for id_ in ids], "leaked")
        with pytest.raises(BadInput, match="is no reason"):
            await keys.revoke_operation(several, "x\x1b")
        for nothing in ("", "  "):
            with pytest.raises(BadInput, match="There is no reason"):
                await keys.revoke_operation(several, nothing)
            with pytest.raises(BadInput, match="There is no reason"):
                await keys.revoke(operation, several, nothing)
            with pytest.raises(BadInput, match="There is no reason"):
                await keys.bulk_revoke_operation(KeyFilter(), nothing)
    row = await row_of(platform, ids[0])
    assert (row["is_active"], row["revoke_reason"]) == (False, "leaked")
    assert row["revoked_by"]
    entries = await trail(platform)
    assert sorted(resource for _, resource, _ in entries) == sorted(ids)
    assert entries[0][2]["after"] == {"is_active": False, "reason": "leaked"}
    assert entries[0][2]["key_prefix"] == "dbc_x_0"
    assert [line["done"] for line in recorded(tmp_path)] == [True, True, False]


async def many(database: Database, number: int) -> list[UUID]:
    """Keys of two owners: two thirds and one third of them; every tenth was used."""
    owners = [await add_user(database, f"{name}@example.com") for name in ("most", "some")]
    await database.run(
        "INSERT INTO arxos_core.api_keys (user_id, key_hash, key_prefix, last_used_at)"
        " SELECT ($1::uuid[])[1 + (n % 3) / 2], encode(sha256(n::text::bytea), 'hex'), 'dbc_bulk_' || n,"
        "        CASE WHEN n % 10 = 0 THEN now() - n * interval '1 hour' END FROM generate_series(1, $2::int) AS n",
        owners,
        number,
    )
    return owners


async def test_revoking_in_bulk_what_a_filter_finds(platform: Database, tmp_path: Path) -> None:
    await many(platform, 2500)
    await add_key(platform, await add_user(platform, "other@example.com"))
    seen: list[BulkProgress] = []
    async with keys_of(platform, tmp_path) as keys:
        preview = await keys.bulk_revoke_operation(KeyFilter(search="dbc_bulk"), "the laptop was stolen")
        assert preview.operation.object_name == "2500 keys"
        assert preview.owners == (("most@example.com", 1667), ("some@example.com", 833))
        assert (preview.owner_count, preview.used_count, len(preview.keys)) == (2, 250, 2500)
        used = [key.last_used_at for key in preview.last_used if key.last_used_at]
        assert len(used) == 20
        assert used == sorted(used, reverse=True)
        assert preview.last_used[0].prefix == "dbc_bulk_10"
        assert "/* and 2497 more */" in preview.operation.statements[0]
        assert "2,500 keys of 2 owners" in preview.operation.consequences[0]
        outcome = await keys.bulk_revoke(preview, seen.append)
        assert outcome.sentence == "2,500 API keys were revoked."
        assert [step.done for step in seen] == [1000, 2000, 2500]
        assert {step.total for step in seen} == {2500}
        with pytest.raises(OperationRefused, match="nothing to revoke"):
            await keys.bulk_revoke_operation(KeyFilter(search="dbc_bulk"), "stolen")
    states = await platform.run(
        "SELECT is_active, revoke_reason, count(*) FROM arxos_core.api_keys GROUP BY 1, 2 ORDER BY 1"
    )
    assert [tuple(row) for row in states] == [(False, "the laptop was stolen", 2500), (True, None, 1)]
    assert len(await trail(platform)) == 2500, "a row for each, chained"
    assert len(recorded(tmp_path)) == 1


async def test_revoking_in_bulk_what_was_marked(platform: Database, tmp_path: Path) -> None:
    await many(platform, 5)
    ids = [row["id"] for row in await platform.run("SELECT id FROM arxos_core.api_keys LIMIT 3")]
    async with keys_of(platform, tmp_path) as keys:
        preview = await keys.bulk_revoke_operation([*ids, uuid4()], "stolen")
        assert sorted(preview.keys) == sorted(ids)
        await keys.bulk_revoke(preview)
        for nothing in ([], [uuid4()], KeyFilter(search="db")):
            with pytest.raises(OperationRefused, match="nothing to revoke"):
                await keys.bulk_revoke_operation(nothing, "stolen")
    assert len(await platform.run("SELECT FROM arxos_core.api_keys WHERE is_active")) == 2


async def test_a_bulk_that_is_cancelled_leaves_all_as_it_was(platform: Database, tmp_path: Path) -> None:
    await many(platform, 3000)
    async with keys_of(platform, tmp_path) as keys:
        preview = await keys.bulk_revoke_operation(KeyFilter(), "stolen")

        def cancel(progress: BulkProgress) -> None:
            if progress.done == 2000:
                task.cancel()

        task = asyncio.create_task(keys.bulk_revoke(preview, cancel))
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not await platform.run("SELECT FROM arxos_core.api_keys WHERE NOT is_active")
        assert await trail(platform) == []
        assert (await keys.bulk_revoke(preview)).done


# What is in the way ---------------------------------------------------------------------------------------------------


class Deaf:
    """Between the console and its server: it lets a COMMIT pass, waits until it is done, and loses the answer."""

    def __init__(self, cluster: PostgresCluster) -> None:
        self._cluster = cluster
        self.is_deaf = False

    async def __aenter__(self) -> Deaf:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection("127.0.0.1", self._cluster.port)
        is_committing = asyncio.Event()

        async def up() -> None:
            while data := await reader.read(65536):
                if self.is_deaf and b"COMMIT" in data:
                    is_committing.set()
                to_server.write(data)
            to_server.close()

        async def down() -> None:
            while data := await server.read(65536):
                if is_committing.is_set():
                    break
                writer.write(data)
            writer.close()

        await asyncio.gather(up(), down(), return_exceptions=True)
        to_server.close()


async def test_the_answer_to_the_commit_is_lost(platform: Database, tmp_path: Path) -> None:
    owner = await add_user(platform, "ops@example.com")
    draft = KeyDraft(owner, "ci")
    async with Deaf(platform.cluster) as between:
        url = platform.url.replace(str(platform.cluster.port), str(between.port))
        async with keys_of(platform, tmp_path, url=url) as keys:
            operation = await keys.create_operation(draft)
            between.is_deaf = True
            with pytest.raises(OutcomeUnknown, match="Look whether it is before you do it again"):
                await keys.create(operation, draft)
            between.is_deaf = False
            [key] = (await keys.page(KeyFilter(user_id=owner))).rows
            assert key.name == "ci", "it was made after all, which the list shows"
    assert len(await trail(platform)) == 1
    [line] = recorded(tmp_path)
    assert line["done"] is False
    assert "Look whether it is" in line["outcome"]


async def every_change(keys: Keys, key: ApiKey) -> Sequence[BaseException | None]:
    """What each change of a key comes to."""
    draft = KeyDraft(key.user_id, "x")
    later = now() + 30 * DAY
    attempts: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: create(keys, draft),
        lambda: rotate(keys, key, DAY),
        lambda: _extended(keys, key, later),
        lambda: _revoked(keys, key),
    )
    outcomes: list[BaseException | None] = []
    for attempt in attempts:
        try:
            await attempt()
        except DbconsoleError as error:
            outcomes.append(error)
        else:
            outcomes.append(None)
    return outcomes


async def _extended(keys: Keys, key: ApiKey, later: datetime) -> object:
    return await keys.extend(await keys.extend_operation(key, later), key, later)


async def _revoked(keys: Keys, key: ApiKey) -> object:
    return await keys.bulk_revoke(await keys.bulk_revoke_operation([key.id], "stolen"))


async def test_where_nothing_may_be_changed(platform: Database, tmp_path: Path) -> None:
    owner = await add_user(platform, "ops@example.com")
    key_id = await add_key(platform, owner, expires_at="now() + interval '1 day'")
    await platform.run("GRANT USAGE ON SCHEMA arxos_core TO plain")
    await platform.run("GRANT SELECT ON ALL TABLES IN SCHEMA arxos_core TO plain")
    async with keys_of(platform, tmp_path, Settings(read_only=True)) as keys:
        for error in await every_change(keys, await keys.get(key_id)):
            assert isinstance(error, OperationRefused)
            assert "--read-only" in error.sentence
    async with keys_of(platform, tmp_path, user="plain") as keys:
        for error in await every_change(keys, await keys.get(key_id)):
            assert isinstance(error, QueryDenied)
            assert "permission denied for table api_keys" in error.sentence
    assert len(await platform.run("SELECT FROM arxos_core.api_keys WHERE is_active")) == 1
    assert await trail(platform) == []


async def test_a_standby_changes_nothing(clusters: Clusters, tmp_path: Path) -> None:
    with clusters.make() as cluster:
        platform = Database(cluster, "postgres", "postgres")
        await platform.upgrade("core@head")
        owner = await add_user(platform, "ops@example.com")
        key_id = await add_key(platform, owner, expires_at="now() + interval '1 day'")
        cluster.stop()
        (cluster.data / "standby.signal").touch()
        cluster.start()
        async with keys_of(platform, tmp_path) as keys:
            for error in await every_change(keys, await keys.get(key_id)):
                assert isinstance(error, OperationRefused)
                assert "standby" in error.sentence


async def test_without_a_table_or_a_column(postgres: PostgresCluster, tmp_path: Path) -> None:
    async with database(postgres) as empty:
        async with keys_of(empty, tmp_path) as keys:
            for wanted in (
                keys.create_operation(KeyDraft(uuid4(), "x")),
                keys.bulk_revoke_operation(KeyFilter(), "stolen"),
            ):
                with pytest.raises(OperationRefused, match="There is no table"):
                    await wanted
        await empty.run("CREATE TABLE users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text)")
        await empty.run("CREATE TABLE api_keys (id uuid PRIMARY KEY, user_id uuid, key_hash text)")
        owner = await add_user(empty, "a@b.org", "public")
        async with keys_of(empty, tmp_path) as keys:
            with pytest.raises(OperationRefused, match="has no column permissions"):
                await keys.create_operation(KeyDraft(owner, "x", ("read",)))
            with pytest.raises(OperationRefused, match="has no column expires_at"):
                await keys.create_operation(KeyDraft(owner, "x", expires_at=now() + DAY))
            made = await create(keys, KeyDraft(owner, "x"))
            with pytest.raises(OperationRefused, match="has no column expires_at"):
                await keys.rotate_operation(made.row, DAY)
            with pytest.raises(OperationRefused, match="has no column is_active"):
                await keys.revoke_operation([made.row], "leaked")


async def _old_tables(database: Database) -> None:
    for statement in OLD_INSTALLATION.split(";\n"):
        if statement.strip():
            await database.run(statement)


async def test_an_installation_that_came_before(postgres: PostgresCluster, tmp_path: Path) -> None:
    """Without the optional columns and without a trail: the local audit file is what is written."""
    async with database(postgres) as old:
        await _old_tables(old)
        owner = await add_user(old, "ops@example.com", "public")
        async with keys_of(old, tmp_path) as keys:
            made = await create(keys, KeyDraft(owner, "ci", ("read",), expires_at=now() + 10 * DAY))
            assert (await keys.verdict(made.key)).state is KeyState.ACTIVE
            assert (made.row.prefix, made.row.environment) == (None, None)
            rotated = await rotate(keys, made.row, DAY)
            assert rotated.replaces is not None
            assert rotated.replaces.expires_at is not None
            assert abs(rotated.replaces.expires_at - now() - DAY) < timedelta(minutes=1)
            assert rotated.row.expires_at is not None
            assert abs(rotated.row.expires_at - now() - 10 * DAY) < timedelta(minutes=1)
            await _extended(keys, rotated.row, now() + 20 * DAY)
            key = await keys.get(rotated.row.id)
            operation = await keys.revoke_operation([key], "found in a log")
            assert not any("cannot be brought back" in said for said in operation.consequences)
            assert operation.consequences[-1].startswith("It is only switched off: ")
            assert operation.consequences[-1].endswith("of this machine alone: found in a log")
            outcome = await keys.revoke(operation, [key], "found in a log")
            assert outcome.sentence.startswith(
                "1 API key was switched off. The reason is kept in the audit file"
            )
            assert (await keys.get(rotated.row.id)).state(now()) is KeyState.INACTIVE
        assert [line["done"] for line in recorded(tmp_path)] == [True] * 4
        assert "found in a log" in recorded(tmp_path)[-1]["outcome"], "it is kept where it is said to be"
