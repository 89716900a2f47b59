"""When something is to end, in the words of a person."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from console.dialogs.form import Check
from console.errors import BadInput

NEVER = "never"
HOW_TO_SAY = "90 d, 2 w, 1 y, 2026-12-31 or never"

_UNITS = {
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365),
}
_LENGTH = re.compile(r"(\d{1,5})\s*(h|d|w|y)(?:ours?|ays?|eeks?|ears?)?", re.IGNORECASE)


def read_length(text: str) -> timedelta:
    """How long: "24 h", "90d", "2 weeks". Raises `BadInput`."""
    found = _LENGTH.fullmatch(text.strip())
    if found is None:
        raise BadInput("Say how long: 90 d, 12 h, 2 w or 1 y.")
    return int(found[1]) * _UNITS[found[2].lower()]


def read_end(text: str, now: datetime) -> datetime | None:
    """A length from `now` on, a date (its last moment, local time), a time, or "never", which is None.

    Raises `BadInput`, also for what has passed or is beyond the calendar.
    """
    words = text.strip().lower()
    if words == NEVER:
        return None
    try:
        end = now + read_length(words) if _LENGTH.fullmatch(words) else _read_moment(words)
    except OverflowError:
        raise BadInput("That is beyond the calendar; never is a word, too.") from None
    if end <= now:
        raise BadInput("That has passed already.")
    return end


def _read_moment(words: str) -> datetime:
    try:
        end = datetime.fromisoformat(words)
    except ValueError:
        raise BadInput(f"Say when: {HOW_TO_SAY}.") from None
    if len(words) == len("2026-12-31"):
        end = end.replace(hour=23, minute=59, second=59)
    return end.astimezone()


def check_end(now: datetime) -> Check:
    """For the box of a form that takes an end."""
    return lambda text: _problem(lambda: read_end(text, now))


def check_length(text: str) -> str | None:
    """For the box of a form that takes a length."""
    return _problem(lambda: read_length(text))


def _problem(read: Callable[[], object]) -> str | None:
    try:
        read()
    except BadInput as problem:
        return problem.sentence
    return None
