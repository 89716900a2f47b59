"""From the rows of the accounts tables to the models: what is read of each, and what is made of it.

A column that an installation does not have is read as NULL, so that the same models come from every one.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Table,
    Text,
    and_,
    cast,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
)

from console.data import keys
from console.data.accounts.paging import aware
from console.data.place import Place
from console.models.accounts import LoginSession, Project, User
from console.models.api_keys import ApiKey

NO_PASSWORD = "!"
"""Where a table takes no user without a hash: none that anything hashes to, so that nobody gets in."""
TOKEN_CHARACTERS = 6
"""Of a session's token no more is ever read."""

_USER = ("email", "username", "name", "phone_number", "status")
_KEY = ("name", "permissions", "environment", "expires_at", "last_used_at", "created_at", "created_by", "updated_at",
        "revoked_at", "revoked_by", "revoke_reason", "replaced_by")  # fmt: skip
_SESSION = ("created_at", "expires_at", "last_activity", "ip_address", "user_agent")


def column(table: Table, name: str) -> ColumnElement[Any]:
    """A column as it is to be read, NULL where there is none."""
    found = aware(table.c[name]) if name in table.c else null()
    # inet comes as text from whatever kind of column it is in.
    return cast(found, Text) if name == "ip_address" else found


def is_on(table: Table) -> ColumnElement[bool]:
    """Whether a row is active; without a column it is, and where nothing stands in it, it is not."""
    return func.coalesce(table.c.is_active, False) if "is_active" in table.c else true()


def is_kept(table: Table) -> ColumnElement[bool]:
    """Whether a row was not deleted."""
    return table.c.deleted_at.is_(None) if "deleted_at" in table.c else true()


# Users ----------------------------------------------------------------------------------------------------------------


def select_users(place: Place) -> Select[Any]:
    """Users as `user_of` wants them. Raises `OperationRefused` where there is no table."""
    table = place.table("users")
    return select(
        table.c.id,
        *(column(table, name).label(name) for name in _USER),
        is_on(table).label("is_active"),
        has_password(table).label("has_password"),
        *(
            column(table, name).label(name)
            for name in ("last_login_at", "created_at", "updated_at", "deleted_at")
        ),
    )


def has_password(table: Table) -> ColumnElement[bool]:
    """Whether a user can have a password right at all."""
    if "password_hash" not in table.c:
        return not_(true())
    return func.coalesce(table.c.password_hash, "").not_in(["", NO_PASSWORD])


def user_of(row: Row[Any]) -> User:
    """A user of a row of `select_users`."""
    return User(
        id=row.id,
        **{name: getattr(row, name) for name in _USER},
        is_active=row.is_active,
        has_password=row.has_password,
        last_login_at=row.last_login_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
    )


def _label(place: Place) -> ColumnElement[Any]:
    """What a person knows a row's user by; see `User.label`."""
    table = place.table("users")
    names = [table.c[name] for name in ("email", "username", "phone_number", "name") if name in table.c]
    return func.coalesce(*(func.nullif(name, "") for name in names), cast(table.c.id, Text))


# API keys -------------------------------------------------------------------------------------------------------------


def select_keys(place: Place) -> Select[Any]:
    """Keys with their owners, as `key_of` wants them. Raises `OperationRefused` where there is no table."""
    table = place.table("api_keys")
    read = [
        table.c.id,
        table.c.user_id,
        column(table, "key_prefix").label("prefix"),
        *(column(table, name).label(name) for name in _KEY),
        is_on(table).label("is_active"),
        cast(table.c.key_hash, Text).label("key_hash"),
    ]
    if "users" not in place.tables:
        return select(*read, cast(table.c.user_id, Text).label("owner"), true().label("owner_is_active"))
    users = place.table("users")
    return select(
        *read,
        func.coalesce(_label(place), cast(table.c.user_id, Text)).label("owner"),
        func.coalesce(and_(is_on(users), is_kept(users)), False).label("owner_is_active"),
    ).select_from(table.outerjoin(users, users.c.id == table.c.user_id))


def key_of(row: Row[Any]) -> ApiKey:
    """A key of a row of `select_keys`."""
    return ApiKey(
        id=row.id,
        user_id=row.user_id,
        owner=row.owner,
        owner_is_active=row.owner_is_active,
        prefix=row.prefix,
        is_active=row.is_active,
        is_predictable=keys.predictable(row.key_hash) is not None,
        **{name: getattr(row, name) for name in _KEY},
    )


def opens_something(place: Place) -> ColumnElement[bool]:
    """Whether a key is active now, as `ApiKey.state` has it."""
    table = place.table("api_keys")
    conditions = [is_on(table)]
    if "revoked_at" in table.c:
        conditions.append(table.c.revoked_at.is_(None))
    if "expires_at" in table.c:
        conditions.append(or_(table.c.expires_at.is_(None), table.c.expires_at > func.now()))
    return and_(*conditions)


# Login sessions -------------------------------------------------------------------------------------------------------


def select_sessions(place: Place) -> Select[Any]:
    """Login sessions with their users, as `session_of` wants them.

    Raises `OperationRefused` where there is no table.
    """
    table = place.table("sessions")
    token = func.left(table.c.session_token, TOKEN_CHARACTERS) if "session_token" in table.c else literal("")
    read = [
        table.c.id,
        table.c.user_id,
        token.label("token_beginning"),
        *(column(table, name).label(name) for name in _SESSION),
        is_on(table).label("is_active"),
    ]
    if "users" not in place.tables:
        return select(*read, cast(table.c.user_id, Text).label("user"))
    users = place.table("users")
    return select(*read, func.coalesce(_label(place), cast(table.c.user_id, Text)).label("user")).select_from(
        table.outerjoin(users, users.c.id == table.c.user_id)
    )


def session_of(row: Row[Any]) -> LoginSession:
    """A login session of a row of `select_sessions`."""
    said = {name: getattr(row, name) for name in _SESSION}
    return LoginSession(
        id=row.id,
        user_id=row.user_id,
        user=row.user or "–",
        token_beginning=row.token_beginning or "",
        is_active=row.is_active,
        **said | {"ip_address": without_mask(row.ip_address)},
    )


def is_open(place: Place) -> ColumnElement[bool]:
    """Whether somebody is logged in with a session, as `LoginSession.is_open` has it."""
    table = place.table("sessions")
    conditions = [is_on(table)]
    if "expires_at" in table.c:
        conditions.append(or_(table.c.expires_at.is_(None), table.c.expires_at > func.now()))
    return and_(*conditions)


def without_mask(address: str | None) -> str | None:
    """An address as a person writes it: `inet` as text ends in its mask, also where that says nothing."""
    if address is None:
        return None
    return address.removesuffix("/128") if ":" in address else address.removesuffix("/32")


def project_of(row: Row[Any]) -> Project:
    """A project of a row with its `id` and `name`."""
    return Project(row.id, row.name)
