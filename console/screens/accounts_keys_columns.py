"""What the tables of API keys and of what is wrong with them show of a row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from console.clock import Clock
from console.models.api_keys import ApiKey, KeyFinding, KeyFindingKind, KeyState
from console.screens.accounts_columns import ago, until, utc
from console.units import UNKNOWN
from console.widgets.columns import Cell, Column
from console.widgets.tones import Tone

SOON = timedelta(days=7)
"""A key that ends before then is to be replaced now."""

_STATES: dict[KeyState, tuple[str, Tone]] = {
    KeyState.ACTIVE: ("● active", "success"),
    KeyState.REVOKED: ("◆ revoked", "muted"),
    KeyState.EXPIRED: ("○ expired", "muted"),
    KeyState.INACTIVE: ("○ off", "muted"),
}

FINDINGS = tuple(KeyFindingKind)
"""From the worst on."""

_GRAVE = (KeyFindingKind.PREDICTABLE, KeyFindingKind.ADMIN_WITHOUT_EXPIRY)


def key_columns(clock: Clock) -> tuple[Column[ApiKey], ...]:
    """Which key, whose, what it may do, and whether it still should."""
    return (
        Column("key", "key", beginning, 24, 22, priority=9, exact=lambda key: key.prefix or ""),
        Column("name", "name", lambda key: key.name or "(unnamed)", 18, 9, priority=7),
        Column("owner", "owner", lambda key: key.owner, 18, 13, flexible=True, priority=8),
        Column("scopes", "scopes", _scopes, 16, 9, priority=4, exact=lambda key: " ".join(key.scopes)),
        _time("created", "created", lambda key: key.created_at, 2, clock),
        _time("used", "last used", lambda key: key.last_used_at, 5, clock, "never"),
        Column(
            "expires", "expires", lambda key: expiry(key, clock.now()), 10, 9, align="right", priority=6,
            exact=lambda key: utc(key.expires_at),
        ),
        Column("state", "state", lambda key: key_state(key, clock.now()), 9, priority=8),
        Column("notes", "notes", lambda key: remarks(key, clock.now()), 40, 20, priority=3),
    )  # fmt: skip


def _time(
    key: str,
    title: str,
    value: Callable[[ApiKey], datetime | None],
    priority: int,
    clock: Clock,
    never: str = UNKNOWN,
) -> Column[ApiKey]:
    return Column(
        key,
        title,
        lambda row: ago(value(row), clock.now(), never),
        10,
        9,
        align="right",
        priority=priority,
        exact=lambda row: utc(value(row)),
    )


def beginning(key: ApiKey) -> str:
    """What a key is recognised by."""
    return f"{key.prefix}…" if key.prefix else f"{str(key.id)[:8]} (id)"


def _scopes(key: ApiKey) -> Cell:
    if key.is_admin:
        return " ".join(key.scopes), "warning"
    return " ".join(key.scopes) or ("none", "muted")


def expiry(key: ApiKey, now: datetime) -> Cell:
    """How long it goes on working; what nears its end stands out, and what has none."""
    words = until(key.expires_at, now)
    if key.state(now) is not KeyState.ACTIVE:
        return words, "muted"
    if key.expires_at is None:
        return words, "warning" if key.is_admin else "muted"
    return (words, "warning") if key.expires_at - now <= SOON else words


def key_state(key: ApiKey, now: datetime) -> tuple[str, Tone]:
    """Whether it opens anything, in a word and a glyph."""
    return _STATES[key.state(now)]


def remarks(key: ApiKey, now: datetime) -> tuple[str, Tone]:
    """What a person should not overlook; of a key that opens nothing any more, only what became of it."""
    if key.state(now) is not KeyState.ACTIVE:
        return ("replaced" if key.replaced_by else key.revoke_reason or ""), "muted"
    words = []
    if key.is_predictable:
        words.append("◆ predictable")
    if not key.owner_is_active:
        words.append("▲ owner deactivated")
    if key.is_admin:
        words.append("▲ admin")
    if key.expires_at is None:
        words.append("never expires")
    elif key.expires_at - now <= SOON:
        words.append("▲ expires soon")
    if key.replaced_by is not None:
        words.append("replaced")
    return " · ".join(words), _gravest(words)


def _gravest(words: list[str]) -> Tone:
    glyphs = {word[0] for word in words}
    return "danger" if "◆" in glyphs else "warning" if "▲" in glyphs else "muted"


def key_tone(clock: Clock) -> Callable[[ApiKey], Tone | None]:
    """What opens something stands out from what does not, and most of all what anybody could guess."""

    def tone(key: ApiKey) -> Tone | None:
        if key.state(clock.now()) is not KeyState.ACTIVE:
            return "muted"
        return "danger" if key.is_predictable else None

    return tone


def finding_columns(clock: Clock) -> tuple[Column[KeyFinding], ...]:
    """What is wrong first, then with which key."""
    return (
        Column(
            "finding", "finding", lambda found: (found.kind.value, finding_tone(found)), 27, 16, priority=9,
            sort=lambda found: FINDINGS.index(found.kind),
        ),
        Column("key", "key", lambda found: beginning(found.key), 24, 22, priority=8, sort=lambda found: found.key.prefix),
        Column("name", "name", lambda found: found.key.name or "(unnamed)", 18, 10, priority=5, sort=lambda found: found.key.name),
        Column("owner", "owner", lambda found: found.key.owner, 24, 12, priority=6, sort=lambda found: found.key.owner),
        Column(
            "used", "last used", lambda found: ago(found.key.last_used_at, clock.now(), "never"), 11, 9, align="right",
            priority=4, sort=lambda found: found.key.last_used_at, exact=lambda found: utc(found.key.last_used_at),
        ),
        Column("sentence", "what is wrong", lambda found: found.sentence, 60, 20, flexible=True, priority=7),
    )  # fmt: skip


def finding_tone(found: KeyFinding) -> Tone:
    """How bad it is."""
    return "danger" if found.kind in _GRAVE else "warning"
