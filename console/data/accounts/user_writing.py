"""Writing users: what is looked at before, what runs, and what the trail says of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Update, func, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import Insert, UpdateBase

from console.data.accounts.rows import NO_PASSWORD, select_users, user_of
from console.data.accounts.user_drafts import FIELDS, UNIQUE, refuse_taken
from console.data.accounts.user_queries import user_with
from console.data.place import Place
from console.data.schema import core
from console.errors import OperationRefused
from console.models.accounts import User

SHOWN = ("email", "username", "name", "phone_number", "status", "is_active", "deleted_at")
"""What of a user the trail says, and what a change looks at before it overwrites it."""


def insertion(place: Place, values: Mapping[str, Any]) -> Insert:
    """The statement that creates a user."""
    table = place.table("users")
    made = {**values, "id": func.gen_random_uuid()}
    if place.has("users", "password_hash") and table.schema != core.users.schema:
        # Older installations' columns take no NULL.
        made["password_hash"] = NO_PASSWORD
    return insert(table).values(made)


def change_of(place: Place, user: User, values: Mapping[str, Any]) -> Update:
    """The statement that changes a user; also where no trigger keeps `updated_at`, it becomes now."""
    table = place.table("users")
    touched = {"updated_at": func.now()} if "updated_at" in table.c else {}
    return update(table).where(table.c.id == user.id).values({**values, **touched})


async def refuse_changed(
    connection: AsyncConnection, place: Place, user: User, compared: Iterable[str]
) -> None:
    """Locks the user's row, and raises `OperationRefused` where it is not as it was shown any more."""
    table = place.table("users")
    locking = select_users(place).where(table.c.id == user.id).with_for_update()
    found = (await connection.execute(locking)).one_or_none()
    if found is None:
        raise OperationRefused(f"Nothing was changed: {user.label} is not there any more.")
    now = user_of(found)
    different = [name for name in compared if getattr(now, name) != getattr(user, name)]
    if not different:
        return
    said = [
        f"the {FIELDS[name]} is {getattr(now, name) or 'empty'} now" for name in different if name in FIELDS
    ]
    if now.state is not user.state:
        said.append(f"it is {now.state.value} now")
    what = f": {', '.join(said)}" if said else ""
    raise OperationRefused(
        f"Nothing was changed, for somebody changed {user.label} meanwhile{what}; look again."
    )


async def write(
    connection: AsyncConnection,
    place: Place,
    statement: UpdateBase,
    names: Mapping[str, Any],
    user: User | None = None,
) -> Any:
    """Runs the statement, and returns the first value that it returns, if any.

    Raises `OperationRefused` where one of `names` is somebody else's, whoever was first, and where the database does
    not take a value.
    """
    await refuse_taken(connection, place, names, user)
    try:
        async with connection.begin_nested():
            result = await connection.execute(statement)
            return result.scalar() if result.returns_rows else None
    except IntegrityError as error:
        refusal = _refusal(error, place)
    # The error itself shows the whole row, with the hash of the password.
    await refuse_taken(connection, place, names, user)
    raise refusal


def _refusal(error: IntegrityError, place: Place) -> OperationRefused:
    table = place.table("users").fullname
    problem = error.driver_exception
    if isinstance(problem, asyncpg.NotNullViolationError):
        column = str(problem.column_name)
        return OperationRefused(
            f"Nothing was changed: {table} takes no user without {FIELDS.get(column, column)}."
        )
    words = " ".join(str(getattr(problem, "message", "") or type(problem).__name__).split())
    return OperationRefused(f"Nothing was changed: the server says: {words}.")


async def written(connection: AsyncConnection, place: Place, user_id: UUID) -> User:
    """The user as it is after the change."""
    user = await user_with(connection, place, user_id)
    if user is None:
        raise OperationRefused("Nothing was changed: the role may not see what it has written.")
    return user


def said(user: User, names: Iterable[str]) -> dict[str, Any]:
    """What the trail says of a user."""
    values = {name: getattr(user, name) for name in names}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()
    }


def names_of(user: User) -> dict[str, str | None]:
    """What nobody else may have."""
    return {name: getattr(user, name) for name in UNIQUE}
