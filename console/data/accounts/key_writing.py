"""The rows of API keys as they are written, what a person has seen of them, and what the trail says of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, cast, func, insert, literal, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import Insert, Update

from console.data.accounts.key_reading import label_of, moment, row_by_id
from console.data.audit import person
from console.data.keys import NewKey
from console.data.place import Place
from console.errors import OperationRefused
from console.models.api_keys import ApiKey

_UNSEEN_HASH = "(the SHA-256 of the new key)"
_SHOWN = (
    "user_id",
    "name",
    "permissions",
    "environment",
    "is_active",
    "expires_at",
    "revoked_at",
    "replaced_by",
)
"""What a person has seen of a key and decides by. Not `updated_at`: every use of a key moves it."""


async def as_shown(connection: AsyncConnection, place: Place, key: ApiKey) -> Row[Any]:
    """The row of a key, locked. Raises `OperationRefused` where it is not as it was shown any more."""
    row = await row_by_id(connection, place, key.id, lock=True)
    if row is None:
        raise OperationRefused(f"Nothing was done: {label_of(key)} is not there any more.")
    if row.replaced_by is not None and key.replaced_by is None:
        raise OperationRefused(
            f"Nothing was done: somebody else has just rotated {label_of(key)}; look again."
        )
    # Where nothing says what replaced a key, that it was rotated shows in the time of the change alone.
    compared = _SHOWN if place.has("api_keys", "replaced_by") else (*_SHOWN, "updated_at")
    if any(getattr(row, name) != getattr(key, name) for name in compared):
        raise OperationRefused(f"Nothing was done: {label_of(key)} was changed meanwhile; look again.")
    return row


async def inserted(
    connection: AsyncConnection, place: Place, values: Mapping[str, Any], new: NewKey
) -> Row[Any]:
    """Makes a key; its row."""
    key_id = await connection.scalar(new_row(place, values, new))
    row = await row_by_id(connection, place, key_id)
    assert row is not None, "it was just made"
    return row


def new_row(place: Place, values: Mapping[str, Any], new: NewKey | None) -> Insert:
    """The new row; without a key as it is shown before."""
    table = place.table("api_keys")
    permissions = values["permissions"]
    all_values = {
        **values,
        "id": func.gen_random_uuid(),
        "permissions": None if permissions is None else cast(literal(json.dumps(permissions)), JSONB),
        "key_hash": new.key_hash if new else _UNSEEN_HASH,
        "key_prefix": new.key_prefix if new else "(its beginning)",
        "created_by": person()[:255],
        "is_active": True,
    }
    present = {name: value for name, value in all_values.items() if name in table.c and value is not None}
    return insert(table).values(present).returning(table.c.id)


def revoked(reason: str) -> dict[str, Any]:
    """The values of a row that is revoked now."""
    return {
        "is_active": False,
        "revoked_at": func.now(),
        "revoked_by": person()[:255],
        "revoke_reason": reason or None,
    }


def present(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that the table has a column for, and when the row was changed: not every installation's triggers say it."""
    return {name: value for name, value in {**values, "updated_at": func.now()}.items() if name in table.c}


def touched(table: Table, key_id: UUID, values: Mapping[str, Any]) -> Update:
    """Changes one key."""
    return update(table).where(table.c.id == key_id).values(present(table, values))


def noted(key: ApiKey) -> dict[str, Any]:
    """What the trail says of a key."""
    return {
        "key_prefix": key.prefix,
        "name": key.name,
        "owner": str(key.user_id),
        "permissions": key.permissions,
        "environment": key.environment,
        "is_active": key.is_active,
        "expires_at": iso(key.expires_at),
    }


def iso(at: datetime | None) -> str | None:
    """A time for the trail."""
    return at.isoformat() if at is not None else None


def ends(at: datetime | None, now: datetime | None = None) -> str:
    """When a key ends, as a sentence goes on; with `now`, whether it has ended."""
    if at is None:
        return "never ends"
    return f"{'ended' if now is not None and at <= now else 'ends'} {moment(at)}"
