"""A tab that shows one page of a list which is too long to be held: keyset pages, and a search by the server."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from console.models.accounts import Page
from console.screens.accounts_pane import PAUSE_IN_TYPING, AccountsPane
from console.terminal.safe_text import visible
from console.units import count
from console.widgets.live_table import LiveTable

R = TypeVar("R")

PAGE_SIZE = 100
"""Rows of a page, and so the most that a tab holds."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins, or ends: the key of the row there. Neither is the first page."""

    after: tuple[Any, ...] | None = None
    before: tuple[Any, ...] | None = None


FIRST = Position()


class PagedTable(LiveTable[R]):
    """The rows of one page in the order of the list. Going a page on at its edge asks for the page beyond."""

    @dataclass
    class EdgeReached(Message):
        """The person wants to go on behind the last row (1), or before the first one (-1)."""

        by: int

    def action_move_page(self, by: int) -> None:
        rows = self.shown_rows
        if not rows or self.cursor_row is (rows[-1] if by > 0 else rows[0]):
            self.post_message(self.EdgeReached(by))
        else:
            super().action_move_page(by)


class PagedPane(AccountsPane, Generic[R]):
    """A subclass composes a `PagedTable` whose `sortable` is False, and fetches pages (`fetch`)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("greater_than_sign", "turn(1)", "next page", key_display=">", show=False, tooltip="Show the next page, as pgdn does at the end of this one"),
        Binding("less_than_sign", "turn(-1)", "page before", key_display="<", show=False, tooltip="Show the page before"),
    ]  # fmt: skip
    NOUN: ClassVar[str] = "rows"
    """What is listed, in the plural with an s: "users"."""
    FIND: ClassVar[str] = "three characters at least"
    LEAST_CHARACTERS: ClassVar[int] = 3
    """Characters of a search; fewer are looked for by no index that finds words anywhere in a text."""

    position: Position = FIRST
    page: Page[R] | None = None
    """What is shown."""
    wanted: Hashable = None
    """The key of the row that the cursor goes to when it is next there."""
    _going_to: Position | None = None

    # What a paged pane is -----------------------------------------------------------------------------------------

    async def fetch(self, position: Position) -> Page[R]:
        """Asks for the page at a position with what `words` and the pane's own filters let through."""
        raise NotImplementedError

    def label(self, row: R) -> str:
        """What tells a person how far in the list a page is: of its first and last row."""
        return ""

    @property
    def choice(self) -> str:
        """What the pane's own filters let through, as words; "" for everything."""
        return ""

    @property
    def is_searching(self) -> bool:
        """Whether `words` are long enough to be searched for."""
        return len(self.words.strip()) >= self.LEAST_CHARACTERS

    @property
    def searched(self) -> str:
        """What the service is to search for; "" for everything."""
        return self.words.strip() if self.is_searching else ""

    # Pages --------------------------------------------------------------------------------------------------------

    async def load(self) -> None:
        self._show(await self.fetch(self.position))

    def search(self, words: str) -> None:
        self.words = words
        self.start_again(wait=PAUSE_IN_TYPING)

    def start_again(self, *, wait: float = 0.0) -> None:
        """Shows the first page in so many seconds, since something else is looked for now."""
        self.position = FIRST
        self._go(FIRST, wait=wait)

    @on(PagedTable.EdgeReached)
    def _go_beyond(self, event: PagedTable.EdgeReached) -> None:
        self.action_turn(event.by)

    def action_turn(self, by: int) -> None:
        """Show the next page, or the one before."""
        bound = None if self.page is None else self.page.after if by > 0 else self.page.before
        if bound is None:
            self.notify(f"This is the {'last' if by > 0 else 'first'} page.", timeout=2)
            return
        position = Position(after=bound) if by > 0 else Position(before=bound)
        if not (self._going_to == position and self._is_busy("load")):
            self._go(position)

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _go(self, position: Position, *, wait: float = 0.0) -> None:
        """Goes to another page. What hinders that is said, and the page before stays."""
        self._going_to = position
        if wait:
            await asyncio.sleep(wait)
        await self._load(self._go_to(position))

    async def _go_to(self, position: Position) -> None:
        page = await self.fetch(position)
        self.position = position
        self._show(page)
        if position.before is None:
            self.table.action_first_row()
        else:
            self.table.action_last_row()

    def _show(self, page: Page[R]) -> None:
        self.page = page
        table = self.table
        table.show_when_empty(
            Content(f"No {self.NOUN} are like that." if self._is_choosing else f"There are no {self.NOUN}.")
        )
        table.update_rows(page.rows)
        if self.wanted is not None:
            table.move_to(self.wanted)
            self.wanted = None
        self.show_line(self.line_about(page))

    @property
    def _is_choosing(self) -> bool:
        return bool(self.is_searching or self.choice)

    def line_about(self, page: Page[R]) -> Content:
        """How many there are, which of them are looked for, and which are shown."""
        is_whole = page.before is None and page.after is None
        if is_whole:
            number = (
                f"{count(len(page.rows))} {self.NOUN if len(page.rows) != 1 else self.NOUN.removesuffix('s')}"
            )
        elif self._is_choosing or page.estimate is None:
            number = f"more than {count(len(page.rows))} {self.NOUN}"
        else:
            number = f"about {count(page.estimate)} {self.NOUN}"
        parts = [f"{number} found" if self._is_choosing else number]
        if self.choice:
            parts.append(self.choice)
        if self.is_searching:
            parts.append(f"search: {self.searched}")
        if not is_whole and page.rows:
            parts += [way for way, bound in (("< before", page.before), ("> next", page.after)) if bound]
            parts.append(f"{self.label(page.rows[0])} … {self.label(page.rows[-1])}")
        line = Content(visible(" · ".join(parts)))
        if self.words.strip() and not self.is_searching:
            line = Content.styled(f"▲ type {self.LEAST_CHARACTERS} characters at least · ", "$warning") + line
        return line
