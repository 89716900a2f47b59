"""Screen 4, Migrations: where the schema is, what a step would do, and how to take it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType

from console.errors import DbconsoleError
from console.models.environments import PRODUCTION
from console.models.migrations import Direction, InvalidIndex, RunState, SourceKind
from console.models.operation import READ_ONLY, Operation
from console.resources import folder
from console.screens.frame import ConsoleScreen, Unfinished
from console.screens.migration_preview import Preview
from console.screens.migration_run import RunScreen, ShownRun
from console.screens.revisions import Aim, RevisionsScreen

if TYPE_CHECKING:
    from console.dialogs.goal import Goal


class MigrationsScreen(RevisionsScreen):
    """The revisions, and all that can be done with them."""

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
        Binding("i", "repair(False)", "repair index", id="migrations.repair", tooltip="Build an invalid index again, or drop what is left of it"),
        Binding("I", "repair(True)", "drop index", show=False, id="migrations.drop-index", tooltip="Drop an invalid index, so that its revision can run again"),
        Binding("w", "watch_run", "watch", id="migrations.watch", tooltip="Show the migration that runs, or ran last"),
        Binding("T", "stamp", "stamp", show=False, id="migrations.stamp", tooltip="Say where the database stands without running anything"),
        Binding("tab", "app.focus_next", "other pane", show=False, tooltip="Go to the pane, or to the alerts"),
        Binding("escape", "back", "back", show=False, tooltip="Close the pane, then the filter, then what became of the last run"),
        *ConsoleScreen.COMMON_BINDINGS,
    ]  # fmt: skip

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "run_preview":
            return self.is_mounted and self.view.has_focus and bool(self.preview and self.preview.plan.steps)
        if action == "watch_run":
            return self.is_mounted and self.last_run is not None
        if action == "repair":
            return self.migration_status is not None and bool(self._invalid)
        return super().check_action(action, parameters)

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
            self.say("Only what is applied can be rolled back: choose such a revision.")
        else:
            self._ask(row.id)

    def action_run_preview(self) -> None:
        """Run what is previewed."""
        if self.aim is not None:
            self._ask(self.aim, read=self.preview)

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def _ask(self, aim: Aim, *, rehearse: bool = False, read: Preview | None = None) -> None:
        """Shows what would run, asks, and runs it. Refusals are said; nothing has happened then.

        `read` is what the person has read already, where that is complete.
        """
        if not self._may_change():
            return
        preview = read if read is not None and read.is_complete else await self.look_at(aim)
        services = self.services
        if preview is None or services is None:
            return
        if not self.is_current:
            self.say(
                "What would run is worked out; it is on the Migrations screen, where enter runs it.",
                done=True,
            )
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
            self.say(problem.sentence)
            return
        self._follow(ShownRun(operation.title, run, self.clock, is_rehearsal=rehearse))

    async def _confirms(self, operation: Operation, *, always_typed: bool = False) -> bool:
        from console.dialogs.confirm import ConfirmDialog

        assert self.services is not None, "there is an operation"
        settings = self.services.settings
        typed, in_production = settings.types_names or always_typed, settings.environment == PRODUCTION
        return await self.app.push_screen_wait(
            ConfirmDialog(operation, typed=typed, in_production=in_production)
        )

    def _may_change(self) -> bool:
        """Whether the server may be changed now; if not, says why."""
        services, status = self.services, self.migration_status
        if services is None or status is None:
            self.say("There is nothing to change yet: where the database stands is not known.")
        elif services.settings.read_only:
            self.say(READ_ONLY)
        elif services.server.capabilities is not None and services.server.capabilities.in_recovery:
            self.say("The server is a standby: what changes it has to run on its primary.")
        elif self.runs_here:
            self.say("A migration runs: w shows it.")
        else:
            return True
        return False

    @work(group="run", exclusive=False, exit_on_error=False)
    async def _follow(self, shown: ShownRun) -> None:
        """Shows a run, and says what became of it to somebody who looks elsewhere by then."""
        self.last_run = shown
        self.post_message(
            Unfinished("A migration runs: leaving cancels it, and rolls back what is not committed.")
        )
        forget = shown.run.on_change(self.refresh_head)
        self.pane = ""
        self.action_watch_run()
        try:
            progress = await shown.run.wait()
        except DbconsoleError as problem:
            self.say(problem.sentence)
        else:
            if not isinstance(self.app.screen, RunScreen):
                self.say(f"{shown.summary}. {progress.sentence or ''}", done=progress.state is RunState.DONE)
        finally:
            forget()
            self.post_message(Unfinished(None))
        self.refresh_head()
        if self.services is not None:
            self.services.migrations_feed.sample_now()

    def action_watch_run(self) -> None:
        """Show the migration that runs, or ran last."""
        if self.last_run is not None:
            self.app.push_screen(RunScreen(self.last_run))

    @work(group="change", exclusive=True, exit_on_error=False)
    async def action_stamp(self) -> None:
        """Say where the database stands, after asking where and whether. Refusals are said."""
        from console.dialogs.goal import GoalDialog

        status, services = self.migration_status, self.services
        if not self._may_change() or status is None or services is None:
            return
        if status.source is None:
            self.say("There are no migrations to stamp the database with.")
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
            self.say(problem.sentence)
            return
        self.say(outcome.sentence, done=outcome.done)
        services.migrations_feed.sample_now()

    @work(group="change", exclusive=True, exit_on_error=False)
    async def action_new(self) -> None:
        """Create a revision. What hinders that is said; the server is not changed."""
        from console.dialogs.new_revision import NewRevisionDialog

        status, services = self.migration_status, self.services
        if status is None or services is None or status.source is None:
            self.say("There is no directory of migrations to put a revision into.")
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
            self.say(problem.sentence)
            return
        self.say("\n".join(f"Written: {path}" for path in paths), done=True)
        services.migrations_feed.sample_now()

    @work(group="change", exclusive=True, exit_on_error=False)
    async def action_repair(self, drop: bool) -> None:
        """Build the first invalid index again, or drop it. Refusals are said."""
        services = self.services
        if not self._may_change() or services is None or not self._invalid:
            return
        index = self._invalid[0]
        try:
            operation = services.migrations.repair_operation(index, drop=drop)
            if not await self._confirms(operation):
                return
            run = services.migrations.repair(operation, index, drop=drop)
        except DbconsoleError as problem:
            self.say(problem.sentence)
            return
        self._follow(ShownRun(operation.title, run, self.clock))

    @property
    def _invalid(self) -> list[InvalidIndex]:
        """The invalid indexes that nobody is building."""
        status = self.migration_status
        return [index for index in status.invalid_indexes if not index.in_progress] if status else []


def _heads() -> Goal:
    from console.dialogs.goal import Goal

    return Goal("heads", Direction.UPGRADE)
