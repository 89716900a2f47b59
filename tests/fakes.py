"""A console without a server: the real app on services that answer from memory, while time stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import sin
from typing import Any, Generic, TypeVar

from console.app import ConsoleApp
from console.clock import Clock
from console.credentials.passwords import Passwords
from console.data.blocking import summary, trees
from console.data.services import Services
from console.models.accounts import Tables
from console.models.activity import (
    ActivitySnapshot,
    HeldLock,
    Session,
    SessionDetail,
    SessionKey,
    SessionState,
    StateCounts,
)
from console.models.environments import Destination
from console.models.health import Vitals
from console.models.migrations import MigrationStatus
from console.models.operation import Danger, Operation, Outcome
from console.models.pools import ConnectionGroup, ConsolePool, DatabaseActivity, Grouping, PoolsSnapshot, Wait
from console.models.reading import Point, Reading
from console.models.server import Capabilities, Cost, Link, LinkState
from console.models.statements import Extension
from console.models.target import Target
from console.models.waits import WaitsSnapshot
from console.settings import Settings
from tests.fake_accounts import FakeAccounts, accounts_snapshot
from tests.fake_migrations import FakeMigrations, migration_status
from tests.fake_plans import FakePlans
from tests.fake_roles import FakeRoles
from tests.fake_spatial import FakeMapLine, FakeSpatial, spatial_snapshot
from tests.fake_statements import READY, FakeStatements, statements_snapshot

S = TypeVar("S")

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
MONOTONIC = 1000.0
TARGET = Target("db1", 5432, "dba", "shop")
LIVE = Link(LinkState.LIVE, NOW)
LOST = Link(
    LinkState.LOST,
    NOW,
    "db1:5432 refused the connection; is PostgreSQL running there, on that port?",
    retry_at=MONOTONIC + 4,
    attempts=3,
)
REFUSED = Link(
    LinkState.REFUSED,
    NOW,
    "db1:5432 refused the password of role 'dba' from the keyring; give the right one in PGPASSWORD or ~/.pgpass, "
    "or store it with dbconsole login.",
    attempts=1,
)
CAPABILITIES = Capabilities(
    version_number=180006,
    version="18.6",
    role="dba",
    backend_pid=4242,
    is_superuser=False,
    sees_all_sessions=True,
    may_signal=True,
    may_read_log=False,
    extensions=frozenset({"pg_stat_statements"}),
    in_recovery=False,
    max_connections=200,
    superuser_reserved=3,
    reserved=0,
    started_at=NOW - timedelta(days=12),
)


class StoppedClock(Clock):
    """It is three in the morning, and stays so."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return MONOTONIC


class FakeFeed(Generic[S]):
    """Hands out the readings that a test gives it."""

    def __init__(self, reading: Reading[S]) -> None:
        self.reading = reading
        self.asked = 0
        """How often somebody wanted a sample at once."""
        self._watchers: list[Callable[[Reading[S]], None]] = []

    @property
    def is_watched(self) -> bool:
        """Whether a screen looks at it."""
        return bool(self._watchers)

    def give(self, **changes: Any) -> None:
        """Hands out a reading that differs in these fields."""
        self.reading = replace(self.reading, **changes)
        for watcher in list(self._watchers):
            watcher(self.reading)

    def watch(self, watcher: Callable[[Reading[S]], None]) -> Callable[[], None]:
        self._watchers.append(watcher)
        watcher(self.reading)
        return lambda: self._watchers.remove(watcher)

    def sample_now(self) -> None:
        self.asked += 1

    @property
    def paused(self) -> bool:
        return self.reading.paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self.give(paused=paused)

    @property
    def interval(self) -> float:
        return self.reading.interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        self.give(interval=seconds)

    async def close(self) -> None:
        self._watchers.clear()


class FakeServer:
    """A server as the screens see it."""

    def __init__(self, link: Link = LIVE) -> None:
        self.link = link
        self.target = TARGET
        self.passwords = Passwords()
        self.capabilities = None if link.state is LinkState.REFUSED else CAPABILITIES
        self.cost = Cost(1, 41.0)
        self.missing_right = "GRANT pg_monitor TO dba shows it."
        self.tries = 0
        """How often somebody wanted to connect at once."""

    def on_link_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        return lambda: None

    async def keep_connected(self) -> None:
        await asyncio.Event().wait()

    def try_now(self) -> None:
        self.tries += 1

    async def close(self) -> None:
        pass


class FakeActivity:
    """Knows every session's detail and stops what it is told to."""

    def __init__(self) -> None:
        self.with_idle = False
        self.stopped: list[tuple[int, bool]] = []
        """Pids with whether they were to be terminated."""
        self.sentence = "terminated"

    async def detail(self, session: Session, snapshot: ActivitySnapshot) -> SessionDetail | None:
        locks = (
            HeldLock("RowExclusiveLock", True, "relation", "public.orders", 1),
            HeldLock("RowExclusiveLock", True, "relation", "public.orders_pkey", 2),
            HeldLock("ShareLock", not session.blocked_by, "transactionid", "transaction 48113", 1),
        )
        waiters = tuple(other.pid for other in snapshot.sessions if session.pid in other.blocked_by)
        query = f"{session.query}\n   AND state <> 'shipped' -- [b]not markup[/]\nRETURNING id"
        return SessionDetail(session, query, 8614407856940471875, locks, waiters)

    async def stop_operation(
        self, sessions: Sequence[Session], snapshot: ActivitySnapshot, *, terminate: bool
    ) -> Operation:
        pid = sessions[0].pid
        return Operation(
            title=f"Terminate session {pid}" if terminate else f"Cancel the query of session {pid}",
            action="Terminate" if terminate else "Stop query",
            object_name=f"pid {pid}",
            statements=(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity\n WHERE pid = {pid} "  # noqa: S608
                "AND backend_start = '2026-03-01 02:19:00.123456+00:00'",
            ),
            consequences=(
                f"pid {pid} (app, shop-worker): its transaction, open for 2 min 11 s, will be rolled back.",
                f"pid {pid} (app, shop-worker) holds RowExclusiveLock on public.orders.",
                f"pid {pid}: 4 wait behind it, the longest for 1 min 58 s.",
            ),
            danger=Danger.DESTRUCTIVE if terminate else Danger.NOTICEABLE,
        )

    async def stop(
        self, operation: Operation, sessions: Sequence[Session], *, terminate: bool
    ) -> tuple[Outcome, ...]:
        self.stopped += [(session.pid, terminate) for session in sessions]
        return tuple(
            Outcome(f"pid {session.pid}", True, f"pid {session.pid}: {self.sentence}.")
            for session in sessions
        )


class FakeConsole(ConsoleApp):
    """The console on fakes; `link` and `problem` say how things stand, `empty` that nothing was seen yet."""

    def __init__(
        self,
        *,
        settings: Settings | None = None,
        link: Link = LIVE,
        problem: str | None = None,
        age: float = 0.0,
        empty: bool = False,
        quiet: bool = False,
        migrations: MigrationStatus | None = None,
        extension: Extension = READY,
        waits: WaitsSnapshot | None = None,
        tables: Tables | None = None,
        servers: Sequence[Destination] = (),
        is_open: bool = True,
    ) -> None:
        """`age` is that of the data, in seconds; `quiet` is a server on which nobody does anything.

        `servers` can be gone to, as they have to be first where none `is_open`.
        """
        self.server = FakeServer(link)
        self.activity = FakeActivity()
        self.migrations = FakeMigrations()
        self.plans = FakePlans()
        self.statements = FakeStatements()
        self.accounts = FakeAccounts()
        self.roles = FakeRoles()
        self.spatial = FakeSpatial()
        taken = None if empty else NOW - timedelta(seconds=age)

        def reading(snapshot: Any, history: tuple[Point, ...] = ()) -> Reading[Any]:
            return Reading(None if empty else snapshot, taken, link, 2.0, history, problem)

        sessions = () if quiet else SESSIONS
        self.pools_feed = FakeFeed(reading(pools_snapshot(sessions), () if empty else _history()))
        self.activity_feed = FakeFeed(reading(activity_snapshot(sessions)))
        self.migrations_feed = FakeFeed(reading(migrations or migration_status()))
        vitals = activity_snapshot(sessions).vitals
        self.statements_feed = FakeFeed(reading(statements_snapshot(extension, vitals)))
        self.accounts_feed = FakeFeed(reading(accounts_snapshot(tables, vitals)))
        self.spatial_feed = FakeFeed(reading(spatial_snapshot(vitals)))
        self.waits_feed = FakeFeed(reading(waits or WaitsSnapshot(NOW, 0.3, (), {}, 0)))
        settings = settings or Settings(theme="dark", environment="development")
        fakes: dict[str, Any] = {
            "server": self.server,
            "pools": None,
            "activity": self.activity,
            "pools_feed": self.pools_feed,
            "activity_feed": self.activity_feed,
            "migrations_feed": self.migrations_feed,
            "find_migrations": lambda: self.migrations,
            "find_plans": lambda: self.plans,
            "statements_feed": self.statements_feed,
            "waits_feed": self.waits_feed,
            "find_statements": lambda: self.statements,
            "find_waits": lambda: None,
            "accounts_feed": self.accounts_feed,
            "find_accounts": lambda: self.accounts,
            "find_roles": lambda: self.roles,
            "spatial_feed": self.spatial_feed,
            "map_line": FakeMapLine(),
            "find_spatial": lambda: self.spatial,
        }
        services = Services(settings, settings.thresholds, **fakes)
        super().__init__(
            (lambda _complain: services) if is_open else None,
            servers=lambda: servers,
            theme=settings.theme,
            screen=settings.screen,
            clock=StoppedClock(),
        )


def session(
    pid: int,
    state: SessionState = SessionState.ACTIVE,
    query: str = "SELECT * FROM cart WHERE user_id = $1",
    **changes: Any,
) -> Session:
    """A client's session that began 41 minutes ago; `changes` are other fields of `Session`."""
    idle = state is not SessionState.ACTIVE
    return replace(
        Session(
            key=SessionKey(pid, NOW - timedelta(minutes=41)),
            database="shop",
            user="app",
            application="shop-web",
            client="10.0.0.7",
            backend_type="client backend",
            is_client=True,
            state=state,
            wait_event_type="Client" if idle else None,
            wait_event="ClientRead" if idle else None,
            connection_age=2460.0,
            transaction_age=None if state is SessionState.IDLE else 0.2,
            query_age=0.2,
            state_age=0.2,
            wait_age=None,
            blocked_by=(),
            blocks=0,
            query=query,
            is_hidden=False,
        ),
        **changes,
    )


def _waiter(pid: int, behind: int, seconds: float, blocks: int = 0) -> Session:
    return session(
        pid,
        query="UPDATE orders SET state = $1 WHERE id = $2",
        wait_event_type="Lock",
        wait_event="transactionid",
        transaction_age=seconds,
        query_age=seconds,
        state_age=seconds,
        wait_age=seconds,
        blocked_by=(behind,),
        blocks=blocks,
    )


SESSIONS = (
    session(
        8123,
        SessionState.IDLE_IN_TRANSACTION,
        "UPDATE orders SET state = $1 WHERE id = $2",
        application="shop-worker",
        transaction_age=131.0,
        query_age=129.0,
        state_age=129.0,
        blocks=3,
    ),
    _waiter(8410, 8123, 118.0, blocks=1),
    _waiter(8411, 8123, 100.0),
    _waiter(8433, 8123, 12.0),
    _waiter(8502, 8410, 31.0),
    session(9001),
    session(9002, query="SELECT name FROM 商品 WHERE ナメ = '漢字' -- 😀 [red]not red[/]", query_age=1.4),
    session(
        9003,
        query="SELECT count(*) FROM events\n WHERE at > now() - interval '1 day' -- \x1b]0;title\x07",
        application="reports",
        user="report",
        wait_event_type="IO",
        wait_event="DataFileRead",
        transaction_age=14.0,
        query_age=14.0,
        state_age=14.0,
    ),
    *(
        session(9100 + n, SessionState.IDLE, "COMMIT", query_age=60.0 * n + 4, state_age=60.0 * n + 3)
        for n in range(18)
    ),
    session(
        301,
        SessionState.UNKNOWN,
        "",
        is_client=False,
        user=None,
        database=None,
        application="",
        client="",
        backend_type="walwriter",
        wait_event_type="Activity",
        wait_event="WalWriterMain",
        transaction_age=None,
        query_age=None,
        state_age=None,
    ),
)


def activity_snapshot(sessions: Sequence[Session] = SESSIONS) -> ActivitySnapshot:
    """The sessions with their counts, their tree and what is wrong."""
    clients = [one for one in sessions if one.is_client]
    waiting = [one for one in clients if one.blocked_by]
    blocking = trees(
        {one.pid: one.blocked_by for one in waiting},
        {one.pid: one.wait_age for one in waiting},
        {one.pid: one for one in sessions},
    )
    return ActivitySnapshot(
        at=NOW,
        server_ms=1.2,
        sessions=tuple(sessions),
        counts=StateCounts(
            active=sum(one.state is SessionState.ACTIVE for one in clients) - len(waiting),
            idle=sum(one.state is SessionState.IDLE for one in clients),
            in_transaction=sum(one.in_transaction for one in clients),
            waiting=len(waiting),
        ),
        blocking=blocking,
        vitals=Vitals(
            connections=len(clients) + 1,
            max_connections=200,
            longest_query=118.0 if waiting else None,
            longest_query_pid=8410 if waiting else None,
            blocking=summary(blocking),
            failed_connections_per_minute=0.0,
        ),
    )


def _group(
    name: str,
    active: int,
    idle: int,
    in_transaction: int,
    waiting: int,
    hours: float,
    *waits: tuple[str, int],
) -> ConnectionGroup:
    counts = StateCounts(active, idle, in_transaction, waiting)
    return ConnectionGroup(
        name, counts, hours * 3600, 131.0 if in_transaction else None, tuple(Wait(*wait) for wait in waits)
    )


_APPLICATIONS = (
    _group("shop-web", 22, 66, 4, 4, 0.7, ("ClientRead", 70), ("transactionid", 4)),
    _group("shop-worker", 9, 36, 3, 0, 2.1, ("ClientRead", 39), ("WALWrite", 1)),
    _group("reports", 0, 9, 5, 0, 6.4, ("ClientRead", 14)),
    _group("", 0, 3, 0, 0, 26.0, ("ClientRead", 3)),
)
_QUIET = (_group("shop-web", 0, 2, 0, 0, 0.7, ("ClientRead", 2)),)


def pools_snapshot(sessions: Sequence[Session] = SESSIONS) -> PoolsSnapshot:
    """Connections piling up in one application, and two databases."""
    groups = _APPLICATIONS if sessions else _QUIET
    total = StateCounts(
        active=sum(group.counts.active for group in groups),
        idle=sum(group.counts.idle for group in groups),
        in_transaction=sum(group.counts.in_transaction for group in groups),
        waiting=sum(group.counts.waiting for group in groups),
    )
    renamed = {
        Grouping.APPLICATION: ("shop-web", "shop-worker", "reports", ""),
        Grouping.USER: ("app", "worker", "report", "backup"),
        Grouping.DATABASE: ("shop", "events", "postgres", "template1"),
        Grouping.CLIENT: ("10.0.0.7", "10.0.0.8", "local", "2001:db8::17"),
    }
    return PoolsSnapshot(
        at=NOW,
        server_ms=1.1,
        counts=total,
        superuser_reserved=3,
        reserved=0,
        groups={
            grouping: tuple(replace(group, name=name) for group, name in zip(groups, names, strict=False))
            for grouping, names in renamed.items()
        },
        databases=(
            DatabaseActivity("shop", 1204.0, 3.6, 0.992, 48_100.0, 910.0, 0.0, 12, 0, 0, 44_239_000_000),
            DatabaseActivity(
                "events", 88.0, 0.0, 0.871, 1_204_000.0, 88.0, 2_400_000.0, 480, 2, 0, 9_100_000
            ),
        ),
        console_pool=ConsolePool(3, 1, 1, 0, 0, 0.0, 0, 0, 0),
        vitals=replace(
            activity_snapshot(sessions).vitals,
            connections=total.total + 1,
            longest_query=0.4 if not sessions else 118.0,
        ),
    )


def _history() -> tuple[Point, ...]:
    return tuple(
        Point(
            NOW - timedelta(seconds=2 * (449 - index)),
            {
                "total": 120 + 40 * sin(index / 40),
                "active": 30 + 12 * sin(index / 15),
                "in tx": 8 + 4 * sin(index / 60),
                "wait": 4.0 if index > 400 else 0.0,
                "commits": 1200 + 300 * sin(index / 25),
            },
        )
        for index in range(450)
    )
