"""The conditions of a plan's nodes, as far as an index could answer them.

sqlglot reads them, and takes an eighth of a second to import: nothing of it is imported before a condition is read.
What it cannot read, as a reference to a subplan, is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from console.data.identifiers import quoted
from console.data.plans.tokens import after_group, are, tokens_of

if TYPE_CHECKING:
    from sqlglot import exp

_LONGEST = 20_000
"""Characters of a condition that is worth reading: a longer one is a list of constants."""


class Use(Enum):
    """What a condition is to an index."""

    EQUAL = "equal"
    RANGE = "range"
    ALWAYS = "always"
    """It is the same whatever the parameters: a partial index may have it."""


@dataclass(frozen=True, slots=True)
class Term:
    """One condition on one relation."""

    alias: str
    key: str
    """The column, or the expression in parentheses, as CREATE INDEX has it; of `ALWAYS` the whole condition."""
    use: Use
    partner: str | None = None
    """The alias of another relation that it is compared with."""


Types = Mapping[tuple[str, str], str]
"""The type of a column, by the alias of its relation and its name."""


def conjuncts(condition: str) -> list[str]:
    """The parts of a condition, as EXPLAIN writes it, that have `AND` between them."""
    found, waiting = [], [condition]
    while waiting:
        text = waiting.pop()
        tokens = tokens_of(text).tokens
        if are(tokens, 0, "(") and after_group(tokens, 0) == len(tokens) > 2:
            waiting.append(text[tokens[1].start : tokens[-2].end])
            continue
        parts, start, depth = [], 0, 0
        for place, token in enumerate(tokens):
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if depth == 0 and are(tokens, place, "and"):
                parts.append(text[start : token.start])
                start = token.end
        if parts:
            waiting += reversed((*parts, text[start:]))
        else:
            found.append(text.strip())
    return found


def terms_of(conditions: Iterable[str], types: Types) -> list[Term]:
    """What an index could answer of these conditions, each once, in their order.

    An alias that `types` does not have is no relation's.
    """
    found = (
        term
        for text in conditions
        if len(text) <= _LONGEST
        for part in conjuncts(text)
        for term in _read(part, types)
    )
    return list(dict.fromkeys(found))


def _read(text: str, types: Types) -> Iterator[Term]:
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        (parsed,) = sqlglot.parse_one(f"SELECT {text}", dialect="postgres").expressions
    except (SqlglotError, RecursionError, ValueError):  # the last for nothing, or more than one expression
        return
    match parsed := parsed.unnest():
        case exp.EQ():
            yield from _compared(parsed, Use.EQUAL, types)
        case exp.GT() | exp.GTE() | exp.LT() | exp.LTE():
            yield from _compared(parsed, Use.RANGE, types)
        case exp.Is(this=exp.Column() as column, expression=exp.Null()):
            yield from _always(column, "{} IS NULL", types)
        case exp.Not(this=exp.Column() as column):
            yield from _always(column, "NOT {}", types)
        case exp.Column():
            yield from _always(parsed, "{}", types)


def _always(column: exp.Column, condition: str, types: Types) -> Iterator[Term]:
    if (column.table, column.name) in types:
        yield Term(column.table, condition.format(quoted(column.name)), Use.ALWAYS)


def _compared(comparison: exp.Binary, use: Use, types: Types) -> Iterator[Term]:
    from sqlglot import exp

    sides = comparison.left, comparison.right
    for side, other in (sides, sides[::-1]):
        alias, key = _key(side, types)
        partners = {column.table for column in other.find_all(exp.Column)} - {""}
        # An index of a relation is of no use for what is compared with the same relation.
        if alias is not None and alias not in partners:
            yield Term(alias, key, use, min(partners, default=None))


def _key(side: exp.Expr, types: Types) -> tuple[str | None, str]:
    """The relation that a side of a comparison is of, and what an index on it would be of; None where neither is so."""
    from sqlglot import exp

    side = side.unnest()
    inner = side.this.unnest() if isinstance(side, exp.Cast) else side
    if isinstance(inner, exp.Column) and (inner.table, inner.name) in types:
        # "(email)::text" of a varchar is the column itself; of anything else it is another value.
        if inner is side or types[inner.table, inner.name] == "character varying":
            return inner.table, quoted(inner.name)
        return None, ""
    if not isinstance(side, exp.Func | exp.JSONExtractScalar) or isinstance(side, exp.Cast):
        return None, ""
    columns = list(side.find_all(exp.Column))
    aliases = {column.table for column in columns}
    if len(aliases) != 1 or side.find(exp.Parameter, exp.Rand, exp.CurrentTimestamp):
        return None, ""
    if any((column.table, column.name) not in types for column in columns):
        return None, ""
    bare = side.copy()
    for column in bare.find_all(exp.Column):
        column.set("table", None)
    return aliases.pop(), f"({bare.sql(dialect='postgres', normalize_functions='lower')})"
