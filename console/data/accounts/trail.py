"""The audit trail: searching it, whether its chain is whole, and letting go of its old end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    Delete,
    Interval,
    Row,
    Table,
    and_,
    delete,
    func,
    literal,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from console.data.accounts.chain import RETENTION, Anchor, look_at_chain
from console.data.accounts.context import AccountsContext
from console.data.accounts.paging import Order, Position, aware, read_page
from console.data.accounts.readable import readable
from console.data.place import Place
from console.data.trail import Trail
from console.errors import BadInput, OperationRefused
from console.models.accounts import ChainState, Page, Retention, TrailEntry, TrailFilter
from console.models.operation import Danger, Outcome
from console.units import count

DELETED_AT_ONCE = 50_000
"""Rows that one statement of a retention removes."""
_MOST_VALUES = 200
"""Different values of a column that are looked for one by one."""
_NO_TIME = datetime.fromtimestamp(0, UTC)


class TrailService:
    """The audit trail: searching it, whether its chain is whole, and letting go of its old end."""

    def __init__(self, context: AccountsContext) -> None:
        self._context = context

    async def page(
        self,
        filter: TrailFilter,
        after: Position | None = None,
        before: Position | None = None,
        size: int = 50,
    ) -> Page[TrailEntry]:
        """A page of the trail, the newest row first. An entry that has no time is shown with that of 1970.

        Raises `OperationRefused` where there is no trail, and as `Engine.connection`.
        """
        place = await self._context.place()
        trail = Trail(place)
        row = trail.table.c
        async with self._context.reading() as connection:
            return await read_page(
                connection,
                select(*_read(trail.table)).where(*await _conditions(connection, place, trail.table, filter)),
                Order(row.sequence if trail.is_chain else row.timestamp, row.id, descending=True),
                _entry,
                size=size,
                after=after,
                before=before,
                estimate=place.estimates.get("audit_logs") if filter == TrailFilter() else None,
            )

    async def newest(self) -> TrailEntry | None:
        """The newest row of the chain, whose sequence number and hash are to be kept elsewhere; None where there is none.

        Raises `OperationRefused` where there is no chain, and as `Engine.connection`.
        """
        trail = await self._trail()
        if not trail.is_chain:
            raise OperationRefused(_not_chained(trail))
        async with self._context.reading() as connection:
            newest = select(*_read(trail.table)).order_by(trail.table.c.sequence.desc()).limit(1)
            found = (await connection.execute(newest)).one_or_none()
        return _entry(found) if found is not None else None

    async def verify(self, expected_hash: str | None = None) -> ChainState:
        """Whether the chain is whole, and where and how it breaks. `expected_hash` is one that was kept elsewhere.

        Raises `BadInput` for what is no hash, `OperationRefused` where there is no trail, and as `Engine.connection`.
        """
        expected = expected_hash.strip().lower() if expected_hash is not None else None
        if expected is not None and not re.fullmatch("[0-9a-f]{64}", expected):
            raise BadInput("A hash of the trail has 64 hexadecimal digits; what is expected is none.")
        trail = await self._trail()
        if not trail.is_chain:
            return ChainState(False, 0, None, None, None, None, _not_chained(trail))
        async with self._context.reading() as connection:
            # One state of the table for all statements, whatever is appended or let go of meanwhile.
            await connection.execution_options(isolation_level="REPEATABLE READ")
            async with connection.begin():
                return await look_at_chain(connection, trail.table, expected)

    async def retention_operation(self) -> Retention:
        """What letting go of the rows that are older than the setting allows means, for a person to confirm.

        Raises `OperationRefused` where nothing is that old or nothing may be changed, and as `Engine.connection`.
        """
        self._context.changes.check()
        trail = await self._trail()
        row = trail.table.c
        days = self._context.settings.accounts.audit_retention_days
        async with self._context.reading() as connection:
            old = _old(trail, timedelta(days=days))
            moment = aware(row.timestamp)
            last = func.max(row.sequence) if trail.is_chain else null()
            figures = select(func.count(), func.min(moment), func.max(moment), last).where(old)
            number, since, until, through = (await connection.execute(figures)).one()
        if not number:
            raise OperationRefused(
                f"There is nothing to let go of: no row of the trail is older than {days} days."
            )
        rows = "1 row" if number == 1 else f"{count(number)} rows"
        after = (
            "A row about it follows in the trail, so that what remains can still be verified."
            if trail.is_chain
            else "A row about it follows in the trail."
        )
        return Retention(
            title=f"Let go of {rows} of the audit trail, older than {days} days",
            action="Remove",
            object_name=trail.table.fullname,
            statements=(readable(_delete(trail, through, until)),),
            consequences=(
                f"{rows[:1].upper()}{rows[1:]} from {_moment(since)} to {_moment(until)} are lost for good.",
                after,
            ),
            danger=Danger.DESTRUCTIVE,
            rows=number,
            through=through,
            until=until,
        )

    async def retain(self, operation: Retention) -> Outcome:
        """Removes the rows that were shown, in one transaction with the row that says so. Others append meanwhile.

        Raises `OperationRefused` where the chain is broken, for nothing may be removed that would hide it, or where
        other rows are there than were shown; `OutcomeUnknown`; and as `Engine.connection`.
        """
        trail = await self._trail()
        async with self._context.changes.making(operation, trail) as change:
            said = {
                "rows": operation.rows,
                "until": operation.until.astimezone(UTC).isoformat(),
                "days": self._context.settings.accounts.audit_retention_days,
            }
            if operation.through is not None:
                said |= (await _anchor(change.connection, trail, operation.through)).details
            if await _remove(change.connection, trail, operation) != operation.rows:
                raise OperationRefused("Nothing was let go of: the trail was changed meanwhile; look again.")
            change.note(RETENTION, "audit_logs", **said)
            change.sentence = f"{operation.title}: done."
        return Outcome(operation.object_name, True, change.sentence)

    async def _trail(self) -> Trail:
        return Trail(await self._context.place())


def _not_chained(trail: Trail) -> str:
    return (
        f"The rows of {trail.table.fullname} are not chained, so nobody can tell whether they were changed; the "
        "platform's migration core_0004 brings a trail that is."
    )


# Searching ----------------------------------------------------------------------------------------------------


def _read(table: Table) -> list[ColumnElement[Any]]:
    """The columns of an entry; those that the table does not have are NULL."""
    names = ("id", "sequence", "action", "resource_type", "resource_id", "user_id", "details", "ip_address")
    columns = [
        table.c[name] if name in table.c else null().label(name) for name in (*names, "hash", "prev_hash")
    ]
    return [*columns, aware(table.c.timestamp).label("at")]


def _entry(row: Row[Any]) -> TrailEntry:
    details = row.details if row.details is not None else {}
    return TrailEntry(
        id=row.id,
        sequence=row.sequence,
        at=row.at or _NO_TIME,
        action=row.action,
        resource_type=row.resource_type,
        resource_id=row.resource_id,
        user_id=row.user_id,
        details=details if isinstance(details, Mapping) else {"details": details},
        ip_address=str(row.ip_address) if row.ip_address is not None else None,
        hash=row.hash,
        prev_hash=row.prev_hash,
    )


async def _conditions(
    connection: AsyncConnection, place: Place, table: Table, wanted: TrailFilter
) -> list[ColumnElement[bool]]:
    """What holds of the rows that are wanted, so that an index can find them."""
    row = table.c
    found: list[ColumnElement[bool]] = []
    if wanted.person:
        place.require("audit_logs", "user_id", "details")
        user_id = _uuid(wanted.person)
        found.append(
            or_(row.user_id == user_id, row.details.contains({"user_id": str(user_id)}))
            if user_id is not None
            else row.details["by"].astext.icontains(wanted.person, autoescape=True)
        )
    if wanted.action:
        found.append(await _begins(connection, row.action, wanted.action))
    if wanted.resource:
        place.require("audit_logs", "resource_type", "resource_id")
        resource_id = _uuid(wanted.resource)
        if resource_id is None:
            found.append(await _begins(connection, row.resource_type, wanted.resource))
        else:
            # The index begins with the type.
            types = await _values(connection, row.resource_type) or ()
            is_typed = row.resource_type.in_(types) if types else true()
            found.append(and_(row.resource_id == resource_id, or_(is_typed, row.resource_type.is_(None))))
    if wanted.since is not None:
        found.append(row.timestamp >= literal(wanted.since, DateTime(timezone=True)))
    if wanted.until is not None:
        found.append(row.timestamp < literal(wanted.until, DateTime(timezone=True)))
    return found


async def _begins(connection: AsyncConnection, column: Column[Any], word: str) -> ColumnElement[bool]:
    """That the column begins with a word: by its values, for in most collations no index knows a beginning."""
    values = await _values(connection, column)
    if values is None:
        return column.istartswith(word, autoescape=True)
    return column.in_([value for value in values if value.lower().startswith(word.lower())])


async def _values(connection: AsyncConnection, column: Column[Any]) -> list[str] | None:
    """The different values of a column, in hops along its index from each to the next; None where there are many."""
    hops = select(func.min(column).label("value")).cte("hops", recursive=True)
    following = select(func.min(column)).where(column > hops.c.value).scalar_subquery()
    hops = hops.union_all(select(following).where(hops.c.value.is_not(None)))
    different = select(hops.c.value).where(hops.c.value.is_not(None)).limit(_MOST_VALUES + 1)
    values = list((await connection.scalars(different)).all())
    return values if len(values) <= _MOST_VALUES else None


def _uuid(word: str) -> UUID | None:
    try:
        return UUID(word.strip())
    except ValueError:
        return None


# Letting go ---------------------------------------------------------------------------------------------------


def _old(trail: Trail, age: timedelta) -> ColumnElement[bool]:
    """Which rows may go, by the server's clock. Of a chain it is the old end, whatever times stand in the rest of it."""
    row = trail.table.c
    limit = func.now() - literal(age, Interval)
    if not trail.is_chain:
        return row.timestamp < limit
    other = trail.table.alias().c
    young = select(other.sequence).where(other.timestamp >= limit).order_by(other.sequence).limit(1)
    newest = select(func.max(other.sequence))
    return row.sequence < func.least(young.scalar_subquery(), newest.scalar_subquery())


async def _anchor(connection: AsyncConnection, trail: Trail, through: int) -> Anchor:
    """The last row that goes, of a chain that is whole. Raises `OperationRefused` where it is not."""
    state = await look_at_chain(connection, trail.table)
    if not state.is_whole:
        raise OperationRefused(
            f"Nothing was let go of, for that would hide what happened to the trail. {state.sentence}"
        )
    row = trail.table.c
    last = select(row.hash, aware(row.timestamp).label("at")).where(row.sequence == through)
    found = (await connection.execute(last)).one_or_none()
    if found is None:
        raise OperationRefused("Nothing was let go of: the trail was changed meanwhile; look again.")
    return Anchor(through, found.hash, found.at)


async def _remove(connection: AsyncConnection, trail: Trail, operation: Retention) -> int:
    """Removes the rows, and says how many they were."""
    if operation.through is None:
        return (await connection.execute(_delete(trail, None, operation.until))).rowcount
    first = await connection.scalar(select(func.min(trail.table.c.sequence))) or operation.through
    removed = 0
    # No statement takes long.
    for start in range(first, operation.through + 1, DELETED_AT_ONCE):
        last = min(start + DELETED_AT_ONCE - 1, operation.through)
        removed += (await connection.execute(_delete(trail, last, operation.until))).rowcount
    return removed


def _delete(trail: Trail, through: int | None, until: datetime) -> Delete:
    row = trail.table.c
    if through is not None:
        return delete(trail.table).where(row.sequence <= through)
    return delete(trail.table).where(row.timestamp <= literal(until, DateTime(timezone=True)))


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
