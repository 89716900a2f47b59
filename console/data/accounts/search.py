"""What a person has typed to find something, as a condition that an index of trigrams answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, false, or_

LEAST_SEARCHED = 3
"""Characters of a search for what is anywhere in a text: fewer are in too many to be found fast."""


def containing(columns: Sequence[ColumnElement[Any]], word: str) -> ColumnElement[bool]:
    """Whether the word, whatever its case, is in one of the columns; nothing is that cannot be in a text at all."""
    if not is_text(word):
        return false()
    return or_(false(), *(column.ilike(f"%{_literally(word)}%") for column in columns))


def beginning(columns: Sequence[ColumnElement[Any]], word: str) -> ColumnElement[bool]:
    """Whether one of the columns begins with the word, as `containing`."""
    if not is_text(word):
        return false()
    return or_(false(), *(column.ilike(f"{_literally(word)}%") for column in columns))


def is_text(word: str) -> bool:
    """Whether PostgreSQL can be asked for it: a text there holds neither NUL nor half a character."""
    return "\0" not in word and not any("\ud800" <= letter <= "\udfff" for letter in word)


def _literally(word: str) -> str:
    """With what LIKE takes for a pattern made to stand for itself."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
