"""Text on its way to the terminal's clipboard, with what is said about it."""

from __future__ import annotations

from textual.widget import Widget


def send_to_clipboard(widget: Widget, text: str) -> None:
    """Hands text to the terminal, which may or may not put it into its clipboard."""
    from console.terminal.clipboard import TooLongToCopy, copy

    try:
        copy(widget.app, text)
    except TooLongToCopy as problem:
        widget.notify(problem.sentence, markup=False, severity="warning")
    else:
        widget.notify("Sent to the terminal's clipboard.", markup=False, timeout=3)
