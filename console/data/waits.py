"""What the sessions of a server wait for, sampled while somebody looks."""

from __future__ import annotations

import re
from collections import deque
from datetime import timedelta
from functools import lru_cache
from sys import intern
from typing import Any, Generic, TypeVar

from console.data.server import Server
from console.models.waits import (
    OTHER_QUERIES,
    RUNNING,
    ActiveQuery,
    Activity,
    QueryFacts,
    WaitEvent,
    WaitSample,
    WaitsSnapshot,
)

T = TypeVar("T")

QUERY_BEGINNING = 240
"""Characters of a statement's text that are kept."""
MOST_SAMPLES = 3600
"""Kept at most, however long the history is to be: an hour of a sample every second."""
MOST_QUERIES = 2000
"""Statements that are told apart at a time; what else comes is counted as `OTHER_QUERIES`."""


class WaitsService:
    """Keeps the samples that the wait view asks for, one round trip each."""

    def __init__(self, server: Server, history_seconds: float) -> None:
        self._server = server
        self._history = timedelta(seconds=history_seconds)
        self._samples: deque[WaitSample] = deque()
        self._activities = _Mentioned[Activity]()
        self._queries = _Mentioned[ActiveQuery]()
        self._facts: dict[ActiveQuery, QueryFacts] = {}

    async def sample(self) -> WaitsSnapshot:
        """The samples so far with a new one of this moment. A pause in asking is a gap between two of them.

        Raises `ConnectionLost`, `QueryTimedOut` or another `QueryFailed`.
        """
        rows = await self._server.fetch("active_sessions", QUERY_BEGINNING)
        last = rows.pop()
        at = last["at"]
        # A server that took over from another may have a clock that is behind.
        while self._samples and self._samples[-1].at >= at:
            self._forget(self._samples.pop())
        while self._samples and (
            self._samples[0].at <= at - self._history or len(self._samples) >= MOST_SAMPLES
        ):
            self._forget(self._samples.popleft())
        self._samples.append(WaitSample(at, tuple([self._activity(row) for row in rows])))
        return WaitsSnapshot(
            at=at,
            server_ms=last["server_ms"],
            samples=tuple(self._samples),
            queries=dict(self._facts),
            hidden_sessions=last["hidden_sessions"],
        )

    def _activity(self, row: Any) -> Activity:
        user, database = intern(row["usename"] or ""), intern(row["datname"] or "")
        application = intern(row["application_name"] or "")
        text = row["query"] or ""
        query = _named(row["query_id"], text)
        if query not in self._facts and len(self._facts) >= MOST_QUERIES:
            query, text = OTHER_QUERIES, ""
        event = _event(row["wait_event_type"], row["wait_event"])
        activity = self._activities.mention(
            Activity(self._queries.mention(query), event, user, database, application, row["sessions"])
        )
        if query not in self._facts:
            self._facts[activity.query] = QueryFacts(text, user, database, application)
        return activity

    def _forget(self, sample: WaitSample) -> None:
        for activity in sample.activities:
            self._activities.drop(activity)
            if self._queries.drop(activity.query):
                del self._facts[activity.query]


class _Mentioned(Generic[T]):
    """One object for each value, however often the samples mention it, for as long as one does."""

    def __init__(self) -> None:
        self._known: dict[T, list[Any]] = {}
        """Each value's one object, and how often it is mentioned."""

    def mention(self, value: T) -> T:
        """The one object that is equal to `value`."""
        known = self._known.setdefault(value, [value, 0])
        known[1] += 1
        one: T = known[0]
        return one

    def drop(self, value: T) -> bool:
        """Takes a mention back; True if it was the last one."""
        known = self._known[value]
        known[1] -= 1
        if known[1]:
            return False
        del self._known[value]
        return True


@lru_cache(maxsize=1024)
def _event(kind: str | None, name: str | None) -> WaitEvent:
    return WaitEvent(kind, name or "") if kind else WaitEvent(RUNNING, "")


def _named(query_id: int | None, text: str) -> ActiveQuery:
    return ActiveQuery(None, without_literals(text)) if query_id is None else ActiveQuery(query_id, "")


_TOKENS = re.compile(
    r"""
    (?=["\-/'$\d]) (?:                                    # (much faster than to try all that at each letter)
      (?P<kept> "[^"]*" )                                 # a name
    | (?P<dropped> --[^\n]* | /\*.*?(?:\*/|\Z) )          # a comment, or the beginning of one that was cut off
    | (?P<literal>
          (?<=\b[eE])'(?:\\.|[^'\\])*(?:'|\Z)             # strings, or beginnings of them
        | '[^']*(?:'|\Z)                                  # ('' makes two of one: lists are folded below)
        | \$(?P<tag>[^\W\d]\w*|)\$.*?(?:\$(?P=tag)\$|\Z)
        | (?<![\w$.])\d[\w.]*                             # a number, but no part of a name, nor a parameter
      )
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_LISTS = re.compile(r"\?(?:\s*,?\s*\?)+")


@lru_cache(maxsize=1024)
def without_literals(text: str) -> str:
    """A statement's text without comments, and with `?` for each of its strings and numbers or a list of them.

    Without a `query_id` this is what tells that two sessions run the same statement.
    """
    return _LISTS.sub("?", _TOKENS.sub(_token, text)).strip()


def _token(match: re.Match[str]) -> str:
    return match["kept"] or ("?" if match["literal"] else " ")
