"""What the table of roles shows of a role."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from console.clock import Clock
from console.models.roles import Role
from console.screens.accounts_columns import until, utc
from console.units import UNKNOWN, count
from console.widgets.columns import Cell, Column
from console.widgets.tones import Tone


def role_columns(clock: Clock) -> tuple[Column[Role], ...]:
    """Who, what it is, what it belongs to, and until when."""
    return (
        Column("role", "role", lambda role: role.name, 16, 14, flexible=True, sort=lambda role: role.name, priority=9),
        Column("kind", "kind", kind, 12, 9, sort=lambda role: kind(role)[0], priority=8),
        Column("attributes", "attributes", attributes, 24, 12, priority=4),
        Column(
            "groups", "member of", lambda role: " ".join(one.group for one in role.memberships) or UNKNOWN, 20, 10,
            sort=lambda role: len(role.memberships), descending_first=True, priority=5,
        ),
        Column(
            "valid", "valid until", lambda role: validity(role, clock.now()), 12, 11, sort=lambda role: role.valid_until,
            priority=6, exact=lambda role: utc(role.valid_until),
        ),
        Column(
            "connections", "now", _connections, 6, align="right", priority=7,
            sort=lambda role: role.connections, descending_first=True, exact=lambda role: str(role.connections),
        ),
        Column(
            "limit", "limit", lambda role: count(role.connection_limit) if role.connection_limit is not None else "none",
            6, align="right", sort=lambda role: role.connection_limit, priority=3,
            exact=lambda role: "" if role.connection_limit is None else str(role.connection_limit),
        ),
        Column("password", "password", password, 10, 8, priority=2),
    )  # fmt: skip


def kind(role: Role) -> tuple[str, Tone]:
    """What it is in the first place."""
    if role.is_superuser:
        return "◆ superuser", "danger"
    if role.can_login:
        return "● login", "success"
    return "○ group", "muted"


def attributes(role: Role) -> str:
    """What it may do that most may not, as words."""
    words = {
        "creates roles": role.creates_roles,
        "creates databases": role.creates_databases,
        "replicates": role.replicates,
        "bypasses row security": role.bypasses_row_security,
        "does not inherit": not role.inherits,
    }
    return " · ".join(word for word, is_so in words.items() if is_so) or UNKNOWN


def has_ended(role: Role, now: datetime) -> bool:
    """Whether no password of it is taken any more."""
    return role.valid_until is not None and role.valid_until <= now


def validity(role: Role, now: datetime) -> Cell:
    """Until when a password of it is taken."""
    if has_ended(role, now):
        return f"▲ {until(role.valid_until, now)}", "warning"
    return until(role.valid_until, now)


def _connections(role: Role) -> Cell:
    limit = role.connection_limit
    is_full = limit is not None and limit > 0 and role.connections >= limit
    return (count(role.connections), "warning") if is_full else count(role.connections)


def password(role: Role) -> Cell:
    """Whether it has one, and whether that is kept as it should be."""
    if role.has_md5_password:
        return "▲ MD5", "warning"
    if role.has_password is None:
        return UNKNOWN
    return "set" if role.has_password else ("none", "muted")


def role_tone(clock: Clock) -> Callable[[Role], Tone | None]:
    """Who is not let in with a password stands back."""
    return lambda role: "muted" if role.is_predefined or has_ended(role, clock.now()) else None
