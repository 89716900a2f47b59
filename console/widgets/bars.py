"""Bars: how full something is and by what, and how large a share is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

from console.widgets.tones import Tone

FILLS = "█▓▒░"
FREE = "·"
RESERVED = "="

NARROWEST_BAR = 16
WIDEST_BAR = 48

TONE_COLOURS: dict[Tone, str] = {
    "muted": "$text-muted",
    "strong": "bold",
    "accent": "$accent",
    "success": "$success",
    "warning": "$warning",
    "danger": "$error",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of what is used: how many, and what they are."""

    label: str
    count: int
    tone: Tone | None = None


@dataclass(frozen=True, slots=True)
class Occupancy:
    """What of `maximum` is used, by what; `reserved` of it are kept for others."""

    parts: tuple[Part, ...]
    maximum: int
    reserved: int = 0

    @property
    def used(self) -> int:
        return sum(part.count for part in self.parts)


def apportion(counts: Sequence[int], maximum: int, cells: int) -> list[int]:
    """Cells of a bar of `cells` for each count of `maximum`: at least one for each that is not 0, never more than `cells` in all."""
    if maximum <= 0:
        return [0] * len(counts)
    widths = [max(1, round(count * cells / maximum)) if count > 0 else 0 for count in counts]
    while sum(widths) > cells and max(widths) > 0:
        widths[widths.index(max(widths))] -= 1
    return widths


def share_bar(share: float | None, width: int = 8) -> str:
    """A share (1.0 is the whole, `width` cells) as `▇▇▇`; less than half a cell is a dot."""
    if share is None or share <= 0:
        return ""
    return "▇" * round(min(share, 1.0) * width) or "·"


SPARKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float]) -> str:
    """A cell for each value, the highest of them full; nothing is a dot."""
    highest = max(values, default=0.0)
    if highest <= 0:
        return "·" * len(values)
    steps = len(SPARKS) - 1
    return "".join(SPARKS[round(value / highest * steps)] if value > 0 else "·" for value in values)


class OccupancyBar(Widget):
    """One line: the bar, `used / maximum`, and the parts in words; in a narrow place the words get a second line."""

    ALLOW_SELECT = False

    DEFAULT_CSS = "OccupancyBar { height: auto; }"

    occupancy: reactive[Occupancy | None] = reactive(None)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 2 if _is_narrow(self.occupancy, width) else 1

    def watch_occupancy(self, old: Occupancy | None, new: Occupancy | None) -> None:
        width = self.content_size.width
        if width and _is_narrow(old, width) != _is_narrow(new, width):
            self.refresh(layout=True)

    def render(self) -> Content:
        occupancy, width = self.occupancy, self.content_size.width
        if occupancy is None:
            return Content("")
        total, legend = _total(occupancy), _legend(occupancy)
        if _is_narrow(occupancy, width):
            return Content("\n").join([_bar(occupancy, width - total.cell_length) + total, legend])
        # In steps, so that the bar does not change its length with every digit of the words.
        cells = min(WIDEST_BAR, width - total.cell_length - 2 - legend.cell_length) // 8 * 8
        return _bar(occupancy, cells) + total + "  " + legend


def _is_narrow(occupancy: Occupancy | None, width: int) -> bool:
    if occupancy is None:
        return False
    return NARROWEST_BAR + 2 + _total(occupancy).cell_length + _legend(occupancy).cell_length > width


def _total(occupancy: Occupancy) -> Content:
    return Content.styled(f"  {occupancy.used:,} / {occupancy.maximum:,}", "bold")


def _styled(text: str, tone: Tone | None) -> Content:
    return Content.styled(text, TONE_COLOURS[tone]) if tone else Content(text)


def _bar(occupancy: Occupancy, cells: int) -> Content:
    cells = max(0, cells)
    widths = apportion([part.count for part in occupancy.parts], occupancy.maximum, cells)
    bar = Content("")
    for index, (part, width) in enumerate(zip(occupancy.parts, widths, strict=True)):
        bar += _styled(FILLS[index % len(FILLS)] * width, part.tone)
    free = cells - sum(widths)
    reserved = min(free, *apportion([occupancy.reserved], occupancy.maximum, cells))
    return bar + _styled(FREE * (free - reserved) + RESERVED * reserved, "muted")


def _legend(occupancy: Occupancy) -> Content:
    words = [
        _styled(FILLS[index % len(FILLS)], part.tone) + f" {part.label} {part.count:,}"
        for index, part in enumerate(occupancy.parts)
    ]
    if occupancy.reserved:
        words.append(_styled(RESERVED, "muted") + f" reserved {occupancy.reserved:,}")
    return Content("  ").join(words)
