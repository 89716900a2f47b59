"""Events on their way to the console."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from console.data.migrations.worker.protocol import Event, StatementBegan, StatementDone, event_line
from console.errors import MigrationFailed

_LONGEST = 20_000
"""Characters of a statement that anybody would look at: a revision may insert megabytes in one."""


class Events:
    """Writes events down a pipe, whole and at once. Is the `Report` of an engine."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.is_cancelled = False
        """Whether no statement may begin any more."""

    def send(self, event: Event) -> None:
        """Returns when the pipe has taken it; where the console is gone, nobody hears it."""
        rest = memoryview(event_line(event))
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except BrokenPipeError:
            return

    @contextmanager
    def statement(self, text: str) -> Iterator[None]:
        """Tells of a statement when it begins, and how long it took when it is done.

        Raises `MigrationFailed` instead of beginning one where the run was cancelled.
        """
        if self.is_cancelled:
            raise MigrationFailed("Cancelled.", statement=text)
        self.send(StatementBegan(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"))
        began = time.perf_counter()
        yield
        self.send(StatementDone(time.perf_counter() - began))
