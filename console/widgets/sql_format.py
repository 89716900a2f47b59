"""SQL laid out for reading: a clause a line, and every word as it was written."""

from __future__ import annotations

import re

LONGEST = 20_000
"""Characters of a statement up to which it is laid out: that many take 0.4 s."""

LONGEST_BROKEN = 100_000
"""Characters up to which long lines are broken at least: that many take half a second."""

LIST_WIDTH = 60
"""Characters after which a list goes on in the next line: one name a line would make pages of an IN."""

WIDEST = 100
"""Characters after which a line is broken where a word ends, or at a comma a quarter earlier."""

_LEVEL, _ALIGNED = 2, 10
"""Cells for each parenthesis that is open, and for what stands below the list of a clause: `WHERE a IN (`."""

_PIECE = re.compile(
    r"""
      (?P<whole>
          --[^\n]*+
        | [eE]'(?:[^'\\]++|\\.|'')*+'
        | '(?:[^']++|'')*+'
        | "(?:[^"]++|"")*+"
        | \$(?P<tag>(?:[^\W\d]\w*+)?)\$ (?:[^$]++|\$(?!(?P=tag)\$))*+ \$(?P=tag)\$
      )
    | (?P<comment> /\* )
    | (?P<line> [^\S\n]*+\n[^\S\n]*+ )
    | (?P<space> [^\S\n]++ )
    | (?P<mark> [(),] )
    | (?P<word> [\w.$:]++ | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


def formatted(sql: str) -> str:
    """`sql` with other line breaks and indents, all else as it was; given back as it is where that cannot be done.

    Takes up to half a second: it belongs in a thread.
    """
    if len(sql) > LONGEST_BROKEN:
        return sql
    return _broken(sql if len(sql) > LONGEST else _laid_out(sql))


def _laid_out(sql: str) -> str:
    import sqlparse

    try:
        laid_out = str(sqlparse.format(sql, reindent=True, wrap_after=LIST_WIDTH)).strip("\n")
    except (sqlparse.exceptions.SQLParseError, RecursionError):  # more tokens or brackets than it takes on
        return sql
    # What it takes apart, as a comment whose like it does not know, is rather left as it was.
    return laid_out if _pieces(laid_out) == _pieces(sql) else sql


def _pieces(sql: str) -> list[str]:
    """All but white space, with quotations and comments in one piece."""
    return [text for name, text in _divided(sql) if name not in ("line", "space")]


def _divided(sql: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    place = 0
    while match := _PIECE.match(sql, place):
        name, start, place = match.lastgroup or "", match.start(), match.end()
        if name == "comment":
            place = _after_comment(sql, place)
        found.append((name if name != "tag" else "whole", sql[start:place]))
    return found


def _after_comment(sql: str, place: int) -> int:
    """Where a comment ends that began before `place`: they nest."""
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(sql, place)):
        depth += 1 if edge[0] == "/*" else -1
        place = edge.end()
    return len(sql) if depth else place


def _broken(sql: str) -> str:
    """`sql` with long lines broken, and with no line further to the right than its open parentheses tell."""
    parts: list[str] = []
    depth = column = 0
    after_comma = False
    for name, text in _divided(sql):
        if name == "line":
            margin = len(text) - text.index("\n") - 1
            text = "\n" + " " * min(margin, _LEVEL * depth + _ALIGNED)
        elif column > (WIDEST * 3 // 4 if after_comma else WIDEST) and (name == "space" or after_comma):
            text = "\n" + " " * min(_LEVEL * (depth + 1) + 2, WIDEST // 2) + text.lstrip()
        depth = max(0, depth + {"(": 1, ")": -1}.get(text, 0)) if name == "mark" else depth
        # A comment belongs to what is before it, "$1 /*, ... */", and ends no line.
        after_comma = text == ","
        parts.append(text)
        last_line = text.rfind("\n")
        column = column + len(text) if last_line < 0 else len(text) - last_line - 1
    return "".join(parts)
