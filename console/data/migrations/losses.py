"""What a plan takes away, with what is in it now."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import asyncpg

from console.data.migrations import ledger
from console.data.migrations.ddl import Name, Names
from console.data.migrations.drops import Drop, Dropped, drops_of
from console.data.server import Server
from console.errors import QueryFailed
from console.models.migrations import Loss, LossKind, Plan

QUICK_ROWS = 100_000
QUICK_BYTES = 32 << 20
"""A table that is within either is counted."""
COUNTING_SECONDS = 2.0
"""After so many seconds the rest is estimated."""


@dataclass(frozen=True, slots=True)
class _Named:
    """A drop, and the revision that does it."""

    revision: str
    drop: Drop


class _Contents(NamedTuple):
    """What is in a relation or in a column of it."""

    rows: int | None
    is_exact: bool
    bytes: int | None


_NOTHING_KNOWN = _Contents(None, False, None)

_Key = tuple[int, int]
"""A relation's oid, and the number of its column; 0 for the relation itself."""


async def losses(plan: Plan, server: Server) -> tuple[Loss, ...]:
    """What is lost, in the order in which the plan drops it; with CASCADE also what falls with it.

    The parts of a table that falls are not lost one by one, unless a statement names them. What does not exist now
    is left out, so is the version table. Rows are counted where that is quick and allowed, and else estimated.

    Raises `ConnectionLost` or `QueryFailed`.
    """
    named = _named(plan)
    known = [one for one in named if one.drop.kind is not Dropped.UNKNOWN]
    rows = await _objects([one.drop for one in known], server) if known else []
    contents = await _contents(rows, server)
    found: list[tuple[_Named, Loss]] = []
    for row in rows:
        one = known[row["place"] - 1]
        loss = _loss(one, row, contents.get((row["relid"], row["attnum"]), _NOTHING_KNOWN))
        if loss is not None:
            found.append((one, loss))
    found += [
        (one, Loss(one.revision, LossKind.OTHER, _unreadable(one.drop), None, False, None))
        for one in dict.fromkeys(named)
        if one.drop.kind is Dropped.UNKNOWN
    ]
    order = {one: place for place, one in reversed(list(enumerate(named)))}
    return tuple(loss for _, loss in sorted(found, key=lambda pair: order[pair[0]]))


def _named(plan: Plan) -> list[_Named]:
    names, found = Names(), []
    own = {plan.source.version_table, ledger.TABLE}
    for step in plan.steps:
        for statement in step.statements:
            for drop in drops_of(statement.text, names):
                is_own = drop.name.name in own and drop.name.schema in (None, plan.source.version_schema)
                if not is_own:
                    found.append(_Named(step.revision.id, drop))
            names.read(statement.text)
    return found


async def _objects(drops: Sequence[Drop], server: Server) -> list[asyncpg.Record]:
    """The objects that fall, each with the place of the drop that takes it, from 1."""
    return await server.fetch(
        "loss_objects",
        [drop.kind.value for drop in drops],
        [drop.name.schema or "" for drop in drops],
        [drop.name.name for drop in drops],
        [drop.part for drop in drops],
        [drop.arguments for drop in drops],
        [drop.cascade for drop in drops],
    )


# What is in them -------------------------------------------------------------------------------------------------


async def _contents(rows: Sequence[asyncpg.Record], server: Server) -> Mapping[_Key, _Contents]:
    keys: list[_Key] = list(
        dict.fromkeys((row["relid"], row["attnum"]) for row in rows if row["relid"] is not None)
    )
    if not keys:
        return {}
    figures = await server.fetch("loss_figures", *map(list, zip(*keys, strict=True)))
    found = {(row["relid"], row["attnum"]): _Contents(row["rows"], False, row["bytes"]) for row in figures}
    until = time.monotonic() + COUNTING_SECONDS
    for row in _quick(figures):
        count = await _counted(row, server) if time.monotonic() < until else None
        if count is not None:
            key = (row["relid"], row["attnum"])
            found[key] = found[key]._replace(rows=count, is_exact=True)
    return found


def _quick(figures: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
    """What may be counted and quickly is, the smallest first."""
    return [
        row
        for row in sorted(figures, key=lambda row: row["heap_bytes"])
        if row["countable"]
        and (
            row["heap_bytes"] <= QUICK_BYTES
            or (row["rows_read"] is not None and row["rows_read"] <= QUICK_ROWS)
        )
    ]


async def _counted(row: asyncpg.Record, server: Server) -> int | None:
    """How many there are; None where the server does not say."""
    identifiers = {"schema": row["schema"], "relation": row["relation"]}
    try:
        if row["attnum"]:
            name, identifiers["column"] = "count_values", row["column"]
        else:
            name = "count_rows"
        (counted,) = await server.ask(name, identifiers=identifiers)
    except QueryFailed:
        return None
    return int(counted["rows"])


# In words --------------------------------------------------------------------------------------------------------

_KINDS = {
    "schema": LossKind.SCHEMA,
    "table": LossKind.TABLE,
    "column": LossKind.COLUMN,
    "index": LossKind.INDEX,
    "view": LossKind.VIEW,
    "type": LossKind.TYPE,
    "function": LossKind.FUNCTION,
    Dropped.ALL_ROWS.value: LossKind.ROWS,
    Dropped.SOME_ROWS.value: LossKind.ROWS,
}


def _loss(one: _Named, row: Mapping[str, Any], contents: _Contents) -> Loss | None:
    what, name, detail = row["kind"], row["name"], row["detail"]
    kind = _KINDS.get(what, LossKind.OTHER)
    loss = Loss(one.revision, kind, name, contents.rows, contents.is_exact, contents.bytes)
    if what == Dropped.SOME_ROWS.value:
        return replace(
            loss, name=f"{name} (those that its WHERE selects)", rows=None, is_exact=False, bytes=None
        )
    if what == Dropped.OLD_TYPE.value:
        if widens(detail, one.drop.new_type):
            return None
        said = f"the column {name} changes from {detail} to {one.drop.new_type}: values may be cut or refused"
        return replace(loss, name=said)
    if kind is LossKind.OTHER:
        on = f" on {detail}" if detail else ""
        return replace(loss, name=f"the {what} {name}{on} is dropped", rows=None, is_exact=False, bytes=None)
    return loss


def _unreadable(drop: Drop) -> str:
    if drop.name == Name(None, "DROP OWNED"):
        return "all that a role owns is dropped: what that is cannot be listed here"
    return f"what its {drop.name.name} runs cannot be read beforehand: it may drop or delete something"


_ALIASES = {
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "varchar": "character varying",
    "char": "character",
    "decimal": "numeric",
    "float4": "real",
    "float8": "double precision",
    "float": "double precision",
}
_WIDER = {
    "smallint": {"integer", "bigint", "numeric", "real", "double precision", "text"},
    "integer": {"bigint", "numeric", "double precision", "text"},
    "bigint": {"numeric", "text"},
    "real": {"double precision"},
    "character varying": {"text"},
    "text": {"character varying"},
    "json": {"jsonb", "text"},
    "uuid": {"text"},
    "date": {"timestamp without time zone", "timestamp", "timestamptz", "timestamp with time zone"},
}


def widens(old: str, new: str) -> bool:
    """Whether every value of the old type is kept in the new one, as far as that is plain from their names."""
    (before, old_size), (after, new_size) = _sized(old), _sized(new)
    if before != after:
        return after in _WIDER.get(before, ()) and not new_size
    if not new_size or not old_size:
        return not new_size
    old_digits, old_scale = old_size
    new_digits, new_scale = new_size
    return old_scale <= new_scale and old_digits - old_scale <= new_digits - new_scale


def _sized(text: str) -> tuple[str, tuple[int, int] | None]:
    """A type's name, and the length or the digits in its parentheses with how many of them are decimals."""
    name, _, size = text.partition("(")
    name = _ALIASES.get(name.strip(), name.strip())
    numbers = [int(number) for number in re.findall(r"\d+", size)]
    if not numbers:
        return name, (1, 0) if name == "character" else None
    return name, (numbers[0], numbers[1] if len(numbers) > 1 else 0)
