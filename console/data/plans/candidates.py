"""Indexes that might help, made of a plan's filters, joins and sorts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from console.data.identifiers import quoted
from console.data.plans.conditions import Term, Types, Use, terms_of
from console.data.plans.tokens import after_group, are, tokens_of
from console.models.plans import Plan, PlanNode

MOST = 8
"""So many are tried at most: each one has the statement planned again."""
FEWEST_PAGES = 10
"""A smaller table is read from end to end whatever its indexes."""
MOST_KEYS = 4
"""Columns of an index that filters give."""

_CONDITIONS = ("Filter", "Join Filter", "Hash Cond", "Merge Cond", "Index Cond", "Recheck Cond")


@dataclass(frozen=True, slots=True)
class Family:
    """A table, or a partitioned table with those of its partitions that are in the plan."""

    schema: str
    name: str
    members: tuple[tuple[str, str], ...]
    """Schema and name of the tables that an index is made on."""
    pages: int
    types: Mapping[str, str]
    """Of its columns."""

    @property
    def is_partitioned(self) -> bool:
        """Whether the members are partitions of it."""
        return self.members != ((self.schema, self.name),)


@dataclass(frozen=True, slots=True)
class Existing:
    """An index that a table has."""

    schema: str
    name: str
    """Of the table."""
    columns: tuple[str, ...]
    is_partial: bool


@dataclass(frozen=True, slots=True)
class Idea:
    """An index to try."""

    family: Family
    keys: tuple[str, ...]
    equal: int
    """How many of the keys, from the left, are compared for equality, so that their order is free."""
    condition: str | None
    reason: str

    @property
    def definitions(self) -> tuple[str, ...]:
        """What stands behind `CREATE INDEX`, for each member."""
        where = f" WHERE {self.condition}" if self.condition else ""
        return tuple(
            f"ON {quoted(schema)}.{quoted(name)} ({', '.join(self.keys)}){where}"
            for schema, name in self.family.members
        )


def ideas_of(plan: Plan, families: Sequence[Family], existing: Sequence[Existing]) -> list[Idea]:
    """What to try, the relations that cost most first; nothing that an index does already."""
    homes = {member: family for family in families for member in family.members}
    aliases: dict[str, Family] = {}
    shares: dict[str, float] = {}
    for node in plan.nodes:
        family = homes.get((node.schema or "", node.relation or ""))
        if family is not None and (name := node.alias or node.relation):
            aliases[name] = family
            shares[name] = shares.get(name, 0.0) + node.share
    types: Types = {
        (alias, column): type_ for alias, family in aliases.items() for column, type_ in family.types.items()
    }
    terms = list(dict.fromkeys(term for node in plan.nodes for term in _terms(node, types)))
    sorts = _sorted_under_limit(plan.nodes, types)
    indexes: dict[tuple[str, str], list[Existing]] = {}
    for index in existing:
        indexes.setdefault((index.schema, index.name), []).append(index)
    found: list[Idea] = []
    seen = set()
    for alias in sorted(aliases, key=lambda name: -shares[name]):
        family = aliases[alias]
        if family.pages < FEWEST_PAGES:
            continue
        own = [term for term in terms if term.alias == alias]
        for idea in _ideas(alias, family, own, sorts.get(alias, [])):
            same = (family.schema, family.name, idea.keys, idea.condition)
            if same not in seen and not _is_there(idea, indexes):
                found.append(idea)
            seen.add(same)
    return found[:MOST]


def _terms(node: PlanNode, types: Types) -> Iterator[Term]:
    """What a node's conditions are to indexes: those of a scan to the relation that it reads only."""
    own = node.alias if node.relation else None
    for term in terms_of((text for name, text in node.details if name in _CONDITIONS), types):
        if own is None or term.alias == own:
            yield term


def _ideas(alias: str, family: Family, terms: Sequence[Term], sort: Sequence[str]) -> Iterator[Idea]:
    filters = [term for term in terms if term.partner is None]
    equal = _keys(filters, Use.EQUAL)[:MOST_KEYS]
    ranges = [key for key in _keys(filters, Use.RANGE) if key not in equal]
    joins = [key for key in _keys((term for term in terms if term.partner), Use.EQUAL) if key not in equal]
    condition = " AND ".join(term.key for term in filters if term.use is Use.ALWAYS) or None

    def idea(by_filter: Sequence[str], by_join: Sequence[str] = (), by_sort: Sequence[str] = ()) -> Idea:
        # The server numbers the aliases of partitions: "events_1", "events_2".
        whose = re.sub(r"_\d+$", "", alias) if family.is_partitioned else alias
        kinds = (("filter", by_filter), ("join", by_join), ("sort", by_sort))
        reason = ", ".join(
            f"{kind} {key[1:-1] if key.startswith('(') else f'{whose}.{key}'}"
            for kind, keys in kinds
            for key in keys
        )
        if condition:
            reason += f", where {condition}"
        keys = (*by_filter, *by_join, *by_sort)
        free = len(keys) - len(by_sort) - sum(key in ranges for key in by_filter)
        return Idea(family, keys, free, condition, reason)

    if equal or ranges:
        yield idea([*equal, *ranges[:1]])
    if equal and joins:
        yield idea(equal, joins[:1])
    for key in joins:
        yield idea([], [key])
    by_sort = [key for key in sort if key.removesuffix(" DESC") not in equal]
    if by_sort:
        yield idea(equal, (), by_sort)
    for key in ranges[1:] if not equal else ():
        yield idea([key])
    if len(equal) > 1:
        for key in equal:
            yield idea([key])


def _keys(terms: Iterable[Term], use: Use) -> list[str]:
    return list(dict.fromkeys(term.key for term in terms if term.use is use))


def _is_there(idea: Idea, indexes: Mapping[tuple[str, str], Sequence[Existing]]) -> bool:
    """Whether every member has an index that begins with these keys."""
    free, keys = idea.equal, [_plain(key) for key in idea.keys]

    def begins_so(index: Existing) -> bool:
        columns = [_plain(column) for column in index.columns[: len(keys)]]
        return (
            not index.is_partial and set(columns[:free]) == set(keys[:free]) and columns[free:] == keys[free:]
        )

    return all(any(map(begins_so, indexes.get(member, ()))) for member in idea.family.members)


def _plain(key: str) -> str:
    """A key without what does not tell it from another: parentheses around it, its direction, its spaces."""
    key = key.removesuffix(" DESC")
    if key.startswith("(") and key.endswith(")"):
        key = key[1:-1]
    return key.replace(" ", "").replace("::text", "")


def _sorted_under_limit(nodes: Sequence[PlanNode], types: Types) -> dict[str, list[str]]:
    """By alias, the columns of one relation that the rows of a Limit are sorted by."""
    found: dict[str, list[str]] = {}
    above: list[PlanNode] = []
    for node in nodes:
        del above[node.depth :]
        near = [ancestor.title for ancestor in above[-2:]]
        above.append(node)
        if "Limit" not in near or node.title not in ("Sort", "Incremental Sort"):
            continue
        keys = [_sort_key(text, types) for text in _divided(dict(node.details).get("Sort Key", ""))]
        aliases = {key[0] for key in keys if key}
        if len(aliases) != 1 or None in keys:
            continue
        names = [(key[1], key[2]) for key in keys if key]
        is_uniform = len({is_descending for _, is_descending in names}) == 1
        found[aliases.pop()] = [
            name if is_uniform or not is_descending else f"{name} DESC" for name, is_descending in names
        ]
    return found


def _sort_key(text: str, types: Types) -> tuple[str, str, bool] | None:
    """Alias, column and whether it descends; None for what is more than a column."""
    tokens = tokens_of(text).tokens
    if len(tokens) not in (3, 4) or not are(tokens, 1, "."):
        return None
    alias, column = tokens[0].identifier, tokens[2].identifier
    if (alias, column) not in types or (len(tokens) == 4 and tokens[3].text != "desc"):
        return None
    return alias, quoted(column), len(tokens) == 4


def _divided(text: str) -> list[str]:
    """The parts of a list, divided at the commas outside parentheses."""
    tokens = tokens_of(text).tokens
    parts, start, place = [], 0, 0
    while place < len(tokens):
        if are(tokens, place, "("):
            place = after_group(tokens, place)
            continue
        if are(tokens, place, ","):
            parts.append(text[start : tokens[place].start])
            start = tokens[place].end
        place += 1
    return [*parts, text[start:]]
