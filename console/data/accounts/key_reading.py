"""API keys as they are: pages of them, one of them, and what is to be said of one that somebody has pasted."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import ARRAY, Row, Select, Uuid, any_, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from console.data import keys
from console.data.accounts.context import AccountsContext
from console.data.accounts.key_filters import conditions_of, is_searched, order_of, select_ids
from console.data.accounts.paging import Position, read_page
from console.data.accounts.rows import key_of, select_keys
from console.data.accounts.search import is_text
from console.data.place import Place
from console.errors import BadInput
from console.models.accounts import Page
from console.models.api_keys import ApiKey, KeyFilter, KeyState, KeyVerdict, scopes_in_words, scopes_of

_SAMPLED_KEYS = 2000
"""The newest ones; their scopes are those in use."""
_MOST_SCOPES = 500
_ELLIPSIS = "…"


class KeyReading:
    """What is asked about API keys."""

    def __init__(self, context: AccountsContext) -> None:
        self._context = context

    async def page(
        self,
        filter: KeyFilter,
        after: Position | None = None,
        before: Position | None = None,
        size: int = 50,
    ) -> Page[ApiKey]:
        """Some of the keys: the newest first; those that end or have ended by their end, and those that are long unused
        by their last use, the longest first. Cancelling the task cancels the query on the server.

        Raises `OperationRefused` where the table or a column is missing, and as `Engine.connection`.
        """
        place = await self._context.place()
        order = order_of(place, filter)
        if not is_searched(filter):
            return Page((), None, None, 0)
        estimate = place.estimates.get("api_keys") if filter == KeyFilter() else None
        async with self._context.reading() as connection:
            conditions = await conditions_of(connection, place, filter, self._context.clock.now())
            # First which ones, from the indexes of one table; owners and all else of these alone.
            ids = await read_page(
                connection,
                select_ids(place).where(*conditions),
                order,
                lambda row: row.id,
                size=size,
                after=after,
                before=before,
                estimate=estimate,
            )
            found = await keys_by_id(connection, place, ids.rows)
        return Page(tuple(found), ids.before, ids.after, ids.estimate)

    async def get(self, key_id: UUID) -> ApiKey:
        """One key. Raises `BadInput` where there is none, `OperationRefused` without a table, and as `Engine.connection`."""
        place = await self._context.place()
        async with self._context.reading() as connection:
            found = await row_by_id(connection, place, key_id)
        if found is None:
            raise BadInput(f"There is no API key with the id {key_id}.")
        return key_of(found)

    async def find(self, text: str) -> ApiKey:
        """The key with this id, or the only one whose prefix begins so.

        Raises `BadInput` where there is none or several, `OperationRefused` without a table, and as `Engine.connection`.
        """
        word = text.strip().removesuffix(_ELLIPSIS)
        try:
            return await self.get(UUID(word))
        except ValueError:
            pass
        if keys.is_well_formed(word):
            raise BadInput("That is a whole key, which nobody should see: paste it where keys are verified.")
        place = await self._context.place()
        table = place.table("api_keys")
        shown = ascii(word if len(word) <= 20 else f"{word[:19]}...")
        if "key_prefix" not in table.c:
            raise BadInput(
                f"{shown} is no id of an API key, and {table.fullname} has no column key_prefix to look in."
            )
        if not word or not is_text(word):
            raise BadInput(f"{shown} is neither the id of an API key nor the beginning of one.")
        beginning = table.c.key_prefix.startswith(word, autoescape=True)
        async with self._context.reading() as connection:
            found = (await connection.execute(select_keys(place).where(beginning).limit(2))).all()
        if not found:
            raise BadInput(f"There is no API key with the id {shown}, and none that begins so.")
        if len(found) > 1:
            raise BadInput(f"Several API keys begin with {shown}; give more of it, or the id.")
        return key_of(found[0])

    async def known_scopes(self) -> tuple[str, ...]:
        """The scopes of the newest keys, in order of the alphabet. Raises as `page`."""
        place = await self._context.place()
        place.require("api_keys", "permissions")
        column = place.table("api_keys").c
        newest = order_of(place, KeyFilter()).by.desc()
        sample = select(column.permissions).order_by(newest).limit(_SAMPLED_KEYS).subquery()
        async with self._context.reading() as connection:
            documents = await connection.execute(select(sample.c.permissions).distinct().limit(_MOST_SCOPES))
            scopes = {scope for document in documents.scalars() for scope in scopes_of(document)}
        return tuple(sorted(scopes)[:_MOST_SCOPES])

    async def verdict(self, pasted: SecretStr) -> KeyVerdict:
        """What is to be said of a key that somebody has pasted. It is sent nowhere, and kept nowhere: only its hash is asked for.

        Raises `OperationRefused` without a table, and as `Engine.connection`.
        """
        # Nothing here holds the key itself: a traceback may show what a function's variables are.
        is_well_formed = keys.is_well_formed(pasted.get_secret_value().strip())
        key_hash = keys.hash_of(pasted.get_secret_value().strip())
        found = await self._by_hash(key_hash)
        state = found.state(self._context.clock.now()) if found is not None else None
        return KeyVerdict(
            is_well_formed=is_well_formed,
            key=found,
            state=state,
            sentence=_sentence(is_well_formed, found, state, keys.predictable(key_hash) is not None),
        )

    async def _by_hash(self, key_hash: str) -> ApiKey | None:
        """The key whose hash is kept, in whatever form an installation keeps it."""
        place = await self._context.place()
        column = place.table("api_keys").c
        forms = keys.kept_forms(key_hash)
        async with self._context.reading() as connection:
            rows = (await connection.execute(select_keys(place).where(column.key_hash.in_(forms)))).all()
        for row in rows:
            if any(hmac.compare_digest(row.key_hash, form) for form in forms):
                return key_of(row)
        return None


async def row_by_id(
    connection: AsyncConnection, place: Place, key_id: UUID, *, lock: bool = False
) -> Row[Any] | None:
    """The row of a key as `key_of` wants it, on request locked until the end of the transaction; None without one."""
    table = place.table("api_keys")
    wanted: Select[Any] = select_keys(place).where(table.c.id == key_id)
    if lock:
        wanted = wanted.with_for_update(of=table)
    row: Row[Any] | None = (await connection.execute(wanted)).one_or_none()
    return row


async def keys_by_id(connection: AsyncConnection, place: Place, ids: Sequence[UUID]) -> list[ApiKey]:
    """These keys, in this order; without those that are not there any more."""
    wanted = place.table("api_keys").c.id == any_(literal(list(ids), ARRAY(Uuid)))
    keys = {row.id: key_of(row) for row in await connection.execute(select_keys(place).where(wanted))}
    return [keys[id_] for id_ in ids if id_ in keys]


def label_of(key: ApiKey) -> str:
    """What a person knows a key by: its beginning, else its name, else its id; on one line."""
    if key.prefix:
        return f"{key.prefix}{_ELLIPSIS}"
    if key.name and key.name.isprintable() and len(key.name) <= 60:
        return key.name
    return str(key.id)


def described(key: ApiKey) -> str:
    """A key with its name and its owner, as a sentence has it; what is too long is cut."""
    name = f" {_cut(key.name)!r}" if key.name and key.name != label_of(key) else ""
    return f"{label_of(key)}{name} of {_cut(key.owner)}"


def moment(at: datetime | None) -> str:
    """A time for a sentence; "never" without one."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}" if at is not None else "never"


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}{_ELLIPSIS}"


def _sentence(is_well_formed: bool, key: ApiKey | None, state: KeyState | None, is_guess: bool) -> str:
    form = "It is well formed" if is_well_formed else "It is not one of the console's form"
    guess = " Anybody can guess it: a script made it out of the name of an environment." if is_guess else ""
    if key is None:
        hint = "" if is_well_formed else ": mistyped, cut off, or somebody else's"
        return f"{form}{hint}, and unknown here.{guess}"
    scopes = _cut(scopes_in_words(key.permissions))
    said = f"{form}, and it is {described(key)}: {state.value if state else ''}; scopes: {scopes}"
    if state is KeyState.REVOKED and key.revoked_at is not None:
        said += f"; revoked {moment(key.revoked_at)}"
    elif key.expires_at is not None:
        said += f"; {'expired' if state is KeyState.EXPIRED else 'expires'} {moment(key.expires_at)}"
    owner = "" if key.owner_is_active else " Its owner is deactivated or deleted."
    return f"{said}.{owner}{guess}"
