"""Snapshots as JSON, for programs.

The shape is that of the models (`console/models/`): a field keeps its name, an age or a duration is in seconds, a
size in bytes, a ratio between 0 and 1; a time is ISO 8601 in UTC, a state is the word that the console shows, and what is
not known is null. New fields may come; those that are there keep their meaning.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from console.units import UNKNOWN


def as_json(snapshot: Any) -> str:
    """The snapshot as indented JSON text, in ASCII: right in every locale, and nothing in it steers a terminal."""
    return json.dumps(_plain(snapshot), indent=2, allow_nan=False)


def utc(at: datetime) -> str:
    """A time as ISO 8601 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    """The same in dictionaries, lists and scalars."""
    if isinstance(value, Enum):
        return None if value.value == UNKNOWN else value.value
    if isinstance(value, datetime):
        return utc(value)
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, PurePath | UUID):
        return str(value)
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
