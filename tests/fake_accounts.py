"""Users, login sessions and an audit trail from memory, as they are at three in the morning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from pydantic import SecretStr

from console.errors import OperationRefused
from console.models.accounts import (
    AccountsSnapshot,
    ChainState,
    LoginSession,
    Page,
    Project,
    Retention,
    Tables,
    TrailEntry,
    TrailFilter,
    User,
    UserDetail,
    UserDraft,
    UserState,
)
from console.models.health import Vitals
from console.models.operation import Danger, Operation, Outcome
from tests.fake_keys import FakeKeys, api_key

R = TypeVar("R")

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
NO_TABLES = Tables(None, None, None, None, has_chain=False)
OLD_TABLES = Tables(
    "public.users",
    "public.api_keys",
    "public.sessions",
    "public.audit_logs",
    has_chain=False,
    notes=(
        "public.api_keys has no revoked_at, key_prefix: the migration core_0003 brings what needs them.",
        "The rows of public.audit_logs are not chained; core_0004 brings that.",
    ),
)


def accounts_snapshot(tables: Tables | None = None, vitals: Vitals | None = None) -> AccountsSnapshot:
    """A platform with some hundred users."""
    names = ("arxos_core.users", "arxos_core.api_keys", "arxos_core.sessions", "arxos_core.audit_logs")
    estimates = {"users": 412, "api_keys": 3204, "sessions": 188, "audit_logs": 48_113}
    return AccountsSnapshot(
        NOW,
        0.4,
        tables or Tables(*names, has_chain=True),
        {} if tables == NO_TABLES else estimates,
        vitals,
    )


def user(number: int, name: str = "Ada Lovelace", **changes: Any) -> User:
    """An active user; `changes` are other fields of `User`."""
    word = name.split()[0].lower()
    return replace(
        User(
            id=UUID(int=1000 + number),
            email=f"{word}@example.com",
            username=word,
            name=name,
            phone_number=None,
            status="active",
            is_active=True,
            has_password=True,
            last_login_at=NOW - timedelta(hours=2 * number + 1),
            created_at=NOW - timedelta(days=40 + number),
            updated_at=NOW - timedelta(days=3),
            deleted_at=None,
        ),
        **changes,
    )


USERS = (
    user(1),
    user(2, "Alan Turing", is_active=False),
    user(3, "Barbara Liskov", deleted_at=NOW - timedelta(days=2)),
    user(4, "[red]Hostile[/] \x1b]0;title\x07", email="hostile@example.com", username="'; DROP--"),
    user(5, "Grace Hopper", last_login_at=None, has_password=False),
    user(6, "漢字 ナメ 😀", email="kanji@example.com", username="漢字"),
    *(user(n, f"Member{n:03} Ofmany") for n in range(7, 240)),
)

SESSIONS = (
    LoginSession(
        UUID(int=1), USERS[0].id, "ada@example.com", "sess_9", NOW - timedelta(hours=3), NOW + timedelta(days=6),
        NOW - timedelta(minutes=4), "10.0.0.7", "Mozilla/5.0 (X11; Linux x86_64)", True,
    ),
    LoginSession(
        UUID(int=2), USERS[0].id, "ada@example.com", "sess_2", NOW - timedelta(days=9), NOW - timedelta(days=2),
        NOW - timedelta(days=3), "2001:db8::17", "curl/8.5.0", True,
    ),
    LoginSession(
        UUID(int=3), USERS[4].id, "grace@example.com", "sess_7", NOW - timedelta(hours=1), None,
        NOW - timedelta(minutes=1), None, "dbc-cli \x1b[31m1.2", True,
    ),
    LoginSession(
        UUID(int=4), None, "–", "sess_0", None, None, None, "10.0.0.9", None, False,
    ),
)  # fmt: skip


def entry(sequence: int, action: str, kind: str, **details: Any) -> TrailEntry:
    """A row of the trail, an hour after the one before."""
    return TrailEntry(
        id=UUID(int=sequence),
        sequence=sequence,
        at=NOW - timedelta(hours=200 - sequence),
        action=action,
        resource_type=kind,
        resource_id=UUID(int=0xAB << 96 | sequence),
        user_id=None,
        details={"by": "ops@bastion", "role": "dba", **details},
        ip_address=None,
        hash=f"{sequence:064x}",
        prev_hash=f"{sequence - 1:064x}",
    )


TRAIL = (
    entry(200, "user.update", "users", before={"name": "Ada", "status": "active"}, after={"name": "Ada Lovelace", "status": "active"}),
    entry(199, "user.deactivate", "users", before={"is_active": True}, after={"is_active": False}),
    entry(198, "api_key.revoke", "api_keys", reason="[b]leaked[/] \x1b[31m", before={"is_active": True}, after={"is_active": False}),
    *(entry(197 - n, "api_key.create", "api_keys", after={"name": f"ci-{n}"}) for n in range(197)),
)  # fmt: skip


def operation(title: str, name: str, action: str = "Do it", danger: Danger = Danger.NOTICEABLE) -> Operation:
    """Something that is to be confirmed."""
    return Operation(
        title,
        action,
        name,
        ("UPDATE arxos_core.users SET … WHERE id = …",),
        (f"{name}: as it says.",),
        danger,
    )


def paged(rows: Sequence[R], after: Any, before: Any, size: int) -> Page[R]:
    """A page of rows in memory; positions are numbers of rows."""
    start = after[0] if after else max(0, before[0] - size) if before else 0
    shown = tuple(rows[start : start + size])
    return Page(
        shown,
        (start,) if start else None,
        (start + size,) if start + size < len(rows) else None,
        412,
    )


class FakeUsers:
    """Does what it is told, in memory; `refusal` is said instead, once."""

    def __init__(self) -> None:
        self.rows: list[User] = list(USERS)
        self.asked: list[str] = []
        """What was searched for."""
        self.done: list[tuple[str, object]] = []
        self.refusal: str | None = None

    async def page(
        self,
        search: str = "",
        state: UserState | None = None,
        after: Any = None,
        before: Any = None,
        size: int = 50,
    ) -> Page[User]:
        self.asked.append(search)
        rows = [
            one
            for one in self.rows
            if search.casefold() in f"{one.email} {one.username} {one.name}".casefold()
            and state in (None, one.state)
        ]
        return paged(rows, after, before, size)

    async def detail(self, user_id: UUID) -> UserDetail:
        one = next(row for row in self.rows if row.id == user_id)
        return UserDetail(
            one,
            (
                api_key("ci-deploy"),
                api_key("old [b]admin[/]", 2, permissions={"admin": True}, expires_at=None),
            ),
            SESSIONS[:2],
            (Project(UUID(int=7), "Tower B"),),
            TRAIL[:3],
        )

    def _put(self, what: str, one: User, **changes: Any) -> User:
        if self.refusal is not None:
            refusal, self.refusal = self.refusal, None
            raise OperationRefused(refusal)
        changed = replace(one, **changes)
        self.done.append((what, changed))
        self.rows = [changed if row.id == one.id else row for row in self.rows]
        return changed

    async def create_operation(self, draft: UserDraft) -> Operation:
        return operation("Create a user", str(draft.email), "Create")

    async def create(self, operation: Operation, draft: UserDraft) -> User:
        made = user(
            999, draft.name or "Somebody", email=draft.email, username=draft.username, has_password=False
        )
        made = self._put("create", made)
        self.rows.insert(0, made)
        return made

    async def edit_operation(self, user: User, draft: UserDraft) -> Operation:
        return operation(f"Change {user.label}", user.label, "Change")

    async def edit(self, operation: Operation, user: User, draft: UserDraft) -> User:
        fields = ("email", "username", "name", "phone_number", "status")
        changes = {name: getattr(draft, name) for name in fields if getattr(draft, name) is not None}
        return self._put("edit", user, **changes)

    async def deactivate_operation(self, user: User) -> Operation:
        return operation(f"Deactivate {user.label}", user.label, "Deactivate")

    async def deactivate(self, operation: Operation, user: User) -> User:
        return self._put("deactivate", user, is_active=False)

    async def reactivate_operation(self, user: User) -> Operation:
        return operation(f"Reactivate {user.label}", user.label, "Reactivate")

    async def reactivate(self, operation: Operation, user: User) -> User:
        return self._put("reactivate", user, is_active=True)

    async def delete_operation(self, user: User) -> Operation:
        return operation(f"Delete {user.label}", user.label, "Delete", Danger.DESTRUCTIVE)

    async def delete(self, operation: Operation, user: User) -> User:
        return self._put("delete", user, deleted_at=NOW)

    async def restore_operation(self, user: User) -> Operation:
        return operation(f"Restore {user.label}", user.label, "Restore")

    async def restore(self, operation: Operation, user: User) -> User:
        return self._put("restore", user, deleted_at=None)

    async def set_password_operation(self, user: User) -> Operation:
        return operation(f"Set a password for {user.label}", user.label, "Set")

    async def set_password(self, operation: Operation, user: User, password: SecretStr) -> User:
        self.done.append(("password", password.get_secret_value()))
        return user


class FakeSessions:
    """Ends what it is told to."""

    def __init__(self) -> None:
        self.rows: list[LoginSession] = list(SESSIONS)
        self.ended: list[object] = []

    async def page(
        self, search: str = "", open_only: bool = False, after: Any = None, before: Any = None, size: int = 50
    ) -> Page[LoginSession]:
        rows = [one for one in self.rows if search in f"{one.user} {one.ip_address}"]
        return paged([one for one in rows if not open_only or one.is_open(NOW)], after, before, size)

    async def revoke_operation(self, session: LoginSession) -> Operation:
        return operation(f"End a session of {session.user}", session.user, "End it")

    async def revoke(self, operation: Operation, session: LoginSession) -> Outcome:
        self.ended.append(session.id)
        self._end([session.id])
        return Outcome(session.user, True, f"A session of {session.user} has ended.")

    async def revoke_all_operation(self, user_id: UUID) -> Operation:
        return operation("End every session", "all sessions", "End them", Danger.DESTRUCTIVE)

    async def revoke_all(self, operation: Operation, user_id: UUID) -> Outcome:
        self.ended.append(user_id)
        self._end([one.id for one in self.rows if one.user_id == user_id])
        return Outcome("all sessions", True, "Every session has ended.")

    def _end(self, ids: Iterable[UUID]) -> None:
        self.rows = [replace(one, is_active=False) if one.id in ids else one for one in self.rows]


class FakeTrail:
    """A trail that is whole, unless `broken_at` says where it is not."""

    def __init__(self) -> None:
        self.filters: list[TrailFilter] = []
        self.broken_at: int | None = None
        self.retained = 0

    async def page(
        self,
        filter: TrailFilter,
        after: Any = None,
        before: Any = None,
        size: int = 50,
    ) -> Page[TrailEntry]:
        self.filters.append(filter)
        rows = [row for row in TRAIL if row.action.startswith(filter.action)]
        return paged(rows, after, before, size)

    async def newest(self) -> TrailEntry | None:
        return TRAIL[0]

    async def verify(self, expected_hash: str | None = None) -> ChainState:
        sentence = (
            f"The chain breaks at row {self.broken_at}: it was changed after it was written."
            if self.broken_at
            else "The chain is whole: 48,113 rows from 1 on."
        )
        return ChainState(True, 48_113, 1, 48_113, TRAIL[0].hash, self.broken_at, sentence)

    async def retention_operation(self) -> Retention:
        return Retention(
            "Let go of 20 rows of the audit trail, older than 90 days",
            "Remove",
            "arxos_core.audit_logs",
            ("DELETE FROM arxos_core.audit_logs WHERE sequence <= 20",),
            ("20 rows are lost for good.",),
            Danger.DESTRUCTIVE,
            20,
            20,
            NOW - timedelta(days=90),
        )

    async def retain(self, operation: Retention) -> Outcome:
        self.retained += 1
        return Outcome(operation.object_name, True, f"{operation.title}: done.")


class FakeAccounts:
    """What the screen Accounts asks."""

    def __init__(self) -> None:
        self.users = FakeUsers()
        self.sessions = FakeSessions()
        self.trail = FakeTrail()
        self.keys = FakeKeys()
