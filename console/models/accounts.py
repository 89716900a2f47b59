"""Users, their sessions, and the trail of what was done to them and to their API keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Generic, TypeVar
from uuid import UUID

from console.models.api_keys import ApiKey
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
