"""Figures as a person would say them, narrow enough for a table column.

Every function takes None, NaN or an infinity as "not known" and answers `UNKNOWN`. The exact value belongs
in the detail pane and in exports, not here.
"""

from __future__ import annotations

from math import isfinite
from typing import TypeGuard

UNKNOWN = "–"

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
YEAR = 365 * DAY


def _known(value: float | None) -> TypeGuard[float]:
    return value is not None and isfinite(value)


def duration(seconds: float | None) -> str:
    """How long something has lasted, in at most 6 columns: `0.2 s`, `14 s`, `2m11s`, `1h05m`, `3d04h`, `41 d`, `2 y`.

    Rounds down, as clocks do: time that has not passed yet is not shown. A negative duration (two clocks
    that disagree) is `0.0 s`.
    """
    if not _known(seconds):
        return UNKNOWN
    # The small amount keeps 4.1 from becoming 4.0: it is stored as 4.0999….
    tenths = int(max(seconds, 0) * 10 + 1e-6)
    whole = tenths // 10
    if whole < 10:
        return f"{whole}.{tenths % 10} s"
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE}m{whole % MINUTE:02}s"
    if whole < DAY:
        return f"{whole // HOUR}h{whole % HOUR // MINUTE:02}m"
    if whole < 10 * DAY:
        return f"{whole // DAY}d{whole % DAY // HOUR:02}h"
    if whole < 2 * YEAR:
        return f"{whole // DAY} d"
    return f"{whole // YEAR} y"


def latency(seconds: float | None) -> str:
    """How long one call takes, in at most 6 columns and three figures: `50 µs`, `3.1 ms`, `212 ms`, `1.9 s`, then as `duration`."""
    if not _known(seconds):
        return UNKNOWN
    if seconds <= 0:
        return "0 ms"
    if seconds < 0.0000005:
        return "<1 µs"
    if seconds < 0.0009995:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 0.00995:
        return f"{seconds * 1e3:.1f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    return duration(seconds)


def bytes_binary(count: float | None) -> str:
    """An amount of bytes in powers of 1024, in at most 8 columns: `0 B`, `8.0 KiB`, `41.2 GiB`, `512 MiB`."""
    if not _known(count):
        return UNKNOWN
    size = float(count)
    if abs(size) < 1023.5:
        return f"{size:.0f} B"
    for unit in ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB"):
        size /= 1024
        if abs(size) < 99.95:
            return f"{size:.1f} {unit}"
        if abs(size) < 1023.5:
            return f"{size:.0f} {unit}"
    return f"{size:,.0f} EiB"


def count(number: float | None) -> str:
    """A whole number in full: `1,204`."""
    return f"{number:,.0f}" if _known(number) else UNKNOWN


def in_figures(number: float, figures: int) -> str:
    """A measure in so many figures, and in full where it is larger: `0.35`, `12.4`, `16,128`; `6,640,123`."""
    is_readable = 10**figures - 0.5 <= abs(number) < 1e15
    return f"{number:,.0f}" if is_readable else f"{number:,.{figures}g}"


def compact(number: float | None) -> str:
    """A large number in three figures and at most 6 columns: `812`, `1.2 k`, `48.1 k`, `481 k`, `3.0 M`, `1.1 G`."""
    if not _known(number):
        return UNKNOWN
    size = float(number)
    if abs(size) < 999.5:
        return f"{size:.0f}"
    for unit in ("k", "M", "G", "T"):
        size /= 1000
        if abs(size) < 99.95:
            return f"{size:.1f} {unit}"
        if abs(size) < 999.5:
            return f"{size:.0f} {unit}"
    return f"{size / 1000:,.0f} P"


def rate(per_second: float | None) -> str:
    """So many a second (the column's title says "/s"): `0`, `<0.1`, `8.1`, `81`, `1,204`, `48.1 k`."""
    if not _known(per_second):
        return UNKNOWN
    if per_second == 0:
        return "0"
    if 0 < per_second < 0.05:
        return "<0.1"
    if abs(per_second) < 9.95:
        return f"{per_second:.1f}"
    if abs(per_second) < 9999.5:
        return f"{per_second:,.0f}"
    return compact(per_second)


def percent(share: float | None, digits: int = 1) -> str:
    """A share (1.0 is the whole) in per cent: `99.2 %`.

    Only nothing is 0 % and only the whole is 100 %: what lies within half a digit of them is `<0.1 %` and `>99.9 %`.
    """
    if not _known(share):
        return UNKNOWN
    step = 10.0**-digits
    if 0 < share < step / 200:
        return f"<{step:.{digits}f} %"
    if 1 - step / 200 < share < 1:
        return f">{100 - step:.{digits}f} %"
    return f"{share * 100:.{digits}f} %"
