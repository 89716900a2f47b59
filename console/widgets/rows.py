"""Which rows of a table are shown, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from console.widgets.columns import Column

R = TypeVar("R")


def in_order(rows: Sequence[R], key: Callable[[R], Any], descending: bool) -> list[R]:
    """Rows sorted by `key`, equal ones in the order given, those without a value (None) last either way."""
    keyed = [(key(row), row) for row in rows]
    known = [pair for pair in keyed if pair[0] is not None]
    known.sort(key=lambda pair: pair[0], reverse=descending)
    return [row for _, row in known] + [row for value, row in keyed if value is None]


class RowFilter:
    """Words that a row must hold in one of its cells, or with `!` before them must not; case does not matter.

    `user:app` looks in the column `user` alone, where there is one of that key.
    """

    def __init__(self, text: str) -> None:
        # A lone "!" is somebody about to type a word.
        self._words = [word for word in text.casefold().split() if word != "!"]

    def __bool__(self) -> bool:
        return bool(self._words)

    def apply(self, rows: Iterable[R], columns: Sequence[Column[R]]) -> list[R]:
        """The rows that pass."""
        tests = [self._test(word, {column.key: column for column in columns}) for word in self._words]
        return [
            row for row in rows if all(is_wanted == (word in text(row)) for word, is_wanted, text in tests)
        ]

    @staticmethod
    def _test(word: str, columns: Mapping[str, Column[R]]) -> tuple[str, bool, Callable[[R], str]]:
        is_wanted = not word.startswith("!")
        word = word.removeprefix("!")
        key, colon, rest = word.partition(":")
        if colon and rest and (column := columns.get(key)) is not None:
            return rest, is_wanted, lambda row: column.text(row).casefold()
        return word, is_wanted, lambda row: "\n".join(one.text(row) for one in columns.values()).casefold()


class TableRows(Generic[R]):
    """The rows of a table, those of them that are shown, and which ones are marked."""

    def __init__(
        self, columns: Sequence[Column[R]], row_key: Callable[[R], Hashable], sortable: bool
    ) -> None:
        self.columns = list(columns)
        self.all: Sequence[R] = ()
        self.shown: Sequence[R] = ()
        self.keys: list[Hashable] = []
        """The keys of the rows shown."""
        self.marks: set[Hashable] = set()
        self.sort_key: str | None = None
        self.descending = False
        self._row_key = row_key
        self._sortable = sortable
        self._filter = RowFilter("")

    def replace(self, rows: Sequence[R]) -> None:
        """Takes other rows; the marks of rows that are gone are dropped."""
        self.all = rows
        if self.marks:
            self.marks.intersection_update(map(self._row_key, rows))
        self.refresh()

    def replace_columns(self, columns: Sequence[Column[R]]) -> None:
        """Takes other columns; the order is kept where its column is still there."""
        self.columns = list(columns)
        if self._column(self.sort_key) is None:
            self.sort_key = None
        self.refresh()

    def filter(self, text: str) -> None:
        """Shows only rows that pass a `RowFilter`."""
        self._filter = RowFilter(text)
        self.refresh()

    def sort(self, key: str | None, descending: bool | None) -> bool:
        """Sorts by the column `key`, its own direction first unless told; False where it cannot."""
        column = self._column(key)
        if not self._sortable or (column is not None and column.sort is None):
            return False
        self.sort_key = None if column is None else column.key
        self.descending = bool(column and column.descending_first) if descending is None else descending
        self.refresh()
        return True

    def refresh(self) -> None:
        """Works out anew what is shown."""
        shown = self._filter.apply(self.all, self.columns) if self._filter else self.all
        column = self._column(self.sort_key)
        if column is not None and column.sort is not None:
            shown = in_order(shown, column.sort, self.descending)
        self.shown = shown
        self.keys = [self._row_key(row) for row in shown]

    def marked(self) -> list[R]:
        """The marked rows in the order given, those that the filter hides included."""
        return [row for row in self.all if self._row_key(row) in self.marks] if self.marks else []

    def export(self) -> list[list[str]]:
        """The titles and then the rows shown, as exact texts."""
        titles = [column.title for column in self.columns]
        return [titles, *map(self.export_row, self.shown)]

    def export_row(self, row: R) -> list[str]:
        """A row as exact texts."""
        return [column.exact_text(row) for column in self.columns]

    def _column(self, key: str | None) -> Column[R] | None:
        return next((column for column in self.columns if column.key == key), None)
