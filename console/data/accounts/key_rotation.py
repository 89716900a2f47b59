"""Putting a new API key in the place of another one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Interval, func, literal
from sqlalchemy.sql.dml import Update

from console.data.accounts.key_reading import KeyReading, described, label_of, moment, row_by_id
from console.data.accounts.key_writing import as_shown, ends, inserted, new_row, noted, revoked, touched
from console.data.accounts.readable import readable
from console.data.accounts.rows import key_of
from console.data.keys import make_key
from console.data.place import Place
from console.data.trail import trail_of
from console.errors import BadInput, OperationRefused
from console.models.api_keys import ApiKey, CreatedKey, KeyState
from console.models.operation import Danger, Operation
from console.units import duration

LONGEST_GRACE = timedelta(days=365)
ROTATED = "rotated"
"""Why a key was revoked that another one took the place of."""


class KeyRotation(KeyReading):
    """Rotating: the new key is as the old one was, which lives on for a grace period."""

    async def rotate_operation(self, key: ApiKey, grace: timedelta) -> Operation:
        """What putting a new key in the place of this one means; this one goes on for the grace period.

        Raises `BadInput` for a grace period that cannot be, `OperationRefused` for a key that is not active, was
        rotated already or whose owner is not active, and where the table or a column is missing.
        """
        place = await self._context.place()
        self._check_rotation(place, key, grace)
        now = self._context.clock.now()
        values = _successor(key, now, self._context.settings.environment)
        if grace:
            old = f"{label_of(key)} goes on until {moment(_grace_end(key, now, grace))}; whoever has not changed to the new one by then is refused."
        else:
            used = f"it was last used {moment(key.last_used_at)}" if key.last_used_at else "it was never used"
            old = f"{label_of(key)} opens nothing from now on, without a grace period; {used}."
        return Operation(
            title=f"Rotate the API key {described(key)}",
            action="Rotate",
            object_name=label_of(key).removesuffix("…"),
            statements=(
                readable(new_row(place, values, None)),
                readable(_retire(place, key, grace, UUID(int=0))).replace(
                    f"'{UUID(int=0)}'", "(the id of the new key)"
                ),
            ),
            consequences=(
                f"The new key has the same name, owner and permissions, and {ends(values['expires_at'])}; it is shown once.",
                old,
            ),
            danger=Danger.NOTICEABLE if grace else Danger.DESTRUCTIVE,
        )

    async def rotate(self, operation: Operation, key: ApiKey, grace: timedelta) -> CreatedKey:
        """Puts a new key in the place of one that is still as it was shown. Of two people who rotate it one is refused.

        Raises as `rotate_operation` and as `Changes.making`.
        """
        place = await self._context.place()
        async with self._context.making(operation, trail_of(place)) as change:
            found = key_of(await as_shown(change.connection, place, key))
            self._check_rotation(place, found, grace)
            values = _successor(found, self._context.clock.now(), self._context.settings.environment)
            new = make_key(values["environment"])
            made = key_of(await inserted(change.connection, place, values, new))
            await change.connection.execute(_retire(place, found, grace, made.id))
            old_row = await row_by_id(change.connection, place, found.id)
            assert old_row is not None, "it is locked"
            old = key_of(old_row)
            change.note("api_key.create", "api_key", made.id, after=noted(made), replaces=str(old.id))
            change.note(
                "api_key.rotate",
                "api_key",
                old.id,
                before=noted(found),
                after=noted(old) | {"replaced_by": str(made.id)},
                grace_seconds=grace.total_seconds(),
            )
            until = f"goes on until {moment(old.expires_at)}" if grace else "opens nothing any more"
            change.sentence = f"{label_of(made)} was created in the place of {label_of(old)}, which {until}."
        return CreatedKey(new.key, made, old)

    def _check_rotation(self, place: Place, key: ApiKey, grace: timedelta) -> None:
        if not timedelta() <= grace <= LONGEST_GRACE:
            raise BadInput(
                f"The grace period is to be between nothing and {duration(LONGEST_GRACE.total_seconds())}."
            )
        place.require("api_keys", "expires_at" if grace else "is_active")
        state = key.state(self._context.clock.now())
        if state is not KeyState.ACTIVE:
            raise OperationRefused(
                f"{label_of(key)} is {state.value} and cannot be rotated; create a new key."
            )
        if key.replaced_by is not None:
            raise OperationRefused(f"{label_of(key)} was rotated already; rotate the key that replaced it.")
        if not key.owner_is_active:
            raise OperationRefused(
                f"The owner of {label_of(key)} is deactivated or deleted; revoke it instead."
            )


def _retire(place: Place, key: ApiKey, grace: timedelta, successor: UUID) -> Update:
    """The old key goes on for the grace period, and never beyond its own end; without one it is revoked."""
    table = place.table("api_keys")
    values: dict[str, Any] = {"replaced_by": successor}
    if grace:
        values["expires_at"] = func.least(table.c.expires_at, func.now() + literal(grace, Interval))
    else:
        values |= revoked(ROTATED)
    return touched(table, key.id, values)


def _successor(key: ApiKey, now: datetime, environment: str | None) -> dict[str, Any]:
    """The row that follows a key: as long valid as that one was from its making on."""
    expires_at = key.expires_at
    if expires_at is not None and key.created_at is not None and key.created_at < expires_at:
        expires_at = now + (expires_at - key.created_at)
    return {
        "user_id": key.user_id,
        "name": key.name,
        "permissions": key.permissions,
        "environment": key.environment or environment,
        "expires_at": expires_at,
    }


def _grace_end(key: ApiKey, now: datetime, grace: timedelta) -> datetime:
    return now + grace if key.expires_at is None else min(now + grace, key.expires_at)
