"""Login sessions: who is logged in, and ending that."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Delete,
    Text,
    Update,
    cast,
    delete,
    false,
    func,
    literal,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.ext.asyncio import AsyncConnection

from console.data.accounts.context import AccountsContext
from console.data.accounts.paging import Position, read_page
from console.data.accounts.readable import readable
from console.data.accounts.rows import is_on, is_open, select_sessions, session_of
from console.data.accounts.user_queries import searched, session_order, user_with
from console.data.place import Place
from console.data.trail import trail_of
from console.errors import BadInput, OperationRefused
from console.models.accounts import LoginSession, Page
from console.models.operation import Danger, Operation, Outcome
from console.units import count

_ADDRESS = re.compile(r"([0-9]{1,3}\.[0-9.]*|[0-9a-fA-F]*:[0-9a-fA-F:.]*)(/[0-9]{1,3})?")
"""An address of either version, or the beginning of one: nothing that can be a part of a domain's name."""


class LoginSessions:
    """Login sessions: who is logged in, and ending that. Of a token nothing but the beginning is ever read.

    What ends sessions raises `OperationRefused` where nothing may be changed and where there is nothing to end any
    more; `OutcomeUnknown` where the connection was lost before the answer; and as `Engine.connection`.
    """

    def __init__(self, context: AccountsContext) -> None:
        self._context = context

    async def page(
        self,
        search: str = "",
        user_id: UUID | None = None,
        address: str = "",
        open_only: bool = True,
        after: Position | None = None,
        before: Position | None = None,
        size: int = 50,
    ) -> Page[LoginSession]:
        """A page of the sessions, those that last longest first.

        `address` is one, the beginning of one, or a network (`10.0.0.0/8`). `search` is an address, or else words of
        the user as `Users.page` has them.

        Raises `BadInput` for what is no address, `OperationRefused` where there is no table or no column for it, and
        as `Engine.connection`.
        """
        place = await self._context.place()
        word = search.strip()
        if _ADDRESS.fullmatch(word):
            word, address = "", word
        is_all = not (search.strip() or user_id or address.strip() or open_only)
        async with self._context.reading() as connection:
            rows = select_sessions(place).where(
                place.table("sessions").c.user_id == user_id if user_id is not None else true(),
                _is_from(place, address.strip()),
                is_open(place) if open_only else true(),
                await _is_of(connection, place, word),
            )
            return await read_page(
                connection,
                rows,
                session_order(place),
                session_of,
                size=size,
                after=after,
                before=before,
                estimate=place.estimates.get("sessions") if is_all else None,
            )

    async def revoke_operation(self, session: LoginSession) -> Operation:
        """What ending the session means. Raises `OperationRefused` where it has ended already."""
        self._context.changes.check()
        place = await self._context.place()
        if not session.is_active:
            raise OperationRefused(f"This session of {session.user} has ended already.")
        return Operation(
            title=f"End a session of {session.user}",
            action="End",
            object_name=session.user,
            statements=(readable(_ending(place, place.table("sessions").c.id == session.id)),),
            consequences=(f"{session.user} has to log in again there.", *_if_deleted(place)),
            danger=Danger.NOTICEABLE,
        )

    async def revoke(self, operation: Operation, session: LoginSession) -> Outcome:
        """Ends the session. Raises what the class says."""
        place = await self._context.place()
        table = place.table("sessions")
        async with self._context.making(operation, trail_of(place)) as change:
            ending = _ending(place, table.c.id == session.id, is_on(table)).returning(table.c.id)
            if (await change.connection.execute(ending)).first() is None:
                raise OperationRefused(
                    f"Nothing was changed: this session of {session.user} has ended meanwhile."
                )
            change.note(
                "session.revoke",
                "session",
                session.id,
                user=session.user,
                before={"is_active": True},
                after=_after(place),
            )
            change.sentence = f"The session of {session.user} is ended."
        return Outcome(operation.object_name, True, change.sentence)

    async def revoke_all_operation(self, user_id: UUID) -> Operation:
        """What ending all sessions of a user means. Raises `OperationRefused` where there is none."""
        self._context.changes.check()
        place = await self._context.place()
        table = place.table("sessions")
        async with self._context.reading() as connection:
            user = await user_with(connection, place, user_id) if "users" in place.tables else None
            label = user.label if user is not None else str(user_id)
            some = select(table.c.id).where(table.c.user_id == user_id, is_open(place)).subquery()
            number = await connection.scalar(select(func.count()).select_from(some)) or 0
        if not number:
            raise OperationRefused(f"{label} has no open session.")
        return Operation(
            title=f"End all sessions of {label}",
            action="End all",
            object_name=label,
            statements=(readable(_ending(place, table.c.user_id == user_id, is_open(place))),),
            consequences=(
                f"{label} is logged in {count(number)} time{'s' * (number > 1)}, and has to log in again.",
                *_if_deleted(place),
            ),
            danger=Danger.NOTICEABLE,
        )

    async def revoke_all(self, operation: Operation, user_id: UUID) -> Outcome:
        """Ends all sessions of the user, also those that have begun since. Raises what the class says."""
        place = await self._context.place()
        table = place.table("sessions")
        async with self._context.making(operation, trail_of(place)) as change:
            ending = _ending(place, table.c.user_id == user_id, is_open(place)).returning(table.c.id)
            ended = (await change.connection.execute(ending)).scalars().all()
            if not ended:
                raise OperationRefused(
                    f"Nothing was changed: {operation.object_name} has no open session any more."
                )
            change.note(
                "session.revoke_all",
                "user",
                user_id,
                sessions=sorted(map(str, ended)),
                before={"is_active": True},
                after=_after(place),
            )
            change.sentence = (
                f"{count(len(ended))} session{'s' * (len(ended) > 1)} of {operation.object_name} ended."
            )
        return Outcome(operation.object_name, True, change.sentence)


def _ending(place: Place, *conditions: ColumnElement[bool]) -> Update | Delete:
    """The statement that ends sessions: they stay as ended ones, unless the table has no word for that."""
    table = place.table("sessions")
    if "is_active" in table.c:
        return update(table).where(*conditions).values(is_active=False)
    return delete(table).where(*conditions)


def _if_deleted(place: Place) -> tuple[str, ...]:
    if place.has("sessions", "is_active"):
        return ()
    name = place.table("sessions").fullname
    return (f"{name} has no column is_active: the row is deleted, and nobody can look it up any more.",)


def _after(place: Place) -> dict[str, Any]:
    return {"is_active": False} if place.has("sessions", "is_active") else {"deleted": True}


async def _is_of(connection: AsyncConnection, place: Place, word: str) -> ColumnElement[bool]:
    """Whether a session is one of a user that was searched for."""
    if not word:
        return true()
    return await searched(connection, place, word) if "users" in place.tables else false()


def _is_from(place: Place, address: str) -> ColumnElement[bool]:
    """Whether a session comes from an address. Raises `BadInput` for what is none, and `OperationRefused` for no column."""
    if not address:
        return true()
    place.require("sessions", "ip_address")
    column = place.table("sessions").c.ip_address
    if not _ADDRESS.fullmatch(address):
        raise BadInput(f"{address[:100]} is no address, such as 10.0.0.1, 10.0. or 10.0.0.0/8.")
    if "/" not in address:
        return cast(column, Text).startswith(address.lower(), autoescape=True)
    try:
        network = ip_network(address, strict=False)
    except ValueError:
        raise BadInput(f"{address[:100]} is no network, such as 10.0.0.0/8.") from None
    return cast(column, INET).op("<<=", is_comparison=True)(cast(literal(str(network)), INET))
