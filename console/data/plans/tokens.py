"""The tokens of a statement with their places, by the rules of PostgreSQL's lexer (`scan.l`).

Of a list of constants only the first is a token.

Nothing here raises: what is no SQL is left to the server to refuse.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
      (?P<gap>
          [ \t\n\r\f\v]++
        | --[^\n\r]*+
          # Of the constants of a list only the first: there may be a hundred thousand.
        | (?: , \s*+ (?: [+-]?\d[\w.]*+ | '[^']*+' ) (?=\s*+[,)]) )++
      )
    | (?P<comment> /\* )
    | (?P<string>
          [eE] '(?:[^'\\]++|\\.|'')*+(?P<escaped_end>')?
        | (?:[uU]&|[bBxXnN])? '(?:[^']++|'')*+(?P<string_end>')?
        | \$ (?P<tag>(?:[^\W\d]\w*+)?) \$ (?:[^$]++|\$(?!(?P=tag)\$))*+ (?P<dollar_end>\$(?P=tag)\$)?
      )
    | (?P<quoted> (?:[uU]&)? "(?:[^"]++|"")*+(?P<quoted_end>")? )
    | (?P<parameter> \$\d++ )
    | (?P<word> [^\W\d][\w$]*+ )
    | (?P<number> \d[\w.]*+ | \.\d[\w.]*+ )
    | (?P<mark> :: | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_FOLD = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    QUOTED = "quoted"
    """An identifier in double quotes."""
    STRING = "string"
    PARAMETER = "parameter"
    NUMBER = "number"
    MARK = "mark"


_KINDS = {kind.value: kind for kind in Kind}
_ENDS = ("escaped_end", "string_end", "dollar_end", "quoted_end")


class Token(NamedTuple):
    """One token of a statement."""

    kind: Kind
    text: str
    """A word in lower case, everything else as it stands."""
    start: int
    end: int

    @property
    def is_name(self) -> bool:
        """Whether it can name something."""
        return self.kind in (Kind.WORD, Kind.QUOTED)

    @property
    def identifier(self) -> str:
        """The name, without its quotes."""
        return self.text if self.kind is Kind.WORD else self.text.strip('"').replace('""', '"')


class Tokens(NamedTuple):
    """The tokens of a text, without comments and white space."""

    tokens: tuple[Token, ...]
    is_cut: bool
    """Whether the text ends within a quotation or a comment."""
    has_shortened_list: bool
    """Whether `pg_stat_statements` has left constants of a list out: `IN ($1 /*, ... */)`."""


def tokens_of(text: str) -> Tokens:
    """The tokens of a text."""
    found: list[Token] = []
    is_cut = has_shortened_list = False
    place = 0
    while match := _TOKEN.match(text, place):
        start, place = match.span()
        name = match.lastgroup or "gap"
        if name == "gap":
            continue
        if name == "comment":
            end = _after_comment(text, place)
            is_cut = end is None
            place = len(text) if end is None else end
            has_shortened_list = has_shortened_list or text[start:place] == "/*, ... */"
            continue
        kind = _KINDS[name]
        if kind in (Kind.STRING, Kind.QUOTED):
            is_cut = not any(match[end] for end in _ENDS)
        spelled = match[0]
        found.append(Token(kind, spelled.translate(_FOLD) if kind is Kind.WORD else spelled, start, place))
    return Tokens(tuple(found), is_cut, has_shortened_list)


def _after_comment(text: str, place: int) -> int | None:
    """Where a comment ends that began before `place`: they nest. None where it does not."""
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(text, place)):
        depth += 1 if edge[0] == "/*" else -1
        place = edge.end()
    return None if depth else place


def are(tokens: Sequence[Token], place: int, *words: str) -> bool:
    """Whether these words or marks stand at a place; none does before the beginning or after the end."""
    return place >= 0 and [
        token.text for token in tokens[place : place + len(words)] if token.kind in (Kind.WORD, Kind.MARK)
    ] == list(words)


def after_group(tokens: Sequence[Token], place: int) -> int:
    """The place after the parenthesis that closes the one at a place; the end where none does."""
    depth = 0
    for at in range(place, len(tokens)):
        if tokens[at].kind is Kind.MARK:
            depth += {"(": 1, ")": -1}.get(tokens[at].text, 0)
            if depth == 0:
                return at + 1
    return len(tokens)


def edited(text: str, edits: Iterable[tuple[int, int, str]]) -> str:
    """A text with stretches of it, given by their places, replaced."""
    parts: list[str] = []
    place = 0
    for start, end, replacement in sorted(edits):
        parts += (text[place:start], replacement)
        place = end
    return "".join((*parts, text[place:]))
