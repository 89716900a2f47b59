"""Sums and differences of figures, where means and deviations are not simply added."""

from __future__ import annotations

from math import sqrt
from typing import Any

from console.models.statements import Figures

_DERIVED = frozenset({"least", "most", "mean", "deviation"})


def has_restarted(now: Figures, before: Figures) -> bool:
    """Whether counting began anew in between: a counter went backwards."""
    return now.calls < before.calls or now.rows < before.rows or (now.plans or 0) < (before.plans or 0)


def difference(now: Figures, before: Figures) -> Figures:
    """What has come between two moments. The shortest and the longest call cannot be told of a span."""
    return _combined(now, before, -1)


def joined(one: Figures, other: Figures) -> Figures:
    """Both together."""
    return _combined(one, other, 1)


def _combined(one: Figures, other: Figures, sign: int) -> Figures:
    values: dict[str, Any] = {
        name: None if a is None or b is None else a + sign * b
        for name, a, b in zip(Figures._fields, one, other, strict=True)
        if name not in _DERIVED
    }
    calls, total = one.calls + sign * other.calls, max(0.0, one.total + sign * other.total)
    squares = _squares(one), _squares(other)
    mean = total / calls if calls > 0 else 0.0
    deviation = None
    if calls > 0 and squares[0] is not None and squares[1] is not None:
        deviation = sqrt(max(0.0, (squares[0] + sign * squares[1]) / calls - mean * mean))
    return Figures(
        **values | {"total": total, "least": None, "most": None, "mean": mean, "deviation": deviation}
    )


def _squares(figures: Figures) -> float | None:
    """The sum of the squares of all calls' times, from their mean and their standard deviation."""
    if figures.deviation is None:
        return None
    return figures.calls * (figures.deviation**2 + figures.mean**2)
