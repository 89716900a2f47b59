"""The platform's audit trail, checked row by row."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from console.data.audit_chain import row_hash
from console.data.schema.core import audit_logs
from tests.platform_schema import Database


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


async def fill(database: Database, rows: int, first: datetime, apart: timedelta = timedelta(hours=1)) -> None:
    """Writes so many rows into an empty trail of the platform, from a time on; the hashes are computed here, again."""
    await database.run(_FILL, rows, first, apart)


_FILL = """
INSERT INTO arxos_core.audit_logs
  (sequence, prev_hash, hash, timestamp, action, resource_type, resource_id, details)
WITH RECURSIVE chain AS (
  SELECT 0::bigint AS n, NULL::text AS prev_hash, NULL::text AS hash, NULL::timestamptz AS at, NULL::text AS action,
         NULL::text AS type, NULL::uuid AS id, NULL::jsonb AS details
  UNION ALL
  SELECT e.n, c.hash, encode(sha256(convert_to(jsonb_build_array(
           e.n, c.hash, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
           e.action, e.type, e.id, e.details, NULL, NULL)::text, 'UTF8')), 'hex'), e.at, e.action, e.type, e.id, e.details
  FROM chain c
  CROSS JOIN LATERAL (
    SELECT c.n + 1 AS n, $2::timestamptz + c.n * $3::interval AS at,
           (ARRAY['user.create', 'api_key.create', 'api_key.revoke'])[1 + c.n % 3] AS action,
           (ARRAY['user', 'api_key', 'api_key'])[1 + c.n % 3] AS type,
           ('00000000-0000-4000-8000-' || lpad((c.n + 1)::text, 12, '0'))::uuid AS id,
           jsonb_build_object('by', (ARRAY['ada@desk', 'bob@desk'])[1 + c.n % 2], 'note', c.n) AS details
  ) AS e
  WHERE c.n < $1::int
)
SELECT n, prev_hash, hash, at, action, type, id, details FROM chain WHERE n > 0
"""
