"""Which lock a statement takes on which table, and whether it reads or writes all of it meanwhile.

As PostgreSQL's chapter "Explicit Locking" and the pages of its statements have it, and as `pg_locks` shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from console.data.migrations.alter_locks import alter, references
from console.data.migrations.ddl import Kind, Name, Reader, name_of
from console.data.migrations.table_lock import (
    ACCESS_EXCLUSIVE,
    EXCLUSIVE,
    ROW_EXCLUSIVE,
    SHARE,
    SHARE_ROW_EXCLUSIVE,
    SHARE_UPDATE_EXCLUSIVE,
    TableLock,
    Work,
    on,
    strength,
)


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
                yield from on(statement.name(), SHARE_UPDATE_EXCLUSIVE if gently else SHARE, Work.SCAN)
        case "trigger":
            if statement.seek("on"):
                yield from on(statement.name(), SHARE_ROW_EXCLUSIVE)
        case "rule":
            if statement.seek("to"):
                yield from on(statement.name(), ACCESS_EXCLUSIVE)
        case "policy":
            if statement.seek("on"):
                yield from on(statement.name(), ACCESS_EXCLUSIVE)
        case "statistics":
            if statement.seek("from"):
                yield from on(statement.name(), SHARE_UPDATE_EXCLUSIVE)
        case "view" if replaces:
            yield from on(statement.name(), ACCESS_EXCLUSIVE)
        case "publication":
            if statement.seek("for", "table"):
                yield from on(statement.names(), SHARE_UPDATE_EXCLUSIVE)


def _create_table(statement: Reader) -> Iterator[TableLock]:
    """A new table is nobody else's; what it refers to is."""
    statement.take("if", "not", "exists")
    statement.name()
    if statement.take("partition", "of"):
        yield from on(statement.name(), ACCESS_EXCLUSIVE)
    columns = statement.group()
    if columns:
        yield from references(columns)
    if statement.take("inherits") and (parents := statement.group()):
        yield from on(parents.names(), SHARE_UPDATE_EXCLUSIVE)


def _drop(statement: Reader) -> Iterator[TableLock]:
    statement.skip("foreign", "materialized")
    match statement.take_any("table", "view", "index", "trigger", "rule", "policy"):
        case "table" | "view":
            statement.take("if", "exists")
            yield from on(statement.names(), ACCESS_EXCLUSIVE)
        case "index":
            gently = statement.take("concurrently")
            statement.take("if", "exists")
            for index in statement.names():
                yield TableLock(index, SHARE_UPDATE_EXCLUSIVE if gently else ACCESS_EXCLUSIVE, of_index=True)
        case "trigger" | "rule" | "policy":
            if statement.seek("on"):
                yield from on(statement.name(), ACCESS_EXCLUSIVE)


# The others -------------------------------------------------------------------------------------------------------


def _truncate(statement: Reader) -> Iterator[TableLock]:
    statement.take("table")
    yield from on(statement.names(), ACCESS_EXCLUSIVE)


def _cluster(statement: Reader) -> Iterator[TableLock]:
    statement.group()
    statement.take("verbose")
    name = statement.name()
    # Before PostgreSQL 17 one could say: CLUSTER index ON table.
    yield from on(statement.name() if statement.take("on") else name, ACCESS_EXCLUSIVE, Work.REWRITE)


def _vacuum(statement: Reader) -> Iterator[TableLock]:
    options = statement.group()
    full = bool(options and any(option.take("full") and not _off(option) for option in options.clauses()))
    while word := statement.take_any("full", "freeze", "verbose", "analyze"):
        full = full or word == "full"
    for table in statement.clauses():
        if full:
            yield from on(table.name(), ACCESS_EXCLUSIVE, Work.REWRITE)
        else:
            yield from on(table.name(), SHARE_UPDATE_EXCLUSIVE, Work.SCAN)


def _off(option: Reader) -> bool:
    value = option.next()
    return value is not None and value.text.lower() in ("false", "off", "0", "no")


def _analyze(statement: Reader) -> Iterator[TableLock]:
    statement.group()
    statement.take("verbose")
    for table in statement.clauses():
        yield from on(table.name(), SHARE_UPDATE_EXCLUSIVE)


def _reindex(statement: Reader) -> Iterator[TableLock]:
    options = statement.group()
    gently = bool(
        options and any(option.take("concurrently") and not _off(option) for option in options.clauses())
    )
    kind = statement.take_any("table", "index")
    gently = statement.take("concurrently") or gently
    name = statement.name()
    if kind is not None and name is not None:
        mode = SHARE_UPDATE_EXCLUSIVE if gently else SHARE
        yield TableLock(name, mode, Work.SCAN, of_index=kind == "index")


def _refresh(statement: Reader) -> Iterator[TableLock]:
    if statement.take("materialized", "view"):
        gently = statement.take("concurrently")
        view = statement.name()
        yield from on(view, *((EXCLUSIVE, Work.SCAN) if gently else (ACCESS_EXCLUSIVE, Work.REWRITE)))


def _lock(statement: Reader) -> Iterator[TableLock]:
    statement.take("table")
    names = statement.names()
    words = []
    if statement.take("in"):
        while (word := statement.identifier()) not in (None, "mode"):
            words.append(str(word).capitalize())
    yield from on(names, "".join(words) or ACCESS_EXCLUSIVE)


def _comment(statement: Reader) -> Iterator[TableLock]:
    statement.take("on")
    statement.skip("materialized", "foreign")
    match statement.take_any("table", "view", "column", "index"):
        case "table" | "view":
            yield from on(statement.name(), SHARE_UPDATE_EXCLUSIVE)
        case "column":
            yield from on(name_of(statement.parts()[:-1]), SHARE_UPDATE_EXCLUSIVE)


def _write(*words: str) -> Callable[[Reader], Iterator[TableLock]]:
    def read(statement: Reader) -> Iterator[TableLock]:
        for word in words:
            statement.take(word)
        yield from on(statement.name(), ROW_EXCLUSIVE)

    return read


def _copy(statement: Reader) -> Iterator[TableLock]:
    name = statement.name()
    statement.group()
    yield from on(name if statement.at("from") else None, ROW_EXCLUSIVE)


_STATEMENTS: dict[str, Callable[[Reader], Iterator[TableLock]]] = {
    "alter": alter,
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
