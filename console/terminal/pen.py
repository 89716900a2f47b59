"""The pen: the colours and attributes that a terminal draws with, and the shortest way to change them.

A pen is the parameter part of an SGR sequence ("1;38;5;9;48;5;0"), as Textual renders a style; the
empty pen is the terminal's default. Codes: ECMA-48 §8.3.117 and, for 38 and 48, ISO 8613-6.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

# Only what every terminal in use understands: 21 is "double underline" here and "not bold" there.
_SWITCHED_OFF_BY = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "9": "29"}


class _Parts(NamedTuple):
    attributes: tuple[str, ...]
    foreground: str
    background: str


@lru_cache(maxsize=4096)
def change(old: str, new: str) -> str:
    """The escape sequence that turns the pen `old` into the pen `new`; empty when they are the same."""
    if old == new:
        return ""
    if not new:
        return "\x1b[m"
    afresh = f"\x1b[0;{new}m" if old else f"\x1b[{new}m"
    step = _step(_parse(old), _parse(new))
    if step is None:
        return afresh
    stepped = f"\x1b[{step}m" if step else ""
    return min(stepped, afresh, key=len)


def _step(old: _Parts, new: _Parts) -> str | None:
    """The codes that differ, or `None` where an attribute cannot be switched off alone."""
    kept = set(old.attributes)
    codes: list[str] = []
    for attribute in old.attributes:
        if attribute in new.attributes or attribute not in kept:
            continue
        off = _SWITCHED_OFF_BY.get(attribute)
        if off is None:
            return None
        codes.append(off)
        kept -= {other for other in kept if _SWITCHED_OFF_BY.get(other) == off}
    codes += [attribute for attribute in new.attributes if attribute not in kept]
    if new.foreground != old.foreground:
        codes.append(new.foreground or "39")
    if new.background != old.background:
        codes.append(new.background or "49")
    return ";".join(codes)


@lru_cache(maxsize=4096)
def _parse(pen: str) -> _Parts:
    attributes: list[str] = []
    foreground = background = ""
    codes = iter(pen.split(";") if pen else ())
    for code in codes:
        if code in ("38", "48"):
            kind = next(codes)
            values = [next(codes) for _ in range(3 if kind == "2" else 1)]
            colour = ";".join([code, kind, *values])
        else:
            colour = code
        number = int(code)
        if 30 <= number <= 39 or 90 <= number <= 97:
            foreground = "" if colour == "39" else colour
        elif 40 <= number <= 49 or 100 <= number <= 107:
            background = "" if colour == "49" else colour
        else:
            attributes.append(code)
    return _Parts(tuple(attributes), foreground, background)
