"""Users, their API keys and sessions, and the trail of what was done to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import SecretStr

from console.models.health import Vitals
from console.models.operation import Operation

R = TypeVar("R")


# Without slots: a frozen class with both slots and a type parameter cannot be called as Page[Row](…).
@dataclass(frozen=True)
class Page(Generic[R]):
    """Some rows of a list in its order, and how to go on from them. No list is ever read as a whole."""

    rows: tuple[R, ...]
    before: tuple[Any, ...] | None
    """What the page before ends below; None on the first page."""
    after: tuple[Any, ...] | None
    """What the next page begins above; None on the last one."""
    estimate: int | None
    """How many there are in all, as the planner estimates it; None where it does not know."""


class UserState(Enum):
    """What has become of a user; the value is what is shown."""

    ACTIVE = "active"
    INACTIVE = "deactivated"
    DELETED = "deleted"
    """Kept, but with `deleted_at`: can be restored."""


@dataclass(frozen=True, slots=True)
class User:
    """A user. What an installation has no column for is None."""

    id: UUID
    email: str | None
    username: str | None
    name: str | None
    phone_number: str | None
    status: str | None
    is_active: bool
    has_password: bool
    last_login_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None
    """What an edit compares, so that nobody's change is overwritten unseen."""
    deleted_at: datetime | None

    @property
    def state(self) -> UserState:
        """What has become of it."""
        if self.deleted_at is not None:
            return UserState.DELETED
        return UserState.ACTIVE if self.is_active else UserState.INACTIVE

    @property
    def label(self) -> str:
        """What a person knows it by: e-mail, else username, telephone, name."""
        return self.email or self.username or self.phone_number or self.name or str(self.id)


@dataclass(frozen=True, slots=True)
class UserDraft:
    """What a person has typed about a user; None leaves a column as it is, "" empties it."""

    email: str | None = None
    username: str | None = None
    name: str | None = None
    phone_number: str | None = None
    status: str | None = None


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


@dataclass(frozen=True, slots=True)
class LoginSession:
    """Somebody's login. Of its token nothing but the beginning is ever read."""

    id: UUID
    user_id: UUID | None
    user: str
    token_beginning: str
    created_at: datetime | None
    expires_at: datetime | None
    last_activity: datetime | None
    ip_address: str | None
    user_agent: str | None
    is_active: bool

    def is_open(self, now: datetime) -> bool:
        """Whether somebody is logged in with it."""
        return self.is_active and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True, slots=True)
class Project:
    """A project that a user owns."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class UserDetail:
    """A user with all that hangs on it; of each list the newest few."""

    user: User
    keys: tuple[ApiKey, ...]
    sessions: tuple[LoginSession, ...]
    projects: tuple[Project, ...]
    actions: tuple[TrailEntry, ...]
    """What was last done to it or by it."""


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """A row of the audit trail."""

    id: UUID
    sequence: int | None
    """None in an installation whose trail is no chain."""
    at: datetime
    action: str
    resource_type: str | None
    resource_id: UUID | None
    user_id: UUID | None
    details: Mapping[str, Any]
    ip_address: str | None
    hash: str | None
    prev_hash: str | None

    @property
    def by(self) -> str:
        """Who did it, as the row says."""
        return str(self.details.get("by") or self.user_id or "–")


@dataclass(frozen=True, slots=True)
class TrailFilter:
    """Which rows of the trail are wanted; all that is given has to hold."""

    person: str = ""
    """In `by`, or the user's id."""
    action: str = ""
    """How the action begins: "api_key", "user.create"."""
    resource: str = ""
    """Its type, or its id."""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChainState:
    """Whether the trail is whole."""

    is_chain: bool
    """Whether its rows are chained at all."""
    rows: int
    first_sequence: int | None
    last_sequence: int | None
    newest_hash: str | None
    """To be kept elsewhere: whoever can rewrite the table can rewrite the chain, but not what was kept."""
    broken_at: int | None
    """The sequence number of the first row that does not fit; None where the chain is whole."""
    sentence: str
    verified_at: datetime | None = None
    """When that was looked at, by the console's clock: what came later is not covered."""
    expected_hash_found: bool | None = None
    """Whether the hash that was kept elsewhere is in the trail; None where none was given."""

    @property
    def is_whole(self) -> bool:
        """Whether it is a chain, nothing in it is broken, and what was kept elsewhere is there."""
        return self.is_chain and self.broken_at is None and self.expected_hash_found is not False


@dataclass(frozen=True, slots=True)
class Retention(Operation):
    """Letting go of the old end of the trail, as it is shown before."""

    rows: int
    """How many go."""
    through: int | None
    """The sequence number of the last one that goes; None where the trail is no chain."""
    until: datetime
    """When that one was written."""


@dataclass(frozen=True, slots=True)
class Tables:
    """Which tables there are, as far as a person has to know."""

    users: str | None
    """With its schema: "arxos_core.users"; None where there is none. Likewise the others."""
    keys: str | None
    sessions: str | None
    trail: str | None
    has_chain: bool
    notes: tuple[str, ...] = ()
    """What cannot be done for lack of a table or a column, with the migration that brings it, a sentence each."""


@dataclass(frozen=True, slots=True)
class AccountsSnapshot:
    """What is always in sight on the screen Accounts."""

    at: datetime
    server_ms: float
    tables: Tables
    estimates: Mapping[str, int | None]
    """Rows by the table's name in the platform ("users", "api_keys" …), as the planner estimates them."""
    vitals: Vitals | None


@dataclass(frozen=True, slots=True)
class BulkProgress:
    """How far a change of many rows has got."""

    done: int
    total: int
    sentence: str = ""
    failed: Sequence[str] = field(default_factory=tuple)
