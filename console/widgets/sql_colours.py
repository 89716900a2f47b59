"""SQL in colours: what each piece of a statement is, as Pygments reads PostgreSQL."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

from textual.content import Content

Kind: TypeAlias = Literal["", "keyword", "string", "comment"]
"""What a piece of SQL is; "" where that says nothing."""
Piece: TypeAlias = tuple[str, Kind]
Lexer: TypeAlias = Callable[[str], Iterable[tuple[object, str]]]

KINDS: tuple[Kind, ...] = ("keyword", "string", "comment")

LONGEST = 20_000
"""Characters of a statement up to which it is read as a whole: more than that takes as long as a key may wait."""


def load_lexer() -> Lexer:
    """Imports Pygments, which takes some hundredths of a second. Raises `ImportError`."""
    lexers = importlib.import_module("pygments.lexers.sql")
    return lexers.PostgresLexer(stripnl=False, ensurenl=False).get_tokens  # type: ignore[no-any-return]


def coloured_lines(sql: str, lexer: Lexer) -> list[list[Piece]]:
    """The pieces of each line. A statement that is very long is read line by line."""
    if len(sql) > LONGEST:
        return [
            coloured_lines(line, lexer)[0] if len(line) <= LONGEST else [(line, "")]
            for line in sql.split("\n")
        ]
    lines: list[list[Piece]] = [[]]
    for token, text in lexer(sql):
        kind = _kind(str(token))
        first, *others = text.split("\n")
        if first:
            lines[-1].append((first, kind))
        lines += [[(other, kind)] if other else [] for other in others]
    return lines


STYLES: dict[Kind, str] = {"": "", "keyword": "bold $accent", "string": "$success", "comment": "$text-muted"}


def coloured(sql: str, lexer: Lexer) -> Content:
    """A statement in colours, for a pane that wraps. It has to be made safe for a terminal before."""
    lines = [
        Content.assemble(*((text, STYLES[kind]) for text, kind in line))
        for line in coloured_lines(sql, lexer)
    ]
    return Content("\n").join(lines)


def _kind(token: str) -> Kind:
    if token.startswith(("Token.Keyword", "Token.Name.Builtin")):
        return "keyword"
    if token.startswith("Token.Literal.String") and not token.endswith(
        ".Name"
    ):  # a quoted identifier is a name
        return "string"
    if token.startswith("Token.Comment"):
        return "comment"
    return ""
