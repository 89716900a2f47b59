"""What the server's sessions wait for, and in which statements: a chart over time and two tables that lead deeper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from console.models.waits import OTHER_QUERIES, ActiveQuery, Layer, QueryFacts, WaitsSnapshot
from console.screens.waits_columns import EVENT_COLUMNS, STATEMENT_COLUMNS, EventRow, StatementRow
from console.screens.waits_view import SPANS, LookedAt, Texts, WaitsView, span_in_words, view_of
from console.terminal.safe_text import visible
from console.units import count, rate
from console.widgets.live_table import LiveTable
from console.widgets.stacked_chart import StackedChart


class WaitsPanel(Container):
    """All waits at first; enter leads to the statements of one event, and to the events of one statement."""

    @dataclass
    class StatementChosen(Message):
        """Somebody wants to know more about a statement."""

        query: ActiveQuery
        facts: QueryFacts

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.missing_right = ""
        """What would let the role see the sessions that are hidden from it, as a sentence."""
        self.looked_at = LookedAt()
        self._snapshot: WaitsSnapshot | None = None
        self._texts: Texts = lambda _query_id: None
        self._places: Sequence[Layer | None] = ()

    def compose(self) -> ComposeResult:
        yield StackedChart("active sessions", id="waits-chart")
        yield Static(id="waits-line", markup=False)
        with Container(id="waits-tables"):
            yield LiveTable[EventRow](EVENT_COLUMNS, lambda row: row.load.event, id="wait-events")
            yield LiveTable[StatementRow](STATEMENT_COLUMNS, lambda row: row.load.query, id="wait-statements")

    @property
    def events(self) -> LiveTable[EventRow]:
        """What is waited for."""
        return self.query_one("#wait-events", LiveTable)

    @property
    def statements(self) -> LiveTable[StatementRow]:
        """Who waits."""
        return self.query_one("#wait-statements", LiveTable)

    @property
    def chosen(self) -> tuple[ActiveQuery, QueryFacts] | None:
        """The statement under the cursor of its table, wherever the focus is."""
        row = self.statements.cursor_row
        if row is None:
            return None
        return None if row.load.query == OTHER_QUERIES else (row.load.query, row.load.facts)

    # Showing ------------------------------------------------------------------------------------------------------

    def show(self, snapshot: WaitsSnapshot, texts: Texts) -> None:
        """Shows the samples. `texts` is asked for the text of a `query_id`; None where it knows none."""
        self._snapshot, self._texts = snapshot, texts
        self._show()

    def next_span(self) -> None:
        """Looks as far back as there are samples, then at the last minute, then at five again."""
        following = SPANS[(SPANS.index(self.looked_at.span) + 1) % len(SPANS)]
        self.looked_at = replace(self.looked_at, span=following)
        self._show()

    def _show(self) -> None:
        if self._snapshot is None:
            return
        # Where there are few colours, or none, patterns tell the layers apart.
        solid = not (self.app.no_color or self.app.native_ansi_color)
        view = view_of(self._snapshot, self.looked_at, self._texts, self._places, solid=solid)
        self._places = view.places
        self.query_one(StackedChart).show(
            [sample.at for sample in view.samples], view.layers, span=view.chart_span
        )
        self.query_one("#waits-line", Static).update(self._summary(view, self._snapshot), layout=False)
        self.events.show_when_empty(Content(visible(self._nobody(view, self._snapshot))))
        self.events.update_rows(view.events)
        self.statements.show_when_empty(Content(""))
        self.statements.update_rows(view.statements)

    def _summary(self, view: WaitsView, snapshot: WaitsSnapshot) -> Content:
        """What is looked at, and how much of it there is."""
        parts = [
            span_in_words(self.looked_at.span, view.age),
            f"{rate(view.sessions)} sessions active on average",
        ]
        if self.looked_at == LookedAt(self.looked_at.span):
            parts.insert(1, f"{count(len(view.samples))} samples")
        line = Content.styled(visible(view.subject), "bold $text") + f" · {' · '.join(parts)}"
        if snapshot.hidden_sessions:
            line += Content.styled(f" · {snapshot.hidden_sessions} hidden from this role", "$warning")
        return line + (f" · {visible(view.statement)}" if view.statement else "")

    def _nobody(self, view: WaitsView, snapshot: WaitsSnapshot) -> str:
        if snapshot.hidden_sessions:
            return (
                f"What {snapshot.hidden_sessions} sessions do is hidden from this role. {self.missing_right}"
            )
        return f"Nobody was active in the {span_in_words(self.looked_at.span, view.age)}."

    # Deeper and back ----------------------------------------------------------------------------------------------

    @on(LiveTable.RowSelected, "#wait-events")
    def _choose_event(self, message: LiveTable.RowSelected) -> None:
        message.stop()
        self._look_at(replace(self.looked_at, event=message.row.load.event, query=None))
        self.statements.action_first_row()
        self.statements.focus()

    @on(LiveTable.RowSelected, "#wait-statements")
    def _choose_statement(self, message: LiveTable.RowSelected) -> None:
        message.stop()
        query = message.row.load.query
        if query != self.looked_at.query:
            self._look_at(replace(self.looked_at, query=query))
            self.events.action_first_row()
        elif self.chosen is not None:
            self.post_message(self.StatementChosen(*self.chosen))

    def back(self) -> bool:
        """Goes up to what was looked at before; False at the top."""
        if self.looked_at.query is not None:
            self._look_at(replace(self.looked_at, query=None))
            self.statements.focus()
        elif self.looked_at.event is not None:
            self._look_at(replace(self.looked_at, event=None))
            self.events.focus()
        else:
            return False
        return True

    def _look_at(self, looked_at: LookedAt) -> None:
        self.looked_at = looked_at
        self._places = ()
        self._show()
