"""What samples of the active sessions say: which waits, in which statements, and how both went over time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import TypeVar

from console.models.waits import (
    ActiveQuery,
    Activity,
    EventLoad,
    Layer,
    Load,
    QueryFacts,
    QueryLoad,
    Stack,
    WaitEvent,
    WaitSample,
)

K = TypeVar("K")


def newest(samples: Sequence[WaitSample], seconds: float | None) -> Sequence[WaitSample]:
    """The samples of the last `seconds` before the newest one; None is all of them."""
    if seconds is None or not samples:
        return samples
    oldest = samples[-1].at - timedelta(seconds=seconds)
    first = next(index for index, sample in enumerate(samples) if sample.at > oldest)
    return samples[first:]


@dataclass(frozen=True, slots=True)
class Tally:
    """Samples added up: what sessions did, each thing once, with the sum of its sessions over all samples."""

    samples: int
    activities: tuple[Activity, ...]

    @classmethod
    def of(cls, samples: Sequence[WaitSample]) -> Tally:
        """Adds up."""
        activities = list(chain.from_iterable([sample.activities for sample in samples]))
        # Samples share their activities: to count objects is much faster than to hash what they hold.
        mentions = Counter(map(id, activities))
        sums: dict[tuple[object, ...], int] = defaultdict(int)
        for number, activity in dict(zip(map(id, activities), activities, strict=True)).items():
            sums[activity[:-1]] += activity.sessions * mentions[number]
        return cls(
            len(samples), tuple([Activity._make((*what, sessions)) for what, sessions in sums.items()])
        )

    @property
    def sessions(self) -> float:
        """Active sessions on average."""
        return self._average(sum(activity.sessions for activity in self.activities))

    def in_event(self, event: WaitEvent) -> Tally:
        """Only what was in this event; one without a name is its whole class."""
        return Tally(self.samples, tuple([a for a in self.activities if is_in(a.event, event)]))

    def of_query(self, query: ActiveQuery) -> Tally:
        """Only what this statement did."""
        return Tally(self.samples, tuple([a for a in self.activities if a.query == query]))

    def events(self) -> tuple[EventLoad, ...]:
        """The wait events, most load first; the shares are of this tally."""
        sums: dict[WaitEvent, int] = defaultdict(int)
        for activity in self.activities:
            sums[activity.event] += activity.sessions
        whole = sum(sums.values())
        return tuple([EventLoad(event, self._load(sums[event], whole)) for event in _most_first(sums)])

    def queries(
        self, facts: Mapping[ActiveQuery, QueryFacts], event: WaitEvent | None = None
    ) -> tuple[QueryLoad, ...]:
        """The statements, most load first, with all that each waited for.

        With `event` only those that were in it, and only their load in it; a class likewise.
        """
        loads: dict[ActiveQuery, int] = defaultdict(int)
        doings: dict[ActiveQuery, list[Activity]] = defaultdict(list)
        for activity in self.activities:
            doings[activity.query].append(activity)
            if event is None or is_in(activity.event, event):
                loads[activity.query] += activity.sessions
        whole = sum(loads.values())
        return tuple(
            [
                QueryLoad(
                    query,
                    _run_by(facts[query], doings[query]),
                    self._load(loads[query], whole),
                    Tally(self.samples, tuple(doings[query])).events(),
                )
                for query in _most_first(loads)
            ]
        )

    def _average(self, sessions: int) -> float:
        return sessions / self.samples if self.samples else 0.0

    def _load(self, sessions: int, whole: int) -> Load:
        return Load(self._average(sessions), sessions / whole if whole else 0.0)


def is_in(event: WaitEvent, wanted: WaitEvent) -> bool:
    """Whether an event is the one wanted, or of the class where that has no name."""
    return event == wanted if wanted.name else event.kind == wanted.kind


def _most_first(sums: Mapping[K, int]) -> list[K]:
    """The keys, of equal ones always the same first, so that a table stands still."""
    return sorted(sums, key=lambda key: (-sums[key], str(key)))


def _run_by(facts: QueryFacts, activities: Sequence[Activity]) -> QueryFacts:
    """The facts with the user, the database and the application that ran it most."""
    sums: dict[tuple[str, str, str], int] = defaultdict(int)
    for activity in activities:
        sums[activity.user, activity.database, activity.application] += activity.sessions
    user, database, application = _most_first(sums)[0]
    return QueryFacts(facts.text, user, database, application)


def stacks(
    samples: Sequence[WaitSample], layer_of: Callable[[Activity], Layer | None], layers: Sequence[Layer]
) -> tuple[Stack, ...]:
    """A stack for each of the `layers`, in their order, and one for the rest if there was any.

    `layer_of` says to which layer an activity belongs; None leaves it out.
    """
    rest = len(layers)
    rows: dict[Layer | None, int] = {layer: row for row, layer in enumerate(layers)}
    rows[None] = rest + 1  # of what is left out
    values = [[0] * len(samples) for _ in range(rest + 2)]
    row_of: dict[int, int] = {}  # samples share their activities
    for index, sample in enumerate(samples):
        for activity in sample.activities:
            row = row_of.get(id(activity))
            if row is None:
                row = row_of[id(activity)] = rows.get(layer_of(activity), rest)
            values[row][index] += activity[-1]
    found: list[Layer | None] = [*layers, *([None] if any(values[rest]) else [])]
    return tuple([Stack(layer, tuple(numbers)) for layer, numbers in zip(found, values, strict=False)])


def wait_class(activity: Activity) -> Layer:
    """The layer of an activity where each class of waits has one."""
    return WaitEvent(activity.event.kind, "")


def event_of(query: ActiveQuery) -> Callable[[Activity], Layer | None]:
    """The layer of an activity where each event of one statement has one."""
    return lambda activity: activity.event if activity.query == query else None


def query_in(event: WaitEvent) -> Callable[[Activity], Layer | None]:
    """The layer of an activity where each statement in one event, or in one class, has one."""
    return lambda activity: activity.query if is_in(activity.event, event) else None
