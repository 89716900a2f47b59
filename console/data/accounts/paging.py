"""Pages of long lists: from a row on, in either direction, at the same cost wherever in the list that is.

Never OFFSET, which reads all that it leaves out, and never a count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, DateTime, Row, Select, and_, cast, literal, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from console.models.accounts import Page

R = TypeVar("R")

Position = tuple[Any, ...]
"""Where in a list a row is: what it is sorted by, and its id."""


@dataclass(frozen=True)
class Order:
    """What a list is sorted by; rows that have nothing there come last, and equal ones are in the order of their ids.

    An index on (by, id), or on `by` alone where few rows are equal, makes every page cheap.
    """

    by: ColumnElement[Any]
    id: ColumnElement[Any]
    descending: bool = False


def aware(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The column as it is to be read: a time always with its zone, which older installations' columns are without.

    The server takes those to be in its own zone, as it did when it wrote them.
    """
    return cast(column, DateTime(timezone=True)) if isinstance(column.type, DateTime) else column


async def read_page(
    connection: AsyncConnection,
    rows: Select[Any],
    order: Order,
    model: Callable[[Row[Any]], R],
    *,
    size: int,
    after: Position | None = None,
    before: Position | None = None,
    estimate: int | None = None,
) -> Page[R]:
    """A page of `rows`, a SELECT without order or limit: the first one, or from a position of another page on.

    The first page is full if there are as many rows, also when it is come back to; where there is nothing after
    `after` any more, it is the last page.

    Raises as `Engine.connection`.
    """
    rows = rows.add_columns(aware(order.by).label("page_by"), order.id.label("page_id"))
    start = after if before is None else before
    backwards = before is not None
    found = await _read(connection, rows, order, start, backwards, size + 1)
    if backwards and len(found) <= size:
        start, backwards = None, False
        found = await _read(connection, rows, order, start, backwards, size + 1)
    elif start is not None and not found:
        backwards = True
        found = await _read(connection, rows, order, None, backwards, size + 1)
    is_more = len(found) > size
    shown = found[size - 1 :: -1] if backwards and is_more else found[::-1] if backwards else found[:size]
    has_before = is_more if backwards else start is not None
    has_after = before is not None if backwards else is_more
    return Page(
        rows=tuple(model(row) for row in shown),
        before=(shown[0].page_by, shown[0].page_id) if has_before and shown else None,
        after=(shown[-1].page_by, shown[-1].page_id) if has_after and shown else None,
        estimate=estimate,
    )


async def _read(
    connection: AsyncConnection,
    rows: Select[Any],
    order: Order,
    start: Position | None,
    backwards: bool,
    limit: int,
) -> list[Row[Any]]:
    """So many rows at most from a position on, or from the end that the direction begins at."""
    is_down = order.descending != backwards
    sorting = (order.by.desc(), order.id.desc()) if is_down else (order.by, order.id)
    found: list[Row[Any]] = []
    for part in _parts(order, start, backwards, is_down):
        if len(found) < limit:
            statement = rows.where(part).order_by(*sorting).limit(limit - len(found))
            found += (await connection.execute(statement)).all()
    return found


def _parts(order: Order, start: Position | None, backwards: bool, is_down: bool) -> list[ColumnElement[bool]]:
    """What is to be read, part by part: rows with a value and rows without.

    In one condition, with OR, no index would find the beginning.
    """
    with_value, without = order.by.is_not(None), order.by.is_(None)
    if start is None:
        return [without, with_value] if backwards else [with_value, without]
    value, id_ = start
    place = literal(id_, order.id.type)
    if value is None:
        beyond = order.id < place if is_down else order.id > place
        return [and_(without, beyond), *([with_value] if backwards else [])]
    row, other = tuple_(order.by, order.id), tuple_(literal(value, order.by.type), place)
    return [row < other if is_down else row > other, *([] if backwards else [without])]
