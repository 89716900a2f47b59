"""Making and extending API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import Update

from console.data.accounts.key_drafts import (
    checked_environment,
    checked_expiry,
    checked_name,
    checked_permissions,
)
from console.data.accounts.key_reading import KeyReading, described, label_of
from console.data.accounts.key_writing import as_shown, ends, inserted, iso, new_row, noted, touched
from console.data.accounts.readable import readable
from console.data.accounts.rows import is_kept, is_on, key_of
from console.data.keys import make_key
from console.data.place import Place
from console.data.trail import trail_of
from console.errors import BadInput, OperationRefused
from console.models.api_keys import EVERYTHING, ApiKey, CreatedKey, KeyDraft, KeyState, scopes_in_words
from console.models.operation import Danger, Operation, Outcome


class KeyChanges(KeyReading):
    """Making and extending."""

    # Making ---------------------------------------------------------------------------------------------------------

    async def create_operation(self, draft: KeyDraft) -> Operation:
        """What making a key means, for a person to confirm.

        Raises `BadInput` for a draft that cannot be, `OperationRefused` where the owner is not active or the table is
        missing, and as `Engine.connection`.
        """
        place = await self._context.place()
        values = self._drafted(place, draft)
        async with self._context.reading() as connection:
            owner = await _owner(connection, place, draft.user_id)
        return Operation(
            title=f"Create the API key {values['name']!r} of {owner}",
            action="Create",
            object_name=values["name"],
            statements=(readable(new_row(place, values, None)),),
            consequences=(
                f"Its scopes: {scopes_in_words(values['permissions'])}; it {ends(values['expires_at'])}.",
                "It is shown once: nothing that could show it again is kept.",
            ),
            danger=Danger.NOTICEABLE,
        )

    async def create(self, operation: Operation, draft: KeyDraft) -> CreatedKey:
        """Makes the key; what this gives is the only place where it can ever be read.

        Raises as `create_operation` and as `Changes.making`.
        """
        place = await self._context.place()
        values = self._drafted(place, draft)
        async with self._context.making(operation, trail_of(place)) as change:
            owner = await _owner(change.connection, place, draft.user_id)
            new = make_key(values["environment"])
            row = await inserted(change.connection, place, values, new)
            made = key_of(row)
            change.note("api_key.create", "api_key", made.id, after=noted(made))
            change.sentence = f"The API key {label_of(made)} of {owner} was created."
        return CreatedKey(new.key, made)

    def _drafted(self, place: Place, draft: KeyDraft) -> dict[str, Any]:
        """The values of a new row. Raises `BadInput`."""
        environment = draft.environment or self._context.settings.environment
        permissions = checked_permissions(draft)
        if draft.expires_at is not None:
            place.require("api_keys", "expires_at")
        if permissions != {"scopes": []}:
            place.require("api_keys", "permissions")
        return {
            "user_id": draft.user_id,
            "name": checked_name(draft.name),
            "permissions": permissions,
            "environment": checked_environment(environment),
            "expires_at": checked_expiry(draft.expires_at, self._context.clock.now()),
        }

    # Extending ------------------------------------------------------------------------------------------------------

    async def extend_operation(self, key: ApiKey, expires_at: datetime | None) -> Operation:
        """What a later expiry means; None is never.

        Raises `BadInput` for an expiry that has passed or is not later than the present one, `OperationRefused` for a
        key that was revoked, and where the table or the column is missing.
        """
        place = await self._context.place()
        self._check_extension(place, key, expires_at)
        said = [f"It {ends(expires_at)}; so far it {ends(key.expires_at, self._context.clock.now())}."]
        if key.state(self._context.clock.now()) is KeyState.EXPIRED:
            said.append("It has expired, and opens again what it opened.")
        if expires_at is None and key.is_admin:
            said.append(f"It has the scope {EVERYTHING}, and would never end.")
        return Operation(
            title=f"Extend the API key {described(key)}",
            action="Extend",
            object_name=label_of(key).removesuffix("…"),
            statements=(readable(_extend(place, key, expires_at)),),
            consequences=tuple(said),
            danger=Danger.NOTICEABLE,
        )

    async def extend(self, operation: Operation, key: ApiKey, expires_at: datetime | None) -> Outcome:
        """Gives a key that is still as it was shown a later expiry. Raises as `extend_operation` and `Changes.making`."""
        place = await self._context.place()
        async with self._context.making(operation, trail_of(place)) as change:
            found = key_of(await as_shown(change.connection, place, key))
            self._check_extension(place, found, expires_at)
            await change.connection.execute(_extend(place, found, expires_at))
            change.note(
                "api_key.extend",
                "api_key",
                found.id,
                before={"expires_at": iso(found.expires_at)},
                after={"expires_at": iso(expires_at)},
            )
            change.sentence = f"{label_of(found)} {ends(expires_at)}."
        return Outcome(operation.object_name, True, change.sentence)

    def _check_extension(self, place: Place, key: ApiKey, expires_at: datetime | None) -> None:
        place.require("api_keys", "expires_at")
        now = self._context.clock.now()
        checked_expiry(expires_at, now)
        check_extendable(key, now)
        if key.expires_at is None or (expires_at is not None and expires_at <= key.expires_at):
            raise BadInput(
                f"{label_of(key)} {ends(key.expires_at)}, and that is not earlier; to end it sooner, rotate or revoke it."
            )


def check_extendable(key: ApiKey, now: datetime) -> None:
    """Raises `OperationRefused` for a key that no date extends: one that was revoked, switched off or rotated."""
    state = key.state(now)
    if state not in (KeyState.ACTIVE, KeyState.EXPIRED):
        raise OperationRefused(f"{label_of(key)} is {state.value} and cannot be extended; create a new key.")
    if key.replaced_by is not None:
        raise OperationRefused(
            f"{label_of(key)} was rotated, and ends with its grace period; extend the key that replaced it."
        )


async def _owner(connection: AsyncConnection, place: Place, user_id: UUID) -> str:
    """What a person knows the owner by. Raises `BadInput` where there is none, `OperationRefused` where it is not active."""
    users = place.table("users")
    names = [users.c[name] for name in ("email", "username", "name") if name in users.c]
    asked = select(is_on(users), is_kept(users), *names).where(users.c.id == user_id)
    row = (await connection.execute(asked)).one_or_none()
    if row is None:
        raise BadInput(f"There is no user with the id {user_id}.")
    label = next((name for name in row[2:] if name), str(user_id))
    if not (row[0] and row[1]):
        raise OperationRefused(f"The user {label} is deactivated or deleted, and gets no key.")
    return label


def _extend(place: Place, key: ApiKey, expires_at: datetime | None) -> Update:
    return touched(place.table("api_keys"), key.id, {"expires_at": expires_at})
