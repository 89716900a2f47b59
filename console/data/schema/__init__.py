"""SQLAlchemy's tables of the platform schema, one module a schema: what Alembic compares a database with.

`metadata` holds them all. The migrations do not use them: what builds the tables and what declares them are
written apart, and compared by a test.
"""

from __future__ import annotations

from console.data.schema import (
    ai,
    analytics,
    assist,
    blockchain,
    cad,
    collex,
    commerce,
    core,
    gaia,
    gus,
    sync,
)
from console.data.schema.base import metadata

__all__ = [
    "ai",
    "analytics",
    "assist",
    "blockchain",
    "cad",
    "collex",
    "commerce",
    "core",
    "gaia",
    "gus",
    "metadata",
    "sync",
]
