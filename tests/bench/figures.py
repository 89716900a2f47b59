"""What was measured, beside what is wanted, as one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `limit` is the most that ours may be, None where the figure is only shown."""

    name: str
    unit: str
    ours: float
    peer: float | None = None
    limit: float | None = None

    @property
    def verdict(self) -> str:
        """Whether ours is within the limit."""
        if self.limit is None:
            return ""
        return "ok" if self.ours <= self.limit else "over"


def table(figures: Sequence[Figure]) -> str:
    """The figures as lines of text."""
    rows = [("figure", "unit", "dbconsole", "pg_activity", "limit", "")]
    for figure in figures:
        numbers = (_number(value) for value in (figure.ours, figure.peer, figure.limit))
        rows.append((figure.name, figure.unit, *numbers, figure.verdict))  # type: ignore[arg-type]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    lines = []
    for row in rows:
        words = [text.ljust(width) for text, width in zip(row[:2], widths[:2], strict=True)]
        numbers = (text.rjust(width) for text, width in zip(row[2:5], widths[2:5], strict=True))
        lines.append("  ".join([*words, *numbers, row[5]]).rstrip())
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
