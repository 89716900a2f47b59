"""The colours of a map, made from those of the theme: for layers and categories, and for the steps of density."""

from __future__ import annotations

from functools import lru_cache

from rich._palettes import EIGHT_BIT_PALETTE
from rich.color import Color as RichColor
from rich.color import ColorType
from rich.style import Style
from textual.app import App
from textual.color import Color

from console.widgets.map_cells import COLOURS, HALF, STEPS, Look, colour_and_step

_SIXTEEN = ("bright_cyan", "bright_yellow", "bright_green", "bright_magenta", "bright_blue", "bright_white")
_GREY = 32
"""How far apart red, green and blue are at least in what is no grey."""
_FAINTEST, _STRONGEST = 0.22, 0.85
"""How much of its layer's colour the first and the last step of density have."""


def look_of(app: App[object]) -> Look:
    """What the terminal can show."""
    if app.no_color:
        return Look.GLYPHS
    return Look.FEW_COLOURS if app.native_ansi_color else Look.COLOURS


@lru_cache(maxsize=64)
def cheap(colour: Color) -> RichColor:
    """The nearest of the 240 colours that are the same everywhere: naming it takes half the bytes of a true one.

    Distances are those of Thiadmer Riemersma, "Colour metric"; only a grey becomes grey.
    """

    def distance(number: int) -> float:
        red, green, blue = EIGHT_BIT_PALETTE[number]
        mean = (red + colour.r) / 2
        return (
            (2 + mean / 256) * (red - colour.r) ** 2
            + 4 * (green - colour.g) ** 2
            + (2 + (255 - mean) / 256) * (blue - colour.b) ** 2
        )

    is_grey = max(colour.rgb) - min(colour.rgb) < _GREY
    number = min(
        (number for number in range(16, 256) if is_grey or len(set(EIGHT_BIT_PALETTE[number])) > 1),
        key=distance,
    )
    # With its triplet, or Textual would make a true colour of it.
    return RichColor(f"color({number})", ColorType.EIGHT_BIT, number, EIGHT_BIT_PALETTE[number])


class MapColours:
    """The styles of one theme's maps."""

    def __init__(self, app: App[object], background: Color) -> None:
        theme = app.current_theme
        self._look = look_of(app)
        self._background = background
        accent, success, warning, danger = (
            Color.parse(colour or theme.primary)
            for colour in (theme.accent, theme.success, theme.warning, theme.error)
        )
        text = Color.parse(theme.foreground or theme.primary)
        muted = Color.parse(theme.variables.get("text-muted", theme.foreground or theme.primary))
        if self._look is Look.COLOURS:
            own: tuple[Color, ...] = (
                accent,
                warning,
                success,
                accent.blend(danger, 0.62),
                warning.blend(danger, 0.6),
                accent.blend(success, 0.5).blend(text, 0.35),
            )
        else:
            own = tuple(Color.parse(f"ansi_{name}") for name in _SIXTEEN)
        self._colours = (*own, muted, text)
        assert len(own) == COLOURS

    def ink(self, colour: int) -> Color:
        """The colour of a layer or of a category, `OTHER` or `PLAIN`."""
        return self._colours[colour]

    def style(self, ink: int, ground: int) -> Style:
        """The style of a cell."""
        behind = self._ground(ground) if ground else self._background
        front = self._ground(ink - HALF) if ink >= HALF else self._colours[ink]
        is_cheap = self._look is Look.COLOURS and ink < HALF
        return Style.from_color(cheap(front) if is_cheap else front.rich_color, behind.rich_color)

    def _ground(self, ground: int) -> Color:
        colour, step = colour_and_step(ground)
        share = _FAINTEST + (_STRONGEST - _FAINTEST) * (step - 1) / (STEPS - 1)
        return self._background.blend(self._colours[colour], share)
