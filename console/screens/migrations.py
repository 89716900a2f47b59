"""Screen 4, Migrations: where the schema is, what a step would do, and how to take it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from console.clock import SYSTEM_CLOCK, Clock
from console.errors import DbconsoleError
from console.models.migrations import Direction, InvalidIndex, MigrationStatus, RunState, SourceKind, Step
from console.models.reading import Reading
from console.resources import folder
from console.screens.frame import ConsoleScreen, Unfinished
from console.screens.migration_preview import Preview, preview_parts, preview_title
from console.screens.migration_run import RunScreen, ShownRun
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
    from console.models.operation import Operation

Pane: TypeAlias = Literal["", "revision", "preview"]

Aim: TypeAlias = "str | Goal"
"""A row's revision, or a goal that was typed."""

NO_REVISIONS = "There are no revisions yet. n makes the first one."


class MigrationsScreen(ConsoleScreen[MigrationStatus]):
    """The revisions with their graph; beside them one in full, or what a plan would run."""

    MODE = "migrations"
    AUTO_FOCUS = "#revisions"
    CSS_PATH = folder("themes") / "migrations.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run_preview", "run this …", key_display="enter", id="migrations.run", tooltip="Run what is previewed, after the question"),
        Binding("p", "preview", "preview", id="migrations.preview", tooltip="The SQL up to this revision, or of its rollback; again: close"),
        Binding("u", "upgrade", "upgrade", id="migrations.upgrade", tooltip="Upgrade up to this revision; from an applied one to all heads"),
        Binding("U", "upgrade_all", "upgrade all", show=False, id="migrations.upgrade-all", tooltip="Upgrade to all heads"),
        Binding("d", "roll_back", "roll back", id="migrations.roll-back", tooltip="Roll back this revision and all that stands on it"),
        Binding("h", "rehearse", "rehearse", id="migrations.rehearse", tooltip="Run the upgrade in a transaction that is rolled back"),
        Binding("g", "goal", "goal", id="migrations.goal", tooltip="Preview the way to a goal in Alembic's words: +1, base, cad@head"),
        Binding("v", "verify", "verify", id="migrations.verify", tooltip="How the database differs from the metadata"),
        Binding("n", "new", "new", id="migrations.new", tooltip="Create a revision"),
        Binding("i", "repair", "repair index", id="migrations.repair", tooltip="Build an invalid index again, or drop what is left of it"),
        Binding("w", "watch_run", "watch", id="migrations.watch", tooltip="Show the migration that runs, or ran last"),
        Binding("T", "stamp", "stamp", show=False, id="migrations.stamp", tooltip="Say where the database stands without running anything"),
        Binding("tab", "app.focus_next", "other pane", show=False, tooltip="Go to the pane, or to the alerts"),
        Binding("escape", "back", "back", show=False, tooltip="Close the pane, then the filter, then what became of the last run"),
        *ConsoleScreen.COMMON_BINDINGS,
    ]  # fmt: skip

    pane: reactive[Pane] = reactive("")

    def __init__(self, services: Services | None, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(services, clock)
        self._shown_steps: tuple[Step, ...] = ()
        self._aim: Aim | None = None
        self._preview: Preview | None = None
        self._last_run: ShownRun | None = None

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
        if self.pane == "preview" and self._preview and self._preview.plan.current != snapshot.current:
            self._look(self._aim)
        self.refresh_bindings()

    def _show_head(self, snapshot: MigrationStatus) -> None:
        head = self.query_one("#head", Static)
        lines = [headline(snapshot).truncate(max(1, self.size.width - 2), ellipsis=True)]
        if self._last_run is not None:
            shown = self._last_run
            colour = "$accent" if not shown.run.progress.is_over else "$text-muted"
            lines.append(Content.styled(visible(f"{shown.summary} (w shows it)"), colour))
        lines += [Content.styled(visible(f"▲ {sentence}"), "$warning") for sentence in remarks(snapshot)]
        head.update(Content("\n").join(lines))

    def _refresh_head(self) -> None:
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
            self._aim = self._preview = None
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

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "run_preview":
            return (
                self.is_mounted and self.view.has_focus and bool(self._preview and self._preview.plan.steps)
            )
        if action == "watch_run":
            return self.is_mounted and self._last_run is not None
        if action == "repair":
            return self.migration_status is not None and bool(self._invalid)
        return super().check_action(action, parameters)

    def action_back(self) -> None:
        """Close the pane, then the filter, then forget the last run."""
        if self.pane:
            self.pane = ""
        elif self.revisions.filter_text:
            self.filter_by("")
        elif self._last_run is not None and self._last_run.run.progress.is_over:
            self._last_run = None
            self._refresh_head()
            self.refresh_bindings()

    def action_copy(self) -> None:
        """Copy the row, or the SQL of the preview where that has the focus."""
        if self.view.has_focus and self._preview is not None:
            self.send_to_clipboard(self._preview.plan.script)
        else:
            super().action_copy()

    # What would run -----------------------------------------------------------------------------------------------

    def action_preview(self) -> None:
        """Show what this row offers; the same again closes it."""
        row = self.row
        if row is None:
            self._say("There is no revision to preview.")
        elif self.pane == "preview" and self._aim == row.id:
            self.pane = ""
        else:
            self._look(row.id)

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def _look(self, aim: Aim | None) -> None:
        """Shows what would run. What cannot be found out is said in the pane."""
        if aim is not None:
            await self._look_at(aim)

    async def _look_at(self, aim: Aim) -> Preview | None:
        """Shows what would run, and adds what is found out about it; None where there is no plan."""
        services, status = self.services, self.migration_status
        if services is None or status is None or status.source is None:
            self._say("There are no migrations to preview.")
            return None
        service = services.migrations
        self.pane = "preview"
        self._aim, self._preview = aim, None
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
        is_new = self._preview is None or self._preview.plan is not preview.plan
        self._preview = preview
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
            self._say("There are no migrations to compare the database with.")
            return
        self.pane = "preview"
        self._aim = self._preview = None
        self._show_parts("verify", [Words("… comparing the database with the metadata", "muted")])
        try:
            drifts = await self.services.migrations.verify()
        except DbconsoleError as problem:
            self._show_parts("verify", [Words(f"▲ {problem.sentence}", "warning", 2)])
            return
        said = [Words(f"▲ {drift.object_name}: {drift.difference}", "warning", 2) for drift in drifts]
        title = f"verify: {len(drifts)} difference{'' if len(drifts) == 1 else 's'}"
        self._show_parts(title, said or [Words("● The database is as the metadata says.", "success")])

    # Changing -----------------------------------------------------------------------------------------------------

    def action_upgrade(self) -> None:
        """Upgrade up to this row where it is pending, else to all heads."""
        self._ask(self._upgrade_aim())

    def action_upgrade_all(self) -> None:
        """Upgrade to all heads."""
        self._ask(_heads())

    def action_rehearse(self) -> None:
        """Run the same upgrade, and roll it back."""
        self._ask(self._upgrade_aim(), rehearse=True)

    def _upgrade_aim(self) -> Aim:
        row = self.row
        return row.id if row is not None and not row.step.is_applied else _heads()

    def action_roll_back(self) -> None:
        """Roll back this row and all that stands on it."""
        row = self.row
        if row is None or not row.step.is_applied:
            self._say("Only what is applied can be rolled back: choose such a revision.")
        else:
            self._ask(row.id)

    def action_run_preview(self) -> None:
        """Run what is previewed."""
        if self._aim is not None:
            self._ask(self._aim, read=self._preview)

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def _ask(self, aim: Aim, *, rehearse: bool = False, read: Preview | None = None) -> None:
        """Shows what would run, asks, and runs it. Refusals are said; nothing has happened then.

        `read` is what the person has read already, where that is complete.
        """
        if not self._may_change():
            return
        preview = read if read is not None and read.is_complete else await self._look_at(aim)
        services = self.services
        if preview is None or services is None:
            return
        service, plan = services.migrations, preview.plan
        try:
            operation = service.operation(
                plan, preview.hazards or (), preview.losses or (), rehearse=rehearse
            )
            operation = replace(operation, consequences=(*operation.consequences, *preview.unknown))
            if not await self._confirms(operation):
                return
            run = service.run(operation, plan, rehearse=rehearse)
        except DbconsoleError as problem:
            self._say(problem.sentence)
            return
        self._follow(ShownRun(operation.title, run, self.clock, is_rehearsal=rehearse))

    async def _confirms(self, operation: Operation, *, always_typed: bool = False) -> bool:
        from console.dialogs.confirm import ConfirmDialog

        production = self.services is not None and self.services.settings.environment == "production"
        return await self.app.push_screen_wait(ConfirmDialog(operation, typed=production or always_typed))

    def _may_change(self) -> bool:
        """Whether the server may be changed now; if not, says why."""
        services, status = self.services, self.migration_status
        if services is None or status is None:
            self._say("There is nothing to change yet: where the database stands is not known.")
        elif services.settings.read_only:
            self._say("The console was started with --read-only: it changes nothing on the server.")
        elif services.server.capabilities is not None and services.server.capabilities.in_recovery:
            self._say("The server is a standby: what changes it has to run on its primary.")
        elif self._last_run is not None and not self._last_run.run.progress.is_over:
            self._say("A migration runs: w shows it.")
        else:
            return True
        return False

    @work(group="run", exclusive=False, exit_on_error=False)
    async def _follow(self, shown: ShownRun) -> None:
        """Shows a run, and says what became of it to somebody who looks elsewhere by then."""
        self._last_run = shown
        self.post_message(
            Unfinished("A migration runs: leaving cancels it, and rolls back what is not committed.")
        )
        forget = shown.run.on_change(self._refresh_head)
        self.pane = ""
        self.action_watch_run()
        try:
            progress = await shown.run.wait()
        except DbconsoleError as problem:
            self._say(problem.sentence)
        else:
            if not isinstance(self.app.screen, RunScreen):
                self._say(f"{shown.summary}. {progress.sentence or ''}", done=progress.state is RunState.DONE)
        finally:
            forget()
            self.post_message(Unfinished(None))
        self._refresh_head()
        if self.services is not None:
            self.services.migrations_feed.sample_now()

    def action_watch_run(self) -> None:
        """Show the migration that runs, or ran last."""
        if self._last_run is not None:
            self.app.push_screen(RunScreen(self._last_run))

    @work(group="change", exclusive=True, exit_on_error=False)
    async def action_stamp(self) -> None:
        """Say where the database stands, after asking where and whether. Refusals are said."""
        from console.dialogs.goal import GoalDialog

        status, services = self.migration_status, self.services
        if not self._may_change() or status is None or services is None:
            return
        if status.source is None:
            self._say("There are no migrations to stamp the database with.")
            return
        goal = await self.app.push_screen_wait(
            GoalDialog("Stamp: where does the database stand?", asks_direction=False)
        )
        if goal is None:
            return
        try:
            operation = services.migrations.stamp_operation(status, goal.words)
            if not await self._confirms(operation, always_typed=True):
                return
            outcome = await services.migrations.stamp(operation, status, goal.words)
        except DbconsoleError as problem:
            self._say(problem.sentence)
            return
        self._say(outcome.sentence, done=outcome.done)
        services.migrations_feed.sample_now()

    @work(group="change", exclusive=True, exit_on_error=False)
    async def action_new(self) -> None:
        """Create a revision. What hinders that is said; the server is not changed."""
        from console.dialogs.new_revision import NewRevisionDialog

        status, services = self.migration_status, self.services
        if status is None or services is None or status.source is None:
            self._say("There is no directory of migrations to put a revision into.")
            return
        branches = sorted({step.branch for step in status.steps if step.branch})
        new = await self.app.push_screen_wait(
            NewRevisionDialog(branches, autogenerates=status.source.kind is SourceKind.ALEMBIC)
        )
        if new is None:
            return
        try:
            paths = await services.migrations.create(
                new.message, autogenerate=new.autogenerate, branch=new.branch
            )
        except DbconsoleError as problem:
            self._say(problem.sentence)
            return
        self._say("\n".join(f"Written: {path}" for path in paths), done=True)
        services.migrations_feed.sample_now()

    @work(group="change", exclusive=True, exit_on_error=False)
    async def action_repair(self) -> None:
        """Build the first invalid index again. Refusals are said."""
        services = self.services
        if not self._may_change() or services is None or not self._invalid:
            return
        index = self._invalid[0]
        try:
            operation = services.migrations.repair_operation(index)
            if not await self._confirms(operation):
                return
            run = services.migrations.repair(operation, index)
        except DbconsoleError as problem:
            self._say(problem.sentence)
            return
        self._follow(ShownRun(operation.title, run, self.clock))

    @property
    def _invalid(self) -> list[InvalidIndex]:
        """The invalid indexes that nobody is building."""
        status = self.migration_status
        return [index for index in status.invalid_indexes if not index.in_progress] if status else []

    def _say(self, sentence: str, *, done: bool = False) -> None:
        self.notify(sentence, markup=False, severity="information" if done else "warning", timeout=6)


def _heads() -> Goal:
    from console.dialogs.goal import Goal

    return Goal("heads", Direction.UPGRADE)
