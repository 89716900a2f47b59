"""The footer: one line with the keys that work here now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget

GAP = 2


class KeyHint(NamedTuple):
    """A key and what it does here."""

    key: str
    display: str
    description: str
    enabled: bool

    @property
    def width(self) -> int:
        """Terminal cells of the hint."""
        return Content(f"{self.display} {self.description}").cell_length


class KeyLine(Widget):
    """Shows the active bindings that fit, those of the focused widget first; a click presses the key.

    One widget without children: a stock footer mounts one for each key, and again each time that one changes.
    """

    ALLOW_SELECT = False

    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-line--key", "key-line--disabled"}

    DEFAULT_CSS = """
    KeyLine {
        dock: bottom;
        height: 1;
        padding: 0 1;
        color: $footer-description-foreground;
        background: $footer-background;
        .key-line--key { color: $footer-key-foreground; text-style: bold; }
        .key-line--disabled { text-style: dim; }
    }
    """

    def __init__(
        self, *, right: Sequence[str] = ("help", "quit"), id: str | None = None, classes: str | None = None
    ) -> None:
        """`right` names the actions whose keys stand at the right end, whatever else fits."""
        super().__init__(id=id, classes=classes)
        # No underlining: here everything can be clicked.
        self.auto_links = False
        self._right = tuple(right)
        self._hints: tuple[list[KeyHint], list[KeyHint]] = ([], [])

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_updated)
        self._bindings_updated(self.screen)

    def on_resize(self, event: events.Resize) -> None:
        self.refresh()

    def _bindings_updated(self, screen: Screen[object]) -> None:
        hints = self._active_hints(screen)
        if hints != self._hints:
            self._hints = hints
            self.refresh()

    def _active_hints(self, screen: Screen[object]) -> tuple[list[KeyHint], list[KeyHint]]:
        left: list[KeyHint] = []
        right: dict[str, KeyHint] = {}
        actions: set[str] = set()
        for _node, binding, enabled, _tooltip in screen.active_bindings.values():
            if not binding.show or binding.action in actions:
                continue
            # An action may have several keys: the first one stands for all.
            actions.add(binding.action)
            hint = KeyHint(binding.key, self.app.get_key_display(binding), binding.description, enabled)
            name = binding.action.rpartition(".")[2].partition("(")[0]
            if name in self._right:
                right.setdefault(name, hint)
            else:
                left.append(hint)
        return left, [right[name] for name in self._right if name in right]

    def render(self) -> Content:
        left, right = self._hints
        width = self.content_size.width
        right_width = sum(hint.width for hint in right) + GAP * max(0, len(right) - 1)
        room = width - right_width
        shown: list[KeyHint] = []
        used = 0
        for hint in left:
            if used + hint.width + GAP > room:
                break
            shown.append(hint)
            used += hint.width + GAP
        padding = Content(" " * max(0, room - used))
        return Content("").join([*self._spaced(shown, trailing=True), padding, *self._spaced(right)])

    def _spaced(self, hints: Sequence[KeyHint], trailing: bool = False) -> list[Content]:
        parts: list[Content] = []
        for hint in hints:
            parts += [self._draw(hint), Content(" " * GAP)]
        return parts if trailing else parts[:-1]

    def _draw(self, hint: KeyHint) -> Content:
        if not hint.enabled:
            style = self.get_visual_style("key-line--disabled", partial=True)
            return Content.styled(f"{hint.display} {hint.description}", style)
        press = Style.from_meta({"@click": f"app.simulate_key({hint.key!r})"})
        key = Content.styled(hint.display, self.get_visual_style("key-line--key", partial=True) + press)
        return key + Content.styled(f" {hint.description}", press)
