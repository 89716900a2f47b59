"""The console itself, on a terminal of the test's own."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.terminal.emulator import ALTERNATE_SCREEN, Emulator
from tests.terminal.pty_session import TIMEOUT, PtySession

PROGRAM = "from console.cli import main; main()"

ENTER, ESCAPE, TAB = "\r", "\x1b", "\t"
UP, DOWN, HOME, END = "\x1b[A", "\x1b[B", "\x1b[H", "\x1b[F"


class Console(PtySession):
    """`dbconsole` with `arguments`. Its home, and all that it may write, is below `home`."""

    def __init__(
        self,
        home: Path,
        *arguments: str,
        environment: Mapping[str, str | None] | None = None,
        program: str = PROGRAM,
        **options: Any,
    ) -> None:
        self.home = home
        super().__init__(
            [sys.executable, "-c", program, *arguments],
            environment={
                "HOME": str(home),
                "XDG_CONFIG_HOME": str(home / "config"),
                "XDG_STATE_HOME": str(home / "state"),
                "TZ": "UTC",
                **(environment or {}),
            },
            directory=home,
            **options,
        )

    @property
    def audit_file(self) -> Path:
        """Where changes are recorded."""
        return self.home / "state" / "dbconsole" / "audit.jsonl"

    def wait_seen(self, *texts: str, timeout: float = TIMEOUT) -> None:
        """Wait until the screen shows all of the texts."""
        self.wait_for(lambda screen: all(text in screen.text for text in texts), timeout)

    def wait_gone(self, *texts: str, timeout: float = TIMEOUT) -> None:
        """Wait until the screen shows none of the texts."""
        self.wait_for(lambda screen: not any(text in screen.text for text in texts), timeout)

    def wait_live(self) -> None:
        """Wait until it shows data of the server."""
        self.wait_for(is_live)

    def choose(self, words: str) -> None:
        """Filter the table down to the rows with these words; the cursor is on the first of them."""
        self.send("/")
        self.wait_for(lambda screen: "clear filter" in screen.text.splitlines()[-1])
        self.send(words)
        self.wait_seen(f"/ {words}")
        self.send(ENTER)
        self.wait_for(lambda screen: "clear filter" not in screen.text.splitlines()[-1])

    def quit(self) -> None:
        """Leave, and check that it left in order and the terminal as it was."""
        self.send("q")
        code = self.wait_exit()
        assert code == 0, f"ended with {code}:\n{self.screen.text}"
        self.assert_restored()

    def assert_restored(self) -> None:
        """The main screen, a cursor, no mouse, no paste, no focus or key protocol; nothing left of a traceback."""
        assert self.screen.private_modes == {7, 25}
        assert not self.screen.cursor.hidden
        output = bytes(self.output)
        assert output.count(b"\x1b[>25u") == output.count(b"\x1b[<u")
        assert b"Traceback" not in output


def is_live(screen: Emulator) -> bool:
    """Whether the header says that the data is live."""
    return re.search(r"every \S+ s$", screen.text.splitlines()[0]) is not None


def is_on_console(screen: Emulator) -> bool:
    """Whether the console has the screen."""
    return ALTERNATE_SCREEN in screen.private_modes


def has_focus(screen: Emulator, label: str) -> bool:
    """Whether the button with this label has the focus: it is then bold and reversed."""
    for line in screen.rows():
        at = "".join(cell.data or " " for cell in line).find(f" {label} ")
        if at >= 0 and line[at + 1].reverse and line[at + 1].bold:
            return True
    return False
