"""The line between frame and screen: a rule, on which alerts stand when there is something to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from console.models.health import Alert, Severity
from console.terminal.safe_text import visible

_GLYPH = {Severity.CRITICAL: "◆", Severity.WARNING: "▲"}
_COLOUR = {Severity.CRITICAL: "$error", Severity.WARNING: "$warning"}


class AlertStrip(Widget):
    """Alerts in their order; those that do not fit are counted. It takes the focus only while there are any."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    AlertStrip { height: 1; padding: 0 1; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "choose(-1)", "previous alert"),
        Binding("right", "choose(1)", "next alert"),
        Binding("enter", "follow", "explain"),
    ]

    alerts: reactive[tuple[Alert, ...]] = reactive(())
    chosen: reactive[int] = reactive(0)

    @dataclass
    class Followed(Message):
        """A person wants to see what an alert is about."""

        alert: Alert

    def watch_alerts(self, alerts: tuple[Alert, ...]) -> None:
        self.can_focus = bool(alerts)
        if not alerts and self.has_focus:
            self.screen.focus_next()
        self.chosen = min(self.chosen, max(0, len(alerts) - 1))

    def action_choose(self, by: int) -> None:
        """Go to the next or the previous alert."""
        if self.alerts:
            self.chosen = (self.chosen + by) % len(self.alerts)

    def action_follow(self) -> None:
        """Go to the screen that explains the alert."""
        if self.alerts:
            self.post_message(self.Followed(self.alerts[self.chosen]))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        for start, end, alert, _piece in self._placed():
            if offset is not None and start <= offset.x < end:
                self.post_message(self.Followed(alert))

    def render(self) -> Content:
        width = self.content_size.width
        line, placed = Content(""), self._placed()
        for start, _end, _alert, piece in placed:
            line += Content("─" * (start - line.cell_length - 1) + " ") + piece + " "
        if left_out := len(self.alerts) - len(placed):
            line += f"── +{left_out} "
        return line.truncate(width, ellipsis=True) + "─" * max(0, width - line.cell_length)

    def _placed(self) -> list[tuple[int, int, Alert, Content]]:
        """Those that fit: the columns from and up to where each stands, and how it looks.

        How bad each is, is said in a word where there is room for that; the first stands there whether or not it fits.
        """
        with_words = self._side_by_side(with_words=True)
        return with_words if len(with_words) == len(self.alerts) else self._side_by_side(with_words=False)

    def _side_by_side(self, *, with_words: bool) -> list[tuple[int, int, Alert, Content]]:
        width = self.content_size.width
        placed: list[tuple[int, int, Alert, Content]] = []
        x = 3
        for index, alert in enumerate(self.alerts):
            chosen = self.has_focus and index == self.chosen
            style = f"bold {_COLOUR[alert.severity]}" + (" reverse" if chosen else "")
            word = f" ({alert.severity.value})" if with_words else ""
            piece = Content.styled(f"{_GLYPH[alert.severity]} {visible(alert.text)}{word}", style)
            end = x + piece.cell_length
            others = 6 if index < len(self.alerts) - 1 else 0
            if placed and end + 1 + others > width:
                break
            placed.append((x, end, alert, piece))
            x = end + 4
        return placed
