"""A change of many rows while it is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, Generic, TypeAlias, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from console.clock import Clock
from console.dialogs.answer import Dialog
from console.errors import DbconsoleError
from console.models.accounts import BulkProgress
from console.resources import folder
from console.terminal.safe_text import visible
from console.units import count, duration
from console.widgets.key_line import KeyLine

T = TypeVar("T")

Run: TypeAlias = Callable[[Callable[[BulkProgress], None]], Awaitable[T]]
"""Makes the change and tells how far it has got. Raises `DbconsoleError`; when it is cancelled, nothing is changed."""

_WIDTH = 40
"""Cells of the bar."""


class ProgressDialog(Dialog[T | DbconsoleError | None], Generic[T]):
    """Has a change made; the answer is what came of it, an error included, and None when it was cancelled."""

    CSS_PATH: ClassVar = [folder("themes") / "dialogs.tcss", folder("themes") / "keys.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c,escape", "cancel", "cancel", key_display="c", tooltip="Stop it; nothing is changed then"),
    ]

    def __init__(self, title: str, run: Run[T], clock: Clock) -> None:
        super().__init__()
        self._title = title
        self._run = run
        self._clock = clock
        self._began = clock.monotonic()
        self._progress: BulkProgress | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(Content(visible(self._title)), id="title")
            yield Static(id="progress", markup=False)
        yield KeyLine(right=())

    def on_mount(self) -> None:
        self.set_interval(1.0, self._show)
        self._show()
        self._make()

    @work(group="run", exclusive=True, exit_on_error=False)
    async def _make(self) -> T:
        """What comes of it, errors too, is the dialog's answer."""
        return await self._run(self._take)

    def _take(self, progress: BulkProgress) -> None:
        self._progress = progress
        self._show()
        self.refresh_bindings()

    def _show(self) -> None:
        progress, seconds = self._progress, duration(self._clock.monotonic() - self._began)
        if progress is None:
            words = f"… begins · {seconds}"
        else:
            filled = _WIDTH * progress.done // max(1, progress.total)
            bar = "█" * filled + "░" * (_WIDTH - filled)
            words = f"{bar} {count(progress.done)} of {count(progress.total)} · {seconds}"
            words += "\nbeing committed" if self._is_ending else ""
        self.query_one("#progress", Static).update(Content(words))

    @property
    def _is_ending(self) -> bool:
        """Whether it is too late to cancel: all is done and being committed."""
        return self._progress is not None and self._progress.done >= self._progress.total

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not (action == "cancel" and self._is_ending)

    def action_cancel(self) -> None:
        """Stop it, which leaves everything as it was."""
        self.workers.cancel_group(self, "run")

    @on(Worker.StateChanged)
    def _over(self, event: Worker.StateChanged) -> None:
        worker = event.worker
        if worker.group != "run":
            return
        if event.state is WorkerState.SUCCESS:
            self.dismiss(worker.result)
        elif event.state is WorkerState.CANCELLED:
            self.dismiss(None)
        elif event.state is WorkerState.ERROR:
            if not isinstance(worker.error, DbconsoleError):
                raise worker.error or RuntimeError("a worker failed without an error")
            self.dismiss(worker.error)
