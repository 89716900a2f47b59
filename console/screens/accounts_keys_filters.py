"""Which keys are looked at: what a person can choose, and how it is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias

from console.models.api_keys import KeyFilter, KeyState

Changes: TypeAlias = Mapping[str, Any]
"""Fields of `KeyFilter` that a choice sets; what it is when it is not chosen is that of an empty filter."""

EVERYTHING = "all keys"
UNUSED_FOR = "unused for …"

FILTERS: dict[str, Changes] = {
    **{state.value: {"state": state} for state in KeyState},
    "expiring in 7 d": {"expires_within": timedelta(days=7)},
    "expiring in 30 d": {"expires_within": timedelta(days=30)},
    "never used": {"never_used": True},
    "unused for 30 d": {"unused_for": timedelta(days=30)},
    "unused for 90 d": {"unused_for": timedelta(days=90)},
    "unused for 365 d": {"unused_for": timedelta(days=365)},
    "admin scope": {"admin": True},
    "never expiring": {"never_expires": True},
}
"""By the words that a person reads; several can hold at once."""

_NOTHING = KeyFilter()


def has(keys: KeyFilter, changes: Changes) -> bool:
    """Whether a filter has what a choice sets."""
    return all(getattr(keys, name) == value for name, value in changes.items())


def toggled(keys: KeyFilter, changes: Changes) -> KeyFilter:
    """With a choice, or without it where it was chosen already."""
    if has(keys, changes):
        changes = {name: getattr(_NOTHING, name) for name in changes}
    return replace(keys, **changes)


def in_words(keys: KeyFilter) -> str:
    """What a filter lets through; "" for everything."""
    said = [words for words, changes in FILTERS.items() if has(keys, changes)]
    if keys.unused_for is not None and not any(words.startswith("unused") for words in said):
        said.append(f"unused for {keys.unused_for.days} d")
    return " · ".join(said)
