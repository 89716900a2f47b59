"""The platform's audit trail, checked row by row."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from console.data.audit_chain import row_hash
from console.data.schema.core import audit_logs


async def broken_rows(url: str) -> list[int]:
    """The sequence numbers of the rows that do not fit the chain."""
    row = audit_logs.c
    before = select(
        row.sequence,
        (row.hash == row_hash(row)).label("is_own"),
        row.prev_hash.is_not_distinct_from(func.lag(row.hash).over(order_by=row.sequence)).label("follows"),
        (row.sequence - func.lag(row.sequence, 1, 0).over(order_by=row.sequence)).label("step"),
    ).order_by(row.sequence)
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"), poolclass=NullPool)
    async with engine.connect() as connection:
        found = (await connection.execute(before)).all()
    return [entry.sequence for entry in found if not (entry.is_own and entry.follows and entry.step == 1)]
