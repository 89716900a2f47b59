"""The words of one SQL statement, and the names in it: as much of PostgreSQL's grammar as its DDL needs.

Comments and white space are left out, identifiers are folded as the server folds them. Nothing here raises: what is
not understood reads as marks.
"""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from console.data.identifiers import quoted

_TOKEN = re.compile(
    r"""
      (?P<skip>\s+ | --[^\n]*)
    | (?P<comment>/\*)
    | (?P<quoted>(?:[Uu]&)?"[^"]*(?:""[^"]*)*"?)
    | (?P<string>[eE]'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'? | (?:[uU]&|[bBxXnN])?'[^']*(?:''[^']*)*'?)
    | (?P<dollar>\$(?P<tag>(?:[^\W\d][\w]*)?)\$ .*? (?:\$(?P=tag)\$ | \Z))
    | (?P<word>[^\W\d][\w$]*)
    | (?P<number>\d[\w.]*)
    | (?P<mark>::|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_FOLD = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    QUOTED = "quoted"
    STRING = "string"
    NUMBER = "number"
    MARK = "mark"


class Token(NamedTuple):
    """One token of a statement."""

    kind: Kind
    text: str
    """A word in lower case, an identifier or a string without its quotes, a mark as it is."""


class Name(NamedTuple):
    """The name of an object."""

    schema: str | None
    name: str

    def __str__(self) -> str:
        """As SQL has it, quoted where it needs to be."""
        parts = [self.name] if self.schema is None else [self.schema, self.name]
        return ".".join(quoted(part) for part in parts)


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a statement, found as they are asked for: most of a long INSERT never is."""
    place = 0
    while match := _TOKEN.match(text, place):
        place = match.end()
        found = match[0]
        match match.lastgroup:
            case "comment":
                place = _after_comment(text, place)
            case "quoted":
                inner = found[found.index('"') + 1 :]
                yield Token(Kind.QUOTED, inner.removesuffix('"').replace('""', '"'))
            case "string":
                inner = found[found.index("'") + 1 :]
                yield Token(Kind.STRING, inner.removesuffix("'").replace("''", "'"))
            case "dollar":
                edge = f"${match['tag']}$"
                yield Token(Kind.STRING, found.removeprefix(edge).removesuffix(edge))
            case "word":
                yield Token(Kind.WORD, found.translate(_FOLD))
            case "number":
                yield Token(Kind.NUMBER, found)
            case "mark":
                yield Token(Kind.MARK, found)


def _after_comment(text: str, place: int) -> int:
    """Where a comment ends that began before `place`: they nest."""
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(text, place)):
        depth += 1 if edge[0] == "/*" else -1
        place = edge.end()
    return len(text) if depth else place


class Reader:
    """Goes through the tokens of a statement from the left."""

    def __init__(self, found: str | Iterable[Token]) -> None:
        self._coming = tokens(found) if isinstance(found, str) else iter(found)
        self._tokens: list[Token] = []
        self._place = 0

    def _peek(self, ahead: int = 0) -> Token | None:
        missing = self._place + ahead + 1 - len(self._tokens)
        if missing > 0:
            self._tokens += itertools.islice(self._coming, missing)
        return self._tokens[self._place + ahead] if self._place + ahead < len(self._tokens) else None

    @property
    def is_done(self) -> bool:
        """Whether nothing is left."""
        return self._peek() is None

    @property
    def rest(self) -> list[Token]:
        """What is left."""
        self._tokens += self._coming
        return self._tokens[self._place :]

    def at(self, *words: str) -> bool:
        """Whether these words or marks come next."""
        for ahead, word in enumerate(words):
            token = self._peek(ahead)
            if token is None or token.text != word or token.kind not in (Kind.WORD, Kind.MARK):
                return False
        return True

    def take(self, *words: str) -> bool:
        """Goes past these words, if they all come next in this order; says whether they did."""
        if not self.at(*words):
            return False
        self._place += len(words)
        return True

    def take_any(self, *words: str) -> str | None:
        """Goes past one of these words and returns it; None if another comes next."""
        return next((word for word in words if self.take(word)), None)

    def skip(self, *words: str) -> None:
        """Goes past any of these words, in any order and number."""
        while self.take_any(*words):
            pass

    def next(self) -> Token | None:
        """Goes past one token and returns it; None at the end."""
        token = self._peek()
        self._place += token is not None
        return token

    def seek(self, *words: str) -> bool:
        """Goes past the first place outside parentheses where these words come, or stays if there is none."""
        start, depth = self._place, 0
        while not self.is_done:
            if depth == 0 and self.take(*words):
                return True
            token = self.next()
            depth += _depth(token)
        self._place = start
        return False

    def group(self) -> Reader | None:
        """Goes past a pair of parentheses and returns what is in it; None if no parenthesis comes next."""
        if not self.take("("):
            return None
        start, depth = self._place, 1
        while depth and (token := self.next()):
            depth += _depth(token)
        return Reader(self._tokens[start : self._place - (depth == 0)])

    def identifier(self) -> str | None:
        """Goes past one identifier and returns it, folded; None if something else comes next."""
        token = self._peek()
        if token is None or token.kind not in (Kind.WORD, Kind.QUOTED):
            return None
        self._place += 1
        return token.text

    def parts(self) -> list[str]:
        """Goes past a name with its dots and returns its parts."""
        found = []
        while (part := self.identifier()) is not None:
            found.append(part)
            if not self.take("."):
                break
        return found

    def name(self) -> Name | None:
        """Goes past the name of an object, `ONLY` before it and the `*` after it; None if none comes next."""
        self.take("only")
        parenthesised = self.take("(")
        name = name_of(self.parts())
        self.take("*")
        if parenthesised:
            self.take(")")
        return name

    def names(self) -> list[Name]:
        """Goes past names with commas between them."""
        found = []
        while name := self.name():
            found.append(name)
            if not self.take(","):
                break
        return found

    def clauses(self) -> list[Reader]:
        """What is left, divided at the commas outside parentheses."""
        found: list[list[Token]] = [[]]
        depth = 0
        while token := self.next():
            depth += _depth(token)
            if depth == 0 and token == (Kind.MARK, ","):
                found.append([])
            else:
                found[-1].append(token)
        return [Reader(clause) for clause in found if clause]

    def has(self, *words: str) -> bool:
        """Whether these words come anywhere in what is left, within parentheses too."""
        place = self._place
        try:
            while not self.is_done:
                if self.at(*words):
                    return True
                self._place += 1
            return False
        finally:
            self._place = place


def _depth(token: Token | None) -> int:
    if token is None or token.kind is not Kind.MARK:
        return 0
    return {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)


def name_of(parts: Sequence[str]) -> Name | None:
    """A name of its parts; a database before the schema is left out. None where there are none."""
    if not parts:
        return None
    return Name(parts[-2] if len(parts) > 1 else None, parts[-1])


class Names:
    """What the names in the statements of a plan stand for in the database as it is before the plan runs.

    Read in order: a statement may mean what an earlier one has made or renamed.
    """

    def __init__(self) -> None:
        self._before: dict[Name, Name | None] = {}
        self._columns: dict[tuple[Name, str], str] = {}

    def before(self, name: Name) -> Name | None:
        """What the database calls a relation now; None where the plan itself has made it."""
        return self._before.get(name, name)

    def column_before(self, table: Name, column: str) -> str:
        """What a column of a table, as the plan calls it, is called now."""
        return self._columns.get((table, column), column)

    def read(self, text: str) -> None:
        """Takes note of what a statement makes, renames or moves to another schema."""
        statement = Reader(text)
        if statement.take("create"):
            self._read_create(statement)
        elif statement.take("alter"):
            self._read_alter(statement)

    def _read_create(self, statement: Reader) -> None:
        statement.skip(
            "global", "local", "temporary", "temp", "unlogged", "foreign", "materialized", "recursive"
        )
        # With IF NOT EXISTS it may be the one that is there.
        if statement.take_any("table", "view") and not statement.take("if") and (name := statement.name()):
            self._before[name] = None

    def _read_alter(self, statement: Reader) -> None:
        statement.skip("foreign", "materialized")
        if not statement.take_any("table", "index", "view"):
            return
        statement.take("if", "exists")
        name = statement.name()
        if name is None:
            return
        if statement.take("rename", "to") and (new := statement.identifier()):
            self._before[Name(name.schema, new)] = self.before(name)
        elif statement.take("set", "schema") and (schema := statement.identifier()):
            self._before[Name(schema, name.name)] = self.before(name)
        elif statement.take("rename"):
            statement.take("column")
            old = statement.identifier()
            if old and statement.take("to") and (new := statement.identifier()):
                self._columns[name, new] = self.column_before(name, old)
