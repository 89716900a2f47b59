"""Samples what is being watched, on an interval, and hands frozen readings to whoever watches.

A feed asks only while somebody watches it. It slows down by itself when a sample takes more than a tenth of its
interval, waits out a lost link, and cannot tell a live server from a recording: both are a `Source`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from console.clock import SYSTEM_CLOCK, Clock
from console.errors import ConnectionLost, QueryDenied, QueryFailed
from console.models.reading import Point, Reading
from console.models.server import Link, LinkState


class Dated(Protocol):
    """A snapshot: whatever it holds, it knows the server's time."""

    @property
    def at(self) -> datetime:
        """When it was taken, on the server's clock."""


S = TypeVar("S", bound=Dated)
SHARE = 10
"""A sample may take up to this part of the interval, before the interval grows."""
LONGEST_INTERVAL = 60.0
MOST_POINTS = 7200
"""What the history keeps at most, however long it is to be: four hours of a point every 2 s."""


class Source(Protocol):
    """Where samples come from: a live server, or a recording of one."""

    @property
    def link(self) -> Link:
        """How things stand now."""

    @property
    def seconds_on_the_way(self) -> float:
        """How long all questions and answers were under way so far: what is far away is not slow."""

    def on_link_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Has `listener` called at every change of the link; what is returned ends that."""


class Feed(Generic[S]):
    """One kind of snapshot, sampled while it is watched."""

    def __init__(
        self,
        source: Source,
        sample: Callable[[], Awaitable[S]],
        interval: float,
        *,
        first_look: Callable[[], Awaitable[S]] | None = None,
        point: Callable[[S], Mapping[str, float | None]] = lambda _snapshot: {},
        history_seconds: float = 900.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """`first_look` takes less time than a sample, and comes before the very first one."""
        self._source = source
        self._sample = sample
        self._first_look = first_look
        self._wanted_interval = interval
        self._interval = interval
        self._point = point
        self._history: deque[Point] = deque(maxlen=MOST_POINTS)
        self._history_seconds = history_seconds
        self._clock = clock
        self._snapshot: S | None = None
        self._taken_at: datetime | None = None
        self._problem: str | None = None
        self._paused = False
        self._denied = False
        self._wanted_now = False
        self._watchers: list[Callable[[Reading[S]], None]] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._forget_link: Callable[[], None] = _nothing

    @property
    def reading(self) -> Reading[S]:
        """The newest snapshot, and how things stand."""
        return Reading(
            self._snapshot,
            self._taken_at,
            self._source.link,
            self._interval,
            tuple(self._history),
            self._problem,
            self._paused,
        )

    @property
    def is_watched(self) -> bool:
        """Whether anybody looks; only then does it ask."""
        return bool(self._watchers)

    def watch(self, watcher: Callable[[Reading[S]], None]) -> Callable[[], None]:
        """Has `watcher` called with every new reading, and once with the present one; what is returned ends that."""
        self._watchers.append(watcher)
        if self._task is None:
            self._leave_gap()  # for the time that nobody watched
            self._forget_link = self._source.on_link_change(self._link_changed)
            self._task = asyncio.create_task(self._run(), name="feed")
        watcher(self.reading)
        return lambda: self._unwatch(watcher)

    def sample_now(self) -> None:
        """Samples at once, also while paused."""
        self._denied = False
        self._wanted_now = True
        self._wake.set()

    @property
    def paused(self) -> bool:
        """Whether the picture stands still because a person wanted it to."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._paused = paused
        self._tell()
        if not paused:
            self._wake.set()

    @property
    def interval(self) -> float:
        """Seconds between samples, as a person wants them; a slow server may make them longer."""
        return self._wanted_interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        self._wanted_interval = self._interval = seconds
        self._tell()
        self._wake.set()

    async def close(self) -> None:
        """Stops, whoever watches; a question that is under way is cancelled on the server."""
        self._watchers.clear()
        await self._stop()

    def _unwatch(self, watcher: Callable[[Reading[S]], None]) -> None:
        with suppress(ValueError):
            self._watchers.remove(watcher)
        if not self._watchers:
            self._wake.set()

    async def _stop(self) -> None:
        task, self._task = self._task, None
        self._let_go()
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _let_go(self) -> None:
        forget, self._forget_link = self._forget_link, _nothing
        forget()

    def _link_changed(self) -> None:
        self._denied = False
        if self._source.link.state is LinkState.LOST:
            self._leave_gap()
        self._tell()
        self._wake.set()

    def _leave_gap(self) -> None:
        """Lets the charts show that nothing is known after the last point."""
        if self._history and self._history[-1].values:
            self._remember(Point(self._history[-1].at, {}))

    def _remember(self, point: Point) -> None:
        self._history.append(point)
        oldest = point.at - timedelta(seconds=self._history_seconds)
        while self._history[0].at < oldest:
            self._history.popleft()

    def _tell(self) -> None:
        reading = self.reading
        for watcher in list(self._watchers):
            watcher(reading)

    async def _run(self) -> None:
        """Samples and waits, as long as anybody watches; ends by itself after the last one has gone."""
        while self._watchers:
            self._wake.clear()
            wanted, self._wanted_now = self._wanted_now, False
            if self._may_ask and (wanted or not self._paused):
                if self._snapshot is None and self._first_look is not None:
                    await self._take(self._first_look)
                await self._take(self._sample)
            pause = self._interval if self._may_ask and not self._paused else None
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()
        self._task = None
        self._let_go()

    @property
    def _may_ask(self) -> bool:
        return not self._denied and self._source.link.state is LinkState.LIVE

    async def _take(self, sample: Callable[[], Awaitable[S]]) -> None:
        began, on_the_way = self._clock.monotonic(), self._source.seconds_on_the_way
        try:
            snapshot = await sample()
        except ConnectionLost:
            return  # the link has changed, and said so
        except QueryFailed as problem:
            self._problem = problem.sentence
            self._denied = isinstance(problem, QueryDenied)
        else:
            self._snapshot, self._taken_at, self._problem = snapshot, self._clock.now(), None
            self._remember(Point(snapshot.at, self._point(snapshot)))
        took = self._clock.monotonic() - began - (self._source.seconds_on_the_way - on_the_way)
        self._interval = min(LONGEST_INTERVAL, max(self._wanted_interval, took * SHARE))
        self._tell()


def _nothing() -> None:
    """There is no listening to end."""
