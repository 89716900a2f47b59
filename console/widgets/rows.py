"""Which rows of a table are shown, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from console.widgets.columns import Column

R = TypeVar("R")


def in_order(rows: Sequence[R], key: Callable[[R], Any], descending: bool) -> list[R]:
    """Rows sorted by `key`, equal ones in the order given, those without a value (None) last either way."""
    keyed = [(key(row), row) for row in rows]
    known = [pair for pair in keyed if pair[0] is not None]
    known.sort(key=lambda pair: pair[0], reverse=descending)
    return [row for _, row in known] + [row for value, row in keyed if value is None]


class RowFilter:
    """Words that a row must hold in one of its cells, or with `!` before them must not; case does not matter."""

    def __init__(self, text: str) -> None:
        words = text.casefold().split()
        # A lone "!" is somebody about to type a word.
        self._excluded = [word[1:] for word in words if word.startswith("!") and len(word) > 1]
        self._wanted = [word for word in words if not word.startswith("!")]

    def __bool__(self) -> bool:
        return bool(self._wanted or self._excluded)

    def apply(self, rows: Iterable[R], columns: Sequence[Column[R]]) -> list[R]:
        """The rows that pass."""
        return [
            row for row in rows if self._passes("\n".join(column.text(row) for column in columns).casefold())
        ]

    def _passes(self, text: str) -> bool:
        return all(word in text for word in self._wanted) and not any(word in text for word in self._excluded)
