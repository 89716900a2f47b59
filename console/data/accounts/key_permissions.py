"""What an API key may do, changed while it goes on."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import cast, literal
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.dml import Update

from console.data.accounts.key_drafts import checked_permissions
from console.data.accounts.key_reading import KeyReading, described, label_of
from console.data.accounts.key_writing import as_shown, touched
from console.data.accounts.readable import readable
from console.data.accounts.rows import key_of
from console.data.place import Place
from console.data.trail import trail_of
from console.errors import BadInput, OperationRefused
from console.models.api_keys import EVERYTHING, ApiKey, KeyDraft, KeyState, is_admin, scopes_of
from console.models.operation import Danger, Operation, Outcome


class KeyPermissions(KeyReading):
    """Changing permissions."""

    async def permissions_operation(self, key: ApiKey, permissions: Any) -> Operation:
        """What other permissions of a key mean, for a person to confirm.

        Raises `BadInput` for a document that cannot be or that the key has already, `OperationRefused` for a key that was
        revoked or switched off, and where the table or the column is missing.
        """
        place = await self._context.place()
        self._check_permissions(place, key, permissions)
        before, after = set(scopes_of(key.permissions)), set(scopes_of(permissions))
        said = []
        if lost := sorted(before - after):
            said.append(f"It loses {_listed(lost)}: what needs that is refused from then on.")
        if gained := sorted(after - before):
            said.append(f"It gains {_listed(gained)}.")
        if is_admin(permissions) and not is_admin(key.permissions):
            said.append(f"Its scopes are then: {EVERYTHING}.")
        if not said:
            said.append("Its scopes stay; what else is in the document changes.")
        return Operation(
            title=f"Change what the API key {described(key)} may do",
            action="Change",
            object_name=label_of(key).removesuffix("…"),
            statements=(readable(_change(place, key, permissions)),),
            consequences=tuple(said),
            danger=Danger.NOTICEABLE,
        )

    async def set_permissions(self, operation: Operation, key: ApiKey, permissions: Any) -> Outcome:
        """Changes what a key that is still as it was shown may do. Raises as `permissions_operation` and `Changes.making`."""
        place = await self._context.place()
        async with self._context.making(operation, trail_of(place)) as change:
            found = key_of(await as_shown(change.connection, place, key))
            self._check_permissions(place, found, permissions)
            await change.connection.execute(_change(place, found, permissions))
            change.note(
                "api_key.permissions",
                "api_key",
                found.id,
                before={"permissions": found.permissions},
                after={"permissions": permissions},
            )
            change.sentence = (
                f"{label_of(found)} has the scopes {_listed(scopes_of(permissions)) or '–'} now."
            )
        return Outcome(operation.object_name, True, change.sentence)

    def _check_permissions(self, place: Place, key: ApiKey, permissions: Any) -> None:
        place.require("api_keys", "permissions")
        checked_permissions(KeyDraft(key.user_id, key.name or "", permissions=permissions))
        state = key.state(self._context.clock.now())
        if state in (KeyState.REVOKED, KeyState.INACTIVE):
            raise OperationRefused(f"{label_of(key)} is {state.value}: what it may do makes no difference.")
        if permissions == key.permissions:
            raise BadInput(f"{label_of(key)} may do just that already.")


def _change(place: Place, key: ApiKey, permissions: Any) -> Update:
    document = cast(literal(json.dumps(permissions)), JSONB)
    return touched(place.table("api_keys"), key.id, {"permissions": document})


def _listed(scopes: tuple[str, ...] | list[str]) -> str:
    return ", ".join(scopes[:8]) + (" …" if len(scopes) > 8 else "")
