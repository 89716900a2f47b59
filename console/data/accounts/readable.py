"""Statements as a person reads them before they run."""

from __future__ import annotations

import re

from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.sql.dml import UpdateBase

HIDDEN = "…"
"""What stands in the place of a secret."""


def readable(statement: UpdateBase) -> str:
    """The statement with its parameters written out, on one line; what runs has them bound."""
    compiled = statement.compile(
        dialect=asyncpg.dialect(),  # type: ignore[no-untyped-call]
        compile_kwargs={"literal_binds": True},
    )
    return re.sub(r" *\n *", " ", str(compiled))
