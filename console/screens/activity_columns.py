"""How sessions are drawn: the columns of the Activity screen's two tables, and what makes a row stand out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from console.models.activity import Blocker, Session, SessionState
from console.models.health import Thresholds
from console.units import UNKNOWN, duration
from console.widgets.columns import Cell, Column
from console.widgets.tones import Tone

LONG_TRANSACTION = 60.0
"""Seconds after which a transaction that sits idle is worth a warning: it holds back vacuum and its locks."""


@dataclass(frozen=True, slots=True)
class BlockingRow:
    """A line of the tree of who waits for whom."""

    path: tuple[int, ...]
    """Pids from the root down to this one; what names the line, since a session may stand below two roots."""
    branch: str
    """What is drawn before the pid: `├─ `."""
    blocker: Blocker

    @property
    def session(self) -> Session | None:
        """The session of the line, where the snapshot has it."""
        return self.blocker.session


def blocking_rows(roots: Sequence[Blocker]) -> list[BlockingRow]:
    """The lines of the trees, from top to bottom."""

    def lines(blocker: Blocker, path: tuple[int, ...], first: str, following: str) -> Iterator[BlockingRow]:
        path = (*path, blocker.pid)
        yield BlockingRow(path, first, blocker)
        for index, waiter in enumerate(blocker.waiters):
            last = index == len(blocker.waiters) - 1
            yield from lines(
                waiter, path, following + ("└─ " if last else "├─ "), following + ("   " if last else "│  ")
            )

    return [line for root in roots for line in lines(root, (), "", "")]


def session_tone(session: Session, thresholds: Thresholds) -> Tone | None:
    """What a session's row should say at a glance."""
    if session.blocked_by:
        return "warning"
    if session.blocks:
        return "danger"
    if session.state is SessionState.ACTIVE and session.is_client:
        return "danger" if (session.query_age or 0.0) > thresholds.query_seconds else None
    if session.in_transaction:
        return "warning" if (session.transaction_age or 0.0) > LONG_TRANSACTION else None
    return "muted"


def blocking_tone(row: BlockingRow) -> Tone | None:
    """Roots stand out: they are what there is to do something about."""
    return "warning" if len(row.path) == 1 else None


def one_line(query: str) -> str:
    """A query on one line, its white space folded, for a table."""
    return " ".join(query.split())


def _blockers(pids: Sequence[int]) -> str:
    """The first, and how many more: in a queue everybody waits for everybody ahead."""
    return f"{pids[0]} +{len(pids) - 1}" if len(pids) > 1 else "".join(map(str, pids))


def _query(session: Session) -> Cell:
    if session.is_hidden:
        return ("(hidden: GRANT pg_monitor)", "muted")
    if not session.is_client:
        return (session.backend_type, "muted")
    return one_line(session.query)


def _exact(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.3f}"


def _query_age(session: Session) -> float | None:
    """An idle session runs no query: what it ran last says nothing about now."""
    return None if session.state is SessionState.IDLE else session.query_age


def _seconds(
    key: str, title: str, value: Callable[[Session], float | None], priority: int
) -> Column[Session]:
    return Column(
        key,
        title,
        lambda session: duration(value(session)),
        6,
        align="right",
        sort=value,
        descending_first=True,
        priority=priority,
        exact=lambda session: _exact(value(session)),
    )


def _word(
    key: str, value: Callable[[Session], str], width: int, least: int, priority: int
) -> Column[Session]:
    return Column(key, key, value, width, least, sort=value, priority=priority)


SESSION_COLUMNS: tuple[Column[Session], ...] = (
    Column[Session]("pid", "pid", lambda s: str(s.pid), 7, align="right", sort=lambda s: s.pid, priority=12),
    _word("state", lambda s: s.state.value, 10, 10, 10),
    Column[Session]("wait", "wait", lambda s: s.wait or UNKNOWN, 20, 14, sort=lambda s: s.wait, priority=9),
    _seconds("transaction", "tx", lambda s: s.transaction_age, 7),
    _seconds("query", "query", _query_age, 8),
    _seconds("in_state", "since", lambda s: s.state_age, 1),
    _word("database", lambda s: s.database or "", 12, 6, 3),
    _word("user", lambda s: s.user or "", 12, 6, 4),
    _word("application", lambda s: s.application, 14, 10, 6),
    Column[Session](
        "blocked_by",
        "blocked by",
        lambda s: (_blockers(s.blocked_by), "warning"),
        10,
        sort=lambda s: len(s.blocked_by),
        descending_first=True,
        priority=5,
        exact=lambda s: ", ".join(map(str, s.blocked_by)),
    ),
    _word("client", lambda s: s.client, 15, 9, 2),
    _word("type", lambda s: s.backend_type, 14, 14, 0),
    Column[Session](
        "statement",
        "statement",
        _query,
        120,
        34,
        flexible=True,
        share=0.36,
        sort=lambda s: s.query,
        priority=11,
        exact=lambda s: s.query,
    ),
)

BLOCKING_COLUMNS: tuple[Column[BlockingRow], ...] = (
    Column[BlockingRow]("pid", "blocking", lambda r: f"{r.branch}{_pid(r)}", 22, 16, priority=12),
    Column[BlockingRow](
        "waiting",
        "holds",
        lambda r: str(r.blocker.waiting) if r.blocker.waiting else "",
        5,
        align="right",
        priority=9,
    ),
    Column[BlockingRow](
        "wait_age",
        "waits",
        lambda r: duration(r.blocker.wait_age) if r.blocker.wait_age is not None else "",
        6,
        align="right",
        priority=10,
        exact=lambda r: _exact(r.blocker.wait_age),
    ),
    Column[BlockingRow](
        "longest",
        "longest",
        lambda r: duration(r.blocker.longest_wait) if r.blocker.waiting else "",
        7,
        align="right",
        priority=8,
        exact=lambda r: _exact(r.blocker.longest_wait),
    ),
    Column[BlockingRow](
        "state", "state", lambda r: r.session.state.value if r.session else "", 10, priority=7
    ),
    Column[BlockingRow](
        "tx",
        "tx",
        lambda r: duration(r.session.transaction_age) if r.session else "",
        6,
        align="right",
        priority=6,
    ),
    Column[BlockingRow](
        "wait", "wait", lambda r: (r.session.wait or "") if r.session else "", 20, 14, priority=4
    ),
    Column[BlockingRow](
        "user", "user", lambda r: (r.session.user or "") if r.session else "", 10, 8, priority=3
    ),
    Column[BlockingRow](
        "application", "application", lambda r: r.session.application if r.session else "", 14, 10, priority=5
    ),
    Column[BlockingRow](
        "statement",
        "statement",
        lambda r: _query(r.session) if r.session else ("see pg_prepared_xacts", "muted"),
        120,
        24,
        flexible=True,
        share=0.33,
        priority=11,
    ),
)


def _pid(row: BlockingRow) -> str:
    return str(row.blocker.pid) if row.blocker.pid else "prepared transaction"
