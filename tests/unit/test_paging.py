"""Pages of lists: what is asked of the server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, DateTime, MetaData, String, Table, Uuid, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql import Select

from console.data.accounts.paging import Order, Position, read_page
from console.models.accounts import Page

TABLE = Table(
    "things",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("name", String(20)),
    Column("at", DateTime(timezone=True)),
)
SOME_ID = UUID(int=7)


class Recorder:
    """Stands for a connection: answers nothing, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def execute(self, statement: Select[Any]) -> Recorder:
        text = str(statement.compile(dialect=postgresql.asyncpg.dialect()))  # type: ignore[no-untyped-call]
        self.asked.append(" ".join(text.split()))
        return self

    def all(self) -> list[Any]:
        return []


async def asked(
    *,
    by: str = "name",
    descending: bool = False,
    after: Position | None = None,
    before: Position | None = None,
) -> list[str]:
    recorder: Any = Recorder()
    order = Order(TABLE.c[by], TABLE.c.id, descending)
    page = await read_page(
        recorder, select(TABLE.c.name), order, lambda row: row, size=10, after=after, before=before
    )
    assert page == Page((), None, None, None)
    found: list[str] = recorder.asked
    return found


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("position", [None, ("a", SOME_ID), (None, SOME_ID)])
@pytest.mark.parametrize("way", ["after", "before"])
async def test_nothing_is_skipped_or_counted(way: str, position: Position | None, descending: bool) -> None:
    for statement in await asked(descending=descending, after=position if way == "after" else None,
                                 before=position if way == "before" else None):  # fmt: skip
        assert "OFFSET" not in statement
        assert "count" not in statement
        assert " OR " not in statement, "an index finds the beginning"
        assert "LIMIT" in statement


async def test_a_position_is_compared_as_a_whole() -> None:
    first, *_ = await asked(after=("a", SOME_ID))
    assert "(things.name, things.id) > ($1::VARCHAR, $2::UUID)" in first
    assert "ORDER BY things.name, things.id LIMIT" in first
    first, *_ = await asked(after=("a", SOME_ID), descending=True)
    assert "(things.name, things.id) < ($1::VARCHAR, $2::UUID)" in first
    assert "ORDER BY things.name DESC, things.id DESC LIMIT" in first


async def test_a_time_is_read_with_its_zone_and_sorted_as_it_is() -> None:
    first, *_ = await asked(by="at", after=(datetime(2026, 3, 1, tzinfo=UTC), SOME_ID))
    assert "CAST(things.at AS TIMESTAMP WITH TIME ZONE) AS page_by" in first
    assert "ORDER BY things.at, things.id" in first
