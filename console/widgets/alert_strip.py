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
    """Alerts, the worst first; those that do not fit are counted. It takes the focus only while there are any."""

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
        end = 4
        for alert in self.alerts:
            end += len(alert.text) + 6
            if event.x < end:
                self.post_message(self.Followed(alert))
                return

    def render(self) -> Content:
        width = self.content_size.width
        line = Content("")
        for index, alert in enumerate(self.alerts):
            left_out = len(self.alerts) - index
            piece = self._piece(alert, self.has_focus and index == self.chosen)
            needed = line.cell_length + piece.cell_length + 3 + (5 if left_out > 1 else 0)
            if needed > width and index:
                line += f"── +{left_out} "
                break
            line += Content("── ") + piece + " "
        return line.truncate(width, ellipsis=True) + "─" * max(0, width - line.cell_length)

    @staticmethod
    def _piece(alert: Alert, chosen: bool) -> Content:
        style = f"bold {_COLOUR[alert.severity]}" + (" reverse" if chosen else "")
        return Content.styled(
            f"{_GLYPH[alert.severity]} {visible(alert.text)} ({alert.severity.value})", style
        )
