"""How waits are drawn: the columns of the wait view's two tables, and what the layers of its chart look like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.models.waits import RUNNING, EventLoad, Layer, QueryLoad
from console.units import percent, rate
from console.widgets.bars import share_bar
from console.widgets.columns import Column
from console.widgets.tones import Tone

Look = tuple[str, Tone]
"""Glyph and tone of a layer: either alone tells it from the others."""

CLASS_LOOKS: dict[str, Look] = {
    RUNNING: ("░", "success"),
    "IO": ("▒", "accent"),
    "Client": (":", "muted"),
    "IPC": ("=", "strong"),
    "Timeout": ("~", "muted"),
    "Extension": ("+", "strong"),
    "LWLock": ("▓", "warning"),
    "BufferPin": ("#", "danger"),
    "Buffer": ("#", "danger"),
    "Lock": ("█", "danger"),
}
"""The classes of waits from the bottom up: work lies lowest, what somebody is in the way of on top."""
OTHER_LOOK: Look = (".", "muted")

PLACE_LOOKS: tuple[Look, ...] = (
    ("█", "accent"),
    ("▓", "warning"),
    ("▒", "success"),
    ("░", "strong"),
    ("=", "danger"),
)
"""Events or statements have layers by their place; there are as many of them, the first on top."""


def keep_places(before: Sequence[Layer | None], most_first: Sequence[Layer]) -> list[Layer | None]:
    """Which of them have a layer, each in the place that it had `before`: to change places is to redraw the chart.

    The first ones have one; who is new takes a place that is free.
    """
    wanted = most_first[: len(PLACE_LOOKS)]
    places = [layer if layer in wanted else None for layer in before] or [None] * len(PLACE_LOOKS)
    for layer in wanted:
        if layer not in places:
            places[places.index(None)] = layer
    return places


@dataclass(frozen=True, slots=True)
class EventRow:
    """A wait event, with its look in the chart where it has a layer."""

    load: EventLoad
    look: Look | None

    @property
    def name(self) -> str:
        """`Lock:tuple`."""
        return str(self.load.event)


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A statement with the text to show, and its look in the chart where it has a layer."""

    load: QueryLoad
    text: str
    look: Look | None


TEXT_BEGINNING = 600
"""Characters of a statement's text that a table can show at all."""


def one_line(text: str) -> str:
    """The beginning of a statement's text on one line."""
    return " ".join(text[:TEXT_BEGINNING].split())


def _waits(row: StatementRow) -> str:
    return ", ".join(f"{wait.event} {percent(wait.load.share, 0)}" for wait in row.load.events)


EVENT_COLUMNS: tuple[Column[EventRow], ...] = (
    Column[EventRow]("look", "", lambda row: row.look or "", 1, priority=8, exact=lambda row: ""),
    Column[EventRow](
        "event",
        "waits for",
        lambda row: row.name,
        20,
        16,
        flexible=True,
        sort=lambda row: row.name,
        priority=10,
    ),
    Column[EventRow](
        "sessions",
        "active",
        lambda row: rate(row.load.load.sessions),
        6,
        align="right",
        sort=lambda row: row.load.load.sessions,
        descending_first=True,
        priority=9,
        exact=lambda row: f"{row.load.load.sessions:.3f}",
    ),
    Column[EventRow](
        "share",
        "share",
        lambda row: percent(row.load.load.share, 0),
        5,
        align="right",
        priority=7,
        exact=lambda row: f"{row.load.load.share:.4f}",
    ),
    Column[EventRow](
        "bar", "", lambda row: share_bar(row.load.load.share, 8), 8, priority=6, exact=lambda row: ""
    ),
)

STATEMENT_COLUMNS: tuple[Column[StatementRow], ...] = (
    Column[StatementRow]("look", "", lambda row: row.look or "", 1, priority=9, exact=lambda row: ""),
    Column[StatementRow](
        "sessions",
        "active",
        lambda row: rate(row.load.load.sessions),
        6,
        align="right",
        sort=lambda row: row.load.load.sessions,
        descending_first=True,
        priority=11,
        exact=lambda row: f"{row.load.load.sessions:.3f}",
    ),
    Column[StatementRow](
        "share",
        "share",
        lambda row: percent(row.load.load.share, 0),
        5,
        align="right",
        priority=10,
        exact=lambda row: f"{row.load.load.share:.4f}",
    ),
    Column[StatementRow]("waits", "mostly", _waits, 28, 18, priority=7, exact=_waits),
    Column[StatementRow](
        "database",
        "database",
        lambda row: row.load.facts.database,
        10,
        8,
        sort=lambda row: row.load.facts.database,
        priority=2,
    ),
    Column[StatementRow](
        "user",
        "user",
        lambda row: row.load.facts.user,
        10,
        6,
        sort=lambda row: row.load.facts.user,
        priority=3,
    ),
    Column[StatementRow](
        "application",
        "application",
        lambda row: row.load.facts.application or ("(unnamed)", "muted"),
        14,
        10,
        sort=lambda row: row.load.facts.application,
        priority=4,
        exact=lambda row: row.load.facts.application,
    ),
    Column[StatementRow](
        "statement",
        "statement",
        lambda row: row.text,
        80,
        20,
        flexible=True,
        sort=lambda row: row.text,
        priority=12,
        share=0.45,
    ),
)
