"""The colours of a map: of layers and categories, and of the steps of density."""

from __future__ import annotations

from typing import Any

from rich._palettes import EIGHT_BIT_PALETTE
from rich.color import Color as RichColor
from rich.color import ColorType
from rich.style import Style
from textual.app import App
from textual.color import Color

from console.widgets.map_cells import HALF, STEPS, Look, colour_and_step

# Of the 240 colours that are the same on every terminal: to name one takes half the bytes of a true colour. In the
# order of the kinds: blue, amber, green, violet, teal, red, and grey for what is of no kind.
_ON_DARK = (110, 179, 114, 176, 80, 209, 247)
_ON_LIGHT = (25, 130, 28, 90, 30, 124, 243)
_SIXTEEN = (
    "bright_cyan",
    "bright_yellow",
    "bright_green",
    "bright_magenta",
    "bright_blue",
    "bright_red",
    "white",
)
_FAINTEST, _STRONGEST = 0.22, 0.85
"""How much of its layer's colour the first and the last step of density have."""


def look_of(app: App[Any]) -> Look:
    """What the terminal can show."""
    if app.no_color:
        return Look.GLYPHS
    return Look.FEW_COLOURS if app.native_ansi_color else Look.COLOURS


class MapColours:
    """The styles of one theme's maps."""

    def __init__(self, app: App[Any], background: Color) -> None:
        theme = app.current_theme
        self._background = background
        if look_of(app) is Look.COLOURS:
            inks = [_eight_bit(number) for number in (_ON_DARK if theme.dark else _ON_LIGHT)]
        else:
            inks = [Color.parse(f"ansi_{name}").rich_color for name in _SIXTEEN]
        self._inks = (*inks, Color.parse(theme.foreground or theme.primary).rich_color)

    def ink(self, colour: int) -> RichColor:
        """The colour of a layer or of a category, `OTHER` or `PLAIN`."""
        return self._inks[colour]

    def style(self, ink: int, ground: int) -> Style:
        """The style of a cell."""
        front = self._ground(ink - HALF) if ink >= HALF else self._inks[ink]
        return Style.from_color(front, self._ground(ground) if ground else self._background.rich_color)

    def _ground(self, ground: int) -> RichColor:
        colour, step = colour_and_step(ground)
        share = _FAINTEST + (_STRONGEST - _FAINTEST) * (step - 1) / (STEPS - 1)
        return self._background.blend(Color.from_rich_color(self._inks[colour]), share).rich_color


def _eight_bit(number: int) -> RichColor:
    # With its triplet, or Textual would make a true colour of it.
    return RichColor(f"color({number})", ColorType.EIGHT_BIT, number, EIGHT_BIT_PALETTE[number])
