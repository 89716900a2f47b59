"""What a person has typed about a user: whether it may stand in the table, and whose it is already."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from console.data.accounts.rows import is_kept, select_users, user_of
from console.data.email import is_email
from console.data.place import Place
from console.errors import BadInput, OperationRefused
from console.models.accounts import User, UserDraft

FIELDS = {
    "email": "e-mail address",
    "username": "username",
    "name": "name",
    "phone_number": "telephone number",
    "status": "status",
}
"""The columns that a draft is about, as a person calls them."""
UNIQUE = ("email", "username", "phone_number")
"""What no two users may have."""
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]*")
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of characters that nobody sees, or that turn the text around them about."""
_JOINERS = "\u200c\u200d"
"""Of those the ones that are spelling, in Persian names and in emoji."""


def values_of(place: Place, draft: UserDraft, before: User | None = None) -> dict[str, str | None]:
    """What has to be written, by column; of a user that is there only what becomes different.

    Raises `BadInput` for what cannot stand there, and `OperationRefused` where there is no column for it.
    """
    values: dict[str, str | None] = {}
    for column in FIELDS:
        typed = getattr(draft, column)
        value = (typed.strip() or None) if typed is not None else None
        if typed is not None and value != (getattr(before, column) if before is not None else None):
            _check(place, column, value)
            values[column] = value
    if not values:
        raise BadInput("Nothing was typed that would be different.")
    place.require("users", *values)
    reachable = {
        name: values.get(name, getattr(before, name, None))
        for name in ("email", "phone_number")
        if place.has("users", name)
    }
    if not any(reachable.values()):
        raise BadInput(f"A user needs an {' or a '.join(FIELDS[name] for name in reachable)}.")
    return values


def _check(place: Place, column: str, value: str | None) -> None:
    """Raises `BadInput` where the value cannot be one of the column."""
    word = FIELDS[column]
    if value is None:
        if column == "status":
            raise BadInput("A user's status cannot be empty.")
        return
    if any(unicodedata.category(letter) in _UNSEEN and letter not in _JOINERS for letter in value):
        raise BadInput(f"The {word} has control characters in it.")
    most = place.table("users").c[column].type.length if place.has("users", column) else None  # type: ignore[attr-defined]
    if most is not None and len(value) > most:
        raise BadInput(f"The {word} has {len(value):,} characters; it can have {most} at most.")
    if column == "email" and not is_email(value):
        raise BadInput(f"{value} is not an e-mail address, such as ada@example.com.")
    if column == "phone_number" and not _PHONE.fullmatch(value):
        raise BadInput(f"{value} is not a telephone number, such as +49 30 1234567.")


async def refuse_taken(
    connection: AsyncConnection, place: Place, values: Mapping[str, Any], user: User | None = None
) -> None:
    """Raises `OperationRefused`, which names the other user, where somebody else has one of the values already.

    The case does not matter, and a user who was deleted has nothing any more.
    """
    table = place.table("users")
    wanted = {name: value for name in UNIQUE if (value := values.get(name)) and place.has("users", name)}
    if not wanted:
        return
    same: list[ColumnElement[bool]] = [
        # A number has no case, and its index knows it as it is.
        table.c[name] == value if name == "phone_number" else func.lower(table.c[name]) == func.lower(value)
        for name, value in wanted.items()
    ]
    others = select_users(place).where(or_(*same), is_kept(table)).limit(1)
    if user is not None:
        others = others.where(table.c.id != user.id)
    found = (await connection.execute(others)).first()
    if found is None:
        return
    other = user_of(found)
    taken = next(
        name for name, value in wanted.items() if (getattr(other, name) or "").lower() == value.lower()
    )
    raise OperationRefused(
        f"The {FIELDS[taken]} {wanted[taken]} is that of another user already: {described(other)}."
    )


def described(user: User) -> str:
    """Who a user is, so that a person can tell it from another one."""
    known = [name for name in (user.email, user.username, user.name) if name]
    state = "" if user.is_active else ", deactivated"
    return f"{' · '.join(known) or user.label}{state} ({user.id})"
