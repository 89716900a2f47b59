"""Would an index help? The candidates, what was done to find out, and the statement to copy."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from console.models.plans import IndexAdvice, IndexCandidate
from console.screens.plan_columns import CANDIDATE_COLUMNS, candidate_tone
from console.terminal.safe_text import visible
from console.widgets.live_table import LiveTable

MOST_LINES = 4
"""Of the statements that are shown: with an index of each partition there may be a thousand."""


class IndexesPane(Vertical):
    """A table of candidates between a sentence and the statement of the one under the cursor."""

    def compose(self) -> ComposeResult:
        yield Static(id="advice", markup=False)
        yield LiveTable[IndexCandidate](
            CANDIDATE_COLUMNS,
            lambda candidate: candidate.statement,
            row_style=candidate_tone,
            sortable=False,
            empty=Content(""),
            id="candidates",
        )
        yield Static(id="create-index", markup=False)

    @property
    def table(self) -> LiveTable[IndexCandidate]:
        """The candidates."""
        return self.query_one("#candidates", LiveTable)

    @property
    def statement(self) -> str | None:
        """What creates the candidate under the cursor; None without one."""
        candidate = self.table.cursor_row
        return None if candidate is None else candidate.statement

    def say(self, sentence: str) -> None:
        """Says something instead of advice."""
        self.query_one("#advice", Static).update(Content(visible(sentence, multiline=True)))
        self.table.update_rows(())
        # Its heading would be all that there is of it; it keeps the keys, though.
        self.table.styles.max_height = 0

    def show(self, advice: IndexAdvice) -> None:
        """Shows the candidates, the greatest gain first as they come."""
        self.say(advice.sentence)
        self.table.update_rows(advice.candidates)
        # The statement stands right below the last candidate, however high the pane is.
        self.table.styles.max_height = 1 + len(advice.candidates) if advice.candidates else 0

    @on(LiveTable.RowHighlighted)
    def _say_statement(self) -> None:
        lines = (self.statement or "").splitlines()
        if len(lines) > MOST_LINES:
            lines[MOST_LINES - 1 :] = [
                f"… and {len(lines) - MOST_LINES + 1} more lines; y copies all of them"
            ]
        self.query_one("#create-index", Static).update(Content(visible("\n".join(lines), multiline=True)))
