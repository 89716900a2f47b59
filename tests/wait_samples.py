"""Samples of a server's active sessions for tests of the wait view: the last two minutes somebody holds a lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from console.models.waits import (
    OTHER_QUERIES,
    ActiveQuery,
    Activity,
    QueryFacts,
    WaitEvent,
    WaitSample,
    WaitsSnapshot,
)

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)

UPDATE, CART, COUNT, INSERT, COMMIT, EVIL = (ActiveQuery(number, "") for number in range(1, 7))
UNNAMED = ActiveQuery(None, "DELETE FROM sessions WHERE id = ?")
"""A statement without a `query_id`."""

RUNNING = WaitEvent("running", "")
READ = WaitEvent("IO", "DataFileRead")
WAL = WaitEvent("LWLock", "WALWrite")
SYNC = WaitEvent("IO", "WALSync")
LOCK = WaitEvent("Lock", "transactionid")
TUPLE = WaitEvent("Lock", "tuple")
SEND = WaitEvent("Client", "ClientWrite")

FACTS = {
    UPDATE: QueryFacts("UPDATE orders SET state = 'paid'\n WHERE id = 5", "app", "shop", "shop-worker"),
    CART: QueryFacts("SELECT * FROM cart WHERE user_id = 5", "app", "shop", "shop-web"),
    COUNT: QueryFacts("SELECT count(*) FROM events WHERE at > now()", "report", "shop", "reports"),
    INSERT: QueryFacts("INSERT INTO events (at, kind) VALUES (now(), 'x')", "app", "shop", "shop-web"),
    COMMIT: QueryFacts("COMMIT", "app", "shop", "shop-web"),
    EVIL: QueryFacts("SELECT name FROM 商品 -- \x1b]0;title\x07 [red]not red[/]", "app", "shop", ""),
    UNNAMED: QueryFacts("DELETE FROM sessions WHERE id = 7", "app", "shop", "shop-web"),
    OTHER_QUERIES: QueryFacts("", "", "", ""),
}


def known_text(query_id: int) -> str | None:
    """What pg_stat_statements knows: two of the texts, normalised."""
    return {
        1: "UPDATE orders SET state = $1\n WHERE id = $2",
        2: "SELECT * FROM cart WHERE user_id = $1",
    }.get(query_id)


def busy(second: int) -> Iterator[Activity]:
    """What sessions do so many seconds before the last sample."""

    def doing(query: ActiveQuery, event: WaitEvent, sessions: int) -> Activity:
        facts = FACTS[query]
        return Activity(query, event, facts.user, facts.database, facts.application, sessions)

    yield doing(CART, RUNNING, 2 + second % 2)
    yield doing(COUNT, READ if second % 3 else RUNNING, 1)
    if second % 2:
        yield doing(INSERT, WAL, 2)
        yield doing(UNNAMED, RUNNING, 1)
    if second % 5 == 0:
        yield doing(COMMIT, SYNC, 1)
        yield doing(EVIL, SEND, 1)
        yield doing(OTHER_QUERIES, RUNNING, 1)
    if second < 120:
        yield doing(UPDATE, LOCK, 1 + (120 - second) // 15)
        yield doing(UPDATE, TUPLE, 1 + (120 - second) // 40)


def quiet(_second: int) -> Iterator[Activity]:
    """Nobody does anything."""
    yield from ()


def waits_snapshot(
    seconds: int = 300, doing: Callable[[int], Iterator[Activity]] = busy, hidden_sessions: int = 0
) -> WaitsSnapshot:
    """A sample a second, the last one now; half a minute is missing after the first third."""
    pause = range(seconds * 2 // 3 - 30, seconds * 2 // 3)
    samples = tuple(
        WaitSample(NOW - timedelta(seconds=second), tuple(doing(second)))
        for second in reversed(range(seconds))
        if second not in pause
    )
    queries = {activity.query for sample in samples for activity in sample.activities}
    return WaitsSnapshot(NOW, 0.8, samples, {query: FACTS[query] for query in queries}, hidden_sessions)
