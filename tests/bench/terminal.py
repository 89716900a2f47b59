"""A program on a pseudo-terminal whose every output is timed on arrival.

The tests' `PtySession` reads when it is asked to; here a thread reads all the time, stamps each piece before
anything is done with it and answers what the program asks of its terminal at once, as a real one would. Drawing
into the emulator happens later, in the measuring thread, and so costs no time that is measured.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import queue
import re
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import psutil

from tests.terminal.emulator import Emulator

COLUMNS, LINES = 120, 40
_LONGEST_WAIT = 30.0
_LAST_WAIT = 5.0

_QUERY = re.compile(rb"\x1b\[6n|\x1b\[c|\x1b\[>q|\x1b\[\?(\d+)\$p|\x1bP\+q([0-9a-fA-F;]+)\x1b\\")
_UNFINISHED = re.compile(rb"\x1b[^\x1b]{0,80}\x1b?\Z")
_SYNCHRONIZED_OUTPUT = b"2026"
_BEGIN_FRAME, _END_FRAME = b"\x1b[?2026h", b"\x1b[?2026l"


def _answer(query: re.Match[bytes]) -> bytes:
    """What a present-day xterm-like terminal says to a query: it knows synchronized output, and not much more."""
    mode, capability = query.groups()
    if mode is not None:
        return b"\x1b[?%s;%d$y" % (mode, 2 if mode == _SYNCHRONIZED_OUTPUT else 0)
    if capability is not None:
        known = {b"544e": b"xterm-256color", b"524742": b"8", b"436f": b"256"}.get(capability.lower())
        return (
            b"\x1bP0+r\x1b\\"
            if known is None
            else b"\x1bP1+r%s=%s\x1b\\" % (capability, known.hex().encode())
        )
    return {b"\x1b[6n": b"\x1b[1;1R", b"\x1b[c": b"\x1b[?62;22c", b"\x1b[>q": b"\x1bP>|xterm(390)\x1b\\"}[
        query[0]
    ]


@dataclass(frozen=True, slots=True)
class Piece:
    """What one read of the terminal gave, and when (`time.perf_counter`, seconds)."""

    at: float
    data: bytes


class TimedTerminal:
    """A program on a terminal of 120×40; it starts when the block is entered and is killed when it is left.

    With `answers=False` the terminal never answers a query. Times are in seconds.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], *, answers: bool = True
    ) -> None:
        self.screen = Emulator(COLUMNS, LINES)
        self.started_at = 0.0
        self.received = 0
        """Bytes that the program has written."""
        self.frames: list[int] = []
        """Of each synchronized output, which is what a terminal shows at once, its bytes."""
        self._command = list(command)
        self._environment = dict(environment)
        self._answers = answers
        self._pieces: queue.SimpleQueue[Piece] = queue.SimpleQueue()
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def __enter__(self) -> Self:
        self._master, terminal = pty.openpty()
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self._stop, self._stopped = os.pipe()
        self._reader = threading.Thread(target=self._read, name="terminal")
        self._reader.start()
        self.started_at = time.perf_counter()
        self._process = subprocess.Popen(
            self._command,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=self._environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(terminal, termios.TIOCSCTTY, 0),
        )
        os.close(terminal)
        self.process = psutil.Process(self._process.pid)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._stopped)
        self._reader.join()
        os.close(self._stop)
        # A terminal that goes away ends a program; one that ignores it is killed.
        os.close(self._master)
        try:
            self._process.wait(_LAST_WAIT)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, 9)
            self._process.wait()

    def send(self, keys: str) -> float:
        """Type `keys`; when that was."""
        at = time.perf_counter()
        os.write(self._master, keys.encode())
        return at

    def seen(self, condition: Callable[[Emulator], bool], timeout: float = _LONGEST_WAIT) -> float | None:
        """When the output arrived that made the screen meet `condition`; None when it never did."""
        deadline = time.perf_counter() + timeout
        while (remaining := deadline - time.perf_counter()) > 0:
            try:
                piece = self._pieces.get(timeout=remaining)
            except queue.Empty:
                break
            self.screen.show(self._decode(piece.data))
            if condition(self.screen):
                return piece.at
        return None

    def last_change(
        self,
        of: Callable[[Emulator], object],
        until: Callable[[Emulator], bool],
        timeout: float = _LONGEST_WAIT,
    ) -> float | None:
        """When the output arrived that last changed a part of the screen before `until` held; None when it never did."""
        deadline = time.perf_counter() + timeout
        before, changed = of(self.screen), None
        while (remaining := deadline - time.perf_counter()) > 0:
            try:
                piece = self._pieces.get(timeout=remaining)
            except queue.Empty:
                break
            self.screen.show(self._decode(piece.data))
            if (now := of(self.screen)) != before:
                before, changed = now, piece.at
            if changed is not None and until(self.screen):
                return changed
        return None

    def settle(self, quiet: float = 0.05) -> None:
        """Take all output up to now, until there was none for so long."""
        with suppress(queue.Empty):
            while True:
                self.screen.show(self._decode(self._pieces.get(timeout=quiet).data))

    def watch(self, seconds: float) -> None:
        """Let the program run for so long, taking its output."""
        self.seen(lambda _: False, seconds)

    def _read(self) -> None:
        asked = frame = b""
        while True:
            ready, _, _ = select.select([self._master, self._stop], [], [])
            if self._stop in ready:
                return
            try:
                data = os.read(self._master, 65536)
            except OSError:
                # Nobody holds the other end: the program has not begun, or has ended.
                if select.select([self._stop], [], [], 0.001)[0]:
                    return
                continue
            at = time.perf_counter()
            self.received += len(data)
            *whole, frame = (frame + data).split(_END_FRAME)
            self.frames += [len(one) - one.rfind(_BEGIN_FRAME) + len(_END_FRAME) for one in whole]
            if self._answers:
                asked += data
                end = 0
                for query in _QUERY.finditer(asked):
                    os.write(self._master, _answer(query))
                    end = query.end()
                unfinished = _UNFINISHED.search(asked, end)
                asked = unfinished[0] if unfinished else b""
            self._pieces.put(Piece(at, data))


def precise_threads() -> None:
    """Let the reading thread in at once when output arrives: the interpreter's usual turn is 5 ms."""
    sys.setswitchinterval(0.0002)
