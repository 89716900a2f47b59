"""Where things are: the screens with their keys, the one that is shown marked."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.style import Style
from textual.widget import Widget


class TabLine(Widget):
    """One line; a click goes there."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    TabLine { height: 1; padding: 0 1; }
    """

    def __init__(self, tabs: Sequence[tuple[str, str, str]], shown: str) -> None:
        """`tabs` are (key, mode, title); `shown` is the mode of this screen."""
        super().__init__()
        self.auto_links = False
        self._tabs = tabs
        self._shown = shown

    def render(self) -> Content:
        width = self.content_size.width
        for gap, short in ((2, False), (2, True), (0, True)):
            tabs = [
                self._tab(key, mode, title.split()[0] if short else title) for key, mode, title in self._tabs
            ]
            line = Content(" " * gap).join(tabs)
            if line.cell_length <= width:
                break
        return line

    def _tab(self, key: str, mode: str, title: str) -> Content:
        if mode == self._shown:
            return Content.styled(f" {key} {title} ", "bold reverse")
        return Content.styled(f" {key} {title} ", Style.from_meta({"@click": f"app.switch_mode({mode!r})"}))
