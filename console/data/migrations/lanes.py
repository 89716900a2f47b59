"""The graph of revisions as columns of lines beside the rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from console.models.migrations import Lane, Revision

MOST_LANES = 12
"""Columns at most. What finds no room is left out: dependencies first."""

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_LINES = {
    0: " ",
    _UP: "│",
    _DOWN: "│",
    _UP | _DOWN: "│",
    _LEFT: "─",
    _RIGHT: "─",
    _LEFT | _RIGHT: "─",
    _UP | _LEFT: "┘",
    _UP | _RIGHT: "└",
    _DOWN | _LEFT: "┐",
    _DOWN | _RIGHT: "┌",
    _UP | _DOWN | _LEFT: "┤",
    _UP | _DOWN | _RIGHT: "├",
    _UP | _LEFT | _RIGHT: "┴",
    _DOWN | _LEFT | _RIGHT: "┬",
    _UP | _DOWN | _LEFT | _RIGHT: "┼",
}


@dataclass(slots=True)
class _Line:
    """A line on its way down to a revision."""

    to: str
    is_dependency: bool


@dataclass(slots=True)
class _Row:
    sides: list[int] = field(default_factory=lambda: [0] * MOST_LANES)
    """By which sides a line leaves each column."""
    dotted: list[bool] = field(default_factory=lambda: [True] * MOST_LANES)
    """Whether what joins each column to the next is only a dependency."""

    def join(self, node: int, column: int, is_dependency: bool) -> None:
        """Draws a line between the node and another column."""
        left, right = sorted((node, column))
        for between in range(left, right):
            self.sides[between] |= _RIGHT
            self.sides[between + 1] |= _LEFT
            self.dotted[between] &= is_dependency


def lanes(revisions: Sequence[Revision]) -> list[tuple[Lane, ...]]:
    """What to draw left of each revision, given newest first; all rows have the same number of columns.

    A line goes from each revision down to those that it follows and, dotted, to those that it depends on.
    """
    known = {revision.id for revision in revisions}
    lines: list[_Line | None] = [None] * MOST_LANES
    rows, nodes = [], []
    for revision in revisions:
        row = _Row()
        ends = [column for column, line in enumerate(lines) if line is not None and line.to == revision.id]
        node = _column_of(ends, lines)
        for column, line in enumerate(lines):
            if line is not None:
                row.sides[column] |= _UP if column in ends else _UP | _DOWN
        for column in ends:
            if column != node:
                line = lines[column]
                row.join(node, column, line is not None and line.is_dependency)
            lines[column] = None
        drawn = [_Line(to, is_dependency=False) for to in revision.down if to in known]
        drawn += [_Line(to, True) for to in revision.depends_on if to in known and to not in revision.down]
        lines[node] = None
        for line in drawn:
            _begin(line, node, lines, row)
        rows.append((row, [line is not None and line.is_dependency for line in lines]))
        nodes.append(node)
    used = 1 + max((column for row, _ in rows for column in _used(row)), default=0)
    used = max(used, 1 + max(nodes, default=0))
    return [
        tuple(_lane(row, dotted, column, column == node) for column in range(used))
        for (row, dotted), node in zip(rows, nodes, strict=True)
    ]


def _column_of(ends: Sequence[int], lines: Sequence[_Line | None]) -> int:
    """Where a revision stands: where its line comes from, else in the first free column."""
    followed = [column for column in ends if not getattr(lines[column], "is_dependency", True)]
    if followed or ends:
        return (followed or list(ends))[0]
    free = [column for column, line in enumerate(lines) if line is None]
    dependencies = [column for column, line in enumerate(lines) if line is not None and line.is_dependency]
    return (free or dependencies[::-1] or [MOST_LANES - 1])[0]


def _begin(line: _Line, node: int, lines: list[_Line | None], row: _Row) -> None:
    """Starts a line at the node: a dependency beside others to the same revision, else straight down or to the side."""
    beside = [
        column for column, other in enumerate(lines) if other and other.to == line.to and column != node
    ]
    free = [column for column, other in enumerate(lines) if other is None]
    if node in free and (not line.is_dependency or not beside):
        column = node
    elif beside:
        column = beside[0]
        row.join(node, column, line.is_dependency)
        line.is_dependency &= (other := lines[column]) is None or other.is_dependency
    elif free:
        column = next((column for column in free if column > node), free[0])
        row.join(node, column, line.is_dependency)
    else:
        return
    if column in free:
        row.sides[column] |= _DOWN
    lines[column] = line


def _used(row: _Row) -> Iterable[int]:
    return (column for column, sides in enumerate(row.sides) if sides)


def _lane(row: _Row, dotted: Sequence[bool], column: int, is_node: bool) -> Lane:
    sides = row.sides[column]
    line = "┆" if sides == _UP | _DOWN and dotted[column] else _LINES[sides]
    link = " " if not sides & _RIGHT else "┄" if row.dotted[column] else "─"
    return _made(is_node, line, link)


_made = cache(Lane)
"""There are some hundred of them at most, and thousands of places where they stand."""
