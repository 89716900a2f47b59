"""PostgreSQL roles from memory, as they are at three in the morning."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from console.errors import OperationRefused
from console.models.operation import Danger, Operation, Outcome
from console.models.roles import Grant, Membership, OwnedObjects, Role, RoleChange, RoleDraft, RolesSnapshot

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
HOSTILE = '[@click=app.quit]x[/] \x1b]0;t\x07"; DROP ROLE'


def role(name: str, **changes: Any) -> Role:
    """A role that may log in; `changes` are other fields of `Role`."""
    return replace(
        Role(
            name=name,
            can_login=True,
            is_superuser=False,
            creates_roles=False,
            creates_databases=False,
            replicates=False,
            bypasses_row_security=False,
            inherits=True,
            connection_limit=None,
            valid_until=None,
            has_password=True,
            connections=0,
            memberships=(),
            members=(),
            settings=(),
            comment=None,
        ),
        **changes,
    )


def member(group: str, **changes: Any) -> Membership:
    """A membership as most are."""
    return replace(Membership(group, is_admin=False, inherits=True, can_set=True), **changes)


ROLES = (
    role("app", connections=20, connection_limit=20, memberships=(member("writers"),), settings=("statement_timeout=30s",)),
    role("analytics", valid_until=NOW + timedelta(days=12), memberships=(member("readers"),), comment="reports"),
    role("dba", is_superuser=True, creates_roles=True, creates_databases=True, replicates=True, bypasses_row_security=True, connections=1, is_bootstrap=True),
    role("contractor", valid_until=NOW - timedelta(days=40), has_password=False),
    role("legacy", has_md5_password=True, inherits=False, memberships=(member("writers", inherits=False, is_admin=True),)),
    role("readers", can_login=False, members=("analytics",), has_password=False),
    role("writers", can_login=False, members=("app", "legacy"), has_password=False),
    role(HOSTILE, comment="[b]bold[/] \x1b[31m", settings=("search_path=[red]x[/]",)),
    role("r" * 63, memberships=tuple(member(f"group{n}") for n in range(40))),
    role("pg_monitor", can_login=False, has_password=False),
)  # fmt: skip

GRANTS = (
    Grant("database", None, "shop", ("CONNECT", "TEMPORARY"), "PUBLIC", False),
    Grant("schema", "public", "public", ("USAGE",), "PUBLIC", False),
    Grant("table", "public", "orders", ("SELECT", "INSERT*", "UPDATE"), "writers", False),
    Grant("table", "public", "carts", ("SELECT", "DELETE"), None, True),
    Grant("table", "arxos_core", "[b]users[/] \x1b", ("SELECT",), "readers (SET ROLE)", False),
    Grant("more", None, "17 more are not listed", (), None, False),
)
OWNED = (
    OwnedObjects("shop", (("table", 12), ("schema", 1)), ("public.carts", "public.[b]x[/]"), True, 3),
    OwnedObjects("events", (("object", 4),), (), False),
)


class FakeRoles:
    """Does what it is told, in memory; `refusal` is said instead, once."""

    def __init__(self) -> None:
        self.rows: list[Role] = list(ROLES)
        self.owners = {"app": OWNED[:1]}
        self.done: list[tuple[Any, ...]] = []
        self.passwords: list[str] = []
        self.refusal: str | None = None

    async def sample(self) -> RolesSnapshot:
        return RolesSnapshot(NOW, 1.1, tuple(self.rows))

    async def grants(self, role: str) -> tuple[Grant, ...]:
        return GRANTS

    async def owned(self, role: str) -> tuple[OwnedObjects, ...]:
        return self.owners.get(role, ())

    def _operation(self, verb: str, name: str, danger: Danger = Danger.NOTICEABLE) -> Operation:
        if self.refusal is not None:
            refusal, self.refusal = self.refusal, None
            raise OperationRefused(refusal)
        sql = f'{verb.upper()} ROLE "{name}" …'
        return Operation(f"{verb} the role {name}", verb, name, (sql,), (f"{name}: as it says.",), danger)

    def _done(self, *what: Any) -> Outcome:
        self.done.append(what)
        return Outcome(str(what[1]), True, f"{what[1]}: {what[0]} done.")

    async def template_operation(self, draft: RoleDraft, password: SecretStr | None) -> Operation:
        return self._operation("Create", draft.name)

    async def create(self, operation: Operation, draft: RoleDraft, password: SecretStr | None) -> Outcome:
        if password is not None:
            self.passwords.append(password.get_secret_value())
        self.rows.append(role(draft.name))
        return self._done("create", draft.name, draft)

    async def set_password_operation(self, role: str) -> Operation:
        return self._operation("Alter", role)

    async def set_password(self, operation: Operation, role: str, password: SecretStr) -> Outcome:
        self.passwords.append(password.get_secret_value())
        return self._done("password", role)

    async def alter_operation(self, role: str, change: RoleChange) -> Operation:
        return self._operation("Alter", role)

    async def alter(self, operation: Operation, role: str, change: RoleChange) -> Outcome:
        return self._done("alter", role, change)

    async def expire_operation(self, role: str) -> Operation:
        return self._operation("Expire", role)

    async def expire(self, operation: Operation, role: str) -> Outcome:
        return self._done("expire", role)

    async def drop_operation(self, role: str, reassign_to: str | None = None) -> Operation:
        return self._operation("Drop", role, Danger.DESTRUCTIVE)

    async def drop(self, operation: Operation, role: str, reassign_to: str | None = None) -> Outcome:
        self.rows = [row for row in self.rows if row.name != role]
        return self._done("drop", role, reassign_to)
