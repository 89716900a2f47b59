"""What an index could answer of a plan's conditions, and the indexes that are made of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from console.data.plans.candidates import Existing, Family, Idea, ideas_of
from console.data.plans.conditions import Term, Use, conjuncts, terms_of
from console.models.plans import Plan, PlanKind, PlanNode

TYPES = {
    **{("o", name): "bigint" for name in ("id", "customer_id", "a", "b", "c", "d", "e")},
    **{("o", name): "text" for name in ("state", "Note", "user")},
    ("o", "code"): "character varying",
    ("o", "is_open"): "boolean",
    ("c", "id"): "bigint",
}


@pytest.mark.parametrize(
    ("condition", "parts"),
    [
        ("((a = 1) AND (b = 2) AND ((c = 3) OR (d = 4)))", ["a = 1", "b = 2", "(c = 3) OR (d = 4)"]),
        ("((a = 1) AND ((b = 2) AND (c = 3)))", ["a = 1", "b = 2", "c = 3"]),
        ("(a = 1)", ["a = 1"]),
        ("((a + 1) = (b + 2))", ["(a + 1) = (b + 2)"]),
        ("(name = ' AND (')", ["name = ' AND ('"]),
        ("(a = ANY ('{1,2}'::integer[]))", ["a = ANY ('{1,2}'::integer[])"]),
        ("", [""]),
    ],
)
def test_a_condition_is_divided_at_its_ands(condition: str, parts: list[str]) -> None:
    assert conjuncts(condition) == parts


@pytest.mark.parametrize(
    ("condition", "terms"),
    [
        ("(o.state = $1)", [Term("o", "state", Use.EQUAL)]),
        ("('x'::text = o.state)", [Term("o", "state", Use.EQUAL)]),
        ('(o."Note" = $1)', [Term("o", '"Note"', Use.EQUAL)]),
        ('(o."user" = $1)', [Term("o", '"user"', Use.EQUAL)]),
        ("(o.a = ANY ('{1,2}'::bigint[]))", [Term("o", "a", Use.EQUAL)]),
        ("(o.a > (now() - $2))", [Term("o", "a", Use.RANGE)]),
        ("((o.code)::text = 'x'::text)", [Term("o", "code", Use.EQUAL)]),
        ("((o.a)::text = 'x'::text)", []),
        (
            "(o.is_open AND (NOT o.is_open) AND (o.a IS NULL))",
            [
                Term("o", "is_open", Use.ALWAYS),
                Term("o", "NOT is_open", Use.ALWAYS),
                Term("o", "a IS NULL", Use.ALWAYS),
            ],
        ),
        (
            "(o.customer_id = c.id)",
            [Term("o", "customer_id", Use.EQUAL, "c"), Term("c", "id", Use.EQUAL, "o")],
        ),
        ("(o.a = o.b)", []),
        ("(o.a = (o.b + $1))", []),
        ("(lower(o.state) = $1)", [Term("o", "(lower(state))", Use.EQUAL)]),
        ("(lower(o.state || $2) = $1)", []),
        ("(o.state ~~ 'a%'::text)", []),
        ("(o.state <> $1)", []),
        ("((o.a = 1) OR (o.b = 2))", []),
        ("(NOT (hashed SubPlan 1))", []),
        ("((o.a > (InitPlan 1).col1) AND (o.b = 1))", [Term("o", "b", Use.EQUAL)]),
        ("(other.a = 1)", []),
        ("((o.a = 1) AND (o.a = 1))", [Term("o", "a", Use.EQUAL)]),
        ("", []),
        ("(((", []),
    ],
)
def test_what_an_index_could_answer(condition: str, terms: list[Term]) -> None:
    assert terms_of([condition], TYPES) == terms


def test_a_condition_of_a_megabyte_is_not_read() -> None:
    numbers = ",".join(map(str, range(200_000)))
    assert terms_of([f"(o.a = ANY ('{{{numbers}}}'::bigint[]))", "(o.b = 1)"], TYPES) == [
        Term("o", "b", Use.EQUAL)
    ]


def test_nothing_of_sqlglot_is_imported_before_a_condition_is_read() -> None:
    program = "import sys, console.data.plans.service; sys.exit('sqlglot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0


# Indexes ------------------------------------------------------------------------------------------------------------

ORDERS = Family(
    "s", "orders", (("s", "orders"),), 1000, {name: t for (alias, name), t in TYPES.items() if alias == "o"}
)


def node(
    title: str, depth: int = 0, relation: str | None = None, alias: str | None = None, **details: str
) -> PlanNode:
    return PlanNode(
        number=0,
        title=title,
        branch="",
        depth=depth,
        startup_cost=0,
        total_cost=10,
        own_cost=10,
        share=1,
        rows=1,
        width=1,
        schema="s" if relation else None,
        relation=relation,
        alias=alias,
        index=None,
        actual=None,
        marks=(),
        details=tuple((name.replace("_", " "), text) for name, text in details.items()),
    )


def ideas(*nodes: PlanNode, family: Family = ORDERS, existing: tuple[Existing, ...] = ()) -> list[Idea]:
    plan = Plan(
        statement="",
        kind=PlanKind.EXACT,
        nodes=nodes,
        tables=(),
        json="",
        text="",
        database="d",
        role="r",
        search_path="",
        planning_time=None,
        execution_time=None,
        settings={},
        notes=(),
    )
    return ideas_of(plan, [family], existing)


def scan(condition: str, depth: int = 0) -> PlanNode:
    return node("Seq Scan on orders o", depth, "orders", "o", Filter=condition)


def keys(found: list[Idea]) -> list[tuple[str, ...]]:
    return [idea.keys for idea in found]


def test_equality_comes_first_then_one_range() -> None:
    (idea,) = ideas(scan("((o.a > 1) AND (o.b > 2) AND (o.state = 'x'::text))"))
    assert idea.definitions == ("ON s.orders (state, a)",)
    assert idea.reason == "filter o.state, filter o.a"


def test_a_filter_and_a_join_together() -> None:
    join = node("Hash Join", Hash_Cond="(o.customer_id = c.id)")
    assert keys(ideas(join, scan("(o.state = $1)", 1))) == [
        ("state",),
        ("state", "customer_id"),
        ("customer_id",),
    ]


def test_what_is_true_for_every_call_makes_it_partial() -> None:
    (idea,) = ideas(scan("((o.a = $1) AND (o.b IS NULL) AND o.is_open)"))
    assert idea.definitions == ("ON s.orders (a) WHERE b IS NULL AND is_open",)
    assert idea.reason == "filter o.a, where b IS NULL AND is_open"
    assert ideas(scan("(o.b IS NULL)")) == [], "nothing to order it by"


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("o.a", ("state", "a")),
        ("o.a DESC, o.b DESC", ("state", "a", "b")),
        ("o.a, o.b DESC", ("state", "a", "b DESC")),
        ("o.state, o.a", ("state", "a")),
    ],
)
def test_what_a_limit_sorts_by(sort: str, expected: tuple[str, ...]) -> None:
    found = keys(ideas(node("Limit"), node("Sort", 1, Sort_Key=sort), scan("(o.state = $1)", 2)))
    assert found == [("state",), expected]
    assert keys(ideas(node("Sort", Sort_Key=sort), scan("(o.state = $1)", 1))) == [("state",)], (
        "all of it is wanted"
    )


def test_a_sort_by_more_than_columns_of_one_table() -> None:
    for sort in ("o.a, c.id", "(o.a + 1)", "o.a NULLS FIRST", "(count(*)), o.a"):
        assert ideas(node("Limit"), node("Sort", 1, Sort_Key=sort), scan("", 2)) == []


@pytest.mark.parametrize(
    ("columns", "is_partial", "is_there"),
    [
        (("a", "b", "c"), False, True),
        (("b", "a", "c"), False, True),
        (("b", "a", "c", "d"), False, True),
        (("a", "c", "b"), False, False),
        (("a", "b"), False, False),
        (("a", "b", "c"), True, False),
    ],
)
def test_an_index_that_is_there_already(columns: tuple[str, ...], is_partial: bool, is_there: bool) -> None:
    condition = "((o.a = 1) AND (o.b = 2) AND (o.c > 3))"
    found = keys(ideas(scan(condition), existing=(Existing("s", "orders", columns, is_partial),)))
    assert (("a", "b", "c") not in found) == is_there


def test_an_index_of_one_partition_is_none_of_the_others() -> None:
    family = Family("s", "events", (("s", "orders"), ("s", "two")), 1000, {"a": "bigint"})
    there = Existing("s", "orders", ("a",), False)
    (idea,) = ideas(scan("(o.a = 1)"), family=family, existing=(there,))
    assert idea.definitions == ("ON s.orders (a)", "ON s.two (a)")
    assert (
        ideas(scan("(o.a = 1)"), family=family, existing=(there, Existing("s", "two", ("a",), False))) == []
    )


def test_a_small_table_needs_no_index() -> None:
    assert (
        ideas(scan("(o.a = 1)"), family=Family("s", "orders", (("s", "orders"),), 9, {"a": "bigint"})) == []
    )


def test_there_are_not_too_many() -> None:
    condition = "((o.a = 1) AND (o.b = 1) AND (o.c = 1) AND (o.d = 1) AND (o.e = 1) AND (o.id = 1))"
    join = node("Nested Loop", Join_Filter="((o.customer_id = c.id) AND (o.id = c.id))")
    found = ideas(join, scan(condition, 1))
    assert len(found) == 8
    assert found[0].keys == ("a", "b", "c", "d")
