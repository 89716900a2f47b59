"""What a database has and a project's metadata has not, or the other way round, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from console.data.identifiers import quoted
from console.models.migrations import Drift

_MISSING = "missing in the database"
_UNKNOWN = "not in the metadata"

_COLUMN_PARTS = {
    "modify_type": "type",
    "modify_nullable": "NOT NULL",
    "modify_default": "default",
    "modify_comment": "comment",
}


def drifts(context: MigrationContext, metadata: Any) -> tuple[Drift, ...]:
    """Every difference that Alembic finds, in its order. Raises what reading the catalogue raises."""
    return tuple(_drifts(compare_metadata(context, metadata)))


def _drifts(differences: Iterable[Any]) -> Iterator[Drift]:
    for difference in differences:
        if isinstance(difference, list):  # the changes of one column
            for change in difference:
                yield _column_change(change)
        else:
            yield _object_change(difference)


def _column_change(change: tuple[Any, ...]) -> Drift:
    kind, schema, table, column, _, database, metadata = change
    part = _COLUMN_PARTS.get(kind, kind)
    if kind == "modify_nullable":
        words = f"{part} is {_MISSING if database else _UNKNOWN}"
    else:
        words = f"{part} is {_shown(database)} in the database and {_shown(metadata)} in the metadata"
    return Drift(f"{_name(schema, table)}.{quoted(column)}", words)


def _object_change(difference: tuple[Any, ...]) -> Drift:
    kind, *rest = difference
    action, _, what = kind.partition("_")
    words = {"add": _MISSING, "remove": _UNKNOWN}.get(action, f"differs ({kind})")
    match what:
        case "table":
            return Drift(_name(rest[0].schema, rest[0].name), words)
        case "column":
            schema, table, column = rest
            return Drift(f"{_name(schema, table)}.{quoted(column.name)}", words)
        case "table_comment":
            return Drift(_name(rest[0].schema, rest[0].name), f"its comment {_is(words)}")
        case _:
            return _on_table(what, rest[0], words)


def _on_table(what: str, item: Any, words: str) -> Drift:
    """An index or a constraint, which may be without a name until the server gives it one."""
    table = getattr(item, "table", None)
    name = getattr(item, "name", None)
    columns = ", ".join(column.name for column in getattr(item, "columns", ()))
    kind = {"fk": "foreign key"}.get(what, what.replace("_", " "))
    owner = _name(table.schema, table.name) if table is not None else ""
    return Drift(f"{owner} {kind} {quoted(str(name)) if name else f'({columns})'}".strip(), words)


def _name(schema: str | None, table: str) -> str:
    return f"{quoted(schema)}.{quoted(table)}" if schema else quoted(table)


def _shown(value: Any) -> str:
    """A type or a default as SQL has it."""
    if value is None or value is False:
        return "none"
    argument = getattr(value, "arg", value)
    return str(getattr(argument, "text", argument))


def _is(words: str) -> str:
    return words if words.startswith("differs") else f"is {words}"
