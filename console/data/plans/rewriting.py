"""Makes a text of `pg_stat_statements` one that the server's parser takes again.

It puts `$1` in the place of every constant, also where the grammar wants a constant: `interval $1`,
`EXTRACT($1 FROM placed_at)`. And it numbers each place anew, so that the expression of a `GROUP BY` is no longer the
one that is selected.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from console.data.plans.tokens import Kind, Token, after_group, are, edited, tokens_of

_TYPES = frozenset(
    [
        "abstime",
        "bit",
        "bool",
        "boolean",
        "box",
        "bpchar",
        "bytea",
        "char",
        "character",
        "cidr",
        "circle",
        "date",
        "daterange",
        "decimal",
        "float",
        "float4",
        "float8",
        "geography",
        "geometry",
        "inet",
        "int",
        "int2",
        "int4",
        "int4range",
        "int8",
        "int8range",
        "integer",
        "interval",
        "json",
        "jsonb",
        "jsonpath",
        "line",
        "lseg",
        "macaddr",
        "money",
        "name",
        "numeric",
        "numrange",
        "oid",
        "path",
        "point",
        "polygon",
        "real",
        "regclass",
        "regproc",
        "regtype",
        "smallint",
        "bigint",
        "text",
        "time",
        "timestamp",
        "timestamptz",
        "timetz",
        "tsquery",
        "tsrange",
        "tstzrange",
        "tsvector",
        "uuid",
        "varchar",
        "vector",
        "xml",
    ]
)
_FIELDS = frozenset(("year", "month", "day", "hour", "minute", "second"))


class Rewritten(NamedTuple):
    """A text with what was done to it, a sentence each."""

    text: str
    notes: tuple[str, ...]


def for_the_parser(text: str, major: int) -> Rewritten:
    """A text without the parameters that the grammar has no place for."""
    found = tokens_of(text)
    edits: list[tuple[int, int, str]] = []
    notes: dict[str, None] = {}
    for place, token in enumerate(found.tokens):
        if token.kind is not Kind.PARAMETER:
            continue
        if are(found.tokens, place - 2, "extract", "(") and are(found.tokens, place + 1, "from"):
            function = '"extract"' if major >= 14 else "date_part"
            edits += (
                (found.tokens[place - 2].start, found.tokens[place - 2].end, f"pg_catalog.{function}"),
                (token.start, found.tokens[place + 1].end, f"CAST({token.text} AS text),"),
            )
            notes[f"EXTRACT({token.text} FROM …) is planned as a call of the function behind it."] = None
        elif (literal := _typed_literal(text, found.tokens, place)) is not None:
            edits.append(literal.edit)
            notes[f"{literal.type} {token.text} is read as a cast: the server takes a constant there."] = None
    if found.has_shortened_list:
        notes["Lists of constants were shortened by the server; the plan is for lists of one."] = None
    return Rewritten(edited(text, edits), tuple(notes))


class _Literal(NamedTuple):
    type: str
    edit: tuple[int, int, str]


def _typed_literal(text: str, tokens: Sequence[Token], place: int) -> _Literal | None:
    """A parameter with the name of its type before it: `timestamp(3) with time zone $1`, `interval $1 day`."""
    last = place - 1
    if are(tokens, last - 1, "time", "zone"):
        # "… AT TIME ZONE $1" is an expression.
        if not (are(tokens, last - 2, "with") or are(tokens, last - 2, "without")):
            return None
        last -= 3
    first = _before_modifier(tokens, last)
    if first < 0 or tokens[first].kind is not Kind.WORD:
        return None
    word = tokens[first].text
    if (word, tokens[first - 1].text if first else "") in (("precision", "double"), ("varying", "character")):
        first -= 1
    elif word not in _TYPES:
        return None
    if are(tokens, first - 1, "."):
        if first < 2 or tokens[first - 2].text != "pg_catalog":
            return None
        first -= 2
    end = place
    if word == "interval" and place + 1 < len(tokens) and tokens[place + 1].text in _FIELDS:
        end = place + 3 if are(tokens, place + 2, "to") else place + 1
        if are(tokens, end + 1, "("):
            end = after_group(tokens, end + 1) - 1
    type_name = text[tokens[first].start : tokens[place - 1].end]
    fields = text[tokens[place].end : tokens[end].end]
    cast = f"CAST({tokens[place].text} AS {type_name}{fields})"
    return _Literal(type_name, (tokens[first].start, tokens[end].end, cast))


def _before_modifier(tokens: Sequence[Token], place: int) -> int:
    """The place of the word that a modifier of numbers, `(10, 2)`, stands behind; the place itself without one."""
    if not are(tokens, place, ")"):
        return place
    at = place - 1
    while at >= 0 and (tokens[at].kind is Kind.NUMBER or are(tokens, at, ",")):
        at -= 1
    return at - 1 if at >= 0 and are(tokens, at, "(") else place


def unknown_word(text: str, position: int) -> Rewritten | None:
    """A text in which the parameter at a character (from 1, as the server counts) is cast to the name before it.

    For types that this module does not know. None where no parameter stands there, or no name before it.
    """
    tokens = tokens_of(text).tokens
    for place, token in enumerate(tokens):
        if (
            token.start == position - 1
            and token.kind is Kind.PARAMETER
            and place
            and tokens[place - 1].is_name
        ):
            first = place - 1
            if are(tokens, first - 1, ".") and first > 1 and tokens[first - 2].is_name:
                first -= 2
            type_name = text[tokens[first].start : tokens[place - 1].end]
            edit = (tokens[first].start, token.end, f"CAST({token.text} AS {type_name})")
            note = f"{type_name} {token.text} is read as a cast: the server takes a constant there."
            return Rewritten(edited(text, [edit]), (note,))
    return None


def as_text(text: str, parameter: int) -> Rewritten | None:
    """A text in which a parameter is cast to text, for one whose type the server cannot tell; None without it."""
    name = f"${parameter}"
    edits = [
        (token.start, token.end, f"CAST({name} AS text)")
        for token in tokens_of(text).tokens
        if token.kind is Kind.PARAMETER and token.text == name
    ]
    if not edits:
        return None
    return Rewritten(edited(text, edits), (f"The type of {name} cannot be told; it is taken for text.",))


def with_one_number_for_one_value(text: str) -> Rewritten | None:
    """A text in which calls that differ in nothing but the numbers of their parameters have the same numbers.

    None where there are no two such calls.
    """
    tokens = tokens_of(text).tokens
    seen: dict[tuple[str, ...], list[str]] = {}
    same: dict[str, str] = {}
    for place, token in enumerate(tokens):
        if not are(tokens, place, "(") or not place or not tokens[place - 1].is_name:
            continue
        call = tokens[place - 1 : after_group(tokens, place)]
        parameters = [token.text for token in call if token.kind is Kind.PARAMETER]
        shape = tuple("$" if token.kind is Kind.PARAMETER else token.text for token in call)
        for later, first in zip(parameters, seen.setdefault(shape, parameters), strict=True):
            if later != first:
                same.setdefault(later, first)
    if not same:
        return None
    edits = [
        (token.start, token.end, same[token.text])
        for token in tokens
        if token.kind is Kind.PARAMETER and token.text in same
    ]
    pairs = ", ".join(
        f"{later} for {first}" for later, first in sorted(same.items(), key=lambda p: int(p[0][1:]))
    )
    note = f"Grouping needs the expression that is selected: taken for the same value are {pairs}."
    return Rewritten(_numbered_anew(edited(text, edits)), (note,))


def without_gaps(text: str) -> Rewritten | None:
    """A text whose parameters are numbered from 1 without gaps; None where they are already."""
    numbered = _numbered_anew(text)
    if numbered == text:
        return None
    return Rewritten(numbered, ("Parameters are numbered anew, for some numbers were missing.",))


def _numbered_anew(text: str) -> str:
    found = [token for token in tokens_of(text).tokens if token.kind is Kind.PARAMETER]
    numbers = {name: number for number, name in enumerate(sorted({t.text for t in found}, key=_number), 1)}
    return edited(text, ((token.start, token.end, f"${numbers[token.text]}") for token in found))


def _number(parameter: str) -> int:
    return int(parameter[1:])


def parameter_in(words: str) -> int | None:
    """The number of the parameter that the server's words are about."""
    match = re.search(r"\$(\d+)", words)
    return int(match[1]) if match else None
