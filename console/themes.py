"""The themes: TOML files with a small vocabulary of colours, as Textual's themes.

A file says `dark` (whether the background is), `ansi` (whether it uses the terminal's own sixteen colours)
and the colours of `COLOURS`, each as `#rrggbb` or as a name such as `ansi_red`. A person's own file, in the
folder `themes` of the configuration, needs to say only what differs from the theme of the same name, or from
the theme that it names as `base`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from textual.color import Color, ColorParseError
from textual.theme import Theme

from console.errors import BadTheme
from console.resources import folder

DEFAULT_THEME = "dark"
SIXTEEN_COLOURS = "sixteen"
SHIPPED = ("dark", "light", "high-contrast", SIXTEEN_COLOURS)

COLOURS = (
    "background",
    "raised",
    "text",
    "muted",
    "line",
    "accent",
    "success",
    "warning",
    "danger",
    "cursor",
    "cursor-text",
    "development",
    "development-text",
    "staging",
    "staging-text",
    "production",
    "production-text",
)
FLAGS = ("dark", "ansi")
CURSOR_STYLES = ("none", "bold", "reverse")
KEYS = (*COLOURS, *FLAGS, "cursor-style", "base")


def available_themes(config_dir: Path) -> list[str]:
    """The names of the themes: those shipped, then the person's own from `config_dir/themes`."""
    own = sorted(path.stem for path in (config_dir / "themes").glob("*.toml"))
    return [*SHIPPED, *(name for name in own if name not in SHIPPED)]


def default_theme(environ: Mapping[str, str]) -> str:
    """The theme for this terminal: the one of sixteen colours where there are no more (or `NO_COLOR` asks for none).

    Judges as Rich does, which picks the colours that are sent: by COLORTERM, then by the end of TERM.
    """
    if "NO_COLOR" in environ:
        return SIXTEEN_COLOURS
    if environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return DEFAULT_THEME
    colours = environ.get("TERM", "").strip().lower().rpartition("-")[2]
    return DEFAULT_THEME if colours in ("256color", "kitty") else SIXTEEN_COLOURS


def check_theme(name: str, config_dir: Path) -> None:
    """Raises BadTheme when there is no theme of that name, whatever its file may say."""
    if name not in available_themes(config_dir):
        raise BadTheme(f"There is no theme “{name}”; there are: {', '.join(available_themes(config_dir))}.")


def load_theme(name: str, config_dir: Path) -> Theme:
    """The theme `name`, a person's own file in `config_dir/themes` over the one shipped.

    Raises BadTheme when there is no such theme or its file is broken.
    """
    check_theme(name, config_dir)
    own = config_dir / "themes" / f"{name}.toml"
    if not own.is_file():
        return _build(name, _read_shipped(name))
    words = _read(own)
    base = words.get("base", name if name in SHIPPED else DEFAULT_THEME)
    if base not in SHIPPED:
        raise BadTheme(f"{own}: base is {base!r}, but can only be one of: {', '.join(SHIPPED)}.")
    return _build(name, {**_read_shipped(base), **words})


def _read_shipped(name: str) -> dict[str, Any]:
    return _read(folder("themes") / f"{name}.toml")


def _read(path: Path) -> dict[str, Any]:
    try:
        words = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadTheme(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadTheme(f"{path} is not valid TOML: {error}.") from error
    for key, value in words.items():
        _check(path, key, value)
    return words


def _check(path: Path, key: str, value: object) -> None:
    if key not in KEYS:
        close = get_close_matches(key, KEYS, 1)
        raise BadTheme(f"{path}: {key} is not known" + (f"; did you mean {close[0]}?" if close else "."))
    if key in FLAGS:
        if not isinstance(value, bool):
            raise BadTheme(f"{path}: {key} is {value!r}, but can only be true or false.")
    elif not isinstance(value, str):
        raise BadTheme(f"{path}: {key} is {value!r}, but has to be a text in quotes.")
    elif key == "cursor-style":
        if value not in CURSOR_STYLES:
            raise BadTheme(f"{path}: {key} is {value!r}, but can only be one of: {', '.join(CURSOR_STYLES)}.")
    elif key in COLOURS:
        try:
            Color.parse(value)
        except ColorParseError as error:
            raise BadTheme(
                f"{path}: {key} is {value!r}, which is no colour; write it as '#rrggbb'."
            ) from error


def _build(name: str, words: Mapping[str, Any]) -> Theme:
    background, raised, text, muted = (words[key] for key in ("background", "raised", "text", "muted"))
    line, accent, danger = words["line"], words["accent"], words["danger"]
    cursor, cursor_text = words["cursor"], words["cursor-text"]
    cursor_style = words.get("cursor-style", "none")
    variables = {
        "text-muted": muted,
        "text-disabled": muted,
        "text-primary": accent,
        "text-accent": accent,
        "text-success": words["success"],
        "text-warning": words["warning"],
        "text-error": danger,
        "foreground-muted": muted,
        "foreground-disabled": muted,
        "border": accent,
        "border-blurred": line,
        "block-cursor-background": cursor,
        "block-cursor-foreground": cursor_text,
        "block-cursor-text-style": cursor_style,
        "block-cursor-blurred-background": raised,
        "block-cursor-blurred-foreground": text,
        "block-cursor-blurred-text-style": "bold",
        "block-hover-background": raised,
        "input-cursor-background": text,
        "input-cursor-foreground": background,
        "input-selection-background": cursor,
        "input-selection-foreground": cursor_text,
        "screen-selection-background": cursor,
        "screen-selection-foreground": cursor_text,
        "button-foreground": text,
        "button-color-foreground": background,
        "footer-background": raised,
        "footer-foreground": text,
        "footer-key-foreground": accent,
        "footer-description-foreground": muted,
        "scrollbar": line,
        "scrollbar-hover": muted,
        "scrollbar-active": muted,
        "scrollbar-background": background,
        "scrollbar-background-hover": background,
        "scrollbar-background-active": background,
        "scrollbar-corner-color": background,
        "line": line,
    }
    for environment in ("development", "staging", "production"):
        variables[f"environment-{environment}"] = words[environment]
        variables[f"environment-{environment}-text"] = words[f"{environment}-text"]
    if words.get("ansi", False):
        # Textual's ANSI themes use the terminal's own foreground, which our background may hide.
        variables |= {"text": text, "surface": raised, "panel": raised, "boost": raised}
        # Its own stylesheets refer to these two in ANSI themes only.
        variables |= {"ansi-background": background, "ansi-foreground": text}
    return Theme(
        name=name,
        primary=accent,
        secondary=accent,
        accent=accent,
        success=words["success"],
        warning=words["warning"],
        error=danger,
        foreground=text,
        background=background,
        surface=raised,
        panel=raised,
        boost=raised,
        dark=words["dark"],
        ansi=words.get("ansi", False),
        variables=variables,
    )
