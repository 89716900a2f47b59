"""Looking through a file before anything of it is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from console.data.spatial.imports_reading import FileRow
from console.errors import BadInput
from console.models.layers import GeometryKind, Layer
from console.models.map_files import Refusal, Refusals, number_of
from console.models.map_view import Envelope

MOST_REFUSALS = 100
"""That are named one by one."""
MOST_NAMES = 1000
"""Attributes of one file: a table has no more columns than 1,600."""
_BATCH_ROWS = 5000
_BATCH_CHARACTERS = 8 * 2**20
_WHOLE_TURN = 360.0
"""Degrees to the east or west that are still somewhere: what crosses the antimeridian goes on behind 180."""


class CoordinatesDoubted(BadInput):
    """The coordinates seem to be the wrong way round."""


@dataclass
class Refused:
    """Rows that are refused, as they come."""

    unit: str
    count: int = 0
    first: list[Refusal] = field(default_factory=list)

    def add(self, number: int, reason: str) -> None:
        """One more."""
        self.count += 1
        if len(self.first) < MOST_REFUSALS:
            self.first.append(Refusal(number, reason))

    def all(self) -> Refusals:
        """As they are now."""
        return Refusals(self.unit, self.count, tuple(sorted(self.first, key=lambda one: one.number)))


@dataclass
class Looked:
    """What was seen of a file so far."""

    layer: Layer
    refused: Refused
    rows: int = 0
    without_place: int = 0
    names: dict[str, None] = field(default_factory=dict)
    bounds: Envelope | None = None
    off_globe: int = 0
    """Rows whose coordinates are no longitudes and latitudes."""
    off_globe_flipped: int = 0
    """Rows for which that holds the other way round."""
    example: str = ""
    """The first that is off the globe."""

    def take(self, rows: Sequence[FileRow]) -> None:
        """Looks at some more rows. Raises `BadInput` for more attributes than there can be."""
        for row in rows:
            if (reason := refusal(row, self.layer)) is not None:
                self.refused.add(row.number, reason)
                continue
            self.rows += 1
            self.without_place += row.shape is None and row.bounds is None
            self.names.update(dict.fromkeys(row.names))
            if row.bounds is not None:
                self._place(row, row.bounds)
        if len(self.names) > MOST_NAMES:
            raise BadInput(f"The file has more than {MOST_NAMES:,} different attributes, and no table has.")

    def _place(self, row: FileRow, box: Envelope) -> None:
        self.bounds = box if self.bounds is None else self.bounds.united(box)
        if _is_off_globe(box):
            self.off_globe += 1
            self.example = (
                self.example or f"{self.refused.unit} {row.number:,}: {box.west:.10g}, {box.south:.10g}"
            )
        self.off_globe_flipped += _is_off_globe(flipped(box))


def refusal(row: FileRow, layer: Layer) -> str | None:
    """Why a row is not sent; None where nothing speaks against it before the server has seen it."""
    if row.reason is not None or row.shape is None:
        return row.reason
    if layer.kind is GeometryKind.POINT:
        fitting = ["POINT"]
    else:
        own = layer.shape.removesuffix("ZM").removesuffix("Z").removesuffix("M")
        fitting = [own, own.removeprefix("MULTI")]
        if own == "GEOMETRY":
            return None
    if row.shape in fitting:
        return None
    return f"a {row.shape.lower()} does not fit a column of {fitting[0].lower()}s"


def refuse_doubtful(looked: Looked, *, is_degrees: bool, extent: Envelope | None) -> None:
    """Raises `CoordinatesDoubted`, with the evidence, where x and y seem to be the wrong way round.

    `extent` is where the layer's objects are, in what the file is in. Raises `BadInput` where coordinates that should
    be degrees are none either way.
    """
    box = looked.bounds
    if box is None:
        return
    if is_degrees and looked.off_globe:
        if looked.off_globe_flipped:
            raise BadInput(
                f"Coordinates such as {looked.example} are no longitude and latitude; give the SRID that the file is in."
            )
        raise CoordinatesDoubted(
            f"x and y seem to be the wrong way round: {number_of(looked.off_globe, 'object')} off the globe "
            f"({looked.example}), and with latitude and longitude exchanged none is."
        )
    if extent is None:
        return
    near = extent.grown(0.5)
    if near.contains(flipped(box)) and not _touches(near, box):
        raise CoordinatesDoubted(
            "x and y seem to be the wrong way round: as they are, all of it is far from the layer's objects "
            f"({box.west:.10g}, {box.south:.10g} to {box.east:.10g}, {box.north:.10g}), and exchanged it is among them."
        )


def flipped(box: Envelope) -> Envelope:
    """With x and y exchanged."""
    return Envelope(box.south, box.west, box.north, box.east)


def batch(rows: Iterator[FileRow]) -> list[FileRow]:
    """The next rows: so many, or so much of them; none at the end."""
    taken: list[FileRow] = []
    characters = 0
    for row in islice(rows, _BATCH_ROWS):
        taken.append(row)
        characters += len(row.document)
        if characters > _BATCH_CHARACTERS:
            break
    return taken


def _is_off_globe(box: Envelope) -> bool:
    return max(-box.south, box.north) > 90 or max(-box.west, box.east) > _WHOLE_TURN


def _touches(one: Envelope, other: Envelope) -> bool:
    return (
        one.west <= other.east
        and other.west <= one.east
        and one.south <= other.north
        and other.south <= one.north
    )
