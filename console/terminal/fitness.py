"""Can this terminal show the console? Asked before Textual is imported, so that the answer comes at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TextIO

from console.errors import TerminalUnfit

_HEADLESS = "`dbconsole pools --json` and `dbconsole activity --json` print the same without one."


def check_terminal(
    environment: Mapping[str, str] | None = None,
    stdin: TextIO | None = None,
    stdout: TextIO | None = None,
) -> None:
    """Return if keys can be read from `stdin` and the screen be painted on `stdout`.

    The defaults are the process's own. Raises TerminalUnfit with the reason and what to use instead. Standard
    error may go anywhere: the console never paints there (`console.terminal.driver`).
    """
    environment = os.environ if environment is None else environment
    for stream, name in ((stdin or sys.__stdin__, "input"), (stdout or sys.__stdout__, "output")):
        if not _is_terminal(stream):
            raise TerminalUnfit(f"The console needs a terminal, and standard {name} is none. {_HEADLESS}")
    kind = environment.get("TERM", "")
    if not kind:
        raise TerminalUnfit(f"TERM is not set, so the terminal's abilities are not known. {_HEADLESS}")
    if kind == "dumb":
        raise TerminalUnfit(f"TERM=dumb is a terminal that cannot be painted on. {_HEADLESS}")


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False
