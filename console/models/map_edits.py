"""Changes of objects on a map: what is read before one, what it writes, and what takes it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from console.models.layers import Layer
from console.models.map_objects import ObjectKey
from console.models.operation import Operation

Row: TypeAlias = Mapping[str, str | None]
"""Every column of a row, as PostgreSQL writes it as text and reads it again: geometry as hexadecimal EWKB."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A value in a statement: bound when it runs, written out where it is read."""

    value: str | float | None
    type: str
    """What a text is cast to, qualified; nothing for a number."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A value that the server computes: SQL, with values between."""

    parts: tuple[str | Bound, ...]


@dataclass(frozen=True, slots=True)
class EditedTable:
    """A table as far as its rows are written."""

    schema: str
    name: str
    key: tuple[str, ...]
    """The columns of its primary key."""
    types: Mapping[str, str]
    """What a text is cast to for each column, qualified and without a length, which the column itself enforces."""
    limits: Mapping[str, int]
    """Characters that a column takes at most, where it has a limit."""
    required: frozenset[str]
    """Columns that take no NULL."""
    generated: frozenset[str]
    """Columns that are computed of others."""
    has_own_identity: bool
    """Whether it takes a value for its identity column only when that is insisted on."""


@dataclass(frozen=True, slots=True)
class EditedObject:
    """An object as it was read for a change: what is written is refused when it is another by then."""

    layer: Layer
    table: EditedTable
    key: ObjectKey
    row: Row
    label: str
    x: float | None
    """The middle of its bounds, in the units of the view; None for none."""
    y: float | None
    shape: str | None
    """PostGIS's word in capitals; None for NULL."""
    is_flat: bool
    """Whether x and y are all that a vertex of it has."""


@dataclass(frozen=True, slots=True)
class Tie:
    """A constraint that mentions objects."""

    table: EditedTable
    row: Row
    constraint_id: str
    constraint_type: str
    object_ids: tuple[str, ...]


class TieFate(Enum):
    """What becomes of the constraints that mention an object when it is deleted."""

    DELETE = "delete them"
    TAKE_OUT = "take the object out of them"
    LEAVE = "leave them, naming what is not there"


@dataclass(frozen=True, slots=True)
class ObjectDraft:
    """A CAD object to be created, as it was typed; what is empty is left out."""

    object_id: str
    object_type: str
    x: float
    """In the units of the view."""
    y: float
    name: str = ""
    properties: str = ""
    """A JSON object."""
    project: str = ""
    """Its id or its name."""


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row before and after; None is no row."""

    table: EditedTable
    key: ObjectKey
    """Empty for a row whose key the server gives it."""
    before: Row | None
    after: Mapping[str, str | Expression | None] | None
    """Of a row that stays, the columns that become others."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A change that is planned: shown as its operation, and made as its rows."""

    verb: str
    """For the trail: "move"."""
    layer: Layer
    operation: Operation
    changes: tuple[RowChange, ...]
    mentioned: tuple[str, ...] = ()
    """Ids of objects that the edit takes away: by then `ties`, and no others, may be the constraints that mention them."""
    ties: frozenset[str] = frozenset()
    undoes: Edit | None = None
    """What it takes back."""
