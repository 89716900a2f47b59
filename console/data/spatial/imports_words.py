"""What an import means, for the person who is to confirm it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from console.data.spatial.imports_looking import Looked
from console.data.spatial.imports_statement import ROWS, TEMPORARY_TABLES, Arrival
from console.models.layers import GeometryKind
from console.models.map_files import ImportChoices, Refusals, number_of
from console.models.operation import Danger, Operation

LISTED = 10
"""Names or refused rows that are named one by one."""


def operation(
    arrival: Arrival,
    path: Path,
    looked: Looked,
    refusals: Refusals,
    choices: ImportChoices,
    statement: str,
    *,
    counted: Sequence[str],
    unknown: Sequence[str],
    may_be_cut: bool,
) -> Operation:
    """What is confirmed.

    `counted` are columns that the server fills, `unknown` attributes that the table lacks; see `FileReader.may_be_cut`.
    """
    name = arrival.layer.name
    table = f"{name.schema}.{name.table}"
    consequences = [
        f"{number_of(looked.rows, 'object')} of {path.name} will be new in {table}, all in one transaction.",
        "What the server refuses is left out, and reported."
        if choices.skip_refused
        else "If the server refuses one of them, none is added.",
        *_refused(refusals, choices),
        *_places(arrival, looked),
    ]
    if may_be_cut:
        consequences.append(
            f"{path.name} does not end with a line break: if it was cut off, its last object is wrong."
        )
    if counted:
        consequences.append(f"The server gives {_listed(counted)} new values of its own.")
    if unknown:
        consequences.append(f"The table has no such column, so this is left out: {_listed(unknown)}.")
    consequences.append("It is not among what undo takes back.")
    return Operation(
        title=f"Import {number_of(looked.rows, 'object')} of {path.name} into {table}",
        action="Import",
        object_name=table,
        statements=(*TEMPORARY_TABLES, f"COPY {ROWS} (number, document) FROM STDIN", statement),
        consequences=tuple(consequences),
        danger=Danger.NOTICEABLE,
    )


def _refused(refusals: Refusals, choices: ImportChoices) -> list[str]:
    if not refusals.count:
        return []
    instead = "left out" if choices.skip_refused else "so that nothing can be"
    said = [
        f"{number_of(refusals.count, 'row')} that cannot be imported, {instead}:",
        *refusals.sentences[:LISTED],
    ]
    more = refusals.count - LISTED
    return [*said, f"and {more:,} more."] if more > 0 else said


def _places(arrival: Arrival, looked: Looked) -> list[str]:
    layer, said = arrival.layer, []
    if arrival.flip:
        said.append("x and y are exchanged.")
    if arrival.srid and layer.srid and arrival.srid != layer.srid:
        said.append(f"Coordinates are transformed from EPSG:{arrival.srid} to EPSG:{layer.srid}.")
    if not layer.srid and (layer.kind is GeometryKind.POINT or not arrival.srid):
        said.append("The layer has no SRID: coordinates are taken as they are.")
    if looked.without_place:
        said.append(
            f"Without a geometry, or with one that only the server can read: {number_of(looked.without_place, 'object')}."
        )
    return said


def _listed(names: Sequence[str]) -> str:
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more:,} more" if more > 0 else "")
