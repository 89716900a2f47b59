"""The locks of `ALTER`, which every subcommand chooses for itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from console.data.migrations.ddl import Kind, Name, Reader, Token
from console.data.migrations.table_lock import (
    ACCESS_EXCLUSIVE,
    SHARE_ROW_EXCLUSIVE,
    SHARE_UPDATE_EXCLUSIVE,
    TableLock,
    Work,
    on,
)


def alter(statement: Reader) -> Iterator[TableLock]:
    """The locks of the statement, whose first word was read; those of each subcommand by themselves."""
    if statement.take("index"):
        yield from _alter_index(statement)
        return
    if statement.take_any("trigger", "policy", "rule"):
        # ALTER TRIGGER … DEPENDS ON EXTENSION too.
        if statement.seek("on"):
            yield from on(statement.name(), ACCESS_EXCLUSIVE)
        return
    statement.skip("foreign", "materialized")
    if not statement.take_any("table", "view"):
        return
    statement.take("if", "exists")
    if statement.at("all", "in", "tablespace"):
        return
    table = statement.name()
    if table is None:
        return
    for action in statement.clauses():
        yield from _action(table, action)


def _alter_index(statement: Reader) -> Iterator[TableLock]:
    """Most of it locks the index alone. Where it is moved, no query of its table can be planned meanwhile."""
    statement.take("if", "exists")
    index = statement.name()
    if index is not None and statement.take("set", "tablespace"):
        yield TableLock(index, ACCESS_EXCLUSIVE, Work.REWRITE, of_index=True)


def _action(table: Name, action: Reader) -> Iterator[TableLock]:
    """The locks of one subcommand of `ALTER TABLE`."""
    if action.take("add"):
        yield from _add(table, action)
    elif action.take("validate", "constraint"):
        yield from on(table, SHARE_UPDATE_EXCLUSIVE, Work.SCAN)
    elif action.take("attach", "partition"):
        yield from on(table, SHARE_UPDATE_EXCLUSIVE)
        yield from on(action.name(), ACCESS_EXCLUSIVE, Work.SCAN)
    elif action.take("detach", "partition"):
        partition = action.name()
        gently = bool(action.take_any("concurrently", "finalize"))
        yield from on(table, SHARE_UPDATE_EXCLUSIVE if gently else ACCESS_EXCLUSIVE)
        yield from on(partition, ACCESS_EXCLUSIVE)
    elif action.take("inherit"):
        yield from on(table, ACCESS_EXCLUSIVE)
        yield from on(action.name(), SHARE_UPDATE_EXCLUSIVE)
    elif action.take_any("enable", "disable"):
        action.take_any("always", "replica")
        yield from on(table, SHARE_ROW_EXCLUSIVE if action.at("trigger") else ACCESS_EXCLUSIVE)
    elif action.take("cluster", "on") or action.take("set", "without", "cluster"):
        yield from on(table, SHARE_UPDATE_EXCLUSIVE)
    elif action.take("set", "(") or action.take("reset", "("):
        yield from on(table, _options_mode(action))
    elif action.take("set"):
        rewrites = action.take_any("logged", "unlogged", "tablespace") or action.take("access", "method")
        yield from on(table, ACCESS_EXCLUSIVE, Work.REWRITE if rewrites else Work.BRIEF)
    elif action.take("alter"):
        yield from _alter_column(table, action)
    else:
        yield from on(table, ACCESS_EXCLUSIVE)


def _add(table: Name, action: Reader) -> Iterator[TableLock]:
    if action.take("constraint"):
        action.identifier()
        kind: str | None = action.take_any(*_CONSTRAINTS)
    else:
        kind = action.take_any(*_CONSTRAINTS)
    work = Work.BRIEF if action.has("not", "valid") or action.has("using", "index") else Work.SCAN
    if kind == "foreign":
        yield from on(table, SHARE_ROW_EXCLUSIVE, work)
        yield from references(action)
    elif kind is not None:
        yield from on(table, ACCESS_EXCLUSIVE, work)
    else:
        action.take("column")
        action.take("if", "not", "exists")
        action.identifier()
        yield from on(table, ACCESS_EXCLUSIVE, Work.REWRITE if _fills(action) else _column_scan(action))
        yield from references(action)


_CONSTRAINTS = ("foreign", "primary", "unique", "check", "exclude", "not")


def _column_scan(column: Reader) -> Work:
    checks = any(column.has(word) for word in ("check", "unique", "primary", "references"))
    return Work.SCAN if checks else Work.BRIEF


_NO_REWRITE = (
    "now", "transaction_timestamp", "statement_timestamp", "to_timestamp", "date_trunc", "array", "cast",
    "jsonb_build_object", "json_build_object", "jsonb_build_array", "json_build_array",
    "numeric", "decimal", "varchar", "char", "bpchar", "varying", "bit", "timestamp", "timestamptz", "time",
    "interval", "vector", "geometry",
)  # fmt: skip
"""What stands before a parenthesis in a default without giving each row a value: stable functions, and types."""
_OWN_VALUES = ("smallserial", "serial", "bigserial", "serial2", "serial4", "serial8", "stored", "identity")


def _fills(column: Reader) -> bool:
    """Whether every row gets a value of its own: a volatile default, a serial, an identity, a stored expression."""
    if any(column.has(word) for word in _OWN_VALUES):
        return True
    if not column.seek("default"):
        return False
    default = [token.text if token.kind is Kind.WORD else f" {token.text}" for token in column.rest]
    end = min(
        (default.index(word) for word in ("constraint", "check", "references") if word in default),
        default=None,
    )
    default = default[:end]
    return any(
        following == " (" and not word.startswith(" ") and word not in _NO_REWRITE
        for word, following in itertools.pairwise(default)
    )


def _alter_column(table: Name, action: Reader) -> Iterator[TableLock]:
    action.take("column")
    action.next()
    if action.take("type") or action.take("set", "data", "type"):
        yield from on(table, ACCESS_EXCLUSIVE, Work.REWRITE)
    elif action.take("set", "statistics") or action.at("set", "(") or action.at("reset", "("):
        yield from on(table, SHARE_UPDATE_EXCLUSIVE)
    elif action.take("set", "not", "null"):
        yield from on(table, ACCESS_EXCLUSIVE, Work.SCAN)
    elif action.take("set", "expression"):
        yield from on(table, ACCESS_EXCLUSIVE, Work.REWRITE)
    else:
        yield from on(table, ACCESS_EXCLUSIVE)


_GENTLE_OPTIONS = (
    "fillfactor", "autovacuum", "log_autovacuum", "parallel_workers", "toast", "toast_tuple_target", "vacuum",
    "n_distinct", "deduplicate_items",
)  # fmt: skip
"""Storage parameters, or how they begin, that change under ShareUpdateExclusive."""


def _options_mode(options: Reader | None) -> str:
    for option in options.clauses() if options else ():
        word = option.identifier()
        if word is not None and not word.startswith(_GENTLE_OPTIONS):
            return ACCESS_EXCLUSIVE
    return SHARE_UPDATE_EXCLUSIVE


def references(found: Reader) -> Iterator[TableLock]:
    """The tables that foreign keys lead to."""
    for token in iter(found.next, None):
        if token == Token(Kind.WORD, "references"):
            yield from on(found.name(), SHARE_ROW_EXCLUSIVE)
