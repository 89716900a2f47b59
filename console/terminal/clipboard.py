"""Copy to the clipboard of the person's own terminal, through SSH and multiplexers alike (OSC 52).

The terminal does not answer, and may refuse silently: say "sent to the terminal's clipboard", not "copied".
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from console.errors import DbconsoleError

if TYPE_CHECKING:
    from textual.app import App

LIMIT = 100_000
"""Bytes of UTF-8 at most: xterm takes no more in one sequence, and drops the whole otherwise."""

_SCREEN_LIMIT = 250  # bytes; GNU screen cuts a passed-through string longer than 256


class TooLongToCopy(DbconsoleError):
    """The text is too long for the terminal's clipboard; export it to a file instead."""


def copy(app: App[Any], text: str, environment: Mapping[str, str] | None = None) -> None:
    """Send `text` to the clipboard of the terminal that `app` is shown on; nothing is kept here.

    Raises TooLongToCopy above 100 kB.
    """
    if app._driver is None or app.is_headless:
        return
    app._driver.write(sequence(text, os.environ if environment is None else environment))


def sequence(text: str, environment: Mapping[str, str]) -> str:
    """The escape sequence that copies `text`, wrapped for the multiplexer that `environment` tells of.

    tmux passes it on if `allow-passthrough` is on; `set-clipboard on` is not needed then.
    Raises TooLongToCopy above 100 kB.
    """
    data = text.encode("utf-8", "replace")
    if len(data) > LIMIT:
        raise TooLongToCopy(
            f"The text is too long for the terminal's clipboard: {len(data):,} bytes, of {LIMIT:,} at most. "
            "Export it to a file instead."
        )
    osc = f"\x1b]52;c;{base64.b64encode(data).decode()}\x07"
    if environment.get("TMUX"):
        # The bare sequence too: tmux takes it where set-clipboard is on, passthrough being off by default.
        return f"{osc}\x1bPtmux;\x1b{osc}\x1b\\"
    if environment.get("STY"):
        pieces = (osc[start : start + _SCREEN_LIMIT] for start in range(0, len(osc), _SCREEN_LIMIT))
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return osc
