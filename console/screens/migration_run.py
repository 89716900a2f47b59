"""A migration while it runs: the step, the statement, what it waits for, who is in its way, what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.timer import Timer

from console.clock import Clock
from console.dialogs.answer import Dialog
from console.models.activity import Blocker
from console.models.migrations import RunProgress, RunState, TimedStatement
from console.resources import folder
from console.screens.activity_columns import BlockingRow, blocking_rows, one_line
from console.units import duration, latency
from console.widgets.key_line import KeyLine
from console.widgets.sql_view import Part, Sql, SqlView, Words
from console.widgets.tones import Tone

if TYPE_CHECKING:
    from console.data.migrations.runner import MigrationRun

MOST_SHOWN = 12
"""Lines of the running statement, and statements that have run, that are shown while it runs."""

_BEGINNING = 400
"""Characters of a statement in a list of them."""

_STATES: dict[RunState, tuple[str, Tone]] = {
    RunState.STARTING: ("… starting", "muted"),
    RunState.RUNNING: ("● running", "accent"),
    RunState.PAUSING: ("▲ waiting to try again", "warning"),
    RunState.CANCELLING: ("▲ cancelling", "warning"),
    RunState.DONE: ("● done", "success"),
    RunState.FAILED: ("◆ failed", "danger"),
    RunState.CANCELLED: ("▲ cancelled", "warning"),
}


class ShownRun:
    """A run with its name, and with how long it has taken, wherever it is shown."""

    def __init__(self, title: str, run: MigrationRun, clock: Clock, *, is_rehearsal: bool = False) -> None:
        """`title` is that of the operation. Made when the run begins."""
        self.title = title
        self.run = run
        self.is_rehearsal = is_rehearsal
        self._clock = clock
        self._ended: float | None = None
        run.on_change(self._note_end)
        self._note_end()

    def _note_end(self) -> None:
        if self._ended is None and self.run.progress.is_over:
            self._ended = self._clock.monotonic()

    @property
    def now(self) -> float:
        """The console's monotonic clock, which for a run that is over stands still."""
        return self._clock.monotonic() if self._ended is None else self._ended

    @property
    def summary(self) -> str:
        """One line: how it stands, for how long, how far it has come, what it is."""
        progress = self.run.progress
        parts = [_STATES[progress.state][0], duration(self.now - progress.began)]
        if not progress.is_over and progress.total:
            parts.append(f"step {min(progress.finished + 1, progress.total)} of {progress.total}")
            if progress.revision:
                parts.append(progress.revision)
        return " · ".join([*parts, self.title])

    @property
    def parts(self) -> tuple[Part, ...]:
        """All that there is to see of it."""
        return tuple(run_parts(self.run.progress, self.now, is_rehearsal=self.is_rehearsal))


class RunScreen(Dialog[None]):
    """Shows a run until the person looks elsewhere; it goes on whether it is looked at or not."""

    CSS_PATH = folder("themes") / "migrations.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "cancel_run", "cancel the migration", tooltip="Stop the statement and roll it back"),
        Binding("escape,w", "dismiss", "hide", key_display="esc", tooltip="Look elsewhere; it goes on"),
    ]

    def __init__(self, shown: ShownRun) -> None:
        super().__init__()
        self._shown = shown
        self._ticking: Timer | None = None
        self._forget: Callable[[], None] | None = None
        self._is_cancelling = False

    def compose(self) -> ComposeResult:
        with Vertical(id="run"):
            yield SqlView()
        yield KeyLine(right=())

    def on_mount(self) -> None:
        self._ticking = self.set_interval(1.0, self._show)
        self._forget = self._shown.run.on_change(self._show)
        self._show()

    def on_unmount(self) -> None:
        if self._forget is not None:
            self._forget()

    def _show(self) -> None:
        if not self.is_mounted:
            return
        shown = self._shown
        progress = shown.run.progress
        self.query_one(SqlView).show(shown.summary, shown.parts, keep_place=True)
        box = self.query_one("#run")
        box.set_class(progress.state is RunState.FAILED, "-failed")
        box.set_class(progress.state is RunState.DONE, "-done")
        if progress.is_over and self._ticking is not None:
            self._ticking.stop()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not (action == "cancel_run" and self._shown.run.progress.is_over)

    def action_cancel_run(self) -> None:
        """Stop the statement and roll it back; what was committed before stays."""
        if self._is_cancelling:
            self.notify(
                "It is being cancelled; a process that does not stop by itself is killed in a few seconds."
            )
            return
        self._is_cancelling = True
        self._cancel()

    @work(group="cancel", exclusive=False, exit_on_error=False)
    async def _cancel(self) -> None:
        """Waits until it is over. What came of it is part of the run."""
        await self._shown.run.cancel()


# Words --------------------------------------------------------------------------------------------------------------


def run_parts(progress: RunProgress, now: float, *, is_rehearsal: bool) -> Iterator[Part]:
    """The lines of a run at a moment of the console's monotonic clock."""
    yield from _state_parts(progress, now)
    if (statement := progress.statement) is not None:
        yield Words("")
        lines = statement.text.split("\n")
        yield Words(f"this statement, since {duration(now - statement.began)}", "strong")
        more = len(lines) - MOST_SHOWN
        yield Sql("\n".join(lines[:MOST_SHOWN]))
        if more > 0:
            yield Words(f"  … {more} more lines", "muted")
    if progress.work:
        yield Words(f"  {progress.work}", "accent", 2)
    if progress.blocked_by:
        yield from _blocking_parts(progress)
    if progress.failed_statement:
        yield Words("")
        yield Words("the statement that failed", "strong")
        yield Sql(progress.failed_statement)
    yield from _timing_parts(progress, is_rehearsal=is_rehearsal)


def _state_parts(progress: RunProgress, now: float) -> Iterator[Part]:
    word, tone = _STATES[progress.state]
    if progress.total:
        done = "" if progress.state is RunState.DONE else " done"
        word += f": {progress.finished} of {progress.total}{done}"
    if progress.state is RunState.PAUSING and progress.retry_at is not None:
        word += f", again in {max(0, round(progress.retry_at - now))} s"
    if progress.attempt > 1:
        word += f" (attempt {progress.attempt})"
    yield Words(word, tone)
    if progress.sentence:
        yield Words(progress.sentence, None if progress.state is RunState.DONE else tone)
    if not progress.is_over and progress.pid is not None:
        yield Words(f"server process {progress.pid}", "muted")


def _blocking_parts(progress: RunProgress) -> Iterator[Part]:
    yield Words("")
    yield Words("▲ It waits for a lock. In its way:", "warning")
    for row in blocking_rows(progress.blocked_by):
        is_own = row.blocker.pid == progress.pid
        text = f"  {row.branch}{_blocker_text(row, row.blocker)}"
        yield Words(
            f"{text}{'  ◄ the migration' if is_own else ''}", "strong" if is_own else None, wraps=False
        )


def _blocker_text(row: BlockingRow, blocker: Blocker) -> str:
    session = row.session
    parts = [str(blocker.pid) if blocker.pid else "prepared transaction, see pg_prepared_xacts"]
    if session is not None:
        parts.append(f"{session.state.value} {duration(session.transaction_age)}")
        parts.append(f"{session.user or '–'} {session.application or '(unnamed)'}")
    if blocker.wait_age is not None:
        parts.append(f"waits {duration(blocker.wait_age)}")
    if session is not None and session.query:
        parts.append(one_line(session.query))
    return "  ".join(parts)


def _timing_parts(progress: RunProgress, *, is_rehearsal: bool) -> Iterator[Part]:
    timings = list(progress.timings)
    if not timings:
        return
    slowest = max(timings, key=lambda timing: timing.seconds)
    sorted_by_time = is_rehearsal and progress.is_over
    if sorted_by_time:
        timings.sort(key=lambda timing: -timing.seconds)
    elif not progress.is_over:
        timings = timings[: -MOST_SHOWN - 1 : -1]
    ran = (
        "1 statement has run"
        if len(progress.timings) == 1
        else f"{len(progress.timings)} statements have run"
    )
    title = f"{ran}, {latency(sum(t.seconds for t in progress.timings))} in all"
    order = "slowest first" if sorted_by_time else "» the slowest"
    yield Words("")
    yield Words(f"{title} ({order})", "strong")
    for timing in timings:
        yield _timing_part(timing, is_slowest=timing is slowest)


def _timing_part(timing: TimedStatement, *, is_slowest: bool) -> Sql:
    margin = f"{'»' if is_slowest else ' '}{latency(timing.seconds):>7}  {timing.revision[:12]:<12}"
    return Sql(one_line(timing.text[:_BEGINNING]), margin, "accent" if is_slowest else "muted", 24)
