"""The entries that are known: what each sample changes in them, and what has come to each since."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from console.data.statements.figures import difference, has_restarted, joined
from console.data.statements.trend import Trend, overlaps
from console.models.statements import TREND_SECONDS, Entry, Figures, StatementKey

MOST_GONE = 5000
"""Entries that are remembered after they were evicted: as many as there are at most by default."""


class Book:
    """Entries by their key. Only entries that were called, planned, evicted or reset are looked at again.

    A row with `gone` takes an entry out; a row with figures brings one in. An entry that was called comes as both.
    """

    def __init__(self, history_seconds: float) -> None:
        self._stretches = max(2, int(history_seconds // TREND_SECONDS))
        self._entries: dict[StatementKey, Entry] = {}
        self._gone: dict[StatementKey, Entry] = {}
        self._keys: dict[int, StatementKey] = {}
        self._moved: set[StatementKey] = set()
        self._trends: dict[StatementKey, Trend] = {}
        self._at: datetime | None = None

    @property
    def states(self) -> list[str]:
        """What the server is to leave out; as text, since the driver would ask the server about arrays of numbers."""
        return [str(state) for state in self._keys]

    @property
    def keys(self) -> Collection[StatementKey]:
        """The entries that there are."""
        return self._entries.keys()

    def begin(self) -> None:
        """Counts "since opened" from now on."""
        self._gone.clear()
        self._entries = {key: replace(entry, opened=None) for key, entry in self._entries.items()}

    def entries(self) -> Mapping[StatementKey, Entry]:
        """Every entry that there is, and those that are gone but had something since "since opened" began."""
        return self._entries | {k: e for k, e in self._gone.items() if k not in self._entries}

    def trend(self, key: StatementKey) -> Trend | None:
        """What an entry did over time; None while it has done nothing."""
        return self._trends.get(key)

    def take(self, rows: Sequence[Any], hidden: Sequence[tuple[StatementKey, Entry]], at: datetime) -> None:
        """Takes what a sample brought: the rows of `statements_*`, and the entries of what is hidden."""
        for key in self._moved:
            if (entry := self._entries.get(key)) is not None and entry.interval is not None:
                self._entries[key] = replace(entry, interval=None)
        self._moved = set()
        gone = [self._keys.pop(row["gone"], None) for row in rows if row["gone"] is not None]
        before = {key: self._entries.pop(key, None) for key in gone if key is not None}
        names = list(rows[0].keys()) if rows else []
        start = names.index("calls") if rows else 0
        assert not rows or tuple(names[start:]) == Figures._fields, (
            "the query gives the figures in their order"
        )
        for row in rows:
            if row["query_id"] is None:
                continue
            key = StatementKey(row["query_id"], row["user_id"], row["database_id"], row["is_toplevel"])
            self._keys[row["state"]] = key
            database = row["database"] or f"database {row['database_id']}"
            entry = Entry(row["user"], database, Figures._make(row[start:]), None, None, row["since"])
            self._come(key, entry, before.pop(key, None), at)
        for key, entry in hidden:
            self._come(key, entry, self._entries.pop(key, None), at)
        for key, left in before.items():
            self._leave(key, left)
        self._at = at

    def _come(self, key: StatementKey, entry: Entry, before: Entry | None, at: datetime) -> None:
        before = before or self._gone.pop(key, None)
        figures = entry.figures
        if self._at is None:  # the first sample: nothing is known of what was before
            self._entries[key] = entry
            return
        if before is None or before.is_gone or _began_anew(entry, before):
            came = figures
        else:
            came = difference(figures, before.figures)
        opened = before.opened if before is not None else None
        if came.is_nothing:
            self._entries[key] = replace(entry, opened=opened)
            return
        self._moved.add(key)
        self._entries[key] = replace(
            entry, opened=joined(opened, came) if opened is not None else came, interval=came
        )
        parts = list(overlaps(self._at, at))[-self._stretches :]
        trend = self._trends.setdefault(key, Trend(parts[0][0]))
        for stretch, share in parts:
            trend.add(stretch, came.total * share, came.calls * share, self._stretches)

    def _leave(self, key: StatementKey, entry: Entry | None) -> None:
        if entry is not None and entry.opened is not None:
            self._gone[key] = replace(entry, interval=None, is_gone=True)
            if len(self._gone) > MOST_GONE:
                oldest = next(iter(self._gone))
                del self._gone[oldest]
                self._trends.pop(oldest, None)
        else:
            self._trends.pop(key, None)


def _began_anew(entry: Entry, before: Entry) -> bool:
    return entry.since != before.since or has_restarted(entry.figures, before.figures)
