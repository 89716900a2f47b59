"""SQL scripts: their statements, split as psql splits them, and what can be told of one by its first words.

The rules are those of PostgreSQL's lexer (`psqlscan.l`), under `standard_conforming_strings = on`. Nothing here
raises: what is no SQL is left to the server to refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from console.models.migrations import Statement

_FIRST, _NEXT = "A-Za-z_\x80-\U0010ffff", "A-Za-z0-9_\x80-\U0010ffff"
_TOKEN = re.compile(
    rf"""
      (?P<gap> [ \t\n\r\f\v]++ | --[^\n\r]*+ )
    | (?P<comment> /\* )
    | (?P<quoted>
          [eE] '(?:[^'\\]++|\\.|'')*+'?
               # The string goes on after a line break, by the same rules.
               (?: (?:[ \t\f\v]|--[^\n\r]*+)*+ [\n\r] (?:[ \t\n\r\f\v]|--[^\n\r]*+)*+ '(?:[^'\\]++|\\.|'')*+'? )*+
        | '[^']*+'?
        | "[^"]*+"?
        | \$ (?P<tag>(?:[{_FIRST}][{_NEXT}]*+)?) \$
             [^$]*+ (?: \$(?!(?P=tag)\$) [^$]*+ )*+ (?: \$(?P=tag)\$ )?
      )
    | (?P<word> [{_FIRST}][{_NEXT}$]*+ )
    | (?P<mark> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_REST_OF_LINE = re.compile(r"[ \t]*+(?:--[^\n\r]*+)?")

_ROUTINE = re.compile(r"CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE)\b")
_TRANSACTION_CONTROL = re.compile(
    r"(?:BEGIN|START TRANSACTION|COMMIT|END|ABORT|PREPARE TRANSACTION|ROLLBACK(?!(?: WORK| TRANSACTION)? TO\b))\b"
)
_ALONE = re.compile(
    r"""
      (?:CREATE[ ](?:UNIQUE[ ])?INDEX | DROP[ ]INDEX)[ ]CONCURRENTLY\b
    | REINDEX\b (?: .*[ ]CONCURRENTLY\b | [^"]*?[ ](?:SCHEMA|DATABASE|SYSTEM)\b )
    | ALTER[ ]TABLE[ ].*[ ]DETACH[ ]PARTITION[ ].*[ ]CONCURRENTLY$
    | (?:CREATE|DROP)[ ](?:DATABASE|TABLESPACE|SUBSCRIPTION)\b
    | ALTER[ ](?:SYSTEM\b | DATABASE[ ].*[ ]SET[ ]TABLESPACE\b)
    | VACUUM\b
    | CLUSTER(?:[ ]VERBOSE)?$
    """,
    re.VERBOSE,
)
_CLIENT_COPY = re.compile(r"COPY .* ?(?:FROM STDIN|TO STDOUT)\b")
_MOST_WORDS = 64
"""No statement is told apart by a later word, and an INSERT may have a million."""


def _tokens(text: str) -> Iterator[tuple[str, int, int]]:
    """The kind of each token (quoted, word, mark), where it begins and ends; without comments and white space."""
    place = 0
    while match := _TOKEN.match(text, place):
        start, place = match.span()
        kind = match.lastgroup
        if kind == "comment":
            place = _after_comment(text, place)
        elif kind is not None and kind != "gap":
            yield kind, start, place


def _after_comment(text: str, place: int) -> int:
    """Where a comment ends that began before `place`: they nest."""
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(text, place)):
        depth += 1 if edge[0] == "/*" else -1
        place = edge.end()
    return len(text) if depth else place


class _Routine:
    """How deep a statement is in the `BEGIN ATOMIC` body of a routine that it creates."""

    __slots__ = ("_last", "_start", "body", "is_possible")

    def __init__(self) -> None:
        self.body = 0
        self.is_possible = True
        self._start: list[str] = []
        self._last = ""

    def read(self, word: str) -> None:
        """Takes the statement's next word that is outside parentheses; "" is what is no word."""
        if word and len(self._start) < 4:
            self._start.append(word)
            self.is_possible = len(self._start) < 4 or _ROUTINE.match(" ".join(self._start)) is not None
        if self.body:
            self.body += {"CASE": 1, "END": -1}.get(word, 0)
        elif word == "ATOMIC" and self._last == "BEGIN" and len(self._start) == 4 and self.is_possible:
            self.body = 1
        self._last = word


def split(text: str) -> tuple[Statement, ...]:
    """The statements of a script, in order, each with the comments above it and none below.

    A semicolon within quotes, parentheses or a `BEGIN ATOMIC` body ends nothing.
    """
    statements: list[Statement] = []
    start, first, end = 0, -1, 0  # Of the statement: with its comments, its first token, after its last one.
    line, counted = 1, 0
    parentheses = 0
    routine = _Routine()

    def finish() -> None:
        nonlocal line, counted
        if first >= 0:
            line += text.count("\n", counted, first)
            counted = first
            statements.append(Statement(text[start:end].lstrip(" \t\n\r\f\v"), line))

    for kind, at, after in _tokens(text):
        mark = text[at] if kind == "mark" else ""
        if mark == ";" and not parentheses and not routine.body:
            finish()
            tail = _REST_OF_LINE.match(text, after)
            start, first, routine = tail.end() if tail else after, -1, _Routine()
            continue
        first, end = at if first < 0 else first, after
        if mark == "(":
            parentheses += 1
        elif mark == ")":
            parentheses = max(parentheses - 1, 0)
        if not parentheses and routine.is_possible:
            routine.read(text[at:after].upper() if kind == "word" else "")
    finish()
    return tuple(statements)


def line_at(statement: Statement, position: int) -> int:
    """The line of the script that has the statement's character at a position, counted from 1 as the server does."""
    first = next((at for _, at, _ in _tokens(statement.text)), 0)
    lines = statement.text.count
    return statement.line - lines("\n", 0, first) + lines("\n", 0, max(position - 1, 0))


def outline(text: str) -> str:
    """The first words of a statement in capitals, with one space between; what is quoted is two double quotes."""
    return " ".join(islice(_words(text), _MOST_WORDS))


def is_transaction_control(text: str) -> bool:
    """Whether a statement begins or ends a transaction. A savepoint's do neither."""
    return _TRANSACTION_CONTROL.match(outline(text)) is not None


def needs_no_transaction(text: str) -> bool:
    """Whether a statement refuses to run in a transaction, as `CREATE INDEX CONCURRENTLY` does."""
    return _ALONE.match(outline(text)) is not None


def copies_with_client(text: str) -> bool:
    """Whether a statement is a `COPY` whose rows come from the client, or go to it."""
    return _CLIENT_COPY.match(outline(text)) is not None


def psql_command(text: str) -> str | None:
    """The first backslash command of psql in a text, as `\\connect`; None where there is none."""
    for kind, at, _ in _tokens(text):
        if kind == "mark" and text[at] == "\\":
            return text[at:].split(maxsplit=1)[0].rstrip(";")
    return None


def _words(text: str) -> Iterator[str]:
    for kind, at, after in _tokens(text):
        if kind == "word":
            yield text[at:after].upper()
        elif kind == "quoted":
            yield '""'
