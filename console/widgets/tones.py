"""What a piece of text means, told by colour and by a glyph, since colour alone may be missing."""

from __future__ import annotations

from typing import Literal, TypeAlias

Tone: TypeAlias = Literal["muted", "strong", "accent", "success", "warning", "danger"]

TONES: tuple[Tone, ...] = ("muted", "strong", "accent", "success", "warning", "danger")

# Glyphs that the Linux console's own font has too.
GLYPHS: dict[Tone, str] = {"warning": "▲", "danger": "◆"}
