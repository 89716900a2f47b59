"""The statements that make an index: of a partitioned table one for each partition, that new ones get it too."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from console.data.identifiers import quoted
from console.data.plans.candidates import Idea
from console.data.plans.explain import Explainer
from console.data.queries import query

_LONGEST_NAME = 63
"""Bytes of a name; a longer one is cut by the server."""

Table = tuple[str, str]
"""Schema and name."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A table of a tree of partitions."""

    table: Table
    parent: Table | None
    is_leaf: bool


async def statements_of(ideas: Sequence[Idea], explainer: Explainer) -> list[str]:
    """For each index what creates it, without keeping anybody from writing: to copy, and for psql outside a transaction."""
    roots = list(dict.fromkeys((idea.family.schema, idea.family.name) for idea in ideas))
    trees: dict[Table, list[Branch]] = {}
    for row in await explainer.connection.fetch(
        query("plan_partitions", explainer.major), [root[0] for root in roots], [root[1] for root in roots]
    ):
        parent = (row["parent_schema"], row["parent_name"]) if row["parent_name"] else None
        branch = Branch((row["schema"], row["name"]), parent, row["is_leaf"])
        trees.setdefault((row["root_schema"], row["root_name"]), []).append(branch)
    made = []
    for idea in ideas:
        tree = trees.get((idea.family.schema, idea.family.name))
        if tree is None:
            made.append("\n".join(f"CREATE INDEX CONCURRENTLY {what};" for what in idea.definitions))
        else:
            made.append(_of_tree(idea, tree, await _names(idea, tree, explainer)))
    return made


async def _names(idea: Idea, tree: Sequence[Branch], explainer: Explainer) -> Mapping[Table, str]:
    """A name for the index of each table that nothing in its schema has yet."""
    for suffix in ("", *map(str, range(1, 10))):
        names: dict[Table, str] = {}
        seen: set[Table] = set()
        for branch in tree:
            schema, table = branch.table
            number, name = 0, _name(table, idea.keys, f"_idx{suffix}")
            while (schema, name) in seen:  # two long names may have the same beginning
                number += 1
                name = _name(table, idea.keys, f"_{number}_idx{suffix}")
            seen.add((schema, name))
            names[branch.table] = name
        taken: list[asyncpg.Record] = await explainer.connection.fetch(
            query("plan_taken_names", explainer.major),
            [schema for schema, _ in names],
            list(names.values()),
        )
        if not taken:
            break
    return names


def _name(table: str, keys: Sequence[str], end: str) -> str:
    columns = "_".join(re.sub(r"\W+", "_", key.removesuffix(" DESC")).strip("_") for key in keys)
    beginning = f"{table}_{columns}".encode()[: _LONGEST_NAME - len(end)].decode(errors="ignore")
    return beginning + end


def _of_tree(idea: Idea, tree: Sequence[Branch], names: Mapping[Table, str]) -> str:
    """As PostgreSQL's manual has it: an index on the parent alone, not valid until each partition's is attached to it."""
    where = f" WHERE {idea.condition}" if idea.condition else ""
    definition = f"({', '.join(idea.keys)}){where}"

    def index(table: Table) -> str:
        return f"{quoted(table[0])}.{quoted(names[table])}"

    lines = []
    for branch in tree:
        schema, table = branch.table
        how, only = ("CONCURRENTLY ", "") if branch.is_leaf else ("", "ONLY ")
        name = quoted(names[branch.table])
        lines.append(f"CREATE INDEX {how}{name} ON {only}{quoted(schema)}.{quoted(table)} {definition};")
        if branch.parent is not None:
            lines.append(f"ALTER INDEX {index(branch.parent)} ATTACH PARTITION {index(branch.table)};")
    return "\n".join(lines)
