"""What the wait view shows of the samples: how far back, of which event or statement, in which layers and rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from console.data.loads import Tally, event_of, newest, query_in, stacks, wait_class
from console.models.waits import (
    OTHER_QUERIES,
    ActiveQuery,
    EventLoad,
    Layer,
    WaitEvent,
    WaitSample,
    WaitsSnapshot,
)
from console.screens.waits_columns import (
    CLASS_LOOKS,
    OTHER_LOOK,
    PLACE_LOOKS,
    EventRow,
    Look,
    StatementRow,
    keep_places,
    one_line,
)
from console.units import MINUTE, duration
from console.widgets.stacks import SOLID
from console.widgets.stacks import Layer as ChartLayer

SPANS: tuple[float | None, ...] = (5.0 * MINUTE, None, 1.0 * MINUTE)
"""How far back is looked, in seconds; None is as far as there are samples."""
CHART_SPANS = (60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0, 4 * 3600.0)
"""What the chart shows, in seconds: the first that there is no more than."""
NAME_WIDTH = 24
"""Characters of a statement's text that name its layer."""

Texts = Callable[[int], str | None]
"""The text of a `query_id`, None where nobody knows it."""


@dataclass(frozen=True, slots=True)
class LookedAt:
    """What of the samples is looked at: everything, the statements of one event, or the events of one statement."""

    span: float | None = SPANS[0]
    """How far back, in seconds; None is as far as there are samples."""
    event: WaitEvent | None = None
    query: ActiveQuery | None = None
    """With an event it was chosen among the statements of that event, which stay in sight."""


@dataclass(frozen=True, slots=True)
class WaitsView:
    """All that the wait view shows."""

    samples: Sequence[WaitSample]
    subject: str
    """What is looked at, in words."""
    statement: str
    """The text of the statement that is looked at, else ""."""
    sessions: float
    """Active on average in what is looked at."""
    layers: tuple[ChartLayer, ...]
    """From the bottom up."""
    places: tuple[Layer | None, ...]
    """What has which place in the chart, to be given to the next `view_of`."""
    events: tuple[EventRow, ...]
    statements: tuple[StatementRow, ...]

    @property
    def age(self) -> float:
        """Seconds from the oldest sample to the newest."""
        return (self.samples[-1].at - self.samples[0].at).total_seconds() if self.samples else 0.0

    @property
    def chart_span(self) -> float:
        """Seconds that the chart is to show."""
        return next((span for span in CHART_SPANS if span >= self.age), CHART_SPANS[-1])


def view_of(
    snapshot: WaitsSnapshot,
    looked_at: LookedAt,
    texts: Texts,
    places: Sequence[Layer | None] = (),
    *,
    solid: bool = False,
) -> WaitsView:
    """What there is to show; `places` are those of the view before, if it looked at the same.

    With `solid` layers differ by their colours alone, and their edges are exact.
    """
    samples = newest(snapshot.samples, looked_at.span)
    tally = Tally.of(samples)
    about = tally.of_query(looked_at.query) if looked_at.query else tally
    events, queries = about.events(), tally.queries(snapshot.queries, looked_at.event)
    names = {one.query: _text(one.query, snapshot, texts) for one in queries}

    if looked_at.query is not None:
        subject, layer_of = "one statement · by wait", event_of(looked_at.query)
        places = keep_places(places, [one.event for one in events])
        looks = _looks(places)
    elif looked_at.event is not None:
        subject, layer_of = f"{looked_at.event} · by statement", query_in(looked_at.event)
        places = keep_places(places, [one.query for one in queries])
        looks = _looks(places)
        about = tally.in_event(looked_at.event)
    else:
        subject, layer_of = "all waits", wait_class
        looks = _class_looks(events)
    other = OTHER_LOOK
    if solid:
        looks = {layer: (SOLID, tone) for layer, (_, tone) in looks.items()}
        other = (SOLID, OTHER_LOOK[1])
    layers = []
    for stack in stacks(samples, layer_of, list(looks)):
        fill, tone = looks[stack.of] if stack.of is not None else other
        layers.append(ChartLayer(_layer_name(stack.of, names), stack.values, fill, tone))
    return WaitsView(
        samples=samples,
        subject=subject,
        statement=_text(looked_at.query, snapshot, texts) if looked_at.query else "",
        sessions=about.sessions,
        layers=tuple(reversed(layers)),
        places=tuple(places),
        events=tuple([EventRow(one, _event_look(one.event, looks)) for one in events]),
        statements=tuple([StatementRow(one, names[one.query], looks.get(one.query)) for one in queries]),
    )


def _text(query: ActiveQuery, snapshot: WaitsSnapshot, texts: Texts) -> str:
    """The text of a statement on one line, normalised where it is known so; for one long gone what names it."""
    if query == OTHER_QUERIES:
        return "(other statements)"
    known = texts(query.query_id) if query.query_id is not None else None
    facts = snapshot.queries.get(query)
    return one_line(known or (facts.text if facts is not None else query.beginning))


def _looks(places: Sequence[Layer | None]) -> dict[Layer, Look]:
    """What has a layer, from the top down, with its look."""
    return {layer: look for layer, look in zip(places, PLACE_LOOKS, strict=True) if layer is not None}


def _class_looks(events: Sequence[EventLoad]) -> dict[Layer, Look]:
    """Every class that is there, from the top down, with its look."""
    kinds = {one.event.kind for one in events}
    return {WaitEvent(kind, ""): look for kind, look in reversed(CLASS_LOOKS.items()) if kind in kinds}


def _event_look(event: WaitEvent, looks: Mapping[Layer, Look]) -> Look | None:
    return looks.get(event) or looks.get(WaitEvent(event.kind, ""))


def _layer_name(layer: Layer | None, names: Mapping[ActiveQuery, str]) -> str:
    if layer is None:
        return "other"
    if isinstance(layer, WaitEvent):
        return str(layer)
    name = names[layer]
    return name if len(name) <= NAME_WIDTH else name[: NAME_WIDTH - 1] + "…"


def span_in_words(span: float | None, age: float) -> str:
    """`last 5 min`, or how long there have been samples."""
    return f"last {duration(age)}" if span is None else f"last {span / MINUTE:.0f} min"
