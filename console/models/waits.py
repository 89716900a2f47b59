"""What the server's sessions were busy with or waited for, sampled once a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from console.models.health import Vitals

RUNNING = "running"
"""The class of a session that works and waits for nothing: on a processor, or in line for one."""


class WaitEvent(NamedTuple):
    """`wait_event_type` and `wait_event` of `pg_stat_activity`; a session that waits for nothing is `RUNNING`."""

    kind: str
    name: str

    def __str__(self) -> str:
        """`Lock:tuple`, or `running`."""
        return f"{self.kind}:{self.name}" if self.name else self.kind


class ActiveQuery(NamedTuple):
    """What names a statement among the active sessions.

    Without a `query_id` (before PostgreSQL 14, or with `compute_query_id` off) the beginning of its text does,
    without the values in it.
    """

    query_id: int | None
    beginning: str
    """What begins the text where there is no `query_id`, else ""."""


OTHER_QUERIES = ActiveQuery(None, "")
"""Stands for statements that are too many to be told apart, and for those without a text."""


@dataclass(frozen=True, slots=True)
class QueryFacts:
    """What is known of an active statement."""

    text: str
    """The beginning of its text, as the session ran it in which it was first seen."""
    user: str
    database: str
    application: str


class Activity(NamedTuple):
    """Sessions that were doing the same thing at one moment."""

    query: ActiveQuery
    event: WaitEvent
    user: str
    database: str
    application: str
    sessions: int
    """How many; over several samples their sum."""


@dataclass(frozen=True, slots=True)
class WaitSample:
    """All active sessions but the console's own at one moment of the server's clock."""

    at: datetime
    activities: tuple[Activity, ...]


@dataclass(frozen=True, slots=True)
class WaitsSnapshot:
    """The samples so far, oldest first."""

    at: datetime
    server_ms: float
    samples: tuple[WaitSample, ...]
    queries: Mapping[ActiveQuery, QueryFacts]
    """Every statement of the samples."""
    hidden_sessions: int
    """Sessions at the last sample whose state this role may not see."""
    vitals: Vitals | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """How many sessions on average were in something, over the span that was asked about."""

    sessions: float
    """Average active sessions."""
    share: float
    """Of the active sessions that were asked about, 0 to 1."""


@dataclass(frozen=True, slots=True)
class EventLoad:
    """A wait event and the load of it."""

    event: WaitEvent
    load: Load


@dataclass(frozen=True, slots=True)
class QueryLoad:
    """A statement, its load, who ran it most, and what it waited for."""

    query: ActiveQuery
    facts: QueryFacts
    load: Load
    events: tuple[EventLoad, ...]
    """Most first; the shares are of this statement's own load."""


Layer = WaitEvent | ActiveQuery
"""What a layer of a stacked chart stands for; a `WaitEvent` without a name is its whole class."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One layer of a stacked chart."""

    of: Layer | None
    """None: everything that has no layer of its own."""
    values: tuple[int, ...]
    """Active sessions, one number for each sample."""
