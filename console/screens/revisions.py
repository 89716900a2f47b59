"""The revisions on screen 4, and what each would run: all of it that changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from textual import on, work
from textual.containers import Container
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from console.clock import SYSTEM_CLOCK, Clock
from console.errors import DbconsoleError
from console.models.migrations import MigrationStatus, Step
from console.models.reading import Reading
from console.screens.frame import ConsoleScreen
from console.screens.migration_preview import Preview, preview_parts, preview_title
from console.screens.migration_run import ShownRun
from console.screens.migrations_columns import StepRow, step_columns, step_rows
from console.screens.migrations_text import headline, remarks, revision_sections
from console.terminal.safe_text import visible
from console.widgets.detail import DetailPane
from console.widgets.live_table import LiveTable
from console.widgets.sql_view import Part, SqlView, Words

if TYPE_CHECKING:
    from console.data.feed import Feed
    from console.data.services import Services
    from console.dialogs.goal import Goal

Pane: TypeAlias = Literal["", "revision", "preview"]

Aim: TypeAlias = "str | Goal"
"""A row's revision, or a goal that was typed."""

NO_REVISIONS = "There are no revisions yet. n makes the first one."


class RevisionsScreen(ConsoleScreen[MigrationStatus]):
    """The revisions with their graph; beside them one in full, or what a plan would run."""

    pane: reactive[Pane] = reactive("")

    def __init__(self, services: Services | None, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(services, clock)
        self._shown_steps: tuple[Step, ...] = ()
        self.aim: Aim | None = None
        self.preview: Preview | None = None
        self.last_run: ShownRun | None = None

    def compose_body(self) -> Iterable[Widget]:
        yield Static(id="head", markup=False)
        with Container(id="revisions-and-pane"):
            yield LiveTable[StepRow](step_columns((), self._is_in_order), lambda row: row.id, id="revisions")
            yield DetailPane(id="revision")
            yield SqlView(id="preview")

    def feed_of(self, services: Services) -> Feed[MigrationStatus]:
        return services.migrations_feed

    @property
    def revisions(self) -> LiveTable[StepRow]:
        """The table."""
        return self.query_one("#revisions", LiveTable)

    @property
    def view(self) -> SqlView:
        """The pane of what would run."""
        return self.query_one(SqlView)

    @property
    def row(self) -> StepRow | None:
        """The revision under the cursor."""
        return self.revisions.cursor_row

    @property
    def migration_status(self) -> MigrationStatus | None:
        """Where the database stands, None until that is known."""
        return self.reading.snapshot if self.reading is not None else None

    @property
    def runs_here(self) -> bool:
        """Whether this console migrates the database at this moment."""
        return self.last_run is not None and not self.last_run.run.progress.is_over

    def _is_in_order(self) -> bool:
        table = self.revisions
        return table.sort_key in (None, "graph") and not table.sort_descending and not table.filter_text

    # Showing ------------------------------------------------------------------------------------------------------

    def show(self, snapshot: MigrationStatus, reading: Reading[MigrationStatus]) -> None:
        self._show_head(snapshot)
        self.revisions.show_when_empty(Content(visible(snapshot.problem or NO_REVISIONS, multiline=True)))
        if snapshot.steps != self._shown_steps:
            rows = step_rows(snapshot.steps)
            self._shown_steps = snapshot.steps
            self.revisions.replace_columns(step_columns(rows, self._is_in_order))
            self.revisions.update_rows(rows)
        if self.pane == "revision":
            self._show_revision()
        if self._is_outdated(snapshot) and self.is_current:
            self._look(self.aim)
        self.refresh_bindings()

    def _is_outdated(self, snapshot: MigrationStatus) -> bool:
        """Whether the plan that is shown begins where the database no longer is."""
        return self.pane == "preview" and bool(self.preview and self.preview.plan.current != snapshot.current)

    def _show_head(self, snapshot: MigrationStatus) -> None:
        width = max(1, self.size.width - 2)
        lines = [headline(snapshot).truncate(width, ellipsis=True)]
        if self.last_run is not None:
            shown = self.last_run
            colour = "$accent" if not shown.run.progress.is_over else "$text-muted"
            hint = " · w shows it"
            said = Content(visible(shown.summary)).truncate(max(1, width - len(hint)), ellipsis=True)
            lines.append(Content.styled(said.plain + hint, colour))
        said_too = remarks(snapshot, runs_here=self.runs_here)
        lines += [Content.styled(visible(f"▲ {sentence}"), "$warning") for sentence in said_too]
        self.query_one("#head", Static).update(Content("\n").join(lines))

    def refresh_head(self) -> None:
        """Says anew what stands above the revisions."""
        if self.is_mounted and (status := self.migration_status) is not None:
            self._show_head(status)

    def watch_pane(self) -> None:
        if not self.is_mounted:
            return
        for pane in ("revision", "preview"):
            self.set_class(self.pane == pane, f"-{pane}")
        if self.pane == "revision":
            self._show_revision()
        elif self.pane == "preview":
            self.view.focus()
        if self.pane != "preview":
            self.aim = self.preview = None
            self.workers.cancel_group(self, "plan")
            self.revisions.focus()

    @on(LiveTable.RowSelected)
    def _toggle_revision(self) -> None:
        self.pane = "" if self.pane == "revision" else "revision"

    @on(LiveTable.RowHighlighted)
    def _follow_cursor(self) -> None:
        if self.pane == "revision":
            self._show_revision()

    def _show_revision(self) -> None:
        pane, row, status = self.query_one(DetailPane), self.row, self.migration_status
        if row is None or status is None:
            pane.show("No revision is selected.", ())
        else:
            pane.show(f"revision {row.id}", revision_sections(row.step, status.source))

    def action_back(self) -> None:
        """Close the pane, then the filter, then forget the last run."""
        if self.pane:
            self.pane = ""
        elif self.revisions.filter_text:
            self.filter_by("")
        elif self.last_run is not None and self.last_run.run.progress.is_over:
            self.last_run = None
            self.refresh_head()
            self.refresh_bindings()

    def action_copy(self) -> None:
        """Copy the row, or the SQL of the preview where that has the focus."""
        if self.view.has_focus and self.preview is not None:
            self.send_to_clipboard(self.preview.plan.script)
        else:
            super().action_copy()

    # What would run -----------------------------------------------------------------------------------------------

    def action_preview(self) -> None:
        """Show what this row offers; the same again closes it."""
        row = self.row
        if row is None:
            self.say("There is no revision to preview.")
        elif self.pane == "preview" and self.aim == row.id:
            self.pane = ""
        else:
            self._look(row.id)

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def _look(self, aim: Aim | None) -> None:
        """Shows what would run. What cannot be found out is said in the pane."""
        if aim is not None:
            await self.look_at(aim)

    async def look_at(self, aim: Aim) -> Preview | None:
        """Shows what would run, and adds what is found out about it; None where there is no plan."""
        services, status = self.services, self.migration_status
        if services is None or status is None or status.source is None:
            self.say("There are no migrations to preview.")
            return None
        service = services.migrations
        self.pane = "preview"
        self.aim, self.preview = aim, None
        self._show_parts("preview", [Words("… working out what would run", "muted")])
        try:
            if isinstance(aim, str):
                plan = await service.plan_of(status, aim)
            else:
                plan = await service.plan(status, aim.words, aim.direction)
        except DbconsoleError as problem:
            self._show_parts("preview", [Words(f"▲ {problem.sentence}", "warning", 2)])
            return None
        preview = Preview(plan) if plan.steps else Preview(plan, (), ())
        self._show_preview(preview)
        if not preview.is_complete:
            preview = await self._weigh(services, preview)
        return preview

    async def _weigh(self, services: Services, preview: Preview) -> Preview:
        service, plan = services.migrations, preview.plan
        try:
            preview = replace(preview, losses=await service.losses(plan))
        except DbconsoleError as problem:
            preview = replace(preview, losses_problem=problem.sentence)
        self._show_preview(preview)
        try:
            preview = replace(preview, hazards=await service.hazards(plan))
        except DbconsoleError as problem:
            preview = replace(preview, hazards_problem=problem.sentence)
        self._show_preview(preview)
        return preview

    def _show_preview(self, preview: Preview) -> None:
        is_new = self.preview is None or self.preview.plan is not preview.plan
        self.preview = preview
        self._show_parts(preview_title(preview.plan), preview_parts(preview), keep_place=not is_new)
        self.refresh_bindings()

    def _show_parts(self, title: str, parts: Iterable[Part], *, keep_place: bool = False) -> None:
        self.view.show(title, tuple(parts), keep_place=keep_place)

    @work(group="goal", exclusive=True, exit_on_error=False)
    async def action_goal(self) -> None:
        """Preview the way to a goal that is typed. What it means is said in the pane."""
        from console.dialogs.goal import GoalDialog

        goal = await self.app.push_screen_wait(GoalDialog("Where to? The way there is previewed first."))
        if goal is not None:
            self._look(goal)

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def action_verify(self) -> None:
        """Compare the database with the metadata. What hinders that is said in the pane."""
        if self.services is None or self.migration_status is None or self.migration_status.source is None:
            self.say("There are no migrations to compare the database with.")
            return
        self.pane = "preview"
        self.aim = self.preview = None
        self._show_parts("verify", [Words("… comparing the database with the metadata", "muted")])
        try:
            drifts = await self.services.migrations.verify()
        except DbconsoleError as problem:
            self._show_parts("verify", [Words(f"▲ {problem.sentence}", "warning", 2)])
            return
        said = [Words(f"▲ {drift.object_name}: {drift.difference}", "warning", 2) for drift in drifts]
        title = f"verify: {len(drifts)} difference{'' if len(drifts) == 1 else 's'}"
        self._show_parts(title, said or [Words("● The database is as the metadata says.", "success")])

    def say(self, sentence: str, *, done: bool = False) -> None:
        """Shows a sentence for a while."""
        self.notify(sentence, markup=False, severity="information" if done else "warning", timeout=6)
