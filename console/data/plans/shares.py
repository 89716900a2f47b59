"""What of a plan's cost, and of its time, is each node's own.

The root has all of it. Every node hands on to the nodes below what they take, never more than it has, and keeps the
rest: so no share is below zero, and together they are the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from console.data.plans.titles import Node


class Place(NamedTuple):
    """A node and where it is in the plan."""

    node: Node
    parent: int | None
    children: tuple[int, ...]


def own_costs(places: Sequence[Place]) -> list[float]:
    """What of the root's cost is each node's own, in the planner's units."""
    wanted = [_wanted_costs(places, number) for number in range(len(places))]
    return _kept(wanted, [place.node["Total Cost"] for place in places])


def own_times(places: Sequence[Place], times: Sequence[float]) -> list[float]:
    """What of the root's time is each node's own, in the unit of `times`, which are with the nodes below."""
    times = _without_what_was_waited_for(places, times)
    return _kept([{child: times[child] for child in place.children} for place in places], times)


def wall_times(places: Sequence[Place]) -> list[float]:
    """How long each node took in all its loops, with the nodes below, in seconds.

    What several processes did at once counts once.
    """
    times = [0.0] * len(places)
    processes = [1.0] * len(places)
    for number, place in enumerate(places):
        loops = place.node.get("Actual Loops", 0)
        if place.parent is not None:
            parent = places[place.parent].node
            processes[number] = processes[place.parent]
            if (
                parent["Node Type"] in ("Gather", "Gather Merge")
                and place.node.get("Parent Relationship") == "Outer"
            ):
                processes[number] *= max(1.0, loops / max(1, parent.get("Actual Loops", 1)))
        times[number] = place.node.get("Actual Total Time", 0.0) * loops / processes[number] / 1000
    return times


def _kept(wanted: Sequence[Mapping[int, float]], totals: Sequence[float]) -> list[float]:
    """What each node keeps of what it is handed. `wanted` is what its children take while it takes its total."""
    handed = [0.0] * len(totals)
    handed[0] = totals[0]
    own = []
    for number, parts in enumerate(wanted):
        taken = sum(parts.values())
        # A child may cost more than its parent: a Limit stops it. And a loop executes its inner node many times over.
        whole = max(totals[number], taken)
        scale = handed[number] / whole if whole > 0 else 0.0
        for child, part in parts.items():
            handed[child] = part * scale
        own.append(max(0.0, handed[number] - taken * scale))
    return own


def _wanted_costs(places: Sequence[Place], number: int) -> dict[int, float]:
    """What each child takes of the cost of one execution of a node."""
    node, children = places[number].node, places[number].children
    has: float = node["Total Cost"]
    wanted: dict[int, float] = {}
    later: list[tuple[int, float]] = []
    outer_rows = 1.0
    for child in children:
        below = places[child].node
        relationship, cost = below.get("Parent Relationship"), below["Total Cost"]
        if relationship == "SubPlan":
            later.append((child, cost * _calls(places, number, below)))
        elif (
            relationship == "Inner"
            and node["Node Type"] == "Nested Loop"
            and below["Node Type"] not in ("Materialize", "Memoize")
        ):
            later.append((child, cost * max(1.0, outer_rows)))
        else:
            wanted[child] = cost
            if relationship == "Outer":
                outer_rows = below["Plan Rows"]
    left = max(0.0, has - sum(wanted.values()))
    for child, cost in later:
        wanted[child] = min(cost, left)
        left -= wanted[child]
    return wanted


def _calls(places: Sequence[Place], number: int, subplan: Node) -> float:
    """How often a node is likely to execute a subplan of its conditions."""
    node, children = places[number].node, places[number].children
    name = subplan.get("Subplan Name", "")
    if any(f"hashed {name}" in str(value) for key, value in node.items() if key != "Plans"):
        return 1.0
    inputs = [
        places[child].node["Plan Rows"]
        for child in children
        if places[child].node.get("Parent Relationship") in ("Outer", "Member", "Subquery")
    ]
    return float(max(1.0, node["Plan Rows"], *inputs))


def _without_what_was_waited_for(places: Sequence[Place], times: Sequence[float]) -> list[float]:
    """Times in which a plan that is computed when first wanted counts in its own place only.

    EXPLAIN counts a common table expression both as a child of the node that it is attached to and in the node that
    first reads it, and likewise the other InitPlans.
    """
    left = list(times)
    for number, place in enumerate(places):
        if place.node.get("Parent Relationship") != "InitPlan" or place.parent is None:
            continue
        reader = _first_reader(places, number, left)
        while reader is not None and reader != place.parent:
            left[reader] = max(0.0, left[reader] - times[number])
            reader = places[reader].parent
    return left


def _first_reader(places: Sequence[Place], plan: int, times: Sequence[float]) -> int | None:
    name: str = places[plan].node.get("Subplan Name", "")
    cte = name.removeprefix("CTE ") if name.startswith("CTE ") else None
    # "InitPlan 1 (returns $0)" before PostgreSQL 17, "InitPlan 1" from then on.
    word = (
        f"({name.partition(' (returns ')[0]})"
        if "returns" not in name
        else name.partition("returns ")[2].rstrip(")")
    )
    for number in range(places[plan].parent or 0, len(places)):
        node = places[number].node
        if number == plan or times[number] < times[plan] * 0.9:
            continue
        if cte is not None and node.get("CTE Name") == cte:
            return number
        if cte is None and _mentions(node, word):
            return number
    return None


def _mentions(node: Node, word: str) -> bool:
    return any(
        word in str(value) for name, value in node.items() if name.endswith(("Cond", "Filter", "Output"))
    )
