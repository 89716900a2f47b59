"""One API key in full, as sections of the detail pane."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from textual.content import Content

from console.models.accounts import TrailEntry
from console.models.api_keys import ApiKey
from console.screens.accounts_columns import one_line
from console.screens.accounts_keys_columns import beginning, key_state, remarks
from console.screens.accounts_text import as_json, moment
from console.units import UNKNOWN
from console.widgets.detail import Section


def key_sections(key: ApiKey, history: Sequence[TrailEntry] | None, now: datetime) -> tuple[Section, ...]:
    """What it is, what it may do, and what was done with it; `history` is None where there is no trail."""
    state, notes = key_state(key, now), remarks(key, now)
    lines: list[tuple[str, str | Content]] = [
        ("state", " · ".join(word for word in (state[0], notes[0]) if word)),
        ("begins", beginning(key)),
        ("name", key.name or UNKNOWN),
        ("owner", key.owner + ("" if key.owner_is_active else " (deactivated or deleted)")),
        ("environment", key.environment or UNKNOWN),
        ("expires", moment(key.expires_at, now, "never")),
        ("last used", moment(key.last_used_at, now, "never")),
        ("created", moment(key.created_at, now) + (f" by {key.created_by}" if key.created_by else "")),
    ]
    if key.updated_at is not None and key.updated_at != key.created_at:
        lines.append(("changed", moment(key.updated_at, now)))
    if key.revoked_at is not None:
        by = f" by {key.revoked_by}" if key.revoked_by else ""
        lines.append(("revoked", moment(key.revoked_at, now) + by))
        lines.append(("why", key.revoke_reason or "nobody said"))
    if key.replaced_by is not None:
        lines.append(("replaced by", str(key.replaced_by)))
    if key.is_predictable:
        lines.append(("▲", "A script made it out of the name of an environment: anybody can guess it."))
    lines += [("id", str(key.id)), ("owner's id", str(key.user_id))]
    return (
        Section("", tuple(lines)),
        Section("may do", (("scopes", " ".join(key.scopes) or "nothing"), ("", as_json(key.permissions)))),
        Section("history", _history(history)),
    )


def _history(history: Sequence[TrailEntry] | None) -> tuple[tuple[str, str | Content], ...]:
    if history is None:
        return (("", "There is no audit trail here."),)
    if not history:
        return (("", "The audit trail has nothing about it."),)
    return tuple(
        (
            f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}",
            f"{entry.action}  by {entry.by}  {one_line(entry.details)}",
        )
        for entry in history
    )
