from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from rich.color import ColorType
from textual.app import App, ComposeResult
from textual.color import Color
from textual.theme import Theme
from textual.widgets import Button, Input

from console.errors import BadTheme
from console.resources import folder
from console.themes import SHIPPED, available_themes, default_theme, load_theme
from console.widgets.live_table import LiveTable

NOWHERE = Path("/nonexistent")
TEXT_COLOURS = ("foreground", "accent", "success", "warning", "error")
LEAST_CONTRAST = {"dark": 4.5, "light": 4.5, "high-contrast": 7.0}


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2, 1 to 21."""

    def luminance(colour: Color) -> float:
        channels = [
            value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
            for value in (channel / 255 for channel in colour.rgb)
        ]
        return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]

    darker, lighter = sorted((luminance(Color.parse(one)), luminance(Color.parse(other))))
    return (lighter + 0.05) / (darker + 0.05)


def pairs(theme: Theme) -> list[tuple[str, str]]:
    """The colours of text with the backgrounds that they stand on."""
    variables = theme.variables
    texts: list[str] = [getattr(theme, name) for name in TEXT_COLOURS] + [variables["text-muted"]]
    backgrounds: list[str] = [getattr(theme, name) for name in ("background", "surface", "panel")]
    on_others = [
        ("block-cursor-foreground", "block-cursor-background"),
        ("block-cursor-blurred-foreground", "block-cursor-blurred-background"),
        ("footer-key-foreground", "footer-background"),
        ("footer-description-foreground", "footer-background"),
        ("environment-development-text", "environment-development"),
        ("environment-staging-text", "environment-staging"),
        ("environment-production-text", "environment-production"),
    ]
    return [
        *((text, background) for text in texts for background in backgrounds),
        *((variables[text], variables[background]) for text, background in on_others),
        *((variables["button-color-foreground"], getattr(theme, colour)) for colour in TEXT_COLOURS),
    ]


@pytest.mark.parametrize(("name", "least"), LEAST_CONTRAST.items())
def test_every_text_can_be_read(name: str, least: float) -> None:
    for text, background in pairs(load_theme(name, NOWHERE)):
        assert contrast(text, background) >= least, (text, background)


def test_the_sixteen_colour_theme_uses_no_other_colour_and_no_default_one() -> None:
    theme = load_theme("sixteen", NOWHERE)
    assert theme.ansi
    for text, background in pairs(theme):
        assert text.startswith("ansi_")
        assert background.startswith("ansi_")
        assert "default" not in text + background, "what a terminal's default colours are cannot be known"
    assert theme.variables["block-cursor-text-style"] == "reverse", "the cursor is there without colours too"


def test_an_environment_is_never_mistaken_for_another() -> None:
    for name in SHIPPED:
        variables = load_theme(name, NOWHERE).variables
        assert (
            len({variables[f"environment-{kind}"] for kind in ("development", "staging", "production")}) == 3
        )


class Dressed(App[None]):
    """What Textual and we put on a screen, in the shared styles."""

    CSS_PATH: ClassVar[list[str | Path]] = [folder("themes") / "widgets.tcss"]  # type: ignore[assignment]

    def compose(self) -> ComposeResult:
        yield LiveTable[str]([], row_key=str)
        yield Input("text")
        yield Button("no")
        yield Button("yes", variant="error")


async def test_the_sixteen_colour_theme_leaves_nothing_in_default_colours() -> None:
    app = Dressed()
    app.register_theme(load_theme("sixteen", NOWHERE))
    app.theme = "sixteen"
    async with app.run_test() as pilot:
        for focused in app.screen.focus_chain:
            focused.focus()
            await pilot.pause()
            for widget in (app.screen, *app.screen.query()):
                for strip in widget.render_lines(widget.outer_size.region):
                    for text, style, _ in strip:
                        assert style is not None
                        assert style.bgcolor is not None, (widget, text)
                        assert style.bgcolor.type is ColorType.STANDARD, (widget, text, style)
                        assert style.color is None or style.color.type is ColorType.STANDARD, (
                            widget,
                            text,
                            style,
                        )


@pytest.mark.parametrize("name", SHIPPED)
async def test_an_app_can_wear_every_theme_and_change_it(name: str) -> None:
    app = Dressed()
    for theme in SHIPPED:
        app.register_theme(load_theme(theme, NOWHERE))
    app.theme = name
    async with app.run_test() as pilot:
        assert app.screen.styles.background == Color.parse(load_theme(name, NOWHERE).background or "")
        for theme in SHIPPED:
            app.theme = theme
            await pilot.pause()
            assert app.screen.styles.background == Color.parse(load_theme(theme, NOWHERE).background or "")


def write(config_dir: Path, name: str, text: str) -> Path:
    path = config_dir / "themes" / f"{name}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_persons_own_theme_says_only_what_differs(tmp_path: Path) -> None:
    write(tmp_path, "light", 'accent = "#000000"')
    write(tmp_path, "night", 'base = "high-contrast"\ndanger = "#ff8888"')
    assert available_themes(tmp_path) == [*SHIPPED, "night"]
    light, night = load_theme("light", tmp_path), load_theme("night", tmp_path)
    assert (light.accent, light.background) == ("#000000", load_theme("light", NOWHERE).background)
    assert (night.name, night.error, night.background) == ("night", "#ff8888", "#000000")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("accent =", "is not valid TOML"),
        ('acent = "#ffffff"', "acent is not known; did you mean accent?"),
        ('zzz = "#ffffff"', "zzz is not known."),
        ('accent = "#ggg"', "accent is '#ggg', which is no colour"),
        ("accent = 5", "accent is 5, but has to be a text in quotes"),
        ('dark = "yes"', "dark is 'yes', but can only be true or false"),
        ('cursor-style = "blink"', "cursor-style is 'blink', but can only be one of: none, bold, reverse"),
        ('base = "own"', "base is 'own', but can only be one of: dark, light, high-contrast, sixteen"),
    ],
)
def test_a_broken_theme_is_told_by_file_and_problem(tmp_path: Path, text: str, problem: str) -> None:
    path = write(tmp_path, "own", text)
    with pytest.raises(BadTheme) as caught:
        load_theme("own", tmp_path)
    assert caught.value.sentence.startswith(str(path))
    assert problem in caught.value.sentence


def test_a_theme_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    write(tmp_path, "own", "").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadTheme, match="is not valid TOML"):
        load_theme("own", tmp_path)


@pytest.mark.parametrize("name", ["nothing", "../themes/dark", "", "/etc/passwd"])
def test_an_unknown_theme_is_told_with_those_there_are(name: str) -> None:
    with pytest.raises(BadTheme, match="there are: dark, light, high-contrast, sixteen"):
        load_theme(name, NOWHERE)


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"TERM": "xterm-256color"}, "dark"),
        ({"TERM": "tmux-256color"}, "dark"),
        ({"TERM": "xterm-kitty"}, "dark"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "dark"),
        ({"TERM": "xterm"}, "sixteen"),
        ({"TERM": "screen"}, "sixteen"),
        ({"TERM": "linux"}, "sixteen"),
        ({}, "sixteen"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": ""}, "sixteen"),
    ],
)
def test_the_default_theme_suits_the_terminal(environ: dict[str, str], name: str) -> None:
    assert default_theme(environ) == name
