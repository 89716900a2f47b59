"""What users' API keys cost with 100,000 users and 1,000,000 keys. Alone: `python -m tests.bench.accounts`."""

from __future__ import annotations

import asyncio
import re
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg

from console.clock import SYSTEM_CLOCK
from console.data.accounts.context import AccountsContext
from console.data.accounts.keys import Keys
from console.data.accounts.trail import TrailService
from console.data.audit import AuditFile
from console.data.audit_chain import AuditEntry, append
from console.data.server import Server
from console.models.api_keys import KeyFilter, KeyState
from console.settings import Settings, Timeouts
from tests.bench.contestants import CONSOLE, environment
from tests.bench.figures import Figure, table
from tests.bench.terminal import TimedTerminal
from tests.live import connected
from tests.platform_schema import Database, database
from tests.postgres import Clusters, PostgresCluster
from tests.terminal.emulator import Emulator

USERS, KEYS, PAGES, REVOKED, CHAIN = 100_000, 1_000_000, 200, 10_000, 100_000
MOST_PAGE = 5.0
"""Milliseconds of the server for a page."""
MOST_SEARCH = 20.0
MOST_UNTIL_SHOWN = 50.0
"""Milliseconds from a key to the page on the screen."""
MOST_REVOKE = 2000.0
MOST_VERIFY = 1000.0
MOST_MEMORY = 256.0
"""KiB that the process may hold more after 200 pages."""

LISTS = {
    "all": KeyFilter(),
    "active": KeyFilter(state=KeyState.ACTIVE),
    "revoked": KeyFilter(state=KeyState.REVOKED),
    "expired": KeyFilter(state=KeyState.EXPIRED),
    "switched off": KeyFilter(state=KeyState.INACTIVE),
    "expiring in 7 days": KeyFilter(expires_within=timedelta(days=7)),
    "never used": KeyFilter(never_used=True),
    "unused for 90 days": KeyFilter(unused_for=timedelta(days=90)),
    "admin": KeyFilter(admin=True),
    "never expiring": KeyFilter(never_expires=True),
    "active admin that never expires": KeyFilter(state=KeyState.ACTIVE, admin=True, never_expires=True),
}
SEARCHED = {
    "dbc_": "in all prefixes",
    "example": "in most e-mails",
    "pipeline": "in a tenth of the names",
    "pipeline 7": "in one of a hundred",
    "deploy 479": "in few names",
    "stolen laptop": "in one of a hundred names",
    "heirloom": "in the oldest names only",
    "production_a1b2": "in few prefixes",
    "ada.1f": "in few e-mails",
    "zzq": "in none",
    "nobody@nowhere": "in none",
}
_BELOW_ALL = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))
"""Where a list ends whose newest come first."""
_ABOVE_ALL = (None, UUID(int=2**128 - 1))
"""Where one ends whose earliest come first."""
_ROUNDS = 20
_BULKS = 3
_SETTINGS: dict[str, str | int] = {
    "shared_buffers": "1GB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
    "autovacuum": "off",
    "pg_stat_statements.track_planning": "on",
}

_USERS = """
INSERT INTO arxos_core.users (id, email, username, name, is_active, created_at)
SELECT md5('user' || n)::uuid,
       (ARRAY['ada','grace','linus','margaret','dennis','barbara','ken','frances'])[1 + n % 8] || '.' || substr(md5('mail' || n), 1, 8)
           || '@' || (ARRAY['example.com','example.org','nordwerk.example','kunde.example'])[1 + n % 4],
       'user' || n, 'User ' || n, n % 50 <> 0, now() - random() * interval '900 days'
  FROM generate_series(1, {users}) AS n
"""
_KEYS = """
INSERT INTO arxos_core.api_keys (user_id, key_hash, key_prefix, name, permissions, environment, is_active, expires_at,
                                 last_used_at, created_at, revoked_at)
SELECT md5('user' || 1 + (power(chance, 2) * ({users} - 1))::int)::uuid,
       encode(sha256(('key' || n)::bytea), 'hex'),
       'dbc_' || environment || '_' || substr(md5('prefix' || n), 1, 6),
       CASE WHEN n <= {revoked} THEN 'stolen laptop'
            ELSE (ARRAY['CI pipeline','Mobile app','Backup job','Dashboard','Data export','Sensor gateway','Partner API',
                        'Zapier','BIM sync','deploy'])[1 + n % 10] || ' ' || n % 1000 END,
       CASE WHEN n % 90 = 0 THEN '{{"admin": true}}'::jsonb
            ELSE jsonb_build_object('scopes', to_jsonb((ARRAY['objects','files','sync','users','orders'])[1:1 + n % 5])) END,
       environment,
       n <= {revoked} OR n % 10 NOT IN (3, 4) AND n % 50 <> 1,
       CASE WHEN n % 10 = 5 THEN NULL WHEN n % 10 = 6 THEN made + random() * (now() - made)
            ELSE now() + random() * interval '360 days' END,
       CASE WHEN n % 7 > 0 THEN made + random() * (now() - made) END,
       made,
       CASE WHEN n > {revoked} AND n % 10 IN (3, 4) THEN made + random() * (now() - made) END
  FROM (SELECT n, random() AS chance, now() - random() * interval '720 days' AS made,
               (ARRAY['production','production','staging','development'])[1 + n % 4] AS environment
          FROM generate_series(1, {keys}) AS n) AS key
"""
_OLDEST = """
UPDATE arxos_core.api_keys SET name = 'heirloom ' || id::text
 WHERE id IN (SELECT id FROM arxos_core.api_keys WHERE name <> 'stolen laptop' ORDER BY created_at LIMIT 5000)
"""
"""What is found at the far end of the list only."""
_AS_BEFORE = """
UPDATE arxos_core.api_keys SET is_active = true, revoked_at = NULL WHERE revoke_reason = 'stolen'
"""
_INDEXES = """
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
  FROM pg_index WHERE indrelid IN ('arxos_core.users'::regclass, 'arxos_core.api_keys'::regclass)
   AND indexrelid NOT IN (SELECT conindid FROM pg_constraint WHERE contype IN ('p', 'u', 'f', 'x'))
"""
_SPENT = """
SELECT coalesce(sum(total_exec_time + total_plan_time), 0)
  FROM pg_stat_statements WHERE query ~ 'arxos_core' AND query !~ 'pg_stat_statements'
"""


def accounts() -> list[Figure]:
    """Milliseconds of the server, planning included, and of the whole call where that is said."""
    clusters = Clusters()
    try:
        with clusters.make(18, settings=_SETTINGS) as cluster, tempfile.TemporaryDirectory() as home:
            return asyncio.run(_measure(cluster, Path(home)))
    finally:
        clusters.close()


async def _measure(cluster: PostgresCluster, home: Path) -> list[Figure]:
    async with database(cluster) as platform:
        await platform.upgrade("core@head")
        await fill(platform)
        settings = Settings(timeouts=Timeouts(statement=60))
        observer = await cluster.connect(database=platform.name)
        try:
            async with connected(platform.url, settings) as server:
                context = AccountsContext(server, settings, AuditFile(home / "audit.jsonl"), SYSTEM_CLOCK)
                bench = _Bench(Keys(context), observer)
                return [
                    *await asyncio.to_thread(_on_screen, platform.url, home),
                    *await bench.pages(),
                    *await bench.searches(),
                    *await bench.memory(),
                    *await bench.changes(),
                    *await _chain(server, TrailService(context), observer),
                ]
        finally:
            await observer.close()


async def fill(platform: Database) -> None:
    """Users and keys, with the indexes made after them."""
    connection = await platform.cluster.connect(platform.user, platform.name)
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        await connection.execute("SET synchronous_commit = off; SET session_replication_role = replica")
        await connection.execute("SELECT setseed(0.5)")
        indexes = await connection.fetch(_INDEXES)
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['name']}")
        await connection.execute(_USERS.format(users=USERS))
        await connection.execute(_KEYS.format(users=USERS, keys=KEYS, revoked=REVOKED))
        await connection.execute(_OLDEST)
        for index in indexes:
            await connection.execute(index["definition"])
        for name in ("users", "api_keys"):
            await connection.execute(f"VACUUM (ANALYZE) arxos_core.{name}")
    finally:
        await connection.close()


class _Bench:
    """The keys' service, and somebody who sees what it costs the server."""

    def __init__(self, keys: Keys, observer: asyncpg.Connection) -> None:
        self._keys = keys
        self._observer = observer

    async def pages(self) -> list[Figure]:
        """The first pages and the last ones of every kind of list."""
        figures = []
        for name, wanted in LISTS.items():
            for end, is_last in (("first", False), ("last", True)):
                spent, calls = await self._walk(wanted, is_last)
                what = f"{KEYS:,} keys, {name}: {end} {len(spent)} pages"
                figures.append(Figure(f"{what}, queries of the slowest", "ms", max(spent), limit=MOST_PAGE))
                figures.append(Figure(f"{what}, whole call, median", "ms", statistics.median(calls)))
        return figures

    async def _walk(self, wanted: KeyFilter, is_last: bool) -> tuple[list[float], list[float]]:
        """Milliseconds of the server for each page, and of the whole call.

        Of a page's three readings the fastest counts: the others tell what else the machine does.
        """
        spent, calls = [], []
        is_upwards = wanted.expires_within is not None or wanted.unused_for is not None
        after, before = None, (_ABOVE_ALL if is_upwards else _BELOW_ALL) if is_last else None
        for _ in range(PAGES):
            readings = []
            for _ in range(3):
                await self._forget()
                began = time.perf_counter()
                page = await self._keys.page(wanted, after=after, before=before)
                calls.append((time.perf_counter() - began) * 1000)
                readings.append(await self._spent())
            spent.append(min(readings))
            after, before = (None, page.before) if is_last else (page.after, None)
            if after is None and before is None:
                break
        return spent, calls

    async def searches(self) -> list[Figure]:
        """Words that are in all keys, in some, in few, in old ones only and in none."""
        figures = []
        for word, where in SEARCHED.items():
            readings, calls = [], []
            for _ in range(_ROUNDS):
                await self._forget()
                calls.append(await _time(self._keys.page(KeyFilter(search=word))))
                readings.append(await self._spent())
            what = f"{KEYS:,} keys, search for {word!r} ({where})"
            figures.append(Figure(f"{what}, queries", "ms", statistics.median(readings), limit=MOST_SEARCH))
            figures.append(Figure(f"{what}, whole call, median", "ms", statistics.median(calls)))
        return figures

    async def memory(self) -> list[Figure]:
        """What a list that is walked through leaves behind."""
        tracemalloc.start()
        page = await self._keys.page(KeyFilter())
        for number in range(PAGES):
            if number == PAGES // 10:
                before = tracemalloc.get_traced_memory()[0]
            page = await self._keys.page(KeyFilter(), after=page.after)
        grown = (tracemalloc.get_traced_memory()[0] - before) / 1024
        tracemalloc.stop()
        return [Figure(f"{KEYS:,} keys: memory more after {PAGES} pages than after {PAGES // 10}", "KiB", grown, limit=MOST_MEMORY)]  # fmt: skip

    async def changes(self) -> list[Figure]:
        """Revoking many, again and again, and looking for what is wrong."""
        looked, revoked = [], []
        for _ in range(_BULKS):
            await self._observer.execute(_AS_BEFORE)
            began = time.perf_counter()
            preview = await self._keys.bulk_revoke_operation(KeyFilter(search="stolen laptop"), "stolen")
            looked.append((time.perf_counter() - began) * 1000)
            revoked.append(await _time(self._keys.bulk_revoke(preview)))
        number = f"{len(preview.keys):,} keys"
        audited = await _time(self._keys.audit())
        return [
            Figure(f"bulk revoke of {number}: preview", "ms", min(looked)),
            Figure(f"bulk revoke of {number}: with its rows in the trail", "ms", min(revoked), limit=MOST_REVOKE),
            Figure(f"{KEYS:,} keys: audit", "ms", audited),
        ]  # fmt: skip

    async def _forget(self) -> None:
        await self._observer.execute("SELECT pg_stat_statements_reset()")

    async def _spent(self) -> float:
        """Milliseconds of the server since it was last forgotten, planning included."""
        spent: float = await self._observer.fetchval(_SPENT)
        return spent


async def _chain(server: Server, trail: TrailService, observer: asyncpg.Connection) -> list[Figure]:
    """Appending to the trail and verifying it."""
    entries = [
        AuditEntry(
            "api_key.use", resource_type="api_key", resource_id=UUID(int=number), details={"n": number}
        )
        for number in range(CHAIN // 10)
    ]
    taken = []
    for _ in range(10 - _BULKS):
        async with server.engine.connection() as connection, connection.begin():
            taken.append(await _time(append(connection, *entries)))
    await observer.execute("VACUUM (ANALYZE) arxos_core.audit_logs")
    checked = []
    for _ in range(3):
        checked.append(await _time(trail.verify()))
    state = await trail.verify()
    assert state.broken_at is None, state.sentence
    assert state.rows == CHAIN
    return [
        Figure(f"{len(entries):,} rows appended to the trail", "ms", statistics.median(taken)),
        Figure(f"chain of {state.rows:,} rows verified", "ms", statistics.median(checked), limit=MOST_VERIFY),
    ]


def _on_screen(url: str, home: Path) -> list[Figure]:
    """The console in a terminal: from the key that turns a page of keys to its rows."""
    with TimedTerminal(CONSOLE.command(url), environment(home)) as terminal:
        terminal.seen(lambda screen: re.search(r"every \S+ s$", screen.text.splitlines()[0]) is not None)
        terminal.send("5")
        terminal.seen(lambda screen: "@" in _line_about(screen))
        terminal.settle(0.5)
        terminal.send("i")
        terminal.seen(lambda screen: "dbc_" in _line_about(screen))
        taken = []
        for _ in range(_ROUNDS):
            terminal.settle(0.3)
            before = _line_about(terminal.screen)
            pressed = terminal.send(">")
            shown = terminal.seen(lambda screen, before=before: _line_about(screen) != before)  # type: ignore[misc]
            assert shown is not None, "the page was turned"
            taken.append((shown - pressed) * 1000)
        return [Figure(f"{KEYS:,} keys: key > → the next page, median", "ms", statistics.median(taken), limit=MOST_UNTIL_SHOWN)]  # fmt: skip


def _line_about(screen: Emulator) -> str:
    """The line above a list: how long it is, and from where to where the page goes."""
    lines = screen.text.splitlines()
    return next((line for line in lines[:7] if " · " in line and "…" in line), "")


async def _time(work: Awaitable[object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    await work
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    print(table(accounts()))
