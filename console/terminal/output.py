"""The way out to the terminal: writes that never raise, and that can be told to stop waiting."""

from __future__ import annotations

import contextlib
import os
import select
import time
import weakref
from collections.abc import Callable

_POLL = 0.25  # seconds between two looks at whether waiting still makes sense


class TerminalOutput:
    """What Textual's writer thread writes to: the terminal on the file descriptor `fileno`.

    It opens the terminal anew where it may, so that writing can give up while the terminal takes nothing
    (a connection that stalls) without changing the descriptor that the shell shares. Once the terminal is
    gone, `on_gone` is called, once and in the writer's thread, and output is dropped from then on.
    """

    def __init__(self, fileno: int, on_gone: Callable[[], None]) -> None:
        self._inherited = fileno
        self._on_gone = on_gone
        self._gone = False
        self._give_up_at: float | None = None
        self._pending: list[str] = []
        self._waiting: Callable[[], None] | None = None
        self._own: int | None = None
        with contextlib.suppress(OSError):  # after `su`, the terminal is another user's: share the descriptor
            flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK
            self._own = os.open(os.ttyname(fileno), flags)
            weakref.finalize(self, os.close, self._own)

    def fileno(self) -> int:
        """The descriptor that is written to."""
        return self._inherited if self._own is None else self._own

    def write(self, text: str) -> None:
        """Take `text`; it leaves with the next `flush`."""
        if not self._gone:
            self._pending.append(text)

    def flush(self) -> None:
        """Send what was written, waiting as long as the terminal needs and `hurry` allows."""
        data = memoryview("".join(self._pending).encode("utf-8", "replace"))
        self._pending.clear()
        try:
            while data and not self._gone:
                data = data[self._send(data) :]
        except OSError:
            if not self._gone:
                self._gone = True
                self._on_gone()
        self.catch_up()

    def when_flushed(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, in the writer's thread, when what is on its way has left."""
        self._waiting = callback

    def catch_up(self) -> None:
        """Make the call that `when_flushed` asked for, if it was not made yet."""
        callback, self._waiting = self._waiting, None
        if callback is not None:
            callback()

    def hurry(self, seconds: float | None) -> None:
        """Wait for a terminal that takes nothing at most so long from now; `None` for as long as it needs."""
        self._give_up_at = None if seconds is None else time.monotonic() + seconds

    def _send(self, data: memoryview) -> int:
        """Bytes sent, 0 when none could be for a moment. Raises OSError when the terminal is gone or given up."""
        if not select.select([], [self], [], _POLL)[1]:
            if self._give_up_at is not None and time.monotonic() > self._give_up_at:
                raise TimeoutError
            return 0
        try:
            return os.write(self.fileno(), data)
        except BlockingIOError:
            return 0
