"""What a statement did over time, in stretches of `TREND_SECONDS`."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from datetime import UTC, datetime

from console.models.statements import TREND_SECONDS, TrendPoint

SHOWN = 12
"""Stretches in a row of the table."""


def stretch_of(moment: datetime) -> int:
    """The number of the stretch that a moment falls into."""
    return int(moment.timestamp() // TREND_SECONDS)


def overlaps(start: datetime, end: datetime) -> Iterator[tuple[int, float]]:
    """The stretches between two moments, each with the share of that time that it has."""
    first, last = start.timestamp(), end.timestamp()
    length = last - first
    if length <= 0:  # another server's clock
        yield stretch_of(end), 1.0
        return
    for number in range(stretch_of(start), stretch_of(end) + 1):
        begins = number * TREND_SECONDS
        yield number, (min(last, begins + TREND_SECONDS) - max(first, begins)) / length


class Trend:
    """Execution time and calls in each stretch, from the first in which there were any; 8 bytes a stretch."""

    __slots__ = ("_calls", "_first", "_seconds")

    def __init__(self, stretch: int) -> None:
        self._first = stretch
        self._seconds = array("f")
        self._calls = array("f")

    def add(self, stretch: int, seconds: float, calls: float, most: int) -> None:
        """Counts what came in a stretch; of the stretches before, `most` are kept."""
        index = stretch - self._first
        if index < 0:  # a trend begins with its first stretch
            return
        if index >= len(self._seconds) + most:
            self._first, index = stretch, 0
            del self._seconds[:], self._calls[:]
        gap = array("f", bytes(4 * max(0, index + 1 - len(self._seconds))))
        self._seconds += gap
        self._calls += gap
        self._seconds[index] += seconds
        self._calls[index] += calls
        if (over := len(self._seconds) - most) > 0:
            del self._seconds[:over], self._calls[:over]
            self._first += over

    def running(self, now: datetime) -> tuple[float, ...]:
        """How many were running on average in the last `SHOWN` stretches, the one that is under way last."""
        last = stretch_of(now)
        return tuple([self._seconds_of(n) / _length(n, now) for n in range(last - SHOWN + 1, last + 1)])

    def points(self, now: datetime, since: datetime) -> Iterator[TrendPoint]:
        """Every stretch from `since` to `now` that is kept."""
        for number in range(max(self._first, stretch_of(since)), stretch_of(now) + 1):
            length = _length(number, now)
            index = number - self._first
            calls = self._calls[index] if index < len(self._calls) else 0.0
            seconds = self._seconds_of(number)
            yield TrendPoint(
                datetime.fromtimestamp(number * TREND_SECONDS, UTC),
                calls / length,
                seconds / calls if calls else None,
                seconds / length,
            )

    def _seconds_of(self, number: int) -> float:
        index = number - self._first
        return self._seconds[index] if 0 <= index < len(self._seconds) else 0.0


def _length(number: int, now: datetime) -> float:
    """Seconds of a stretch that have passed; a little at least, for the one that has just begun."""
    return min(float(TREND_SECONDS), max(1.0, now.timestamp() - number * TREND_SECONDS))
