"""What a statement does, told by its first word of weight."""

from __future__ import annotations

import re

from console.models.statements import StatementKind

HIDDEN = "<insufficient privilege>"
"""What PostgreSQL shows in the place of a text that is not for this role."""

_PASSWORD = re.compile(r"(\bPASSWORD\s+)(?:[eE]|[uU]&)?'(?:[^']|'')*(?:'|\Z)", re.IGNORECASE)

_WORD = re.compile(
    r"""--[^\n]* | /\*.*?(?:\*/|\Z) | '(?:[^']|'')*'? | "[^"]*"? | (?P<mark>[()]) | (?P<word>[^\W\d]\w*)""",
    re.VERBOSE | re.DOTALL,
)
_VERBS = {
    "select": StatementKind.SELECT,
    "values": StatementKind.SELECT,
    "table": StatementKind.SELECT,
    "insert": StatementKind.INSERT,
    "update": StatementKind.UPDATE,
    "delete": StatementKind.DELETE,
    "merge": StatementKind.MERGE,
}


def kind_of(text: str | None) -> StatementKind:
    """The kind of a statement whose beginning is known. `WITH` is what stands behind its parentheses."""
    if text is None or text == HIDDEN:
        return StatementKind.UNKNOWN
    depth = 0
    in_with = False
    for match in _WORD.finditer(text):
        if mark := match["mark"]:
            depth += 1 if mark == "(" else -1
        elif word := match["word"]:
            verb = _VERBS.get(word.lower())
            if in_with:
                if depth == 0 and verb is not None:
                    return verb
            elif word.lower() == "with":
                in_with, depth = True, 0
            else:
                return verb or StatementKind.UTILITY
    return StatementKind.SELECT if in_with else StatementKind.UTILITY


def without_passwords(text: str) -> str:
    """A statement without the passwords that `CREATE ROLE` and the like have: the server keeps them as they came."""
    return _PASSWORD.sub(r"\1'********'", text) if kind_of(text) is StatementKind.UTILITY else text
