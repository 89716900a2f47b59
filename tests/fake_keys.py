"""API keys from memory, as they are at three in the morning."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from console.data.keys import is_well_formed, make_key
from console.errors import OperationRefused
from console.models.accounts import BulkProgress, Page
from console.models.api_keys import (
    ApiKey,
    BulkRevocation,
    CreatedKey,
    CutFindings,
    KeyDraft,
    KeyFilter,
    KeyFinding,
    KeyFindingKind,
    KeyFindings,
    KeyState,
    KeyVerdict,
)
from console.models.operation import Danger, Operation, Outcome

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
HOSTILE = "[@click=app.quit]old[/] \x1b]0;title\x07\u202e 漢字"


def api_key(name: str | None = "ci-deploy", number: int = 1, **changes: Any) -> ApiKey:
    """An active key that was made 41 days ago; `changes` are other fields of `ApiKey`."""
    return replace(
        ApiKey(
            id=UUID(int=number),
            user_id=UUID(int=1000 + number),
            owner="ops@example.com",
            owner_is_active=True,
            prefix=f"dbc_live_9Kx{number:03}",
            name=name,
            permissions={"scopes": ["deploy", "read"]},
            environment="live",
            is_active=True,
            expires_at=NOW + timedelta(days=90),
            last_used_at=NOW - timedelta(minutes=2),
            created_at=NOW - timedelta(days=41),
            created_by="dba",
            updated_at=NOW - timedelta(days=41),
            revoked_at=None,
            revoked_by=None,
            revoke_reason=None,
            replaced_by=None,
        ),
        **changes,
    )


KEYS = (
    api_key("ci-deploy", 1, expires_at=NOW + timedelta(days=3)),
    api_key("old-admin", 2, owner="root@example.com", permissions={"admin": True}, expires_at=None, last_used_at=None, is_predictable=True, prefix="admin-key-pr", created_at=NOW - timedelta(days=800)),
    api_key("backup", 3, owner="ada@example.com", permissions=["read"], expires_at=None),
    api_key("mobile", 4, owner="grace@example.com", owner_is_active=False, last_used_at=NOW - timedelta(days=120)),
    api_key("leaked", 5, is_active=False, revoked_at=NOW - timedelta(hours=5), revoked_by="dba", revoke_reason="found in a log"),
    api_key("summer", 6, expires_at=NOW - timedelta(days=9), last_used_at=NOW - timedelta(days=10)),
    api_key(None, 7, is_active=False, prefix=None, environment=None, permissions=None),
    api_key(HOSTILE, 8, owner="\u202ehostile@example.com", permissions={"scopes": ["[b]x[/]"], "n": "'; DROP"}),
    api_key("n" * 10_000, 9, owner="o" * 10_000 + "@example.com", last_used_at=None),
    *(api_key(f"service-{n:03}", n, owner=f"member{n:03}@example.com") for n in range(10, 250)),
)  # fmt: skip


class FakeKeys:
    """Keeps keys in memory and does what it is told; `refusal` is said instead, once."""

    def __init__(self, rows: Sequence[ApiKey] = KEYS) -> None:
        self.rows = list(rows)
        self.asked: list[KeyFilter] = []
        """What was looked for."""
        self.done: list[tuple[Any, ...]] = []
        self.made: list[str] = []
        """The keys that were made, whole."""
        self.refusal: str | None = None
        self.audits = 0
        self.cut: tuple[CutFindings, ...] = ()
        """Of what the audit finds more than it shows."""
        self.may_go_on = asyncio.Event()
        """Whether a bulk revocation goes on behind its first batch."""
        self.may_go_on.set()

    def find(self, name: str) -> ApiKey:
        """The key of this name as it is now."""
        return next(row for row in self.rows if row.name == name)

    def _refuse(self) -> None:
        if self.refusal is not None:
            refusal, self.refusal = self.refusal, None
            raise OperationRefused(refusal)

    def _put(self, key: ApiKey, **changes: Any) -> ApiKey:
        self._refuse()
        changed = replace(key, **changes)
        self.rows = [changed if row.id == key.id else row for row in self.rows]
        return changed

    # Looking

    async def page(
        self, keys: KeyFilter, after: Any = None, before: Any = None, size: int = 50
    ) -> Page[ApiKey]:
        self.asked.append(keys)
        rows = [row for row in self.rows if _passes(row, keys)]
        start = after[0] if after else max(0, before[0] - size) if before else 0
        return Page(
            tuple(rows[start : start + size]),
            (start,) if start else None,
            (start + size,) if start + size < len(rows) else None,
            3204 if keys == KeyFilter() else None,
        )

    async def get(self, key_id: UUID) -> ApiKey:
        return next(row for row in self.rows if row.id == key_id)

    async def known_scopes(self) -> tuple[str, ...]:
        return ("admin", "deploy", "read", "write")

    async def verdict(self, pasted: SecretStr) -> KeyVerdict:
        found = self.rows[0] if pasted.get_secret_value() in self.made else None
        formed = is_well_formed(pasted.get_secret_value())
        sentence = "It is well formed" if formed else "It is not one of the console's form"
        sentence += f", and it is {found.name}: active." if found else ", and unknown here."
        return KeyVerdict(formed, found, KeyState.ACTIVE if found else None, sentence)

    async def audit(self) -> KeyFindings:
        self.audits += 1
        predictable, owner, hostile = self.rows[1], self.rows[3], self.rows[7]
        rows = (
            KeyFinding(KeyFindingKind.OWNER_INACTIVE, owner, "Its owner is deactivated; revoke it."),
            KeyFinding(KeyFindingKind.PREDICTABLE, predictable, "Anybody can guess it; revoke it."),
            KeyFinding(KeyFindingKind.ADMIN_WITHOUT_EXPIRY, predictable, "It may do everything and never ends."),
            KeyFinding(KeyFindingKind.STALE, hostile, f"{hostile.name} is long unused."),
        )  # fmt: skip
        return KeyFindings(rows, self.cut)

    # Changing

    async def create_operation(self, draft: KeyDraft) -> Operation:
        self._refuse()
        return _operation(f"Create the API key {draft.name!r}", draft.name, "Create")

    async def create(self, operation: Operation, draft: KeyDraft) -> CreatedKey:
        self._refuse()
        new = make_key(draft.environment)
        row = api_key(
            draft.name,
            900 + len(self.made),
            user_id=draft.user_id,
            prefix=new.key_prefix,
            permissions=draft.permissions,
            expires_at=draft.expires_at,
        )
        self.rows.insert(0, row)
        self.made.append(new.key.get_secret_value())
        self.done.append(("create", draft))
        return CreatedKey(new.key, row)

    async def rotate_operation(self, key: ApiKey, grace: timedelta) -> Operation:
        self._refuse()
        return _operation(f"Rotate the API key {key.name!r}", f"{key.prefix}", "Rotate")

    async def rotate(self, operation: Operation, key: ApiKey, grace: timedelta) -> CreatedKey:
        new = make_key(key.environment)
        old = self._put(key, replaced_by=UUID(int=800), expires_at=NOW + grace)
        row = replace(key, id=UUID(int=800), prefix=new.key_prefix)
        self.rows.insert(0, row)
        self.made.append(new.key.get_secret_value())
        self.done.append(("rotate", key.name, grace))
        return CreatedKey(new.key, row, old)

    async def extend_operation(self, key: ApiKey, expires_at: datetime | None) -> Operation:
        self._refuse()
        return _operation(f"Extend the API key {key.name!r}", f"{key.prefix}", "Extend")

    async def extend(self, operation: Operation, key: ApiKey, expires_at: datetime | None) -> Outcome:
        self._put(key, expires_at=expires_at)
        self.done.append(("extend", key.name, expires_at))
        return Outcome(operation.object_name, True, f"{key.name} is extended.")

    async def permissions_operation(self, key: ApiKey, permissions: Any) -> Operation:
        self._refuse()
        return _operation(f"Change what {key.name!r} may do", f"{key.prefix}", "Change")

    async def set_permissions(self, operation: Operation, key: ApiKey, permissions: Any) -> Outcome:
        self._put(key, permissions=permissions)
        self.done.append(("permissions", key.name, permissions))
        return Outcome(operation.object_name, True, f"{key.name} may do something else now.")

    async def revoke_operation(self, keys: Sequence[ApiKey], reason: str) -> Operation:
        self._refuse()
        return _operation(
            f"Revoke the API key {keys[0].name!r}", f"{keys[0].prefix}", "Revoke", Danger.DESTRUCTIVE
        )

    async def revoke(self, operation: Operation, keys: Sequence[ApiKey], reason: str) -> Outcome:
        for key in keys:
            self._put(key, is_active=False, revoked_at=NOW, revoke_reason=reason)
        self.done.append(("revoke", [key.name for key in keys], reason))
        return Outcome(operation.object_name, True, f"{keys[0].name} is revoked.")

    async def bulk_revoke_operation(self, wanted: KeyFilter | Sequence[UUID], reason: str) -> BulkRevocation:
        self._refuse()
        found = [
            row
            for row in self.rows
            if row.is_active and (_passes(row, wanted) if isinstance(wanted, KeyFilter) else row.id in wanted)
        ]
        operation = _operation(
            f"Revoke {len(found)} keys", f"{len(found)} keys", "Revoke", Danger.DESTRUCTIVE
        )
        used = tuple(row for row in found if row.last_used_at)
        return BulkRevocation(
            operation,
            tuple(row.id for row in found),
            reason,
            (("ops@example.com", len(found)),),
            1,
            used[:5],
            len(used),
        )

    async def bulk_revoke(
        self, revocation: BulkRevocation, progress: Callable[[BulkProgress], None] | None = None
    ) -> Outcome:
        total = len(revocation.keys)
        if progress is not None:
            progress(BulkProgress(total // 2, total))
        await self.may_go_on.wait()
        for row in list(self.rows):
            if row.id in revocation.keys:
                self._put(row, is_active=False, revoked_at=NOW, revoke_reason=revocation.reason)
        self.done.append(("bulk", total, revocation.reason))
        return Outcome(revocation.operation.object_name, True, f"{total} API keys were revoked.")


def _passes(row: ApiKey, keys: KeyFilter) -> bool:
    used = row.last_used_at
    return (
        keys.search.casefold() in f"{row.prefix} {row.name} {row.owner}".casefold()
        and keys.user_id in (None, row.user_id)
        and keys.state in (None, row.state(NOW))
        and (keys.expires_within is None or (row.expires_at is not None and NOW < row.expires_at <= NOW + keys.expires_within))
        and not (keys.never_used and used is not None)
        and (keys.unused_for is None or (used is not None and used < NOW - keys.unused_for))
        and not (keys.admin and not row.is_admin)
        and not (keys.never_expires and row.expires_at is not None)
    )  # fmt: skip


def _operation(title: str, name: str, action: str, danger: Danger = Danger.NOTICEABLE) -> Operation:
    return Operation(
        title,
        action,
        name,
        ("UPDATE arxos_core.api_keys SET … WHERE id = …",),
        (f"{name}: as it says.",),
        danger,
    )
