"""Changes of a database that are made whole or not at all: with their rows in the audit trail, in one transaction.

What a person has confirmed is an `Operation`; it is in the local audit file before this says that it is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from console.data.audit import AuditFile, person
from console.data.audit_chain import AuditEntry
from console.data.server import Server
from console.errors import ConnectionLost, DbconsoleError, OperationRefused, OutcomeUnknown
from console.models.operation import READ_ONLY, Operation, Outcome
from console.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


class Trail(Protocol):
    """Where rows about a change go."""

    async def append(self, connection: AsyncConnection, *entries: AuditEntry) -> None:
        """Adds them within the connection's transaction."""


@dataclass
class Change:
    """A change that is being made."""

    connection: AsyncConnection
    """In the change's transaction."""
    entries: list[AuditEntry] = field(default_factory=list)
    sentence: str = ""
    """What will have been done, for the person and for the audit file."""

    def note(self, action: str, resource_type: str, resource_id: Any = None, **details: Any) -> None:
        """A row for the trail: who does it is added. Nothing secret may be in `details`."""
        self.entries.append(
            AuditEntry(action, resource_type=resource_type, resource_id=resource_id, details=details)
        )


class Changes:
    """Makes changes on one server."""

    def __init__(self, server: Server, settings: Settings, audit: AuditFile) -> None:
        self._server = server
        self._settings = settings
        self._audit = audit

    def check(self) -> None:
        """Raises `OperationRefused` where nothing may be changed: under --read-only, and on a standby."""
        if self._settings.read_only:
            raise OperationRefused(READ_ONLY)
        if self._server.capabilities is not None and self._server.capabilities.in_recovery:
            raise OperationRefused("This server is a standby and takes no changes; name its primary.")

    @asynccontextmanager
    async def making(self, operation: Operation, trail: Trail | None) -> AsyncIterator[Change]:
        """A transaction for the change, committed with its rows in the trail when the block ends without an error.

        Raises `OutcomeUnknown` where the connection was lost between the commit and the answer, `OperationRefused`
        where nothing may be changed or recorded, and as `Engine.connection`; what the block raises goes on, after a rollback.
        """
        self.check()
        statements = ";\n".join(operation.statements)
        is_committing = False
        with self._audit.recording(operation, self._server) as record:
            try:
                async with self._server.engine.connection() as connection:
                    transaction = await connection.begin()
                    try:
                        change = Change(connection)
                        yield change
                        if trail is not None and change.entries:
                            await trail.append(connection, *self._signed(change.entries))
                        is_committing = True
                        await transaction.commit()
                        is_committing = False
                    except BaseException:
                        if not is_committing:
                            await transaction.rollback()
                        raise
            except DbconsoleError as problem:
                if is_committing and isinstance(problem, ConnectionLost):
                    unknown = OutcomeUnknown(_unknown("The connection was lost", operation))
                    record(statements, Outcome(operation.object_name, False, unknown.sentence))
                    raise unknown from problem
                record(statements, Outcome(operation.object_name, False, problem.sentence))
                raise
            except asyncio.CancelledError:
                if is_committing:
                    sentence = _unknown("It was given up", operation)
                    record(statements, Outcome(operation.object_name, False, sentence))
                raise
            record(
                statements,
                Outcome(operation.object_name, True, change.sentence or f"{operation.title}: done."),
            )

    def _signed(self, entries: Sequence[AuditEntry]) -> list[AuditEntry]:
        """With who does it: the person's account and host, and the database role."""
        role = self._server.capabilities.role if self._server.capabilities else self._server.target.user
        who = {"by": person(), "role": role}
        return [replace(entry, details={**who, **entry.details}) for entry in entries]


def _unknown(because: str, operation: Operation) -> str:
    """Nobody knows whether the server has committed."""
    return (
        f"{because} before the server said whether this is done: {operation.title}. "
        "Look whether it is before you do it again."
    )
