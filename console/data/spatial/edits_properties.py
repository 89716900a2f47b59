"""The properties of a CAD object, as a person changes them: JSON as text."""

from __future__ import annotations

import json
from typing import NoReturn

from console.errors import BadInput


def json_object(text: str) -> str:
    """The text of a JSON object. Raises `BadInput` for anything else."""
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise BadInput("The properties are nested too deeply.") from None
    except ValueError as problem:
        raise BadInput(f"The properties are no JSON: {problem}.") from None
    if not isinstance(found, dict):
        raise BadInput('The properties have to be a JSON object, such as {"floor": 12}.')
    return text


def escaped(text: str) -> str:
    """The same JSON, in which whatever cannot be seen stands as `\\u202e`; its line breaks stay."""
    return "".join(
        character if character.isprintable() or character == "\n" else json.dumps(character)[1:-1]
        for character in text
    )


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
