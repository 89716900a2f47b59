"""What is kept of the samples of active sessions, and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from console.data import waits
from console.data.loads import Tally, event_of, newest, query_in, stacks, wait_class
from console.data.server import Server
from console.data.waits import WaitsService, without_literals
from console.models.waits import (
    OTHER_QUERIES,
    ActiveQuery,
    Activity,
    Load,
    QueryFacts,
    Stack,
    WaitEvent,
    WaitSample,
)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RUNNING = WaitEvent("running", "")
READ = WaitEvent("IO", "DataFileRead")
WRITE = WaitEvent("IO", "DataFileWrite")
TUPLE = WaitEvent("Lock", "tuple")


def row(
    query_id: int | None = 1,
    query: str = "SELECT 1",
    event: WaitEvent = RUNNING,
    sessions: int = 1,
    user: str = "app",
) -> dict[str, Any]:
    """A row of the query `active_sessions`."""
    return {
        "query_id": query_id,
        "query": query,
        "wait_event_type": None if event == RUNNING else event.kind,
        "wait_event": event.name or None,
        "usename": user,
        "datname": "shop",
        "application_name": "shop-web",
        "sessions": sessions,
    }


class Answers:
    """A server that answers what a test tells it to, a second later each time."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.rows: list[dict[str, Any]] = []

    async def fetch(self, name: str, *arguments: object) -> list[dict[str, Any]]:
        self.seconds += 1
        at = NOON + timedelta(seconds=self.seconds)
        return [*self.rows, {"at": at, "server_ms": 0.5, "hidden_sessions": 7}]


def service(history_seconds: float = 900) -> tuple[WaitsService, Answers]:
    answers = Answers()
    return WaitsService(cast(Server, answers), history_seconds), answers


# What is kept


async def test_a_sample_has_every_group_and_what_its_statement_is() -> None:
    waits, answers = service()
    answers.rows = [row(1, "SELECT 1", TUPLE, 3), row(2, "SELECT 2", user="report")]
    snapshot = await waits.sample()
    assert snapshot.samples[0].activities == (
        Activity(ActiveQuery(1, ""), TUPLE, "app", "shop", "shop-web", 3),
        Activity(ActiveQuery(2, ""), RUNNING, "report", "shop", "shop-web", 1),
    )
    assert snapshot.queries == {
        ActiveQuery(1, ""): QueryFacts("SELECT 1", "app", "shop", "shop-web"),
        ActiveQuery(2, ""): QueryFacts("SELECT 2", "report", "shop", "shop-web"),
    }
    assert (snapshot.at, snapshot.server_ms, snapshot.hidden_sessions) == (
        NOON + timedelta(seconds=1),
        0.5,
        7,
    )


async def test_old_samples_go_and_their_statements_with_them() -> None:
    waits, answers = service(history_seconds=3)
    kept = []
    for number in (1, 2, 2, 3, 3, 3):
        answers.rows = [row(number)]
        snapshot = await waits.sample()
        kept.append((len(snapshot.samples), sorted(query.query_id or 0 for query in snapshot.queries)))
    assert kept == [(1, [1]), (2, [1, 2]), (3, [1, 2]), (3, [2, 3]), (3, [2, 3]), (3, [3])]


async def test_what_was_sampled_before_a_pause_stays() -> None:
    waits, answers = service()
    await waits.sample()
    answers.seconds += 600
    snapshot = await waits.sample()
    assert [sample.at - NOON for sample in snapshot.samples] == [timedelta(seconds=s) for s in (1, 602)]


async def test_a_clock_that_goes_back_takes_the_later_samples_with_it() -> None:
    """Another server has taken over, whose clock is behind."""
    waits, answers = service()
    for _ in range(5):
        answers.rows = [row(int(answers.seconds))]
        await waits.sample()
    answers.seconds = 2.5
    snapshot = await waits.sample()
    assert [(sample.at - NOON).total_seconds() for sample in snapshot.samples] == [1, 2, 3, 3.5]
    assert sorted(query.query_id or 0 for query in snapshot.queries) == [0, 1, 2, 4]


async def test_a_snapshot_stays_as_it_was() -> None:
    waits, answers = service(history_seconds=1)
    answers.rows = [row(1)]
    before = await waits.sample()
    answers.rows = [row(2)]
    await waits.sample()
    assert set(before.queries) == {sample.activities[0].query for sample in before.samples}


async def test_samples_share_what_is_alike() -> None:
    waits, answers = service()
    answers.rows = [row(10**15, event=WaitEvent("Extension", "Ext" + "ension"))]
    first = (await waits.sample()).samples[-1].activities[0]
    answers.rows = [row(10**15, event=WaitEvent("Extension", "Ext" + "ension"))]
    second = (await waits.sample()).samples[-1].activities[0]
    assert first is second


async def test_statements_that_are_too_many_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "MOST_QUERIES", 2)
    sampler, answers = service(history_seconds=2)
    answers.rows = [row(1), row(2), row(3), row(4, event=TUPLE)]
    snapshot = await sampler.sample()
    assert [activity.query for activity in snapshot.samples[0].activities] == [
        *(ActiveQuery(1, ""), ActiveQuery(2, "")),
        *(OTHER_QUERIES, OTHER_QUERIES),
    ]
    assert snapshot.queries[OTHER_QUERIES].text == ""
    answers.rows = []
    await sampler.sample()
    answers.rows = [row(4)]
    await sampler.sample()
    assert set((await sampler.sample()).queries) == {ActiveQuery(4, "")}, "there is room again"


async def test_no_more_samples_are_kept_than_can_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "MOST_SAMPLES", 4)
    sampler, _ = service()
    for _ in range(6):
        snapshot = await sampler.sample()
    assert len(snapshot.samples) == 4
    assert snapshot.samples[-1].at == snapshot.at


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("SELECT * FROM t1 WHERE a = 'it''s' AND b = 12.5", "SELECT * FROM t1 WHERE a = ? AND b = ?"),
        ("… WHERE id IN (1, 2,3)", "… WHERE id IN (?)"),
        ("SELECT $1, x::varchar(10)", "SELECT $1, x::varchar(?)"),
        ("SELECT 'cut off in the mid", "SELECT ?"),
        (r"SELECT E'it\'s', 1e5", "SELECT E?"),
        ("SELECT $$don't$$, $a$ $$ $a$", "SELECT ?"),
        ('SELECT "o\'brien 1", 2', 'SELECT "o\'brien 1", ?'),
        ("/* trace 00-af */ SELECT a-1 -- don't\nFROM t", "SELECT a-?  \nFROM t"),
        ("SELECT 1 /* cut off", "SELECT ?"),
    ],
)
def test_the_values_in_a_statement_do_not_tell_it_from_others(text: str, shape: str) -> None:
    assert without_literals(text) == shape


# What they say


def activity(query: int, event: WaitEvent, sessions: int = 1, user: str = "app") -> Activity:
    return Activity(ActiveQuery(query, ""), event, user, "shop", "web", sessions)


def samples(*each: Sequence[Activity]) -> list[WaitSample]:
    """Samples a second apart, the last one at noon."""
    return [
        WaitSample(NOON - timedelta(seconds=len(each) - 1 - index), tuple(activities))
        for index, activities in enumerate(each)
    ]


FOUR = samples(
    [activity(1, TUPLE, 4), activity(2, RUNNING)],
    [activity(1, TUPLE, 2), activity(1, READ, 2), activity(2, READ)],
    [],
    [activity(1, RUNNING), activity(3, WRITE, user="report"), activity(3, WRITE, 2)],
)
FACTS = {
    ActiveQuery(number, ""): QueryFacts(f"SELECT {number}", "first", "seen", "by") for number in (1, 2, 3)
}


def test_the_newest_samples_are_those_of_the_last_seconds() -> None:
    assert newest(FOUR, 2) == FOUR[2:]
    assert newest(FOUR, 60) == newest(FOUR, None) == FOUR
    assert newest([], 60) == []


def test_the_events_are_in_the_order_of_their_load() -> None:
    tally = Tally.of(FOUR)
    assert tally.sessions == 14 / 4
    events = [(load.event, load.load) for load in tally.events()]
    assert events == [
        (TUPLE, Load(6 / 4, 6 / 14)),
        (READ, Load(3 / 4, 3 / 14)),
        (WRITE, Load(3 / 4, 3 / 14)),
        (RUNNING, Load(2 / 4, 2 / 14)),
    ]


def test_the_events_of_one_statement_have_shares_of_its_own_load() -> None:
    tally = Tally.of(FOUR).of_query(ActiveQuery(1, ""))
    assert [(str(load.event), load.load) for load in tally.events()] == [
        ("Lock:tuple", Load(6 / 4, 6 / 9)),
        ("IO:DataFileRead", Load(2 / 4, 2 / 9)),
        ("running", Load(1 / 4, 1 / 9)),
    ]


def test_the_statements_say_who_ran_them_most_and_what_they_waited_for() -> None:
    queries = Tally.of(FOUR).queries(FACTS)
    assert [(load.query.query_id, load.load.sessions) for load in queries] == [
        (1, 9 / 4),
        (3, 3 / 4),
        (2, 2 / 4),
    ]
    assert [str(event.event) for event in queries[0].events] == ["Lock:tuple", "IO:DataFileRead", "running"]
    assert queries[1].facts == QueryFacts("SELECT 3", "app", "shop", "web")


@pytest.mark.parametrize(
    ("event", "found"),
    [
        (READ, [(1, 2 / 4, 2 / 3), (2, 1 / 4, 1 / 3)]),
        (WaitEvent("IO", ""), [(3, 3 / 4, 3 / 6), (1, 2 / 4, 2 / 6), (2, 1 / 4, 1 / 6)]),
        (RUNNING, [(1, 1 / 4, 1 / 2), (2, 1 / 4, 1 / 2)]),
    ],
)
def test_the_statements_of_an_event_or_of_a_class(
    event: WaitEvent, found: list[tuple[int, float, float]]
) -> None:
    tally = Tally.of(FOUR)
    queries = tally.queries(FACTS, event)
    assert [(q.query.query_id, q.load.sessions, q.load.share) for q in queries] == found
    assert tally.in_event(event).sessions == pytest.approx(sum(sessions for _, sessions, _ in found))
    assert sum(load.load.share for load in queries[0].events) == pytest.approx(1), "all that it waited for"


def test_nothing_is_no_load() -> None:
    assert Tally.of([]).sessions == 0
    assert Tally.of(samples([], [])).events() == ()
    assert Tally.of(samples([], [])).queries({}) == ()


def test_stacks_by_class_have_the_rest_as_other() -> None:
    layers = [WaitEvent("Lock", ""), RUNNING]
    assert stacks(FOUR, wait_class, layers) == (
        Stack(layers[0], (4, 2, 0, 0)),
        Stack(RUNNING, (1, 0, 0, 1)),
        Stack(None, (0, 3, 0, 3)),
    )


def test_without_a_rest_there_is_no_other() -> None:
    layers = [WaitEvent(kind, "") for kind in ("Lock", "IO", "running")]
    assert [stack.of for stack in stacks(FOUR, wait_class, layers)] == layers


def test_stacks_of_one_statement_and_of_one_event() -> None:
    assert stacks(FOUR, event_of(ActiveQuery(1, "")), [TUPLE]) == (
        Stack(TUPLE, (4, 2, 0, 0)),
        Stack(None, (0, 2, 0, 1)),
    )
    first = ActiveQuery(1, "")
    assert stacks(FOUR, query_in(READ), [first]) == (Stack(first, (0, 2, 0, 0)), Stack(None, (0, 1, 0, 0)))
