"""The ledger as a run needs it: it is there, and the role may write into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg

from console.data.driver import DRIVER_ERRORS
from console.data.identifiers import quoted
from console.data.migrations import ledger
from console.data.migrations.worker.words import failure
from console.errors import OperationRefused

_RIGHTS = """
SELECT current_user AS role,
       has_table_privilege($1, 'SELECT') AND has_table_privilege($1, 'INSERT') AS suffice
"""


async def provide(connection: asyncpg.Connection[Any], table: str, project: Path) -> None:
    """Creates the ledger, whose quoted name is given, where it is missing: whoever may not create may still write.

    Raises `MigrationFailed` where it cannot be created, `OperationRefused` where this role may not write into it.
    """
    creation = ledger.CREATE.format(table=table).strip()
    try:
        if await connection.fetchval("SELECT to_regclass($1)", table) is None:
            await connection.execute(creation)
        rights = await connection.fetchrow(_RIGHTS, table)
    except DRIVER_ERRORS as error:
        raise failure(error, creation, project) from error
    assert rights is not None, "a SELECT without FROM gives one row"
    if not rights["suffice"]:
        raise OperationRefused(
            f"Nothing was run, since it could not be written down: GRANT SELECT, INSERT ON {table} "
            f"TO {quoted(rights['role'])};"
        )
