"""What a person is told before and after a pyramid is built."""

from __future__ import annotations

import asyncpg

from console.data.identifiers import literal
from console.models.layers import Layer, LayerName
from console.units import bytes_binary, duration

_SECONDS, _BYTES, _TEMPORARY_BYTES = 7e-6, 7, 110
"""For each row, as measured."""


def consequences(layer: Layer, stored: asyncpg.Record | None, *, is_first: bool) -> tuple[str, ...]:
    rows = stored["rows"] if stored is not None else layer.rows
    said = [
        "The whole table is read once"
        + (f", {rows:,} rows: about {duration(rows * _SECONDS)}" if rows is not None else "")
        + ". It can be read and written meanwhile, but what is deleted from any table cannot be vacuumed away before the end.",
    ]
    if rows is not None:
        said.append(
            f"About {bytes_binary(rows * _BYTES)} are kept in the schema dbconsole, and about "
            f"{bytes_binary(rows * _TEMPORARY_BYTES)} are needed for temporary tables until then."
        )
    if is_first:
        said.append(
            "The schema dbconsole is the console's own, and belongs to this role. Nobody else may read it unless you grant it."
        )
    if stored is not None:
        said.append(
            f"The pyramid of {stored['built_at']:%Y-%m-%d %H:%M} UTC serves until then, and is dropped."
        )
    return tuple(said)


def left_out(rows: int) -> str:
    return f" ({rows:,} rows without a place are left out)" if rows else ""


def written_out(statement: str, name: LayerName) -> str:
    """For reading."""
    for number, value in enumerate((name.schema, name.table, name.column), 1):
        statement = statement.replace(f"${number}", literal(value))
    return statement
