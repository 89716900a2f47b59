"""What every screen has around it: the header, the tabs, the alerts, the keys, and what they do everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from console.data.health import alerts
from console.models.health import Alert, Severity
from console.models.reading import Reading
from console.models.server import LinkState
from console.screens.clipping import send_to_clipboard
from console.screens.watching import S, WatchingScreen
from console.terminal.safe_text import visible
from console.widgets.alert_strip import AlertStrip
from console.widgets.filter_bar import FilterBar
from console.widgets.key_line import KeyLine
from console.widgets.live_table import LiveTable
from console.widgets.status_line import StatusLine
from console.widgets.tab_line import TabLine

TABS = (
    ("1", "pools", "Pools"),
    ("2", "activity", "Activity"),
    ("3", "slow", "Slow queries"),
    ("4", "migrations", "Migrations"),
    ("5", "accounts", "Accounts"),
    ("6", "spatial", "Spatial"),
)
"""Key, mode and title of every screen."""

LEAST_WIDTH, LEAST_HEIGHT = 72, 20
"""A terminal of 80×24 less what tmux takes; below this nothing would be legible."""

INTERVALS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


@dataclass
class SessionsWanted(Message):
    """A person wants to see the sessions behind something: those that match the words."""

    words: str


@dataclass
class Unfinished(Message):
    """Says what leaving would interrupt, as a sentence; None when that is over."""

    sentence: str | None


class ConsoleScreen(WatchingScreen[S]):
    """A screen in the console's frame.

    A subclass says which feed (`feed_of`), composes its body (`compose_body`) and shows a reading (`show`). Its
    `BINDINGS` end with `COMMON_BINDINGS`, so that a narrow footer shows its own keys first.
    """

    AUTO_FOCUS = "LiveTable"
    COMMON_BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", key_display="/", priority=True, id="filter", tooltip="Show only rows with these words"),
        Binding("s", "sort", "sort", id="sort", tooltip="Sort by the next column"),
        Binding("S", "sort_reverse", "reverse", show=False, id="sort-reverse", tooltip="Sort the other way round"),
        Binding("space", "pause", "pause", id="pause", tooltip="Hold the picture still; again lets it go on"),
        Binding("r", "refresh_now", "now", show=False, id="refresh", tooltip="Sample now, or try to connect now"),
        Binding("plus,equals_sign", "slower", "slower", show=False, key_display="+", id="slower", tooltip="Sample less often"),
        Binding("minus", "faster", "faster", show=False, key_display="-", id="faster", tooltip="Sample more often"),
        Binding("e", "export", "export", show=False, id="export", tooltip="Write what is shown to a CSV or JSON file"),
        Binding("y", "copy", "copy", show=False, id="copy", tooltip="Copy the row to the terminal's clipboard"),
    ]  # fmt: skip

    # What a screen is ---------------------------------------------------------------------------------------------

    def compose_body(self) -> Iterable[Widget]:
        """The widgets between the alerts and the keys."""
        return ()

    def show(self, snapshot: S, reading: Reading[S]) -> None:
        """Shows a snapshot."""

    @property
    def tables(self) -> Sequence[LiveTable[object]]:
        """The tables of the screen, the hidden ones included."""
        return list(self.query(LiveTable))

    @property
    def table(self) -> LiveTable[object]:
        """The table that keys act on: the focused one, else the first that is shown."""
        shown = [table for table in self.tables if table.display]
        return next((table for table in shown if table.has_focus), shown[0])

    # The frame ----------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield StatusLine(self.clock)
        yield TabLine(TABS, self.MODE)
        yield AlertStrip()
        with Container(id="body"):
            yield from self.compose_body()
        yield Static(id="too-small", markup=False)
        yield FilterBar()
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(StatusLine).status = self.status
        self._explain_emptiness()

    @on(Resize)
    def _say_what_room_is_needed(self, event: Resize) -> None:
        width, height = event.size
        small = width < LEAST_WIDTH or height < LEAST_HEIGHT
        self.update_classes({"-too-small": small, "-wide": width >= 110, "-very-wide": width >= 160})
        if small:
            self.query_one("#too-small", Static).update(
                Content(
                    f"dbconsole needs a terminal of {LEAST_WIDTH}×{LEAST_HEIGHT} at least (80×24 is good); "
                    f"this one is {width}×{height}. Make it larger, or press q."
                )
            )

    # Readings -----------------------------------------------------------------------------------------------------

    def watch_reading(self, before: Reading[S] | None, reading: Reading[S] | None) -> None:
        if reading is None or not self.is_mounted:
            return
        with self.app.batch_update():
            self.query_one(StatusLine).status = self.status
            if reading.snapshot is None:
                self._explain_emptiness()
            elif before is None or reading.snapshot is not before.snapshot:
                self.show(reading.snapshot, reading)
            self.query_one(AlertStrip).alerts = self._alerts(reading)
            stale = not reading.is_live
            for table in self.tables:
                table.stale = stale
            self.set_class(stale, "-stale")

    def _alerts(self, reading: Reading[S]) -> tuple[Alert, ...]:
        """What is wrong with the link is all that matters while it is; old alerts would be about old data."""
        if reading.snapshot is None:
            return ()
        if problem := reading.problem or (reading.link.problem if not reading.is_live else None):
            return (Alert(Severity.CRITICAL, problem, self.MODE),)
        vitals = reading.snapshot.vitals
        return (*(alerts(vitals, self.thresholds) if vitals else ()), *self._hidden())

    def _hidden(self) -> tuple[Alert, ...]:
        """Most of what there is to see is hidden from most roles; a person should know."""
        server = self.services.server if self.services else None
        if server is None or server.capabilities is None or server.capabilities.sees_all_sessions:
            return ()
        return (
            Alert(
                Severity.WARNING, f"this role does not see what others do: {server.missing_right}", "activity"
            ),
        )

    @property
    def emptiness(self) -> str:
        """Why there is nothing to see yet."""
        problem = self.link.problem or (self.reading.problem if self.reading else None)
        if self.link.state is LinkState.REFUSED:
            return f"{problem}\n\nPress r to try again, ctrl+o for another server, q to quit."
        if problem:
            return (
                f"{problem}\n\nIt is tried again by itself; r tries now, ctrl+o changes the server, q quits."
            )
        return f"Connecting to {self.services.server.target} …" if self.services else "Starting …"

    def _explain_emptiness(self) -> None:
        """Says in the tables why there is nothing to see yet."""
        first, *others = self.tables
        first.show_when_empty(Content(visible(self.emptiness, multiline=True)))
        for table in others:
            table.show_when_empty(Content(""))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # The key that filters is looked at before any other, but where a person types it is a letter like all.
        return not (action == "filter" and isinstance(self.focused, Input))

    # What a person can do on every screen -------------------------------------------------------------------------

    def action_pause(self) -> None:
        """Hold the picture still, or let it go on."""
        if self.services is not None:
            feed = self.feed_of(self.services)
            feed.paused = not feed.paused

    def action_refresh_now(self) -> None:
        """Sample now; without a connection, try to connect now."""
        if self.services is not None:
            self.services.server.try_now()
            self.feed_of(self.services).sample_now()

    def action_slower(self) -> None:
        """Sample less often."""
        self._change_interval([seconds for seconds in INTERVALS if seconds > self._interval][:1])

    def action_faster(self) -> None:
        """Sample more often."""
        self._change_interval([seconds for seconds in INTERVALS if seconds < self._interval][-1:])

    @property
    def _interval(self) -> float:
        return self.feed_of(self.services).interval if self.services else 0.0

    def _change_interval(self, choice: Sequence[float]) -> None:
        if self.services is not None and choice:
            for feed in self.services.feeds:
                feed.interval = choice[0]

    def action_sort(self) -> None:
        """Sort by the next column."""
        self.table.action_sort_next()

    def action_sort_reverse(self) -> None:
        """Sort the other way round."""
        self.table.action_sort_reverse()

    def action_filter(self) -> None:
        """Filter as you type."""
        self.query_one(FilterBar).edit()

    def filter_by(self, words: str) -> None:
        """Shows only rows with these words, and says so; none of them shows every row again."""
        self.query_one(FilterBar).show_words(words)
        self.find(words)

    @on(FilterBar.Changed)
    def _filter(self, event: FilterBar.Changed) -> None:
        self.find(event.words)

    def find(self, words: str) -> None:
        """Shows only rows with these words: of those that the tables have, unless a screen asks the server."""
        for table in self.tables:
            table.filter_text = words

    @on(FilterBar.Closed)
    def _leave_filter(self) -> None:
        self.table.focus()

    def action_copy(self) -> None:
        """Copy the row under the cursor to the terminal's clipboard."""
        if (texts := self.table.export_cursor_row()) is not None:
            self.send_to_clipboard("\t".join(texts))

    def send_to_clipboard(self, text: str) -> None:
        """Hands text to the terminal, which may or may not put it into its clipboard."""
        send_to_clipboard(self, text)

    @work(group="export", exclusive=True, exit_on_error=False)
    async def action_export(self) -> None:
        """Write what is shown to a file. A file that cannot be written is said in the dialog."""
        from console.dialogs.export import ExportDialog

        written = await self.app.push_screen_wait(
            ExportDialog(self.MODE, self.table.export_rows(), self.clock.now())
        )
        if written is not None:
            self.notify(f"Written to {written}.", markup=False, timeout=5)
