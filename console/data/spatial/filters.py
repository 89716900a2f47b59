"""Which objects of a layer are shown: what a person types, and the SQL that it becomes."""

from __future__ import annotations

import re
from uuid import UUID

from console.data.identifiers import in_quotes
from console.errors import BadInput
from console.models.layers import Attribute, Layer, LayerFilter

_TOKEN = re.compile(r'(?:[^\s"]|"(?:[^"]|"")*"|")+')
"""What stands between blanks, with whatever is in double quotes as it is."""
_CLAUSE = re.compile(r'("(?:[^"]|"")+"|[^\s"=]+)=(.*)', re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_PATH = re.compile(r"(?:(?:strict|lax)\s+)?\$(?=[.\[?\s]|$)")

_NAMES = ("name", "label", "title", "object_id", "code", "ref")
"""Columns that name an object, the best first; others whose name ends in "name" come behind them."""
_MOST_SEARCHED = 5
"""Columns that are searched for words where none of them is known to be a name."""
_INTEGERS = ("smallint", "integer", "bigint")


def parse(text: str) -> LayerFilter:
    """The filter that a person typed: words of a name, `column=value` and an SQL/JSON path, any of them.

    `door`, `object_type=door project=Tower B`, `pump $.floor ? (@ > 3)`. A value goes on to the next `column=`, a path
    to the end; what is in double quotes is taken as it is, `""` in it being one of them.
    """
    words: list[str] = []
    equal: dict[str, list[str]] = {}
    path = None
    current = words
    for token in _TOKEN.finditer(text):
        if _PATH.match(text, token.start()):
            path = text[token.start() :].strip()
            break
        if clause := _CLAUSE.fullmatch(token[0]):
            current = equal[_unquoted(clause[1])] = [_unquoted(clause[2])] if clause[2] else []
        else:
            current.append(_unquoted(token[0]))
    return LayerFilter(
        words=" ".join(words),
        equal={column: " ".join(value) for column, value in equal.items()} or None,
        json_path=path,
    )


def predicate(layer: Layer, only: LayerFilter, first: int) -> tuple[str, tuple[str, ...]]:
    """A condition on a row of the layer under the alias `o`, and the values of its parameters from `$first` on.

    Raises `BadInput` for a column that the layer does not have.
    """
    conditions: list[str] = []
    arguments: list[str] = []

    def parameter(value: str) -> str:
        arguments.append(value)
        return f"${first + len(arguments) - 1}::text"

    if only.words:
        pattern = parameter(f"%{escaped_for_like(only.words)}%")
        found = " OR ".join(f"{column(one.name)}::text ILIKE {pattern}" for one in _searched(layer))
        conditions.append(f"({found})")
    for name, value in (only.equal or {}).items():
        conditions.append(_equal(layer, name, value, parameter(value)))
    if only.json_path:
        conditions.append(f"{_document(layer)} @? {parameter(only.json_path)}::jsonpath")
    return " AND ".join(conditions) or "true", tuple(arguments)


def column(name: str) -> str:
    """A column of the row `o`."""
    return f"o.{in_quotes(name)}"


def escaped_for_like(text: str) -> str:
    """A text that LIKE takes as it is."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def naming(layer: Layer) -> tuple[Attribute, ...]:
    """The columns that name the layer's objects, the best first."""
    known = [
        attribute for name in _NAMES for attribute in layer.attributes if attribute.name.casefold() == name
    ]
    others = [
        one
        for one in layer.attributes
        if one.name.casefold().endswith("name") and _is_text(one) and one not in known
    ]
    return (*known, *others)


def attribute_of(layer: Layer, name: str) -> Attribute:
    """The column of that name, whatever its case where no other is meant.

    Raises `BadInput` where there is none.
    """
    exact = [one for one in layer.attributes if one.name == name]
    alike = exact or [one for one in layer.attributes if one.name.casefold() == name.casefold()]
    if not alike:
        known = ", ".join(one.name for one in layer.attributes)
        has = f"it has {known}" if known else "it has none but its geometry"
        raise BadInput(f"{layer.name.schema}.{layer.name.table} has no column {name}; {has}.")
    return alike[0]


def equality(attribute: Attribute, value: str, parameter: str) -> str | None:
    """The condition that a column has a value, as an index on it answers; None for types that are compared as text.

    None too for a value that the type cannot have.
    """
    own = column(attribute.name)
    if attribute.type in _INTEGERS and _is_integer(value):
        return f"{own} = {parameter}::bigint"
    if attribute.type == "uuid" and _is_uuid(value):
        return f"{own} = {parameter}::uuid"
    return f"{own}::text = {parameter}" if _is_text(attribute) else None


def _unquoted(token: str) -> str:
    return _QUOTED.sub(lambda quoted: quoted[1].replace('""', '"'), token)


def _is_text(attribute: Attribute) -> bool:
    return re.match(r"text$|character|name$|(.+\.)?citext$", attribute.type) is not None


def _searched(layer: Layer) -> tuple[Attribute, ...]:
    """Where words are looked for."""
    searched = naming(layer) or tuple(filter(_is_text, layer.attributes))[:_MOST_SEARCHED]
    if not searched:
        raise BadInput(
            f"{layer.name.schema}.{layer.name.table} has no column with text to look for words in; "
            "filter by column=value."
        )
    return searched


def _equal(layer: Layer, name: str, value: str, parameter: str) -> str:
    if layer.is_cad and name.casefold() == "project":
        return (
            f"o.project_id IN (SELECT p.id FROM arxos_core.projects AS p "  # noqa: S608
            f"WHERE p.name = {parameter} OR p.id::text = {parameter})"
        )
    attribute = attribute_of(layer, name)
    return equality(attribute, value, parameter) or f"{column(attribute.name)}::text = {parameter}"


def _is_integer(value: str) -> bool:
    return re.fullmatch(r"-?[0-9]{1,19}", value) is not None and abs(int(value)) < 2**63


def _is_uuid(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True


def _document(layer: Layer) -> str:
    """The column with JSON that paths are about, as jsonb."""
    documents = [one for one in layer.attributes if one.type in ("jsonb", "json")]
    documents.sort(key=lambda one: (one.name != "properties", one.type != "jsonb"))
    if not documents:
        raise BadInput(
            f"{layer.name.schema}.{layer.name.table} has no column with JSON that a path could be about."
        )
    cast = "::jsonb" if documents[0].type == "json" else ""
    return f"{column(documents[0].name)}{cast}"
