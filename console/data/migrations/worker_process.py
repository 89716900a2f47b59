"""The process that runs migrations: how it is started, heard and stopped."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import console
from console.data.migrations.worker.protocol import (
    CANCEL,
    Event,
    Failed,
    Finished,
    Request,
    read_event,
    request_line,
)
from console.errors import DbconsoleError, MigrationFailed

KILL_AFTER = 5.0
"""Seconds after which a run that was cancelled and does not stop is killed."""
_LONGEST_LINE = 256 << 20
"""Bytes: a revision may insert a lot in one statement."""


class Worker:
    """A worker that has its request."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.last_words = ""
        self._hearing = asyncio.create_task(self._hear(), name="migration's messages")

    async def events(self) -> AsyncIterator[Event]:
        """Its events; the last one is always `Finished` or `Failed`."""
        assert self.process.stdout is not None, "made with pipes"
        async for line in self.process.stdout:
            if not line.endswith(b"\n"):
                break  # it was killed in the middle of a word
            event = read_event(line)
            yield event
            if isinstance(event, Finished | Failed):
                return
        code = await self.process.wait()
        said = f": {self.last_words.strip().rstrip('.')}" if self.last_words else ""
        sentence = f"The process that runs the migrations ended ({_ending(code)}){said}. What was not committed is rolled back."
        yield Failed(MigrationFailed.__name__, sentence)

    def cancel(self) -> None:
        """Says that nothing more shall happen."""
        stdin = self.process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(CANCEL)

    def kill(self) -> None:
        """Ends it at once; the server rolls back when it finds the connection closed."""
        with suppress(ProcessLookupError):
            self.process.kill()

    async def close(self) -> None:
        """Returns when it is gone. Without its standard input it stops what it does; if not, it is killed."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            async with asyncio.timeout(KILL_AFTER):
                await self.process.wait()
        except TimeoutError:
            self.kill()
            await self.process.wait()
        finally:
            if self.process.returncode is None:
                self.kill()
            self._hearing.cancel()

    async def _hear(self) -> None:
        """Takes what the project's code prints, so that it never waits, and keeps the last line of it."""
        assert self.process.stderr is not None, "made with pipes"
        while text := await self.process.stderr.read(1 << 16):
            lines = (self.last_words + text.decode(errors="replace")).split("\n")
            self.last_words = next((line for line in reversed(lines) if line.strip()), "")[-500:]


@asynccontextmanager
async def begun_worker(request: Request) -> AsyncIterator[Worker]:
    """A worker with that to do, gone at the end of the block. Raises `DbconsoleError` where none can be started."""
    line = request_line(request)
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"{console.__name__}.data.migrations.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE,
            # The folder that has the package: whatever lies in the working directory is not imported instead.
            cwd=Path(console.__file__).parent.parent,
            # Ctrl-C in the terminal is the console's to understand.
            start_new_session=True,
        )
    except OSError as error:
        raise DbconsoleError(
            f"The process that runs migrations cannot be started: {error.strerror}."
        ) from error
    worker = Worker(process)
    try:
        assert process.stdin is not None, "made with pipes"
        with suppress(ConnectionError):  # it says itself why it ended
            process.stdin.write(line)
            await process.stdin.drain()
        yield worker
    finally:
        await worker.close()


def _ending(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
