"""Times on the command line: `7d` ago, `90` days on, `24h` long, `2026-03-01`, `2026-03-01T12:00`."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

from console.errors import BadInput

NEVER = "never"
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def length(text: str) -> timedelta | None:
    """A length such as 30m, 24h, 7d or 2w; None for what is none."""
    found = re.fullmatch(r"(\d{1,6})([mhdw])", text.strip().lower())
    return int(found[1]) * _UNITS[found[2]] if found else None


def required_length(text: str, option: str) -> timedelta:
    """The same. Raises `BadInput` for what is none."""
    found = timedelta() if text.strip() == "0" else length(text)
    if found is None:
        raise BadInput(f"{option}: {text[:40]!r} is not a length such as 30m, 24h, 7d or 0.")
    return found


def moment_ago(text: str, option: str, now: datetime) -> datetime:
    """A moment, or a length of time before now. Raises `BadInput` for what is none."""
    ago = length(text)
    try:
        return now - ago if ago is not None else _moment(text, time.min)
    except (ValueError, OverflowError):
        raise BadInput(
            f"{option}: {text[:40]!r} is no time; 30m, 12h, 7d (ago), 2026-03-01 and 2026-03-01T12:00 are."
        ) from None


def end(text: str, option: str, now: datetime) -> datetime | None:
    """A number of days or another length from now on, a date with all of its day, a moment, or `never`, which is None.

    Raises `BadInput` for what is none of these.
    """
    word = text.strip().lower()
    if word == NEVER:
        return None
    ahead = length(f"{word}d" if word.isdecimal() else word)
    try:
        return now + ahead if ahead is not None else _moment(text, time.max)
    except (ValueError, OverflowError):
        raise BadInput(
            f"{option}: {text[:40]!r} is no end; 90 (days), 12h, 2026-12-31, 2026-12-31T18:00 and never are."
        ) from None


def _moment(text: str, of_a_day: time) -> datetime:
    """A moment in the person's own time zone, unless it names one. Raises `ValueError` or `OverflowError`."""
    moment = datetime.fromisoformat(text.strip())
    if re.fullmatch(r"\d{4}-?\d\d-?\d\d", text.strip()):
        moment = datetime.combine(moment, of_a_day)
    return moment if moment.tzinfo is not None else moment.astimezone()
