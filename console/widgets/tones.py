"""What a piece of text means, told by colour and by a glyph, since colour alone may be missing."""

from __future__ import annotations

from typing import Literal, TypeAlias

Tone: TypeAlias = Literal["muted", "strong", "accent", "success", "warning", "danger"]

TONES: tuple[Tone, ...] = ("muted", "strong", "accent", "success", "warning", "danger")

# Glyphs that the Linux console's own font has too.
GLYPHS: dict[Tone, str] = {"warning": "▲", "danger": "◆"}


def tone_classes(widget: str) -> set[str]:
    """The component classes of the tones for a widget, `widget--muted` and so on."""
    return {f"{widget}--{tone}" for tone in TONES}


def tone_styles(css_type: str, widget: str) -> str:
    """The styles of `tone_classes` as the default CSS of the widget class `css_type`."""
    return f"""
    {css_type} {{
        .{widget}--muted {{ color: $text-muted; }}
        .{widget}--strong {{ text-style: bold; }}
        .{widget}--accent {{ color: $accent; }}
        .{widget}--success {{ color: $success; }}
        .{widget}--warning {{ color: $warning; }}
        .{widget}--danger {{ color: $error; }}
    }}
    """
