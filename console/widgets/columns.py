"""The columns of a table: what a cell says, and which columns fit into how many cells of a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from rich.cells import cell_len, set_cell_size

from console.terminal.safe_text import visible
from console.widgets.tones import Tone

R = TypeVar("R")

Cell: TypeAlias = str | tuple[str, Tone]
"""Text, or text with what it means. It is data: never markup, and control characters are made visible."""


# Without slots: a frozen class with both slots and a type parameter cannot be called as Column[Row](…).
@dataclass(frozen=True)
class Column(Generic[R]):
    """One column of a table of rows of type R. Widths are in terminal cells.

    A flexible column takes the room that the others leave; its `width` is what it would like to have, to be
    seen by scrolling sideways. When the table is too narrow, columns of the lowest `priority` shrink to their
    `min_width` first and are then moved out to the right.
    """

    key: str
    title: str
    cell: Callable[[R], Cell]
    width: int
    min_width: int | None = None
    flexible: bool = False
    align: Literal["left", "right"] = "left"
    sort: Callable[[R], Any] | None = None
    descending_first: bool = False
    priority: int = 0
    share: float = 0.0
    """The part of the table's width that a flexible column has before a less important one is there at all."""
    exact: Callable[[R], str] | None = None
    """What exports say, where the cell is rounded or shortened."""

    @property
    def least(self) -> int:
        """The width below which the column is of no use."""
        return self.width if self.min_width is None else self.min_width

    def text(self, row: R) -> str:
        """The cell's text, as it came."""
        cell = self.cell(row)
        return cell if isinstance(cell, str) else cell[0]

    def exact_text(self, row: R) -> str:
        """The cell's text for an export."""
        return self.text(row) if self.exact is None else self.exact(row)


@dataclass(frozen=True)
class Placed(Generic[R]):
    """A column with its place in a line."""

    column: Column[R]
    x: int
    width: int

    @property
    def end(self) -> int:
        return self.x + self.width


def arrange(columns: Sequence[Column[R]], available: int) -> list[Placed[R]]:
    """Places columns into `available` cells; those that do not fit stand beyond them, to the right."""
    least = {column.key: max(column.least, int(column.share * available)) for column in columns}
    kept = list(columns)
    while len(kept) > 1 and sum(least[column.key] for column in kept) + len(kept) - 1 > available:
        # Of two equally unimportant ones the later goes first.
        kept.remove(min(reversed(kept), key=lambda column: column.priority))
    left_out = [column for column in columns if column not in kept]

    fixed = [column for column in kept if not column.flexible]
    flexible = next((column for column in kept if column.flexible), None)
    roomy = sum(column.width for column in fixed) + (least[flexible.key] if flexible else 0)
    gap = 2 if roomy + 2 * (len(kept) - 1) <= available else 1

    widths = {column.key: least[column.key] for column in kept}
    spare = available - sum(widths.values()) - gap * (len(kept) - 1)
    for column in sorted(fixed, key=lambda column: -column.priority):
        extra = max(0, min(spare, column.width - least[column.key]))
        widths[column.key] += extra
        spare -= extra
    if flexible is not None:
        room = widths[flexible.key] + max(0, spare)
        # With columns waiting to the right, they are worth more than the end of a long text.
        widths[flexible.key] = room if left_out else max(room, flexible.width)

    placed: list[Placed[R]] = []
    x = 0
    for column in [*kept, *left_out]:
        width = widths.get(column.key, column.width)
        placed.append(Placed(column, x, width))
        x += width + gap
    return placed


def fit(text: str, width: int, align: Literal["left", "right"] = "left") -> str:
    """`text` made safe and exactly `width` cells wide: padded, or cut with an ellipsis."""
    # A statement can be a megabyte: nothing beyond what could be seen is looked at.
    limit = 4 * width + 8
    cut = len(text) > limit
    if cut:
        text = text[:limit]
    if not (text.isascii() and text.isprintable()):
        text = visible(text)
    cells = cell_len(text)
    if cells > width or cut:
        return set_cell_size(text, width - 1) + "…" if width > 0 else ""
    padding = " " * (width - cells)
    return padding + text if align == "right" else text + padding
