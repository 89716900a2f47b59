"""Text on its way to the terminal's clipboard, with what is said about it."""

from __future__ import annotations

from textual.widget import Widget


def send_to_clipboard(widget: Widget, text: str, what: str = "") -> None:
    """Hands text to the terminal, which may or may not put it into its clipboard; `what` says what it is: "the plan"."""
    from console.terminal.clipboard import TooLongToCopy, copy

    try:
        copy(widget.app, text)
    except TooLongToCopy as problem:
        widget.notify(problem.sentence, markup=False, severity="warning")
    else:
        sent = f"Sent {what}" if what else "Sent"
        widget.notify(f"{sent} to the terminal's clipboard.", markup=False, timeout=3)
