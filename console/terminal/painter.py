"""Paint only the cells that changed.

Textual repaints whole dirty regions; over SSH those bytes are the cost of the console. The painter keeps
what the terminal shows, cell by cell, and sends the runs of cells that differ, with the shortest practical
moves and pen changes between them. Strips that did not change are skipped by identity or equality, so
that a frame costs what changed in it.

It leans on one private hook of Textual's, `App._display`, and on the two updates that it is given; when anything
in these is not as expected, Textual paints by itself for the rest of the run.
Hyperlinks (OSC 8) are not sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from rich.color import ColorSystem
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual._styles_cache import StylesCache
from textual.app import App
from textual.strip import Strip

from console.terminal.cells import TAIL, cells, is_disputed, is_plain
from console.terminal.driver import ConsoleDriver
from console.terminal.pen import change

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.events import Resize
    from textual.screen import Screen

    _App: TypeAlias = App[Any]
else:
    _App = object

_EXPECTED: tuple[tuple[Callable[..., Any], tuple[str, ...]], ...] = (
    (App._display, ("self", "screen", "renderable")),
    (LayoutUpdate.__init__, ("self", "strips", "region")),
    (ChopsUpdate.__init__, ("self", "chops", "spans", "chop_ends")),
)
"""What the painter takes for granted. (Asking Textual for its version would read package metadata: 8 ms.)"""

Update: TypeAlias = LayoutUpdate | ChopsUpdate

_UNKNOWN = "\x00"  # what the terminal shows here is not known; equals no cell, for cells hold no controls
_BRIDGED = 4  # columns; moving over so many costs as many bytes as writing them again
_BEGIN_SYNCHRONIZED, _END_SYNCHRONIZED = "\x1b[?2026h", "\x1b[?2026l"
# Plain pen, ASCII charset, whole-screen scrolling, no autowrap, no cursor, clear: whatever garbled the
# terminal may have changed any of them.
_START_AFRESH = "\x1b[m\x0f\x1b(B\x1b[r\x1b[?7l\x1b[?25l\x1b[2J"


class _Row:
    """One line as the terminal shows it."""

    __slots__ = ("cells", "pens", "plain", "strips")

    def __init__(self, width: int) -> None:
        self.cells = [_UNKNOWN] * width
        self.pens = [""] * width
        self.strips: dict[int, Strip] = {}  # by column: strips that stand there whole
        self.plain = True  # one character a cell, none of them disputed


def forget_ended() -> None:
    """Lets go of the lines that consoles drew which have ended: a cache of Textual's keeps what drew them."""
    StylesCache.get_inner_outer.cache_clear()


class Painter:
    """Turns Textual's screen updates into the terminal output that brings the terminal up to date.

    `color_system` is the console's, as for stock painting; `None` means truecolor.
    """

    def __init__(self, color_system: ColorSystem | None) -> None:
        self._color_system = color_system or ColorSystem.TRUECOLOR
        self._rows: list[_Row] = []
        self._width = 0
        self._parked: tuple[int, int] | None = None  # where the last frame left the cursor
        self._output: list[str] = []
        self._cursor: tuple[int, int] | None = None  # column and line within a frame, where known
        self._pen = ""

    def forget(self) -> None:
        """Take nothing for granted: what the terminal shows is not known any more."""
        self._rows = []
        self._parked = None

    def frame(self, update: Update, cursor: tuple[int, int]) -> str:
        """Output that shows `update` and leaves the cursor at (column, line) `cursor`.

        Empty when the terminal shows all of it already.
        """
        self._output = []
        self._cursor = None
        self._pen = ""
        pieces: Iterable[tuple[int, Sequence[tuple[int, Strip]]]]
        if isinstance(update, LayoutUpdate):
            left, top, width, height = update.region
            self._fit(left + width, top + height)
            pieces = ((y, _side_by_side(left, line)) for y, line in enumerate(update.strips, top))
        else:
            self._fit(update.chop_ends[0][-1], len(update.chops))
            pieces = _dirty_pieces(update)
        for y, line in pieces:
            self._paint(y, line)
        self._output.append(change(self._pen, ""))
        column, line_number = cursor
        if any(self._output) or self._parked != cursor:
            self._cursor = None
            self._move(column, line_number)
            self._parked = cursor
        return "".join(self._output)

    def _fit(self, width: int, height: int) -> None:
        if len(self._rows) != height or self._width != width:
            self.forget()
            self._width = width
            self._rows = [_Row(width) for _ in range(height)]

    def _paint(self, y: int, pieces: Sequence[tuple[int, Strip]]) -> None:
        row = self._rows[y]
        known = row.strips
        fresh = [(x, strip) for x, strip in pieces if known.get(x) is not strip and known.get(x) != strip]
        if not fresh:
            return
        if any(x not in known or known[x].cell_length != strip.cell_length for x, strip in fresh):
            known.clear()  # cut differently: the strips known here may be covered in part
        known.update(pieces)
        width = self._width
        shown, pens, plain = row.cells.copy(), row.pens.copy(), row.plain
        for x, strip in fresh:
            if not plain:
                _blank_head(shown, x)
            end = x
            for text, style, _ in strip:
                pen = "" if style is None else Strip.render_ansi(style, self._color_system)
                filled = cells(text)
                plain = plain and filled is text
                start, end = end, end + len(filled)
                shown[start:end] = filled
                pens[start:end] = [pen] * len(filled)
            if not plain:
                _blank_tail(shown, end)
        del shown[width:], pens[width:]
        changed = [
            x
            for x, (cell, pen, old_cell, old_pen) in enumerate(
                zip(shown, pens, row.cells, row.pens, strict=True)
            )
            if cell != old_cell or pen != old_pen
        ]
        if changed:
            if not plain:
                changed = _whole_glyphs(changed, row.cells, shown)
            for start, end in _runs(changed, shown, pens):
                self._write(y, start, end, shown, pens, plain)
        row.cells, row.pens = shown, pens
        row.plain = plain or (TAIL not in shown and all(map(is_plain, shown)))

    def _write(
        self, y: int, start: int, end: int, shown: Sequence[str], pens: Sequence[str], plain: bool
    ) -> None:
        """Write the cells `start` to `end` of line `y`."""
        x = start
        while x < end:
            self._move(x, y)
            pen = pens[x]
            self._output.append(change(self._pen, pen))
            self._pen = pen
            stop = x + 1
            if not plain and is_disputed(shown[x]):
                while stop < end and shown[stop] == TAIL:
                    stop += 1
                # Blanks first: where the terminal draws it narrower, nothing old may stay beside it.
                self._output.append(f"{' ' * (stop - x)}\x1b[{x + 1}G{shown[x]}")
                self._cursor = None
            else:
                while stop < end and pens[stop] == pen and (plain or not is_disputed(shown[stop])):
                    stop += 1
                self._output.append("".join(shown[x:stop]))
                # After the last column terminals differ in where they keep the cursor.
                self._cursor = (stop, y) if stop < self._width else None
            x = stop

    def _move(self, x: int, y: int) -> None:
        if self._cursor == (x, y):
            return
        if self._cursor is not None and self._cursor[1] == y and self._cursor[0] < x:
            distance = x - self._cursor[0]
            forward = "\x1b[C" if distance == 1 else f"\x1b[{distance}C"
            self._output.append(min(forward, f"\x1b[{x + 1}G", key=len))
        elif x == 0:
            self._output.append(f"\x1b[{y + 1}H" if y else "\x1b[H")
        else:
            self._output.append(f"\x1b[{y + 1};{x + 1}H")
        self._cursor = (x, y)


def _side_by_side(x: int, strips: Iterable[Strip]) -> list[tuple[int, Strip]]:
    pieces = []
    for strip in strips:
        pieces.append((x, strip))
        x += strip.cell_length
    return pieces


def _dirty_pieces(update: ChopsUpdate) -> Iterator[tuple[int, list[tuple[int, Strip]]]]:
    """The strips that stock painting would write, line by line (`ChopsUpdate.render_segments`)."""
    for y, left, right in update.spans:
        pieces = []
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is None or x > right or end <= left:
                continue
            if not (right > x >= left and end <= right):
                strip = strip.crop(0, min(end, right) - x)
            pieces.append((x, strip))
        yield y, pieces


def _blank_head(shown: list[str], x: int) -> None:
    """A wide character that ends at column `x` loses that half: blank what stays of it on the left."""
    end = x
    while 0 < x < len(shown) and shown[x] == TAIL:
        x -= 1
    shown[x:end] = [" "] * (end - x)


def _blank_tail(shown: list[str], x: int) -> None:
    """A wide character loses the half left of column `x`: blank what stays of it from there."""
    while x < len(shown) and shown[x] == TAIL:
        shown[x] = " "
        x += 1


def _whole_glyphs(changed: Sequence[int], old: Sequence[str], new: Sequence[str]) -> list[int]:
    """The changed cells, widened to whole characters; beside a disputed one, also its right neighbour."""
    width = len(new)

    def span(row: Sequence[str], x: int) -> range:
        start, stop = x, x + 1
        while start and row[start] == TAIL:
            start -= 1
        while stop < width and row[stop] == TAIL:
            stop += 1
        return range(start, min(stop + is_disputed(row[start]), width))

    touched = {cell for x in changed for cell in span(old, x)}
    found = touched
    while found := {cell for x in found for cell in span(new, x)} - touched:
        touched |= found
    return sorted(x for x in touched if new[x] != _UNKNOWN)


def _runs(changed: Sequence[int], shown: Sequence[str], pens: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Runs of changed cells as (start, end), joined where writing the gap is no longer than a move."""
    start = previous = changed[0]
    for x in changed:
        gap = shown[previous + 1 : x]
        if gap:
            text = "".join(gap)
            inside = set(pens[previous + 1 : x])
            if (
                len(gap) > _BRIDGED
                or not (text.isascii() and text.isprintable() and len(text) == len(gap))
                or not (inside == {pens[previous]} or inside == {pens[x]})
            ):
                yield start, previous + 1
                start = x
        previous = x
    yield start, previous + 1


def parameters(method: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a method's parameters."""
    code = method.__code__
    return code.co_varnames[: code.co_argcount]


class DeltaPainting(_App):
    """Mixin before `App`: `class ConsoleApp(DeltaPainting, App[int])` paints only cells that changed.

    Inline and headless apps are painted as ever.
    """

    _painter: Painter | None = None
    _paints_deltas = all(parameters(method) == names for method, names in _EXPECTED)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if renderable is None or self._batch_count or not self._paints_deltas:
            super()._display(screen, renderable)
            return
        driver = self._driver
        if (
            not isinstance(renderable, LayoutUpdate | ChopsUpdate)
            or driver is None
            or driver.is_headless
            or driver.is_inline
            or not self._running
            or self._closed
        ):
            if self._painter is not None:
                self._painter.forget()
            super()._display(screen, renderable)
            return
        if isinstance(driver, ConsoleDriver) and driver.postpones(self.refresh):
            return
        try:
            if self._painter is None:
                self._painter = Painter(self.console._color_system)
            cursor = self.screen.outer_size.clamp_offset(self.cursor_position)
            frame = self._painter.frame(renderable, cursor)
        except Exception as error:  # whatever it is, Textual itself can still paint
            self._paints_deltas = False
            self.log.error(f"The delta painter failed, Textual paints by itself from now on: {error!r}")
            super()._display(screen, renderable)
            return
        self._previous_cursor_position = cursor
        if frame:
            if self._sync_available:
                frame = f"{_BEGIN_SYNCHRONIZED}{frame}{_END_SYNCHRONIZED}"
            driver.write(frame)
            driver.flush()
        self.post_display_hook()

    async def _on_resize(self, event: Resize) -> None:
        """Terminals reflow, clip or clear when resized, and a resume from suspension reports a size too."""
        if self._painter is not None:
            self._painter.forget()
            if event.size == self._size or self._resize_timer is not None:
                self.refresh()  # back to the size that is laid out: Textual would leave the screen as it is

    def repaint(self) -> None:
        """Clear the terminal and paint all of it: something else has written on it."""
        if self._painter is not None:
            self._painter.forget()
        if self._driver is not None and not self._driver.is_headless:
            self._driver.write(_START_AFRESH)
        self.refresh()
