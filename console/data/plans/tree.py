"""The nodes of a plan, from what EXPLAIN gives as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console.data.plans.marks import Surroundings, marks_of, removed_rows
from console.data.plans.shares import Place, own_costs, own_times, wall_times
from console.data.plans.titles import Node, details_of, title_of
from console.models.plans import Actual, PlanNode, PlanTable

Tables = Mapping[tuple[str, str], PlanTable]
"""By schema and name."""

_BLOCKING = frozenset(("Sort", "Hash", "ModifyTable"))
"""These read all of what is below them, whatever is wanted of them."""


def places_of(document: Mapping[str, Any]) -> tuple[Place, ...]:
    """Every node with its place, in the order of the drawing."""
    nodes: list[Node] = []
    parents: list[int | None] = []
    children: list[list[int]] = []
    waiting: list[tuple[Node, int | None]] = [(document["Plan"], None)]
    while waiting:
        node, parent = waiting.pop()
        number = len(nodes)
        nodes.append(node)
        parents.append(parent)
        children.append([])
        if parent is not None:
            children[parent].append(number)
        waiting += [(child, number) for child in reversed(node.get("Plans", ()))]
    return tuple(Place(*place) for place in zip(nodes, parents, map(tuple, children), strict=True))


def relations_of(places: Sequence[Place]) -> list[tuple[str, str]]:
    """Schema and name of the relations in a plan, each once."""
    found = ((place.node.get("Schema"), place.node.get("Relation Name")) for place in places)
    return list(dict.fromkeys((schema, name) for schema, name in found if schema and name))


def nodes_of(
    places: Sequence[Place], tables: Tables, rows_per_call: float | None = None
) -> tuple[PlanNode, ...]:
    """The nodes with their figures and marks. `rows_per_call` is what the statement is known to give."""
    was_run = "Actual Loops" in places[0].node
    costs = own_costs(places)
    times = wall_times(places)
    own = own_times(places, times)
    shared = own if was_run and times[0] > 0 else costs
    whole = sum(shared) or 1.0
    branches, depths = _drawn(places)
    early = _stopped_early(places)
    found = []
    for number, place in enumerate(places):
        node = place.node
        relation = (node.get("Schema", ""), node.get("Relation Name", ""))
        around = Surroundings(
            table=tables.get(relation),
            own_cost=costs[number],
            own_temp_written=_own(places, number, "Temp Written Blocks"),
            may_stop_early=early[number],
            # What a statement that writes counts is the rows that it wrote, and its root gives none.
            rows_per_call=rows_per_call if number == 0 and node["Node Type"] != "ModifyTable" else None,
        )
        found.append(
            PlanNode(
                number=number,
                title=title_of(node),
                branch=branches[number],
                depth=depths[number],
                startup_cost=node["Startup Cost"],
                total_cost=node["Total Cost"],
                own_cost=costs[number],
                share=shared[number] / whole,
                rows=node["Plan Rows"],
                width=node["Plan Width"],
                schema=node.get("Schema"),
                relation=node.get("Relation Name"),
                alias=node.get("Alias"),
                index=node.get("Index Name"),
                actual=_actual(node, times[number], own[number]) if was_run else None,
                marks=marks_of(node, around),
                details=details_of(node),
            )
        )
    return tuple(found)


def _actual(node: Node, time: float, own_time: float) -> Actual:
    return Actual(
        rows=node["Actual Rows"] * node["Actual Loops"],
        loops=node["Actual Loops"],
        time=time,
        own_time=own_time,
        rows_removed=removed_rows(node),
        shared_hit=node.get("Shared Hit Blocks", 0),
        shared_read=node.get("Shared Read Blocks", 0),
        temp_read=node.get("Temp Read Blocks", 0),
        temp_written=node.get("Temp Written Blocks", 0),
    )


def _own(places: Sequence[Place], number: int, counter: str) -> int:
    """What a node counts without the nodes below it."""
    below: int = sum(places[child].node.get(counter, 0) for child in places[number].children)
    return max(0, int(places[number].node.get(counter, 0)) - int(below))


def _drawn(places: Sequence[Place]) -> tuple[list[str], list[int]]:
    """What is drawn before each title, and its depth."""
    branches, depths = [""], [0]
    continued = [""]
    for number, place in enumerate(places[1:], 1):
        assert place.parent is not None, "only the root has none"
        is_last = places[place.parent].children[-1] == number
        before = continued[place.parent]
        branches.append(before + ("└─ " if is_last else "├─ "))
        continued.append(before + ("   " if is_last else "│  "))
        depths.append(depths[place.parent] + 1)
    return branches, depths


def _stopped_early(places: Sequence[Place]) -> list[bool]:
    """Whether what is above each node may take no more of its rows than it needs."""
    early = [False]
    for place in places[1:]:
        assert place.parent is not None, "only the root has none"
        above = places[place.parent].node
        kind, relationship = above["Node Type"], place.node.get("Parent Relationship")
        if kind in _BLOCKING or (kind == "Aggregate" and above.get("Strategy") != "Sorted"):
            early.append(False)
        elif kind in ("Limit", "Merge Join"):
            early.append(True)
        else:
            is_probe = relationship == "Inner" and above.get("Join Type") in ("Semi", "Anti")
            early.append(early[place.parent] or is_probe or relationship in ("SubPlan", "InitPlan"))
    return early
