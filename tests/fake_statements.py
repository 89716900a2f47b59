"""Statements and waits from memory, as they are at three in the morning."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import sin
from typing import Any

from console.data.statements import selection
from console.data.statements.kinds import kind_of
from console.data.statements.resetting import reset_operation
from console.data.statements.texts import Text
from console.data.statements.trend import Trend, stretch_of
from console.models.health import Vitals
from console.models.operation import Operation, Outcome
from console.models.plans import PlanRequest
from console.models.statements import (
    TREND_SECONDS,
    Entry,
    Extension,
    ExtensionState,
    Figures,
    Selection,
    Statement,
    StatementDetail,
    StatementKey,
    StatementsSnapshot,
    StatementsView,
    TrendPoint,
)

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
RESET = NOW - timedelta(days=4)
OPENED = NOW - timedelta(minutes=14)
READY = Extension(ExtensionState.READY, "1.12", "public", newest="1.12")
MISSING = Extension(
    ExtensionState.NOT_INSTALLED,
    newest="1.12",
    problem="pg_stat_statements is not installed, so nobody counts what statements cost. Restart between the two:",
    remedy=(
        "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'",
        "CREATE EXTENSION pg_stat_statements",
    ),
)

ORDERS = """SELECT o.*, c.name
  FROM orders o JOIN customers c ON c.id = o.customer_id
 WHERE o.state = $1 -- [b]not markup[/]
 ORDER BY o.created DESC LIMIT $2"""

_TEXTS: Sequence[tuple[str, str, str, float, int, int]] = (
    (ORDERS, "app", "shop", 0.212, 30_500, 20),
    ("REFRESH MATERIALIZED VIEW daily_stats", "etl", "shop", 190.0, 12, 0),
    ("UPDATE orders SET state = $1 WHERE id = $2", "worker", "shop", 0.131, 9_120, 1),
    ("SELECT name FROM 商品 WHERE ナメ = $1 -- 😀 \x1b]0;title\x07", "app", "shop", 0.180, 1_204, 3),
    ("WITH bought AS (SELECT DISTINCT customer_id, product_id FROM items) SELECT count(*) FROM bought", "report", "events", 14.2, 31, 1),
    ("DELETE FROM events WHERE at < $1", "etl", "events", 2.4, 48, 120_000),
    ("SELECT * FROM cart WHERE user_id = $1", "app", "shop", 0.0012, 1_840_211, 2),
)  # fmt: skip


def figures(mean: float, calls: int, rows: int, **changes: Any) -> Figures:
    """Figures that hang together."""
    total = mean * calls
    return Figures(
        calls=calls,
        total=total,
        least=mean / 9,
        most=mean * 14,
        mean=mean,
        deviation=mean * 0.8,
        rows=rows * calls,
        plans=0,
        planning=0.0,
        shared_hit=calls * 4_120,
        shared_read=calls * 51,
        shared_dirtied=calls,
        shared_written=calls // 3,
        local_hit=0,
        local_read=0,
        local_dirtied=0,
        local_written=0,
        temp_read=calls * 2,
        temp_written=calls * 2,
        read_time=total * 0.31,
        write_time=total * 0.01,
        temp_read_time=0.0,
        temp_write_time=0.0,
        wal_records=calls,
        wal_full_pages=0,
        wal_bytes=calls * 214,
        jit_functions=0,
        jit_time=0.0,
        workers_planned=0,
        workers_launched=0,
    )._replace(**changes)


def statements_snapshot(
    extension: Extension = READY, vitals: Vitals | None = None, texts: int = len(_TEXTS)
) -> StatementsSnapshot:
    """A server with a few dear statements and a cheap one that is called all the time."""
    entries = {
        key(number): Entry(
            user,
            database,
            figures(mean, calls, rows),
            figures(mean, max(1, calls // 400), rows),
            figures(mean, max(1, calls // 90_000), rows) if calls > 9_000 else None,
            RESET + timedelta(hours=number),
        )
        for number, (_, user, database, mean, calls, rows) in enumerate(_TEXTS[:texts])
    }
    ready = extension.state is ExtensionState.READY
    return StatementsSnapshot(
        at=NOW,
        server_ms=4.1,
        extension=extension,
        entries=entries if ready else {},
        reset_at=RESET if ready else None,
        evictions=0 if ready else None,
        opened_at=OPENED if ready else None,
        before_at=NOW - timedelta(seconds=2) if ready else None,
        track_io_timing=True,
        track_planning=False,
        vitals=vitals,
    )


def key(number: int) -> StatementKey:
    """What names the statement with a number."""
    return StatementKey(8614407856940471875 + number, 16_384 + number % 3, 16_400)


class FakeStatements:
    """Chooses rows as the real service does, and resets what it is told to."""

    def __init__(self) -> None:
        self.view = StatementsView()
        self.begun = 0
        self.reset_of: list[Statement | None] = []
        self._texts = {
            key(number): Text(text, kind_of(text), False) for number, (text, *_) in enumerate(_TEXTS)
        }

    def look_at(self, view: StatementsView) -> None:
        self.view = view

    def begin(self) -> None:
        self.begun += 1

    def select(self, snapshot: StatementsSnapshot) -> Selection:
        return selection.select(snapshot, self.view, self._texts.get, _trend)

    def text_of(self, query_id: int) -> str | None:
        return next((text.beginning for k, text in self._texts.items() if k.query_id == query_id), None)

    async def detail(self, statement: Statement, snapshot: StatementsSnapshot) -> StatementDetail:
        return StatementDetail(statement, self._texts[statement.key].beginning)

    def history(self, statement: Statement, snapshot: StatementsSnapshot) -> tuple[TrendPoint, ...]:
        return tuple(_trend(statement.key).points(NOW, OPENED))

    async def find(self, query_id: int) -> tuple[PlanRequest, ...]:
        number = query_id - key(0).query_id
        text, user, database, *_ = _TEXTS[number]
        return (PlanRequest(text, database, user, query_id),)

    def reset_operation(self, statement: Statement | None, snapshot: StatementsSnapshot) -> Operation:
        return reset_operation(statement, snapshot)

    async def reset(
        self, operation: Operation, statement: Statement | None, snapshot: StatementsSnapshot
    ) -> Outcome:
        self.reset_of.append(statement)
        return Outcome(operation.object_name, True, f"{operation.object_name}: counted anew from now on.")


def _trend(statement: StatementKey) -> Trend:
    first = stretch_of(OPENED)
    trend = Trend(first)
    for number in range(first, stretch_of(NOW)):
        busy = 1.4 + sin((number - first) / 6 + statement.query_id % 7)
        trend.add(number, busy * TREND_SECONDS, 81 * busy, 90)
    return trend
