"""One tab of the screen Accounts: a list, the detail of one of its rows, and how something of it is changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import WorkerState

from console.clock import SYSTEM_CLOCK, Clock
from console.errors import ConnectionLost, DbconsoleError
from console.models.environments import PRODUCTION
from console.models.operation import READ_ONLY, Operation
from console.terminal.safe_text import visible
from console.widgets.detail import DetailPane, Section
from console.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from console.data.services import Services
    from console.models.accounts import AccountsSnapshot, ChainState

REREAD = 10.0
"""Seconds after which what is shown is read again by itself."""

PAUSE_IN_TYPING = 0.15
"""Seconds without a key after which something is asked for, be it a search or the row under a moving cursor."""

Steps = Callable[[], Awaitable[str | None]]
"""Asks what has to be asked, makes a change and returns what was done; None when the person went back."""


@dataclass
class KeysWanted(Message):
    """A person wants to see the API keys of a user."""

    user_id: UUID
    label: str


@dataclass
class ChainVerified(Message):
    """Whether the audit trail is whole is known now."""

    state: ChainState


class AccountsPane(Container):
    """A subclass composes its list (`compose_list`), loads it (`load`) and describes a row (`describe`).

    It is made and loaded when it is first shown. Its `BINDINGS` work while the focus is inside it; u i l o h are the
    screen's own keys, as are those of `ConsoleScreen.COMMON_BINDINGS`.
    """

    TITLE: ClassVar[str]
    TABLE: ClassVar[str | None] = None
    """The attribute of `Tables` without which there is nothing to show."""
    FIND: ClassVar[str] = "words to find, !word to leave out"
    """What can be typed behind the key `/`."""

    detail_open: reactive[bool] = reactive(False)

    def __init__(self, services: Services, clock: Clock = SYSTEM_CLOCK, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="accounts-pane")
        self.services = services
        self.clock = clock
        self.snapshot: AccountsSnapshot | None = None
        self.words = ""
        """What is searched for, as it was typed."""
        self._loaded_at: float | None = None

    # What a pane is -----------------------------------------------------------------------------------------------

    def compose_list(self) -> Iterable[Widget]:
        """The table, or several of which one is shown."""
        return ()

    async def load(self) -> None:
        """Asks for what is to be shown, and shows it. Raises `DbconsoleError`, which is said in the line above."""

    async def describe(self, row: Any) -> tuple[str, Sequence[Section]]:
        """A row in full: title and sections. Raises `DbconsoleError`, which is said in their place."""
        return "", ()

    def search(self, words: str) -> None:
        """Shows only what has these words: of the rows that are there, unless a subclass asks the server."""
        self.words = words
        for table in self.query(LiveTable):
            table.filter_text = words

    def missing(self, snapshot: AccountsSnapshot) -> str | None:
        """Why there is nothing to show; None where there is."""
        if self.TABLE is None or getattr(snapshot.tables, self.TABLE) is not None:
            return None
        return (
            f"There is no table for {self.TITLE} in arxos_core, in public or where the settings say.\n\n"
            "dbconsole platform init brings it, or its migrations alone:\n"
            "dbconsole migrate upgrade core@head --migrations platform"
        )

    def back(self) -> bool:
        """Closes what is open on top of the list; False when nothing was."""
        was_open = self.detail_open
        self.detail_open = False
        return was_open

    # Its parts ----------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield Static(classes="said", markup=False)
        with Container(classes="list-and-detail"):
            yield from self.compose_list()
            yield DetailPane(classes="detail")

    @property
    def table(self) -> LiveTable[Any]:
        """The table that is shown."""
        return next(table for table in self.query(LiveTable) if table.display)

    def show_line(self, line: str | Content) -> None:
        """What is shown, or why it is not, in one line above the list. A `str` is data."""
        content = Content(visible(line)) if isinstance(line, str) else line
        self.query_one(".said", Static).update(content, layout=False)

    def say(self, sentence: str, *, done: bool = False) -> None:
        """Says what became of something."""
        self.notify(sentence, severity="information" if done else "warning", timeout=6)

    # Loading ------------------------------------------------------------------------------------------------------

    def take(self, snapshot: AccountsSnapshot) -> None:
        """A sample of the screen's feed has come: loads when it is the first one, and now and then again."""
        self.snapshot = snapshot
        if sentence := self.missing(snapshot):
            self._loaded_at = None
            self.show_line("")
            self.table.show_when_empty(Content(visible(sentence, multiline=True)))
            self.table.update_rows(())
            return
        is_due = self._loaded_at is None or self.clock.monotonic() - self._loaded_at >= REREAD
        if is_due and not self._is_busy("load"):
            self.reload()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def reload(self, *, wait: float = 0.0) -> None:
        """Loads once more, in so many seconds; a load under way is cancelled, on the server too. Problems are said."""
        if wait:
            await asyncio.sleep(wait)
        await self._load(self.load())

    async def _load(self, loading: Awaitable[None]) -> None:
        self._loaded_at = self.clock.monotonic()
        try:
            await loading
        except ConnectionLost:  # which the frame says
            self._loaded_at = None
            return
        except DbconsoleError as problem:
            self.show_line(Content.styled(f"▲ {visible(problem.sentence)}", "$warning"))
            return
        if self.detail_open:
            self._load_detail()

    def _is_busy(self, group: str) -> bool:
        running = (WorkerState.PENDING, WorkerState.RUNNING)
        return any(
            worker.group == group and worker.node is self and worker.state in running
            for worker in self.workers
        )

    # The detail ---------------------------------------------------------------------------------------------------

    @on(LiveTable.RowSelected)
    def _toggle_detail(self) -> None:
        self.detail_open = not self.detail_open

    @on(LiveTable.RowHighlighted)
    def _follow_cursor(self) -> None:
        if self.detail_open:
            self._load_detail(wait=PAUSE_IN_TYPING)

    def watch_detail_open(self) -> None:
        if not self.is_mounted:
            return
        self.set_class(self.detail_open, "-detail")
        if self.detail_open:
            self._load_detail()
        else:
            self.workers.cancel_group(self, "detail")
            self.table.focus()

    @work(group="detail", exclusive=True, exit_on_error=False)
    async def _load_detail(self, *, wait: float = 0.0) -> None:
        """Asks for the row under the cursor. What cannot be asked is said in the pane."""
        if wait:
            await asyncio.sleep(wait)
        pane, row = self.query_one(DetailPane), self.table.cursor_row
        if row is None:
            pane.show("Nothing is selected.", ())
            return
        try:
            title, sections = await self.describe(row)
        except DbconsoleError as problem:
            if not isinstance(problem, ConnectionLost):
                pane.show(problem.sentence, ())
            return
        pane.show(title, sections)

    # Changing -----------------------------------------------------------------------------------------------------

    def change(self, steps: Steps) -> None:
        """Takes the steps of a change unless nothing may be changed, or another change is under way; both are said."""
        if self.services.settings.read_only:
            self.say(READ_ONLY)
        elif (now := self.services.server.capabilities) is not None and now.in_recovery:
            self.say("The server is a standby: what changes it has to run on its primary.")
        elif self._is_busy("change"):
            self.say("The change before is still being made.")
        else:
            self._take_steps(steps)

    @work(group="change", exclusive=False, exit_on_error=False)
    async def _take_steps(self, steps: Steps) -> None:
        """Says what was done, or why not, and shows how things stand then."""
        try:
            done = await steps()
        except DbconsoleError as problem:
            self.say(problem.sentence)
        else:
            if done is None:
                return
            self.say(done, done=True)
        self.reload()
        self.services.accounts_feed.sample_now()

    async def confirms(self, operation: Operation) -> bool:
        """Shows what would be done; whether the person wants it. In production the name has to be typed."""
        from console.dialogs.confirm import ConfirmDialog

        settings = self.services.settings
        return await self.app.push_screen_wait(
            ConfirmDialog(
                operation, typed=settings.types_names, in_production=settings.environment == PRODUCTION
            )
        )
