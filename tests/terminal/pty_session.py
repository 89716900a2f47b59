"""Run a program on a terminal of our own, and watch what a person would see.

    with PtySession(["dbconsole", "--help"], columns=80, lines=24) as session:
        session.wait_for(lambda screen: "Usage" in screen.text)
        session.send("q")
        assert session.wait_exit() == 0

The terminal answers no query unless told to (`answers=True`). Leaving the block kills the program and
everything that it started in its session's process group.
"""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.terminal.emulator import Emulator

TIMEOUT = 20.0
_ROOT = Path(__file__).parents[2]
_ANSWERS = {
    b"\x1b[?2026$p": b"\x1b[?2026;2$y",  # synchronized output: known, not in use
    b"\x1b[?2048$p": b"\x1b[?2048;0$y",  # in-band resize: unknown
    b"\x1b[c": b"\x1b[?62;22c",
    b"\x1b[6n": b"\x1b[1;1R",
}


class PtySession:
    """A program, the pseudo-terminal that it runs on, and the screen that it painted.

    `environment` comes on top of a small clean one: PATH, HOME, a UTF-8 locale, TERM=xterm-256color; a value
    of `None` removes a variable. `redirect` maps 0, 1 or 2 to an open file that replaces the terminal there.
    Times are in seconds.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 120,
        lines: int = 40,
        environment: Mapping[str, str | None] | None = None,
        answers: bool = False,
        directory: Path | None = None,
        redirect: Mapping[int, int] | None = None,
    ) -> None:
        self.command = list(command)
        self.screen = Emulator(columns, lines)
        self.output = bytearray()
        """Everything that the program wrote to the terminal."""
        self._answers = answers
        self._directory = directory
        self._redirect = dict(redirect or {})
        variables: dict[str, str | None] = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": os.environ.get("HOME", "/"),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "PYTHONPATH": str(_ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            **(environment or {}),
        }
        self._environment = {name: value for name, value in variables.items() if value is not None}
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def __enter__(self) -> Self:
        self._master, self._terminal = pty.openpty()
        self._set_size()
        self._process = subprocess.Popen(
            self.command,
            stdin=self._redirect.get(0, self._terminal),
            stdout=self._redirect.get(1, self._terminal),
            stderr=self._redirect.get(2, self._terminal),
            env=self._environment,
            cwd=self._directory,
            start_new_session=True,
            preexec_fn=self._take_terminal,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self.hang_up()
        os.close(self._terminal)

    @property
    def pid(self) -> int:
        """The program's process id."""
        return self._process.pid

    def send(self, keys: str) -> None:
        """Type `keys`."""
        os.write(self._master, keys.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Change the size of the terminal; the program gets SIGWINCH."""
        self.screen.resize(lines, columns)
        self._set_size()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program."""
        self._process.send_signal(number)

    def hang_up(self) -> None:
        """Take the terminal away, as a dropped SSH session does; nothing can be read or sent any more."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def wait_for(self, condition: Callable[[Emulator], bool], timeout: float = TIMEOUT) -> None:
        """Read output until the screen meets `condition`; raise AssertionError, with the screen, if it never does."""
        deadline = time.monotonic() + timeout
        while not condition(self.screen):
            remaining = deadline - time.monotonic()
            ended = self._process.poll() is not None
            assert remaining > 0, f"not seen in {timeout} s:\n{self.screen.text}"
            if not self._read(0.0 if ended else min(remaining, 0.5)) and ended and not condition(self.screen):
                raise AssertionError(f"ended with {self._process.returncode}:\n{self.screen.text}")

    def read_for(self, seconds: float) -> int:
        """Read output for so long; bytes received. For measuring, not for waiting."""
        before, deadline = len(self.output), time.monotonic() + seconds
        while (remaining := deadline - time.monotonic()) > 0:
            self._read(remaining)
        return len(self.output) - before

    def wait_stopped(self, timeout: float = TIMEOUT) -> None:
        """Read output until the program is stopped by a signal."""
        deadline = time.monotonic() + timeout
        state = Path(f"/proc/{self.pid}/stat")
        while state.read_text().rpartition(")")[2].split()[0] != "T":
            assert time.monotonic() < deadline, "not stopped"
            self._read(0.02)
        self._drain()

    def wait_unread(self, condition: Callable[[], bool], timeout: float = TIMEOUT) -> None:
        """Read nothing, like a connection that has stalled, until `condition` holds."""
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, f"not so within {timeout} s"
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.02)

    @property
    def is_full(self) -> bool:
        """Whether the terminal holds all the output that it can until some is read."""
        return not select.select([], [self._terminal], [], 0)[1]

    def wait_exit(self, timeout: float = TIMEOUT, *, reading: bool = True) -> int:
        """Read output until the program ends; its exit status, negative for a signal.

        With `reading=False` the terminal takes nothing meanwhile, like one whose connection has stalled.
        """
        deadline = time.monotonic() + timeout
        while self._process.poll() is None:
            assert time.monotonic() < deadline, f"still running after {timeout} s:\n{self.screen.text}"
            if reading and self._master >= 0:
                self._read(0.02)
            else:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(0.02)
        self._drain()
        return self._process.returncode

    def settings(self) -> list[Any]:
        """The terminal's settings (`termios.tcgetattr`): echo, line editing and the rest."""
        return termios.tcgetattr(self._terminal)

    def _drain(self) -> None:
        while self._master >= 0 and self._read(0.0):
            pass

    def _read(self, timeout: float) -> int:
        """Take what the program wrote, waiting at most `timeout` for it; bytes taken."""
        if not select.select([self._master], [], [], timeout)[0]:
            return 0
        data = os.read(self._master, 65536)
        self.output += data
        if self._answers:
            for query, answer in _ANSWERS.items():
                if query in data:
                    os.write(self._master, answer)
        self.screen.show(self._decode(data))
        return len(data)

    def _set_size(self) -> None:
        size = struct.pack("HHHH", self.screen.lines, self.screen.columns, 0, 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def _take_terminal(self) -> None:
        fcntl.ioctl(self._terminal, termios.TIOCSCTTY, 0)
