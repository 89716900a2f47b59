"""What a statement takes away, as far as it can be read in its words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from console.data.migrations.ddl import Kind, Name, Names, Reader, tokens


class Dropped(Enum):
    """What a name stands for that a statement drops."""

    RELATION = "relation"
    """A table, a view, an index or a sequence."""
    COLUMN = "column"
    CONSTRAINT = "constraint"
    TRIGGER = "trigger"
    SCHEMA = "schema"
    TYPE = "type"
    FUNCTION = "function"
    EXTENSION = "extension"
    ALL_ROWS = "all rows"
    SOME_ROWS = "some rows"
    OLD_TYPE = "old type"
    """Of a column that gets another one."""
    UNKNOWN = "unknown"
    """It runs code that cannot be read."""


@dataclass(frozen=True, slots=True)
class Drop:
    """One thing that a statement drops."""

    kind: Dropped
    name: Name
    part: str = ""
    """The column, the constraint or the trigger of the table `name`."""
    arguments: int | None = None
    """How many a function has; None where the statement does not say."""
    cascade: bool = False
    new_type: str = ""
    """In lower case with single spaces: `character varying(10)`."""


_RELATIONS = ("table", "view", "index", "sequence")
_ROUTINES = ("function", "procedure", "routine", "aggregate")


def drops_of(text: str, names: Names) -> Iterator[Drop]:
    """What a statement drops, in the names that the database has now; nothing of what the plan itself has made."""
    statement = Reader(text)
    if statement.take("drop"):
        found = _dropped(statement)
    elif statement.take("alter"):
        found = _altered(statement, names)
    elif statement.take("truncate"):
        statement.take("table")
        cascade = statement.has("cascade")
        found = (Drop(Dropped.ALL_ROWS, name, cascade=cascade) for name in statement.names())
    elif statement.take("delete", "from"):
        found = _deleted(statement)
    elif statement.take("do") or statement.take("call"):
        found = _coded(statement, text)
    else:
        return
    for drop in found:
        if drop.kind in _OF_A_RELATION:
            before = names.before(drop.name)
            if before is not None:
                yield Drop(drop.kind, before, drop.part, drop.arguments, drop.cascade, drop.new_type)
        else:
            yield drop


_OF_A_RELATION = {
    Dropped.RELATION,
    Dropped.COLUMN,
    Dropped.CONSTRAINT,
    Dropped.TRIGGER,
    Dropped.ALL_ROWS,
    Dropped.SOME_ROWS,
    Dropped.OLD_TYPE,
}


def _dropped(statement: Reader) -> Iterator[Drop]:
    cascade = statement.has("cascade")
    statement.skip("foreign", "materialized")
    if statement.take("owned"):
        yield Drop(Dropped.UNKNOWN, Name(None, "DROP OWNED"))
        return
    kind = statement.take_any(*_RELATIONS, "schema", "type", "domain", "extension", "trigger", *_ROUTINES)
    statement.take("concurrently")
    statement.take("if", "exists")
    if kind == "trigger":
        trigger = statement.identifier()
        if trigger and statement.take("on") and (table := statement.name()):
            yield Drop(Dropped.TRIGGER, table, trigger, cascade=cascade)
    elif kind in _ROUTINES:
        yield from _routines(statement, cascade)
    elif kind is not None:
        meant = _MEANT.get(kind, Dropped.RELATION)
        yield from (Drop(meant, name, cascade=cascade) for name in statement.names())


_MEANT = {
    "schema": Dropped.SCHEMA,
    "type": Dropped.TYPE,
    "domain": Dropped.TYPE,
    "extension": Dropped.EXTENSION,
}


def _routines(statement: Reader, cascade: bool) -> Iterator[Drop]:
    while name := statement.name():
        arguments = statement.group()
        number = None if arguments is None else len(arguments.clauses())
        yield Drop(Dropped.FUNCTION, name, arguments=number, cascade=cascade)
        if not statement.take(","):
            break


def _altered(statement: Reader, names: Names) -> Iterator[Drop]:
    statement.take("foreign")
    if not statement.take("table"):
        return
    statement.take("if", "exists")
    table = statement.name()
    if table is None:
        return
    for action in statement.clauses():
        cascade = action.has("cascade")
        if action.take("drop", "constraint"):
            action.take("if", "exists")
            if constraint := action.identifier():
                yield Drop(Dropped.CONSTRAINT, table, constraint, cascade=cascade)
        elif action.take("drop"):
            action.take("column")
            action.take("if", "exists")
            if column := action.identifier():
                yield Drop(Dropped.COLUMN, table, names.column_before(table, column), cascade=cascade)
        elif action.take("alter"):
            action.take("column")
            column = action.identifier()
            if column and (action.take("type") or action.take("set", "data", "type")):
                before = names.column_before(table, column)
                yield Drop(Dropped.OLD_TYPE, table, before, new_type=_type(action))


def _type(action: Reader) -> str:
    """The words of a type up to `USING` or `COLLATE`."""
    words = ""
    while not (action.is_done or action.at("using") or action.at("collate")):
        token = action.next()
        assert token is not None, "it is not done"
        glued = token.kind is Kind.MARK or not words or words[-1] in "(.,"
        words += token.text if glued else f" {token.text}"
    return words


def _deleted(statement: Reader) -> Iterator[Drop]:
    table = statement.name()
    if table is not None:
        some = statement.has("where") or statement.has("using")
        yield Drop(Dropped.SOME_ROWS if some else Dropped.ALL_ROWS, table)


_TAKING = {"drop", "delete", "truncate", "alter", "execute", "perform", "call"}


def _coded(statement: Reader, text: str) -> Iterator[Drop]:
    """A block of code that says nothing of dropping is taken to drop nothing."""
    is_call = Reader(text).at("call")
    bodies = (token.text for token in statement.rest if token.kind is Kind.STRING)
    if is_call or any(token.text in _TAKING for body in bodies for token in tokens(body)):
        yield Drop(Dropped.UNKNOWN, Name(None, "CALL" if is_call else "DO"))
