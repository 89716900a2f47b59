"""Names of a plan's nodes as EXPLAIN's text format has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.data.identifiers import quoted

Node = Mapping[str, Any]
"""A node as EXPLAIN's JSON has it."""

_TOLD = frozenset(
    """
    Node Type|Strategy|Partial Mode|Parallel Aware|Async Capable|Join Type|Command|Operation|Scan Direction|Index Name
    Relation Name|Schema|Alias|Function Name|CTE Name|Tuplestore Name|Table Function Name|Custom Plan Provider
    Startup Cost|Total Cost|Plan Rows|Plan Width|Parent Relationship|Plans|Actual Startup Time|Actual Total Time
    Actual Rows|Actual Loops|Subplan Name
    """.strip()
    .replace("\n    ", "|")
    .split("|")
)
"""What the title says, and the figures of a node."""
_QUIET = frozenset(("Disabled", "Inner Unique", "Single Copy"))
"""What goes without saying where it is false."""


def title_of(node: Node) -> str:
    """ "Index Scan using orders_pkey on orders o", with the name of a subplan before it: "CTE recent: Seq Scan …"."""
    name = operation_of(node)
    subplan = node.get("Subplan Name")
    return f"{subplan}: {name}" if subplan else name


def operation_of(node: Node, *, with_schema: bool = False) -> str:
    """The same without the subplan; with the schema of what it reads, as EXPLAIN's VERBOSE has it."""
    name = _operation(node)
    if index := node.get("Index Name"):
        name += (
            f" on {quoted(index)}" if node["Node Type"] == "Bitmap Index Scan" else f" using {quoted(index)}"
        )
    if target := _target(node):
        schema = f"{quoted(node['Schema'])}." if with_schema and node.get("Schema") else ""
        name += f" on {schema}{target}"
    alias = node.get("Alias")
    if alias and alias != target_name(node):
        name += f" {quoted(alias)}" if target else f" on {quoted(alias)}"
    return name


def target_name(node: Node) -> str | None:
    """What a node reads, or writes to: a relation, a function, a common table expression."""
    for key in ("Relation Name", "Function Name", "CTE Name", "Tuplestore Name", "Table Function Name"):
        if key in node:
            return str(node[key])
    return None


def _target(node: Node) -> str | None:
    name = target_name(node)
    return quoted(name) if name else None


def _operation(node: Node) -> str:
    kind: str = node["Node Type"]
    strategy, join = node.get("Strategy"), node.get("Join Type", "Inner")
    match kind:
        case "Nested Loop" if join != "Inner":
            name = f"Nested Loop {join} Join"
        case "Hash Join" | "Merge Join" if join != "Inner":
            name = f"{kind.removesuffix(' Join')} {join} Join"
        case "Aggregate":
            prefix = {"Sorted": "Group", "Hashed": "Hash", "Mixed": "Mixed"}.get(strategy or "", "")
            name = f"{prefix}Aggregate"
        case "SetOp":
            name = f"{'HashSetOp' if strategy == 'Hashed' else 'SetOp'} {node.get('Command', '')}".rstrip()
        case "ModifyTable":
            name = str(node.get("Operation", kind))
        case "Foreign Scan" if node.get("Operation", "Select") != "Select":
            name = f"Foreign {node['Operation']}"
        case "Custom Scan":
            name = f"Custom Scan ({node.get('Custom Plan Provider', '')})"
        case _:
            name = kind
    if node.get("Scan Direction") == "Backward":
        name += " Backward"
    if (mode := node.get("Partial Mode", "Simple")) != "Simple":
        name = f"{mode} {name}"
    if node.get("Parallel Aware"):
        name = f"Parallel {name}"
    if node.get("Async Capable"):
        name = f"Async {name}"
    return name


def details_of(node: Node) -> tuple[tuple[str, str], ...]:
    """All that EXPLAIN says of a node beside its title and its figures."""
    return tuple(
        (name, _shown(value))
        for name, value in node.items()
        if name not in _TOLD and not (value is False and name in _QUIET) and not _is_idle_counter(name, value)
    )


def _is_idle_counter(name: str, value: Any) -> bool:
    """Whether it counts what has not happened; the text format leaves these out too."""
    idle = ("Blocks", "Time", "Removed by Index Recheck", "Subplans Removed")
    return value == 0 and value is not False and name.endswith(idle)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_shown(part)}" for name, part in value.items() if name != "Plans")
    return str(value)
