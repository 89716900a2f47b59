"""The header: where the console is, how things stand there, how old the data is and what it costs."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget

from console.clock import SYSTEM_CLOCK, Clock
from console.models.server import LinkState
from console.models.status import Status
from console.terminal.safe_text import visible
from console.units import UNKNOWN, duration

ENVIRONMENTS = {"production": "red", "staging": "yellow", "development": "green"}
"""The environments that a theme has colours for, with what these are called in the settings."""


def environment_badge(name: str, colour: str | None = None) -> Content:
    """An environment's name in its colour: the theme's for that name unless the settings say another."""
    word = name.upper() if name == "production" else name
    return Content.styled(f" {visible(word)} ", _badge_style(name, colour))


def _badge_style(name: str, colour: str | None) -> str:
    if colour is not None and colour.startswith("#"):
        red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
        # What of black and white can be read on it, by the luminance that television has always reckoned with.
        text = "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "#ffffff"
        return f"bold {text} on {colour}"
    of_themes = {word: theme for theme, word in ENVIRONMENTS.items()}
    known = of_themes.get(colour or ENVIRONMENTS.get(name, ""))
    return f"bold $environment-{known}-text on $environment-{known}" if known else "reverse"


class StatusLine(Widget):
    """One line. It counts seconds only while the data is not live: a clock that ticks costs bytes over SSH."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    StatusLine { height: 1; padding: 0 1; background: $panel; }
    """

    status: reactive[Status | None] = reactive(None, repaint=False)

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__()
        self._clock = clock
        self._ticking: Timer | None = None
        self._shown = Content("")

    def on_mount(self) -> None:
        self._ticking = self.set_interval(1.0, self._refresh_changed, pause=True)

    def watch_status(self, status: Status | None) -> None:
        if self._ticking is not None and status is not None:
            live = status.link.state is LinkState.LIVE and status.problem is None and not status.paused
            (self._ticking.pause if live else self._ticking.resume)()
        self._refresh_changed()

    def on_resize(self) -> None:
        self._refresh_changed()

    def _refresh_changed(self) -> None:
        line = self._line()
        if (line.plain, line.spans) != (self._shown.plain, self._shown.spans):
            self._shown = line
            self.refresh()

    def render(self) -> Content:
        return self._shown

    def _line(self) -> Content:
        status, width = self.status, self.content_size.width
        if status is None:
            return Content("")
        left, right = self._left(status), self._right(status)
        if left.cell_length + right.cell_length >= width:
            right = self._state(status)  # what the console costs is the first thing to do without
        left = left.truncate(max(0, width - right.cell_length - 1), ellipsis=True)
        return left + " " * max(1, width - left.cell_length - right.cell_length) + right

    def _left(self, status: Status) -> Content:
        parts = []
        if status.environment:
            parts.append(environment_badge(status.environment, status.colour))
        if status.read_only:  # before what may be long
            parts.append(Content.styled("READ-ONLY", "$warning"))
        parts.append(Content.styled(visible(status.target), "bold"))
        if (server := status.capabilities) is not None:
            what = "standby" if server.in_recovery else "primary"
            way = " behind a pooler" if server.is_pooled else ""
            parts.append(Content(f"{visible(server.version)} {what}{way}"))
        return Content("  ").join(parts)

    def _right(self, status: Status) -> Content:
        state = self._state(status)
        if status.cost is None or status.link.state is not LinkState.LIVE:
            return state
        spent = status.cost.server_ms_per_minute
        cost = f"{status.cost.connections} conn · {UNKNOWN if spent is None else f'{spent:.0f}'} ms/min · "
        return Content.styled(cost, "$text-muted") + state

    def _state(self, status: Status) -> Content:
        link = status.link
        if link.state is LinkState.CONNECTING:
            return Content.styled("connecting …", "$accent")
        age = self._age(status)
        if link.state is LinkState.REFUSED:
            return Content.styled(f"◆ refused{age} · r tries again", "$error")
        if link.state is LinkState.LOST:
            wait = max(0.0, (link.retry_at or 0.0) - self._clock.monotonic())
            soon = f"next try in {wait:.0f} s" if wait >= 0.5 else "trying …"
            return Content.styled(f"◆ no connection{age} · {soon}", "$error")
        if status.problem is not None:
            return Content.styled(f"▲ stale{age}", "$warning")
        if status.paused:
            return Content.styled(f"▌▌ paused{age}", "$warning")
        return Content(f"every {status.interval:.3g} s")

    def _age(self, status: Status) -> str:
        if status.taken_at is None:
            return ""
        return f" · data {duration((self._clock.now() - status.taken_at).total_seconds())} old"
