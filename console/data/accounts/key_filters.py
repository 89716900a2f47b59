"""Which keys a list shows and in which order, as conditions that an index answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Select,
    Uuid,
    and_,
    any_,
    false,
    func,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from console.data.accounts.paging import Order
from console.data.accounts.rows import is_on
from console.data.accounts.search import LEAST_SEARCHED, containing, is_text
from console.data.place import Place
from console.data.schema.core import ALLOWING_EVERYTHING
from console.models.api_keys import KeyFilter, KeyState

MOST_OWNERS = 500
"""Owners whose keys are looked for one by one; when a search finds more, it is faster to look at each key's owner."""


def is_searched(keys: KeyFilter) -> bool:
    """Whether a search, if there is one, can find anything: with fewer characters it does not."""
    word = keys.search.strip()
    return not word or (len(word) >= LEAST_SEARCHED and is_text(word))


def select_ids(place: Place) -> Select[Any]:
    """The ids of keys, beside their owners; where nothing is asked of these, the server leaves them out."""
    table, users = place.table("api_keys"), place.tables.get("users")
    if users is None:
        return select(table.c.id)
    return select(table.c.id).select_from(table.outerjoin(users, users.c.id == table.c.user_id))


def order_of(place: Place, keys: KeyFilter) -> Order:
    """Newest first; what ends or has ended by its end, and what is long unused by its last use, the longest first."""
    column = place.table("api_keys").c
    if keys.unused_for is not None:
        place.require("api_keys", "last_used_at")
        return Order(column.last_used_at, column.id)
    if keys.expires_within is not None or keys.state is KeyState.EXPIRED:
        place.require("api_keys", "expires_at")
        return Order(column.expires_at, column.id, descending=keys.state is KeyState.EXPIRED)
    return Order(column.created_at if "created_at" in column else column.id, column.id, descending=True)


async def conditions_of(
    connection: AsyncConnection, place: Place, keys: KeyFilter, now: datetime
) -> list[ColumnElement[bool]]:
    """What has to hold of a row of `select_ids`. `now` is when a key has expired.

    Raises `OperationRefused` where a column is missing, and as `Engine.connection`.
    """
    table = place.table("api_keys")
    moment = literal(now, DateTime(timezone=True))
    conditions: list[ColumnElement[bool]] = []
    if keys.user_id is not None:
        conditions.append(table.c.user_id == keys.user_id)
    if keys.state is not None:
        conditions.append(has_state(place, keys.state, moment))
    if keys.expires_within is not None:
        conditions += [
            has_state(place, KeyState.ACTIVE, moment),
            table.c.expires_at > moment,
            table.c.expires_at <= literal(now + keys.expires_within, DateTime(timezone=True)),
        ]
    if keys.never_used:
        place.require("api_keys", "last_used_at")
        conditions.append(table.c.last_used_at.is_(None))
    if keys.unused_for is not None:
        conditions.append(is_unused_since(place, literal(now - keys.unused_for, DateTime(timezone=True))))
    if keys.admin:
        conditions.append(allows_everything(place))
    if keys.never_expires and "expires_at" in table.c:
        conditions.append(table.c.expires_at.is_(None))
    if keys.search.strip():
        conditions.append(await _searched(connection, place, keys.search.strip()))
    return conditions


def has_state(place: Place, state: KeyState, now: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Whether a key is in a state, as `ApiKey.state` tells it. Raises `OperationRefused` for one that nobody keeps."""
    table = place.table("api_keys")
    if state is KeyState.REVOKED:
        place.require("api_keys", "revoked_at")
        return table.c.revoked_at.is_not(None)
    not_revoked = [table.c.revoked_at.is_(None)] if "revoked_at" in table.c else []
    if state is KeyState.INACTIVE:
        return and_(table.c.is_active.is_not(True), *not_revoked) if "is_active" in table.c else false()
    has_passed = table.c.expires_at <= now if "expires_at" in table.c else false()
    if state is KeyState.EXPIRED:
        return and_(has_passed, is_on(table), *not_revoked)
    is_valid = (
        or_(table.c.expires_at.is_(None), table.c.expires_at > now) if "expires_at" in table.c else None
    )
    return and_(is_on(table), *not_revoked, *([] if is_valid is None else [is_valid]))


def is_unused_since(place: Place, since: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Whether a key was not used since; one that never was, if it is older than that. Needs `last_used_at`."""
    place.require("api_keys", "last_used_at")
    column = place.table("api_keys").c
    never: ColumnElement[bool] = column.last_used_at.is_(None)
    if "created_at" in column:
        never = and_(never, column.created_at < since)
    return or_(column.last_used_at < since, never)


def allows_everything(place: Place) -> ColumnElement[bool]:
    """Whether a key's permissions are an administrator's, as `is_admin` has it."""
    place.require("api_keys", "permissions")
    permissions = place.table("api_keys").c.permissions
    return or_(*(permissions.contains(text(f"'{document}'::jsonb")) for document in ALLOWING_EVERYTHING))


async def _searched(connection: AsyncConnection, place: Place, word: str) -> ColumnElement[bool]:
    """Whether a word is in a key's prefix, its name or its owner's e-mail.

    An index finds prefixes and names, and the keys of the few owners that are looked up first: a condition on both
    tables would be answered by none.
    """
    table = place.table("api_keys")
    found = [_in_prefix(table.c.key_prefix, word)] if "key_prefix" in table.c else []
    if "name" in table.c:
        found.append(containing([table.c.name], word))
    users = place.tables.get("users")
    if users is not None and "email" in users.c:
        asked = select(users.c.id).where(containing([users.c.email], word)).limit(MOST_OWNERS + 1)
        owners = (await connection.execute(asked)).scalars().all()
        if len(owners) > MOST_OWNERS:
            found.append(containing([users.c.email], word))
        elif owners:
            found.append(table.c.user_id == any_(literal(list(owners), ARRAY(Uuid))))
    return or_(false(), *found)


def _in_prefix(prefix: ColumnElement[Any], word: str) -> ColumnElement[bool]:
    """Whether a word is in a key's prefix.

    Of `dbc_production_a1b2c3` only the end is rare. An index that is asked for all of it spends fifty times as long
    on the letters that a million keys have.
    """
    end = word.rpartition("_")[2]
    if len(end) < LEAST_SEARCHED or end == word:
        return containing([prefix], word)
    return and_(containing([prefix], f"_{end}"), func.strpos(func.lower(prefix), func.lower(word)) > 0)
