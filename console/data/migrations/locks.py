"""Which lock a statement takes on which table, and whether it reads or writes all of it meanwhile.

As PostgreSQL's chapter "Explicit Locking" and the pages of its statements have it, and as `pg_locks` shows it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from console.data.migrations.ddl import Kind, Name, Reader, Token, name_of

MODES = (
    "AccessShare",
    "RowShare",
    "RowExclusive",
    "ShareUpdateExclusive",
    "Share",
    "ShareRowExclusive",
    "Exclusive",
    "AccessExclusive",
)
"""Lock modes as `pg_locks.mode` has them without "Lock", the weakest first."""

_SHARE_UPDATE, _SHARE, _SHARE_ROW, _EXCLUSIVE, _ACCESS = MODES[3:]
_ROW_EXCLUSIVE = MODES[2]


class Work(Enum):
    """What a statement does while it holds its lock, and so how long it may hold it."""

    BRIEF = "brief"
    SCAN = "scan"
    """It reads the whole table."""
    REWRITE = "rewrite"
    """It writes the whole table anew."""


@dataclass(frozen=True, slots=True)
class TableLock:
    """A lock that a statement takes."""

    table: Name
    mode: str
    """One of `MODES`."""
    work: Work = Work.BRIEF
    of_index: bool = False
    """`table` is the name of an index: the lock is on the table that it belongs to."""


def strength(mode: str) -> int:
    """A number that is the larger the more a mode keeps others from doing."""
    return MODES.index(mode)


def lock_of(text: str) -> tuple[TableLock, ...]:
    """The locks stronger than RowShare that a statement takes on tables and views that it names.

    The strongest of each table, which its partitions and heirs share. Nothing for what names no table
    (`DROP SCHEMA`, a block of code, a bare `VACUUM`), nor for tables that a dropped foreign key leads to.
    Whether an added column rewrites the table is guessed from its default; whether a change of type does is not
    to be seen in the statement: it is taken to.
    """
    statement = Reader(text)
    first = statement.next()
    read = _STATEMENTS.get(first.text) if first and first.kind is Kind.WORD else None
    strongest: dict[Name, TableLock] = {}
    for lock in read(statement) if read else ():
        held = strongest.get(lock.table)
        if held is None:
            strongest[lock.table] = lock
        else:
            mode = max(held.mode, lock.mode, key=strength)
            work = max(held.work, lock.work, key=list(Work).index)
            strongest[lock.table] = TableLock(lock.table, mode, work, lock.of_index)
    return tuple(strongest.values())


def _on(names: list[Name] | Name | None, mode: str, work: Work = Work.BRIEF) -> Iterator[TableLock]:
    for name in names if isinstance(names, list) else [names]:
        if name is not None:
            yield TableLock(name, mode, work)


# ALTER ------------------------------------------------------------------------------------------------------------


def _alter(statement: Reader) -> Iterator[TableLock]:
    if statement.take("index"):
        yield from _alter_index(statement)
        return
    if statement.take_any("trigger", "policy", "rule"):
        # ALTER TRIGGER … DEPENDS ON EXTENSION too.
        if statement.seek("on"):
            yield from _on(statement.name(), _ACCESS)
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
        yield TableLock(index, _ACCESS, Work.REWRITE, of_index=True)


def _action(table: Name, action: Reader) -> Iterator[TableLock]:
    """The locks of one subcommand of `ALTER TABLE`."""
    if action.take("add"):
        yield from _add(table, action)
    elif action.take("validate", "constraint"):
        yield from _on(table, _SHARE_UPDATE, Work.SCAN)
    elif action.take("attach", "partition"):
        yield from _on(table, _SHARE_UPDATE)
        yield from _on(action.name(), _ACCESS, Work.SCAN)
    elif action.take("detach", "partition"):
        partition = action.name()
        gently = bool(action.take_any("concurrently", "finalize"))
        yield from _on(table, _SHARE_UPDATE if gently else _ACCESS)
        yield from _on(partition, _ACCESS)
    elif action.take("inherit"):
        yield from _on(table, _ACCESS)
        yield from _on(action.name(), _SHARE_UPDATE)
    elif action.take_any("enable", "disable"):
        action.take_any("always", "replica")
        yield from _on(table, _SHARE_ROW if action.at("trigger") else _ACCESS)
    elif action.take("cluster", "on") or action.take("set", "without", "cluster"):
        yield from _on(table, _SHARE_UPDATE)
    elif action.take("set", "(") or action.take("reset", "("):
        yield from _on(table, _options_mode(action))
    elif action.take("set"):
        rewrites = action.take_any("logged", "unlogged", "tablespace") or action.take("access", "method")
        yield from _on(table, _ACCESS, Work.REWRITE if rewrites else Work.BRIEF)
    elif action.take("alter"):
        yield from _alter_column(table, action)
    else:
        yield from _on(table, _ACCESS)


def _add(table: Name, action: Reader) -> Iterator[TableLock]:
    if action.take("constraint"):
        action.identifier()
        kind: str | None = action.take_any(*_CONSTRAINTS)
    else:
        kind = action.take_any(*_CONSTRAINTS)
    work = Work.BRIEF if action.has("not", "valid") or action.has("using", "index") else Work.SCAN
    if kind == "foreign":
        yield from _on(table, _SHARE_ROW, work)
        yield from _references(action)
    elif kind is not None:
        yield from _on(table, _ACCESS, work)
    else:
        action.take("column")
        action.take("if", "not", "exists")
        action.identifier()
        yield from _on(table, _ACCESS, Work.REWRITE if _fills(action) else _column_scan(action))
        yield from _references(action)


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
        yield from _on(table, _ACCESS, Work.REWRITE)
    elif action.take("set", "statistics") or action.at("set", "(") or action.at("reset", "("):
        yield from _on(table, _SHARE_UPDATE)
    elif action.take("set", "not", "null"):
        yield from _on(table, _ACCESS, Work.SCAN)
    elif action.take("set", "expression"):
        yield from _on(table, _ACCESS, Work.REWRITE)
    else:
        yield from _on(table, _ACCESS)


_GENTLE_OPTIONS = (
    "fillfactor", "autovacuum", "log_autovacuum", "parallel_workers", "toast", "toast_tuple_target", "vacuum",
    "n_distinct", "deduplicate_items",
)  # fmt: skip
"""Storage parameters, or how they begin, that change under ShareUpdateExclusive."""


def _options_mode(options: Reader | None) -> str:
    for option in options.clauses() if options else ():
        word = option.identifier()
        if word is not None and not word.startswith(_GENTLE_OPTIONS):
            return _ACCESS
    return _SHARE_UPDATE


# CREATE and DROP --------------------------------------------------------------------------------------------------


def _create(statement: Reader) -> Iterator[TableLock]:
    replaces = statement.take("or", "replace")
    statement.skip(
        "global", "local", "temporary", "temp", "unlogged", "unique", "constraint", "recursive", "foreign"
    )
    match statement.take_any(
        "table", "index", "trigger", "rule", "policy", "statistics", "view", "publication"
    ):
        case "table":
            yield from _create_table(statement)
        case "index":
            gently = statement.take("concurrently")
            if statement.seek("on"):
                yield from _on(statement.name(), _SHARE_UPDATE if gently else _SHARE, Work.SCAN)
        case "trigger":
            if statement.seek("on"):
                yield from _on(statement.name(), _SHARE_ROW)
        case "rule":
            if statement.seek("to"):
                yield from _on(statement.name(), _ACCESS)
        case "policy":
            if statement.seek("on"):
                yield from _on(statement.name(), _ACCESS)
        case "statistics":
            if statement.seek("from"):
                yield from _on(statement.name(), _SHARE_UPDATE)
        case "view" if replaces:
            yield from _on(statement.name(), _ACCESS)
        case "publication":
            if statement.seek("for", "table"):
                yield from _on(statement.names(), _SHARE_UPDATE)


def _create_table(statement: Reader) -> Iterator[TableLock]:
    """A new table is nobody else's; what it refers to is."""
    statement.take("if", "not", "exists")
    statement.name()
    if statement.take("partition", "of"):
        yield from _on(statement.name(), _ACCESS)
    columns = statement.group()
    if columns:
        yield from _references(columns)
    if statement.take("inherits") and (parents := statement.group()):
        yield from _on(parents.names(), _SHARE_UPDATE)


def _references(found: Reader) -> Iterator[TableLock]:
    """The tables that foreign keys lead to."""
    for token in iter(found.next, None):
        if token == Token(Kind.WORD, "references"):
            yield from _on(found.name(), _SHARE_ROW)


def _drop(statement: Reader) -> Iterator[TableLock]:
    statement.skip("foreign", "materialized")
    match statement.take_any("table", "view", "index", "trigger", "rule", "policy"):
        case "table" | "view":
            statement.take("if", "exists")
            yield from _on(statement.names(), _ACCESS)
        case "index":
            gently = statement.take("concurrently")
            statement.take("if", "exists")
            for index in statement.names():
                yield TableLock(index, _SHARE_UPDATE if gently else _ACCESS, of_index=True)
        case "trigger" | "rule" | "policy":
            if statement.seek("on"):
                yield from _on(statement.name(), _ACCESS)


# The others -------------------------------------------------------------------------------------------------------


def _truncate(statement: Reader) -> Iterator[TableLock]:
    statement.take("table")
    yield from _on(statement.names(), _ACCESS)


def _cluster(statement: Reader) -> Iterator[TableLock]:
    statement.group()
    statement.take("verbose")
    name = statement.name()
    # Before PostgreSQL 17 one could say: CLUSTER index ON table.
    yield from _on(statement.name() if statement.take("on") else name, _ACCESS, Work.REWRITE)


def _vacuum(statement: Reader) -> Iterator[TableLock]:
    options = statement.group()
    full = bool(options and any(option.take("full") and not _off(option) for option in options.clauses()))
    while word := statement.take_any("full", "freeze", "verbose", "analyze"):
        full = full or word == "full"
    for table in statement.clauses():
        if full:
            yield from _on(table.name(), _ACCESS, Work.REWRITE)
        else:
            yield from _on(table.name(), _SHARE_UPDATE, Work.SCAN)


def _off(option: Reader) -> bool:
    value = option.next()
    return value is not None and value.text.lower() in ("false", "off", "0", "no")


def _analyze(statement: Reader) -> Iterator[TableLock]:
    statement.group()
    statement.take("verbose")
    for table in statement.clauses():
        yield from _on(table.name(), _SHARE_UPDATE)


def _reindex(statement: Reader) -> Iterator[TableLock]:
    options = statement.group()
    gently = bool(
        options and any(option.take("concurrently") and not _off(option) for option in options.clauses())
    )
    kind = statement.take_any("table", "index")
    gently = statement.take("concurrently") or gently
    name = statement.name()
    if kind is not None and name is not None:
        mode = _SHARE_UPDATE if gently else _SHARE
        yield TableLock(name, mode, Work.SCAN, of_index=kind == "index")


def _refresh(statement: Reader) -> Iterator[TableLock]:
    if statement.take("materialized", "view"):
        gently = statement.take("concurrently")
        view = statement.name()
        yield from _on(view, *((_EXCLUSIVE, Work.SCAN) if gently else (_ACCESS, Work.REWRITE)))


def _lock(statement: Reader) -> Iterator[TableLock]:
    statement.take("table")
    names = statement.names()
    words = []
    if statement.take("in"):
        while (word := statement.identifier()) not in (None, "mode"):
            words.append(str(word).capitalize())
    yield from _on(names, "".join(words) or _ACCESS)


def _comment(statement: Reader) -> Iterator[TableLock]:
    statement.take("on")
    statement.skip("materialized", "foreign")
    match statement.take_any("table", "view", "column", "index"):
        case "table" | "view":
            yield from _on(statement.name(), _SHARE_UPDATE)
        case "column":
            yield from _on(name_of(statement.parts()[:-1]), _SHARE_UPDATE)


def _write(*words: str) -> Callable[[Reader], Iterator[TableLock]]:
    def read(statement: Reader) -> Iterator[TableLock]:
        for word in words:
            statement.take(word)
        yield from _on(statement.name(), _ROW_EXCLUSIVE)

    return read


def _copy(statement: Reader) -> Iterator[TableLock]:
    name = statement.name()
    statement.group()
    yield from _on(name if statement.at("from") else None, _ROW_EXCLUSIVE)


_STATEMENTS: dict[str, Callable[[Reader], Iterator[TableLock]]] = {
    "alter": _alter,
    "create": _create,
    "drop": _drop,
    "truncate": _truncate,
    "cluster": _cluster,
    "vacuum": _vacuum,
    "analyze": _analyze,
    "reindex": _reindex,
    "refresh": _refresh,
    "lock": _lock,
    "comment": _comment,
    "insert": _write("into"),
    "update": _write(),
    "delete": _write("from"),
    "merge": _write("into"),
    "copy": _copy,
}
