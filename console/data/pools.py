"""Connections: where they pile up; what the databases do; the console's own pool."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from console.clock import SYSTEM_CLOCK, Clock
from console.data.failures import FailureWatch
from console.data.server import Server
from console.data.vitals import VitalsReader
from console.errors import ConnectionLost, QueryFailed
from console.models.activity import LOCK_WAITS, StateCounts
from console.models.health import Vitals
from console.models.pools import (
    ConnectionGroup,
    DatabaseActivity,
    DatabaseCounters,
    Grouping,
    PoolsSnapshot,
    Wait,
)

SIZES_EVERY = 300.0
"""Seconds between two looks at the databases' sizes, which make the server stat every file."""

_COLUMNS = {
    Grouping.APPLICATION: "application_name",
    Grouping.USER: "usename",
    Grouping.DATABASE: "datname",
    Grouping.CLIENT: "client",
}


class PoolsService:
    """What the Pools screen and `dbconsole pools` ask."""

    def __init__(self, server: Server, failures: FailureWatch, clock: Clock = SYSTEM_CLOCK) -> None:
        self._server = server
        self._vitals = VitalsReader(server, failures)
        self._clock = clock
        self._before: tuple[datetime, dict[str, DatabaseCounters]] | None = None
        self._sizes: dict[str, int | None] = {}
        self._sized_at: float | None = None

    async def first_look(self) -> PoolsSnapshot:
        """The connections now and nothing of the databases: a single question, for a server that is far away.

        Raises as `sample`.
        """
        rows = await self._server.fetch("connections")
        return self._snapshot(rows, (), self._vitals.at_once(rows))

    async def sample(self) -> PoolsSnapshot:
        """Connections and databases now, with what the databases did since the sample before.

        Raises `ConnectionLost`, `QueryTimedOut` or another `QueryFailed`.
        """
        rows = await self._server.fetch("connections")
        return self._snapshot(rows, await self._databases(), await self._vitals.of(rows))

    def _snapshot(
        self, rows: Sequence[Any], databases: tuple[DatabaseActivity, ...], vitals: Vitals
    ) -> PoolsSnapshot:
        *others, own = rows
        capabilities = self._server.capabilities
        assert capabilities is not None, "a server that answered is known"
        return PoolsSnapshot(
            at=own["at"],
            server_ms=own["server_ms"],
            counts=_counts(others),
            superuser_reserved=capabilities.superuser_reserved,
            reserved=capabilities.reserved,
            groups={grouping: _groups(others, column) for grouping, column in _COLUMNS.items()},
            databases=databases,
            console_pool=self._server.pool,
            vitals=vitals,
        )

    async def _databases(self) -> tuple[DatabaseActivity, ...]:
        rows = await self._server.fetch("databases")
        await self._look_at_sizes()
        at: datetime = rows[0]["at"]
        now = {row["datname"]: self._counters(row) for row in rows}
        before, self._before = self._before, (at, now)
        if before is None:
            return tuple(activity(counters, None, 0.0) for counters in now.values())
        seconds = (at - before[0]).total_seconds()
        return tuple(activity(counters, before[1].get(name), seconds) for name, counters in now.items())

    async def _look_at_sizes(self) -> None:
        """Every few minutes, and not with the very first sample, which somebody waits for."""
        now = self._clock.monotonic()
        if self._before is None or (self._sized_at is not None and now - self._sized_at < SIZES_EVERY):
            return
        self._sized_at = now
        try:
            rows = await self._server.fetch("database_sizes")
        except ConnectionLost:
            raise
        except QueryFailed:
            return  # too slow or not allowed: the other figures do not depend on it
        self._sizes = {row["datname"]: row["size"] for row in rows}

    def _counters(self, row: Any) -> DatabaseCounters:
        return DatabaseCounters(
            name=row["datname"],
            commits=row["commits"],
            rollbacks=row["rollbacks"],
            blocks_hit=row["blocks_hit"],
            blocks_read=row["blocks_read"],
            tuples_returned=row["tuples_returned"],
            tuples_fetched=row["tuples_fetched"],
            tuples_written=row["tuples_written"],
            temp_files=row["temp_files"],
            temp_bytes=row["temp_bytes"],
            deadlocks=row["deadlocks"],
            conflicts=row["conflicts"],
            size=self._sizes.get(row["datname"]),
        )


def activity(now: DatabaseCounters, before: DatabaseCounters | None, seconds: float) -> DatabaseActivity:
    """What a database did in the `seconds` between two samples.

    A counter that went backwards (a reset, a crash, a fail-over) restarts: its rates are None for this one time.
    """
    if before is None or seconds <= 0 or now.commits < before.commits or now.blocks_hit < before.blocks_hit:
        return _activity(now, None, None, None, None, None, _ratio(now.blocks_hit, now.blocks_read))
    return _activity(
        now,
        (now.commits - before.commits) / seconds,
        _rate(now.rollbacks, before.rollbacks, seconds),
        _rate(now.tuples_returned, before.tuples_returned, seconds),
        _rate(now.tuples_written, before.tuples_written, seconds),
        _rate(now.temp_bytes, before.temp_bytes, seconds),
        _ratio(now.blocks_hit - before.blocks_hit, now.blocks_read - before.blocks_read),
    )


def _activity(
    now: DatabaseCounters,
    commits: float | None,
    rollbacks: float | None,
    tuples_read: float | None,
    tuples_written: float | None,
    temp_bytes: float | None,
    hit_ratio: float | None,
) -> DatabaseActivity:
    return DatabaseActivity(
        name=now.name,
        commits=commits,
        rollbacks=rollbacks,
        hit_ratio=hit_ratio,
        tuples_read=tuples_read,
        tuples_written=tuples_written,
        temp_bytes=temp_bytes,
        temp_files=now.temp_files,
        deadlocks=now.deadlocks,
        conflicts=now.conflicts,
        size=now.size,
    )


def _rate(now: int, before: int, seconds: float) -> float | None:
    return (now - before) / seconds if now >= before else None


def _ratio(hit: int, read: int) -> float | None:
    """None when nothing was wanted, or when a counter went backwards."""
    return hit / (hit + read) if hit >= 0 and read >= 0 and hit + read else None


def _groups(rows: Iterable[Any], column: str) -> tuple[ConnectionGroup, ...]:
    members: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        members[row[column] or ""].append(row)
    groups = [_group(name, of_name) for name, of_name in members.items()]
    return tuple(sorted(groups, key=lambda group: (-group.counts.total, group.name)))


def _group(name: str, rows: Sequence[Any]) -> ConnectionGroup:
    waits: Counter[tuple[bool, str]] = Counter()
    for row in rows:
        if row["wait_event"]:
            waits[row["wait_event_type"] == "Client", row["wait_event"]] += row["connections"]
    # That most wait for their client is no news: what they wait for in the server comes first.
    ordered = sorted(waits.items(), key=lambda wait: (wait[0][0], -wait[1], wait[0][1]))
    return ConnectionGroup(
        name=name,
        counts=_counts(rows),
        oldest=max((row["oldest"] for row in rows if row["oldest"] is not None), default=None),
        oldest_transaction=max(
            (row["oldest_transaction"] for row in rows if row["oldest_transaction"] is not None), default=None
        ),
        waits=tuple(Wait(event, number) for (_, event), number in ordered),
    )


def _counts(rows: Iterable[Any]) -> StateCounts:
    counted: Counter[str] = Counter()
    for row in rows:
        state = row["state"]
        if state == "active" and row["wait_event_type"] in LOCK_WAITS:
            kind = "waiting"
        elif state in ("active", "idle"):
            kind = state
        elif state in ("idle in transaction", "idle in transaction (aborted)"):
            kind = "in_transaction"
        else:
            kind = "other"
        counted[kind] += row["connections"]
    return StateCounts(**counted)
