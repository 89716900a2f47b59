"""What the tables of users, login sessions and the audit trail show of a row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from console.clock import Clock
from console.models.accounts import LoginSession, TrailEntry, User, UserState
from console.units import UNKNOWN, duration
from console.widgets.columns import Cell, Column
from console.widgets.tones import Tone

SAID_ELSEWHERE = ("by", "role")
"""Details of a row of the trail that other columns have, or everybody knows."""

_USER_STATES: dict[UserState, Cell] = {
    UserState.ACTIVE: ("● active", "success"),
    UserState.INACTIVE: ("▲ deactivated", "warning"),
    UserState.DELETED: ("◆ deleted", "danger"),
}


def ago(at: datetime | None, now: datetime, never: str = UNKNOWN) -> str:
    """How long ago something was: `41 d ago`."""
    return never if at is None else f"{duration((now - at).total_seconds())} ago"


def until(at: datetime | None, now: datetime) -> str:
    """How far off something is: `in 3 d`, `2h05m ago`, `never`."""
    if at is None:
        return "never"
    return f"in {duration((at - now).total_seconds())}" if at > now else ago(at, now)


def utc(at: datetime | None) -> str:
    """A moment for an export."""
    return "" if at is None else at.isoformat()


def user_columns(clock: Clock) -> tuple[Column[User], ...]:
    """E-mail first: it is what a person is looked for by."""
    return (
        Column("email", "e-mail", lambda user: user.email or UNKNOWN, 24, flexible=True, priority=5),
        Column("username", "username", lambda user: user.username or UNKNOWN, 16, 8, priority=2),
        Column("name", "name", lambda user: user.name or UNKNOWN, 24, 10, priority=3),
        Column("state", "state", lambda user: _USER_STATES[user.state], 13, priority=4),
        Column(
            "login", "last login", lambda user: ago(user.last_login_at, clock.now(), "never"), 11, align="right",
            priority=3, exact=lambda user: utc(user.last_login_at),
        ),
        Column(
            "created", "created", lambda user: ago(user.created_at, clock.now()), 11, align="right", priority=1,
            exact=lambda user: utc(user.created_at),
        ),
    )  # fmt: skip


def user_tone(user: User) -> Tone | None:
    """Who may come in stands out from who may not."""
    return None if user.state is UserState.ACTIVE else "muted"


def session_columns(clock: Clock) -> tuple[Column[LoginSession], ...]:
    """Whose, from where, and for how long still."""
    return (
        Column("user", "user", lambda session: session.user, 20, flexible=True, priority=5),
        Column("state", "state", lambda session: session_state(session, clock.now()), 11, priority=4),
        Column("address", "address", lambda session: session.ip_address or UNKNOWN, 15, 9, priority=4),
        Column(
            "activity", "last active", lambda session: ago(session.last_activity, clock.now()), 11, align="right",
            priority=3, exact=lambda session: utc(session.last_activity),
        ),
        Column(
            "expires", "expires", lambda session: until(session.expires_at, clock.now()), 11, align="right",
            priority=3, exact=lambda session: utc(session.expires_at),
        ),
        Column(
            "opened", "opened", lambda session: ago(session.created_at, clock.now()), 11, align="right", priority=2,
            exact=lambda session: utc(session.created_at),
        ),
        Column("agent", "agent", lambda session: session.user_agent or UNKNOWN, 28, 8, priority=1),
    )  # fmt: skip


def session_state(session: LoginSession, now: datetime) -> Cell:
    """Whether somebody is logged in with it, in a word and a glyph."""
    if session.is_open(now):
        return "● open", "success"
    return ("○ expired", "muted") if session.is_active else ("○ ended", "muted")


def trail_columns() -> tuple[Column[TrailEntry], ...]:
    """When, who, what, on which, and in short how."""
    return (
        Column("at", "time", lambda entry: f"{entry.at.astimezone():%Y-%m-%d %H:%M}", 16, priority=5, exact=lambda entry: utc(entry.at)),
        Column("by", "who", lambda entry: entry.by, 17, 11, priority=3),
        Column("action", "action", lambda entry: entry.action, 20, 14, priority=4),
        Column("object", "object", object_of, 18, 8, priority=2),
        Column("details", "details", lambda entry: one_line(entry.details), 12, flexible=True, priority=2),
    )  # fmt: skip


def object_of(entry: TrailEntry) -> str:
    """What was changed: its kind and the beginning of its id."""
    if entry.resource_type is None:
        return UNKNOWN
    return entry.resource_type + (f" {str(entry.resource_id)[:8]}" if entry.resource_id else "")


def one_line(details: Mapping[str, Any]) -> str:
    """The details in short: what is said elsewhere is left out, and of a change what was different before."""
    said = {name: value for name, value in details.items() if name not in SAID_ELSEWHERE}
    before, after = said.pop("before", None), said.pop("after", None)
    parts = [f"{name}: {_short(value)}" for name, value in said.items()]
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        changes = [
            f"{name}: {_short(before.get(name))} → {_short(value)}"
            for name, value in after.items()
            if before.get(name) != value
        ]
        return "  ".join([*changes, *parts])
    whole = before if after is None else after
    if isinstance(whole, Mapping):
        parts = [*(f"{name}: {_short(value)}" for name, value in whole.items()), *parts]
    return "  ".join(parts)


def _short(value: Any) -> str:
    if value is None:
        return UNKNOWN
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
