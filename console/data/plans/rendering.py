"""A plan as EXPLAIN's text format has it, for one that must not be asked for twice since asking runs the statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console.data.plans.shares import Place
from console.data.plans.titles import details_of, title_of

_BLOCKS = tuple(
    (kind, tuple((did, f"{kind} {name} Blocks") for did, name in steps))
    for kind, steps in (
        ("Shared", (("hit", "Hit"), ("read", "Read"), ("dirtied", "Dirtied"), ("written", "Written"))),
        ("Local", (("hit", "Hit"), ("read", "Read"), ("dirtied", "Dirtied"), ("written", "Written"))),
        ("Temp", (("read", "Read"), ("written", "Written"))),
    )
)


def text_of(document: Mapping[str, Any], places: Sequence[Place]) -> str:
    """The lines of a plan that was run."""
    lines: list[str] = []
    depths = [0] * len(places)
    for number, place in enumerate(places):
        if place.parent is not None:
            depths[number] = depths[place.parent] + 1
        # As EXPLAIN does it: an arrow before every node but the first, and six columns a level.
        margin = " " * max(0, depths[number] * 6 - 4)
        arrow = "->  " if number else ""
        lines.append(f"{margin}{arrow}{title_of(place.node)}  {_figures(place.node)}")
        margin = " " * (depths[number] * 6 + 2)
        lines += [
            f"{margin}{name}: {value}"
            for name, value in details_of(place.node)
            if not name.endswith((" Blocks", " I/O Read Time", " I/O Write Time")) and name != "Disabled"
        ]
        if buffers := _buffers(place.node):
            lines.append(f"{margin}Buffers: {buffers}")
    for name in ("Planning Time", "Execution Time"):
        if name in document:
            lines.append(f"{name}: {document[name]:.3f} ms")
    return "\n".join(lines)


def _figures(node: Mapping[str, Any]) -> str:
    cost = (
        f"(cost={node['Startup Cost']:.2f}..{node['Total Cost']:.2f} "
        f"rows={node['Plan Rows']:.0f} width={node['Plan Width']})"
    )
    loops = node.get("Actual Loops")
    if loops is None:
        return cost
    if loops == 0:
        return f"{cost} (never executed)"
    time = ""
    if "Actual Total Time" in node:
        time = f"time={node['Actual Startup Time']:.3f}..{node['Actual Total Time']:.3f} "
    return f"{cost} (actual {time}rows={node['Actual Rows']} loops={loops})"


def _buffers(node: Mapping[str, Any]) -> str:
    kinds = []
    for kind, steps in _BLOCKS:
        counted = [f"{did}={node[name]}" for did, name in steps if node.get(name)]
        if counted:
            kinds.append(f"{kind.lower()} {' '.join(counted)}")
    return ", ".join(kinds)
