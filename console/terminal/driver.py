"""The terminal driver: Textual's own for Linux and macOS, made fit for SSH sessions that drop.

What differs from `LinuxDriver`, each with its reason:

- The screen goes to standard output, not to standard error: `dbconsole 2>log` keeps the console visible.
- Clicks, drags and the wheel are reported, mere moves of the mouse are not (mode 1002, not 1003): over SSH
  every move would send bytes and wake the console.
- The input thread sleeps until there is input, where Textual's wakes ten times a second.
- While the terminal has yet to take several frames, no more are painted: keys work on a link that stalls, and
  what it shows when it goes on is the newest state, not the frames in between.
- SIGTERM, SIGHUP and SIGINT end the app through its own shutdown, with 128 + the signal as its return code.
- A terminal that is gone (EIO, end of file) ends the app the same way, as SIGHUP would, without a traceback.
- The alternate screen is not left where another app takes it over (`hands_over`): the shell does not flash up.
- SIGCONT without a SIGTSTP before it (`kill -STOP`) does not start a second set of threads.

Nothing waits for an answer of the terminal: what Textual asks of it at the start is used if it ever comes.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import signal
import sys
import weakref
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING, Any

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from console.terminal.output import TerminalOutput

if TYPE_CHECKING:
    from textual.app import App

_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_LEAVE_ALTERNATE_SCREEN = "\x1b[?1049l"
_LAST_WORDS = 1.0  # seconds for a stalled terminal to take what restores it, when the app must end
_FRAMES_BEHIND = 3  # frames on their way at most; Textual would block the app at thirty
_ESCAPE_POLL = 0.02  # seconds between looks at whether a lone ESC was the Escape key


class _PollableEvent(Event):
    """An event that `poll` can wait for together with the terminal."""

    def __init__(self) -> None:
        super().__init__()
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            weakref.finalize(self, os.close, end)  # one console after the other has such an event

    def fileno(self) -> int:
        return self._reader

    def set(self) -> None:
        if not self.is_set():
            super().set()
            os.write(self._writer, b"\x00")

    def clear(self) -> None:
        if self.is_set():
            os.read(self._reader, 1)
            super().clear()


class ConsoleDriver(LinuxDriver):
    """Pass it to the app: `App(driver_class=ConsoleDriver)`."""

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        assert sys.__stdout__ is not None  # check_terminal was asked before
        sys.__stdout__.flush()
        self._output = TerminalOutput(sys.__stdout__.fileno(), self._terminal_gone)
        self._file = self._output  # type: ignore[assignment]  # all of it that the writer thread uses
        self.exit_event = self._input_ends = _PollableEvent()
        self.hands_over = False
        """Whether the alternate screen is to stay, for the app that comes next."""
        self._in_application_mode = False
        self._ending = False
        self._is_told_to_end = False
        self._handlers_before: dict[int, Any] = {}

    def _get_terminal_size(self) -> tuple[int, int]:
        """Columns and lines of the terminal that is painted on, whatever COLUMNS and LINES say."""
        try:
            size = os.get_terminal_size(self._output.fileno())
        except OSError:
            return super()._get_terminal_size()
        return (size.columns or 80, size.lines or 24)

    def start_application_mode(self) -> None:
        for number in _ENDING_SIGNALS:
            self._handlers_before[number] = signal.signal(number, self._end)
        self._output.hurry(None)
        self._ending = False
        self._in_application_mode = True
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def stop_application_mode(self) -> None:
        """Restore the terminal; one that has stalled gets a moment for that, not the rest of the day."""
        self._output.hurry(_LAST_WORDS)
        super().stop_application_mode()
        self._in_application_mode = False

    def write(self, data: str) -> None:
        """Send it to the terminal."""
        if not (self.hands_over and data == _LEAVE_ALTERNATE_SCREEN):
            super().write(data)

    def _sigcont_application(self, *_: object) -> None:
        if self._is_told_to_end:
            return  # a terminal that is closed continues what ran on it; a thread that begins now may never start
        if self._auto_restart and self._in_application_mode:  # stopped from outside, unprepared
            self.suspend_application_mode()
        super()._sigcont_application()

    def _enable_mouse_support(self) -> None:
        if self._mouse:
            self.write("\x1b[?1000h\x1b[?1002h\x1b[?1006h")

    def _disable_mouse_support(self) -> None:
        if self._mouse:
            self.write("\x1b[?1000l\x1b[?1002l\x1b[?1006l")

    def close(self) -> None:
        """Send what is left, give the signals back, and forget what was typed."""
        self._ending = True
        super().close()
        # Its cache keeps every parser with the last key, and by that the app with all that it knew.
        XTermParser._parse_extended_key.cache_clear()
        while self._handlers_before:
            signal.signal(*self._handlers_before.popitem())

    def postpones(self, paint: Callable[[], object]) -> bool:
        """Whether the terminal is several frames behind; if so, `paint` is called when it has caught up."""
        if not self._is_behind():
            return False

        def soon() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the app has ended
                self._loop.call_soon_threadsafe(paint)

        self._output.when_flushed(soon)
        if not self._is_behind():  # caught up just now, perhaps before it was asked to call
            self._output.catch_up()
        return True

    def _is_behind(self) -> bool:
        return self._writer_thread is not None and self._writer_thread._queue.qsize() >= _FRAMES_BEHIND

    def _end(self, number: int, _frame: object = None) -> None:
        """Shut the app down on a signal. Runs in the main thread, between any two of its steps."""
        self._output.hurry(_LAST_WORDS)  # else an event loop that waits for a stalled terminal never hears
        self._exit(128 + number)

    def _terminal_gone(self) -> None:
        """Shut the app down because nobody can see it any more. Runs in the writer or input thread."""
        self._exit(128 + signal.SIGHUP)

    def _exit(self, return_code: int) -> None:
        if self._ending:
            return  # the first reason counts, not what follows from it
        self._ending = self._is_told_to_end = True
        self.hands_over = False
        with contextlib.suppress(RuntimeError):  # the loop is closed: the app has ended already
            self._loop.call_soon_threadsafe(self._app.exit, None, return_code)

    def run_input_thread(self) -> None:
        """Turn what is typed into events until told to stop."""
        parser = XTermParser(self._debug)
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        while not self.exit_event.is_set():
            waiting = parser._timeout_time is not None  # for what may follow an ESC
            ready, _, _ = select.select(
                [self.fileno, self._input_ends], [], [], _ESCAPE_POLL if waiting else None
            )
            if self.fileno in ready:
                try:
                    data = os.read(self.fileno, 4096)
                except OSError:
                    data = b""
                if not data:
                    self._terminal_gone()
                    return
                for message in parser.feed(decode(data)):
                    self.process_message(message)
            for message in parser.tick():
                self.process_message(message)
