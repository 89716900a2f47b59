"""Statements with what they have cost, and what the sessions wait for: showing them, and choosing which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from textual import on, work
from textual.containers import Container
from textual.events import ScreenResume, ScreenSuspend
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from console.errors import ConnectionLost, DbconsoleError
from console.models.reading import Reading
from console.models.statements import (
    ExtensionState,
    Scope,
    Selection,
    Statement,
    StatementDetail,
    StatementKind,
    StatementsSnapshot,
    StatementsView,
)
from console.models.waits import WaitsSnapshot
from console.screens.frame import ConsoleScreen
from console.screens.slow_columns import COLUMN_SETS, statement_tone
from console.screens.slow_text import missing, nothing_found, nothing_to_show, summary
from console.screens.statement_pane import StatementPane
from console.screens.waits_panel import WaitsPanel
from console.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from console.data.feed import Feed
    from console.data.services import Services

View: TypeAlias = Literal["statements", "waits"]

LEAST_MEANS = (0.0, 0.01, 0.1, 1.0, 10.0)
"""Seconds that a call takes on average at least, of what is shown."""

WAITS_SLACK = 0.5
"""Seconds that samples of the waits may come too early to be shown, so that none has to wait for the one after."""

_SCOPES = tuple(Scope)
_KINDS: tuple[StatementKind | None, ...] = (
    None,
    *(kind for kind in StatementKind if kind is not StatementKind.UNKNOWN),
)


class StatementsScreen(ConsoleScreen[StatementsSnapshot]):
    """Statements with what they have cost, or what the sessions wait for; the detail of one statement below."""

    view: reactive[View] = reactive("statements")
    detail_open: reactive[bool] = reactive(False)

    def compose_body(self) -> Iterable[Widget]:
        yield Static(id="summary", markup=False)
        yield Static(id="notice", markup=False)
        with Container(id="statements-and-detail"):
            yield LiveTable[Statement](
                COLUMN_SETS[0][1], lambda statement: statement.key, row_style=statement_tone, id="statements"
            )

    def on_mount(self) -> None:
        super().on_mount()
        self._columns = 0
        self._selection: Selection | None = None
        self._waits: WaitsSnapshot | None = None
        self._shown_waits: WaitsSnapshot | None = None
        self._unwatch_waits: Callable[[], None] | None = None
        self.statements.sort_by("total")

    @property
    def statements(self) -> LiveTable[Statement]:
        """The table of statements."""
        return self.query_one("#statements", LiveTable)

    # The waits and the detail are made when they are first shown: opening the screen does not pay for them.

    @property
    def panel(self) -> WaitsPanel | None:
        """What the sessions wait for; None before it was first shown."""
        return next(iter(self.query(WaitsPanel)), None)

    async def _made_pane(self) -> StatementPane:
        if not self.query(StatementPane):
            await self.query_one("#statements-and-detail").mount(StatementPane(id="statement"))
        return self.query_one(StatementPane)

    @property
    def tables(self) -> Sequence[LiveTable[object]]:
        shown = self.panel if self.panel and self.shows_waits else self.query_one("#statements-and-detail")
        return list(shown.query(LiveTable))

    def feed_of(self, services: Services) -> Feed[StatementsSnapshot]:
        return services.statements_feed

    # The waits have a feed of their own: once a second while the screen is shown -----------------------------------

    def attach(self, services: Services) -> None:
        super().attach(services)
        if self.app.current_mode == self.MODE:
            self._watch_waits()

    @on(ScreenResume)
    def _watch_waits(self) -> None:
        if self.services is not None and self._unwatch_waits is None:
            self._unwatch_waits = self.services.waits_feed.watch(self._take_waits)

    @on(ScreenSuspend)
    def _stop_watching_waits(self) -> None:
        if self._unwatch_waits is not None and self.app.current_mode != self.MODE:
            self._unwatch_waits()
            self._unwatch_waits = None

    def _take_waits(self, reading: Reading[WaitsSnapshot]) -> None:
        if self.app.return_code is not None or reading.snapshot is self._waits:
            return
        self._waits = reading.snapshot
        if self.shows_waits and self._are_waits_due:
            with self.app.batch_update():
                self._show_waits()

    @property
    def _are_waits_due(self) -> bool:
        """They are sampled more often than a screen is to be painted: as often as the statements are."""
        if self._waits is None or self._shown_waits is None or self.services is None:
            return True
        age = (self._waits.at - self._shown_waits.at).total_seconds()
        return age <= 0 or age > self.services.statements_feed.interval - WAITS_SLACK

    def _show_waits(self) -> None:
        self._shown_waits = self._waits
        if self.panel is not None and self.services is not None and self._waits is not None:
            self.panel.missing_right = self.services.server.missing_right
            self.panel.show(self._waits, self.services.statements.text_of)

    @property
    def shows_waits(self) -> bool:
        """Whether the waits are in sight, rather than the statements."""
        return self.view == "waits" or self.has_class("-missing")

    # Showing ------------------------------------------------------------------------------------------------------

    def show(self, snapshot: StatementsSnapshot, reading: Reading[StatementsSnapshot]) -> None:
        services = self.services
        assert services is not None, "there is a snapshot"
        is_missing = snapshot.extension.state is not ExtensionState.READY
        if is_missing != self.has_class("-missing"):
            self.set_class(is_missing, "-missing")
            self._show_view()
        notice = self.query_one("#notice", Static)
        notice.display = bool(snapshot.extension.problem)
        notice.update(missing(snapshot.extension))
        self._selection = selection = services.statements.select(snapshot)
        self.query_one("#summary", Static).update(
            summary(selection, snapshot, COLUMN_SETS[self._columns][0]), layout=False
        )
        self.statements.show_when_empty(nothing_to_show(selection, snapshot))
        self.statements.show_when_filtered(nothing_found(selection))
        self.statements.update_rows(selection.statements)
        if self.detail_open and not self.shows_waits:
            self._refresh_figures()

    def _show_again(self) -> None:
        """What is shown has changed by a key, not by a sample."""
        if self.reading is not None and self.reading.snapshot is not None:
            self.show(self.reading.snapshot, self.reading)

    def watch_view(self) -> None:
        if self.is_mounted:
            self._show_view()

    @work(group="view", exclusive=True, exit_on_error=False)
    async def _show_view(self) -> None:
        """Brings what is to be looked at into sight. It has nothing that can fail."""
        if self.shows_waits and self.panel is None:
            await self.query_one("#body").mount(WaitsPanel(id="waits"))
        self.set_class(self.shows_waits, "-waits")
        if self.shows_waits:
            self._show_waits()
        for table in self.tables[:1]:
            table.focus()

    def look_at(self, **changes: object) -> None:
        """Looks at other statements, or over another span."""
        if self.services is None:
            return
        statements = self.services.statements
        statements.look_at(replace(statements.view, **changes))  # type: ignore[arg-type]
        self._show_again()
        if self._selection is not None and self._selection.without_text:
            self.services.statements_feed.sample_now()

    @property
    def _looked_at(self) -> StatementsView:
        return self.services.statements.view if self.services is not None else StatementsView()

    def action_scope(self) -> None:
        """Look at another span."""
        self.look_at(scope=_SCOPES[(_SCOPES.index(self._looked_at.scope) + 1) % len(_SCOPES)])

    def action_minimum(self) -> None:
        """Show only statements that take longer; after the longest all of them."""
        longer = [mean for mean in LEAST_MEANS if mean > self._looked_at.min_mean]
        self.look_at(min_mean=longer[0] if longer else LEAST_MEANS[0])

    def action_kind(self) -> None:
        """Show only one kind of statements."""
        self.look_at(kind=_KINDS[(_KINDS.index(self._looked_at.kind) + 1) % len(_KINDS)])

    def action_own(self) -> None:
        """Show the console's own statements, or hide them."""
        self.look_at(with_own=not self._looked_at.with_own)

    def action_begin(self) -> None:
        """Count from now on what is since opened."""
        if self.services is not None:
            self.services.statements.begin()
            self.look_at(scope=Scope.OPENED)
            self.services.statements_feed.sample_now()

    def action_columns(self) -> None:
        """Show other columns."""
        self._columns = (self._columns + 1) % len(COLUMN_SETS)
        self.statements.replace_columns(COLUMN_SETS[self._columns][1])
        if self.statements.sort_key is None:
            self.statements.sort_by("total")
        self._show_again()

    def action_waits(self) -> None:
        """Show what the sessions wait for, or the statements again."""
        if self.has_class("-missing"):
            self.notify(
                "There are no statements to show here; the notice says what would bring them.", timeout=5
            )
            return
        self.view = "statements" if self.view == "waits" else "waits"

    def action_span(self) -> None:
        """Look less or further back."""
        if self.shows_waits and self.panel is not None:
            self.panel.next_span()

    def action_pause(self) -> None:
        """Hold the picture still, or let it go on."""
        super().action_pause()
        if self.services is not None:
            self.services.waits_feed.paused = self.services.statements_feed.paused

    def action_back(self) -> None:
        """Close the detail, else go up in the waits, else remove the filter, else go back to the statements."""
        if self.shows_waits:
            if self.panel is None or not self.panel.back():
                self.view = "statements"
        elif self.detail_open:
            self.detail_open = False
        else:
            self.filter_by("")

    # The detail ---------------------------------------------------------------------------------------------------

    @property
    def statement(self) -> Statement | None:
        """The statement under the cursor."""
        return self.statements.cursor_row

    @on(LiveTable.RowSelected, "#statements")
    def _open_detail(self) -> None:
        self.detail_open = not self.detail_open

    @on(LiveTable.RowHighlighted, "#statements")
    def _follow_cursor(self) -> None:
        if self.detail_open:
            self._load_detail()

    def watch_detail_open(self) -> None:
        if not self.is_mounted:
            return
        self.set_class(self.detail_open, "-detail")
        if self.detail_open:
            self._load_detail()
        else:
            self.table.focus()

    @work(group="detail", exclusive=True, exit_on_error=False)
    async def _load_detail(self) -> None:
        """Asks for the whole text of the statement under the cursor. What cannot be asked is said in the pane."""
        pane = await self._made_pane()
        detail = await self.detail_of_cursor(pane.say)
        if detail is not None:
            await pane.show_text(detail)
            self._refresh_figures()

    async def detail_of_cursor(self, say: Callable[[str], object]) -> StatementDetail | None:
        """The statement under the cursor in full; why not is said."""
        services, reading, statement = self.services, self.reading, self.statement
        if services is None or reading is None or reading.snapshot is None or statement is None:
            say("No statement is selected.")
            return None
        try:
            return await services.statements.detail(statement, reading.snapshot)
        except DbconsoleError as problem:
            if not isinstance(problem, ConnectionLost):
                say(problem.sentence)
            return None

    def _refresh_figures(self) -> None:
        statement, services, reading = self.statement, self.services, self.reading
        if statement is not None and services is not None and reading is not None and reading.snapshot:
            history = services.statements.history(statement, reading.snapshot)
            for pane in self.query(StatementPane):
                pane.show_figures(statement, services.statements.view.scope, history, self._waits)

    def say(self, sentence: str, *, done: bool = False) -> None:
        """Says what became of something."""
        self.notify(sentence, markup=False, severity="information" if done else "warning", timeout=6)
