"""The tab of login sessions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from console.errors import OperationRefused
from console.models.accounts import LoginSession, Page
from console.screens.accounts_columns import session_columns
from console.screens.accounts_text import session_sections
from console.screens.paged import PAGE_SIZE, PagedPane, PagedTable, Position
from console.widgets.detail import Section
from console.widgets.tones import Tone


class SessionsPane(PagedPane[LoginSession]):
    """Who is logged in, and ending that."""

    TITLE = "login sessions"
    NOUN = "sessions"
    TABLE = "sessions"
    FIND = "words of the user, an address or how it begins, or a network: 10.0.0.0/8"
    LEAST_CHARACTERS = 1
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "revoke", "revoke", id="accounts.sessions.revoke", tooltip="End the session"),
        Binding("X", "revoke_all", "all of the user", id="accounts.sessions.revoke-all", tooltip="End every session of the user"),
        Binding("f", "next_state", "which", id="accounts.sessions.state", tooltip="Show open sessions, or all of them"),
        *PagedPane.BINDINGS,
    ]  # fmt: skip

    open_only: bool = True

    def compose_list(self) -> Iterable[Widget]:
        yield PagedTable[LoginSession](
            session_columns(self.clock), lambda session: session.id, row_style=self._tone, sortable=False
        )

    def _tone(self, session: LoginSession) -> Tone | None:
        return None if session.is_open(self.clock.now()) else "muted"

    # Showing ------------------------------------------------------------------------------------------------------

    async def fetch(self, position: Position) -> Page[LoginSession]:
        return await self.services.accounts.sessions.page(
            search=self.searched,
            open_only=self.open_only,
            after=position.after,
            before=position.before,
            size=PAGE_SIZE,
        )

    def label(self, row: LoginSession) -> str:
        return row.user

    @property
    def choice(self) -> str:
        return "open only" if self.open_only else ""

    async def describe(self, row: LoginSession) -> tuple[str, Sequence[Section]]:
        return f"login of {row.user}", session_sections(row, self.clock.now())

    def action_next_state(self) -> None:
        """Show open sessions only, or those that have ended too."""
        self.open_only = not self.open_only
        self.start_again()

    # Changing -----------------------------------------------------------------------------------------------------

    def _chosen(self) -> LoginSession:
        session = self.table.cursor_row
        if not isinstance(session, LoginSession):
            raise OperationRefused("There is no session here to end.")
        return session

    def action_revoke(self) -> None:
        """End the session."""
        self.change(self._revoke)

    async def _revoke(self) -> str | None:
        sessions, session = self.services.accounts.sessions, self._chosen()
        operation = await sessions.revoke_operation(session)
        if not await self.confirms(operation):
            return None
        return (await sessions.revoke(operation, session)).sentence

    def action_revoke_all(self) -> None:
        """End every session of the user."""
        self.change(self._revoke_all)

    async def _revoke_all(self) -> str | None:
        sessions, session = self.services.accounts.sessions, self._chosen()
        if session.user_id is None:
            raise OperationRefused("This session belongs to no user; x ends it alone.")
        operation = await sessions.revoke_all_operation(session.user_id)
        if not await self.confirms(operation):
            return None
        return (await sessions.revoke_all(operation, session.user_id)).sentence
