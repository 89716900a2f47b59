"""Which statements a view shows, and their figures over its span."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from console.data.statements.texts import HIDDEN_TEXT, Text
from console.data.statements.trend import SHOWN, Trend
from console.models.statements import (
    Entry,
    Figures,
    Scope,
    Selection,
    Statement,
    StatementKey,
    StatementKind,
    StatementsSnapshot,
    StatementsView,
)

QUIET = (0.0,) * SHOWN


def span_of(entry: Entry, scope: Scope) -> Figures | None:
    """An entry's figures over a span; None where nothing has come to it in it."""
    if scope is Scope.RESET:
        return None if entry.is_gone or entry.figures.is_nothing else entry.figures
    return entry.opened if scope is Scope.OPENED else entry.interval


def wanted(snapshot: StatementsSnapshot, view: StatementsView) -> list[StatementKey]:
    """The statements whose texts a view needs, the most expensive first."""
    keys = [
        (figures.total, key)
        for key, _, figures in _spans(snapshot, view.scope)
        if key.query_id and figures.calls and figures.mean >= view.min_mean
    ]
    keys.sort(key=lambda pair: -pair[0])
    return [key for _, key in keys]


def select(
    snapshot: StatementsSnapshot,
    view: StatementsView,
    text_of: Callable[[StatementKey], Text | None],
    trend_of: Callable[[StatementKey], Trend | None],
) -> Selection:
    """The rows of a view."""
    spans = list(_spans(snapshot, view.scope))
    all_time = sum(figures.total for _, _, figures in spans) or 1.0
    start = _start(snapshot, view.scope)
    statements, left_out, left_out_time, own_left_out, without_text = [], 0, 0.0, 0, 0
    untracked = _untracked(snapshot)
    for key, entry, figures in spans:
        is_hidden = not key.query_id
        # Of what is hidden many statements are one row: its mean says nothing, so it is always there.
        if not is_hidden and (not figures.calls or figures.mean < view.min_mean):
            left_out += 1
            left_out_time += figures.total
            continue
        text = HIDDEN_TEXT if is_hidden else text_of(key)
        if text is not None and text.is_own and not view.with_own:
            own_left_out += 1
            continue
        kind = text.kind if text is not None else StatementKind.UNKNOWN
        if view.kind is not None and kind is not view.kind and not is_hidden:
            left_out += 1
            left_out_time += figures.total
            continue
        without_text += text is None
        since = (
            max(start, entry.since) if start is not None and entry.since is not None else entry.since or start
        )
        trend = trend_of(key)
        statements.append(
            Statement(
                key=key,
                user=entry.user,
                database=entry.database,
                text=text.beginning if text is not None else None,
                kind=kind,
                is_own=text is not None and text.is_own,
                is_hidden=is_hidden,
                figures=_known(figures, untracked) if untracked else figures,
                share=figures.total / all_time,
                calls_per_second=_rate(figures.calls, since, snapshot.at),
                since=since,
                trend=trend.running(snapshot.at) if trend is not None else QUIET,
            )
        )
    statements.sort(key=lambda statement: -statement.figures.total)
    return Selection(
        view, tuple(statements), left_out, left_out_time / all_time, own_left_out, start, without_text
    )


def _untracked(snapshot: StatementsSnapshot) -> tuple[str, ...]:
    """The figures that the server's settings keep at 0."""
    planning = () if snapshot.track_planning else ("plans", "planning")
    reading = (
        () if snapshot.track_io_timing else ("read_time", "write_time", "temp_read_time", "temp_write_time")
    )
    return (*planning, *reading)


def _known(figures: Figures, untracked: tuple[str, ...]) -> Figures:
    """The figures without those that are 0 only because nobody counts them."""
    return Figures._make(
        None if name in untracked and not value else value
        for name, value in zip(Figures._fields, figures, strict=True)
    )


def _spans(snapshot: StatementsSnapshot, scope: Scope) -> Iterator[tuple[StatementKey, Entry, Figures]]:
    for key, entry in snapshot.entries.items():
        figures = span_of(entry, scope)
        if figures is not None:
            yield key, entry, figures


def _start(snapshot: StatementsSnapshot, scope: Scope) -> datetime | None:
    match scope:
        case Scope.RESET:
            return snapshot.reset_at
        case Scope.OPENED:
            return snapshot.opened_at
        case Scope.INTERVAL:
            return snapshot.before_at


def _rate(calls: int, since: datetime | None, at: datetime) -> float | None:
    seconds = (at - since).total_seconds() if since is not None else 0.0
    return calls / seconds if seconds > 0 else None
