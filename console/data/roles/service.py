"""What the roles tab of the screen Accounts asks. Imports SQLAlchemy: it is made when it is first needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr
from sqlalchemy.exc import DBAPIError

from console.clock import SYSTEM_CLOCK, Clock
from console.data import scram
from console.data.audit import AuditFile
from console.data.changes import Change, Changes
from console.data.identifiers import quoted
from console.data.place import find_place
from console.data.roles import operations, reading, statements
from console.data.roles.standing import SchemaStanding, Standing, TableStanding
from console.data.server import Server
from console.data.trail import trail_of
from console.errors import ObjectMissing, OperationRefused
from console.models.operation import Operation, Outcome
from console.models.roles import Grant, OwnedObjects, RoleChange, RoleDraft, RolesSnapshot, RoleTemplate
from console.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

GRANTS = 2000
"""Objects of which it is told what a role may do with them; of the rest only the number."""

_Template = tuple[Standing, list[SchemaStanding], list[TableStanding]]


class RolesService:
    """The roles of one server, each known by its name.

    Each change comes in two steps: its operation, for a person to confirm, and the change itself, which is refused
    when it would by now be another one. Both raise `BadInput` or `OperationRefused`, and `ConnectionLost` or
    `QueryFailed`; a change also `OutcomeUnknown`.
    """

    def __init__(
        self, server: Server, settings: Settings, audit: AuditFile, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._server = server
        self._settings = settings
        self._changes = Changes(server, settings, audit)
        self._clock = clock

    # Reading ----------------------------------------------------------------------------------------------------

    async def sample(self) -> RolesSnapshot:
        """All roles of the cluster, in one round trip, or in two for a superuser, who may know about passwords.

        Raises `ConnectionLost`, `QueryTimedOut` or another `QueryFailed`.
        """
        rows = await self._server.fetch("roles")
        passwords = None
        if self._server.capabilities is not None and self._server.capabilities.is_superuser:
            found = await self._server.fetch("role_passwords")
            passwords = {row["name"]: row["is_md5"] for row in found}
        return RolesSnapshot(
            at=rows[0]["at"],
            server_ms=max(row["server_ms"] for row in rows),
            roles=tuple(reading.role_of(row, passwords) for row in rows),
        )

    async def grants(self, role: str) -> tuple[Grant, ...]:
        """What a role may do in this database, by itself, through PUBLIC and through what it belongs to.

        `GRANTS` objects at most; a last row says of how many more there is nothing. What superusers and predefined
        roles may do is said in words, and for a superuser nothing else.

        Raises `ObjectMissing` where there is no such role, `ConnectionLost` or another `QueryFailed`.
        """
        groups = await self._server.fetch("role_groups", role)
        if not groups:
            raise ObjectMissing(f"There is no role {quoted(role)}.")
        found = reading.grants_in_words(role, groups)
        if groups[0]["is_superuser"]:
            return tuple(found)
        by_oid = {group["oid"]: group for group in groups}
        rows = await self._server.fetch("role_grants", [0, *by_oid], GRANTS)
        found += [reading.grant_of(row, role, by_oid) for row in rows]
        left_out = rows[0]["total"] - len(rows) if rows else 0
        if left_out:
            found.append(Grant("more", None, f"{left_out} more are not listed", (), None, False))
        return tuple(found)

    async def owned(self, role: str) -> tuple[OwnedObjects, ...]:
        """What hangs on a role: here and in no database by kind, in other databases by number; nothing is empty.

        Raises `ConnectionLost` or `QueryFailed`.
        """
        return reading.owned_of(await self._server.fetch("role_owned", role))

    # Creating ---------------------------------------------------------------------------------------------------

    async def template_operation(self, draft: RoleDraft, password: SecretStr | None) -> Operation:
        """What making a role after its template means."""
        self._changes.check()
        operation, _ = await self._creating(draft, password)
        return operation

    async def create(self, operation: Operation, draft: RoleDraft, password: SecretStr | None) -> Outcome:
        """Makes the role with all its privileges, or nothing."""
        again, (standing, schemas, tables) = await self._creating(draft, password)
        _check_same(operation, again)
        secret = await _verifier(password, standing) if password is not None else None
        async with self._making(operation) as change:
            text = None if secret is None else secret.get_secret_value()
            await _run(
                change.connection, *statements.creation(draft, standing, schemas, tables, password=text)
            )
            change.note(
                "role.create",
                "role",
                name=draft.name,
                template=draft.template.value,
                schemas=list(draft.schemas),
                tables=[table.full_name for table in tables],
                connection_limit=draft.connection_limit,
                valid_until=draft.valid_until and draft.valid_until.isoformat(),
                memberships=list(draft.memberships),
                has_password=password is not None,
            )
            change.sentence = f"The role {quoted(draft.name)} was created."
        return Outcome(operation.object_name, True, change.sentence)

    async def _creating(self, draft: RoleDraft, password: SecretStr | None) -> tuple[Operation, _Template]:
        operations.check_draft(draft, password is not None, self._clock.now())
        if password is not None:
            scram.check_password(password)
        standing = await self._standing(draft.name)
        standing.check_may_create()
        standing.check_may_grant(draft.template)
        for group in draft.memberships:
            (await self._standing(group)).check_may_let_in()
        names = list(draft.schemas)
        tables = []
        if draft.template is RoleTemplate.SERVICE:
            names = list(dict.fromkeys([*names, *(schema for schema, _ in draft.tables)]))
            spaces, relations = [schema for schema, _ in draft.tables], [table for _, table in draft.tables]
            tables = [
                TableStanding(**row) for row in await self._server.ask("role_tables", spaces, relations)
            ]
        schemas = [SchemaStanding(**row) for row in await self._server.ask("role_schemas", names)]
        for schema in schemas:
            schema.check_may_grant(standing, draft.template)
        for table in tables:
            table.check_may_grant(standing)
        operation = operations.creating(draft, standing, schemas, tables, has_password=password is not None)
        return operation, (standing, schemas, tables)

    # Changing ---------------------------------------------------------------------------------------------------

    async def set_password_operation(self, role: str) -> Operation:
        """What a new password for a role means. Its own a role may always change."""
        self._changes.check()
        standing = await self._standing(role)
        if not standing.is_own:
            standing.check_may_change()
        return operations.setting_password(standing)

    async def set_password(self, operation: Operation, role: str, password: SecretStr) -> Outcome:
        """Gives the role the password, of which the server gets the verifier alone."""
        _check_same(operation, await self.set_password_operation(role))
        secret = await _verifier(password, await self._standing(role))
        async with self._making(operation) as change:
            await _run(change.connection, statements.new_password(role, secret.get_secret_value()))
            change.note("role.set_password", "role", name=role)
            change.sentence = f"The role {quoted(role)} has a new password."
        return Outcome(operation.object_name, True, change.sentence)

    async def alter_operation(self, role: str, change: RoleChange) -> Operation:
        """What changing a role's attributes and memberships means."""
        self._changes.check()
        return (await self._altering(role, change))[0]

    async def alter(self, operation: Operation, role: str, change: RoleChange) -> Outcome:
        """Changes the role's attributes and memberships, all or none."""
        again, before = await self._altering(role, change)
        _check_same(operation, again)
        async with self._making(operation) as making:
            await _run(making.connection, *operation.statements)
            after = {name: value for name, value in _attributes(change).items() if value is not None}
            told = {name: _attributes(before)[name] for name in after}
            changed = {"joins": list(change.joins), "leaves": list(change.leaves)}
            making.note("role.alter", "role", name=role, before=told, after=after, **changed)
            making.sentence = f"The role {quoted(role)} was altered."
        return Outcome(operation.object_name, True, making.sentence)

    async def _altering(self, role: str, change: RoleChange) -> tuple[Operation, Standing]:
        standing = await self._standing(role)
        if change.can_login is not None or change.connection_limit is not None or _ends(change) is not None:
            standing.check_may_change()
        standing.check_there()
        for group in (*change.joins, *change.leaves):
            (await self._standing(group)).check_may_let_in()
        return operations.altering(change, standing, self._clock.now()), standing

    async def expire_operation(self, role: str) -> Operation:
        """What ending a role's password now means; its sessions are another matter."""
        self._changes.check()
        standing = await self._standing(role)
        standing.check_may_change()
        return operations.expiring(standing)

    async def expire(self, operation: Operation, role: str) -> Outcome:
        """Ends the role's password now."""
        _check_same(operation, await self.expire_operation(role))
        standing = await self._standing(role)
        async with self._making(operation) as change:
            await _run(change.connection, *operation.statements)
            change.note("role.expire", "role", name=role, before={"valid_until": _ends(standing)})
            change.sentence = f"The passwords of {quoted(role)} have ended."
            if standing.connections:
                change.sentence += f" Its open sessions go on: {standing.connections}."
        return Outcome(operation.object_name, True, change.sentence)

    # Dropping ---------------------------------------------------------------------------------------------------

    async def drop_operation(self, role: str, reassign_to: str | None = None) -> Operation:
        """What dropping a role means, what it owns in this database going to another role.

        Refused, with what has to be done first, where it owns something and nobody is to get it, where other
        databases know it, where it is connected; and for the console's own role, the cluster's first, and PostgreSQL's own.
        """
        self._changes.check()
        standing = await self._standing(role)
        standing.check_may_change()
        owned = await self.owned(role)
        operation = operations.dropping(standing, owned, reassign_to)
        if reassign_to is not None:
            (await self._standing(reassign_to)).check_acts_for()
        if len(operation.statements) > 1:
            standing.check_acts_for()
        return operation

    async def drop(self, operation: Operation, role: str, reassign_to: str | None = None) -> Outcome:
        """Drops the role, after giving away what it owns."""
        _check_same(operation, await self.drop_operation(role, reassign_to))
        owned = await self.owned(role)
        async with self._making(operation) as change:
            await _run(change.connection, *operation.statements)
            change.note(
                "role.drop",
                "role",
                name=role,
                reassign_to=reassign_to,
                owned={kind: number for objects in owned for kind, number in objects.kinds},
                privileges=sum(objects.privileges for objects in owned),
            )
            change.sentence = f"The role {quoted(role)} was dropped."
        return Outcome(operation.object_name, True, change.sentence)

    # What all changes lean on -----------------------------------------------------------------------------------

    async def _standing(self, role: str) -> Standing:
        assert self._server.capabilities is not None, "a server that was asked is known"
        [row] = await self._server.ask("role_standing", role)
        return Standing(name=role, major=self._server.capabilities.major, **row)

    @asynccontextmanager
    async def _making(self, operation: Operation) -> AsyncIterator[Change]:
        """The change's transaction, with the trail where the installation has one."""
        self._changes.check()
        place = await find_place(self._server, self._settings.accounts.schema_name)
        async with self._changes.making(operation, trail_of(place)) as change:
            yield change


def _check_same(confirmed: Operation, now: Operation) -> None:
    """Raises `OperationRefused` where something else would run than what was confirmed."""
    if confirmed.statements != now.statements:
        raise OperationRefused(f"Nothing was done: {now.object_name} was changed meanwhile; look again.")


async def _run(connection: AsyncConnection, *sql: str) -> None:
    for statement in sql:
        try:
            await connection.exec_driver_sql(statement)
        except DBAPIError as error:
            # SQLAlchemy's error has the statement in its words, and a verifier may stand there.
            problem = error.driver_exception
            assert problem is not None
            raise problem.with_traceback(None) from None


async def _verifier(password: SecretStr, standing: Standing) -> SecretStr:
    """In a thread: a server may want a million iterations."""
    return await asyncio.to_thread(scram.verifier, password, standing.scram_iterations)


def _attributes(of: RoleChange | Standing) -> dict[str, Any]:
    return {
        "can_login": of.can_login,
        "connection_limit": of.connection_limit,
        "valid_until": _ends(of),
    }


def _ends(of: RoleChange | Standing) -> str | None:
    if isinstance(of, RoleChange) and of.never_ends:
        return "never"
    return of.valid_until.isoformat() if of.valid_until is not None else None
