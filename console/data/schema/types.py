"""Column types and indexes of extensions, with what takes their place where a server does not have the extension."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ARRAY, REAL, Column, Index
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine, UserDefinedType


class Point(UserDefinedType[Any]):
    """PostgreSQL's own `point`."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        return "point"


class Geometry(UserDefinedType[Any]):
    """PostGIS's `geometry`, by default a point in SRID 4326."""

    cache_ok = True
    extension = "postgis"
    substitute: TypeEngine[Any] = Point()

    def __init__(self, shape: str = "Point", srid: int | str = 4326) -> None:
        self.shape = shape
        self.srid = int(srid)

    def get_col_spec(self, **_options: Any) -> str:
        return f"geometry({self.shape},{self.srid})"


class Embedding(UserDefinedType[Any]):
    """pgvector's `vector`, by default with 1536 dimensions."""

    cache_ok = True
    extension = "vector"
    substitute: TypeEngine[Any] = ARRAY(REAL)

    def __init__(self, dimensions: int = 1536) -> None:
        self.dimensions = dimensions

    def get_col_spec(self, **_options: Any) -> str:
        return f"vector({self.dimensions})"


TRIGRAMS = "gin_trgm_ops"
"""What pg_trgm indexes text with, so that any part of it is found; where that is missing there is no such index."""


def trigrams(name: str, *columns: str) -> Index:
    """An index in which any three characters within any of the columns are found."""
    return Index(name, *columns, postgresql_using="gin", postgresql_ops=dict.fromkeys(columns, TRIGRAMS))


def needs_trigrams(index: Index) -> bool:
    """Whether there is such an index only where pg_trgm is."""
    return TRIGRAMS in index.dialect_options["postgresql"]["ops"].values()


# So that SQLAlchemy knows them when it reads a database's tables.
ischema_names.update(point=Point, geometry=Geometry, vector=Embedding)


def types_differ(
    _context: object,
    _inspected: Column[Any],
    _declared: Column[Any],
    inspected_type: TypeEngine[Any],
    declared_type: TypeEngine[Any],
) -> bool | None:
    """Alembic's `compare_type`: a substitute is no difference; None leaves the answer to Alembic."""
    if not isinstance(declared_type, Geometry | Embedding):
        return None
    found = inspected_type.compile()
    return found not in (declared_type.compile(), declared_type.substitute.compile())


def is_compared(
    item: SchemaItem, _name: str | None, _kind: str, is_inspected: bool, counterpart: SchemaItem | None
) -> bool:
    """Alembic's `include_object`: an index of an extension that the database does without is no difference."""
    is_missing = not is_inspected and counterpart is None
    return not (is_missing and isinstance(item, Index) and needs_trigrams(item))
