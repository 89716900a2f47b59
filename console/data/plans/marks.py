"""What stands out at a node of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from console.data.plans.titles import Node
from console.models.plans import Mark, PlanTable, Remark
from console.units import bytes_binary, compact

BIG_ROWS = 100_000
"""A relation with so many rows is not to be read from end to end."""
BIG_SIZE = 64 * 1024 * 1024
"""Bytes; likewise."""
MISESTIMATE = 10
"""An estimate that is so many times off is wrong."""
SENSIBLE_ROWS = 100
"""With fewer rows than these in all an estimate may be as wrong as it likes."""
_DISABLED_COST = 1e10
"""What a node of a kind that is switched off cost before PostgreSQL 18."""
_BLOCK = 8192


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a mark needs to know beside the node."""

    table: PlanTable | None
    own_cost: float
    own_temp_written: int
    """Blocks."""
    may_stop_early: bool
    """Whether a node above takes no more rows than it needs."""
    rows_per_call: float | None
    """At the root of a plan that was not run: what the statement is known to give."""


def marks_of(node: Node, around: Surroundings) -> tuple[Mark, ...]:
    """The marks of a node, in the order in which they are shown."""
    return tuple(_marks(node, around))


def _marks(node: Node, around: Surroundings) -> Iterator[Mark]:
    if node["Node Type"] == "Seq Scan" and around.table and (text := _big(around.table)):
        yield Mark(Remark.BIG_SCAN, text)
    if text := _misestimate(node, around):
        yield Mark(Remark.MISESTIMATE, text)
    if text := _spill(node, around.own_temp_written):
        yield Mark(Remark.SPILL, text)
    if text := _filtered(node):
        yield Mark(Remark.FILTERED, text)
    if lossy := node.get("Lossy Heap Blocks", 0):
        yield Mark(Remark.LOSSY, f"{compact(lossy)} lossy blocks")
    if node.get("Actual Loops") == 0:
        yield Mark(Remark.NEVER_RUN, "never run")
    if node.get("Disabled", around.own_cost >= _DISABLED_COST):
        yield Mark(Remark.DISABLED, "disabled")


def _big(table: PlanTable) -> str:
    if (table.rows or 0) >= BIG_ROWS:
        return f"{compact(table.rows)} rows"
    if (table.table_size or 0) >= BIG_SIZE:
        return bytes_binary(table.table_size)
    return ""


def _misestimate(node: Node, around: Surroundings) -> str:
    estimated = max(1.0, node["Plan Rows"])
    if "Actual Loops" not in node:
        gives = around.rows_per_call
        if gives is None or not _is_off(estimated, gives, 1):
            return ""
        return f"gives {compact(gives)} a call"
    loops, actual = node["Actual Loops"], node["Actual Rows"]
    if loops == 0 or not _is_off(estimated, actual, loops):
        return ""
    if actual > estimated:
        return f"{compact(actual / estimated)} × more rows"
    return "" if around.may_stop_early else f"{compact(estimated / max(1.0, actual))} × fewer rows"


def _is_off(estimated: float, actual: float, loops: float) -> bool:
    actual = max(1.0, actual)
    many, few = max(estimated, actual), min(estimated, actual)
    return many / few >= MISESTIMATE and many * loops >= SENSIBLE_ROWS


def _spill(node: Node, own_temp_written: int) -> str:
    """A sort, a hash or an aggregate that had no room in `work_mem`."""
    processes: list[Node] = [node, *node.get("Workers", ())]
    on_disk = sum(p.get("Sort Space Used", 0) for p in processes if p.get("Sort Space Type") == "Disk")
    on_disk += sum(p.get("Disk Usage", 0) for p in processes)
    for group in ("Full-sort Groups", "Pre-sorted Groups"):
        on_disk += node.get(group, {}).get("Sort Space Disk", {}).get("Peak Sort Space Used", 0)
    if on_disk:
        return f"{bytes_binary(on_disk * 1024)} on disk"
    if (batches := node.get("Hash Batches", 1)) > 1:
        return f"{batches} batches on disk"
    return f"{bytes_binary(own_temp_written * _BLOCK)} on disk" if own_temp_written else ""


def _filtered(node: Node) -> str:
    removed = removed_rows(node)
    kept = node.get("Actual Rows", 0) * node.get("Actual Loops", 0)
    return f"{compact(removed)} rows dropped" if removed >= max(1000, 10 * kept) else ""


def removed_rows(node: Node) -> float:
    """Rows that were read and thrown away, in all loops."""
    loops: Any = node.get("Actual Loops", 0)
    names = ("Filter", "Join Filter", "Index Recheck")
    return float(sum(node.get(f"Rows Removed by {name}", 0) for name in names) * loops)
