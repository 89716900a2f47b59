"""How connections and databases are drawn: the columns of the Pools screen's two tables."""

from __future__ import annotations

from collections.abc import Callable

from console.models.pools import ConnectionGroup, DatabaseActivity, Grouping
from console.units import UNKNOWN, bytes_binary, compact, count, duration, percent, rate
from console.widgets.columns import Cell, Column
from console.widgets.tones import Tone

LOW_HIT_RATIO = 0.90
"""A share of blocks found in shared buffers below this is worth a look."""


def group_columns(grouping: Grouping) -> tuple[Column[ConnectionGroup], ...]:
    """The columns of the breakdown by `grouping`."""
    return (
        Column[ConnectionGroup](
            "name",
            f"by {grouping.value}",
            lambda g: g.name or ("(unnamed)", "muted"),
            14,
            14,
            flexible=True,
            sort=lambda g: g.name,
            priority=10,
            exact=lambda g: g.name,
        ),
        _number("total", "total", lambda g: g.counts.total, 9),
        _number("active", "active", lambda g: g.counts.active, 8),
        _number("idle", "idle", lambda g: g.counts.idle, 5),
        _number("in_transaction", "in tx", lambda g: g.counts.in_transaction, 7),
        _number("waiting", "wait", lambda g: g.counts.waiting, 6, tone="warning"),
        _age("oldest", "oldest", lambda g: g.oldest, 4),
        _age("oldest_transaction", "oldest tx", lambda g: g.oldest_transaction, 2),
        Column[ConnectionGroup]("waits", "waits for", _waits, 40, 14, priority=3, exact=_waits),
    )


def group_tone(group: ConnectionGroup) -> Tone | None:
    """A group that waits stands out."""
    return "warning" if group.counts.waiting else None


def _number(
    key: str, title: str, value: Callable[[ConnectionGroup], int], priority: int, tone: Tone | None = None
) -> Column[ConnectionGroup]:
    def cell(group: ConnectionGroup) -> Cell:
        number = value(group)
        if not number:
            return ("·", "muted")
        return (count(number), tone) if tone else count(number)

    return Column(
        key,
        title,
        cell,
        max(5, len(title)),
        align="right",
        sort=value,
        descending_first=True,
        priority=priority,
        exact=lambda group: str(value(group)),
    )


def _age(
    key: str, title: str, value: Callable[[ConnectionGroup], float | None], priority: int
) -> Column[ConnectionGroup]:
    return Column(
        key,
        title,
        lambda group: duration(value(group)),
        max(6, len(title)),
        align="right",
        sort=value,
        descending_first=True,
        priority=priority,
        exact=lambda group: "" if value(group) is None else f"{value(group):.3f}",
    )


def _waits(group: ConnectionGroup) -> str:
    return ", ".join(f"{wait.event} {wait.connections}" for wait in group.waits) or UNKNOWN


def _rate(
    key: str,
    title: str,
    value: Callable[[DatabaseActivity], float | None],
    priority: int,
    say: Callable[[float | None], str] = rate,
) -> Column[DatabaseActivity]:
    return Column(
        key,
        title,
        lambda database: say(value(database)),
        max(7, len(title) + 1),
        align="right",
        sort=value,
        descending_first=True,
        priority=priority,
        exact=lambda database: "" if value(database) is None else f"{value(database):.6g}",
    )


def _rollback_share(database: DatabaseActivity) -> float | None:
    commits, rollbacks = database.commits, database.rollbacks
    if commits is None or rollbacks is None or not commits + rollbacks:
        return None
    return rollbacks / (commits + rollbacks)


def _hit_ratio(database: DatabaseActivity) -> Cell:
    ratio = database.hit_ratio
    return (percent(ratio), "warning") if ratio is not None and ratio < LOW_HIT_RATIO else percent(ratio)


DATABASE_COLUMNS: tuple[Column[DatabaseActivity], ...] = (
    Column[DatabaseActivity](
        "name", "database", lambda d: d.name, 16, 10, flexible=True, sort=lambda d: d.name, priority=12
    ),
    _rate("commits", "commit/s", lambda d: d.commits, 11),
    _rate("rollbacks", "rollb/s", lambda d: d.rollbacks, 7),
    _rate("rollback_share", "rollb %", _rollback_share, 5, percent),
    Column[DatabaseActivity](
        "hit_ratio",
        "cache hit",
        _hit_ratio,
        9,
        align="right",
        sort=lambda d: d.hit_ratio,
        priority=10,
        exact=lambda d: "" if d.hit_ratio is None else f"{d.hit_ratio:.6f}",
    ),
    _rate("tuples_read", "read/s", lambda d: d.tuples_read, 9),
    _rate("tuples_written", "write/s", lambda d: d.tuples_written, 8),
    _rate("temp_bytes", "temp B/s", lambda d: d.temp_bytes, 4, bytes_binary),
    _rate("temp_files", "Σ temp files", lambda d: d.temp_files, 3, compact),
    _rate("deadlocks", "Σ deadlocks", lambda d: d.deadlocks, 6, compact),
    _rate("conflicts", "Σ conflicts", lambda d: d.conflicts, 2, compact),
    Column[DatabaseActivity](
        "size",
        "size",
        lambda d: bytes_binary(d.size),
        8,
        align="right",
        sort=lambda d: d.size,
        descending_first=True,
        priority=1,
        exact=lambda d: "" if d.size is None else str(d.size),
    ),
)
