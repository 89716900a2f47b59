"""The tab of the audit trail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from console.errors import DbconsoleError
from console.models.accounts import ChainState, Page, TrailEntry
from console.screens.accounts_columns import trail_columns
from console.screens.accounts_pane import ChainVerified
from console.screens.accounts_text import entry_sections, entry_title
from console.screens.clipping import send_to_clipboard
from console.screens.paged import PAGE_SIZE, PagedPane, PagedTable, Position
from console.screens.trail_words import trail_filter
from console.units import count
from console.widgets.detail import Section


class TrailPane(PagedPane[TrailEntry]):
    """What was done, by whom, and whether anybody has changed what is written about it."""

    TITLE = "the audit trail"
    NOUN = "rows"
    TABLE = "trail"
    FIND = "person:ada action:api_key object:users since:7d until:2026-03-01"
    LEAST_CHARACTERS = 1
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "verify", "verify", id="accounts.trail.verify", tooltip="Whether the chain of the rows is whole, and where it breaks"),
        Binding("n", "newest", "newest hash", id="accounts.trail.newest", tooltip="Copy the newest hash, to be kept elsewhere"),
        Binding("R", "retain", "retention", id="accounts.trail.retain", tooltip="Let go of rows that are older than the settings keep them"),
        *PagedPane.BINDINGS,
    ]  # fmt: skip

    chain: ChainState | None = None
    """As it was when somebody last looked."""

    def compose_list(self) -> Iterable[Widget]:
        yield PagedTable[TrailEntry](trail_columns(), lambda entry: entry.id, sortable=False)

    # Showing ------------------------------------------------------------------------------------------------------

    async def fetch(self, position: Position) -> Page[TrailEntry]:
        return await self.services.accounts.trail.page(
            trail_filter(self.words, self.clock.now()),
            after=position.after,
            before=position.before,
            size=PAGE_SIZE,
        )

    def label(self, row: TrailEntry) -> str:
        return f"{row.at.astimezone():%Y-%m-%d %H:%M}"

    def line_about(self, page: Page[TrailEntry]) -> Content:
        line = super().line_about(page)
        chain = self.chain
        if chain is None:
            return line
        if chain.broken_at is not None:
            return Content.styled(f"◆ BROKEN at {chain.broken_at} · ", "$error") + line
        if not chain.is_chain:
            return Content.styled("▲ no chain · ", "$warning") + line
        when = f" at {chain.verified_at.astimezone():%H:%M}" if chain.verified_at else ""
        return Content.styled(f"● chain whole{when}, {count(chain.rows)} rows · ", "$success") + line

    async def describe(self, row: TrailEntry) -> tuple[str, Sequence[Section]]:
        return entry_title(row), entry_sections(row, self.clock.now())

    # The chain ----------------------------------------------------------------------------------------------------

    @work(group="verify", exclusive=True, exit_on_error=False)
    async def action_verify(self) -> None:
        """Look whether the chain is whole. What hinders that is said."""
        self.show_line("… looking at every row of the trail")
        try:
            found = await self.services.accounts.trail.verify()
            self.chain = replace(found, verified_at=self.clock.now())
        except DbconsoleError as problem:
            self.say(problem.sentence)
        else:
            self.say(self.chain.sentence, done=self.chain.is_chain and self.chain.broken_at is None)
            self.post_message(ChainVerified(self.chain))
        if self.page is not None:
            self.show_line(self.line_about(self.page))

    @work(group="newest", exclusive=True, exit_on_error=False)
    async def action_newest(self) -> None:
        """Copy the newest row's number and hash. What hinders that is said."""
        try:
            newest = await self.services.accounts.trail.newest()
        except DbconsoleError as problem:
            self.say(problem.sentence)
            return
        if newest is None or newest.hash is None:
            self.say("The trail is empty: there is no hash yet.")
            return
        self.say(
            f"Row {newest.sequence}: {newest.hash}. Keep it where nobody who can change the table can.",
            done=True,
        )
        send_to_clipboard(self, newest.hash)

    def action_retain(self) -> None:
        """Let go of the old end of the trail."""
        self.change(self._retain)

    async def _retain(self) -> str | None:
        trail = self.services.accounts.trail
        operation = await trail.retention_operation()
        if not await self.confirms(operation):
            return None
        return (await trail.retain(operation)).sentence
