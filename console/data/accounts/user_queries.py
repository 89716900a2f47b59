"""What is asked about users: which of them a list shows, who one is, and what hangs on one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Select,
    Uuid,
    and_,
    any_,
    false,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from console.data.accounts.paging import Order, read_page
from console.data.accounts.rows import (
    is_kept,
    is_open,
    key_of,
    opens_something,
    project_of,
    select_keys,
    select_sessions,
    select_users,
    session_of,
    user_of,
)
from console.data.accounts.search import LEAST_SEARCHED, beginning, containing, is_text
from console.data.place import Place
from console.models.accounts import LoginSession, Project, User, UserState
from console.models.api_keys import ApiKey
from console.units import count

FEW = 10
"""Of each of the things that hang on a user, in the detail."""
_FEW_MATCHES = 2000
"""So many are looked up and sorted in a few milliseconds; where there are more, one in a hundred is on the way."""
_MOST_COUNTED = 1000
"""Nobody who is to be told how many there are needs more than these exactly."""


async def searched(connection: AsyncConnection, place: Place, search: str) -> ColumnElement[bool]:
    """Whether a user is one that was searched for; with nothing to search for each one is.

    Where few users match, they are looked up first, in the index of trigrams; where many do, the list's own index soon
    has a page full. The planner cannot know where in the list they are, and takes the list's index also for a few that
    are at its end, 200 ms at 100,000 users instead of 5: so it may not, until they are known to be many.
    """
    if not search:
        return true()
    matches = (
        beginning(_columns(place, "email", "username"), search)
        if len(search) < LEAST_SEARCHED
        else containing(_columns(place, "email", "username", "name"), search)
    )
    user_id = place.table("users").c.id
    some = select(user_id).where(matches).limit(_FEW_MATCHES + 1).subquery()
    await _allow_other_plans(connection, "off")
    found = await connection.scalar(select(func.array_agg(some.c.id, type_=ARRAY(Uuid)))) or []
    if len(found) <= _FEW_MATCHES:
        return user_id == any_(literal(found, ARRAY(Uuid)))
    await _allow_other_plans(connection, "on")
    return matches


async def _allow_other_plans(connection: AsyncConnection, word: str) -> None:
    """Whether, in this transaction, rows may be looked up in other ways than those that an index names, if it can."""
    await connection.execute(
        select(*(func.set_config(f"enable_{plan}", word, True) for plan in ("seqscan", "indexscan")))
    )


def has_state(place: Place, state: UserState | None) -> ColumnElement[bool]:
    """Whether a user is in a state, as `User.state` has it, in words that the partial indexes know."""
    table = place.table("users")
    is_active = table.c.is_active if "is_active" in table.c else true()
    match state:
        case None:
            return true()
        case UserState.ACTIVE:
            return and_(is_active.is_(True), is_kept(table))
        case UserState.INACTIVE:
            return and_(is_active.is_not(True), is_kept(table))
        case UserState.DELETED:
            return is_deleted(place)


def is_deleted(place: Place) -> ColumnElement[bool]:
    """Whether a user was deleted, where that can be."""
    return place.table("users").c.deleted_at.is_not(None) if place.has("users", "deleted_at") else false()


def is_named(place: Place, word: str) -> ColumnElement[bool]:
    """Whether a user has exactly that id, e-mail or username, whatever its case."""
    if not is_text(word):
        return false()
    try:
        return place.table("users").c.id == UUID(word)
    except ValueError:
        names = _columns(place, "email", "username")
        return or_(false(), *(func.lower(name) == func.lower(word) for name in names))


def _columns(place: Place, *names: str) -> list[Column[Any]]:
    table = place.table("users")
    return [table.c[name] for name in names if name in table.c]


async def user_with(connection: AsyncConnection, place: Place, user_id: UUID) -> User | None:
    """The user with that id. Raises `OperationRefused` where there is no table."""
    table = place.table("users")
    found = (await connection.execute(select_users(place).where(table.c.id == user_id))).one_or_none()
    return user_of(found) if found is not None else None


async def keys_of(connection: AsyncConnection, place: Place, user_id: UUID) -> tuple[ApiKey, ...]:
    """The user's newest keys."""
    if "api_keys" not in place.tables:
        return ()
    table = place.table("api_keys")
    rows = select_keys(place).where(table.c.user_id == user_id)
    newest = Order(table.c.created_at if "created_at" in table.c else table.c.id, table.c.id, descending=True)
    return (await read_page(connection, rows, newest, key_of, size=FEW)).rows


async def sessions_of(connection: AsyncConnection, place: Place, user_id: UUID) -> tuple[LoginSession, ...]:
    """The user's sessions that last longest."""
    if "sessions" not in place.tables:
        return ()
    table = place.table("sessions")
    rows = select_sessions(place).where(table.c.user_id == user_id)
    return (await read_page(connection, rows, session_order(place), session_of, size=FEW)).rows


def session_order(place: Place) -> Order:
    """What ends last comes first: that way the open ones are together, and every installation has an index for it."""
    table = place.table("sessions")
    return Order(table.c.expires_at if "expires_at" in table.c else table.c.id, table.c.id, descending=True)


async def projects_of(connection: AsyncConnection, place: Place, user_id: UUID) -> tuple[Project, ...]:
    """The user's newest projects."""
    if "projects" not in place.tables:
        return ()
    table = place.table("projects")
    rows = select(table.c.id, table.c.name).where(table.c.owner_id == user_id)
    newest = Order(table.c.created_at if "created_at" in table.c else table.c.id, table.c.id, descending=True)
    return (await read_page(connection, rows, newest, project_of, size=FEW)).rows


@dataclass(frozen=True, slots=True)
class Belongings:
    """How much hangs on a user."""

    keys: int
    """That are active."""
    sessions: int
    """That are open."""
    projects: int

    def __str__(self) -> str:
        """As a part of a sentence; "" where nothing does."""
        things = {"active API key": self.keys, "open session": self.sessions, "project": self.projects}
        said = [
            f"{count(min(number, _MOST_COUNTED))}{' or more' if number > _MOST_COUNTED else ''} {name}{'s' * (number > 1)}"
            for name, number in things.items()
            if number
        ]
        return ", ".join([*said[:-2], " and ".join(said[-2:])])


async def belongings(connection: AsyncConnection, place: Place, user_id: UUID) -> Belongings:
    """How much hangs on a user; what there is no table for does not."""

    async def number(table: str, owner: str, *conditions: ColumnElement[bool]) -> int:
        found = place.table(table)
        some = select(found.c.id).where(found.c[owner] == user_id, *conditions).limit(_MOST_COUNTED + 1)
        return await _number(connection, some)

    there = place.tables
    return Belongings(
        keys=await number("api_keys", "user_id", opens_something(place)) if "api_keys" in there else 0,
        sessions=await number("sessions", "user_id", is_open(place)) if "sessions" in there else 0,
        projects=await number("projects", "owner_id") if "projects" in there else 0,
    )


async def _number(connection: AsyncConnection, rows: Select[Any]) -> int:
    return int(await connection.scalar(select(func.count()).select_from(rows.subquery())) or 0)
