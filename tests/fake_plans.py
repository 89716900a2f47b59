"""Plans without a server: one that a person would want to look into, as it is planned and as it ran; one of 1,000 nodes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from console.models.operation import Danger, Operation
from console.models.plans import (
    Actual,
    Explaining,
    IndexAdvice,
    IndexCandidate,
    Mark,
    Plan,
    PlanKind,
    PlanNode,
    PlanRequest,
    PlanTable,
    Remark,
)

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)

STATEMENT = (
    "SELECT o.id, o.created, c.name, sum(i.price * i.amount) AS total FROM orders o "
    "JOIN order_items i ON i.order_id = o.id JOIN customers c ON c.id = o.customer_id "
    "WHERE o.state = $1 AND c.country IN ('NO', '日本') -- [b]not markup[/] \x1b[2J\n"
    "GROUP BY o.id, c.name ORDER BY o.created DESC LIMIT 20"
)
REQUEST = PlanRequest(STATEMENT, "shop", "app", 8614407856940471875, rows_per_call=20.0)


def node(
    number: int,
    branch: str,
    title: str,
    own_cost: float,
    total_cost: float,
    share: float,
    rows: float,
    **changes: Any,
) -> PlanNode:
    """A node of a plan that was not run; `changes` are other fields of `PlanNode`."""
    given = PlanNode(
        number=number,
        title=title,
        branch=branch,
        depth=len(branch) // 3,
        startup_cost=total_cost / 4,
        total_cost=total_cost,
        own_cost=own_cost,
        share=share,
        rows=rows,
        width=48,
        schema=None,
        relation=None,
        alias=None,
        index=None,
        actual=None,
        marks=(),
        details=(),
    )
    return replace(given, **changes)


BIG_SCAN = Mark(Remark.BIG_SCAN, "41 M rows")
NODES = (
    node(0, "", "Limit", 0.05, 1_381_204.4, 0.0, 20),
    node(
        1, "└─ ", "Sort", 31_060.1, 1_381_204.3, 0.022, 148_000,
        details=(("Sort Key", "o.created DESC"),),
    ),
    node(
        2, "   └─ ", "HashAggregate", 4_440.0, 1_350_144.2, 0.003, 148_000,
        details=(("Group Key", "o.id, c.name"), ("Planned Partitions", "8")),
    ),
    node(
        3, "      └─ ", "Hash Join", 42_007.0, 1_345_704.2, 0.031, 148_000,
        details=(("Hash Cond", "(o.customer_id = c.id)"), ("Inner Unique", "true")),
    ),
    node(
        4, "         ├─ ", "Nested Loop", 8_140.0, 1_294_597.2, 0.006, 444_000,
        details=(("Join Type", "Inner"),),
    ),
    node(
        5, "         │  ├─ ", "Seq Scan on orders o", 1_204_112.0, 1_204_112.0, 0.872, 148_000,
        schema="public", relation="orders", alias="o", marks=(BIG_SCAN,),
        details=(("Output", "o.id, o.created, o.customer_id"), ("Filter", "(o.state = $1)")),
    ),
    node(
        6, "         │  └─ ", "Index Scan using order_items_order_id_idx on order_items i", 82_345.2, 0.56,
        0.060, 3, schema="public", relation="order_items", alias="i", index="order_items_order_id_idx",
        details=(("Index Cond", "(i.order_id = o.id)"),),
    ),
    node(7, "         └─ ", "Hash", 0.0, 9_100.0, 0.0, 120_400),
    node(
        8, "            └─ ", "Seq Scan on customers c", 9_100.0, 9_100.0, 0.007, 120_400,
        schema="public", relation="customers", alias="c",
        details=(("Filter", "(c.country = ANY ('{NO,日本}'::text[]))"),),
    ),
)  # fmt: skip


def _actual(rows: float, time: float, own_time: float, loops: float = 1.0, **changes: Any) -> Actual:
    given = Actual(rows, loops, time, own_time, 0.0, 1204, 0, 0, 0)
    return replace(given, **changes)


ANALYZED_NODES = tuple(
    replace(one, actual=actual, share=actual.own_time / 11.2, marks=marks)
    for one, actual, marks in zip(
        NODES,
        (
            _actual(20, 11.2, 0.00001),
            _actual(20, 11.2, 0.4),
            _actual(1_204_331, 10.8, 1.1, temp_read=41_200, temp_written=41_200),
            _actual(3_612_993, 9.7, 0.9),
            _actual(3_612_993, 8.7, 0.3),
            _actual(1_204_331, 6.8, 6.8, rows_removed=39_880_000.0, shared_hit=12_400, shared_read=891_204),
            _actual(3_612_993, 1.6, 1.6, loops=1_204_331, shared_hit=4_817_324),
            _actual(120_400, 0.1, 0.02),
            _actual(120_400, 0.08, 0.08),
        ),
        (
            (),
            (),
            (Mark(Remark.SPILL, "322 MiB to disk"),),
            (),
            (Mark(Remark.MISESTIMATE, "8 × more rows"),),
            (BIG_SCAN, Mark(Remark.MISESTIMATE, "8 × more rows"), Mark(Remark.FILTERED, "97 % thrown away")),
            (),
            (),
            (),
        ),
        strict=True,
    )
)

TABLES = (
    PlanTable(
        "public", "orders", "table", 11_400_000_000, 7_300_000_000, 41_084_331.0, 6_204_113, 12_042, 8_120_441,
        NOW - timedelta(days=9), NOW - timedelta(days=31), 9_204_113,
    ),
    PlanTable(
        "public", "order_items", "table", 24_100_000_000, 14_200_000_000, 123_204_000.0, 120_400, 3, 91_204_331,
        NOW - timedelta(hours=7), NOW - timedelta(hours=7), 120_400,
    ),
    PlanTable("public", "customers", "table", 41_000_000, 24_000_000, 1_204_000.0, 11, 881, 48_113, None, NOW, 0),
    PlanTable("reports", "商品", "foreign table", None, None, None, None, None, None, None, None, None),
)  # fmt: skip


def _text(nodes: Sequence[PlanNode]) -> str:
    """As EXPLAIN would write it."""
    lines = []
    for one in nodes:
        arrow = f"{'  ' * (3 * one.depth - 2)}->  " if one.depth else ""
        cost = f"(cost={one.startup_cost:.2f}..{one.total_cost:.2f} rows={one.rows:.0f} width={one.width})"
        ran = one.actual
        actual = (
            f" (actual time={ran.time * 1e3:.3f} rows={ran.rows:.0f} loops={ran.loops:.0f})" if ran else ""
        )
        lines.append(f"{arrow}{one.title}  {cost}{actual}")
        lines += [f"{'  ' * (3 * one.depth + 1)}{name}: {value}" for name, value in one.details]
    return "\n".join(lines)


def _json(nodes: Sequence[PlanNode]) -> str:
    """Of about the length that the server's has."""
    shown = [
        {
            "Node Type": one.title,
            "Parallel Aware": False,
            "Startup Cost": one.startup_cost,
            "Total Cost": one.total_cost,
            "Plan Rows": one.rows,
            "Plan Width": one.width,
            "Output": [f"column_{n}" for n in range(20)],
            **dict(one.details),
        }
        for one in nodes
    ]
    return json.dumps([{"Plan": {**shown[0], "Plans": shown[1:]}}], indent=2, ensure_ascii=False)


def plan_of(nodes: Sequence[PlanNode] = NODES, **changes: Any) -> Plan:
    """A plan with these nodes; `changes` are other fields of `Plan`."""
    given = Plan(
        statement=STATEMENT,
        kind=PlanKind.GENERIC,
        nodes=tuple(nodes),
        tables=TABLES,
        json=_json(nodes),
        text=_text(nodes),
        database="shop",
        role="app",
        search_path='"$user", public',
        planning_time=0.0012,
        execution_time=None,
        settings={"random_page_cost": "1.1"},
        notes=(),
        parameters=("text",),
    )
    return replace(given, **changes)


PLAN = plan_of()
ANALYZED = plan_of(ANALYZED_NODES, kind=PlanKind.ANALYZED, execution_time=11.21)
PARTITIONS = 999
LARGE = plan_of(
    [
        node(0, "", "Append", 3.0, 412_000.0, 0.0, 9_990_000),
        *(
            node(
                number, "├─ " if number < PARTITIONS else "└─ ", f"Seq Scan on events_p{number:04} events_{number}",
                412.0, 412.0, 0.2 if number == 700 else 0.8 / (PARTITIONS - 1), 10_000,
                schema="public", relation=f"events_p{number:04}", alias=f"events_{number}",
                details=(("Filter", "(at > (now() - '1 day'::interval))"),),
            )
            for number in range(1, PARTITIONS + 1)
        ),
    ]
)  # fmt: skip

ADVICE = IndexAdvice(
    (
        IndexCandidate(
            "public", "orders", ("state", "customer_id"), None, "filter o.state, join o.customer_id",
            "CREATE INDEX CONCURRENTLY ON public.orders (state, customer_id);", True,
            1_381_204.4, 212_400.0, True, 912_000_000,
        ),
        IndexCandidate(
            "public", "orders", ("state",), None, "filter o.state",
            "CREATE INDEX CONCURRENTLY ON public.orders (state);", True, 1_381_204.4, 402_100.0, True, 284_000_000,
        ),
        IndexCandidate(
            "public", "customers", ("country",), None, "filter c.country",
            "CREATE INDEX CONCURRENTLY ON public.customers (country);", True, 1_381_204.4, 1_381_204.4, False, 8_400_000,
        ),
        IndexCandidate(
            "public", "orders", ("lower(note)",), "state = 'open'", "filter o.note",
            "CREATE INDEX CONCURRENTLY ON public.orders (lower(note)) WHERE state = 'open';", False,
            None, None, None, None,
        ),
    ),
    "Tried with hypopg, which creates nothing: the planner was told of one index at a time.",
)  # fmt: skip


def analyze_operation(statement: str = STATEMENT) -> Operation:
    """What is asked before a statement is run for real."""
    return Operation(
        title="Run the statement for its plan",
        action="Run it",
        object_name="shop",
        statements=("BEGIN", f"EXPLAIN (ANALYZE, BUFFERS, FORMAT json) {statement}", "ROLLBACK"),
        consequences=("It really runs, for as long as it takes, and is rolled back.",),
        danger=Danger.NOTICEABLE,
    )


PLANNING_WRITES = replace(
    analyze_operation("UPDATE orders SET state = $1"),
    title="Plan a statement that writes",
    action="Plan it",
    statements=("EXPLAIN (FORMAT json) UPDATE orders SET state = $1",),
    consequences=("It is not run, but planning it waits for a RowExclusiveLock on what it names.",),
)


class FakePlans:
    """Gives the plans that it knows, whatever the statement is."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        """What was wanted, in order: the name of the method and what it was about."""
        self.problems: dict[str, Exception] = {}
        """What a method raises, by its name."""
        self.operation: Operation | None = None
        """What has to be confirmed before a plan is taken."""
        self.given = PLAN
        self.analyzed = ANALYZED
        self.advice = ADVICE
        self.may_answer = asyncio.Event()
        """Until it is set nothing comes from the server."""
        self.may_answer.set()
        self.cancelled: list[str] = []
        """The methods that were not waited for."""

    async def _answer(self, name: str, *about: Any) -> None:
        self.asked.append((name, *about))
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise
        if name in self.problems:
            raise self.problems[name]

    def explaining(self, request: PlanRequest) -> Explaining:
        self.asked.append(("explaining", request))
        if "explaining" in self.problems:
            raise self.problems["explaining"]
        return Explaining(request, self.operation is None, self.operation)

    async def looked_at(self, explaining: Explaining) -> Explaining:
        return explaining

    async def check_running(self, plan: Plan, request: PlanRequest) -> None:
        await self._answer("check_running", request)

    async def plan(self, explaining: Explaining) -> Plan:
        await self._answer("plan", explaining.request)
        return self.given

    async def analyze_operation(
        self, plan: Plan, request: PlanRequest, values: Sequence[str | None] = ()
    ) -> Operation:
        await self._answer("analyze_operation", request)
        return analyze_operation(plan.statement)

    async def analyze(
        self, operation: Operation, plan: Plan, request: PlanRequest, values: Sequence[str | None] = ()
    ) -> Plan:
        await self._answer("analyze", values)
        return self.analyzed

    async def advise(self, plan: Plan, request: PlanRequest) -> IndexAdvice:
        await self._answer("advise", request)
        return self.advice
