"""The audit trail on real servers: searching it, attacks on its chain, and letting go of its old end."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from console.data import audit_chain
from console.data.accounts import chain
from console.data.accounts import trail as service
from console.data.accounts.context import AccountsContext
from console.data.accounts.trail import TrailService
from console.data.audit import AuditFile
from console.data.audit_chain import AuditEntry
from console.data.schema.core import audit_logs
from console.errors import BadInput, OperationRefused, QueryDenied
from console.models.accounts import ChainState, Retention, TrailFilter
from console.models.operation import Danger
from console.settings import Accounts, Settings
from tests.audit_trail import broken_rows, fill
from tests.live import SteppedClock, connected, until
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster

ROWS = 20
OLD = datetime(2020, 1, 1, tzinfo=UTC)

CLOUD_ASSIST = """
CREATE TABLE public.audit_logs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid,
    session_id uuid,
    action varchar(100) NOT NULL,
    resource_type varchar(100),
    resource_id uuid,
    details jsonb DEFAULT '{}',
    ip_address inet,
    user_agent text,
    timestamp timestamp with time zone DEFAULT CURRENT_TIMESTAMP
)
"""


@pytest.fixture
async def platform(postgres: PostgresCluster) -> AsyncIterator[Database]:
    """A database with a trail of `ROWS` rows, an hour apart, which are years old."""
    async with database(postgres) as found:
        await found.upgrade("core@head")
        await fill(found, ROWS, OLD)
        yield found


@pytest.fixture
async def older(postgres: PostgresCluster) -> AsyncIterator[Database]:
    """A database as an installation has it that came before the platform, with an empty trail."""
    async with database(postgres) as found:
        await found.run(CLOUD_ASSIST)
        yield found


@asynccontextmanager
async def trail_of(
    database: Database, file: Path | None = None, *, user: str | None = None, **settings: Any
) -> AsyncIterator[TrailService]:
    """The service as the screen has it."""
    made = Settings(**settings)
    url = database.cluster.url(user or database.user, database.name)
    with tempfile.TemporaryDirectory() as directory:
        audit = AuditFile(file or Path(directory) / "audit.jsonl")
        async with connected(url, made) as server:
            yield TrailService(AccountsContext(server, made, audit, SteppedClock()))


async def state_of(database: Database, expected_hash: str | None = None) -> ChainState:
    async with trail_of(database) as trail:
        return await trail.verify(expected_hash)


async def newest_hash(database: Database) -> str:
    async with trail_of(database) as trail:
        newest = await trail.newest()
    assert newest is not None
    assert newest.hash is not None
    return newest.hash


async def rehash(database: Database, sequence: int) -> None:
    """Gives a row the hash of what it says now, as somebody would who knows how."""
    row = audit_logs.c
    statement = audit_logs.update().where(row.sequence == sequence).values(hash=audit_chain.row_hash(row))

    def run(connection: Any) -> None:
        connection.execute(statement)
        connection.commit()

    await database.within(run)


async def append(database: Database, *entries: AuditEntry) -> None:
    """As any program of the platform does."""
    async with connected(database.url) as server, server.engine.connection() as connection:
        await audit_chain.append(connection, *entries)
        await connection.commit()


# Searching ----------------------------------------------------------------------------------------------------


async def test_pages_go_from_the_newest_row_to_the_oldest_and_back(platform: Database) -> None:
    async with trail_of(platform) as trail:
        pages = [await trail.page(TrailFilter(), size=8)]
        while pages[-1].after is not None:
            pages.append(await trail.page(TrailFilter(), after=pages[-1].after, size=8))
        shown = [entry.sequence for page in pages for entry in page.rows]
        assert shown == list(range(ROWS, 0, -1))
        assert [len(page.rows) for page in pages] == [8, 8, 4]
        assert (pages[0].before, pages[-1].after) == (None, None)
        assert pages[2].before is not None
        back = await trail.page(TrailFilter(), before=pages[2].before, size=8)
        assert back == pages[1]


async def test_an_entry_says_all_that_its_row_says(platform: Database) -> None:
    user, resource = uuid4(), uuid4()
    await platform.run("INSERT INTO arxos_core.users (id, email) VALUES ($1, 'a@example.com')", user)
    entry = AuditEntry("x", user, None, "thing", resource, {"by": "eve\n[b]@desk"}, "10.1.2.3", "curl")
    await append(platform, entry)
    async with trail_of(platform) as trail:
        (found, *_) = (await trail.page(TrailFilter(), size=1)).rows
    assert (found.sequence, found.action, found.resource_type) == (ROWS + 1, "x", "thing")
    assert (found.user_id, found.resource_id, found.ip_address) == (user, resource, "10.1.2.3")
    assert found.by == "eve\n[b]@desk"
    assert abs(found.at - datetime.now(UTC)) < timedelta(minutes=5)
    [row] = await platform.run(
        "SELECT hash, prev_hash FROM arxos_core.audit_logs ORDER BY sequence DESC LIMIT 1"
    )
    assert (found.hash, found.prev_hash) == tuple(row)


@pytest.mark.parametrize(
    ("wanted", "sequences"),
    [
        (TrailFilter(person="ADA"), range(19, 0, -2)),
        (TrailFilter(person="a@d"), range(19, 0, -2)),
        (TrailFilter(person="%"), []),
        (TrailFilter(action="api_key"), [n for n in range(ROWS, 0, -1) if n % 3 != 1]),
        (TrailFilter(action="api_key.revoke"), range(18, 0, -3)),
        (TrailFilter(action="API_KEY.R"), range(18, 0, -3)),
        (TrailFilter(action="key"), []),
        (TrailFilter(action="user", person="bob"), [16, 10, 4]),
        (TrailFilter(resource="user"), range(19, 0, -3)),
        (TrailFilter(resource="00000000-0000-4000-8000-000000000007"), [7]),
        (TrailFilter(resource="00000000-0000-4000-8000-000000009999"), []),
        (TrailFilter(since=OLD + timedelta(hours=17)), [20, 19, 18]),
        (TrailFilter(until=OLD + timedelta(hours=2)), [2, 1]),
        (TrailFilter(since=OLD + timedelta(hours=3), until=OLD + timedelta(hours=5), action="user"), [4]),
        (TrailFilter(person="'; DROP TABLE arxos_core.audit_logs; --"), []),
        (TrailFilter(action="x" * 10_000), []),
    ],
)  # fmt: skip
async def test_search(platform: Database, wanted: TrailFilter, sequences: Any) -> None:
    async with trail_of(platform) as trail:
        page = await trail.page(wanted)
    assert [entry.sequence for entry in page.rows] == list(sequences)


async def test_a_person_is_found_by_the_users_id_also_when_the_user_was_deleted(platform: Database) -> None:
    user = uuid4()
    await platform.run("INSERT INTO arxos_core.users (id, email) VALUES ($1, 'a@example.com')", user)
    await append(platform, AuditEntry("login", user))
    await platform.run("DELETE FROM arxos_core.users")
    async with trail_of(platform) as trail:
        (found,) = (await trail.page(TrailFilter(person=str(user)))).rows
    assert (found.action, found.user_id) == ("login", None)
    assert (await state_of(platform)).is_whole


async def test_more_actions_than_are_looked_for_one_by_one(platform: Database) -> None:
    await platform.run("""
        INSERT INTO arxos_core.audit_logs (sequence, hash, action)
        SELECT n, repeat('0', 64), 'GET /' || n FROM generate_series(1000, 1300) n""")
    async with trail_of(platform) as trail:
        page = await trail.page(TrailFilter(action="get /12"))
        assert [entry.action for entry in page.rows][:2] == ["GET /1299", "GET /1298"]
        assert len((await trail.page(TrailFilter(action="get /12"), size=500)).rows) == 100


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (TrailFilter(action="rare"), "idx_audit_action"),
        (TrailFilter(person=str(UUID(int=7))), "idx_audit_user_time"),
        (TrailFilter(resource=str(UUID(int=7))), "idx_audit_resource"),
        (TrailFilter(), "audit_logs_sequence_key"),
    ],
)
async def test_a_search_uses_the_indexes_that_exist(
    postgres: PostgresCluster, wanted: TrailFilter, index: str
) -> None:
    async with database(postgres) as found:
        await found.upgrade("core@head")
        await fill(found, 20_000, OLD, timedelta(minutes=1))
        await append(found, AuditEntry("rare"))
        await found.run("ANALYZE arxos_core.audit_logs")
        scans = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = $1"
        whole = "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'audit_logs'"
        [[scans_before]], [[whole_before]] = await found.run(scans, index), await found.run(whole)
        async with trail_of(found) as trail:
            await trail.page(wanted)

        async def is_counted() -> bool:
            return bool((await found.run(scans, index))[0][0] > scans_before)

        await until(is_counted)
        assert (await found.run(whole))[0][0] == whole_before, "nothing reads the whole table"


# Attacks on the chain -----------------------------------------------------------------------------------------


async def test_a_whole_chain(platform: Database) -> None:
    state = await state_of(platform)
    assert state.is_whole
    assert (state.rows, state.first_sequence, state.last_sequence, state.broken_at) == (ROWS, 1, ROWS, None)
    assert state.newest_hash == await newest_hash(platform)
    assert state.sentence == f"The chain is whole: {ROWS} rows from 1 on."
    assert state.expected_hash_found is None
    await append(platform, AuditEntry("a"), AuditEntry("b"))
    grown = await state_of(platform, state.newest_hash)
    assert (grown.rows, grown.is_whole, grown.expected_hash_found) == (ROWS + 2, True, True)


ATTACKS = {
    "content changed": (
        """UPDATE arxos_core.audit_logs SET details = '{"by": "eve@desk"}' WHERE sequence = 7""",
        7,
        "The chain breaks at row 7: it was changed after it was written, for its hash is not that of what it says.",
    ),
    "time changed": (
        "UPDATE arxos_core.audit_logs SET timestamp = timestamp + interval '1 microsecond' WHERE sequence = 20",
        20,
        "changed after it was written",
    ),
    "first row changed": ("UPDATE arxos_core.audit_logs SET action = 'b' WHERE sequence = 1", 1, "changed"),
    "hash changed": (
        "UPDATE arxos_core.audit_logs SET hash = repeat('a', 64) WHERE sequence = 7",
        7,
        "changed after it was written",
    ),
    "one removed": (
        "DELETE FROM arxos_core.audit_logs WHERE sequence = 7",
        8,
        "The chain breaks at row 8: row 7 is missing before it.",
    ),
    "several removed": (
        "DELETE FROM arxos_core.audit_logs WHERE sequence BETWEEN 7 AND 9",
        10,
        "The chain breaks at row 10: rows 7 to 9 are missing before it.",
    ),
    "old end removed": (
        "DELETE FROM arxos_core.audit_logs WHERE sequence < 5",
        5,
        "The chain breaks at row 5: what was before it is missing, and no row says that it was let go of.",
    ),
    "two swapped": (
        "UPDATE arxos_core.audit_logs a SET action = b.action, details = b.details, resource_id = b.resource_id,"
        " resource_type = b.resource_type, timestamp = b.timestamp FROM arxos_core.audit_logs b"
        " WHERE (a.sequence, b.sequence) IN ((7, 12), (12, 7))",
        7,
        "changed after it was written",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_attack_shows(platform: Database, attack: str) -> None:
    statement, broken_at, said = ATTACKS[attack]
    await platform.run(statement)
    state = await state_of(platform)
    assert (state.broken_at, state.is_whole) == (broken_at, False)
    assert said in state.sentence
    assert (await broken_rows(platform.url))[0] == broken_at


@pytest.mark.parametrize("piece", [1, 3, 19, 20, 21])
@pytest.mark.parametrize("attack", ["content changed", "several removed", "old end removed", "two swapped"])
async def test_an_attack_shows_wherever_a_piece_ends(
    platform: Database, attack: str, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "PIECE", piece)
    whole = await state_of(platform, await newest_hash(platform))
    assert (whole.is_whole, whole.rows, whole.expected_hash_found) == (True, ROWS, True)
    statement, broken_at, said = ATTACKS[attack]
    await platform.run(statement)
    state = await state_of(platform)
    assert state.broken_at == broken_at
    assert said in state.sentence


async def test_a_row_that_was_changed_and_hashed_anew_is_not_what_the_next_one_follows(
    platform: Database,
) -> None:
    await platform.run("UPDATE arxos_core.audit_logs SET action = 'nothing' WHERE sequence = 7")
    await rehash(platform, 7)
    state = await state_of(platform)
    assert state.broken_at == 8
    assert state.sentence == (
        "The chain breaks at row 8: it does not follow row 7 as that one is now, but one with another hash."
    )


async def test_a_number_that_is_there_twice(platform: Database) -> None:
    await platform.run("ALTER TABLE arxos_core.audit_logs DROP CONSTRAINT audit_logs_sequence_key")
    await platform.run("""
        INSERT INTO arxos_core.audit_logs (sequence, prev_hash, hash, timestamp, action, resource_type, resource_id,
          details) SELECT sequence, prev_hash, hash, timestamp, action, resource_type, resource_id, details
        FROM arxos_core.audit_logs WHERE sequence = 7""")
    state = await state_of(platform)
    assert state.broken_at == 7
    assert state.sentence == "The chain breaks at row 7: there are two of that number."


async def test_a_first_row_that_follows_another(platform: Database) -> None:
    await platform.run("UPDATE arxos_core.audit_logs SET prev_hash = repeat('a', 64) WHERE sequence = 1")
    await rehash(platform, 1)
    state = await state_of(platform)
    assert state.broken_at == 1
    assert "it says that it follows another row, and is the first" in state.sentence


async def test_only_a_kept_hash_tells_that_the_new_end_was_removed(platform: Database) -> None:
    kept = await newest_hash(platform)
    await platform.run("DELETE FROM arxos_core.audit_logs WHERE sequence > 15")
    assert (await state_of(platform)).is_whole, "nobody can tell"
    state = await state_of(platform, kept.upper() + "\n")
    assert (state.broken_at, state.expected_hash_found, state.is_whole) == (None, False, False)
    assert "rows were removed at its new end, or all of it was replaced" in state.sentence


async def test_only_a_kept_hash_tells_that_the_trail_was_emptied_or_replaced(platform: Database) -> None:
    kept = await newest_hash(platform)
    await platform.run("TRUNCATE arxos_core.audit_logs")
    emptied = await state_of(platform)
    assert (emptied.rows, emptied.newest_hash, emptied.first_sequence) == (0, None, None)
    assert emptied.sentence.startswith("The trail is empty")
    assert not (await state_of(platform, kept)).is_whole
    await fill(platform, ROWS, OLD + timedelta(hours=1))
    assert (await state_of(platform)).is_whole, "nobody can tell"
    assert not (await state_of(platform, kept)).is_whole


@pytest.mark.parametrize("word", ["", "abc", "g" * 64, "0" * 63, "0" * 65])
async def test_what_is_no_hash(platform: Database, word: str) -> None:
    with pytest.raises(BadInput, match="64 hexadecimal digits"):
        await state_of(platform, word)


async def test_what_is_appended_meanwhile_is_no_break(platform: Database) -> None:
    async with trail_of(platform) as trail:
        entries = [AuditEntry("a")] * 10

        async def append_one_by_one() -> None:
            for entry in entries:
                await append(platform, entry)

        appending = asyncio.create_task(append_one_by_one())
        states = [await trail.verify()]
        while not appending.done():
            states.append(await trail.verify())
        await appending
    assert all(state.is_whole for state in states)
    assert (await state_of(platform)).rows == ROWS + 10


# Letting go ---------------------------------------------------------------------------------------------------


async def let_go(database: Database, days: int, file: Path | None = None) -> Retention:
    async with trail_of(database, file, accounts=Accounts(audit_retention_days=days)) as trail:
        operation = await trail.retention_operation()
        outcome = await trail.retain(operation)
    assert outcome.done
    return operation


def today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


@pytest.fixture
async def daily(postgres: PostgresCluster) -> AsyncIterator[Database]:
    """A trail of 30 rows, one a day, the newest of which is half a day old."""
    async with database(postgres) as found:
        await found.upgrade("core@head")
        await fill(found, 30, datetime.now(UTC) - timedelta(days=29, hours=12), timedelta(days=1))
        yield found


async def test_the_old_end_goes_and_the_rest_can_still_be_verified(daily: Database, tmp_path: Path) -> None:
    kept = await newest_hash(daily)
    file = tmp_path / "audit.jsonl"
    operation = await let_go(daily, 20, file)
    assert (operation.rows, operation.through) == (10, 10)
    assert operation.statements == (
        "DELETE FROM arxos_core.audit_logs WHERE arxos_core.audit_logs.sequence <= 10",
    )
    assert operation.object_name == "arxos_core.audit_logs"
    assert operation.danger is Danger.DESTRUCTIVE
    assert operation.consequences[0].startswith("10 rows from 20")
    state = await state_of(daily, kept)
    assert (state.is_whole, state.first_sequence, state.last_sequence) == (True, 11, 31)
    [row] = await daily.run("SELECT * FROM arxos_core.audit_logs ORDER BY sequence DESC LIMIT 1")
    details = json.loads(row["details"])
    assert (row["action"], row["resource_type"]) == ("audit.retain", "audit_logs")
    assert (details["removed_through"], details["rows"], details["days"]) == (10, 10, 20)
    assert details["by"]
    assert operation.title in file.read_text()

    again = await let_go(daily, 5)
    assert (again.rows, again.through) == (15, 25)
    assert (await state_of(daily, kept)).is_whole
    assert (await state_of(daily, details["removed_hash"])).sentence.endswith("let go of on " + today() + ".")


async def test_the_newest_row_is_never_let_go_of(platform: Database) -> None:
    operation = await let_go(platform, 1)
    assert operation.rows == ROWS - 1
    state = await state_of(platform)
    assert (state.is_whole, state.first_sequence, state.rows) == (True, ROWS, 2)
    assert (await let_go(platform, 1)).rows == 1, "that row, now that another one follows it"
    assert (await state_of(platform)).is_whole
    assert (await let_go_error(platform, 1)).startswith("There is nothing to let go of")


async def let_go_error(database: Database, days: int) -> str:
    with pytest.raises(OperationRefused) as refused:
        await let_go(database, days)
    return refused.value.sentence


async def test_nothing_is_old_enough(daily: Database) -> None:
    assert await let_go_error(daily, 40) == (
        "There is nothing to let go of: no row of the trail is older than 40 days."
    )
    await daily.run("TRUNCATE arxos_core.audit_logs")
    assert "nothing to let go of" in await let_go_error(daily, 1)


async def test_a_time_that_is_wrong_in_the_middle_lets_nothing_newer_go(postgres: PostgresCluster) -> None:
    """A clock that went back: the row is as old as it says, and stands behind young ones."""
    async with database(postgres) as found:
        await found.upgrade("core@head")
        await append(found, AuditEntry("young"), AuditEntry("old"), AuditEntry("young"))
        await found.run("UPDATE arxos_core.audit_logs SET timestamp = '2020-01-01' WHERE sequence = 2")
        assert "nothing to let go of" in await let_go_error(found, 1)


@pytest.mark.parametrize("attack", ATTACKS)
async def test_nothing_is_let_go_of_that_would_hide_a_break(platform: Database, attack: str) -> None:
    await platform.run(ATTACKS[attack][0])
    [[rows]] = await platform.run("SELECT count(*) FROM arxos_core.audit_logs")
    said = await let_go_error(platform, 1)
    assert said.startswith(
        "Nothing was let go of, for that would hide what happened to the trail. The chain breaks"
    )
    assert [tuple(row) for row in await platform.run("SELECT count(*) FROM arxos_core.audit_logs")] == [
        (rows,)
    ]


async def test_rows_that_are_removed_after_a_retention_show(daily: Database) -> None:
    await let_go(daily, 20)
    await daily.run("DELETE FROM arxos_core.audit_logs WHERE sequence = 11")
    state = await state_of(daily)
    assert state.broken_at == 12
    assert state.sentence == (
        "The chain breaks at row 12: what was before it is missing, and only the rows through 10 were let go of as "
        "the trail says."
    )


async def test_the_row_that_the_oldest_one_follows_has_to_be_the_one_that_was_let_go_of(
    daily: Database,
) -> None:
    await let_go(daily, 20)
    await daily.run("UPDATE arxos_core.audit_logs SET prev_hash = repeat('a', 64) WHERE sequence = 11")
    await rehash(daily, 11)
    state = await state_of(daily)
    assert state.broken_at == 11
    assert "it does not follow row 10 as that one was when it was let go of" in state.sentence


FORGED = """
INSERT INTO arxos_core.audit_logs (sequence, prev_hash, hash, action, details)
SELECT max(sequence) + 1, (array_agg(hash ORDER BY sequence DESC))[1], repeat('f', 64), 'audit.retain',
       jsonb_build_object('removed_through', 4, 'removed_hash', (array_agg(prev_hash ORDER BY sequence))[1])
FROM arxos_core.audit_logs
"""


async def test_a_forged_row_about_a_retention_shows_by_its_own_hash(platform: Database) -> None:
    await platform.run("DELETE FROM arxos_core.audit_logs WHERE sequence < 5")
    await platform.run(FORGED)
    state = await state_of(platform)
    assert state.broken_at == ROWS + 1
    assert "changed after it was written" in state.sentence


async def test_a_row_about_a_retention_that_is_changed_into_shows(daily: Database) -> None:
    """The last retention's row is made to say more than was let go of."""
    await let_go(daily, 20)
    await daily.run("""
        UPDATE arxos_core.audit_logs a SET details = details || jsonb_build_object('removed_through', 15,
          'removed_hash', (SELECT hash FROM arxos_core.audit_logs WHERE sequence = 15))
        WHERE action = 'audit.retain'""")
    await daily.run("DELETE FROM arxos_core.audit_logs WHERE sequence <= 15")
    assert (await state_of(daily)).broken_at == 31
    await rehash(daily, 31)
    await append(daily, AuditEntry("a"))
    assert (await state_of(daily)).is_whole, (
        "who can compute hashes can forge the end: keep the newest hash elsewhere"
    )


@pytest.mark.parametrize("details", ["[]", '"x"', '{"removed_through": "4", "removed_hash": 5}', "null"])
async def test_a_row_about_a_retention_that_says_nothing_allows_nothing(
    platform: Database, details: str
) -> None:
    await append(platform, AuditEntry("audit.retain"))
    await platform.run(
        "UPDATE arxos_core.audit_logs SET details = $1::jsonb WHERE action = 'audit.retain'", details
    )
    await rehash(platform, ROWS + 1)
    assert (await state_of(platform)).is_whole
    await platform.run("DELETE FROM arxos_core.audit_logs WHERE sequence < 5")
    assert (await state_of(platform)).broken_at == 5
    async with trail_of(platform) as trail:
        assert (await trail.page(TrailFilter(), size=1)).rows[0].by == "–"


async def test_what_was_shown_goes_and_no_row_more(daily: Database) -> None:
    async with trail_of(daily, accounts=Accounts(audit_retention_days=20)) as trail:
        operation = await trail.retention_operation()
        await let_go(daily, 25)
        with pytest.raises(OperationRefused, match="changed meanwhile"):
            await trail.retain(operation)
    state = await state_of(daily)
    assert (state.is_whole, state.first_sequence) == (True, 6)


async def test_nobody_waits_while_rows_are_let_go_of(
    daily: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def appended_meanwhile(*arguments: Any) -> ChainState:
        await append(daily, AuditEntry("meanwhile"))
        return await chain.look_at_chain(*arguments)

    monkeypatch.setattr(service, "look_at_chain", appended_meanwhile)
    await let_go(daily, 20)
    monkeypatch.undo()
    state = await state_of(daily)
    assert (state.is_whole, state.first_sequence, state.last_sequence) == (True, 11, 32)


async def test_many_rows_go_statement_by_statement(daily: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "DELETED_AT_ONCE", 3)
    assert (await let_go(daily, 20)).rows == 10
    assert (await state_of(daily)).first_sequence == 11


async def test_where_nothing_may_be_changed_nothing_is_let_go_of(platform: Database) -> None:
    async with trail_of(platform) as trail:
        operation = await trail.retention_operation()
    async with trail_of(platform, read_only=True) as trail:
        for asked in (trail.retention_operation(), trail.retain(operation)):
            with pytest.raises(OperationRefused, match="--read-only"):
                await asked
    await platform.run("GRANT USAGE ON SCHEMA arxos_core TO plain")
    await platform.run("GRANT SELECT ON arxos_core.audit_logs TO plain")
    async with trail_of(platform, user="plain") as trail:
        with pytest.raises(QueryDenied):
            await trail.retain(await trail.retention_operation())
    assert (await state_of(platform)).rows == ROWS


# An installation that came before the platform ----------------------------------------------------------------


async def test_an_older_trail_is_searched_by_time_and_let_go_of(older: Database) -> None:
    await older.run("""
        INSERT INTO public.audit_logs (action, details, timestamp, ip_address)
        SELECT 'login', '{"by": "ada"}', now() - n * interval '1 day', '10.0.0.1' FROM generate_series(0, 19) n""")
    await older.run(
        "INSERT INTO public.audit_logs (action, details, timestamp) VALUES ('no time', NULL, NULL)"
    )
    async with trail_of(older, accounts=Accounts(audit_retention_days=10)) as trail:
        page = await trail.page(TrailFilter(), size=15)
        rest = await trail.page(TrailFilter(), after=page.after, size=15)
        entries = [*page.rows, *rest.rows]
        assert [entry.action for entry in entries] == ["login"] * 20 + ["no time"]
        assert entries[:20] == sorted(entries[:20], key=lambda entry: entry.at, reverse=True)
        assert (entries[0].sequence, entries[0].hash, entries[0].by) == (None, None, "ada")
        assert entries[20].details == {}
        assert len((await trail.page(TrailFilter(person="AD", action="log"))).rows) == 20

        state = await trail.verify()
        assert (state.is_chain, state.is_whole) == (False, False)
        assert "public.audit_logs are not chained" in state.sentence
        assert "core_0004" in state.sentence
        with pytest.raises(OperationRefused, match="not chained"):
            await trail.newest()

        operation = await trail.retention_operation()
        assert (operation.rows, operation.through) == (10, None)
        assert (await trail.retain(operation)).done
        newest = (await trail.page(TrailFilter(), size=1)).rows[0]
        assert (newest.action, newest.details["rows"]) == ("audit.retain", 10)
        assert len((await trail.page(TrailFilter(action="login"))).rows) == 10


async def test_where_there_is_no_trail_it_says_which_migration_brings_one(postgres: PostgresCluster) -> None:
    async with database(postgres) as found, trail_of(found) as trail:
        for asked in (
            trail.page(TrailFilter()),
            trail.verify(),
            trail.newest(),
            trail.retention_operation(),
        ):
            with pytest.raises(OperationRefused, match="core_0004"):
                await asked


async def test_every_version_of_postgresql(every_postgres: PostgresCluster) -> None:
    async with database(every_postgres) as found:
        await found.upgrade("core@head")
        await fill(found, 30, datetime.now(UTC) - timedelta(days=29, hours=12), timedelta(days=1))
        async with trail_of(found) as trail:
            assert len((await trail.page(TrailFilter(action="api_key", person="ada"))).rows) == 10
        await let_go(found, 20)
        assert (await state_of(found)).is_whole
