"""Sessions: who is doing what, and who is in the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from console.models.health import Vitals


class SessionState(Enum):
    """`pg_stat_activity.state`, in the words that the console shows."""

    ACTIVE = "active"
    IDLE = "idle"
    IDLE_IN_TRANSACTION = "idle in tx"
    IDLE_IN_ABORTED_TRANSACTION = "aborted tx"
    FASTPATH = "fastpath"
    DISABLED = "disabled"
    UNKNOWN = "–"
    """Not a client's session, or hidden from this role."""


@dataclass(frozen=True, slots=True)
class SessionKey:
    """What names a session for good: a pid is used again, a pid with its start is not."""

    pid: int
    backend_start: datetime | None
    """None where the role may not see it; such a session cannot be signalled."""


LOCK_WAITS = frozenset({"Lock", "LWLock", "BufferPin", "Buffer"})
"""Wait event types in which one session waits for what another one holds."""


@dataclass(frozen=True, slots=True)
class Session:
    """One row of `pg_stat_activity`. Ages are in seconds at the snapshot's time; None where there is none."""

    key: SessionKey
    database: str | None
    user: str | None
    application: str
    client: str
    """The address, "local" for a Unix socket, "" for a process of the server itself."""
    backend_type: str
    is_client: bool
    """Whether a client is behind it, not a process of the server."""
    state: SessionState
    wait_event_type: str | None
    wait_event: str | None
    connection_age: float | None
    transaction_age: float | None
    query_age: float | None
    """Since the query began; for an idle session since its last one began."""
    state_age: float | None
    wait_age: float | None
    """How long it has waited for a lock (from PostgreSQL 14 on exact, before that since the query began)."""
    blocked_by: tuple[int, ...]
    """Pids of the sessions that it waits for; 0 stands for a prepared transaction."""
    blocks: int
    """How many sessions wait for it directly."""
    query: str
    """The beginning of the query's text: the detail has it whole."""
    is_hidden: bool
    """The role may not see what this session does."""

    @property
    def pid(self) -> int:
        """The process id of the session's backend."""
        return self.key.pid

    @property
    def wait(self) -> str | None:
        """`type:event`, None when it waits for nothing."""
        return f"{self.wait_event_type}:{self.wait_event}" if self.wait_event else None

    @property
    def in_transaction(self) -> bool:
        """Whether it sits idle inside a transaction, whole or aborted."""
        return self.state in (SessionState.IDLE_IN_TRANSACTION, SessionState.IDLE_IN_ABORTED_TRANSACTION)

    @property
    def is_running(self) -> bool:
        """What the running view shows: a client that works, or that sits in an open transaction."""
        return self.is_client and self.state not in (
            SessionState.IDLE,
            SessionState.UNKNOWN,
            SessionState.DISABLED,
        )

    @property
    def is_waiting(self) -> bool:
        """Active, and held up by what another session holds."""
        return self.state is SessionState.ACTIVE and self.wait_event_type in LOCK_WAITS


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session in the tree of who waits for whom.

    `session` is None for a pid that is not in the snapshot: 0 is a prepared transaction.
    """

    pid: int
    wait_age: float | None
    """Seconds that it waits itself; None for a root."""
    session: Session | None
    waiters: tuple[Blocker, ...]

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Blocker]]:
        """Itself and everyone behind it, in the order of the drawing, each with its depth."""
        yield depth, self
        for waiter in self.waiters:
            yield from waiter.walk(depth + 1)

    @property
    def waiting(self) -> int:
        """How many distinct sessions wait behind it."""
        return len({node.pid for depth, node in self.walk() if depth})

    @property
    def longest_wait(self) -> float:
        """Seconds that the session behind it which waits longest has waited."""
        return max((node.wait_age or 0.0 for depth, node in self.walk() if depth), default=0.0)


@dataclass(frozen=True, slots=True)
class StateCounts:
    """Client sessions by what they do; each counts once.

    `waiting` are active ones that are held up by a lock of any kind, `other` the hidden and the rare ones.
    """

    active: int = 0
    idle: int = 0
    in_transaction: int = 0
    waiting: int = 0
    other: int = 0

    @property
    def total(self) -> int:
        """All client sessions."""
        return self.active + self.idle + self.in_transaction + self.waiting + self.other


@dataclass(frozen=True, slots=True)
class ActivitySnapshot:
    """The sessions at one moment of the server's clock."""

    at: datetime
    server_ms: float
    sessions: tuple[Session, ...]
    """Without the idle ones, unless they were asked for; `counts` has them all."""
    counts: StateCounts
    blocking: tuple[Blocker, ...]
    """Root blockers, the one that most wait for first."""
    vitals: Vitals


@dataclass(frozen=True, slots=True)
class HeldLock:
    """One row of `pg_locks`, or several alike that were counted together."""

    mode: str
    granted: bool
    kind: str
    """`locktype`: relation, transactionid, tuple, advisory …"""
    object: str
    """The relation's name, or the object's numbers as pg_locks gives them."""
    count: int


@dataclass(frozen=True, slots=True)
class SessionDetail:
    """One session in full, with its locks."""

    session: Session
    query: str
    query_id: int | None
    locks: tuple[HeldLock, ...]
    waiters: tuple[int, ...]
    """Pids that wait for it directly."""
    is_cut: bool = False
    """Whether the server keeps only the beginning of the query (`track_activity_query_size`)."""
