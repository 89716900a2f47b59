"""API keys: what each may do, which are wanted, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from console.models.operation import Operation


class KeyState(Enum):
    """Whether a key opens anything; the value is what is shown."""

    ACTIVE = "active"
    REVOKED = "revoked"
    EXPIRED = "expired"
    INACTIVE = "switched off"
    """`is_active` is false, and nobody says who revoked it."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key, of which nobody keeps more than the SHA-256. What an installation has no column for is None."""

    id: UUID
    user_id: UUID
    owner: str
    """The owner's e-mail, or what else a person knows the owner by."""
    owner_is_active: bool
    prefix: str | None
    """Its beginning, to recognise it by."""
    name: str | None
    permissions: Any
    """The JSON, as it is."""
    environment: str | None
    is_active: bool
    expires_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime | None
    created_by: str | None
    updated_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None
    revoke_reason: str | None
    replaced_by: UUID | None
    is_predictable: bool = False
    """Whether it is one that a script made out of the name of an environment."""

    def state(self, now: datetime) -> KeyState:
        """Whether it opens anything."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        if not self.is_active:
            return KeyState.INACTIVE
        if self.expires_at is not None and self.expires_at <= now:
            return KeyState.EXPIRED
        return KeyState.ACTIVE

    @property
    def scopes(self) -> tuple[str, ...]:
        """What it may do, as a list; see `scopes_of`."""
        return scopes_of(self.permissions)

    @property
    def is_admin(self) -> bool:
        """Whether it may do everything."""
        return is_admin(self.permissions)


def scopes_of(permissions: Any) -> tuple[str, ...]:
    """The scopes in a `permissions` document: `{"admin": true}`, `{"scopes": ["read"]}` and `["read"]` are understood."""
    if isinstance(permissions, list):
        return tuple(str(scope) for scope in permissions)
    if isinstance(permissions, Mapping):
        listed = permissions.get("scopes")
        named = [name for name, value in permissions.items() if value is True]
        return (*named, *(map(str, listed) if isinstance(listed, list) else ()))
    return ()


def is_admin(permissions: Any) -> bool:
    """Whether a `permissions` document allows everything."""
    return any(scope in ("admin", "*") for scope in scopes_of(permissions))


EVERYTHING = "admin (everything)"
"""How the scope that allows everything is written in sentences."""
_SAID_SCOPES = 8


def scopes_in_words(permissions: Any) -> str:
    """The scopes of a `permissions` document as every sentence has them; what is too long is cut."""
    if is_admin(permissions):
        return EVERYTHING
    scopes = scopes_of(permissions)
    return f"{', '.join(scopes[:_SAID_SCOPES])}{' …' if len(scopes) > _SAID_SCOPES else ''}" or "none"


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """Which keys are wanted; all that is given has to hold."""

    search: str = ""
    """Words in prefix, name or owner's e-mail; three characters at least, fewer find nothing."""
    user_id: UUID | None = None
    state: KeyState | None = None
    expires_within: timedelta | None = None
    never_used: bool = False
    unused_for: timedelta | None = None
    admin: bool = False
    never_expires: bool = False


@dataclass(frozen=True, slots=True)
class KeyDraft:
    """A key that is to be made."""

    user_id: UUID
    name: str
    scopes: tuple[str, ...] = ()
    permissions: Any = None
    """Raw JSON in the place of `scopes`; None where there are scopes."""
    expires_at: datetime | None = None
    environment: str | None = None


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A key that was just made: the only moment that it can be seen."""

    key: SecretStr
    row: ApiKey
    replaces: ApiKey | None = None
    """The key that it follows, as it is now, where it was rotated."""


@dataclass(frozen=True, slots=True)
class BulkRevocation:
    """Many keys that are to be revoked, as they were when a person looked; to be confirmed."""

    operation: Operation
    keys: tuple[UUID, ...]
    reason: str
    owners: tuple[tuple[str, int], ...]
    """Whose they are and how many of each, the most first; the first few owners."""
    owner_count: int
    last_used: tuple[ApiKey, ...]
    """Those that were used last, the last first; a few."""
    used_count: int
    """How many of them were ever used."""


class KeyFindingKind(Enum):
    """What is wrong with a key; the value is what is shown."""

    PREDICTABLE = "predictable"
    ADMIN_WITHOUT_EXPIRY = "admin, never expires"
    OWNER_INACTIVE = "owner deactivated or deleted"
    STALE = "long unused"
    DUPLICATE = "same name and owner"


@dataclass(frozen=True, slots=True)
class KeyFinding:
    """Something that the audit of keys has found."""

    kind: KeyFindingKind
    key: ApiKey
    sentence: str


@dataclass(frozen=True, slots=True)
class CutFindings:
    """More of a kind was found than is shown."""

    kind: KeyFindingKind
    shown: int
    found: int
    """How many there are, as far as they were counted."""
    is_counted: bool
    """Whether they were counted to the end."""

    @property
    def sentence(self) -> str:
        """How many are shown of how many, without a full stop."""
        at_least = "" if self.is_counted else "at least "
        return f"{self.kind.value}: the first {self.shown:,} of {at_least}{self.found:,}"


@dataclass(frozen=True, slots=True)
class KeyFindings:
    """What the audit of keys has found, the most severe first."""

    rows: tuple[KeyFinding, ...]
    cut: tuple[CutFindings, ...] = ()
    """The kinds of which there are more than `rows` has."""


@dataclass(frozen=True, slots=True)
class KeyVerdict:
    """What is to be said of a key that somebody has pasted."""

    is_well_formed: bool
    """Told offline, by its form and its checksum; an older installation's keys may be known all the same."""
    key: ApiKey | None
    """The row with its hash, None where it is unknown."""
    state: KeyState | None
    sentence: str
