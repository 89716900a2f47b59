"""Whether the trail's chain is whole: computed by the server, piece by piece, so that no statement takes long.

What a chain cannot tell is that its newest rows were removed, or that all of it was written anew: only a hash that was
kept elsewhere does. Nor does it tell who wrote a row about a retention: whoever can compute hashes can write one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, Table, and_, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from console.data.audit_chain import row_hash
from console.models.accounts import ChainState
from console.units import count

RETENTION = "audit.retain"
"""The action of the row that says which rows were let go of."""

PIECE = 100_000
"""Rows that one statement looks at: half a second."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """What the newest row about a retention says: the row that the oldest one has to follow."""

    through: int
    """The sequence number of the last row that was let go of."""
    hash: str
    at: datetime

    @property
    def details(self) -> dict[str, Any]:
        """As the row's details have it."""
        return {"removed_through": self.through, "removed_hash": self.hash}


async def look_at_chain(
    connection: AsyncConnection, table: Table, expected_hash: str | None = None
) -> ChainState:
    """Walks the whole chain from its oldest row on. The connection's transaction should see one state of it.

    Raises as `Engine.connection`.
    """
    row = table.c
    ends: Select[Any] = select(row.sequence, row.prev_hash, row.hash).limit(1)
    oldest = (await connection.execute(ends.order_by(row.sequence))).one_or_none()
    newest = (await connection.execute(ends.order_by(row.sequence.desc()))).one_or_none()
    anchor = await _anchor(connection, table)
    is_expected = anchor is not None and anchor.hash == expected_hash
    broken = oldest.sequence if oldest is not None and not _begins_well(oldest, anchor) else None
    rows, start = 0, oldest.sequence if oldest is not None else None
    while start is not None:
        piece = (await connection.execute(_piece(table, start, expected_hash))).one()
        rows += piece.rows - (rows > 0)
        is_expected = is_expected or bool(piece.is_expected)
        broken = piece.broken if broken is None else broken
        start = piece.last if piece.rows > PIECE and piece.last > start else None
    found = None if expected_hash is None else is_expected
    return ChainState(
        is_chain=True,
        rows=rows,
        first_sequence=oldest.sequence if oldest is not None else None,
        last_sequence=newest.sequence if newest is not None else None,
        newest_hash=newest.hash if newest is not None else None,
        broken_at=broken,
        sentence=" ".join(
            [
                await _why(connection, table, broken, anchor) if broken is not None else _whole(rows, oldest),
                *_about_expected(found, anchor),
            ]
        ),
        expected_hash_found=found,
    )


async def _anchor(connection: AsyncConnection, table: Table) -> Anchor | None:
    row = table.c
    newest = (
        select(row.details, row.timestamp)
        .where(row.action == RETENTION)
        .order_by(row.sequence.desc())
        .limit(1)
    )
    found = (await connection.execute(newest)).one_or_none()
    said = found.details if found is not None and isinstance(found.details, Mapping) else {}
    through, hash_ = said.get("removed_through"), said.get("removed_hash")
    if found is None or not isinstance(through, int) or not isinstance(hash_, str):
        return None
    return Anchor(through, hash_, found.timestamp)


def _begins_well(oldest: Row[Any], anchor: Anchor | None) -> bool:
    """Whether the oldest row is the first one of all, or follows the last one that was let go of."""
    if oldest.sequence == 1:
        return oldest.prev_hash is None
    return anchor is not None and (oldest.sequence - 1, oldest.prev_hash) == (anchor.through, anchor.hash)


def _piece(table: Table, start: int, expected_hash: str | None) -> Select[Any]:
    """A look at a piece of the chain; its first row, the last one of the piece before, is taken to follow what it must."""
    piece = (
        select(table).where(table.c.sequence >= start).order_by(table.c.sequence).limit(PIECE + 1).subquery()
    )
    row = piece.c
    before, hash_before = (
        func.lag(column).over(order_by=row.sequence) for column in (row.sequence, row.hash)
    )
    walked = select(
        row.sequence,
        row.hash,
        row.hash.is_not_distinct_from(row_hash(row)).label("is_own"),
        or_(
            before.is_(None),
            and_(row.sequence - before == 1, row.prev_hash.is_not_distinct_from(hash_before)),
        ).label("follows"),
    ).subquery()
    return select(
        func.count().label("rows"),
        func.max(walked.c.sequence).label("last"),
        func.min(walked.c.sequence).filter(~(walked.c.is_own & walked.c.follows)).label("broken"),
        func.bool_or(walked.c.hash == literal(expected_hash, table.c.hash.type)).label("is_expected"),
    )


def _whole(rows: int, oldest: Row[Any] | None) -> str:
    if oldest is None:
        return "The trail is empty: only a hash that was kept elsewhere tells whether it always was."
    return f"The chain is whole: {count(rows)} rows from {oldest.sequence} on."


async def _why(connection: AsyncConnection, table: Table, broken: int, anchor: Anchor | None) -> str:
    """How the chain breaks at its first row that does not fit."""
    row = table.c
    last_two = (
        select(row.sequence, row.hash.is_not_distinct_from(row_hash(row)).label("is_own"))
        .where(row.sequence <= broken)
        .order_by(row.sequence.desc())
        .limit(2)
    )
    found, *before = (await connection.execute(last_two)).all()
    start = f"The chain breaks at row {broken}:"
    if not found.is_own:
        return f"{start} it was changed after it was written, for its hash is not that of what it says."
    if before:
        last = before[0].sequence
        if last == broken:
            return f"{start} there are two of that number."
        if last != broken - 1:
            return f"{start} {_rows(last + 1, broken - 1)} missing before it."
        return f"{start} it does not follow row {last} as that one is now, but one with another hash."
    if broken == 1:
        return f"{start} it says that it follows another row, and is the first."
    if anchor is None:
        return f"{start} what was before it is missing, and no row says that it was let go of."
    if anchor.through == broken - 1:
        return f"{start} it does not follow row {anchor.through} as that one was when it was let go of."
    return (
        f"{start} what was before it is missing, and only the rows through {anchor.through} were let go of as "
        "the trail says."
    )


def _rows(first: int, last: int) -> str:
    return f"row {first} is" if first == last else f"rows {first} to {last} are"


def _about_expected(found: bool | None, anchor: Anchor | None) -> list[str]:
    if found is None:
        return []
    if found:
        return ["The hash that was kept elsewhere is in it."]
    unless = (
        f", unless it was one of the rows through {anchor.through}, let go of on {anchor.at:%Y-%m-%d}"
        if anchor is not None
        else ""
    )
    return [
        "The hash that was kept elsewhere is not in it: rows were removed at its new end, or all of it was "
        f"replaced{unless}."
    ]
