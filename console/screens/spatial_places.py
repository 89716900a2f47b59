"""Coordinates as people type them."""

from __future__ import annotations

import re
from math import isfinite

_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_DEGREES = r"\s*°?\s*"
_PLAIN = re.compile(rf"\s*({_NUMBER}){_DEGREES}(?:[,;\s]\s*)({_NUMBER}){_DEGREES}\s*")
_COMPASS = re.compile(
    rf"\s*({_NUMBER}){_DEGREES}([NSEW])[\s,;]*({_NUMBER}){_DEGREES}([NSEW])\s*", re.IGNORECASE
)
_AXES = {"E": (0, 1), "W": (0, -1), "N": (1, 1), "S": (1, -1)}


def place_of(text: str) -> tuple[float, float] | None:
    """x and y of `10.75 59.91`, `10.75, 59.91` or `59.91N 10.75E`; None for anything else.

    Without letters x comes first, which is the longitude.
    """
    if plain := _PLAIN.fullmatch(text):
        place = (float(plain[1]), float(plain[2]))
    elif compass := _COMPASS.fullmatch(text):
        found = {}
        for number, letter in ((compass[1], compass[2]), (compass[3], compass[4])):
            axis, sign = _AXES[letter.upper()]
            found[axis] = sign * float(number)
        if len(found) != 2:
            return None
        place = (found[0], found[1])
    else:
        return None
    return place if all(map(isfinite, place)) else None
