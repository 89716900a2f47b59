"""A table for rows that are polled: it draws only what is visible and repaints only what changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive

from console.widgets.columns import Column
from console.widgets.rows import TableRows
from console.widgets.table_lines import TableLines
from console.widgets.table_painter import HeaderLine, RowLine
from console.widgets.thumb import thumb
from console.widgets.tones import Tone

R = TypeVar("R")

NO_ROWS = Content("Nothing to show.")
ALL_FILTERED = Content("No row matches the filter.")


class LiveTable(TableLines, Generic[R], can_focus=True):
    """Rows of type R under a fixed header line.

    The cursor and the marks belong to rows by their key, wherever these move when the data changes. Until the
    person has moved the cursor it stays in the part of the table that is on screen, and the view stays at the
    top, where the sort order puts what matters; afterwards the view follows the row under the cursor.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_row", "detail", key_display="enter"),
        Binding("up", "move_cursor(-1)", show=False),
        Binding("down", "move_cursor(1)", show=False),
        Binding("pageup", "move_page(-1)", show=False),
        Binding("pagedown", "move_page(1)", show=False),
        Binding("home", "first_row", show=False),
        Binding("end", "last_row", show=False),
        Binding("left,shift+left", "scroll_sideways(-1)", show=False),
        Binding("right,shift+right", "scroll_sideways(1)", show=False),
    ]

    filter_text: reactive[str] = reactive("")
    """Words to filter by, see `RowFilter`."""

    stale: reactive[bool] = reactive(False, toggle_class="-stale")
    """Whether the data is old: drawn greyed."""

    @dataclass
    class RowMessage(Message):
        """Says something about a row of `table`."""

        table: LiveTable[Any]
        key: Hashable | None
        row: Any

        @property
        def control(self) -> LiveTable[Any]:
            return self.table

    class RowHighlighted(RowMessage):
        """Another row is under the cursor; without rows, key and row are None."""

    class RowSelected(RowMessage):
        """A row was chosen, by enter or by a double click."""

    def __init__(
        self,
        columns: Sequence[Column[R]],
        row_key: Callable[[R], Hashable],
        *,
        row_style: Callable[[R], Tone | None] | None = None,
        empty: Content = NO_ROWS,
        sortable: bool = True,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`row_style` tells a row's state; `empty` is shown when there are no rows; not `sortable` keeps their order."""
        super().__init__(id=id, classes=classes)
        self._rows = TableRows(columns, row_key, sortable)
        self._row_style = row_style
        self._empty = empty
        self._all_filtered = ALL_FILTERED
        self._cursor = 0
        self._cursor_key: Hashable | None = None
        self._cursor_moved = False

    # Rows

    @property
    def rows(self) -> Sequence[R]:
        """The rows as last given."""
        return self._rows.all

    @property
    def shown_rows(self) -> Sequence[R]:
        """The rows that pass the filter, in the order shown."""
        return self._rows.shown

    def update_rows(self, rows: Sequence[R]) -> None:
        """Shows `rows` instead of those before."""
        with self._changing_rows():
            self._rows.replace(rows)

    def replace_columns(self, columns: Sequence[Column[R]]) -> None:
        """Shows other columns; the sort order is kept where its column is still there."""
        with self._changing_rows():
            self._rows.replace_columns(columns)
            self.painter.lay_out(columns, self.size.width)
        self.refresh()

    def show_when_empty(self, content: Content) -> None:
        """Says something else when there are no rows, such as what is missing."""
        self._empty = content
        if not self._rows.shown:
            self.refresh()

    def show_when_filtered(self, content: Content) -> None:
        """Says something else when there are rows, but none that passes the filter."""
        self._all_filtered = content
        if self._rows.all and not self._rows.shown:
            self.refresh()

    def export_rows(self) -> list[list[str]]:
        """The titles and then the rows that are shown, as exact texts."""
        return self._rows.export()

    def export_cursor_row(self) -> list[str] | None:
        """The row under the cursor as exact texts, None without rows."""
        row = self.cursor_row
        return None if row is None else self._rows.export_row(row)

    @contextmanager
    def _changing_rows(self) -> Iterator[None]:
        """Around any change of the rows shown: keeps the cursor on its row, and repaints what differs."""
        followed = self._cursor_moved and self._is_visible(self._cursor)
        was_empty = not self._rows.shown
        yield
        if was_empty or not self._rows.shown:
            self.refresh()
        self._measure()
        self._restore_cursor(followed)
        self.refresh_changed()

    # Cursor and marks

    @property
    def cursor_key(self) -> Hashable | None:
        """The key of the row under the cursor, None without rows."""
        return self._cursor_key

    @property
    def cursor_row(self) -> R | None:
        """The row under the cursor as it is now, None without rows."""
        return self._rows.shown[self._cursor] if self._rows.shown else None

    @property
    def marked_keys(self) -> set[Hashable]:
        """The keys of the marked rows, those that the filter hides included."""
        return set(self._rows.marks)

    @property
    def marked_rows(self) -> list[R]:
        """The marked rows, in the order given, those that the filter hides included."""
        return self._rows.marked()

    def move_to(self, key: Hashable) -> bool:
        """Puts the cursor on the row with `key`; False when no such row is shown."""
        if key not in self._rows.keys:
            return False
        self._move(self._rows.keys.index(key))
        return True

    def toggle_mark(self) -> None:
        """Marks the row under the cursor, or removes its mark."""
        if self._cursor_key is not None:
            self._rows.marks ^= {self._cursor_key}
            self.refresh_changed()

    def mark(self, keys: Iterable[Hashable]) -> None:
        """Marks the rows with these keys, and no others."""
        self._rows.marks = set(keys)
        self.refresh_changed()

    def clear_marks(self) -> None:
        """Removes every mark."""
        self._rows.marks.clear()
        self.refresh_changed()

    @property
    def _page(self) -> int:
        return max(0, self.size.height - 1)

    def _is_visible(self, index: int) -> bool:
        top = self.scroll_offset.y
        return top <= index < top + self._page

    def _restore_cursor(self, follow: bool) -> None:
        keys = self._rows.keys
        last = max(0, len(keys) - 1)
        index = keys.index(self._cursor_key) if self._cursor_key in keys else min(self._cursor, last)
        if self._page and not self._cursor_moved and not self._is_visible(index):
            index = min(self.scroll_offset.y, last)
        self._set_cursor(index)
        if follow:
            self._scroll_to_cursor()

    def _set_cursor(self, index: int) -> None:
        self._cursor = index
        key = self._rows.keys[index] if self._rows.keys else None
        if key != self._cursor_key:
            self._cursor_key = key
            self.post_message(self.RowHighlighted(self, key, self.cursor_row))

    def _move(self, index: int) -> None:
        if self._rows.keys:
            self._cursor_moved = True
            self._set_cursor(max(0, min(index, len(self._rows.keys) - 1)))
            self._scroll_to_cursor()
            self.refresh_changed()

    def _scroll_to_cursor(self) -> None:
        top, page = self.scroll_offset.y, self._page
        if page and self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False)
        elif page and self._cursor >= top + page:
            self.scroll_to(y=self._cursor - page + 1, animate=False)

    def action_move_cursor(self, by: int) -> None:
        self._move(self._cursor + by)

    def action_move_page(self, by: int) -> None:
        self._move(self._cursor + by * max(1, self._page - 1))

    def action_first_row(self) -> None:
        self._move(0)
        # Back at the top is back to watching the top.
        self._cursor_moved = False

    def action_last_row(self) -> None:
        self._move(len(self._rows.keys) - 1)

    def action_scroll_sideways(self, by: int) -> None:
        self.scroll_to(x=self.scroll_offset.x + by * (self.size.width // 2), animate=False)

    def action_select_row(self) -> None:
        if self._cursor_key is not None:
            self.post_message(self.RowSelected(self, self._cursor_key, self.cursor_row))

    # Order and filter

    @property
    def sort_key(self) -> str | None:
        """The key of the column that the rows are sorted by, None for the order given."""
        return self._rows.sort_key

    @property
    def sort_descending(self) -> bool:
        """Whether the largest comes first."""
        return self._rows.descending

    def sort_by(self, key: str | None, descending: bool | None = None) -> None:
        """Sorts by the column `key`, its own direction first unless told; None is the order given."""
        with self._changing_rows():
            self._rows.sort(key, descending)

    def action_sort_next(self) -> None:
        """Sorts by the next of the columns that are in sight, and after the last by the first."""
        shown = self.painter.columns_in_sight(self.scroll_offset.x)
        keys = [column.key for column in shown if column.sort is not None]
        if keys:
            now = keys.index(self.sort_key) if self.sort_key in keys else -1
            self.sort_by(keys[(now + 1) % len(keys)])

    def action_sort_reverse(self) -> None:
        """Sorts by the same column in the other direction."""
        if self.sort_key is not None:
            self.sort_by(self.sort_key, not self.sort_descending)

    def watch_filter_text(self, text: str) -> None:
        with self._changing_rows():
            self._rows.filter(text)

    def watch_stale(self) -> None:
        self.refresh_changed()

    # Mouse

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            column = self.painter.column_at(offset.x, self.scroll_offset.x)
            if column is not None:
                self.sort_by(column.key, not self.sort_descending if column.key == self.sort_key else None)
            return
        index = offset.y - 1 + self.scroll_offset.y
        if index < len(self._rows.keys):
            self._move(index)
            if event.chain == 2:
                self.action_select_row()

    # Drawing

    def on_resize(self) -> None:
        self._lay_out()
        self._scroll_to_cursor()

    def _lay_out(self) -> None:
        self.painter.lay_out(self._rows.columns, self.size.width)
        self._measure()
        self.refresh()

    def _measure(self) -> None:
        self.set_extent(self.painter.line_width, len(self._rows.shown) + 1)

    def line(self, y: int) -> RowLine | HeaderLine | None:
        scroll_x, scroll_y = self.scroll_offset
        if y == 0:
            more_right = scroll_x < self.max_scroll_x
            return HeaderLine(self.sort_key, self.sort_descending, scroll_x > 0, more_right)
        index = y - 1 + scroll_y
        if index >= len(self._rows.shown):
            return None
        return self._row_line(index, y)

    def _row_line(self, index: int, y: int) -> RowLine:
        row = self._rows.shown[index]
        on_cursor = ("cursor" if self.has_focus else "cursor-blurred") if index == self._cursor else ""
        return RowLine(
            cells=tuple(column.cell(row) for column in self.painter.columns),
            tone=self._row_style(row) if self._row_style is not None else None,
            marked=self._rows.keys[index] in self._rows.marks,
            cursor=on_cursor,
            stale=self.stale,
            thumb=y - 1 in thumb(len(self._rows.shown), self._page, self.scroll_offset.y),
        )

    def empty_content(self) -> Content | None:
        if self._rows.shown:
            return None
        return self._all_filtered if self._rows.all else self._empty
