"""The platform's administrator and first key, and a look for the keys that an older script gave everybody.

Imports SQLAlchemy: it is for the commands that need it, and not for the console's start.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, cast, func, insert, literal, or_, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import Insert

from console.clock import SYSTEM_CLOCK, Clock
from console.data import keys
from console.data.audit import AuditFile, person
from console.data.audit_chain import AuditEntry, append, lock
from console.data.email import is_email
from console.data.schema.core import api_keys, users
from console.data.server import Server
from console.errors import BadInput, DbconsoleError, OperationRefused
from console.models.operation import READ_ONLY, Danger, Operation, Outcome
from console.models.platform import PredictableKey
from console.settings import Settings

KEY_DAYS = 90
"""How long the administrator's key is valid."""

_ADMIN = {"admin": True}
_ADMIN_SQL = cast(literal(json.dumps(_ADMIN)), JSONB)


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who is to administer the platform, and what has to be made for that."""

    email: str
    name: str
    is_new: bool
    has_key: bool
    """Whether there is an admin key that is valid and cannot be guessed."""
    key: keys.NewKey | None
    """The one to be made."""

    @property
    def is_there(self) -> bool:
        """Whether there is nothing to make."""
        return not self.is_new and self.key is None


def check_administrator(email: str, name: str) -> None:
    """Raises `BadInput` for an e-mail address or a name that is none."""
    if not is_email(email):
        raise BadInput(
            f"{email!r} is not an e-mail address; --admin-email wants one such as admin@example.com."
        )
    if not name.strip() or len(name) > 255 or not name.isprintable():
        raise BadInput(f"{name!r} is not a name; --admin-name wants one of 1 to 255 characters.")


class PlatformService:
    """The platform schema of one server, as far as its administrator goes."""

    def __init__(
        self,
        server: Server,
        settings: Settings,
        audit: AuditFile | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._server = server
        self._settings = settings
        self._audit = audit or AuditFile(clock=clock)

    async def predictable_keys(self) -> tuple[PredictableKey, ...]:
        """The guessable keys of the platform, and of an installation in `public` that came before it.

        Raises `ConnectionLost`, `QueryDenied` or another `QueryFailed`.
        """
        found = []
        for table in await self._server.ask("key_tables"):
            names = {"schema": table["schema"], "relation": "api_keys", "key_hash": "key_hash"}
            rows = await self._server.ask("keys_with_hashes", keys.predictable_hashes(), identifiers=names)
            found += [
                PredictableKey(
                    table=f"{table['schema']}.api_keys",
                    id=row["id"],
                    key=keys.predictable(row["key_hash"]) or "",
                    name=row["name"],
                    user_id=row["user_id"],
                    is_usable=row["is_usable"],
                )
                for row in rows
            ]
        return tuple(found)

    async def administrator(self, email: str, name: str, *, new_key: bool) -> Administrator:
        """What has to be made for somebody to be the administrator; before the schema is there, everything.

        An account with that e-mail address is kept, and so is its key while it is usable, unless a new one is asked for.

        Raises `OperationRefused` where the account is deactivated, and as `Engine.connection`.
        """
        async with self._server.engine.connection() as connection:
            there = await connection.scalar(select(func.to_regclass("arxos_core.api_keys").is_not(None)))
            exists, has_key = await _standing(connection, email) if there else (False, False)
        key = None if has_key and not new_key else keys.make_key(self._settings.environment)
        return Administrator(email, name, not exists, has_key, key)

    def operation(self, administrator: Administrator) -> Operation:
        """What making the administrator means, for a person to confirm."""
        email = administrator.email
        said = []
        if not administrator.is_new:
            said.append(f"There is a user {email} already: it is kept as it is.")
        if administrator.key is None:
            said.append(f"{email} has an admin key already: no other is made (--new-key makes one).")
        else:
            said.append(
                f"The new admin key of {email} may do everything; it is shown once, and ends after {KEY_DAYS} days."
            )
        return Operation(
            title=f"Initialise the platform in {self._server.target.database}, with the administrator {email}",
            action="Initialise",
            object_name=self._server.target.database,
            statements=tuple(_readable(statement) for statement in self._statements(administrator)),
            consequences=tuple(said),
            danger=Danger.NOTICEABLE,
        )

    async def initialise(self, operation: Operation, administrator: Administrator) -> Outcome:
        """Makes user and key in one transaction, together with their rows in the platform's audit trail.

        Raises `OperationRefused` where nothing may be changed or recorded, or somebody else was quicker, and as
        `Engine.connection`.
        """
        if self._settings.read_only:
            raise OperationRefused(READ_ONLY)
        if self._server.capabilities is not None and self._server.capabilities.in_recovery:
            raise OperationRefused("This server is a standby and takes no changes; name its primary.")
        with self._audit.recording(operation, self._server) as record:
            statements = ";\n".join(operation.statements)
            try:
                async with self._server.engine.connection() as connection, connection.begin():
                    await self._make(connection, administrator)
            except DbconsoleError as error:
                record(statements, Outcome(administrator.email, False, error.sentence))
                raise
            outcome = Outcome(administrator.email, True, _sentence(administrator))
            record(statements, outcome)
        return outcome

    async def _make(self, connection: AsyncConnection, administrator: Administrator) -> None:
        email = administrator.email
        # Another console that initialises waits here, and then sees what this one has made.
        await lock(connection)
        if await _standing(connection, email) != (not administrator.is_new, administrator.has_key):
            raise OperationRefused(f"Nothing was done: {email} was changed meanwhile; look again.")
        made = {
            statement.table.name: await connection.scalar(statement)
            for statement in self._statements(administrator)
        }
        by = {"by": person(), "email": email}
        entries = []
        if administrator.is_new:
            entries.append(
                AuditEntry("user.create", resource_type="user", resource_id=made["users"], details=by)
            )
        if administrator.key is not None:
            details = by | {"key_prefix": administrator.key.key_prefix, "permissions": _ADMIN}
            entries.append(
                AuditEntry(
                    "api_key.create", resource_type="api_key", resource_id=made["api_keys"], details=details
                )
            )
        await append(connection, *entries)

    def _statements(self, administrator: Administrator) -> list[Insert]:
        """What runs, in order, each giving the id of its row."""
        found: list[Any] = []
        if administrator.is_new:
            found.append(
                insert(users).values(email=administrator.email, name=administrator.name).returning(users.c.id)
            )
        if administrator.key is not None:
            owner = select(users.c.id).where(_is(administrator.email)).scalar_subquery()
            found.append(
                insert(api_keys)
                .values(
                    user_id=owner,
                    key_hash=administrator.key.key_hash,
                    key_prefix=administrator.key.key_prefix,
                    name="Admin Key",
                    permissions=_ADMIN_SQL,
                    environment=self._settings.environment,
                    expires_at=func.now() + text(f"interval '{KEY_DAYS} days'"),
                    created_by=person(),
                )
                .returning(api_keys.c.id)
            )
        return found


def _is(email: str) -> ColumnElement[bool]:
    return (func.lower(users.c.email) == func.lower(email)) & users.c.deleted_at.is_(None)


async def _standing(connection: AsyncConnection, email: str) -> tuple[bool, bool]:
    """Whether there is a user with that address, and whether he has an admin key that is valid and no guess.

    Raises `OperationRefused` where the user is deactivated.
    """
    user = (await connection.execute(select(users.c.id, users.c.is_active).where(_is(email)))).one_or_none()
    if user is None:
        return False, False
    if not user.is_active:
        raise OperationRefused(
            f"Nothing was done: the user {email} is deactivated; activate it, or name another one."
        )
    usable = select(api_keys.c.id).where(
        api_keys.c.user_id == user.id,
        api_keys.c.is_active,
        api_keys.c.revoked_at.is_(None),
        or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > func.now()),
        api_keys.c.permissions.contains(_ADMIN_SQL),
        api_keys.c.key_hash.not_in(keys.predictable_hashes()),
    )
    return True, bool(await connection.scalar(select(usable.exists())))


def _readable(statement: Insert) -> str:
    """The statement with its parameters written out, on one line."""
    compiled = statement.compile(
        dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]
        compile_kwargs={"literal_binds": True},
    )
    return re.sub(r" *\n *", " ", str(compiled))


def _sentence(administrator: Administrator) -> str:
    user = "was created" if administrator.is_new else "was kept"
    key = (
        f"got the admin key {administrator.key.key_prefix}…, valid for {KEY_DAYS} days"
        if administrator.key is not None
        else "has an admin key already"
    )
    return f"The user {administrator.email} {user} and {key}."
