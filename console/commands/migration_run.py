"""A migration's run, line by line, for somebody who reads a log."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from console.models.migrations import Plan, RunProgress, RunState
from console.terminal.safe_text import visible
from console.units import latency

if TYPE_CHECKING:
    from console.data.migrations.runner import MigrationRun

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def shown(run: MigrationRun, plan: Plan, *, rehearse: bool = False, err: bool = False) -> int:
    """Prints what happens until the run is over, and returns the exit code.

    The first Ctrl-C, SIGTERM or SIGHUP cancels, the second kills.
    `err`: all of it on standard error, where standard output is for another result.
    """
    teller = _Teller(plan, err)
    forget = run.on_change(lambda: teller.tell(run.progress))
    loop = asyncio.get_running_loop()
    stopping: list[asyncio.Task[None]] = []

    def stop() -> None:
        if stopping:
            run.kill()
        else:
            stopping.append(asyncio.ensure_future(run.cancel()))
            _echo("Cancelling …", err=True)

    # What `nohup` has ignored stays ignored.
    heard = [number for number in _STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
    for number in heard:
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stop)
    try:
        progress = await run.wait()
    finally:
        for number in heard:
            with suppress(NotImplementedError):
                loop.remove_signal_handler(number)
        forget()
    teller.tell(progress)
    if rehearse and progress.state is RunState.DONE:
        for timing in sorted(progress.timings, key=lambda timing: -timing.seconds):
            _echo(
                f"{latency(timing.seconds):>7}  {timing.revision}  {visible(_line(timing.text))}", err=False
            )
    if progress.state is not RunState.DONE and progress.failed_statement:
        _echo(visible(progress.failed_statement, multiline=True), err=True)
    if progress.sentence:
        _echo(visible(progress.sentence), err=err or progress.state is not RunState.DONE)
    return int(progress.state is not RunState.DONE)


class _Teller:
    """Says each thing once."""

    def __init__(self, plan: Plan, err: bool) -> None:
        self._plan = plan
        self._err = err
        self._said: set[tuple[object, ...]] = set()

    def tell(self, progress: RunProgress) -> None:
        if progress.revision is not None:
            self._once(("begin", progress.revision), f"{self._plan.direction.value} {progress.revision} …")
        for step in self._plan.steps[: progress.finished]:
            took = sum(t.seconds for t in progress.timings if t.revision == step.revision.id)
            self._once(("done", step.revision.id), f"{step.revision.id} done, {latency(took)} in the server")
        if progress.state is RunState.PAUSING and progress.sentence:
            self._once(("pause", progress.revision, progress.attempt), progress.sentence)
        for blocker in progress.blocked_by:
            self._once(("blocker", blocker.pid), f"waits for pid {blocker.pid}")

    def _once(self, key: tuple[object, ...], sentence: str) -> None:
        if key not in self._said:
            self._said.add(key)
            _echo(visible(sentence), err=self._err)


def _echo(text: str, *, err: bool) -> None:
    """Prints a line. A reader that has gone, as `head` does, is no reason to break off a migration."""
    try:
        click.echo(text, err=err)
    except OSError:
        # Nor is the flush at exit to fail for it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2 if err else 1)


def _line(text: str) -> str:
    first = " ".join(text.split())
    return first if len(first) <= 100 else f"{first[:99]}…"
