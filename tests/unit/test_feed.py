"""Feeds: when they ask, what they hand out, and that nothing of them stays behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from console.data.feed import LONGEST_INTERVAL, Feed
from console.errors import ConnectionLost, QueryDenied, QueryFailed
from console.models.reading import Reading
from console.models.server import Link, LinkState
from tests.live import NOON, SteppedClock, until

SOON = 0.001
"""An interval in real seconds that lets a test go on at once."""
NEVER = 3600.0
"""An interval that does not pass during a test."""

APART = timedelta(seconds=2)
"""Between two samples, on the server's clock."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The how-manieth sample it was."""

    at: datetime
    number: int


class Source:
    """A server whose link is set by hand."""

    def __init__(self) -> None:
        self.seconds_on_the_way = 0.0
        self.link = Link(LinkState.LIVE, NOON)
        self.listeners: list[Callable[[], None]] = []

    def on_link_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def become(self, state: LinkState) -> None:
        self.link = Link(state, NOON)
        for listener in list(self.listeners):
            listener()


class Stage:
    """A feed with all that it stands on, and what its watcher was shown."""

    def __init__(self, interval: float, history_seconds: float = 900.0) -> None:
        self.clock = SteppedClock()
        self.source = Source()
        self.asked = 0
        self.takes = 0.0
        """Seconds that the next samples take, on the clock."""
        self.of_which_on_the_way = 0.0
        self.problem: QueryFailed | ConnectionLost | None = None
        self.held: asyncio.Event | None = None
        """While it is there and not set, samples wait for it."""
        self.shown: list[Reading[Snapshot]] = []
        self.feed: Feed[Snapshot] = Feed(
            self.source,
            self.sample,
            interval,
            point=lambda snapshot: {"number": float(snapshot.number)},
            history_seconds=history_seconds,
            clock=self.clock,
        )

    async def sample(self) -> Snapshot:
        self.asked += 1
        if self.held is not None:
            await self.held.wait()
        self.clock.seconds += self.takes
        self.source.seconds_on_the_way += self.of_which_on_the_way
        if self.problem is not None:
            raise self.problem
        return Snapshot(NOON + (self.asked - 1) * APART, self.asked)

    def watch(self) -> Callable[[], None]:
        return self.feed.watch(self.shown.append)

    @property
    def numbers(self) -> list[int]:
        """The snapshots that were shown, each once."""
        numbers = [reading.snapshot.number for reading in self.shown if reading.snapshot]
        return list(dict.fromkeys(numbers))

    async def sampled(self, number: int) -> None:
        """Waits until that many samples have been asked for, and the last of them shown."""
        await until(lambda: self.asked >= number and self.numbers[-1:] == [self.asked])


@asynccontextmanager
async def staged(interval: float, history_seconds: float = 900.0) -> AsyncIterator[Stage]:
    """A stage whose feed is closed at the end, after which no task is left."""
    before = asyncio.all_tasks()
    stage = Stage(interval, history_seconds)
    try:
        yield stage
    finally:
        await stage.feed.close()
    assert asyncio.all_tasks() <= before
    assert stage.source.listeners == []


async def test_a_first_look_is_shown_before_the_first_sample_and_never_again() -> None:
    async with staged(2.0) as stage:
        looked = 0

        async def look() -> Snapshot:
            nonlocal looked
            looked += 1
            return Snapshot(NOON, 0)

        feed = Feed(stage.source, stage.sample, 60.0, first_look=look)
        stop = feed.watch(stage.shown.append)
        await until(lambda: stage.numbers == [0, 1])
        feed.sample_now()
        await until(lambda: stage.numbers == [0, 1, 2])
        stop()
        await feed.close()
        assert looked == 1


async def time_passes() -> None:
    """Lets as much time pass as several samples at the short interval need."""
    async with staged(SOON) as other:
        other.watch()
        await other.sampled(5)


async def test_asks_only_while_somebody_watches() -> None:
    async with staged(SOON) as stage:
        await time_passes()
        assert (stage.asked, stage.feed.is_watched) == (0, False)
        unwatch = stage.watch()
        await stage.sampled(3)
        unwatch()
        asked = stage.asked
        await time_passes()
        assert (stage.asked, stage.feed.is_watched) == (asked, False)
        assert stage.source.listeners == [], "nobody watches, so the link is nothing to it"
        stage.watch()
        await stage.sampled(asked + 1)


async def test_a_watcher_is_shown_at_once_what_there_is() -> None:
    async with staged(NEVER) as stage:
        stage.watch()
        assert stage.shown[0].snapshot is None
        await stage.sampled(1)
        late: list[Reading[Snapshot]] = []
        stage.feed.watch(late.append)
        assert late[0].snapshot is stage.shown[-1].snapshot


async def test_two_watchers_cost_one_question() -> None:
    async with staged(NEVER) as stage:
        stage.held = asyncio.Event()
        stage.watch()
        second: list[Reading[Snapshot]] = []
        unwatch = stage.feed.watch(second.append)
        await until(lambda: stage.asked == 1)
        stage.held.set()
        await stage.sampled(1)
        assert second[-1] == stage.shown[-1]
        unwatch()
        stage.feed.sample_now()
        await stage.sampled(2)
        assert second[-1].snapshot == Snapshot(NOON, 1)


async def test_paused_it_asks_only_when_told_to() -> None:
    async with staged(SOON) as stage:
        stage.watch()
        await stage.sampled(1)
        stage.feed.paused = True
        assert stage.shown[-1].paused
        asked = stage.asked
        await time_passes()
        assert stage.asked == asked
        stage.feed.sample_now()
        await stage.sampled(asked + 1)
        await time_passes()
        assert stage.asked == asked + 1, "one question, and then it stands still again"
        stage.feed.paused = False
        await stage.sampled(asked + 2)
        assert not stage.shown[-1].paused


async def test_the_interval_follows_a_slow_server_and_recovers() -> None:
    async with staged(2.0) as stage:
        stage.takes = 0.5
        stage.watch()
        await stage.sampled(1)
        assert stage.shown[-1].interval == 5.0, "so that a sample takes a tenth of the time"
        assert stage.feed.interval == 2.0, "what the person wants has not changed"
        stage.takes = 90.0
        stage.feed.sample_now()
        await stage.sampled(2)
        assert stage.shown[-1].interval == LONGEST_INTERVAL
        stage.takes, stage.of_which_on_the_way = 90.0, 89.9
        stage.feed.sample_now()
        await stage.sampled(3)
        assert stage.shown[-1].interval == 2.0, "being far away is no load"


async def test_another_interval_counts_from_now() -> None:
    async with staged(NEVER) as stage:
        stage.watch()
        await stage.sampled(1)
        stage.feed.interval = SOON
        assert stage.shown[-1].interval == SOON
        await stage.sampled(3)


async def test_history_is_kept_for_its_time_and_no_longer() -> None:
    async with staged(SOON, history_seconds=10.0) as stage:
        stage.watch()
        await stage.sampled(20)
        history = stage.feed.reading.history
    # Two seconds apart, so six fit into ten seconds.
    newest = history[-1].values["number"]
    assert newest is not None
    assert newest >= 20
    assert [point.values["number"] for point in history] == [newest - back for back in range(5, -1, -1)]


async def test_a_lost_link_keeps_the_last_snapshot_and_leaves_a_gap() -> None:
    async with staged(NEVER) as stage:
        stage.watch()
        await stage.sampled(1)
        stage.problem = ConnectionLost()
        stage.feed.sample_now()
        await until(lambda: stage.asked == 2)
        stage.source.become(LinkState.LOST)
        stage.source.become(LinkState.LOST)  # another try has failed
        last = stage.shown[-1]
        assert last.snapshot == Snapshot(NOON, 1)
        assert (last.taken_at, last.problem, last.is_live) == (NOON, None, False)
        stage.feed.sample_now()
        await time_passes()
        assert stage.asked == 2, "there is nobody to ask"

        stage.problem = None
        stage.source.become(LinkState.LIVE)
        await stage.sampled(3)
        values = [dict(point.values) for point in stage.feed.reading.history]
        assert values == [{"number": 1.0}, {}, {"number": 3.0}], "one gap, however many tries"
        assert stage.shown[-1].is_live


async def test_what_nobody_watched_is_a_gap_too() -> None:
    async with staged(NEVER) as stage:
        unwatch = stage.watch()
        await stage.sampled(1)
        unwatch()
        await until(lambda: stage.source.listeners == [])
        stage.watch()
        await stage.sampled(2)
        assert [bool(point.values) for point in stage.feed.reading.history] == [True, False, True]


async def test_a_failed_sample_is_said_and_tried_again() -> None:
    async with staged(SOON) as stage:
        stage.watch()
        await stage.sampled(1)
        stage.problem = QueryFailed("The server says: no.")
        await until(lambda: stage.shown[-1].problem == "The server says: no.")
        failed = stage.shown[-1]
        assert failed.snapshot is not None
        assert not failed.is_live
        stage.problem = None
        await stage.sampled(stage.asked + 1)
        assert stage.shown[-1].problem is None


async def test_what_was_denied_is_not_asked_again_until_somebody_wants_it() -> None:
    async with staged(SOON) as stage:
        stage.problem = QueryDenied("The server says: permission denied.")
        stage.watch()
        await until(lambda: stage.shown[-1].problem is not None)
        await time_passes()
        assert stage.asked == 1
        stage.feed.sample_now()
        await until(lambda: stage.asked == 2)
        await time_passes()
        assert stage.asked == 2
        stage.problem = None
        stage.source.become(LinkState.LIVE)  # another connection, perhaps another role's grants
        await stage.sampled(3)


async def test_closing_ends_a_question_that_is_under_way() -> None:
    async with staged(SOON) as stage:
        stage.held = asyncio.Event()
        stage.watch()
        await until(lambda: stage.asked == 1)
    assert stage.numbers == []
    assert not stage.feed.is_watched


async def test_snapshots_come_in_order_and_none_twice() -> None:
    async with staged(SOON) as stage:
        stage.watch()
        await stage.sampled(8)
    assert all(earlier < later for earlier, later in pairwise(stage.numbers))
