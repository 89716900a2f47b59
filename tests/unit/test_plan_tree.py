"""The tree of a plan: whose cost is whose, how it is drawn, what stands out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest

from console.data.plans.rendering import text_of
from console.data.plans.titles import details_of, title_of
from console.data.plans.tree import nodes_of, places_of, relations_of
from console.models.plans import PlanNode, PlanTable, Remark

Raw = dict[str, Any]


def raw(kind: str, cost: float, *plans: Raw, rows: float = 1, **more: Any) -> Raw:
    """A node as EXPLAIN's JSON has it; what is no word of Python is given as `more`, with `_` for a space."""
    node: Raw = {
        "Node Type": kind,
        "Startup Cost": 0.0,
        "Total Cost": cost,
        "Plan Rows": rows,
        "Plan Width": 8,
    }
    node |= {name.replace("_", " "): value for name, value in more.items()}
    relationships = ["Outer", "Inner"]
    for place, plan in enumerate(plans):
        plan.setdefault("Parent Relationship", relationships[min(place, 1)])
    return node | ({"Plans": list(plans)} if plans else {})


def ran(node: Raw, ms: float, *, rows: float = 1, loops: float = 1, **more: Any) -> Raw:
    """The node with what happened; time and rows are of one loop."""
    happened = {
        "Actual Startup Time": 0.0,
        "Actual Total Time": ms,
        "Actual Rows": rows,
        "Actual Loops": loops,
    }
    return node | happened | {name.replace("_", " "): value for name, value in more.items()}


def tree(
    plan: Raw, tables: Sequence[PlanTable] = (), rows_per_call: float | None = None
) -> tuple[PlanNode, ...]:
    """The nodes of a plan. In every plan the shares are the whole."""
    nodes = nodes_of(
        places_of({"Plan": plan}), {(table.schema, table.name): table for table in tables}, rows_per_call
    )
    assert sum(node.share for node in nodes) == pytest.approx(1)
    assert all(node.share >= 0 and node.own_cost >= 0 for node in nodes)
    return nodes


def shares(plan: Raw) -> list[float]:
    return [round(node.share, 3) for node in tree(plan)]


def remarks(plan: Raw, **more: Any) -> list[str]:
    """The marks of the first node."""
    return [f"{mark.remark.value}: {mark.text}" for mark in tree(plan, **more)[0].marks]


def table(rows: float | None, size: int) -> PlanTable:
    return PlanTable("s", "t", "table", size, size, rows, *[None] * 6)


# Costs --------------------------------------------------------------------------------------------------------------


def test_a_node_has_what_the_nodes_below_it_do_not_take() -> None:
    plan = raw("Sort", 100, raw("Hash Join", 80, raw("Seq Scan", 50), raw("Hash", 20, raw("Seq Scan", 20))))
    assert shares(plan) == [0.2, 0.1, 0.5, 0, 0.2]


def test_a_limit_hands_on_what_it_has() -> None:
    """It stops a scan that would cost a hundred times as much."""
    assert shares(raw("Limit", 1, raw("Sort", 100, raw("Seq Scan", 80)))) == [0, 0.2, 0.8]


def test_the_inner_node_of_a_loop_counts_as_often_as_it_runs() -> None:
    plan = raw("Nested Loop", 1000, raw("Seq Scan", 100, rows=80), raw("Index Scan", 10))
    assert shares(plan) == [0.1, 0.1, 0.8]
    plan = raw("Nested Loop", 1000, raw("Seq Scan", 100, rows=800), raw("Index Scan", 10))
    assert shares(plan) == [0, 0.1, 0.9], "but not more than there is"
    plan = raw("Nested Loop", 1000, raw("Seq Scan", 100, rows=80), raw("Materialize", 10, raw("Seq Scan", 8)))
    assert shares(plan) == [0.89, 0.1, 0.002, 0.008], "what is kept is not made again"


def test_a_loop_in_a_loop() -> None:
    inner = raw("Nested Loop", 9, raw("Index Scan", 4, rows=1), raw("Index Scan", 5))
    plan = raw("Nested Loop", 1000, raw("Seq Scan", 100, rows=100), inner)
    assert shares(plan) == [0, 0.1, 0, 0.4, 0.5]


def test_subplans_and_what_is_computed_once() -> None:
    subplan = raw("Index Scan", 8, Parent_Relationship="SubPlan", Subplan_Name="SubPlan 1")
    assert shares(raw("Seq Scan", 1000, subplan, rows=100)) == [0.2, 0.8]
    hashed = raw("Seq Scan", 300, Parent_Relationship="SubPlan", Subplan_Name="SubPlan 1")
    assert shares(raw("Seq Scan", 1000, hashed, rows=100, Filter="(NOT (hashed SubPlan 1))")) == [0.7, 0.3]
    once = raw("Seq Scan", 300, Parent_Relationship="InitPlan", Subplan_Name="CTE x")
    assert shares(raw("CTE Scan", 1000, once, rows=100, CTE_Name="x")) == [0.7, 0.3]


def test_a_plan_that_costs_nothing_has_no_shares_to_divide_by() -> None:
    nodes = nodes_of(places_of({"Plan": raw("Result", 0.0)}), {})
    assert nodes[0].share == 0


# Times --------------------------------------------------------------------------------------------------------------


def test_what_was_run_is_divided_by_time_in_all_loops() -> None:
    plan = ran(
        raw(
            "Nested Loop", 10, ran(raw("Seq Scan", 9), 20, loops=1), ran(raw("Index Scan", 1), 0.7, loops=100)
        ),
        100,
    )
    nodes = tree(plan)
    assert [round(node.share, 3) for node in nodes] == [0.1, 0.2, 0.7]
    actual = nodes[2].actual
    assert actual is not None
    assert (round(actual.time, 6), round(actual.own_time, 6), actual.loops) == (0.07, 0.07, 100)


def test_what_processes_do_at_once_counts_once() -> None:
    scan = ran(raw("Seq Scan", 9, Parallel_Aware=True), 80, rows=1000, loops=3)
    nodes = tree(ran(raw("Gather", 10, scan), 100, rows=3000))
    assert [round(node.share, 3) for node in nodes] == [0.2, 0.8]
    assert nodes[1].actual is not None
    assert nodes[1].actual.rows == 3000


def test_a_common_table_expression_counts_in_its_own_place() -> None:
    """Its time is in the node that reads it, and in all above that one."""
    made = ran(raw("Seq Scan", 5, Parent_Relationship="InitPlan", Subplan_Name="CTE x"), 60)
    reads = ran(raw("CTE Scan", 2, CTE_Name="x", Parent_Relationship="Outer"), 80)
    plan = ran(raw("Sort", 10, made, reads), 100)
    assert shares(plan) == [0.2, 0.6, 0.2]


@pytest.mark.parametrize(
    ("name", "word"), [("InitPlan 1 (returns $0)", "$0"), ("InitPlan 1", "(InitPlan 1).col1")]
)
def test_what_is_computed_when_first_wanted_counts_in_its_own_place(name: str, word: str) -> None:
    made = ran(raw("Aggregate", 5, Parent_Relationship="InitPlan", Subplan_Name=name), 60)
    reads = ran(raw("Seq Scan", 2, Filter=f"(id > {word})", Parent_Relationship="Outer"), 80)
    assert shares(ran(raw("Sort", 10, made, reads), 100)) == [0.2, 0.6, 0.2]


# Drawing ------------------------------------------------------------------------------------------------------------


def test_branches() -> None:
    plan = raw("A", 9, raw("B", 3, raw("C", 1), raw("D", 1)), raw("E", 3, raw("F", 1)))
    assert [f"{node.branch}{node.title}" for node in tree(plan)] == [
        "A",
        "├─ B",
        "│  ├─ C",
        "│  └─ D",
        "└─ E",
        "   └─ F",
    ]
    assert [node.depth for node in tree(plan)] == [0, 1, 2, 2, 1, 2]
    assert [node.number for node in tree(plan)] == list(range(6))


@pytest.mark.parametrize(
    ("more", "title"),
    [
        (
            {"Node Type": "Seq Scan", "Relation Name": "orders", "Schema": "s", "Alias": "o"},
            "Seq Scan on orders o",
        ),
        ({"Node Type": "Seq Scan", "Relation Name": "My", "Alias": "My"}, 'Seq Scan on "My"'),
        (
            {
                "Node Type": "Index Only Scan",
                "Scan Direction": "Backward",
                "Index Name": "i",
                "Relation Name": "t",
                "Alias": "x",
            },
            "Index Only Scan Backward using i on t x",
        ),
        ({"Node Type": "Bitmap Index Scan", "Index Name": "i"}, "Bitmap Index Scan on i"),
        ({"Node Type": "Hash Join", "Join Type": "Inner"}, "Hash Join"),
        (
            {"Node Type": "Hash Join", "Join Type": "Right Anti", "Parallel Aware": True},
            "Parallel Hash Right Anti Join",
        ),
        ({"Node Type": "Merge Join", "Join Type": "Full"}, "Merge Full Join"),
        ({"Node Type": "Nested Loop", "Join Type": "Semi"}, "Nested Loop Semi Join"),
        ({"Node Type": "Aggregate", "Strategy": "Plain"}, "Aggregate"),
        (
            {"Node Type": "Aggregate", "Strategy": "Sorted", "Partial Mode": "Finalize"},
            "Finalize GroupAggregate",
        ),
        ({"Node Type": "Aggregate", "Strategy": "Hashed", "Partial Mode": "Simple"}, "HashAggregate"),
        ({"Node Type": "SetOp", "Strategy": "Hashed", "Command": "Except All"}, "HashSetOp Except All"),
        (
            {"Node Type": "ModifyTable", "Operation": "Update", "Relation Name": "t", "Alias": "t"},
            "Update on t",
        ),
        ({"Node Type": "Foreign Scan", "Operation": "Delete", "Relation Name": "t"}, "Foreign Delete on t"),
        ({"Node Type": "Custom Scan", "Custom Plan Provider": "ChunkAppend"}, "Custom Scan (ChunkAppend)"),
        ({"Node Type": "CTE Scan", "CTE Name": "x", "Alias": "y"}, "CTE Scan on x y"),
        ({"Node Type": "Function Scan", "Function Name": "f", "Alias": "f"}, "Function Scan on f"),
        ({"Node Type": "Values Scan", "Alias": "*VALUES*"}, 'Values Scan on "*VALUES*"'),
        ({"Node Type": "Result", "Subplan Name": "InitPlan 1"}, "InitPlan 1: Result"),
    ],
)
def test_titles_are_those_of_explains_text(more: Raw, title: str) -> None:
    assert title_of(more) == title


def test_details_are_all_else_that_is_said() -> None:
    node = raw(
        "Seq Scan",
        1,
        Relation_Name="t",
        Alias="t",
        Filter="(a = 1)",
        Output=["a", "b"],
        Disabled=False,
        Inner_Unique=True,
        Shared_Hit_Blocks=0,
        Workers=[{"Worker Number": 0, "Sort Method": "quicksort"}],
    )
    assert details_of(node) == (
        ("Filter", "(a = 1)"),
        ("Output", "a, b"),
        ("Inner Unique", "true"),
        ("Workers", "Worker Number: 0, Sort Method: quicksort"),
    )


def test_relations_are_named_once() -> None:
    scan: Raw = {"Relation_Name": "t", "Schema": "s"}
    assert relations_of(
        places_of({"Plan": raw("Append", 1, raw("Seq Scan", 1, **scan), raw("Seq Scan", 1, **scan))})
    ) == [("s", "t")]


def test_a_text_is_made_of_what_was_run() -> None:
    scan = ran(
        raw("Seq Scan", 5.5, rows=7, Relation_Name="t", Alias="t", Filter="(a = 1)"),
        2,
        rows=3,
        Shared_Hit_Blocks=4,
        Shared_Read_Blocks=1,
        Temp_Written_Blocks=2,
    )
    never = raw("Result", 1) | {"Actual Rows": 0, "Actual Loops": 0}
    document = {
        "Plan": ran(raw("Append", 9, scan, never), 3, rows=3),
        "Planning Time": 0.1,
        "Execution Time": 3.25,
    }
    assert text_of(document, places_of(document)).splitlines() == [
        "Append  (cost=0.00..9.00 rows=1 width=8) (actual time=0.000..3.000 rows=3 loops=1)",
        "  ->  Seq Scan on t  (cost=0.00..5.50 rows=7 width=8) (actual time=0.000..2.000 rows=3 loops=1)",
        "        Filter: (a = 1)",
        "        Buffers: shared hit=4 read=1, temp written=2",
        "  ->  Result  (cost=0.00..1.00 rows=1 width=8) (never executed)",
        "Planning Time: 0.100 ms",
        "Execution Time: 3.250 ms",
    ]


# Marks --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "size", "marks"),
    [
        (41_000_000, 0, ["big scan: 41.0 M rows"]),
        (99_999, 64 * 1024 * 1024, ["big scan: 64.0 MiB"]),
        (None, 64 * 1024 * 1024 - 1, []),
    ],
)
def test_a_scan_of_a_big_table(rows: float | None, size: int, marks: list[str]) -> None:
    scan = raw("Seq Scan", 1, Relation_Name="t", Schema="s")
    assert remarks(scan, tables=[table(rows, size)]) == marks
    assert remarks(scan | {"Node Type": "Index Scan"}, tables=[table(rows, size)]) == []


@pytest.mark.parametrize(
    ("estimated", "actual", "loops", "marks"),
    [
        (10, 1200, 1, ["misestimate: 120 × more rows"]),
        (1200, 10, 1, ["misestimate: 120 × fewer rows"]),
        (5000, 0, 1, ["misestimate: 5.0 k × fewer rows"]),
        (100, 990, 1, []),
        (1, 50, 1, []),
        (1, 50, 1000, ["misestimate: 50 × more rows"]),
    ],
)
def test_a_wrong_estimate(estimated: float, actual: float, loops: int, marks: list[str]) -> None:
    assert remarks(ran(raw("Result", 1, rows=estimated), 1, rows=actual, loops=loops)) == marks


def test_what_a_limit_stopped_was_not_misestimated() -> None:
    def scan() -> Raw:
        return ran(raw("Seq Scan", 1, rows=100_000), 1, rows=10)

    stopped = tree(ran(raw("Limit", 1, scan(), rows=10), 1, rows=10))
    assert stopped[1].marks == ()
    sorted_first = tree(
        ran(raw("Limit", 1, ran(raw("Sort", 1, scan(), rows=10), 1, rows=10), rows=10), 1, rows=10)
    )
    assert [mark.remark for mark in sorted_first[2].marks] == [Remark.MISESTIMATE]


def test_what_is_known_of_a_statement_is_held_against_its_root() -> None:
    assert remarks(raw("Result", 1, rows=10_000), rows_per_call=20) == ["misestimate: gives 20 a call"]
    assert remarks(raw("Result", 1, rows=100), rows_per_call=20) == []
    assert remarks(raw("Result", 1, rows=10_000)) == []
    assert remarks(raw("ModifyTable", 1, raw("Result", 1), rows=0), rows_per_call=2000) == []


@pytest.mark.parametrize(
    ("more", "mark"),
    [
        ({"Sort Space Type": "Disk", "Sort Space Used": 42_000}, "spill: 41.0 MiB on disk"),
        ({"Workers": [{"Sort Space Type": "Disk", "Sort Space Used": 1024}] * 2}, "spill: 2.0 MiB on disk"),
        ({"Hash Batches": 16}, "spill: 16 batches on disk"),
        ({"HashAgg Batches": 5, "Disk Usage": 2048}, "spill: 2.0 MiB on disk"),
        ({"Temp Written Blocks": 256}, "spill: 2.0 MiB on disk"),
        ({"Lossy Heap Blocks": 1200}, "lossy: 1.2 k lossy blocks"),
        ({"Rows Removed by Filter": 5000}, "filtered: 5.0 k rows dropped"),
        ({"Disabled": True}, "disabled: disabled"),
        ({"Total Cost": 1e10}, "disabled: disabled"),
    ],
)
def test_what_else_stands_out(more: Raw, mark: str) -> None:
    assert remarks(ran(raw("Sort", 1), 1) | more) == [mark]


@pytest.mark.parametrize(
    "more",
    [
        {"Sort Space Type": "Memory", "Sort Space Used": 42_000},
        {"Hash Batches": 1},
        {"Rows Removed by Filter": 999},
        {"Lossy Heap Blocks": 0},
    ],
)
def test_what_does_not(more: Raw) -> None:
    assert remarks(ran(raw("Sort", 1), 1) | more) == []


def test_what_spilled_below_is_marked_there() -> None:
    sort = ran(raw("Sort", 1, Temp_Written_Blocks=10), 1)
    nodes = tree(ran(raw("Unique", 2, sort, Temp_Written_Blocks=10), 1))
    assert [len(node.marks) for node in nodes] == [0, 1]


def test_what_was_never_run() -> None:
    never = raw("Result", 1) | {"Actual Rows": 0, "Actual Loops": 0, "Actual Total Time": 0.0}
    nodes = tree(ran(raw("Append", 2, never), 1))
    assert [mark.remark for mark in nodes[1].marks] == [Remark.NEVER_RUN]


def test_a_plan_of_ten_thousand_nodes_is_soon_read() -> None:
    wide = raw("Append", 1e6, *(raw("Seq Scan", 10, Parent_Relationship="Member") for _ in range(10_000)))
    began = time.perf_counter()
    assert len(tree(wide)) == 10_001
    assert time.perf_counter() - began < 5
