"""The lines above and below the map."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from textual.content import Content

from console.models.pictures import Source
from console.screens.spatial_drawing import Path, Rectangle
from console.screens.spatial_layers import LayerStack, ShownLayer, srid_in_words
from console.screens.spatial_text import measure_in_words, named_in_words
from console.terminal.safe_text import visible
from console.units import compact, count
from console.widgets.map_scale import place_in_words, scale_bar, zoom_in_words

if TYPE_CHECKING:
    from console.models.map_view import MapView
    from console.screens.spatial_map import MapPane

MOST_NOTES = 2

_SOURCES = {
    Source.EXACT: "exact",
    Source.SAMPLE: "~ sample",
    Source.STATISTICS: "~ statistics",
    Source.PYRAMID: "pyramid",
}


def layer_line(active: ShownLayer, *, is_wide: bool) -> Content:
    """What keys are about: the active layer, and what is let through of it."""
    schema = f"{active.name.schema}." if is_wide else ""
    line = Content.styled(visible(f"{schema}{active.name.table}"), "bold")
    if active.words:
        line += Content.styled(f"  only {visible(active.words)}", "$accent")
    return line


def state_line(active: ShownLayer, view: MapView, building: str, now: datetime) -> Content:
    """What is being built, what the picture is worth, how much of the layer is in view, the SRID and how close it is."""
    place = f"{srid_in_words(view.srid)} {zoom_in_words(view)}"
    worth = " · ".join(filter(None, [_source(active, now), _in_view(active)]))
    built = Content.styled(f"{building}   ", "$accent") if building else Content("")
    return built + f"{worth}   " + Content.styled(place, "$text-muted")


def _source(shown: ShownLayer, now: datetime) -> str:
    """`exact`, `~ sample`, `pyramid of 02:10`, and whether a better one is on its way."""
    picture = shown.picture
    if not shown.is_visible:
        return "hidden"
    if picture is None:
        return "no picture" if shown.problem else "…"
    when = ""
    if picture.as_of is not None:
        at = picture.as_of.astimezone()
        when = f" of {at:%H:%M}" if at.date() == now.astimezone().date() else f" of {at:%Y-%m-%d}"
    return f"{_SOURCES[picture.source]}{when}{'' if shown.is_complete else ' …'}"


def _in_view(shown: ShownLayer) -> str:
    """`213 of 10,204,113 in view`, `~ 1.2 M of 10,204,113 in view`."""
    picture = shown.picture
    if picture is None or picture.count is None:
        return ""
    number = count(picture.count) if picture.count_is_exact else f"~ {compact(picture.count)}"
    rows = shown.layer.rows
    is_part = rows is not None and not shown.words and picture.count <= rows
    return f"{number} of {count(rows)} in view" if is_part else f"{number} in view"


def notes_over(stack: LayerStack) -> Content:
    """Why what is seen is no better, a line for each layer that has something to say."""
    lines = [Content.styled(f"▲ {visible(note)}", "$warning") for note in _notes(stack)]
    return Content("\n").join(lines[:MOST_NOTES])


def _notes(stack: LayerStack) -> Iterator[str]:
    for shown in stack.visible:
        if shown.problem:
            yield shown.problem
        elif shown.picture is not None and shown.is_complete:
            yield from shown.picture.notes


def line_below(map_: MapPane, unit: str) -> Content:
    """Where the cursor is, how long things are, and what is at the cursor or being drawn."""
    view, cursor = map_.view, map_.cursor
    if view is None or cursor is None:
        return Content("")
    parts = [place_in_words(view, *(map_.pointer or cursor)), scale_bar(view).text]
    drawing = map_.drawing
    if isinstance(drawing, Path):
        parts.append(measure_in_words(drawing.measure, unit, len(drawing.to(cursor))))
    elif isinstance(drawing, Rectangle):
        parts.append("arrows, enter takes it, esc leaves")
    elif map_.named is not None:
        parts.append(visible(named_in_words(map_.named, unit)))
    return Content("   ".join(parts))
