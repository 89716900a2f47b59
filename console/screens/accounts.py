"""Screen 5, Accounts: who may come in, with which keys, and what was done about it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget
from textual.widgets import Input, Static

from console.models.accounts import AccountsSnapshot, ChainState
from console.models.reading import Reading
from console.resources import folder
from console.screens.accounts_pane import AccountsPane, ChainVerified, KeysWanted
from console.screens.frame import ConsoleScreen
from console.screens.paged import PagedPane
from console.terminal.safe_text import visible
from console.units import compact
from console.widgets.filter_bar import FilterBar
from console.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from console.data.feed import Feed
    from console.data.services import Services

TabName: TypeAlias = Literal["users", "keys", "sessions", "roles", "trail"]


@dataclass(frozen=True, slots=True)
class Tab:
    """A part of the screen with its key."""

    key: str
    title: str
    table: str | None
    """Whose estimate is shown beside the title."""


TABS: dict[TabName, Tab] = {
    "users": Tab("u", "Users", "users"),
    "keys": Tab("i", "API keys", "api_keys"),
    "sessions": Tab("l", "Sessions", "sessions"),
    "roles": Tab("o", "Roles", None),
    "trail": Tab("h", "Audit", "audit_logs"),
}


class AccountsScreen(ConsoleScreen[AccountsSnapshot]):
    """Five tabs, of which each is made and asked for when it is first shown."""

    MODE = "accounts"
    CSS_PATH = folder("themes") / "accounts.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "tab('users')", "users", id="accounts.users", tooltip="Users"),
        Binding("i", "tab('keys')", "keys", id="accounts.keys", tooltip="API keys"),
        Binding("l", "tab('sessions')", "logins", id="accounts.sessions", tooltip="Login sessions: who is logged in"),
        Binding("o", "tab('roles')", "roles", id="accounts.roles", tooltip="Roles of PostgreSQL, and what they may do"),
        Binding("h", "tab('trail')", "audit", id="accounts.trail", tooltip="Audit trail: the history of changes"),
        Binding("tab", "app.focus_next", "other pane", show=False, tooltip="Go to the detail, or to the alerts"),
        Binding("escape", "back", "back", show=False, tooltip="Close the detail; remove the search"),
        *ConsoleScreen.COMMON_BINDINGS,
    ]  # fmt: skip

    tab: reactive[TabName] = reactive("users")

    def compose_body(self) -> Iterable[Widget]:
        yield Static(id="tabs", markup=False)
        yield Static(id="notes", markup=False)
        with Container(id="panes"):
            yield LiveTable[str]((), str, id="waiting")

    def on_mount(self) -> None:
        super().on_mount()
        self._chain: ChainState | None = None
        self._bringing = asyncio.Lock()
        self.query_one("#tabs").auto_links = False
        self._show_tabs()

    def feed_of(self, services: Services) -> Feed[AccountsSnapshot]:
        return services.accounts_feed

    @property
    def pane(self) -> AccountsPane | None:
        """The tab that is shown; None before there is anything to show."""
        return next((pane for pane in self.query(AccountsPane) if pane.display), None)

    @property
    def tables(self) -> Sequence[LiveTable[object]]:
        return list((self.pane or self.query_one("#panes")).query(LiveTable))

    # Showing ------------------------------------------------------------------------------------------------------

    def show(self, snapshot: AccountsSnapshot, reading: Reading[AccountsSnapshot]) -> None:
        self._show_tabs()
        notes = self.query_one("#notes", Static)
        notes.display = bool(snapshot.tables.notes)
        notes.update(Content("\n".join(f"▲ {visible(note)}" for note in snapshot.tables.notes)))
        if self.pane is None:
            self._show_pane()
        else:
            self.pane.take(snapshot)

    def _show_tabs(self) -> None:
        self.query_one("#tabs", Static).update(
            Content("  ").join([self._title(name, tab) for name, tab in TABS.items()]), layout=False
        )

    def _title(self, name: TabName, tab: Tab) -> Content:
        words = f"{tab.key} {tab.title}"
        if name == self.tab:
            title = Content.styled(words, "bold reverse")
        else:
            title = Content.styled(words, Style.from_meta({"@click": f"screen.tab({name!r})"}))
        if name == "trail" and self._chain is not None and self._chain.is_chain:
            return title + " " + _chain_mark(self._chain)
        snapshot = self.reading.snapshot if self.reading is not None else None
        estimate = snapshot.estimates.get(tab.table) if snapshot is not None and tab.table else None
        return title if estimate is None else title + Content.styled(f" {compact(estimate)}", "$text-muted")

    @on(ChainVerified)
    def _mark_chain(self, event: ChainVerified) -> None:
        self._chain = event.state
        self._show_tabs()

    # Tabs ---------------------------------------------------------------------------------------------------------

    def action_tab(self, name: TabName) -> None:
        """Show another tab."""
        self.tab = name

    def watch_tab(self) -> None:
        if self.is_mounted:
            self._show_tabs()
            self._show_pane()

    @work(group="view", exclusive=False, exit_on_error=False)
    async def _show_pane(self) -> None:
        """Brings the tab into sight. It has nothing that can fail."""
        await self._bring_pane()

    async def _bring_pane(self) -> None:
        async with (
            self._bringing
        ):  # one after the other: no tab is made twice, or looked at before it is there
            await self._bring()

    async def _bring(self) -> None:
        reading, services = self.reading, self.services
        if services is None or reading is None or reading.snapshot is None:
            return
        made = [pane for pane in self.query(AccountsPane) if pane.id == self.tab]
        pane = made[0] if made else _pane_class(self.tab)(services, self.clock, id=self.tab)
        self.query_one("#waiting").display = False
        for other in self.query(AccountsPane):
            other.display = other is pane
        if not made:
            await self.query_one("#panes").mount(pane)
        bar = self.query_one(FilterBar)
        bar.say_what_to_type(pane.FIND)
        bar.show_words(pane.words)
        pane.table.stale = not reading.is_live
        if not isinstance(self.focused, Input):
            pane.table.focus()
        pane.take(reading.snapshot)

    @on(KeysWanted)
    async def _show_keys(self, event: KeysWanted) -> None:
        from console.screens.accounts_keys import KeysPane

        self.tab = "keys"
        await self._bring_pane()
        self.query_one(KeysPane).show_user(event.user_id, event.label)

    # What a person can do -----------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # Rows that come page by page are in the order of the list; sorting those of one page would mislead.
        if action in ("sort", "sort_reverse"):
            return not isinstance(self.pane, PagedPane)
        return super().check_action(action, parameters)

    def find(self, words: str) -> None:
        if self.pane is not None:
            self.pane.search(words)

    def action_refresh_now(self) -> None:
        """Sample now, and read the list again."""
        super().action_refresh_now()
        if self.pane is not None:
            self.pane.reload()

    def action_back(self) -> None:
        """Close what is open in the tab, else remove the search."""
        if self.pane is not None and not self.pane.back() and self.pane.words:
            self.filter_by("")


def _chain_mark(chain: ChainState) -> Content:
    """Whether the trail is whole, in a word and a glyph."""
    if chain.broken_at is not None:
        return Content.styled(f"◆ BROKEN at {chain.broken_at}", "$error")
    when = f" {chain.verified_at.astimezone():%H:%M}" if chain.verified_at else ""
    return Content.styled(f"● whole{when}", "$success")


def _pane_class(name: TabName) -> type[AccountsPane]:
    if name == "users":
        from console.screens.accounts_users import UsersPane

        return UsersPane
    if name == "keys":
        from console.screens.accounts_keys import KeysPane

        return KeysPane
    if name == "sessions":
        from console.screens.accounts_sessions import SessionsPane

        return SessionsPane
    if name == "roles":
        from console.screens.accounts_roles import RolesPane

        return RolesPane
    from console.screens.accounts_trail import TrailPane

    return TrailPane
