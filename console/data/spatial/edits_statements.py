"""The SQL of changes of rows: what runs has its values bound, what a person reads has them written out.

No name in it depends on the session's search path, which is the person's and which triggers may need as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from console.data.identifiers import literal, quoted
from console.models.map_edits import Bound, EditedTable, Expression, RowChange
from console.models.map_objects import ObjectKey

Part: TypeAlias = str | Bound
"""SQL, or a value in it."""

MOST_CHARACTERS = 2000
"""Of one value that are written out for reading: an outline may have millions."""
ROWS_AT_ONCE = 100
"""Rows of one INSERT: together they may have 32,767 values."""

_INTEGERS = ("pg_catalog.int2", "pg_catalog.int4", "pg_catalog.int8")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of SQL."""

    parts: tuple[Part, ...]
    changes: tuple[RowChange, ...]
    """What it makes, a row each."""

    @property
    def text(self) -> str:
        """As a person reads it. It can be run as it is, unless a value had to be cut."""
        return "".join(part if isinstance(part, str) else _constant(part) for part in self.parts)


def bound(parts: Sequence[Part]) -> tuple[str, tuple[str | float | None, ...]]:
    """SQL with numbered parameters, and the values for them."""
    text, values = "", []
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        values.append(part.value)
        cast = "float8" if isinstance(part.value, float) else f"text::{part.type}"
        text += f"${len(values)}::{cast}"
    return text, tuple(values)


def number(value: float) -> Bound:
    """A number as a value."""
    return Bound(float(value), "")


def relation(table: EditedTable) -> str:
    """The table's name, qualified."""
    return f"{quoted(table.schema)}.{quoted(table.name)}"


def columns_as_text(table: EditedTable) -> str:
    """All of a row's columns, each as text under its own name."""
    return ", ".join(f"{quoted(name)}::text AS {quoted(name)}" for name in table.types)


def with_key(table: EditedTable, keys: Sequence[ObjectKey]) -> tuple[Part, ...]:
    """The condition that holds for the rows with these keys."""
    names = [quoted(name) for name in table.key]
    ours = names[0] if len(names) == 1 else f"({', '.join(names)})"
    rows = [
        _row([Bound(part, table.types[name]) for name, part in zip(table.key, key, strict=True)])
        for key in keys
    ]
    if len(rows) == 1:
        return (f"{ours} = ", *rows[0])
    return (f"{ours} IN (", *_listed(rows), ")")


def statements(changes: Sequence[RowChange]) -> list[Statement]:
    """What makes changes of one table: as few statements as say it, in the order of the changes."""
    made: list[Statement] = []
    for alike in _grouped(changes):
        table, first = alike[0].table, alike[0]
        if first.before is None:
            made += [
                _insertion(table, alike[at : at + ROWS_AT_ONCE]) for at in range(0, len(alike), ROWS_AT_ONCE)
            ]
            continue
        where = with_key(table, [change.key for change in alike])
        if first.after is None:
            head = f"DELETE FROM {relation(table)} WHERE "  # noqa: S608
            made.append(Statement((head, *where), tuple(alike)))
            continue
        said = _listed([(f"{quoted(name)} = ", *value) for name, value in _values(table, first.after)])
        head = f"UPDATE {relation(table)} SET "  # noqa: S608
        made.append(Statement((head, *said, " WHERE ", *where), tuple(alike)))
    return made


def _insertion(table: EditedTable, changes: Sequence[RowChange]) -> Statement:
    rows = [change.after or {} for change in changes]
    names = [name for name in rows[0] if name not in table.generated]
    insisting = "OVERRIDING SYSTEM VALUE " if table.has_own_identity else ""
    head = f"INSERT INTO {relation(table)} ({', '.join(map(quoted, names))}) {insisting}VALUES "
    written = [
        _row([value for _, value in _values(table, {name: row[name] for name in names})], always=True)
        for row in rows
    ]
    return Statement((head, *_listed(written)), tuple(changes))


def _grouped(changes: Iterable[RowChange]) -> list[list[RowChange]]:
    """Changes beside each other that one statement can make."""
    groups: dict[object, list[RowChange]] = {}
    for change in changes:
        if change.before is None:
            kind: object = ("insert", tuple(change.after or ()))
        elif change.after is None:
            kind = "delete"
        else:
            kind = tuple(change.after.items())
        groups.setdefault(kind, []).append(change)
    return list(groups.values())


def _values(
    table: EditedTable, row: Mapping[str, str | Expression | None]
) -> list[tuple[str, tuple[Part, ...]]]:
    return [
        (name, value.parts if isinstance(value, Expression) else (Bound(value, table.types[name]),))
        for name, value in row.items()
    ]


def _row(values: Sequence[Part | tuple[Part, ...]], *, always: bool = False) -> tuple[Part, ...]:
    """Values side by side, in parentheses unless there is but one."""
    parts = [value if isinstance(value, tuple) else (value,) for value in values]
    return tuple(_listed(parts)) if len(parts) == 1 and not always else ("(", *_listed(parts), ")")


def _listed(items: Sequence[tuple[Part, ...]]) -> list[Part]:
    parts: list[Part] = []
    for number_, item in enumerate(items):
        parts += [", ", *item] if number_ else item
    return parts


def _constant(part: Bound) -> str:
    match part.value:
        case None:
            return "NULL"
        case float():
            return repr(part.value)
        case str() if part.type in _INTEGERS and re.fullmatch(r"-?\d+", part.value):
            return part.value
        case str():
            return shortened(literal(part.value))


def shortened(text: str, most: int = MOST_CHARACTERS) -> str:
    """A text for reading, which says how much of it is left out."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} characters more)"
