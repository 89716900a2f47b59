"""What is typed to search the audit trail: `person:ada action:api_key object:users since:7d until:2026-03-01`."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from console.errors import BadInput
from console.models.accounts import TrailFilter

KINDS = ("person", "action", "object", "since", "until")

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def trail_filter(words: str, now: datetime) -> TrailFilter:
    """What the words ask for; one that has no value yet asks for nothing. Raises `BadInput` for others."""
    wanted = TrailFilter()
    for word in words.split():
        kind, colon, value = word.partition(":")
        if kind not in KINDS or not colon:
            if any(name.startswith(word) for name in KINDS):
                continue  # it is being typed
            raise BadInput(
                f"{word} is not understood: what is looked for begins with person: action: object: since: until:"
            )
        if not value:
            continue
        match kind:
            case "person":
                wanted = replace(wanted, person=value)
            case "action":
                wanted = replace(wanted, action=value)
            case "object":
                wanted = replace(wanted, resource=value)
            case "since":
                wanted = replace(wanted, since=moment_of(value, now))
            case _:
                wanted = replace(wanted, until=moment_of(value, now))
    return wanted


def moment_of(text: str, now: datetime) -> datetime:
    """A moment as a person says it: `7d` (ago), `2026-03-01`, `2026-03-01T12:00`. Raises `BadInput`."""
    if found := re.fullmatch(r"(\d{1,6})([mhdw])", text):
        try:
            return now - int(found[1]) * _UNITS[found[2]]
        except OverflowError:
            pass
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is not None else moment.astimezone()
    except (ValueError, OverflowError):
        raise BadInput(f"{text} is no moment: 30m, 12h, 7d, 2026-03-01 and 2026-03-01T12:00 are.") from None
