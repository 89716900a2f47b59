"""Screen 2, Activity: who is doing what, who is in the way, and how to stop one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from console.errors import ConnectionLost, DbconsoleError
from console.models.activity import ActivitySnapshot, Session, SessionKey
from console.models.environments import PRODUCTION
from console.models.operation import READ_ONLY
from console.models.reading import Reading
from console.resources import folder
from console.screens.activity_columns import (
    BLOCKING_COLUMNS,
    BlockingRow,
    blocking_rows,
    blocking_tone,
    session_tone,
)
from console.screens.activity_views import NOBODY, View, columns_of, in_view
from console.screens.frame import ConsoleScreen
from console.screens.session_detail import sections
from console.widgets.detail import DetailPane
from console.widgets.live_table import LiveTable
from console.widgets.tones import Tone

if TYPE_CHECKING:
    from console.data.feed import Feed
    from console.data.services import Services


class ActivityScreen(ConsoleScreen[ActivitySnapshot]):
    """Sessions, in one of four views; the detail of one beside them."""

    MODE = "activity"
    CSS_PATH = folder("themes") / "activity.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "view('blocking')", "blocking", id="activity.blocking", tooltip="Who blocks whom, as a tree; again: running"),
        Binding("c", "stop(False)", "cancel", id="activity.cancel", tooltip="Cancel the query of the session, or of all marked"),
        Binding("k", "stop(True)", "terminate", id="activity.terminate", tooltip="End the session, or all marked"),
        Binding("x", "plan", "plan", id="activity.plan", tooltip="Take the plan of what the session runs, without running it"),
        Binding("a", "view('all')", "all", id="activity.all", tooltip="All sessions with the idle ones; again: running"),
        Binding("w", "view('waiting')", "waiting", id="activity.waiting", tooltip="Who waits for a lock; again: running"),
        Binding("m", "mark", "mark", id="activity.mark", tooltip="Mark the session, or remove its mark"),
        Binding("M", "unmark", "unmark all", show=False, id="activity.unmark", tooltip="Remove every mark"),
        Binding("tab", "app.focus_next", "other pane", show=False, tooltip="Go to the detail, or to the alerts"),
        Binding("escape", "back", "back", show=False, tooltip="Close the detail; go back to the running sessions"),
        *ConsoleScreen.COMMON_BINDINGS,
    ]  # fmt: skip

    view: reactive[View] = reactive("running")
    detail_open: reactive[bool] = reactive(False)

    def compose_body(self) -> Iterable[Widget]:
        yield Static(id="counts", markup=False)
        with Container(id="sessions-and-detail"):
            yield LiveTable[Session](
                columns_of(self.view),
                lambda session: session.key,
                row_style=self._tone,
                id="sessions",
            )
            yield LiveTable[BlockingRow](
                BLOCKING_COLUMNS, lambda row: row.path, row_style=blocking_tone, sortable=False, id="blocking"
            )
            yield DetailPane(id="detail")

    def on_mount(self) -> None:
        super().on_mount()
        self.sessions.sort_by("query")

    @property
    def sessions(self) -> LiveTable[Session]:
        """The flat table."""
        return self.query_one("#sessions", LiveTable)

    @property
    def blocking(self) -> LiveTable[BlockingRow]:
        """The tree."""
        return self.query_one("#blocking", LiveTable)

    def feed_of(self, services: Services) -> Feed[ActivitySnapshot]:
        return services.activity_feed

    def _tone(self, session: Session) -> Tone | None:
        return session_tone(session, self.thresholds)

    # Showing ------------------------------------------------------------------------------------------------------

    def show(self, snapshot: ActivitySnapshot, reading: Reading[ActivitySnapshot]) -> None:
        self._show_counts(snapshot)
        for table in self.tables:
            table.show_when_empty(Content(self._nobody(snapshot)))
        if self.view == "blocking":
            self.blocking.update_rows(blocking_rows(snapshot.blocking))
        else:
            self.sessions.update_rows(in_view(snapshot, self.view))
        if self.detail_open:
            self._load_detail()

    def _nobody(self, snapshot: ActivitySnapshot) -> str:
        hidden = sum(session.is_hidden for session in snapshot.sessions if session.is_client)
        if hidden and self.services is not None:
            return f"What {hidden} sessions do is hidden from this role. {self.services.server.missing_right}"
        return NOBODY[self.view]

    def _show_counts(self, snapshot: ActivitySnapshot) -> None:
        counts = snapshot.counts
        parts = [
            f"active {counts.active}",
            f"waiting {counts.waiting}",
            f"idle in tx {counts.in_transaction}",
            f"idle {counts.idle}",
        ]
        if counts.other:
            parts.append(f"other {counts.other}")
        line = Content.styled(f"showing {self.view}", "$accent")
        if marked := len(self.table.marked_keys):
            line += Content.styled(f" · {marked} marked", "bold $accent")
        line += f"   {' · '.join(parts)}"
        if snapshot.blocking:
            line += Content.styled(f" · blocking {len(snapshot.blocking)}", "$warning")
        self.query_one("#counts", Static).update(line, layout=False)

    def watch_view(self) -> None:
        if not self.is_mounted:
            return
        tree = self.view == "blocking"
        self.sessions.replace_columns(columns_of(self.view))
        self.set_class(tree, "-tree")
        (self.blocking if tree else self.sessions).focus()
        if self.services is not None:
            self.services.activity.with_idle = self.view == "all"
            self.services.activity_feed.sample_now()
        if self.reading is not None and self.reading.snapshot is not None:
            self.show(self.reading.snapshot, self.reading)

    def action_view(self, view: View) -> None:
        """Show another choice of sessions; the same again shows the running ones."""
        self.view = "running" if self.view == view else view

    def show_only(self, words: str) -> None:
        """All sessions that match the words."""
        self.view = "all"
        self.filter_by(words)

    def action_back(self) -> None:
        """Close the detail, then the filter, then go back to the running sessions."""
        if self.detail_open:
            self.detail_open = False
        elif self.table.filter_text:
            self.filter_by("")
        else:
            self.view = "running"

    # The detail ---------------------------------------------------------------------------------------------------

    @on(LiveTable.RowSelected)
    def _open_detail(self) -> None:
        self.detail_open = not self.detail_open

    @on(LiveTable.RowHighlighted)
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

    @property
    def session(self) -> Session | None:
        """The session under the cursor."""
        row = self.table.cursor_row
        return row.session if isinstance(row, BlockingRow) else row if isinstance(row, Session) else None

    @work(group="detail", exclusive=True, exit_on_error=False)
    async def _load_detail(self) -> None:
        """Asks for the session under the cursor. What cannot be asked is said in the pane."""
        pane = self.query_one(DetailPane)
        session, services, reading = self.session, self.services, self.reading
        if session is None or services is None or reading is None or reading.snapshot is None:
            pane.show("No session is selected.", ())
            return
        if session.is_hidden:
            pane.show(f"pid {session.pid} is hidden from this role. {services.server.missing_right}", ())
            return
        try:
            detail = await services.activity.detail(session, reading.snapshot)
        except DbconsoleError as problem:
            if not isinstance(problem, ConnectionLost):
                pane.show(f"pid {session.pid}: {problem.sentence}", ())
            return
        if detail is None:
            pane.show(f"pid {session.pid} has gone.", ())
        else:
            pane.show(f"pid {session.pid}", sections(detail))

    # Its plan -----------------------------------------------------------------------------------------------------

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def action_plan(self) -> None:
        """Take the plan of what the session runs. Why there is none is said."""
        from console.screens.plan import PlanScreen
        from console.screens.session_plan import plan_request

        services, reading, session = self.services, self.reading, self.session
        if services is None or reading is None or reading.snapshot is None or session is None:
            self._say("There is no session to take a plan of.")
            return
        try:
            request = await plan_request(services, session, reading.snapshot)
        except DbconsoleError as problem:
            self._say(problem.sentence)
            return
        if self.is_current:
            self.app.push_screen(PlanScreen(services, request, f"pid {session.pid}", clock=self.clock))

    # Stopping a session -------------------------------------------------------------------------------------------

    def action_mark(self) -> None:
        """Mark the session, or remove its mark, and go to the next one."""
        self.table.toggle_mark()
        self.table.action_move_cursor(1)
        self._recount()

    def action_unmark(self) -> None:
        """Remove every mark."""
        for table in self.tables:
            table.clear_marks()
        self._recount()

    def _recount(self) -> None:
        if self.reading is not None and self.reading.snapshot is not None:
            self._show_counts(self.reading.snapshot)

    @property
    def chosen(self) -> Sequence[Session]:
        """The marked sessions, or else the one under the cursor."""
        marked: dict[SessionKey, Session] = {}
        for row in self.table.marked_rows:
            session = row.session if isinstance(row, BlockingRow) else row
            if isinstance(session, Session):
                marked[session.key] = session
        return list(marked.values()) or ([self.session] if self.session else [])

    @work(group="stop", exclusive=True, exit_on_error=False)
    async def action_stop(self, terminate: bool) -> None:
        """Cancel or terminate what is chosen, after showing what that means. Refusals are said, nothing is lost."""
        from console.dialogs.confirm import ConfirmDialog

        services, reading, sessions = self.services, self.reading, self.chosen
        if services is None or reading is None or reading.snapshot is None or not sessions:
            self._say("There is no session to stop.")
            return
        if services.settings.read_only:
            self._say(READ_ONLY)
            return
        if not all(session.is_client for session in sessions):
            self._say("A process of the server itself cannot be stopped from here.")
            return
        try:
            operation = await services.activity.stop_operation(
                sessions, reading.snapshot, terminate=terminate
            )
            settings = services.settings
            if not await self.app.push_screen_wait(
                ConfirmDialog(
                    operation, typed=settings.types_names, in_production=settings.environment == PRODUCTION
                )
            ):
                return
            outcomes = await services.activity.stop(operation, sessions, terminate=terminate)
        except DbconsoleError as problem:
            self._say(problem.sentence)
            return
        for table in self.tables:
            table.clear_marks()
        done = all(outcome.done for outcome in outcomes)
        self._say("\n".join(outcome.sentence for outcome in outcomes), done=done)
        services.activity_feed.sample_now()

    def _say(self, sentence: str, *, done: bool = False) -> None:
        self.notify(sentence, markup=False, severity="information" if done else "warning", timeout=6)
