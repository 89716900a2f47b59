"""The two programs that are measured: the console, and its peer pg_activity."""

from __future__ import annotations

import re
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.terminal.emulator import Emulator

REFRESH = 2
"""Seconds between two samples."""
DOWN, UP = "\x1b[B", "\x1b[A"
_BODY = range(4, 39)
_INSIDE = 4  # a column that every row of both tables fills


@dataclass(frozen=True, slots=True)
class Contestant:
    """A program: its name, the role that it connects as, its options, and the keys that visit all its screens."""

    name: str
    role: str
    program: str
    options: tuple[str, ...]
    tour: tuple[str, ...]

    def command(self, url: str, *more: str) -> list[str]:
        """The command line."""
        return [str(_scripts() / self.program), *self.options, *more, url]


CONSOLE = Contestant(
    "dbconsole",
    "bench_console",
    "dbconsole",
    ("--refresh", str(REFRESH)),
    # Views, the detail, filter, help, the other screens.
    ("a", "w", "b", "b", "\r", "\r", "/", "\x1b", "?", "\x1b", "1", "3", "w", "w", "4", "2"),
)
ON_ACTIVITY = ("--screen", "activity")
PEER = Contestant(
    "pg_activity", "bench_peer", "pg_activity", ("--refresh", str(REFRESH)), ("2", "3", "1", "h", "q")
)


def environment(home: Path) -> dict[str, str]:
    """A person's terminal with nothing configured. Bytecode may be written, as at a person's first start."""
    return {
        "PATH": f"{_scripts()}:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
    }


def console_is_painted(screen: Emulator) -> bool:
    """The console's first frame: its tabs and, on the last line, its keys."""
    lines = screen.text.splitlines()
    return len(lines) > 2 and "1 Pools" in lines[1] and "quit" in lines[-1]


def activity_is_open(screen: Emulator) -> bool:
    """The key that opens the Activity screen has been answered."""
    return "terminate" in screen.text.splitlines()[-1]


def shows_session(pid: int) -> Callable[[Emulator], bool]:
    """A line of either program's table begins with the pid."""
    row = re.compile(rf"^\W*{pid}\b", re.MULTILINE)
    return lambda screen: row.search(screen.text) is not None


def highlights(screen: Emulator) -> Sequence[tuple[str, bool]]:
    """What tells the row under the cursor from the others, line by line."""
    cells = [screen.buffer[y][_INSIDE] for y in _BODY]
    return [(cell.bg, cell.reverse) for cell in cells]


def _scripts() -> Path:
    return Path(sysconfig.get_path("scripts", vars={"base": sys.prefix}))
