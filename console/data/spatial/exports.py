"""Writing objects of a layer into files, with bounded memory: whole, or not at all."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import asyncpg

from console.data.queries import OWN_MARK
from console.data.spatial.context import SpatialContext
from console.data.spatial.exports_statement import SESSION, WGS84, statement
from console.data.spatial.exports_writing import writing
from console.data.spatial.threads import to_the_end
from console.errors import BadInput, DbconsoleError
from console.models.accounts import BulkProgress
from console.models.map_files import Extract, FileFormat, Written

Progress = Callable[[BulkProgress], None]
"""Is told how many objects are written, of an estimate."""

_CHUNK_BYTES = 2 * 2**20
"""Of a file that are made at once: one outline may have as many."""
_FIRST_ROWS = 100
_MOST_ROWS = 2000


class Exports:
    """Objects of one server's layers in files."""

    def __init__(self, context: SpatialContext) -> None:
        self._context = context

    async def write(
        self,
        extract: Extract,
        format_: FileFormat,
        path: Path,
        *,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> Written:
        """Writes a file. Until it is whole it has another name, and cancelling it leaves nothing.

        Raises `BadInput` where there is such a file already, or where it cannot be written; otherwise as `write_to`.
        """
        with _new_file(path, overwrite) as file:
            written = await self.write_to(extract, format_, file, progress=progress)
            await to_the_end(_settle, file)
        return written

    async def write_to(
        self, extract: Extract, format_: FileFormat, file: BinaryIO, *, progress: Progress | None = None
    ) -> Written:
        """Writes to an open file. Cancelling it cancels the statement on the server.

        Raises `BadInput` for a filter or an SRID that cannot be, `DbconsoleError` where the file cannot be written,
        `OperationRefused` as `Server.visit` and where the objects are nowhere on the map, and as `Server.ask`.
        """
        if format_ is FileFormat.GEOJSON and extract.srid not in (None, WGS84):
            raise BadInput("GeoJSON is always in EPSG:4326; CSV and DXF can be written in another SRID.")
        sql, values = statement(extract, format_)
        made = await asyncio.to_thread(writing, extract, format_)  # which imports what it needs
        async with (
            self._context.server.visit() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(f"{SESSION} {OWN_MARK}")
            total = await _estimate(connection, sql, values)
            await to_the_end(_put, file, made.begin)
            cursor = await connection.cursor(f"{sql} {OWN_MARK}", *values)
            count, limit = 0, _FIRST_ROWS
            while rows := await cursor.fetch(limit):
                size = await to_the_end(_put, file, made.rows, rows)
                count += len(rows)
                fitting = _CHUNK_BYTES * len(rows) // max(1, size)
                limit = max(1, min(fitting, 4 * limit, _MOST_ROWS))
                if progress is not None:
                    progress(BulkProgress(count, max(total, count + 1)))
            await to_the_end(_put, file, made.end)
        return Written(count, made.notes)


async def _estimate(connection: asyncpg.Connection[Any], sql: str, values: Sequence[Any]) -> int:
    """How many rows the planner expects."""
    plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql} {OWN_MARK}", *values)
    return int(json.loads(plan)[0]["Plan"]["Plan Rows"])


def _put(file: BinaryIO, make: Callable[..., bytes], *arguments: Any) -> int:
    """Writes what `make` gives, and returns its bytes."""
    made = make(*arguments)
    try:
        file.write(made)
    except OSError as error:
        # The server is not to be blamed for a full disk or for a reader that has gone.
        raise DbconsoleError(f"The file could not be written: {error.strerror}.") from error
    return len(made)


def _settle(file: BinaryIO) -> None:
    """Has the file on the disk before it takes its name: some disks say only then that they are full."""
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def _new_file(path: Path, overwrite: bool) -> Iterator[BinaryIO]:
    """A file beside the path, which takes its name at the end; nothing is left of it where the block fails."""
    taken = f"There is a file {path} already; choose another name."
    try:
        with suppress(FileNotFoundError):
            mode = path.stat().st_mode
            if stat.S_ISDIR(mode):
                raise BadInput(f"{path} is a folder; name a file.")
            if not stat.S_ISREG(mode):
                # Whose name the file would take, and nobody could write to it any more.
                raise BadInput(f"{path} is a device or a pipe; name a file.")
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from error
    if not overwrite and os.path.lexists(path):
        raise BadInput(taken)
    beside = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.part")
    try:
        file = beside.open("xb")
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from error
    try:
        with file:
            yield file
        if overwrite:
            beside.replace(path)
        else:
            _name(beside, path)
    except FileExistsError:
        raise BadInput(taken) from None
    except OSError as error:
        raise DbconsoleError(f"{path} could not be written: {error.strerror}.") from error
    finally:
        beside.unlink(missing_ok=True)


def _name(beside: Path, path: Path) -> None:
    """Gives the file its name unless that has been taken meanwhile. Raises `FileExistsError`."""
    try:
        os.link(beside, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without a second name for a file
        if os.path.lexists(path):
            raise FileExistsError from None
        beside.replace(path)
