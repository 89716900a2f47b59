"""A plan as EXPLAIN's text format has it, made of the JSON: asking twice would plan twice, or run the statement twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from console.data.plans.shares import Place
from console.data.plans.titles import details_of, operation_of

_BLOCKS = tuple(
    (kind, tuple((did, f"{kind} {name} Blocks") for did, name in steps))
    for kind, steps in (
        ("Shared", (("hit", "Hit"), ("read", "Read"), ("dirtied", "Dirtied"), ("written", "Written"))),
        ("Local", (("hit", "Hit"), ("read", "Read"), ("dirtied", "Dirtied"), ("written", "Written"))),
        ("Temp", (("read", "Read"), ("written", "Written"))),
    )
)


def text_of(document: Mapping[str, Any], places: Sequence[Place]) -> str:
    """The lines of a plan."""
    lines: list[str] = []
    # Columns before what EXPLAIN says of each node below its title.
    margins: list[int] = []
    for place in places:
        column = 0 if place.parent is None else margins[place.parent]
        if subplan := place.node.get("Subplan Name"):
            lines.append(f"{' ' * column}{subplan}")
            column += 2
        # As EXPLAIN does it: an arrow before every node but the first, and six columns a level.
        arrow = "->  " if column else ""
        lines.append(
            f"{' ' * column}{arrow}{operation_of(place.node, with_schema=True)}  {_figures(place.node)}"
        )
        column += 6 if column else 2
        margins.append(column)
        lines += [
            f"{' ' * column}{name}: {value}"
            for name, value in details_of(place.node)
            if not name.endswith((" Blocks", " I/O Read Time", " I/O Write Time"))
        ]
        if buffers := _buffers(place.node):
            lines.append(f"{' ' * column}Buffers: {buffers}")
    if settings := document.get("Settings"):
        lines.append("Settings: " + ", ".join(f"{name} = '{value}'" for name, value in settings.items()))
    if "Query Identifier" in document:
        lines.append(f"Query Identifier: {document['Query Identifier']}")
    if "Planning Time" in document:
        lines.append(f"Planning Time: {document['Planning Time']:.3f} ms")
    if jit := document.get("JIT"):
        lines += _compiling(jit)
    if "Execution Time" in document:
        lines.append(f"Execution Time: {document['Execution Time']:.3f} ms")
    return "\n".join(lines)


def _compiling(jit: Mapping[str, Any]) -> Iterator[str]:
    yield "JIT:"
    yield f"  Functions: {jit['Functions']}"
    options = (f"{name} {'true' if is_on else 'false'}" for name, is_on in jit.get("Options", {}).items())
    yield f"  Options: {', '.join(options)}"
    if timing := jit.get("Timing"):
        # From PostgreSQL 17 on that of generation is divided.
        times = {name: time["Total"] if isinstance(time, Mapping) else time for name, time in timing.items()}
        yield f"  Timing: {', '.join(f'{name} {time:.3f} ms' for name, time in times.items())}"


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
