"""What is made of pg_stat_statements without a server: spans, kinds, trends."""

from __future__ import annotations

import random
import statistics
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console.data.statements.book import MOST_GONE, Book
from console.data.statements.figures import difference, has_restarted, joined
from console.data.statements.kinds import kind_of, without_passwords
from console.data.statements.trend import SHOWN, Trend, stretch_of
from console.models.statements import TREND_SECONDS, Figures, StatementKey, StatementKind
from tests.fake_statements import figures

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def counted(times: list[float]) -> Figures:
    """What pg_stat_statements says of calls that took so long."""
    if not times:
        return figures(0.0, 0, 0, deviation=0.0)
    mean = statistics.fmean(times)
    return figures(mean, len(times), 2)._replace(deviation=statistics.pstdev(times))


def test_a_difference_is_what_the_calls_in_between_would_have_given() -> None:
    chance = random.Random(3)
    before = [chance.uniform(0.01, 2) for _ in range(40)]
    came = [chance.uniform(0.5, 9) for _ in range(25)]
    found = difference(counted(before + came), counted(before))
    expected = counted(came)
    for name in ("calls", "total", "mean", "deviation", "rows"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name)), name
    assert (found.least, found.most) == (None, None), "a span's shortest call is not known"
    both = joined(counted(before), expected)
    assert both.deviation == pytest.approx(statistics.pstdev(before + came))


def test_what_a_version_does_not_count_stays_unknown() -> None:
    one = counted([1.0])._replace(jit_time=None)
    assert difference(one, counted([1.0])).jit_time is None


@pytest.mark.parametrize("field", ["calls", "rows", "plans"])
def test_a_counter_that_goes_backwards_began_anew(field: str) -> None:
    before = counted([1.0, 2.0])._replace(plans=5)
    now = before._replace(**{field: 1})
    assert has_restarted(now, before)
    assert not has_restarted(before, before)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("select 1", StatementKind.SELECT),
        ("((SELECT 1))", StatementKind.SELECT),
        ("-- update\n/* delete */ VALUES (1)", StatementKind.SELECT),
        ("WITH a AS (SELECT 1), b AS (DELETE FROM x RETURNING *) UPDATE t SET n = 1", StatementKind.UPDATE),
        ("WITH RECURSIVE a(insert) AS (SELECT 1) SELECT * FROM a", StatementKind.SELECT),
        ("WITH a AS (SELECT 'cut off", StatementKind.SELECT),
        ('insert into "select" values ($1)', StatementKind.INSERT),
        ("MERGE INTO t USING s ON true", StatementKind.MERGE),
        ("REFRESH MATERIALIZED VIEW v", StatementKind.UTILITY),
        ("BEGIN", StatementKind.UTILITY),
        ("", StatementKind.UTILITY),
        (None, StatementKind.UNKNOWN),
        ("<insufficient privilege>", StatementKind.UNKNOWN),
    ],
)
def test_the_kind_of_a_statement(text: str | None, kind: StatementKind) -> None:
    assert kind_of(text) is kind


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ALTER ROLE a PASSWORD 'it''s' LOGIN", "ALTER ROLE a PASSWORD '********' LOGIN"),
        ("create user a password 'cut o", "create user a password '********'"),
        ("ALTER ROLE a PASSWORD NULL", "ALTER ROLE a PASSWORD NULL"),
        ("SELECT password 'x'", "SELECT password 'x'"),
    ],
)
def test_passwords_are_left_out_of_utility_statements(text: str, shown: str) -> None:
    assert without_passwords(text) == shown


def test_a_trend_keeps_its_stretches_and_no_more() -> None:
    first = stretch_of(NOON)
    trend = Trend(first)
    for number in range(40):
        trend.add(first + number, 5.0, 2, most=15)
    at = NOON + timedelta(seconds=39 * TREND_SECONDS + 5)
    running = trend.running(at)
    assert len(running) == SHOWN
    assert running[:-1] == (0.5,) * (SHOWN - 1)
    assert running[-1] == 1.0, "of the stretch that is under way half has passed"
    points = list(trend.points(at, NOON))
    assert len(points) == 15
    assert points[0].at == NOON + timedelta(seconds=25 * TREND_SECONDS)
    assert (points[0].calls_per_second, points[0].mean, points[0].running) == (0.2, 2.5, 0.5)


def test_a_trend_after_a_long_pause_begins_anew() -> None:
    first = stretch_of(NOON)
    trend = Trend(first)
    trend.add(first, 5.0, 1, most=15)
    trend.add(first + 1000, 5.0, 1, most=15)
    at = NOON + timedelta(seconds=1000 * TREND_SECONDS + 9)
    assert [point.at for point in trend.points(at, NOON)] == [NOON + timedelta(seconds=1000 * TREND_SECONDS)]
    assert trend.running(NOON + timedelta(hours=9)) == (0.0,) * SHOWN


class Server:
    """Answers as the queries do: rows for what the book does not know, states that are gone."""

    def __init__(self) -> None:
        self.entries: dict[int, Figures] = {}

    def rows(self, states_known: list[str]) -> list[dict[str, Any]]:
        known = [int(state) for state in states_known]
        states = {hash((query, entry.calls)): query for query, entry in self.entries.items()}
        rows = [
            {
                "gone": None,
                "state": state,
                "query_id": query,
                "user_id": 10,
                "database_id": 5,
                "is_toplevel": True,
                "user": "app",
                "database": "shop",
                "since": None,
                **self.entries[query]._asdict(),
            }
            for state, query in states.items()
            if state not in known
        ]
        blank = dict.fromkeys(rows[0] if rows else ["gone", "state", "query_id", *Figures._fields])
        return [SlicedRow(row) for row in [*rows, *({**blank, "gone": s} for s in known if s not in states)]]


class SlicedRow(dict[str, Any]):
    """A record: by name, or a slice of its values."""

    def __getitem__(self, name: Any) -> Any:
        return tuple(self.values())[name] if isinstance(name, slice) else super().__getitem__(name)


def key(query: int) -> StatementKey:
    return StatementKey(query, 10, 5)


def test_what_came_while_nobody_watched_is_spread_over_that_time() -> None:
    server, book = Server(), Book(900)
    server.entries[1] = counted([1.0])
    book.take(server.rows(book.states), (), NOON)
    server.entries[1] = counted([1.0] * 31)
    at = NOON + timedelta(seconds=63)
    book.take(server.rows(book.states), (), at)
    trend = book.trend(key(1))
    assert trend is not None
    assert trend.running(at) == pytest.approx((0.0,) * (SHOWN - 7) + (30 / 63,) * 7)
    entry = book.entries()[key(1)]
    assert entry.interval is not None
    assert entry.interval.calls == 30


def test_what_is_gone_is_remembered_only_while_it_has_something_to_say() -> None:
    server, book = Server(), Book(900)
    server.entries = {1: counted([1.0]), 2: counted([1.0])}
    book.take(server.rows(book.states), (), NOON)
    server.entries[2] = counted([1.0, 1.0])
    book.take(server.rows(book.states), (), NOON + timedelta(seconds=2))
    server.entries.clear()
    book.take(server.rows(book.states), (), NOON + timedelta(seconds=4))
    entries = book.entries()
    assert list(entries) == [key(2)]
    assert entries[key(2)].is_gone
    assert entries[key(2)].interval is None
    assert book.states == []
    book.begin()
    assert dict(book.entries()) == {}


def test_entries_that_are_gone_do_not_pile_up() -> None:
    server, book = Server(), Book(900)
    server.entries = {0: counted([1.0])}
    book.take(server.rows(book.states), (), NOON)
    for second in range(3):
        server.entries = {n: counted([1.0]) for n in range(1 + second * 3000, 3001 + second * 3000)}
        book.take(server.rows(book.states), (), NOON + timedelta(seconds=second + 1))
    assert len(book.entries()) <= MOST_GONE + 3000
