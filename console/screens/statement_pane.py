"""One statement in full: its text laid out and in colours, its figures, what it did over time, who was seen running it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content

from console.data.loads import Tally
from console.models.statements import TREND_SECONDS, Scope, Statement, StatementDetail, TrendPoint
from console.models.waits import ActiveQuery, WaitsSnapshot
from console.screens.slow_detail import LONGEST, activity_sections, figure_sections, text_section
from console.terminal.safe_text import visible
from console.units import latency, rate
from console.widgets.chart import Chart
from console.widgets.curves import Series
from console.widgets.detail import DetailPane, Section
from console.widgets.sql_colours import coloured, load_lexer
from console.widgets.sql_format import formatted

MOST_LINES = 16
"""Lines of a text that stand above the figures; a longer one stands below them."""


class StatementPane(Container):
    """Text and figures; where there is room for them, charts beside it."""

    def compose(self) -> ComposeResult:
        yield DetailPane(id="statement-text")
        with Container(id="statement-charts"):
            yield Chart("calls/s", format_value=rate, id="calls-chart")
            yield Chart("a call", format_value=latency, id="mean-chart")

    def on_mount(self) -> None:
        self._text: Section | None = None
        self._is_long = False
        self._statement: Statement | None = None

    @property
    def text(self) -> DetailPane:
        """The pane with the words."""
        return self.query_one("#statement-text", DetailPane)

    def say(self, sentence: str) -> None:
        """Why there is no statement to show."""
        self._text = None
        self.text.show(sentence, ())

    async def show_text(self, detail: StatementDetail) -> None:
        """Takes a statement's text; its figures are shown with it."""
        laid_out = await asyncio.to_thread(_laid_out, detail.text[:LONGEST]) if detail.text else None
        self._text = text_section(detail, laid_out)
        self._is_long = laid_out is not None and laid_out.plain.count("\n") >= MOST_LINES
        self._statement = detail.statement

    def show_figures(
        self,
        statement: Statement,
        scope: Scope,
        history: Sequence[TrendPoint],
        waits: WaitsSnapshot | None,
    ) -> None:
        """Shows a statement as it is now."""
        if self._text is None or self._statement is None or statement.key != self._statement.key:
            return  # its text is on its way
        sections = list(figure_sections(statement, scope))
        if waits is not None and statement.key.query_id:
            samples = waits.samples
            tally = Tally.of(samples).of_query(ActiveQuery(statement.key.query_id, ""))
            seconds = (samples[-1].at - samples[0].at).total_seconds() if samples else 0.0
            sections[1:1] = activity_sections(tally, seconds)
        # A long text would hide the figures.
        sections.insert(len(sections) if self._is_long else 0, self._text)
        self.text.show("", sections)
        span = max(120.0, len(history) * float(TREND_SECONDS))
        self.query_one("#calls-chart", Chart).show(
            [Series("", [(point.at, point.calls_per_second) for point in history])], span=span
        )
        self.query_one("#mean-chart", Chart).show(
            [Series("", [(point.at, point.mean) for point in history])], span=span
        )


def _laid_out(text: str) -> Content:
    """Runs in a thread: laying out and colouring takes up to a second for the longest."""
    safe = visible(formatted(text), multiline=True)
    try:
        return coloured(safe, load_lexer())
    except ImportError:
        return Content(safe)
