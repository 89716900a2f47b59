"""What EXPLAIN gives as JSON, read whatever its depth."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from console.errors import QueryFailed

_TOKEN = re.compile(r'\s*+(?:("(?:[^"\\]++|\\.)*+")|([\[{}\],:])|([^\s\[{}\],:"]++))', re.DOTALL)


def document_of(text: str) -> Mapping[str, Any]:
    """The one object that EXPLAIN gives: the plan and what belongs to all of it.

    Raises `QueryFailed` where the text is none.
    """
    try:
        try:
            found = json.loads(text)
        except RecursionError:  # about 490 nodes deep
            found = _read(text)
        document = found[0]
        document["Plan"]["Node Type"]
    except (ValueError, LookupError, TypeError) as error:
        raise QueryFailed("The server's plan cannot be read: it is not what EXPLAIN gives.") from error
    assert isinstance(document, dict)
    return document


def without_settings(text: str, names: Collection[str]) -> str:
    """EXPLAIN's JSON as it is, but for these of the settings that it tells."""
    # Within a string its quotes would have backslashes before them: it is a key, and of the whole only.
    start = text.rfind('"Settings": {') + len('"Settings": ')
    if not names or start < len('"Settings": '):
        return text
    settings, end = json.JSONDecoder().raw_decode(text, start)
    kept = {name: value for name, value in settings.items() if name not in names}
    if len(kept) == len(settings):
        return text
    lines = json.dumps(kept, indent=2, ensure_ascii=False).replace("\n", "\n    ")
    return text[:start] + lines + text[end:]


def _read(text: str) -> Any:
    """What `json.loads` gives, without recursion. Raises `ValueError` or `LookupError` for what is no JSON."""
    open_ones: list[Any] = [[]]
    names: list[str] = []
    is_name = False
    for match in _TOKEN.finditer(text.rstrip()):
        string, mark, other = match.groups()
        if mark in ("}", "]"):
            open_ones.pop()
            continue
        if mark in (",", ":"):
            is_name = mark == "," and isinstance(open_ones[-1], dict)
            continue
        if string and is_name:
            names.append(json.loads(string))
            continue
        value: Any = {"{": {}, "[": []}[mark] if mark else json.loads(string or other)
        container = open_ones[-1]
        if isinstance(container, dict):
            container[names.pop()] = value
        else:
            container.append(value)
        if mark:
            open_ones.append(value)
        is_name = mark == "{"
    return open_ones[0][0]
