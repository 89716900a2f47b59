"""Pages of a list on real servers: whatever it is sorted by, each row is on one page, in the same order both ways."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Column, DateTime, Integer, MetaData, String, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from console.data.accounts.paging import Order, Position, read_page
from console.models.accounts import Page
from tests.live import connected
from tests.postgres import PostgresCluster

TABLE = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String),
    Column("at", DateTime(timezone=True)),
    Column("local", DateTime(timezone=True)),
)
ROWS = """
    CREATE TEMP TABLE things AS
    SELECT i AS id, CASE WHEN i % 4 > 0 THEN 'name ' || i % 3 END AS name,
           CASE WHEN i % 5 > 0 THEN timestamptz '2026-03-01 12:00:00.000001Z' + make_interval(mins => i % 7) END AS at,
           CASE WHEN i % 5 > 0 THEN timestamp '2026-03-01 12:00:00.000001' + make_interval(mins => i % 7) END AS local
    FROM generate_series(1, 23) AS i
"""
"""Rows that are equal, rows without a value, times with and without a zone."""


@pytest.fixture
async def connection(every_postgres: PostgresCluster) -> AsyncIterator[AsyncConnection]:
    """One with the table, in a zone where it is another hour."""
    async with connected(every_postgres.url()) as server, server.engine.connection() as connection:
        await connection.exec_driver_sql(ROWS)
        await connection.exec_driver_sql("SET LOCAL timezone = 'Asia/Kathmandu'")
        yield connection


@pytest.mark.parametrize("size", [1, 3, 23, 50])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("by", ["name", "at", "local", "id"])
async def test_each_row_is_on_one_page_in_the_same_order_both_ways(
    connection: AsyncConnection, by: str, descending: bool, size: int
) -> None:
    way = "DESC" if descending else "ASC"
    wanted = (
        await connection.exec_driver_sql(f"SELECT id FROM things ORDER BY {by} {way} NULLS LAST, id {way}")  # noqa: S608
    ).scalars().all()  # fmt: skip

    async def page(after: Position | None = None, before: Position | None = None) -> Page[Any]:
        order = Order(TABLE.c[by], TABLE.c.id, descending)
        return await read_page(
            connection, select(TABLE.c.id), order, lambda row: row.id, size=size, after=after, before=before
        )

    pages = [await page()]
    while (after := pages[-1].after) is not None:
        pages.append(await page(after=after))
    assert [id_ for page in pages for id_ in page.rows] == wanted
    assert pages[0].before is None
    for number in range(len(pages) - 1, 0, -1):
        assert await page(before=pages[number].before) == pages[number - 1]


async def test_an_empty_list_has_one_page(connection: AsyncConnection) -> None:
    rows = select(TABLE.c.id).where(TABLE.c.id < 0)
    empty: Page[Any] = Page((), None, None, 7)
    for position in (None, (5, 5)):
        for way in ("after", "before"):
            found = await read_page(
                connection, rows, Order(TABLE.c.id, TABLE.c.id), lambda row: row.id, size=5, estimate=7,
                **{way: position},
            )  # fmt: skip
            assert found == empty
