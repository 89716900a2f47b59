"""The plan of a statement: where its cost lies, what it reads, whether an index would help."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import ContentSwitcher, Static

from console.clock import SYSTEM_CLOCK, Clock
from console.dialogs.answer import Dialog
from console.errors import OperationRefused
from console.models.environments import PRODUCTION
from console.models.operation import Operation
from console.models.plans import IndexAdvice, Plan, PlanRequest
from console.resources import folder
from console.screens.clipping import send_to_clipboard
from console.screens.plan_text import head, parameter_labels, words_of, write_plan
from console.screens.plan_view import Pane, PlanView
from console.terminal.safe_text import visible
from console.widgets.key_line import KeyLine
from console.widgets.sql_format import formatted
from console.widgets.sql_view import Sql, SqlView, Words

if TYPE_CHECKING:
    from console.data.services import Services

Format: TypeAlias = Literal["tree", "text", "json"]

FORMATS: tuple[Format, ...] = ("tree", "text", "json")

MOST_VALUES = 50
"""Parameters whose values a person is asked for."""


class PlanScreen(Dialog[None]):
    """Takes the plan when it is opened. Only the status of the screen behind it stays in sight, which goes on."""

    CSS_PATH = folder("themes") / "plan.tcss"
    TITLE = "Plan"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (160, "-very-wide")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "format", "text, JSON", id="plan.format", tooltip="Show it as EXPLAIN's text, as JSON, as a tree again"),
        Binding("i", "pane('indexes')", "an index?", id="plan.indexes", tooltip="Would an index help?"),
        Binding("b", "pane('tables')", "tables", id="plan.tables", tooltip="The tables behind it: size, rows, vacuum, scans"),
        Binding("a", "analyze", "run it", id="plan.analyze", tooltip="Run it with EXPLAIN (ANALYZE, BUFFERS), and roll it back"),
        Binding("n", "pane('node')", "node", id="plan.node", tooltip="The node under the cursor in full"),
        Binding("s", "pane('statement')", "statement", id="plan.statement", tooltip="The statement, and how it was planned"),
        Binding("w", "widest", "widest", id="plan.widest", tooltip="Go to the node that costs the most by itself"),
        Binding("y", "copy", "copy", id="plan.copy", tooltip="Copy the plan, or the CREATE INDEX of the candidate"),
        Binding("Y", "copy_statement", "copy statement", show=False, id="plan.copy-statement", tooltip="Copy the statement"),
        Binding("r", "again", "again", id="plan.again", tooltip="Take the plan anew"),
        Binding("e", "export", "export", id="plan.export", tooltip="Write the plan to a text or JSON file"),
        Binding("tab", "app.focus_next", "other pane", show=False, tooltip="Go to the other pane"),
        Binding("escape", "back", "back", id="plan.back", key_display="esc", tooltip="Stop what runs; back to the tree; leave"),
        Binding("q", "dismiss", "close", show=False, id="plan.close", tooltip="Leave; what still runs for it is stopped"),
        Binding("question_mark", "app.help", "help", key_display="?", id="plan.help", tooltip="Show the keys of this screen"),
    ]  # fmt: skip

    def __init__(
        self, services: Services, request: PlanRequest, title: str, *, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        """`title` is what the plan is of: "pid 8123", "statement 8614407856940471875"."""
        super().__init__()
        self._services = services
        self._request = request
        self._whose = title
        self._clock = clock
        self._plan: Plan | None = None
        self._statement = request.text
        self._words = Words("")
        self._format: Format = "tree"
        self._advice: IndexAdvice | None = None
        self._problem: str | None = None
        self._values: tuple[str | None, ...] = ()
        """What its parameters were last time."""
        self._began: float | None = None
        """When it began to be run for real; None while it is not run."""

    # What it looks like -------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        with Vertical(id="plan"):
            yield Static(id="plan-head", markup=False)
            with ContentSwitcher(initial="plan-said", id="plan-body"):
                yield SqlView(id="plan-said")
                yield PlanView(self._clock.now, id="plan-tree")
                yield SqlView(id="plan-raw")
        yield KeyLine(right=("help", "back"))

    def on_mount(self) -> None:
        self.query_one("#plan").border_title = Content(visible(f"Plan of {self._whose}"))
        self.query_one("#plan-head").display = False
        self._say(Words("Asking for the plan …", "accent"))
        self._lay_out_statement()
        self._take()

    @property
    def view(self) -> PlanView:
        """The tree with what is beside it."""
        return self.query_one(PlanView)

    @property
    def plan(self) -> Plan:
        """What has been taken. The keys that need it are not there before."""
        assert self._plan is not None, "it was taken"
        return self._plan

    def _say(self, words: Words) -> None:
        """Shows words where the plan would be, and the statement."""
        self._words = words
        view = self.query_one("#plan-said", SqlView)
        view.show("", [words, Words(""), Sql(self._statement)])
        view.focus()

    @work(group="statement", exclusive=True, exit_on_error=False)
    async def _lay_out_statement(self) -> None:
        """Lays out the statement where no key has to wait for it. What cannot be laid out is shown as it is."""
        self._statement = await asyncio.to_thread(formatted, self._request.text)
        if self._plan is None:
            self._say(self._words)
        else:
            self.view.show_statement(self._statement, self._plan)

    def _show(self, plan: Plan) -> None:
        self._plan = plan
        self._advice = None
        self.view.show(plan)
        self.view.show_statement(self._statement, plan)
        self.query_one("#plan-head").display = True
        self._show_head()
        self._show_format("tree")
        if self.view.pane == "indexes":
            self._advise()
        self.refresh_bindings()

    def _show_head(self, *, layout: bool = True) -> None:
        if self._plan is not None:
            running = None if self._began is None else self._clock.monotonic() - self._began
            content = head(self._plan, self._problem, running)
            self.query_one("#plan-head", Static).update(content, layout=layout)

    # Taking it ----------------------------------------------------------------------------------------------------

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def _take(self) -> None:
        """Asks for the plan; first the person, where planning takes locks. What goes wrong is said in its place.

        Where there is a plan already it stays until there is another one.
        """
        services, before = self._services, self._plan
        try:
            # What reads statements is imported now.
            explaining = await asyncio.to_thread(lambda: services.plans.explaining(self._request))
            explaining = await services.plans.looked_at(explaining)
            if explaining.operation is not None and not await self._is_wanted(explaining.operation):
                if before is None:
                    self.dismiss(None)
                return
            plan = await services.plans.plan(explaining)
        except Exception as problem:
            again = "" if isinstance(problem, OperationRefused) else " r tries again."
            self._fail(f"{words_of(problem)}{again}")
        else:
            self._problem = None
            self._show(plan)
            if before is not None:
                self.notify("The plan was taken anew.", timeout=3)

    def _fail(self, sentence: str) -> None:
        """Says what went wrong: above the plan where there is one, else in its place."""
        self._problem = sentence
        if self._plan is None:
            self._say(Words(f"◆ {sentence}", "danger", 2))
        else:
            self._show_head()

    def action_again(self) -> None:
        """Take the plan anew, unless the statement is being run for real."""
        if self._began is not None:
            return
        if self._plan is None:
            self._say(Words("Asking for the plan …", "accent"))
        self._take()

    async def _is_wanted(self, operation: Operation) -> bool:
        from console.dialogs.confirm import ConfirmDialog

        settings = self._services.settings
        dialog = ConfirmDialog(
            operation, typed=settings.types_names, in_production=settings.environment == PRODUCTION
        )
        return await self.app.push_screen_wait(dialog)

    def action_analyze(self) -> None:
        """Run it for real and roll it back, after showing what that means."""
        if self._services.settings.read_only:
            self.notify(
                "The console is read-only, by --read-only or the setting read_only: it runs no statement for real.",
                severity="warning",
            )
        elif self._began is None:
            self._analyze()

    @work(group="analyze", exclusive=True, exit_on_error=False)
    async def _analyze(self) -> None:
        """Runs it. What goes wrong is said above the plan that is there."""
        plan, plans = self.plan, self._services.plans
        ticking = self.set_interval(1.0, partial(self._show_head, layout=False), pause=True)
        self._problem = None
        try:
            if plan.parameters:
                await plans.check_running(plan, self._request)
            if (values := await self._values_for(plan)) is None:
                return
            operation = await plans.analyze_operation(plan, self._request, values)
            if await self._is_wanted(operation):
                self._began = self._clock.monotonic()
                self._show_head()
                ticking.resume()
                self._show(await plans.analyze(operation, plan, self._request, values))
        except Exception as problem:
            self._problem = words_of(problem)
        finally:
            ticking.stop()
            self._began = None
            if self.is_attached:
                self._show_head()

    async def _values_for(self, plan: Plan) -> tuple[str | None, ...] | None:
        """Values for its parameters; None where the person went back. Raises `OperationRefused` for too many of them."""
        from console.dialogs.values import ValuesDialog

        if not plan.parameters:
            return ()
        if len(plan.parameters) > MOST_VALUES:
            raise OperationRefused(
                f"It has {len(plan.parameters):,} parameters, too many to be asked for; take the plan of a running "
                "session, whose text has the values."
            )
        given = await self.app.push_screen_wait(ValuesDialog(parameter_labels(plan), self._values))
        self._values = given or self._values
        return given

    # Looking ------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        with_plan = ("format", "pane", "analyze", "widest", "copy", "export")
        return self._plan is not None or action not in with_plan

    def action_format(self) -> None:
        """Show the plan as a tree, as EXPLAIN's text, as JSON."""
        self._show_format(FORMATS[(FORMATS.index(self._format) + 1) % len(FORMATS)])

    def _show_format(self, form: Format) -> None:
        self._format = form
        body = self.query_one("#plan-body", ContentSwitcher)
        body.current = "plan-tree" if form == "tree" else "plan-raw"
        if form == "tree":
            self.view.nodes.focus()
            return
        view = self.query_one("#plan-raw", SqlView)
        text = self.plan.json if form == "json" else self.plan.text
        view.show("JSON" if form == "json" else "EXPLAIN's text", [Words(text, wraps=False)])
        view.focus()

    def action_pane(self, pane: Pane) -> None:
        """Show something else beside or below the tree."""
        self._show_format("tree")
        self.view.show_pane(pane)
        if pane == "indexes" and self._advice is None:
            self._advise()

    @work(group="advice", exclusive=True, exit_on_error=False)
    async def _advise(self) -> None:
        """Asks whether an index would help. What goes wrong is said in the pane, and asked again with the same key."""
        pane = self.view.indexes
        pane.say("Asking the planner whether an index would help …")
        try:
            self._advice = await self._services.plans.advise(self.plan, self._request)
        except Exception as problem:
            pane.say(f"◆ {words_of(problem)}")
        else:
            pane.show(self._advice)

    def action_widest(self) -> None:
        """Go to the node that costs the most by itself."""
        self._show_format("tree")
        self.view.nodes.move_to(self.plan.widest.number)

    def action_back(self) -> None:
        """Stop what runs for real; else go back to the tree; else leave."""
        if self._began is not None:
            self.workers.cancel_group(self, "analyze")
            self.notify("Stopped.", timeout=3)
        elif self._plan is not None and (self._format != "tree" or self.view.pane != "node"):
            self.action_pane("node")
        else:
            self.dismiss(None)

    # Taking it elsewhere ------------------------------------------------------------------------------------------

    def action_copy(self) -> None:
        """Copy what creates the candidate, where the cursor is on one; else the plan as it is shown."""
        indexes = self.view.indexes
        statement = indexes.statement if indexes.table.has_focus else None
        if statement:
            send_to_clipboard(self, statement, "CREATE INDEX …")
        elif self._format == "json":
            send_to_clipboard(self, self.plan.json, "the plan as JSON")
        else:
            send_to_clipboard(self, self.plan.text, "the plan")

    def action_copy_statement(self) -> None:
        """Copy the statement, as it came."""
        send_to_clipboard(self, self._request.text, "the statement")

    @work(group="export", exclusive=True, exit_on_error=False)
    async def action_export(self) -> None:
        """Write the plan to a file. A file that cannot be written is said in the dialog."""
        from console.dialogs.export import FileDialog, file_name

        question = "Write the plan to a file (.txt, or .json for what reads plans)"
        name = file_name("plan", self._clock.now(), "txt")
        written = await self.app.push_screen_wait(
            FileDialog(question, name, partial(write_plan, plan=self.plan))
        )
        if written is not None:
            self.notify(f"Written to {written}.", timeout=5)
