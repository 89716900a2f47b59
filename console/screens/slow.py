"""Screen 3, Slow queries: what costs the most, what it waits for, and why."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType

from console.errors import DbconsoleError
from console.models.environments import PRODUCTION
from console.models.operation import READ_ONLY
from console.models.plans import PlanRequest
from console.models.statements import Scope
from console.resources import folder
from console.screens.frame import ConsoleScreen
from console.screens.statements import StatementsScreen
from console.screens.waits_panel import WaitsPanel


class SlowScreen(StatementsScreen):
    """The statements, and all that can be done with one."""

    MODE = "slow"
    AUTO_FOCUS = "#statements"
    CSS_PATH: ClassVar = [folder("themes") / "slow.tcss", folder("themes") / "waits.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "plan", "plan", id="slow.plan", tooltip="Take the statement's plan, without running it"),
        Binding("w", "waits", "waits", id="slow.waits", tooltip="What the sessions wait for, sampled every second; again: statements"),
        Binding("o", "scope", "over", id="slow.scope", tooltip="Over which span: since the reset, since opened, the last interval"),
        Binding("m", "minimum", "minimum", id="slow.minimum", tooltip="Show only statements that take so long a call: 0, 10 ms, 100 ms, 1 s, 10 s"),
        Binding("c", "columns", "columns", id="slow.columns", tooltip="Other columns: time, buffers, I/O and WAL, planning and JIT"),
        Binding("k", "kind", "kind", id="slow.kind", tooltip="Only SELECT, only INSERT …; at last every kind again"),
        Binding("a", "own", "own too", show=False, id="slow.own", tooltip="Show the console's own statements too"),
        Binding("n", "begin", "from now", show=False, id="slow.begin", tooltip="Count what is since opened from now on"),
        Binding("l", "span", "length", show=False, id="slow.span", tooltip="How far back the waits are looked at"),
        Binding("z", "reset(False)", "reset one", show=False, id="slow.reset", tooltip="Forget the figures of the statement"),
        Binding("Z", "reset(True)", "reset all", show=False, id="slow.reset-all", tooltip="Forget the figures of all statements"),
        Binding("tab", "app.focus_next", "other pane", show=False, tooltip="Go to the detail, or to the alerts"),
        Binding("escape", "back", "back", show=False, tooltip="Close the detail; remove the filter"),
        *ConsoleScreen.COMMON_BINDINGS,
    ]  # fmt: skip

    @on(WaitsPanel.StatementChosen)
    def _show_statement(self, event: WaitsPanel.StatementChosen) -> None:
        """Leads from the waits to the statement's figures, whatever the view left out before."""
        reading, query = self.reading, event.query
        entries = reading.snapshot.entries if reading is not None and reading.snapshot is not None else {}
        keys = [key for key in entries if key.query_id == query.query_id and not entries[key].is_gone]
        if not keys:
            self.notify("pg_stat_statements has no figures of this statement; x takes its plan.", timeout=5)
            return
        self.view = "statements"
        self.filter_by("")
        self.look_at(scope=Scope.RESET, min_mean=0.0, kind=None)
        dearest = max(keys, key=lambda key: entries[key].figures.total)
        self.statements.move_to(dearest)
        self.detail_open = True

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def action_plan(self) -> None:
        """Take the plan of the statement. What cannot be explained is said there."""
        services = self.services
        request = await self._waiting_request() if self.shows_waits else await self._request()
        if services is not None and request is not None:
            from console.screens.plan import PlanScreen

            await self.app.push_screen_wait(
                PlanScreen(services, request, f"statement {request.query_id}", clock=self.clock)
            )

    async def _request(self) -> PlanRequest | None:
        detail = await self.detail_of_cursor(self.say)
        if detail is None:
            return None
        statement = detail.statement
        if statement.is_hidden:
            self.say(
                f"These are statements of {statement.user} whose texts are not for this role. "
                f"{self.services.server.missing_right if self.services else ''}"
            )
            return None
        figures = statement.figures
        rows = figures.rows / figures.calls if figures.calls else None
        return PlanRequest(
            detail.text or "",
            statement.database,
            statement.user,
            statement.key.query_id,
            rows_per_call=rows,
        )

    async def _waiting_request(self) -> PlanRequest | None:
        """The statement that is chosen among the waits: whole, as pg_stat_statements has it, else as it was seen."""
        chosen = self.panel.chosen if self.panel is not None else None
        if chosen is None or self.services is None:
            self.say("No statement was seen running yet whose plan could be taken.")
            return None
        query, facts = chosen
        if query.query_id is not None and not self.has_class("-missing"):
            try:
                found = await self.services.statements.find(query.query_id)
            except DbconsoleError:
                found = ()
            if found:
                return found[0]
        return PlanRequest(facts.text, facts.database, facts.user, query.query_id)

    def action_copy(self) -> None:
        """Copy the whole text of the statement to the terminal's clipboard."""
        if self.shows_waits:
            super().action_copy()
        else:
            self._copy_statement()

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def _copy_statement(self) -> None:
        """Asks for the text first. Why not is said."""
        if (detail := await self.detail_of_cursor(self.say)) is not None:
            self.send_to_clipboard(detail.text or detail.statement.text or "")

    @work(group="reset", exclusive=True, exit_on_error=False)
    async def action_reset(self, everything: bool) -> None:
        """Forget the figures of the statement, or of all, after showing what that means. Refusals are said."""
        from console.dialogs.confirm import ConfirmDialog

        services, reading = self.services, self.reading
        statement = None if everything else self.statement
        if services is None or reading is None or reading.snapshot is None or self.shows_waits:
            return
        if services.settings.read_only:
            self.say(READ_ONLY)
            return
        if not everything and (statement is None or statement.is_hidden):
            self.say("There is no statement here whose figures could be forgotten.")
            return
        operation = services.statements.reset_operation(statement, reading.snapshot)
        settings = services.settings
        if not await self.app.push_screen_wait(
            ConfirmDialog(
                operation, typed=settings.types_names, in_production=settings.environment == PRODUCTION
            )
        ):
            return
        try:
            outcome = await services.statements.reset(operation, statement, reading.snapshot)
        except DbconsoleError as problem:
            self.say(problem.sentence)
            return
        self.say(outcome.sentence, done=outcome.done)
        services.statements_feed.sample_now()
