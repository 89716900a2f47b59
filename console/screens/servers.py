"""The servers that were found: one of them is opened, when the console starts or instead of the one that is open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import ScreenResume
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static

from console.errors import DbconsoleError
from console.models.environments import Destination
from console.resources import folder
from console.terminal.safe_text import visible
from console.widgets.columns import Cell, Column
from console.widgets.filter_bar import FilterBar
from console.widgets.key_line import KeyLine
from console.widgets.live_table import LiveTable
from console.widgets.status_line import ENVIRONMENTS, environment_badge
from console.widgets.tones import Tone

if TYPE_CHECKING:
    from console.data.services import Services

_TONES: dict[str | None, Tone] = {"red": "danger", "yellow": "warning", "green": "success"}
_HINT = "dbconsole TARGET opens any other server; dbconsole env add NAME TARGET puts one here."


@dataclass
class ServerChosen(Message):
    """A person wants to go to another server."""

    destination: Destination


@dataclass
class ServersRefused(Message):
    """Which servers there are cannot be told."""

    problem: DbconsoleError


class _ServerTable(LiveTable[Destination]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_row", "connect", key_display="enter", tooltip="Go to the server under the cursor"),
    ]  # fmt: skip


class ServersScreen(Screen[None]):
    """Posts `ServerChosen`. Nothing is connected to before."""

    TITLE = "Servers"
    CSS_PATH = folder("themes") / "servers.tcss"
    AUTO_FOCUS = "_ServerTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", key_display="/", priority=True, id="filter", tooltip="Show only servers with these words"),
        Binding("r", "look", "look again", id="refresh", tooltip="Look again which servers there are"),
        Binding("escape", "app.leave_servers", "back", key_display="esc", id="servers.back", tooltip="Go back to the server that is open"),
    ]  # fmt: skip

    def __init__(
        self, find: Callable[[], Sequence[Destination]], services: Callable[[], Services | None]
    ) -> None:
        """`find` may take its time, and raises `DbconsoleError`; `services` are those of the server that is open."""
        super().__init__()
        self._find = find
        self._services = services

    def compose(self) -> ComposeResult:
        yield Static(id="now", markup=False)
        yield _ServerTable(
            (
                Column("name", "server", _name, 26, 16, flexible=True, share=0.3, priority=2),
                Column("address", "address", _address, 34, 16, flexible=True, share=0.4, priority=1),
                Column("from", "from", lambda row: (row.kind.value, "muted"), 12),
            ),
            lambda row: (row.name, row.origin),
            sortable=False,
            empty=Content("Looking for servers …"),
        )
        yield Static(id="more", markup=False)
        yield FilterBar()
        yield KeyLine()

    @property
    def _table(self) -> _ServerTable:
        return self.query_one(_ServerTable)

    @on(ScreenResume)
    def _say_where_one_is(self) -> None:
        if (services := self._services()) is None:
            now = Content("Which server?")
        else:
            settings = services.settings
            parts = [Content("Go from")]
            if settings.environment:
                parts.append(environment_badge(settings.environment, settings.colour))
            parts += [
                Content.styled(visible(services.server.target.label), "bold"),
                Content("to another server."),
            ]
            if where := services.server.target.password_from:
                parts.append(Content.styled(f"The password is from {visible(where)}.", "$text-muted"))
            now = Content(" ").join(parts)
        self.query_one("#now", Static).update(now)
        self.action_look()

    @work(group="servers", exclusive=True, exit_on_error=False)
    async def action_look(self) -> None:
        """Look which servers there are; why that cannot be told is said in their place."""
        try:
            found = await asyncio.to_thread(self._find)
        except DbconsoleError as problem:
            self._table.update_rows(())
            self._table.show_when_empty(Content(visible(problem.sentence)))
            self.post_message(ServersRefused(problem))
            return
        self._table.show_when_empty(Content("No server was found."))
        self._table.update_rows(found)

    @on(LiveTable.RowHighlighted)
    def _tell_more(self, event: LiveTable.RowHighlighted) -> None:
        row = event.row
        lines = [Content.styled(_HINT, "$text-muted")]
        if isinstance(row, Destination):
            # In full: the column may be too narrow for the hosts that tell one from another.
            lines.insert(0, Content(visible(row.problem or f"{row.address} · {row.origin}")))
        self.query_one("#more", Static).update(Content("\n").join(lines))

    @on(LiveTable.RowSelected)
    def _choose(self, event: LiveTable.RowSelected) -> None:
        if event.row.problem:
            self.notify(event.row.problem, markup=False, severity="warning", timeout=10)
        else:
            self.post_message(ServerChosen(event.row))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # As in the frame of the other screens: where a person types it is a letter like all.
        return not (action == "filter" and isinstance(self.focused, Input))

    def action_filter(self) -> None:
        """Filter as you type."""
        self.query_one(FilterBar).edit()

    @on(FilterBar.Changed)
    def _filter(self, event: FilterBar.Changed) -> None:
        self._table.filter_text = event.words

    @on(FilterBar.Closed)
    def _leave_filter(self) -> None:
        self._table.focus()


def _name(row: Destination) -> Cell:
    colour = row.colour or ENVIRONMENTS.get(row.environment or "")
    return (row.title, _TONES.get(colour, "accent" if row.environment else "strong"))


def _address(row: Destination) -> Cell:
    return (row.problem, "warning") if row.problem else row.address
