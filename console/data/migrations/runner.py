"""The worker process as the console sees it: what it finds, what it does, and how it is stopped.

The console itself imports neither Alembic nor anybody's revisions.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from console.clock import SYSTEM_CLOCK, Clock
from console.data.migrations.watch import look
from console.data.migrations.worker.engine import Order
from console.data.migrations.worker.protocol import (
    Connected,
    Created,
    Event,
    Failed,
    Finished,
    NewRevision,
    Paused,
    Planned,
    Request,
    RevisionBegan,
    RevisionDone,
    StatementBegan,
    StatementDone,
    Verified,
    Work,
)
from console.data.migrations.worker_process import KILL_AFTER, Worker, begun_worker
from console.data.server import Server
from console.errors import DbconsoleError
from console.models.migrations import (
    Direction,
    Drift,
    PlannedStep,
    Revision,
    RunningStatement,
    RunProgress,
    RunState,
    Source,
    TimedStatement,
)
from console.models.target import Target
from console.settings import Settings

CONNECTIONS = 2
"""That a worker holds: one for the revisions, one for the lock."""
WATCH_INTERVAL = 1.0
"""Seconds between two looks at what a running statement does and waits for."""

_E = TypeVar("_E")


# Asking ---------------------------------------------------------------------------------------------------------


async def plan(order: Order) -> tuple[tuple[PlannedStep, ...], str | None]:
    """What each revision would run, and a remark about how that was found. Touches no database.

    Raises `BadMigrations` or another `DbconsoleError` where the files cannot be used.
    """
    steps, remark = [], None
    async for event in _events(Request(Work.PLAN, order)):
        if isinstance(event, Planned):
            steps.append(event.step)
        elif isinstance(event, Finished):
            remark = event.sentence
    return tuple(steps), remark


async def verify(
    source: Source, target: Target, settings: Settings, extensions: frozenset[str] = frozenset()
) -> tuple[Drift, ...]:
    """How the database differs from the metadata. Raises `BadMigrations`, `CannotConnect` or `MigrationFailed`."""
    request = Request(Work.VERIFY, _order(source, extensions)).on(target, settings)
    return (await _answer(request, Verified)).drifts


async def create(
    source: Source,
    new: NewRevision,
    target: Target,
    settings: Settings,
    extensions: frozenset[str] = frozenset(),
) -> tuple[Path, ...]:
    """The files of a new revision, which Alembic has written. Raises as `verify`."""
    request = replace(Request(Work.CREATE, _order(source, extensions)), new=new)
    return (await _answer(request.on(target, settings), Created)).paths


async def stamp(
    source: Source,
    revisions: Sequence[Revision],
    current: Sequence[str],
    target: Target,
    settings: Settings,
) -> str:
    """Makes the version table name these revisions instead of the current ones; a sentence about it.

    Raises `OperationRefused` where it is no longer at `current` or somebody else migrates, `CannotConnect` or
    `MigrationFailed`.
    """
    order = Order(source, Direction.UPGRADE, tuple(revisions), tuple(current), frozenset())
    finished = await _answer(Request(Work.STAMP, order).on(target, settings), Finished)
    return finished.sentence or ""


def _order(source: Source, extensions: frozenset[str] = frozenset()) -> Order:
    """For work that runs no revision."""
    return Order(source, Direction.UPGRADE, (), (), extensions)


async def _answer(request: Request, kind: type[_E]) -> _E:
    async for event in _events(request):
        if isinstance(event, kind):
            answer = event
    return answer


async def _events(request: Request) -> AsyncIterator[Event]:
    """What the worker tells until it is done. Raises the `DbconsoleError` that it ends with."""
    async with begun_worker(request) as worker:
        async for event in worker.events():
            if isinstance(event, Failed):
                raise event.problem
            yield event


# A run ----------------------------------------------------------------------------------------------------------


class MigrationRun:
    """A run that has begun. Made within a running loop."""

    def __init__(
        self,
        server: Server,
        settings: Settings,
        request: Request,
        on_end: Callable[[RunProgress], None] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """`request` is to run, to rehearse, or statements; `on_end` writes down how it ended, before anybody hears of it.

        The sentence of a `DbconsoleError` that it raises takes the place of the run's own.
        """
        self._server = server
        self._request = request.on(server.target, settings)
        self._on_end = on_end
        self._clock = clock
        self._listeners: list[Callable[[], None]] = []
        self._worker: Worker | None = None
        self._is_cancelled = False
        total = len(request.order.revisions) or len(request.statements)
        self.progress = RunProgress(RunState.STARTING, total, 0, clock.monotonic())
        """How it stands; replaced whenever that changes."""
        server.workers.add(self)
        self._task = asyncio.create_task(self._run(), name="migration")
        self._task.add_done_callback(lambda _task: server.workers.discard(self))

    @property
    def connections(self) -> int:
        """How many it holds on the server now."""
        return CONNECTIONS if self.progress.pid is not None and not self.progress.is_over else 0

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Has `listener` called whenever `progress` is a new one; what is returned ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def wait(self) -> RunProgress:
        """What became of it."""
        await asyncio.shield(self._task)
        return self.progress

    async def cancel(self) -> None:
        """Returns when it is over: the server has stopped its statement and rolled back, or the process was killed.

        What was committed before stays.
        """
        if self._task.done():
            return
        self._is_cancelled = True
        if self._worker is not None:
            self._begin_to_cancel(self._worker)
        try:
            async with asyncio.timeout(KILL_AFTER):
                await self.wait()
        except TimeoutError:
            if self._worker is not None:
                self._worker.kill()
            await self.wait()

    def kill(self) -> None:
        """Ends the process at once, for whom a cancel takes too long; the server rolls back by itself."""
        self._is_cancelled = True
        if self._worker is not None:
            self._worker.kill()

    def _begin_to_cancel(self, worker: Worker) -> None:
        self._set(state=RunState.CANCELLING, retry_at=None)
        worker.cancel()

    async def _run(self) -> None:
        ending: Finished | Failed | None = None
        if not self._server.engine.pool.in_use:
            await self._server.engine.close()  # what it keeps for later would be a connection too many
        try:
            async with begun_worker(self._request) as worker:
                self._worker = worker
                if self._is_cancelled:
                    self._begin_to_cancel(worker)
                watching = asyncio.create_task(self._watch(), name="migration's watch")
                try:
                    async for event in worker.events():
                        if isinstance(event, Finished | Failed):
                            ending = event
                        else:
                            self._take(event)
                finally:
                    watching.cancel()
        except DbconsoleError as problem:
            ending = Failed.of(problem)
        assert ending is not None, "a worker's last event is an ending"
        self._end(ending)

    def _take(self, event: Event) -> None:
        now = self._clock.monotonic()
        state = RunState.CANCELLING if self._is_cancelled else RunState.RUNNING
        match event:
            case Connected(pid):
                self._set(pid=pid)
            case RevisionBegan(revision, attempt):
                self._set(state=state, revision=revision, attempt=attempt, retry_at=None, sentence=None)
            case StatementBegan(text):
                self._set(statement=RunningStatement(text, now))
            case StatementDone(seconds):
                ran = self.progress.statement
                assert ran is not None, "what is done has begun"
                timing = TimedStatement(self.progress.revision or "", ran.text, seconds)
                timings = (*self.progress.timings, timing)
                self._set(statement=None, timings=timings, work=None, blocked_by=())
            case Paused(seconds, sentence) if not self._is_cancelled:
                self._set(
                    state=RunState.PAUSING,
                    statement=None,
                    work=None,
                    retry_at=now + seconds,
                    sentence=sentence,
                )
            case RevisionDone():
                self._set(finished=self.progress.finished + 1, statement=None)

    def _end(self, event: Finished | Failed) -> None:
        ended = replace(
            self.progress,
            statement=None,
            work=None,
            blocked_by=(),
            retry_at=None,
            sentence=event.sentence,
        )
        if isinstance(event, Finished):
            ended = replace(ended, state=RunState.DONE)
        else:
            state = RunState.CANCELLED if event.is_cancelled or self._is_cancelled else RunState.FAILED
            ended = replace(ended, state=state, failed_statement=event.statement)
        if self._on_end is not None:
            try:
                self._on_end(ended)
            except DbconsoleError as problem:
                ended = replace(ended, sentence=problem.sentence)
        self._set_to(ended)

    async def _watch(self) -> None:
        """Looks at the server while a statement runs."""
        while True:
            await asyncio.sleep(WATCH_INTERVAL)
            pid, statement = self.progress.pid, self.progress.statement
            if pid is None or statement is None:
                continue
            sight = await look(self._server, pid)
            if self.progress.statement is statement:
                self._set(work=sight.work, blocked_by=sight.blocked_by)

    def _set(self, **changes: Any) -> None:
        self._set_to(replace(self.progress, **changes))

    def _set_to(self, progress: RunProgress) -> None:
        if progress != self.progress:
            self.progress = progress
            for listener in list(self._listeners):
                # Whoever looks on cannot break the run off.
                asyncio.get_running_loop().call_soon(listener)
